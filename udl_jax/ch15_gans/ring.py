"""Eight Gaussians on a ring: data whose modes can be counted."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num

from udl_jax._annotations import checked
from udl_jax._checks import count, like, number, values


@checked
def ring_centres(modes: int = 8, radius: Num[Array, ""] | float = 2.0) -> Float[Array, "{modes} 2"]:
    """Place points evenly on a circle.

    Parameters
    ----------
    modes
        How many.
    radius
        Of the circle, positive.

    Returns
    -------
    Float[Array, "{modes} 2"]
        Coordinates, from the rightmost one anticlockwise.

    Raises
    ------
    ValueError
        If ``modes`` or ``radius`` is not positive.

    Examples
    --------
    >>> print(ring_centres(2).round(3) + 0.0)
    [[ 2.  0.]
     [-2.  0.]]
    """
    radius, modes = number("radius", radius, above=0.0), count("modes", modes)
    angles = 2 * jnp.pi * jnp.arange(modes) / modes
    return radius * jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=1)


@checked
def place_on_ring(
    mode: Int[Array | np.ndarray, " samples"],
    noise: Float[Array | np.ndarray, "samples 2"],
    deviation: Num[Array, ""] | float = 0.1,
    modes: int = 8,
) -> Float[Array, "samples 2"]:
    """Scatter points around the centres of a ring of radius 2.

    Parameters
    ----------
    mode
        Which centre each belongs to, from 0.
    noise
        Standard normal draws.
    deviation
        Of the points from their centres, not negative.
    modes
        Number of centres.

    Returns
    -------
    Float[Array, "samples 2"]
        Points.

    Raises
    ------
    ValueError
        If ``mode`` is out of range or ``deviation`` negative.
    """
    values("mode", mode, lambda m: (m >= 0) & (m < modes), f"from 0 to {modes - 1}")
    deviation = like(number("deviation", deviation, least=0.0), noise)
    return ring_centres(modes).astype(noise.dtype)[mode] + deviation * noise


@checked
def sample_ring(
    key: Key[Array, ""], samples: int, deviation: Num[Array, ""] | float = 0.1
) -> Float[Array, "{samples} 2"]:
    """Draw from eight Gaussians on a ring, each as likely as the others."""
    keys, samples = jax.random.split(key), count("samples", samples)
    mode = jax.random.randint(keys[0], (samples,), 0, 8)
    return place_on_ring(mode, jax.random.normal(keys[1], (samples, 2)), deviation)
