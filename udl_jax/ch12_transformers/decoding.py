"""Decoding: how to choose the next token when a model has said how probable each one is.

Functions of a distribution, or of many along axes in front. What is drawn is an argument.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from udl_jax._annotations import checked
from udl_jax._checks import count, number, values

_PROBABILITIES = "not negative and finite"


@checked
def draw_token(
    probabilities: Float[Array | np.ndarray, "*batch vocabulary"],
    uniform: Float[Array | np.ndarray, "*batch"],
) -> Int[Array, "*batch"]:
    """Turn a uniform draw into a token: the first at which the sum of the probabilities exceeds it.

    Parameters
    ----------
    probabilities
        Of each token. They are divided by their sum, which need not be one.
    uniform
        Uniform in [0, 1), one for each distribution.

    Returns
    -------
    Int[Array, "*batch"]
        Numbers of tokens, never one whose probability is zero.

    Raises
    ------
    ValueError
        If the shapes do not fit, a probability is negative, or a draw lies outside [0, 1).

    References
    ----------
    Prince (2023), section 12.7.3; notebook 12.4.

    Examples
    --------
    >>> draw_token(jnp.array([0.5, 0.0, 0.5]), jnp.array(0.6))
    Array(2, dtype=int32)
    """
    values("probabilities", probabilities, lambda p: (p >= 0) & (p < np.inf), _PROBABILITIES)
    values("uniform", uniform, lambda u: (u >= 0) & (u < 1), "in [0, 1)")
    cumulative = jnp.cumsum(probabilities, axis=-1)
    reached = cumulative / cumulative[..., -1:] > uniform[..., None]
    # Rounding may raise the sum at a token without probability, and leave the last sum below the draw.
    possible = probabilities > 0
    last = probabilities.shape[-1] - 1 - jnp.argmax(possible[..., ::-1], axis=-1)
    found = reached & possible
    return jnp.where(found.any(axis=-1), jnp.argmax(found, axis=-1), last).astype(jnp.int32)


@checked
def keep_top_k(
    probabilities: Float[Array | np.ndarray, "*batch vocabulary"], k: int
) -> Float[Array, "*batch vocabulary"]:
    """Keep the ``k`` most likely tokens, and make their probabilities sum to one.

    Parameters
    ----------
    probabilities
        Of each token.
    k
        How many to keep, exactly: of equally likely ones those with the smallest numbers. Static.

    Returns
    -------
    Float[Array, "*batch vocabulary"]
        Zero for all other tokens.

    Raises
    ------
    ValueError
        If ``k`` is less than 1 or more than there are tokens.

    References
    ----------
    Prince (2023), section 12.7.3; notebook 12.4.

    Examples
    --------
    >>> keep_top_k(jnp.array([0.2, 0.3, 0.5]), 1)
    Array([0., 0., 1.], dtype=float32)
    """
    _check_rank("k", count("k", k) - 1, probabilities)
    _, best = jax.lax.top_k(probabilities, k)
    kept = jnp.put_along_axis(jnp.zeros(probabilities.shape, bool), best, True, axis=-1, inplace=False)
    return _renormalise(probabilities, kept)


@checked
def keep_nucleus(
    probabilities: Float[Array | np.ndarray, "*batch vocabulary"],
    threshold: float | Float[Array | np.ndarray, ""],
) -> Float[Array, "*batch vocabulary"]:
    """Keep the most likely tokens until their probabilities together exceed a threshold.

    The token that crosses the threshold is kept; so there is always one. If no sum exceeds the threshold, all are kept.

    Parameters
    ----------
    probabilities
        Of each token, summing to one.
    threshold
        Share of the probability that is kept at least, in [0, 1].

    Returns
    -------
    Float[Array, "*batch vocabulary"]
        Zero for all other tokens; the rest sums to one.

    Raises
    ------
    ValueError
        If ``threshold`` lies outside [0, 1].

    References
    ----------
    Prince (2023), section 12.7.3; notebook 12.4.

    Examples
    --------
    >>> [f"{p:.2f}" for p in keep_nucleus(jnp.array([0.25, 0.5, 0.125, 0.125]), 0.6)]
    ['0.33', '0.67', '0.00', '0.00']
    """
    values("threshold", threshold, lambda t: (t >= 0) & (t <= 1), "in [0, 1]")
    order = jnp.argsort(-probabilities, axis=-1, stable=True)
    cumulative = jnp.cumsum(jnp.take_along_axis(probabilities, order, axis=-1), axis=-1)
    before = jnp.concatenate([jnp.zeros_like(cumulative[..., :1]), cumulative[..., :-1]], axis=-1)
    # Not "sum so far <= threshold" alone: an empty sum must always let the first token in.
    inside = (before <= threshold).at[..., 0].set(True)
    kept = jnp.put_along_axis(jnp.zeros(probabilities.shape, bool), order, inside, axis=-1, inplace=False)
    return _renormalise(probabilities, kept)


@checked
def book_keep_nucleus(
    probabilities: Float[Array | np.ndarray, "*batch vocabulary"],
    threshold: float | Float[Array | np.ndarray, ""],
) -> Float[Array, "*batch vocabulary"]:
    """Do what notebook 12.4 does, which differs from :func:`keep_nucleus` in two rare cases.

    All tokens that are as likely as the one that crosses the threshold are kept. And if no sum exceeds the threshold, as
    happens for 1 and by rounding just below it, only the most likely token is kept, not all of them.

    Parameters
    ----------
    probabilities, threshold
        As in :func:`keep_nucleus`; here any threshold is accepted.

    Returns
    -------
    Float[Array, "*batch vocabulary"]
        Zero for all other tokens; the rest sums to one.

    Examples
    --------
    >>> book_keep_nucleus(jnp.array([0.25, 0.5, 0.25]), 1.0)
    Array([0., 1., 0.], dtype=float32)
    """
    descending = -jnp.sort(-probabilities, axis=-1)
    crossing = jnp.argmax(jnp.cumsum(descending, axis=-1) > threshold, axis=-1, keepdims=True)
    return _renormalise(probabilities, probabilities >= jnp.take_along_axis(descending, crossing, axis=-1))


@checked
def kth_most_likely(
    probabilities: Float[Array | np.ndarray, "*batch vocabulary"], k: int
) -> Int[Array, "*batch"]:
    """Find the token that has ``k`` more likely ones before it.

    Parameters
    ----------
    probabilities
        Of each token.
    k
        0 for the most likely one; of equally likely ones that with the smallest number comes first. Static.

    Returns
    -------
    Int[Array, "*batch"]
        Numbers of tokens.

    Raises
    ------
    ValueError
        If ``k`` is negative, or there are not so many tokens.

    Examples
    --------
    >>> kth_most_likely(jnp.array([0.2, 0.3, 0.5]), 1)
    Array(1, dtype=int32)
    """
    _check_rank("k", count("k", k, least=0), probabilities)
    return jax.lax.top_k(probabilities, k + 1)[1][..., k]


@checked
def temper(
    logits: Float[Array | np.ndarray, "*batch vocabulary"],
    temperature: float | Float[Array | np.ndarray, ""] = 1.0,
) -> Float[Array, "*batch vocabulary"]:
    """Turn logits into probabilities: evener than the model's above a temperature of 1, more certain below.

    Parameters
    ----------
    logits
        Scores of the tokens.
    temperature
        Positive.

    Returns
    -------
    Float[Array, "*batch vocabulary"]
        Probabilities.

    Raises
    ------
    ValueError
        If ``temperature`` is not positive.

    Examples
    --------
    >>> [f"{p:.2f}" for p in temper(jnp.array([0.0, jnp.log(3.0)]), 1.0)]
    ['0.25', '0.75']
    """
    number("temperature", temperature, above=0)
    return jax.nn.softmax(logits / temperature, axis=-1)


def _check_rank(name, rank, probabilities):
    size = probabilities.shape[-1]
    if rank >= size:
        raise ValueError(f"{name} is too large: there are {size} tokens")


def _renormalise(probabilities: Float[Array, "..."], kept: Bool[Array, "..."]) -> Float[Array, "..."]:
    left = jnp.where(kept, probabilities, 0)
    return left / left.sum(axis=-1, keepdims=True)
