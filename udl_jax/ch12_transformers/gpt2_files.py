"""GPT-2's weights: the files of the library ``transformers``, read and written."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy
from jaxtyping import PyTree

from udl_jax.ch12_transformers.language_model import Config, LanguageModel

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
_PREFIX = "transformer."
#: Constants that old checkpoints carry along: the causal mask, and the number that stands for minus infinity.
_BUFFERS = (".attn.bias", ".attn.masked_bias")
#: Our fields by the names in ``config.json``, in both directions; all may be missing there.
_FIELDS = {
    "vocab_size": "vocabulary",
    "n_positions": "context",
    "n_embd": "width",
    "n_layer": "layers",
    "n_head": "heads",
    "n_inner": "hidden",
    "activation_function": "activation",
    "layer_norm_epsilon": "epsilon",
    "tie_word_embeddings": "tied",
    "scale_attn_weights": "scaled",
    "scale_attn_by_inverse_layer_idx": "by_layer",
}
#: Where the parameters of a layer stand, in a checkpoint and in our tree; the kernels lie alike in both.
_LAYER = {
    "ln_1.weight": ("norm_1", "scale"),
    "ln_1.bias": ("norm_1", "bias"),
    "attn.c_attn.weight": ("attention", "project", "kernel"),
    "attn.c_attn.bias": ("attention", "project", "bias"),
    "attn.c_proj.weight": ("attention", "combine", "kernel"),
    "attn.c_proj.bias": ("attention", "combine", "bias"),
    "ln_2.weight": ("norm_2", "scale"),
    "ln_2.bias": ("norm_2", "bias"),
    "mlp.c_fc.weight": ("widen", "kernel"),
    "mlp.c_fc.bias": ("widen", "bias"),
    "mlp.c_proj.weight": ("narrow", "kernel"),
    "mlp.c_proj.bias": ("narrow", "bias"),
}
_OUTSIDE = {
    "wte.weight": ("tokens", "embedding"),
    "wpe.weight": ("positions", "embedding"),
    "ln_f.weight": ("norm", "scale"),
    "ln_f.bias": ("norm", "bias"),
}


class Loaded(NamedTuple):
    """A model and its variables.

    Attributes
    ----------
    model
        The architecture.
    variables
        Its weights, in the precision of the file.
    """

    model: LanguageModel
    variables: dict[str, PyTree]


def load_gpt2(folder: str | Path) -> Loaded:
    """Read a GPT-2 of any size that ``transformers`` has saved.

    Parameters
    ----------
    folder
        Holds ``config.json`` and ``model.safetensors`` (or its parts and their index).

    Returns
    -------
    Loaded
        Model and variables.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged or cut off, the configuration is not one of GPT-2 or asks for what we do not have, or
        weights are missing, too many, or not of the size that the configuration says.

    References
    ----------
    Prince (2023), section 12.7; notebook 12.4.
    """
    folder = Path(folder)
    config = read_config(folder)
    tensors = _strip(_read_tensors(folder))
    model = LanguageModel(config)
    shapes = _shapes(model)
    wanted = _addresses(config)
    missing = sorted(set(wanted) - set(tensors))
    unknown = sorted(set(tensors) - set(wanted) - ({"lm_head.weight"} if config.tied else set()))
    for names, what in ((missing, "lacks"), (unknown, "has unknown weights")):
        if names:
            raise ValueError(f"the checkpoint in {folder} {what} {names[0]} ({len(names)} in all)")
    for name, (path, layer) in wanted.items():
        shape = _at(shapes, path).shape[0 if layer is None else 1 :]
        shape = shape[::-1] if name == "lm_head.weight" else shape
        if tensors[name].shape != shape:
            raise ValueError(f"{name} must have the shape {shape} by {CONFIG}, got {tensors[name].shape}")
    return Loaded(model, {"params": _as_tree(tensors, wanted)})


def save_gpt2(folder: str | Path, model: LanguageModel, variables: Mapping[str, PyTree]) -> None:
    """Write a model in the form that ``transformers`` reads.

    Parameters
    ----------
    folder
        Where ``config.json`` and ``model.safetensors`` go; made if it does not exist.
    model, variables
        What to write.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_ctx": model.config.context}
    config |= {theirs: getattr(model.config, ours) for theirs, ours in _FIELDS.items()}
    folder.joinpath(CONFIG).write_text(json.dumps(config, indent=2) + "\n")
    tensors = {}
    for name, (path, layer) in _addresses(model.config).items():
        leaf = np.asarray(_at(variables["params"], path))
        leaf = leaf if layer is None else leaf[layer]
        key = name if name == "lm_head.weight" else _PREFIX + name
        tensors[key] = np.ascontiguousarray(leaf.T if name == "lm_head.weight" else leaf)
    safetensors.numpy.save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def read_config(folder: str | Path) -> Config:
    """Read the size of a model from ``config.json``; what is not said there is as in the smallest GPT-2.

    Parameters
    ----------
    folder
        Holds ``config.json``.

    Returns
    -------
    Config
        The model's size.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`load_gpt2`.
    """
    path = Path(folder) / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"{folder} has no {CONFIG}")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if not isinstance(found, dict) or found.get("model_type", "gpt2") != "gpt2":
        kind = found.get("model_type") if isinstance(found, dict) else found
        raise ValueError(f"{path} must be the configuration of a GPT-2, got model_type {kind!r}")
    if found.get("add_cross_attention"):
        raise ValueError(f"{path} asks for cross-attention, which this model has not")
    fields = {ours: found[theirs] for theirs, ours in _FIELDS.items() if theirs in found}
    try:
        return Config(**fields)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def _read_tensors(folder: Path) -> dict[str, np.ndarray]:
    names = [WEIGHTS]
    if not folder.joinpath(WEIGHTS).is_file() and folder.joinpath(INDEX).is_file():
        names = sorted(set(json.loads(folder.joinpath(INDEX).read_text())["weight_map"].values()))
    tensors: dict[str, np.ndarray] = {}
    for name in names:
        path = folder / name
        if not path.is_file():
            raise FileNotFoundError(f"{folder} has no {name}")
        try:
            tensors |= safetensors.numpy.load_file(path)
        except safetensors.SafetensorError as error:
            raise ValueError(f"{path} is damaged or cut off: {error}") from None
    return tensors


