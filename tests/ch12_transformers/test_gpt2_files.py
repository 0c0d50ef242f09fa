import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from udl_jax.ch12_transformers.gpt2_files import load_gpt2, read_config, save_gpt2
from udl_jax.ch12_transformers.language_model import Config, LanguageModel

TOKENS = jnp.array([[0, 3, 1, 4]])


def make(**fields):
    model = LanguageModel(
        Config(**({"vocabulary": 7, "context": 6, "width": 4, "layers": 2, "heads": 2} | fields))
    )
    return model, model.init(jax.random.key(0), TOKENS)


@pytest.fixture
def saved(tmp_path):
    save_gpt2(tmp_path, *make())
    return tmp_path


def change_config(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def change_weights(folder, change):
    path = folder / "model.safetensors"
    safetensors.numpy.save_file(change(safetensors.numpy.load_file(path)), path)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"tied": False},
        {"hidden": 5, "activation": "relu", "epsilon": 0.01},
        {"by_layer": True, "scaled": False},
    ],
    ids=str,
)
def test_round_trip(tmp_path, fields):
    model, variables = make(**fields)
    save_gpt2(tmp_path / "new", model, variables)
    loaded = load_gpt2(tmp_path / "new")
    assert loaded.model == model
    jax.tree.map(np.testing.assert_array_equal, loaded.variables, {"params": variables["params"]})
    np.testing.assert_array_equal(
        loaded.model.apply(loaded.variables, TOKENS), model.apply(variables, TOKENS)
    )


def test_double_precision_is_kept(tmp_path):
    with jax.enable_x64(True):
        model, variables = make()
        variables = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), variables)
        save_gpt2(tmp_path, model, variables)
        leaves = jax.tree.leaves(load_gpt2(tmp_path).variables)
        assert {leaf.dtype for leaf in leaves} == {np.dtype("float64")}


def test_old_checkpoints_without_prefix_and_with_buffers(saved):
    before = load_gpt2(saved)

    def age(tensors):
        old = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
        old |= {f"h.{layer}.attn.bias": np.ones((1, 1, 6, 6), np.float32) for layer in range(2)}
        old |= {f"h.{layer}.attn.masked_bias": np.array(-1e4, np.float32) for layer in range(2)}
        return old | {"lm_head.weight": tensors["transformer.wte.weight"]}

    change_weights(saved, age)
    jax.tree.map(np.testing.assert_array_equal, load_gpt2(saved).variables, before.variables)


def test_checkpoints_in_parts(saved):
    before = load_gpt2(saved)
    tensors = safetensors.numpy.load_file(saved / "model.safetensors")
    names = sorted(tensors)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, inside in parts.items():
        safetensors.numpy.save_file({name: tensors[name] for name in inside}, saved / file)
    index = {"weight_map": {name: file for file, inside in parts.items() for name in inside}}
    saved.joinpath("model.safetensors.index.json").write_text(json.dumps(index))
    saved.joinpath("model.safetensors").unlink()
    jax.tree.map(np.testing.assert_array_equal, load_gpt2(saved).variables, before.variables)


def test_configuration_that_says_nothing_is_gpt2s(tmp_path):
    tmp_path.joinpath("config.json").write_text("{}")
    assert read_config(tmp_path) == Config()


def test_missing_files_are_told(tmp_path, saved):
    with pytest.raises(FileNotFoundError, match=r"has no config\.json"):
        load_gpt2(tmp_path / "nowhere")
    saved.joinpath("model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no model\.safetensors"):
        load_gpt2(saved)


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_cut_off_weights_are_told(saved, keep):
    path = saved / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged or cut off"):
        load_gpt2(saved)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"model_type": "bert"}, "must be the configuration of a GPT-2, got model_type 'bert'"),
        ({"n_head": 3}, "heads must divide width, 4, got 3"),
        ({"activation_function": "sine"}, "activation must be one of"),
        ({"n_embd": 8}, r"wte\.weight must have the shape \(7, 8\) by config\.json, got \(7, 4\)"),
        ({"vocab_size": 9}, r"wte\.weight must have the shape \(9, 4\)"),
        ({"n_positions": 9}, r"wpe\.weight must have the shape \(9, 4\)"),
        ({"n_inner": 5}, r"h\.0\.mlp\.c_fc\.weight must have the shape \(4, 5\)"),
        ({"n_layer": 3}, r"lacks h\.2\.attn\.c_attn\.bias \(12 in all\)"),
        ({"n_layer": 1}, r"has unknown weights h\.1\.attn\.c_attn\.bias \(12 in all\)"),
        ({"tie_word_embeddings": False}, r"lacks lm_head\.weight"),
        ({"add_cross_attention": True}, "asks for cross-attention"),
    ],
)
def test_wrong_configurations_are_told(saved, fields, match):
    change_config(saved, **fields)
    with pytest.raises(ValueError, match=match):
        load_gpt2(saved)


def test_damaged_configuration_is_told(saved):
    saved.joinpath("config.json").write_text('{"n_embd": 4')
    with pytest.raises(ValueError, match=r"config\.json is damaged"):
        load_gpt2(saved)
    saved.joinpath("config.json").write_text("[]")
    with pytest.raises(ValueError, match="must be the configuration of a GPT-2"):
        load_gpt2(saved)


def test_missing_and_unknown_weights_are_told(saved):
    change_weights(saved, lambda tensors: {n: t for n, t in tensors.items() if "ln_f" not in n})
    with pytest.raises(ValueError, match=r"lacks ln_f\.bias \(2 in all\)"):
        load_gpt2(saved)
