"""Line search: the lowest point of a function of one variable, closed in on from both sides."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int, Num

from udl_jax._annotations import checked
from udl_jax._checks import count, is_traced, number, scalar

# The notebooks set out from 0.33 and 0.66 of the interval; later the inner points stand at exact thirds.
_FIRST_POINTS = (0.0, 0.33, 0.66, 1.0)


class Search(NamedTuple):
    """What a line search found, and how.

    Attributes
    ----------
    minimum
        Midpoint of the inner two points of the last bracket.
    brackets
        The four points a, b, c, d before each iteration; row ``count`` holds them after the last one, and
        rows beyond it are NaN.
    count
        Iterations done.
    """

    minimum: Float[Array, "*batch"]
    brackets: Float[Array, "*batch iterations 4"]
    count: Int[Array, "*batch"]


@checked
def two_dips(phi: Float[ArrayLike, "*batch"]) -> Float[Array, "*batch"]:
    r"""Evaluate the loss that notebook 6.1 searches: a narrow dip near 0.35 on the flank of a wide one.

    Parameters
    ----------
    phi
        The parameter; the notebook looks at 0 to 1.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`1 - 0.5\,e^{-(\phi-0.65)^2/0.1} - 0.45\,e^{-(\phi-0.35)^2/0.02}`.

    References
    ----------
    Prince (2023), figure 6.10.

    Examples
    --------
    >>> two_dips(jnp.array([0.35, 0.65]))
    Array([0.3467..., 0.4950...], dtype=float32)
    """
    wide = 0.5 * jnp.exp(-((phi - 0.65) ** 2) / 0.1)
    narrow = 0.45 * jnp.exp(-((phi - 0.35) ** 2) / 0.02)
    return 1 - wide - narrow


def search(
    loss: Callable[[Float[Array, ""]], Float[Array, ""]],
    start: Num[ArrayLike, ""] = 0.0,
    end: Num[ArrayLike, ""] = 1.0,
    threshold: Num[ArrayLike, ""] = 1e-4,
    max_iterations: int = 10,
    *,
    strict: bool = True,
) -> Search:
    """Close in on a minimum of ``loss`` between ``start`` and ``end``.

    Four points a < b < c < d span the interval. In each iteration one of three rules moves them:

    1. If a is lower than all others, then b, c and d move to half their distance from it.
    2. Else, if b is lower than c, then d moves to where c is.
    3. Else, if c is lower than b, then a moves to where b is.

    After rules 2 and 3 the inner points go to the thirds of the new interval. The search ends when they are
    no more than ``threshold`` apart.

    Parameters
    ----------
    loss
        Function of a scalar; static under ``jit``. If it has several minima, the search finds one of them,
        not always the lowest. Where it is NaN it counts as infinite.
    start, end
        Ends of the interval. Their dtype is that of the search.
    threshold
        Distance of the inner points at which to stop.
    max_iterations
        Number of iterations after which to stop in any case; static under ``jit``.
    strict
        What a tie does; static under ``jit``. With True (notebook 6.1) the rules mean "lower" as they say it,
        so that equal inner points stay where they are. With False (notebooks 6.2 and 6.3) rule 1 holds
        also if others are as low as a, and rule 3 whenever rule 2 does not.

    Returns
    -------
    Search
        The minimum, the trace of brackets with ``max_iterations + 1`` rows, and the number of iterations. The minimum
        is NaN if the loss is so at all four points.

    Raises
    ------
    ValueError
        If ``end`` is not above ``start``, or if ``threshold`` or ``max_iterations`` is negative.

    References
    ----------
    Prince (2023), section 6.1, figure 6.10.

    Examples
    --------
    >>> found = search(two_dips)
    >>> float(found.minimum), int(found.count)
    (0.383..., 10)
    >>> [round(float(point), 2) for point in found.brackets[1]]
    [0.0, 0.22, 0.44, 0.66]
    """
    max_iterations = _check(loss, start, end, threshold, max_iterations)
    dtype = jnp.result_type(start, end, 1.0)
    start, end = jnp.asarray(start, dtype), jnp.asarray(end, dtype)
    bracket = start + (end - start) * jnp.array(_FIRST_POINTS, dtype)
    brackets = jnp.full((max_iterations + 1, 4), jnp.nan, dtype).at[0].set(bracket)

    def goes_on(state):
        bracket, _, done, _ = state
        return (jnp.abs(bracket[1] - bracket[2]) > threshold) & (done < max_iterations)

    def iterate(state):
        bracket, brackets, done, _ = state
        heights = jax.vmap(lambda point: scalar("loss", loss(point)))(bracket)
        # Where there is no loss there is no minimum; and comparisons with NaN would all be false.
        is_number = ~jnp.isnan(heights)
        bracket = _narrow(bracket, jnp.where(is_number, heights, jnp.inf), strict)
        return bracket, brackets.at[done + 1].set(bracket), done + 1, jnp.any(is_number)

    first = (bracket, brackets, jnp.int32(0), jnp.array(True))
    bracket, brackets, done, is_found = jax.lax.while_loop(goes_on, iterate, first)
    return Search(jnp.where(is_found, (bracket[1] + bracket[2]) / 2, jnp.nan), brackets, done)


def _narrow(bracket: Float[Array, "4"], heights: Float[Array, "4"], strict: bool) -> Float[Array, "4"]:
    """Apply the first rule whose condition holds."""
    a, b, c, d = bracket
    rules = _which(heights, strict)
    moves = (a + (bracket - a) / 2, _thirds(a, c), _thirds(b, d))
    return jnp.select(rules, moves, bracket)


def _which(heights: Float[Array, "4"], strict: bool) -> tuple[Bool[Array, ""], ...]:
    _, b, c, _ = heights
    if strict:
        # Infinite both, the inner points do not tell where to go: away from the end that is not lowest.
        return jnp.all(heights[0] < heights[1:]), b < c, (c < b) | (jnp.isposinf(b) & jnp.isposinf(c))
    return jnp.argmin(heights) == 0, b < c, jnp.array(True)


def _thirds(a: Float[Array, ""], d: Float[Array, ""]) -> Float[Array, "4"]:
    return jnp.stack([a, a + (d - a) / 3, a + 2 * (d - a) / 3, d])


def _check(loss, start, end, threshold, max_iterations):
    if not callable(loss):
        raise TypeError(f"loss must be a function, got {loss!r}")
    ends = [number(name, value) for name, value in (("start", start), ("end", end))]
    number("threshold", threshold, least=0)
    if not is_traced(ends) and not ends[0] < ends[1]:
        raise ValueError(f"end must lie above start, got an interval from {start} to {end}")
    return count("max_iterations", max_iterations, least=0)
