"""Two moons, a favourite test of density models, with what is seldom given with them: the true density."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num

from udl_jax._annotations import checked
from udl_jax._checks import count, like, number, values


@checked
def arc_points(
    moon: Int[Array | np.ndarray, "*shape"], turn: Float[Array | np.ndarray, "*shape"]
) -> Float[Array, "*shape 2"]:
    r"""Find a place on one of two half circles of radius 1 that reach into each other.

    Parameters
    ----------
    moon
        0 for the upper one, about (0, 0), 1 for the lower one, about (1, 1/2).
    turn
        How far along it, from 0 to 1.

    Returns
    -------
    Float[Array, "*shape 2"]
        Coordinates.

    Raises
    ------
    ValueError
        If ``moon`` is neither 0 nor 1.

    Examples
    --------
    >>> print(arc_points(jnp.array([0, 1]), jnp.array([0.0, 0.0])))
    [[1.  0. ]
     [0.  0.5]]
    """
    values("moon", moon, lambda m: (m == 0) | (m == 1), "0 or 1")
    angle = jnp.pi * turn
    upper = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)
    return jnp.where(moon[..., None] == 0, upper, jnp.array([1, 0.5], upper.dtype) - upper)


@checked
def sample_moons(
    key: Key[Array, ""], samples: int, deviation: Num[Array, ""] | float = 0.1
) -> Float[Array, "{samples} 2"]:
    """Draw from both moons alike, evenly along them, with normal noise of a given deviation around them."""
    keys, samples = jax.random.split(key, 3), count("samples", samples)
    deviation = number("deviation", deviation, least=0.0)
    moon, turn = jax.random.randint(keys[0], (samples,), 0, 2), jax.random.uniform(keys[1], (samples,))
    return arc_points(moon, turn) + deviation * jax.random.normal(keys[2], (samples, 2))


@checked
def log_density(
    x: Float[Array | np.ndarray, "points 2"], deviation: Num[Array, ""] | float = 0.1, nodes: int = 400
) -> Float[Array, " points"]:
    r"""Evaluate the true density of the moons: normal densities, averaged along both arcs.

    The average is a sum over evenly spaced nodes, the ends counted half. With nodes much closer than the deviation, that is
    exact to many digits.

    Parameters
    ----------
    x
        Where.
    deviation
        Of the noise, positive.
    nodes
        On each arc.

    Returns
    -------
    Float[Array, " points"]
        In nats.

    Raises
    ------
    ValueError
        If ``deviation`` is not positive, or ``nodes`` less than 2.

    Examples
    --------
    >>> print(f"{log_density(jnp.array([[0.0, 1.0]]))[0]:.3f}")
    -0.453
    """
    deviation, nodes = like(number("deviation", deviation, above=0.0), x), count("nodes", nodes, least=2)
    turns = np.linspace(0, 1, nodes)
    weights = np.where((turns == 0) | (turns == 1), 0.5, 1.0) / (2 * (nodes - 1))
    moon = np.repeat([0, 1], nodes)
    centres = arc_points(moon, jnp.asarray(np.tile(turns, 2), x.dtype))
    constants = (
        jnp.asarray(np.log(np.tile(weights, 2)), x.dtype) - 2 * jnp.log(deviation) - math.log(2 * math.pi)
    )

    def at(point):
        return jax.nn.logsumexp(constants - 0.5 * jnp.sum(((point - centres) / deviation) ** 2, axis=1))

    return jax.lax.map(at, x, batch_size=min(256, len(x)))


@checked
def entropy(deviation: Num[Array, ""] | float = 0.1, cells: int = 240) -> Float[Array, ""]:
    r"""Compute the entropy of the moons, by a sum over a grid: what no model's negative log-likelihood can fall below.

    Parameters
    ----------
    deviation
        Of the noise, positive.
    cells
        Along the longer side of a box that reaches six deviations beyond the arcs.

    Returns
    -------
    Float[Array, ""]
        :math:`-\int Pr(\mathbf{x})\log Pr(\mathbf{x})\,d\mathbf{x}` in nats; 0.991 for a deviation of 0.1.

    Raises
    ------
    ValueError
        If ``deviation`` or ``cells`` is not positive.
    """
    deviation, cells = number("deviation", deviation, above=0.0), count("cells", cells)
    reach = 6 * deviation
    width = (3 + 2 * reach) / cells
    rows = np.arange(-0.5 - reach, 1 + reach, width) + width / 2
    columns = -1 - reach + (np.arange(cells) + 0.5) * width
    places = jnp.asarray(np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2))
    return _minus_mean_log(places, deviation) * width**2


@jax.jit
def _minus_mean_log(places, deviation):
    log_p = log_density(places, deviation)
    return -jnp.sum(jnp.exp(log_p) * log_p)
