"""Spaces of many dimensions: distances that hardly differ, spheres without volume, shells that hold everything."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, ArrayLike, Float, Key

from udl_jax import _checks
from udl_jax._annotations import checked


class Distances(NamedTuple):
    """How near and how far apart two of the points are.

    Attributes
    ----------
    smallest
        Distance between the two nearest points.
    largest
        Distance between the two farthest points.
    """

    smallest: Float[Array, ""]
    largest: Float[Array, ""]

    @property
    def ratio(self) -> Float[Array, ""]:
        """Largest over smallest distance: 1 if all are alike, infinite if two points coincide."""
        return self.largest / self.smallest


@checked
def distance_range(points: Float[Array, "points dimensions"]) -> Distances:
    """Find the smallest and the largest Euclidean distance between two different points.

    Differences are squared as they are; to expand the square would be quicker, and would lose the small
    distances to rounding. One row of the table of distances is in memory at a time.

    Parameters
    ----------
    points
        One point in each row, at least two.

    Returns
    -------
    Distances
        Smallest and largest distance; the ``ratio`` of the two.

    Raises
    ------
    ValueError
        If there are fewer than two points, or no dimensions, or if a coordinate is not finite.

    References
    ----------
    Prince (2023), chapter 8, notes on high-dimensional spaces; notebook 8.4.

    Examples
    --------
    >>> corners = jnp.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    >>> distance_range(corners)
    Distances(smallest=Array(3., dtype=float32), largest=Array(5., dtype=float32))
    """
    count = len(points)
    if count < 2:
        raise ValueError(f"points must be at least two, got {count}")
    _checks.values("points", points, np.isfinite, "finite")
    # Squares of very large or very small coordinates would leave the range of floating-point numbers.
    scale = jax.lax.stop_gradient(jnp.max(jnp.abs(points)))
    scale = jnp.where(scale > 0, scale, 1)
    scaled = points / scale

    def from_one(point_and_number):
        point, number = point_and_number
        squares = jnp.sum((scaled - point) ** 2, axis=1)
        itself = jnp.arange(count) == number
        return jnp.min(jnp.where(itself, jnp.inf, squares)), jnp.max(squares)

    nearest, farthest = jax.lax.map(from_one, (scaled, jnp.arange(count)))
    return Distances(scale * jnp.sqrt(jnp.min(nearest)), scale * jnp.sqrt(jnp.max(farthest)))


@checked
def sample_points(key: Key[Array, ""], count: int, dimensions: int) -> Float[Array, "{count} {dimensions}"]:
    """Draw points from a standard normal distribution, one in each row."""
    return jax.random.normal(key, (count, dimensions))


@checked
def log_volume_of_hypersphere(
    dimensions: Float[ArrayLike, "*shape"], diameter: Float[ArrayLike, "*another"] = 1.0
) -> Float[Array, "..."]:
    r"""Compute the logarithm of the volume inside a sphere.

    The gamma function of 172 is more than double precision can hold, that of 36 more than single precision
    can; their logarithms are small numbers. Dimensions need not be whole, so the volume can be
    differentiated with respect to their number.

    Parameters
    ----------
    dimensions
        Number of dimensions :math:`D`, at least 1.
    diameter
        Twice the radius :math:`r`, positive.

    Returns
    -------
    Float[Array, "..."]
        :math:`\tfrac D2 \log\pi + D\log r - \log\Gamma(\tfrac D2 + 1)`.

    Raises
    ------
    ValueError
        If ``dimensions`` is less than 1, or ``diameter`` is not positive.

    References
    ----------
    Prince (2023), problem 8.7, equation 8.8; notebook 8.4.

    Examples
    --------
    >>> print(f"{log_volume_of_hypersphere(1000, diameter=1.0):.1f}")
    -2732.1
    """
    _checks.values("dimensions", dimensions, lambda n: n >= 1, "at least 1")
    _checks.values("diameter", diameter, lambda d: d > 0, "positive")
    return dimensions / 2 * jnp.log(jnp.pi * (diameter / 2) ** 2) - gammaln(dimensions / 2 + 1)


@checked
def volume_of_hypersphere(
    dimensions: Float[ArrayLike, "*shape"], diameter: Float[ArrayLike, "*another"] = 1.0
) -> Float[Array, "..."]:
    r"""Compute the volume inside a sphere.

    Parameters
    ----------
    dimensions, diameter
        As in :func:`log_volume_of_hypersphere`.

    Returns
    -------
    Float[Array, "..."]
        :math:`r^D\pi^{D/2}/\Gamma(D/2+1)`; 0 where it is too small for the dtype.

    Raises
    ------
    ValueError
        If ``dimensions`` is less than 1, or ``diameter`` is not positive.

    References
    ----------
    Prince (2023), problem 8.7, equation 8.8; notebook 8.4.

    Examples
    --------
    >>> [f"{volume:.3f}" for volume in volume_of_hypersphere(jnp.array([1, 2, 3]))]
    ['1.000', '0.785', '0.524']
    """
    return jnp.exp(log_volume_of_hypersphere(dimensions, diameter))


@checked
def shell_proportion(
    dimensions: Float[ArrayLike, "*shape"], thickness: Float[ArrayLike, "*another"] = 0.01
) -> Float[Array, "..."]:
    r"""Compute how much of a sphere's volume lies in its outermost shell.

    A sphere of :math:`1-t` times the radius has :math:`(1-t)^D` times the volume. Neither volume is needed,
    so the proportion is right where both would be too small, or too large, for floating-point numbers.

    Parameters
    ----------
    dimensions
        Number of dimensions :math:`D`, at least 1.
    thickness
        Part :math:`t` of the radius that belongs to the shell, from 0 up, less than 1.

    Returns
    -------
    Float[Array, "..."]
        :math:`1-(1-t)^D`, between 0 and 1.

    Raises
    ------
    ValueError
        If ``dimensions`` is less than 1, or ``thickness`` not in [0, 1).

    References
    ----------
    Prince (2023), problem 8.8; notebook 8.4.

    Examples
    --------
    >>> [f"{share:.3f}" for share in shell_proportion(jnp.array([1, 300]))]
    ['0.010', '0.951']
    """
    _checks.values("dimensions", dimensions, lambda n: n >= 1, "at least 1")
    _checks.values("thickness", thickness, lambda t: (t >= 0) & (t < 1), "in [0, 1)")
    return -jnp.expm1(dimensions * jnp.log1p(-thickness))
