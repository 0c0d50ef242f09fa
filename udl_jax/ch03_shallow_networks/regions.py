"""How many linear regions a shallow network can have, exactly, in logarithms, and counted in samples."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num

from udl_jax._annotations import checked
from udl_jax._checks import count, is_traced, like, values
from udl_jax.ch03_shallow_networks.two_inputs import activation_patterns, sort_patterns

#: A whole number, or an array of them.
Size = int | np.integer | Num[Array | np.ndarray, "..."]


def max_regions(inputs: int, hidden: int) -> int:
    r"""Compute Zaslavsky's number: into how many regions hyperplanes can cut a space.

    With fewer hidden units than inputs, the binomial coefficients beyond the last unit are zero, and the sum
    is :math:`2^D` without a special case.

    Parameters
    ----------
    inputs
        Dimension of the space, :math:`D_i`.
    hidden
        Number of hidden units, :math:`D`, of which each contributes one hyperplane.

    Returns
    -------
    int
        :math:`\sum_{j=0}^{D_i} \binom{D}{j}`, with all its digits.

    Raises
    ------
    ValueError
        If a number is negative.

    References
    ----------
    Prince (2023), section 3.4, figures 3.9 and 3.10.

    Examples
    --------
    >>> max_regions(inputs=2, hidden=3)
    7
    >>> max_regions(inputs=10, hidden=8)
    256
    """
    inputs, hidden = count("inputs", inputs, least=0), count("hidden", hidden, least=0)
    return sum(math.comb(hidden, j) for j in range(min(inputs, hidden) + 1))


@checked
def log_max_regions(
    inputs: int, hidden: Float[Array, "*batch"] | Int[Array, "*batch"]
) -> Float[Array, "*batch"]:
    r"""Compute the natural logarithm of :func:`max_regions` for many numbers of hidden units at once.

    The binomial coefficients are built up one from the other, as sums of logarithms. They cannot overflow,
    and beyond the last hidden unit a logarithm of zero makes them vanish.

    Parameters
    ----------
    inputs
        Dimension of the space, :math:`D_i`; static.
    hidden
        Numbers of hidden units, :math:`D`.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`\log \sum_{j=0}^{D_i} \binom{D}{j}`.

    Raises
    ------
    ValueError
        If ``inputs`` is negative, or a concrete value of ``hidden``.

    References
    ----------
    Prince (2023), section 3.4, figure 3.9.

    Examples
    --------
    >>> jnp.exp(log_max_regions(2, jnp.array([1, 2, 3]))).round().astype(int)
    Array([2, 4, 7], dtype=int32)
    """
    inputs = count("inputs", inputs, least=0)
    values("hidden", hidden, lambda hidden: ~(hidden < 0), "0 or more")
    return _log_max_regions(inputs, hidden if jnp.issubdtype(hidden.dtype, jnp.floating) else 1.0 * hidden)


@functools.partial(jax.jit, static_argnames="inputs")
def _log_max_regions(inputs, hidden):
    j = jnp.arange(1, inputs + 1, dtype=hidden.dtype)
    factors = (hidden[..., None] - j + 1) / j
    # The logarithm of a factor that vanishes has no derivative, but the sum of which it takes no part has one.
    vanishes = factors <= 0
    steps = jnp.where(vanishes, -jnp.inf, jnp.log(jnp.where(vanishes, 1, factors)))
    log_binomials = jnp.cumsum(steps, axis=-1)
    return jax.nn.logsumexp(jnp.pad(log_binomials, [(0, 0)] * hidden.ndim + [(1, 0)]), axis=-1)


def parameter_count(inputs: Size, hidden: Size, outputs: Size = 1) -> Size:
    r"""Count the parameters of a shallow network. Arrays of counts do as well.

    Parameters
    ----------
    inputs, hidden, outputs
        Numbers of inputs, hidden units and outputs.

    Returns
    -------
    int, or an array of 64-bit integers
        :math:`D (1 + D_i) + D_o (1 + D)`.

    References
    ----------
    Prince (2023), section 3.3, and figure 3.9b.

    Examples
    --------
    >>> parameter_count(inputs=10, hidden=8)
    97
    """
    inputs, hidden, outputs = (
        _whole(name, value) for name, value in (("inputs", inputs), ("hidden", hidden), ("outputs", outputs))
    )
    return hidden * (1 + inputs) + outputs * (1 + hidden)


def _whole(name, value):
    """Return a Python integer, or an array of 64 bits, in which small integers do not wrap around."""
    if is_traced(value):
        return value
    if np.ndim(value) == 0:
        return count(name, value, least=0)
    array = np.asarray(value)
    values(name, array, lambda array: (array >= 0) & (array % 1 == 0), "whole numbers, 0 or more")
    return array.astype(np.int64) if array.dtype.itemsize < 8 or array.dtype.kind == "f" else array


@checked
def count_as_units_join(
    theta: Float[Array, "hidden intercept_and_slopes"], x: Float[Array, "samples inputs"]
) -> Int[Array, " hidden"]:
    """Count the regions in which samples lie, with the first hidden unit only, the first two, up to all.

    Parameters
    ----------
    theta
        Intercept and slopes of each hidden unit.
    x
        Samples of the input. A region without one is not counted.

    Returns
    -------
    Int[Array, " hidden"]
        Numbers of regions, which never fall.

    Raises
    ------
    ValueError
        If ``theta`` does not fit the number of inputs, or there are no samples.

    References
    ----------
    Prince (2023), section 3.4, which gives the largest possible number.

    Examples
    --------
    >>> theta = jnp.array([[0.0, 1.0], [-1.0, 1.0]])
    >>> count_as_units_join(theta, jnp.array([[-1.0], [0.5], [2.0]]))
    Array([2, 3], dtype=int32)
    """
    # Patterns that are sorted are so for the first units alone, too: one sort serves all the counts.
    ordered = sort_patterns(activation_patterns(theta, x))
    differs_so_far = jnp.cumsum(ordered[1:] != ordered[:-1], axis=1) > 0
    return 1 + jnp.sum(differs_so_far, axis=0)


@checked
@functools.partial(jax.jit, static_argnames=("networks", "inputs", "hidden", "samples"))
def sample_region_counts(
    key: Key[Array, ""],
    networks: int,
    inputs: int,
    hidden: int,
    samples: int,
    spread: float | Float[Array, ""],
) -> Int[Array, "{networks} {hidden}"]:
    """Draw networks and samples, both normal, and :func:`count_as_units_join` for each network.

    Parameters
    ----------
    key
        Decides the draws.
    networks, inputs, hidden, samples
        How many of each; static. All networks are shown the same samples.
    spread
        Standard deviation of the samples; intercepts and slopes have 1.

    Returns
    -------
    Int[Array, "{networks} {hidden}"]
        Numbers of regions, a row for each network.

    Raises
    ------
    ValueError
        If a number is less than 1.
    """
    for name, number in {
        "networks": networks,
        "inputs": inputs,
        "hidden": hidden,
        "samples": samples,
    }.items():
        count(name, number)
    key_theta, key_x = jax.random.split(key)
    theta = jax.random.normal(key_theta, (networks, hidden, 1 + inputs))
    x = like(spread, theta) * jax.random.normal(key_x, (samples, inputs))
    return jax.vmap(count_as_units_join, (0, None))(theta, x)
