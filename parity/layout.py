"""Where torch and Flax keep the same numbers in different places.

Everything goes from torch to Flax; torch's arrays come as NumPy arrays.
"""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from udl_jax.ch12_transformers import multihead_attention

#: torch's batch-norm momentum is the weight of the new batch, Flax's that of the old average.
BATCH_NORM_MOMENTUM = 0.9
#: torch's Dropout2d drops whole channels: in Flax's Dropout, over images (batch, height, width, channels).
CHANNEL_DROPOUT_BROADCAST = (1, 2)


def dense(weight: Float[Array, "out in"], bias: Float[Array, " out"]) -> dict[str, Float[Array, "..."]]:
    """Turn the parameters of ``torch.nn.Linear`` into those of ``flax.linen.Dense``."""
    return {"kernel": jnp.asarray(weight).T, "bias": jnp.asarray(bias)}


def conv(
    weight: Float[Array, "out in *kernel"], bias: Float[Array, " out"]
) -> dict[str, Float[Array, "..."]]:
    """Turn the parameters of ``torch.nn.Conv1d`` or ``Conv2d`` into those of ``flax.linen.Conv``."""
    return {"kernel": jnp.moveaxis(jnp.asarray(weight), (0, 1), (-1, -2)), "bias": jnp.asarray(bias)}


def batch_norm(
    weight: Float[Array, " features"],
    bias: Float[Array, " features"],
    running_mean: Float[Array, " features"],
    running_var: Float[Array, " features"],
) -> tuple[dict[str, Float[Array, " features"]], dict[str, Float[Array, " features"]]]:
    """Turn torch's batch norm into Flax's parameters and batch statistics."""
    parameters = {"scale": jnp.asarray(weight), "bias": jnp.asarray(bias)}
    return parameters, {"mean": jnp.asarray(running_mean), "var": jnp.asarray(running_var)}


def unbiased_running_variance(
    flax_var: Float[Array, " features"], before: Float[Array, " features"], samples: int
) -> Float[Array, " features"]:
    """Correct one update of Flax's running variance to torch's, which divides by ``samples - 1``."""
    update = flax_var - BATCH_NORM_MOMENTUM * before
    return BATCH_NORM_MOMENTUM * before + update * samples / (samples - 1)


def images(x: Shaped[Array, "batch channels *space"]) -> Shaped[Array, "batch *space channels"]:
    """Move torch's channels, which come first, to the end."""
    return jnp.moveaxis(jnp.asarray(x), 1, -1)


def dense_after_flatten(
    weight: Float[Array, "out in"], bias: Float[Array, " out"], shape: Sequence[int]
) -> dict[str, Float[Array, "..."]]:
    """Turn a Linear that follows torch's Flatten into a Dense that follows a flattening of ours.

    ``shape`` is what torch flattens, (channels, *space): there channels vary slowest, with us fastest.
    """
    kernel = jnp.asarray(weight).reshape(-1, *shape)
    return dense(jnp.moveaxis(kernel, 1, -1).reshape(len(kernel), -1), bias)


def rows(x: Shaped[Array, "features batch"]) -> Shaped[Array, "batch features"]:
    """Turn the book's data, whose columns are examples, into rows."""
    return jnp.asarray(x).T


def deep_network(weights: Sequence[Float[Array, "..."]]) -> dict[str, dict[str, Float[Array, "..."]]]:
    """Turn weight, bias, weight, bias, ... of torch's Linear layers into parameters of ``DeepNetwork``."""
    pairs = zip(weights[::2], weights[1::2], strict=True)
    return {f"layer_{k}": dense(weight, bias) for k, (weight, bias) in enumerate(pairs)}


def multihead(
    in_proj_weight: Float[Array, "3*width width"],
    in_proj_bias: Float[Array, " 3*width"],
    out_proj_weight: Float[Array, "width width"],
    *,
    heads: int,
) -> multihead_attention.Heads:
    """Turn the parameters of ``torch.nn.MultiheadAttention``, all but the offset of its outputs, into ours."""
    width = len(out_proj_weight)
    omegas = jnp.asarray(in_proj_weight).reshape(3, heads, width // heads, width)
    betas = jnp.asarray(in_proj_bias).reshape(3, heads, width // heads)
    return multihead_attention.Heads(*omegas, *betas, jnp.asarray(out_proj_weight))


def transformer_layer(state: dict[str, Float[Array, "..."]]) -> dict[str, dict]:
    """Turn the ``state_dict`` of ``torch.nn.TransformerEncoderLayer`` into parameters of our ``TransformerLayer``."""
    attention = {
        "project": dense(state["self_attn.in_proj_weight"], state["self_attn.in_proj_bias"]),
        "combine": dense(state["self_attn.out_proj.weight"], state["self_attn.out_proj.bias"]),
    }
    names = {"widen": "linear1", "narrow": "linear2"}
    linear = {ours: dense(state[f"{name}.weight"], state[f"{name}.bias"]) for ours, name in names.items()}
    norms = {
        f"norm_{k}": {
            "scale": jnp.asarray(state[f"norm{k}.weight"]),
            "bias": jnp.asarray(state[f"norm{k}.bias"]),
        }
        for k in (1, 2)
    }
    return {"attention": attention} | linear | norms