def _strip(tensors):
    """Take away what names and constants some checkpoints have and others have not."""
    stripped = {name.removeprefix(_PREFIX): tensor for name, tensor in tensors.items()}
    return {name: tensor for name, tensor in stripped.items() if not name.endswith(_BUFFERS)}


def _addresses(config: Config) -> dict[str, tuple[tuple[str, ...], int | None]]:
    """Say for each name of a checkpoint where it stands in our tree, and in which layer."""
    wanted: dict[str, Any] = {name: (path, None) for name, path in _OUTSIDE.items()}
    for layer in range(config.layers):
        wanted |= {f"h.{layer}.{name}": (("stack", "layers", *path), layer) for name, path in _LAYER.items()}
    return wanted if config.tied else wanted | {"lm_head.weight": (("outputs", "kernel"), None)}


def _shapes(model):
    tokens = jax.ShapeDtypeStruct((1, 1), jnp.int32)
    return jax.eval_shape(model.init, jax.random.key(0), tokens)["params"]


def _at(tree, path):
    for name in path:
        tree = tree[name]
    return tree


def _as_tree(tensors, wanted):
    """Stack the layers, and hang everything into a tree of dictionaries."""
    gathered: dict[tuple[str, ...], Any] = {}
    for name, (path, layer) in wanted.items():
        tensor = tensors[name].T if name == "lm_head.weight" else tensors[name]
        if layer is None:
            gathered[path] = tensor
        else:
            gathered.setdefault(path, []).append(tensor)
    tree: dict[str, Any] = {}
    for path, leaf in gathered.items():
        branch = tree
        for name in path[:-1]:
            branch = branch.setdefault(name, {})
        branch[path[-1]] = jnp.asarray(np.stack(leaf) if isinstance(leaf, list) else leaf)
    return tree
