"""A map of the unit interval made of straight pieces: what an autoregressive flow bends each number with."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from udl_jax._annotations import checked
from udl_jax._checks import count, is_traced, number, values


@checked
def piecewise_linear(
    h: Float[Array | np.ndarray, "*batch"], phi: Float[Array | np.ndarray, "*batch pieces"]
) -> Float[Array, "*batch"]:
    r"""Map the unit interval onto itself by straight pieces, each above an equal part of it.

    Parameters
    ----------
    h
        Numbers from 0 to 1; a traced one outside comes back as NaN.
    phi
        How far each piece rises, for each number: positive, adding up to 1.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`\text{g}[h,\phi] = \sum_{k<b}\phi_k + (hK-b+1)\,\phi_b`, where :math:`h` lies in the b-th of :math:`K` parts.

    Raises
    ------
    ValueError
        If ``h`` leaves the unit interval, or ``phi`` is not positive or does not add up to 1.

    References
    ----------
    Prince (2023), section 16.3.2, equation 16.12 as the errata have it, figure 16.5.

    Examples
    --------
    >>> print(f"{piecewise_linear(jnp.array(0.75), jnp.array([0.2, 0.8])):.3f}")
    0.600
    """
    check_unit("h", h)
    check_shares(phi)
    piece, place = _locate(h, phi.shape[-1])
    mapped = _pick(_starts(phi), piece) + place * _pick(phi, piece)
    # Shares add up to 1 only up to rounding. What that puts above 1 is taken off, and the slope is left as it is.
    mapped = mapped - jax.lax.stop_gradient(jnp.maximum(mapped - 1, 0))
    return jnp.where((h >= 0) & (h <= 1), mapped, jnp.nan)


@checked
def log_slope(
    h: Float[Array | np.ndarray, "*batch"], phi: Float[Array | np.ndarray, "*batch pieces"]
) -> Float[Array, "*batch"]:
    r"""Compute the logarithm of the slope of :func:`piecewise_linear`.

    Parameters
    ----------
    h, phi
        As there.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`\log(K\phi_b)`; minus infinity outside of the unit interval, where there is no probability.

    Raises
    ------
    ValueError
        If ``phi`` is not positive or does not add up to 1.

    References
    ----------
    Prince (2023), section 16.3.2.

    Examples
    --------
    >>> print(f"{log_slope(jnp.array(0.75), jnp.array([0.2, 0.8])):.3f}")
    0.470
    """
    check_shares(phi)
    piece, _ = _locate(h, phi.shape[-1])
    return jnp.where((h >= 0) & (h <= 1), jnp.log(phi.shape[-1] * _pick(phi, piece)), -jnp.inf)


@checked
def invert_piecewise_linear(
    h_prime: Float[Array | np.ndarray, "*batch"], phi: Float[Array | np.ndarray, "*batch pieces"]
) -> Float[Array, "*batch"]:
    r"""Undo :func:`piecewise_linear`, exactly: find the piece by its height, then go back along it.

    Parameters
    ----------
    h_prime
        Numbers from 0 to 1; a traced one outside comes back as NaN.
    phi
        As there.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`h` with :math:`\text{g}[h,\phi] = h'`.

    Raises
    ------
    ValueError
        If ``h_prime`` leaves the unit interval, or ``phi`` is not positive or does not add up to 1.

    References
    ----------
    Prince (2023), section 16.3.2; notebook 16.2.

    Examples
    --------
    >>> print(f"{invert_piecewise_linear(jnp.array(0.6), jnp.array([0.2, 0.8])):.3f}")
    0.750
    """
    check_unit("h_prime", h_prime)
    check_shares(phi)
    starts, pieces = _starts(phi), phi.shape[-1]
    piece = jnp.clip(jnp.sum(starts <= h_prime[..., None], axis=-1) - 1, 0, pieces - 1)
    place = (h_prime - _pick(starts, piece)) / _pick(phi, piece)
    # The shares add up to 1 only up to rounding, so the end of the last piece may lie a little beyond it.
    h = (piece + jnp.clip(place, 0, 1)) / pieces
    return jnp.where((h_prime >= 0) & (h_prime <= 1), h.astype(h_prime.dtype), jnp.nan)


@checked
def bisect_piecewise_linear(
    h_prime: Float[Array | np.ndarray, "*batch"],
    phi: Float[Array | np.ndarray, "*batch pieces"],
    tolerance: float = 1e-4,
    iterations: int = 20,
    high: float = 0.999,
) -> Float[Array, "*batch"]:
    """Undo :func:`piecewise_linear` as the notebook does, by halving an interval.

    Numbers that were more than ``high`` cannot be found, and all others only to within half of ``tolerance``.

    Parameters
    ----------
    h_prime, phi
        As for :func:`invert_piecewise_linear`.
    tolerance
        The interval is halved until it is no wider than this ...
    iterations
        ... or so often; static under ``jit``.
    high
        Where it ends at first.

    Returns
    -------
    Float[Array, "*batch"]
        The middle of the last interval.

    Raises
    ------
    ValueError
        As for :func:`invert_piecewise_linear`.

    References
    ----------
    Notebook 16.2.

    Examples
    --------
    >>> print(f"{bisect_piecewise_linear(jnp.array(0.6), jnp.array([0.2, 0.8])):.3f}")
    0.750
    """
    check_unit("h_prime", h_prime)
    check_shares(phi)
    tolerance, high = number("tolerance", tolerance, least=0.0), number("high", high, above=0.0)

    def halve(_, interval):
        low, middle, high = interval
        below = piecewise_linear(middle, phi) < h_prime
        closer = jnp.where(below, middle, low), jnp.where(below, high, middle)
        closer = closer[0], closer[0] + (closer[1] - closer[0]) / 2, closer[1]
        wide = high - low > tolerance
        return tuple(jnp.where(wide, new, old) for new, old in zip(closer, interval))

    first = tuple(jnp.full_like(h_prime, end) for end in (0.0, 0.5, high))
    return jax.lax.fori_loop(0, count("iterations", iterations), halve, first)[1]


def check_unit(name: str, h: Float[Array, "..."]) -> None:
    """Raise ``ValueError`` if numbers that are not traced leave the unit interval."""
    values(name, h, lambda h: (h >= 0) & (h <= 1), "from 0 to 1")


def check_shares(phi: Float[Array, "... pieces"]) -> None:
    """Raise ``ValueError`` if what is not traced is not positive, or does not add up to 1 along the last axis."""
    values("phi", phi, lambda p: p > 0, "positive, for the map to be undone")
    if not is_traced(phi):
        rounding = 100 * phi.shape[-1] * float(jnp.finfo(phi.dtype).eps)
        totals = np.asarray(phi).sum(axis=-1)
        values("phi", totals, lambda total: np.abs(total - 1) <= rounding, "adding up to 1")


def _starts(phi):
    """Return the height at which each piece starts."""
    return jnp.cumsum(phi, axis=-1) - phi


def _locate(h, pieces):
    """Return the piece, from 0, above which each number lies, and how far along it, from 0 to 1."""
    piece = jnp.clip(jnp.floor(h * pieces), 0, pieces - 1)
    piece = jax.lax.stop_gradient(piece)
    return jnp.nan_to_num(piece).astype(int), h * pieces - piece


def _pick(table, piece):
    return jnp.take_along_axis(table, piece[..., None], axis=-1)[..., 0]
