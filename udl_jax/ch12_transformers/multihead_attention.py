"""Multihead self-attention: several attentions side by side, whose results are mixed."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key, UInt32

from udl_jax._annotations import checked
from udl_jax._checks import count
from udl_jax.ch12_transformers.self_attention import attend


class Heads(NamedTuple):
    """What multihead self-attention learns; heads are along the first axis of all but the last.

    Attributes
    ----------
    omega_q, omega_k, omega_v
        Weights of each head, a row for each output.
    beta_q, beta_k, beta_v
        Offsets of each head.
    omega_c
        Mixes the heads' results, which stand one behind the other. It has no offset, as in the book.
    """

    omega_q: Float[Array, "heads width inputs"]
    omega_k: Float[Array, "heads width inputs"]
    omega_v: Float[Array, "heads width inputs"]
    beta_q: Float[Array, "heads width"]
    beta_k: Float[Array, "heads width"]
    beta_v: Float[Array, "heads width"]
    omega_c: Float[Array, "outputs heads*width"]


class Multihead(NamedTuple):
    """What multihead self-attention gave.

    Attributes
    ----------
    values
        New tokens.
    heads
        What each head found.
    weights
        With which weights: rows belong to queries, columns to keys.
    """

    values: Float[Array, "*batch tokens outputs"]
    heads: Float[Array, "*batch heads tokens width"]
    weights: Float[Array, "*batch heads tokens tokens"]


@checked
def multihead(
    x: Float[Array | np.ndarray, "*batch tokens inputs"],
    parameters: Heads,
    mask: Bool[Array | np.ndarray, "... tokens tokens"] | None = None,
) -> Multihead:
    r"""Let every token attend to all tokens, in several ways at once.

    Parameters
    ----------
    x
        Tokens, one in each row.
    parameters
        Of all heads.
    mask
        True where a token may look; the same for all heads unless it has an axis for them.

    Returns
    -------
    Multihead
        New tokens; results and weights of each head.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TypeError
        If the mask does not consist of booleans.

    References
    ----------
    Prince (2023), section 12.3.3, equations 12.10 to 12.12, figure 12.6; notebook 12.2.

    Examples
    --------
    >>> parameters = draw_parameters(jax.random.key(0), width=8, heads=2)
    >>> found = multihead(jnp.ones((6, 8)), parameters)
    >>> found.values.shape, found.heads.shape, found.weights.shape
    ((6, 8), (2, 6, 4), (2, 6, 6))
    """
    q = _project(x, parameters.omega_q, parameters.beta_q)
    k = _project(x, parameters.omega_k, parameters.beta_k)
    v = _project(x, parameters.omega_v, parameters.beta_v)
    attended = attend(q, k, v, mask)
    values = _combine(attended.values, parameters.omega_c)
    return Multihead(values, attended.values, attended.weights)


@checked
def draw_parameters(key: Key[Array, ""] | UInt32[Array, "2"], width: int, heads: int) -> Heads:
    """Draw all parameters from the standard normal distribution, as the notebook does.

    Parameters
    ----------
    key
        Decides the draws.
    width
        Of a token; static.
    heads
        How many; each gets its share of the width. Static.

    Returns
    -------
    Heads
        In JAX's default precision.

    Raises
    ------
    ValueError
        If a number is less than 1, or ``heads`` does not divide ``width``.
    """
    width, heads = count("width", width), count("heads", heads)
    if width % heads:
        raise ValueError(f"heads must divide width, {width}, got {heads}")
    key_maps, key_mix = jax.random.split(key)
    maps = jax.random.normal(key_maps, (3, heads, width // heads, width + 1))
    return Heads(*maps[..., :-1], *maps[..., -1], jax.random.normal(key_mix, (width, width)))


def as_flax(parameters: Heads) -> dict[str, dict[str, Float[Array, "..."]]]:
    """Arrange parameters as ``flax.linen.MultiHeadDotProductAttention`` has them.

    Parameters
    ----------
    parameters
        Ours.

    Returns
    -------
    dict[str, dict[str, Float[Array, "..."]]]
        Flax's: kernels of the shapes (inputs, heads, width) and (heads, width, outputs), and an offset of the outputs
        that is zero.

    Examples
    --------
    >>> theirs = as_flax(draw_parameters(jax.random.key(0), width=8, heads=2))
    >>> theirs["query"]["kernel"].shape, theirs["out"]["kernel"].shape
    ((8, 2, 4), (2, 4, 8))
    """
    names = {"query": "q", "key": "k", "value": "v"}
    flax = {
        name: {
            "kernel": jnp.moveaxis(getattr(parameters, f"omega_{letter}"), -1, 0),
            "bias": jnp.asarray(getattr(parameters, f"beta_{letter}")),
        }
        for name, letter in names.items()
    }
    mix = jnp.asarray(parameters.omega_c)
    kernel = mix.T.reshape(*parameters.beta_v.shape, len(mix))
    return flax | {"out": {"kernel": kernel, "bias": jnp.zeros(len(mix), mix.dtype)}}


@checked
def _project(
    x: Float[Array | np.ndarray, "*batch tokens inputs"],
    omega: Float[Array | np.ndarray, "heads width inputs"],
    beta: Float[Array | np.ndarray, "heads width"],
):
    return jnp.einsum("...ni,hdi->...hnd", x, omega) + beta[:, None]


@checked
def _combine(
    heads: Float[Array | np.ndarray, "*batch tokens width"],
    omega_c: Float[Array | np.ndarray, "outputs joint"],
):
    together = jnp.swapaxes(heads, -3, -2)
    together = together.reshape(*together.shape[:-2], -1)
    if omega_c.shape[1] != together.shape[-1]:
        raise ValueError(
            f"omega_c must have a column for each of {together.shape[-1]} results of the heads, got the shape {omega_c.shape}"
        )
    return together @ omega_c.T
