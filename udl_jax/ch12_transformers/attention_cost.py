"""The price of attention: time and memory grow with the square of the number of tokens, unless one computes otherwise."""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from udl_jax._annotations import checked
from udl_jax._checks import count
from udl_jax.ch12_transformers.self_attention import attend


@checked
def plain_attention(
    q: Float[Array, "*batch tokens width"],
    k: Float[Array, "*batch tokens width"],
    v: Float[Array, "*batch tokens outputs"],
) -> Float[Array, "*batch tokens outputs"]:
    """Attend causally by the formula: all scores at once, as :func:`udl_jax.ch12_transformers.self_attention.attend`.

    Parameters
    ----------
    q, k, v
        Queries, keys and values, in rows.

    Returns
    -------
    Float[Array, "*batch tokens outputs"]
        New tokens, each of them from those up to its own place.
    """
    places = jnp.arange(q.shape[-2])
    return attend(q, k, v, places[:, None] >= places).values


@checked
def blockwise_attention(
    q: Float[Array | np.ndarray, "*batch tokens width"],
    k: Float[Array | np.ndarray, "*batch tokens width"],
    v: Float[Array | np.ndarray, "*batch tokens outputs"],
    block: int = 128,
) -> Float[Array, "*batch tokens outputs"]:
    r"""Compute :func:`plain_attention` block by block, and never have more than one block of scores.

    For each block of queries, the blocks of keys are visited one after another. Kept are the largest score so far, the sum of
    the powers relative to it, and the sum of values in these weights; when a larger score turns up, both sums are scaled.
    The result is that of the formula, but for rounding. Each block is computed anew for the gradient, so that this
    needs little memory, too.

    Parameters
    ----------
    q, k, v
        Queries, keys and values, in rows; of any number.
    block
        Tokens in a block; static.

    Returns
    -------
    Float[Array, "*batch tokens outputs"]
        New tokens.

    Raises
    ------
    ValueError
        If the shapes do not fit, or ``block`` is less than 1.

    References
    ----------
    Prince (2023), section 12.9. The method: Milakov and Gimelshein (2018), https://arxiv.org/abs/1805.02867; Dao et al.
    (2022), https://arxiv.org/abs/2205.14135.

    Examples
    --------
    >>> q, k, v = jax.random.normal(jax.random.key(0), (3, 10, 4))
    >>> apart = jnp.abs(blockwise_attention(q, k, v, block=3) - plain_attention(q, k, v))
    >>> bool(apart.max() < 1e-5)
    True
    """
    tokens, block = q.shape[-2], min(count("block", block), q.shape[-2])
    pieces = -(-tokens // block)
    q, k, v = (_cut(array, pieces, block) for array in (q * q.shape[-1] ** -0.5, k, v))
    starts = block * jnp.arange(pieces)
    inside = jnp.arange(block)

    def attend_from(query):
        queries, first = query

        @jax.checkpoint
        def visit(sums, key):
            keys, values, start = key
            allowed = (first + inside)[:, None] >= start + inside
            scores = jnp.where(allowed, queries @ jnp.swapaxes(keys, -1, -2), -jnp.inf)
            return _add_block(sums, scores, values), None

        shape = queries.shape[:-1]
        begin = jnp.full(shape, -jnp.inf, q.dtype), jnp.zeros(shape, q.dtype)
        begin = (*begin, jnp.zeros((*shape, v.shape[-1]), v.dtype))
        (_, total, weighted), _ = jax.lax.scan(visit, begin, (k, v, starts))
        return weighted / total[..., None]

    found = jax.lax.map(attend_from, (q, starts))
    return _join(found)[..., :tokens, :]


@checked
def linear_attention(
    q: Float[Array | np.ndarray, "*batch tokens width"],
    k: Float[Array | np.ndarray, "*batch tokens width"],
    v: Float[Array | np.ndarray, "*batch tokens outputs"],
    block: int = 64,
) -> Float[Array, "*batch tokens outputs"]:
    r"""Replace the exponential of the dot product by a product of features, so that sums over the past can be kept.

    With :math:`\mathbf{f}[\mathbf{x}] = \mathbf{elu}[\mathbf{x}] + 1`, which is positive,

    .. math::
       \mathbf{x}'_n = \frac{\bigl(\sum_{m\le n}\mathbf{v}_m\mathbf{f}[\mathbf{k}_m]^T\bigr)\,\mathbf{f}[\mathbf{q}_n]}
       {\bigl(\sum_{m\le n}\mathbf{f}[\mathbf{k}_m]\bigr)^T\mathbf{f}[\mathbf{q}_n]},

    and both sums in brackets go on from token to token. This is another function than attention, not a faster way to
    compute it.

    Parameters
    ----------
    q, k, v
        Queries, keys and values, in rows; of any number.
    block
        Tokens that are processed at once; changes speed, not results. Static.

    Returns
    -------
    Float[Array, "*batch tokens outputs"]
        New tokens, each of them from those up to its own place.

    Raises
    ------
    ValueError
        If the shapes do not fit, or ``block`` is less than 1.

    References
    ----------
    Prince (2023), section 12.9. The method: Katharopoulos et al. (2020), https://arxiv.org/abs/2006.16236.
    """
    tokens, block = q.shape[-2], min(count("block", block), q.shape[-2])
    pieces = -(-tokens // block)
    # What is padded is no token: its features must be zero, not those of a zero.
    q, k, v = (_cut(array, pieces, block) for array in (jax.nn.elu(q) + 1, jax.nn.elu(k) + 1, v))
    lower = jnp.tril(jnp.ones((block, block), q.dtype))

    def step(sums, piece):
        keys_values, keys = sums
        queries, new, values = piece
        scores = lower * (queries @ jnp.swapaxes(new, -1, -2))
        above = queries @ keys_values + scores @ values
        below = jnp.einsum("...nd,...d->...n", queries, keys) + scores.sum(axis=-1)
        sums = keys_values + jnp.swapaxes(new, -1, -2) @ values, keys + new.sum(axis=-2)
        return sums, above / jnp.where(below > 0, below, 1)[..., None]

    batch, width = q.shape[1:-2], q.shape[-1]
    begin = jnp.zeros((*batch, width, v.shape[-1]), v.dtype), jnp.zeros((*batch, width), q.dtype)
    _, found = jax.lax.scan(step, begin, (q, k, v))
    return _join(found)[..., :tokens, :]


def temporary_bytes(function: Callable, *arrays: jax.ShapeDtypeStruct | Array) -> int:
    """Ask the compiler how much memory a function needs besides its arguments and results; nothing is run.

    Parameters
    ----------
    function
        Of arrays.
    arrays
        Its arguments, or only their shapes and dtypes.

    Returns
    -------
    int
        Bytes.
    """
    return jax.jit(function).lower(*arrays).compile().memory_analysis().temp_size_in_bytes


def growth(
    tokens: Sequence | Shaped[np.ndarray, "..."], costs: Sequence | Shaped[np.ndarray, "..."]
) -> float:
    """Fit the exponent with which costs grow: the slope of a line through their logarithms.

    Parameters
    ----------
    tokens, costs
        Positive numbers in a row, at least two of each.

    Returns
    -------
    float
        1 if the cost is proportional to the number of tokens, 2 if to its square.

    Raises
    ------
    ValueError
        If the numbers differ, there are less than two, or one is not positive.

    Examples
    --------
    >>> f"{growth(np.array([1, 2, 4]), np.array([3, 12, 48])):.2f}"
    '2.00'
    """
    tokens, costs = np.asarray(tokens, float), np.asarray(costs, float)
    if tokens.shape != costs.shape or tokens.ndim != 1 or len(tokens) < 2:
        raise ValueError(
            f"there must be a cost for each of two or more lengths, got {tokens.shape}, {costs.shape}"
        )
    if not (np.all(tokens > 0) and np.all(costs > 0)):
        raise ValueError("tokens and costs must be positive")
    return float(np.polyfit(np.log(tokens), np.log(costs), 1)[0])


def _add_block(sums, scores, values):
    """Add a block of scores and values to the running sums of a softmax."""
    largest, total, weighted = sums
    new = jnp.maximum(largest, jax.lax.stop_gradient(scores.max(axis=-1)))
    # Where nothing was allowed yet, the largest score is still minus infinity, and differences would be NaN.
    safe = jnp.where(jnp.isfinite(new), new, 0)
    powers = jnp.exp(scores - safe[..., None])
    scale = jnp.exp(largest - safe)
    weighted = weighted * scale[..., None] + powers @ values
    return new, total * scale + powers.sum(axis=-1), weighted


@functools.partial(jax.jit, static_argnums=(1, 2))
def _cut(array, pieces, block):
    """Cut the axis of tokens into blocks, filled up with zeros, along a new first axis."""
    short = pieces * block - array.shape[-2]
    padded = jnp.pad(array, [*[(0, 0)] * (array.ndim - 2), (0, short), (0, 0)])
    return jnp.moveaxis(padded.reshape(*array.shape[:-2], pieces, block, array.shape[-1]), -3, 0)


def _join(blocks):
    """Undo :func:`_cut`."""
    joined = jnp.moveaxis(blocks, 0, -3)
    return joined.reshape(*joined.shape[:-3], -1, joined.shape[-1])
