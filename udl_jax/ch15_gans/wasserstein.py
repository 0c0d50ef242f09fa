"""The Wasserstein distance: the least work that turns one heap of probability into another."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from udl_jax._annotations import checked
from udl_jax._checks import count, values
from udl_jax.ch15_gans.divergences import check_distribution


@checked
def distance_matrix(
    positions: Float[Array | np.ndarray, " bins"], others: Float[Array | np.ndarray, " others"] | None = None
) -> Float[Array, "bins others"]:
    r"""Compute the distance between every two places.

    Parameters
    ----------
    positions
        Where the bins of the first distribution lie. The notebook's ten lie at 0, 1/9, ..., 1.
    others
        Where those of the second lie; by default at the same places.

    Returns
    -------
    Float[Array, "bins others"]
        :math:`|x_i - y_j|`.

    References
    ----------
    Prince (2023), section 15.2.4, figure 15.8d.

    Examples
    --------
    >>> print(distance_matrix(jnp.array([0.0, 0.5, 1.0])))
    [[0.  0.5 1. ]
     [0.5 0.  0.5]
     [1.  0.5 0. ]]
    """
    others = positions if others is None else others
    return jnp.abs(positions[:, None] - others)


@checked
def constraint_matrix(
    rows: int, columns: int, dtype: str | None = None
) -> Float[Array, "sums {rows}*{columns}"]:
    r"""Make the matrix that takes a plan, flattened row by row, to its row sums and its column sums.

    Parameters
    ----------
    rows, columns
        Shape of the plan.
    dtype
        By default JAX's own.

    Returns
    -------
    Float[Array, "sums {rows}*{columns}"]
        :math:`\mathbf{A}` of ones and zeros, such that :math:`\mathbf{A}\,\text{vec}[\mathbf{P}]` is the row sums
        followed by the column sums. Its rows are not independent: both groups add up to the same total.

    Raises
    ------
    ValueError
        If there are no rows or no columns.

    References
    ----------
    Prince (2023), section 15.2.4, equation 15.11.

    Examples
    --------
    >>> print(constraint_matrix(2, 2))
    [[1. 1. 0. 0.]
     [0. 0. 1. 1.]
     [1. 0. 1. 0.]
     [0. 1. 0. 1.]]
    """
    rows, columns = count("rows", rows), count("columns", columns)
    of_rows = jnp.repeat(jnp.eye(rows, dtype=dtype), columns, axis=1)
    return jnp.concatenate([of_rows, jnp.tile(jnp.eye(columns, dtype=dtype), rows)])


@checked
def distance_1d(
    p: Float[Array | np.ndarray, " bins"],
    q: Float[Array | np.ndarray, " bins"],
    positions: Float[Array | np.ndarray, " bins"] | None = None,
) -> Float[Array, ""]:
    r"""Compute the Wasserstein distance on a line, where no optimisation is needed.

    Whatever lies too much to the left of a gap between two bins has to cross it. So the work is the sum over gaps of
    their width times the difference of the two cumulative distributions.

    Parameters
    ----------
    p, q
        Probabilities that sum to 1.
    positions
        Rising places of the bins; by default equally spaced from 0 to 1.

    Returns
    -------
    Float[Array, ""]
        Probability times distance, in the unit of the positions.

    Raises
    ------
    ValueError
        If ``p`` or ``q`` is not a distribution, if they differ in length, or if positions do not rise.

    References
    ----------
    Prince (2023), section 15.2.4, equation 15.10; notebook 15.2.

    Examples
    --------
    >>> print(distance_1d(jnp.array([1.0, 0.0, 0.0]), jnp.array([0.0, 0.0, 1.0])))
    1.0
    """
    widths = _widths(p, q, positions)
    return jnp.sum(jnp.abs(_surplus(p, q)) * widths)


@checked
def monotone_plan(
    p: Float[Array | np.ndarray, " bins"], q: Float[Array | np.ndarray, " others"]
) -> Float[Array, "bins others"]:
    r"""Make the transport plan in which no two loads cross, which on a line is a best one.

    Lay the bins of both distributions end to end along the same stretch from 0 to 1: what two bins share of it
    is what goes from the one to the other. The best plan is not unique, but its cost is.

    Parameters
    ----------
    p, q
        Probabilities that sum to 1; not necessarily of equal length.

    Returns
    -------
    Float[Array, "bins others"]
        :math:`P_{ij}`, how much probability goes from place i to place j.

    Raises
    ------
    ValueError
        If ``p`` or ``q`` is not a distribution.

    References
    ----------
    Prince (2023), section 15.2.4, equations 15.10 and 15.11, figure 15.8c.

    Examples
    --------
    >>> print(monotone_plan(jnp.array([0.75, 0.25]), jnp.array([0.5, 0.5])))
    [[0.5  0.25]
     [0.   0.25]]
    """
    check_distribution("p", p)
    check_distribution("q", q)
    ends_p, ends_q = jnp.cumsum(p)[:, None], jnp.cumsum(q)
    ends = jnp.minimum(ends_p, ends_q)
    begins = jnp.maximum(ends_p - p[:, None], ends_q - q)
    return jnp.maximum(ends - begins, 0)


@checked
def dual_potential(
    p: Float[Array | np.ndarray, " bins"],
    q: Float[Array | np.ndarray, " bins"],
    positions: Float[Array | np.ndarray, " bins"] | None = None,
) -> Float[Array, " bins"]:
    r"""Find the function of slope at most 1 that tells ``p`` and ``q`` apart best.

    It falls where probability has to move to the right, and rises where it has to move to the left, as steeply as is
    allowed. A critic in a Wasserstein GAN looks for it.

    Parameters
    ----------
    p, q, positions
        As for :func:`distance_1d`.

    Returns
    -------
    Float[Array, " bins"]
        :math:`f_i`, 0 in the first bin. :math:`\sum_i p_i f_i - \sum_j q_j f_j` is the distance.

    Raises
    ------
    ValueError
        As for :func:`distance_1d`.

    References
    ----------
    Prince (2023), section 15.2.4, equations 15.12 and 15.13.

    Examples
    --------
    >>> print(dual_potential(jnp.array([0.0, 0.0, 1.0]), jnp.array([1.0, 0.0, 0.0])))
    [0.  0.5 1. ]
    """
    widths = _widths(p, q, positions)
    steps = -jnp.sign(_surplus(p, q)) * widths
    return jnp.concatenate([jnp.zeros(1, steps.dtype), jnp.cumsum(steps)])


@checked
def sample_distance(
    x: Float[Array | np.ndarray, " samples"], y: Float[Array | np.ndarray, " samples"]
) -> Float[Array, ""]:
    """Compute the Wasserstein distance between two equally large sets of numbers, each as likely as the others.

    The smallest goes to the smallest, the next to the next: sorting is all there is to do.

    Parameters
    ----------
    x, y
        Samples.

    Returns
    -------
    Float[Array, ""]
        Mean distance between samples of equal rank.

    Raises
    ------
    ValueError
        If there are none, or more of the one than of the other.

    References
    ----------
    Prince (2023), section 15.2.5, equation 15.14.

    Examples
    --------
    >>> print(sample_distance(jnp.array([1.0, 3.0]), jnp.array([4.0, 2.0])))
    1.0
    """
    return jnp.mean(jnp.abs(jnp.sort(x) - jnp.sort(y)))


@checked
def sliced_distance(
    x: Float[Array | np.ndarray, "samples dimensions"],
    y: Float[Array | np.ndarray, "samples dimensions"],
    directions: Float[Array | np.ndarray, "directions dimensions"],
) -> Float[Array, ""]:
    """Average the distance between two sets of points, seen along given directions.

    In several dimensions there is no sorting, but along every line there is. Half of the mean over all
    directions of space is not the distance itself, but it is zero only if the sets are the same.

    Parameters
    ----------
    x, y
        Equally many points.
    directions
        What to project on, of any length but zero, say standard normal draws.

    Returns
    -------
    Float[Array, ""]
        Mean of :func:`sample_distance` over the directions, scaled to length 1.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a direction is zero.

    Examples
    --------
    >>> x = jnp.array([[0.0, 0.0], [1.0, 0.0]])
    >>> print(sliced_distance(x, x + jnp.array([0.0, 2.0]), jnp.eye(2)))
    1.0
    """
    values("directions", directions, lambda d: np.any(d != 0, axis=1), "different from zero")
    along = directions / jnp.linalg.norm(directions, axis=1, keepdims=True)
    return jnp.mean(jax.vmap(lambda u: sample_distance(x @ u, y @ u))(along))


def _surplus(p, q):
    """Sum up, for every gap between two bins, how much more of ``p`` than of ``q`` lies to the left of it."""
    return jnp.cumsum(p - q)[:-1]


def _widths(p, q, positions):
    """Check the values of the arguments and return the widths of the gaps."""
    check_distribution("p", p)
    check_distribution("q", q)
    if positions is None:
        return 1 / max(1, p.size - 1)
    widths = jnp.diff(positions)
    values("positions", widths, lambda w: w > 0, "rising from bin to bin, by steps that are positive")
    return widths
