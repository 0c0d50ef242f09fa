"""What a graph's matrix knows: walks, distances, and that nodes may go by other numbers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Num

from udl_jax._annotations import checked
from udl_jax._checks import count, refuse_traced, values
from udl_jax.ch13_graphs.adjacency import Adjacency

#: The eight nodes of figure 13.4, as notebooks 13.1 and 13.4 number them.
FIGURE_13_4 = ((0, 1), (0, 3), (1, 2), (1, 3), (1, 4), (2, 4), (3, 4), (4, 5), (4, 7), (5, 6), (5, 7))
#: What :func:`distances` says of two nodes that no walk connects.
UNREACHABLE = -1


@checked
def walk_counts(adjacency: Adjacency, length: int) -> Num[Array, "nodes nodes"]:
    r"""Count the walks of one length between all pairs of nodes.

    A walk may pass a node, or an edge, more than once. The numbers grow by a factor, the largest eigenvalue of the
    matrix, with each step. Whole numbers that would not fit are refused; under ``jit``, where nobody can look at them,
    they wrap around. Floating-point counts are rounded where they are large, see :func:`longest_exact_walk`.

    Parameters
    ----------
    adjacency
        Adjacency matrix. If its entries are weights, each walk counts as the product of those that it passes.
    length
        Number of edges in a walk, 0 or more; static under ``jit``.

    Returns
    -------
    Num[Array, "nodes nodes"]
        :math:`\mathbf{A}^L`: in row m and column n the number of walks from m to n.

    Raises
    ------
    ValueError
        If ``length`` is negative, or a count does not fit.

    References
    ----------
    Prince (2023), section 13.2.1; notebook 13.1.

    Examples
    --------
    >>> from udl_jax.ch13_graphs.adjacency import from_edges
    >>> walk_counts(from_edges(FIGURE_13_4, 8), 3)[3, 7]
    Array(2, dtype=int32)
    """
    length = count("length", length, least=0)
    _refuse_overflow(adjacency, length)
    return jnp.linalg.matrix_power(adjacency, length)


@checked
def walks_from(
    adjacency: Adjacency, start: Num[Array | np.ndarray, " nodes"], length: int
) -> Num[Array, "{length}+1 nodes"]:
    r"""Count the walks of all lengths up to one, from a start to each node, by products of a vector and a matrix.

    Parameters
    ----------
    adjacency
        Adjacency matrix.
    start
        One-hot vector of the node that walks start from; in general, how many start from each.
    length
        Largest number of edges in a walk; static under ``jit``.

    Returns
    -------
    Num[Array, "{length}+1 nodes"]
        Row L is :math:`\mathbf{x}^T\mathbf{A}^L`.

    Raises
    ------
    ValueError
        If ``length`` is negative, the sizes do not fit, or a count does not fit (as in :func:`walk_counts`).

    References
    ----------
    Prince (2023), section 13.2.1, figure 13.4; notebook 13.1.

    Examples
    --------
    >>> from udl_jax.ch13_graphs.adjacency import from_edges
    >>> walks_from(from_edges(FIGURE_13_4, 8), jnp.eye(8, dtype=int)[0], length=2)
    Array([[1, 0, 0, 0, 0, 0, 0, 0],
           [0, 1, 0, 1, 0, 0, 0, 0],
           [2, 1, 1, 1, 2, 0, 0, 0]], dtype=int32)
    """
    length = count("length", length, least=0)
    dtype = jnp.result_type(adjacency, start)
    adjacency, start = adjacency.astype(dtype), start.astype(dtype)
    _refuse_overflow(adjacency, length, start)
    step = lambda x, _: (x @ adjacency, x @ adjacency)  # noqa: E731
    _, path = jax.lax.scan(step, start, length=length)
    return jnp.concatenate([start[None], path])


@checked
def longest_exact_walk(adjacency: Adjacency, dtype: Any = None, most: int = 1000) -> int:
    """Find the largest length of which all walks can be counted exactly.

    Parameters
    ----------
    adjacency
        Adjacency matrix with whole numbers. It must have values: the function cannot run under ``jit``.
    dtype
        What counts are kept in, that of the matrix by default. Floating-point numbers have all whole numbers up to
        two to the power of their digits: 16,777,216 in single precision.
    most
        Where to stop looking.

    Returns
    -------
    int
        The length, or ``most`` if all lengths up to it will do.

    Examples
    --------
    >>> from udl_jax.ch13_graphs.adjacency import from_edges
    >>> longest_exact_walk(from_edges(FIGURE_13_4, 8), np.int32)
    19
    """
    refuse_traced("longest_exact_walk", adjacency, "the counts depend on values")
    dtype = jnp.dtype(adjacency.dtype if dtype is None else dtype)
    is_whole = jnp.issubdtype(dtype, jnp.integer)
    limit = jnp.iinfo(dtype).max if is_whole else 2 ** (jnp.finfo(dtype).nmant + 1)
    links = np.abs(np.asarray(adjacency, np.double))
    counts = np.eye(len(links))
    for length in range(count("most", most, least=0) + 1):
        if counts.max() > limit:
            return length - 1
        counts = np.minimum(counts @ links, np.finfo(np.double).max)
    return most


@checked
def distances(adjacency: Adjacency) -> Int[Array, "nodes nodes"]:
    """Find the length of the shortest walk between all pairs of nodes.

    One loop asks, for all starts at once, which nodes are met for the first time after 1, 2, 3, ... steps, and stops
    when no new ones are met. It asks whether there are walks and not how many, so nothing can overflow.

    Parameters
    ----------
    adjacency
        Adjacency matrix; every entry that is not zero is an edge of length 1, from its row to its column.

    Returns
    -------
    Int[Array, "nodes nodes"]
        Number of edges; 0 from a node to itself, and -1 (:data:`UNREACHABLE`) where no walk leads.

    References
    ----------
    Prince (2023), section 13.2.1; notebook 13.1.

    Examples
    --------
    >>> from udl_jax.ch13_graphs.adjacency import from_edges
    >>> distances(from_edges([(0, 1), (1, 2)], nodes=4))[0]
    Array([ 0,  1,  2, -1], dtype=int32)
    """
    links = (adjacency != 0).astype(float)
    itself = jnp.eye(len(links), dtype=links.dtype)

    def step(state):
        found, met, length = state
        met = (met @ links > 0) & (found == UNREACHABLE)
        return jnp.where(met, length, found), met.astype(links.dtype), length + 1

    first = (jnp.where(itself > 0, 0, UNREACHABLE).astype(int), itself, 1)
    return jax.lax.while_loop(lambda state: jnp.any(state[1] > 0), step, first)[0]


@checked
def permute(adjacency: Adjacency, order: Int[Array | np.ndarray, " nodes"]) -> Num[Array, "nodes nodes"]:
    r"""Give the nodes other numbers; the rows of an array of nodes ``x`` become ``x[order]``.

    Parameters
    ----------
    adjacency
        Adjacency matrix.
    order
        The old number of each node, in the order of the new numbers.

    Returns
    -------
    Num[Array, "nodes nodes"]
        :math:`\mathbf{P}^T\mathbf{A}\mathbf{P}`, where column n of :math:`\mathbf{P}` is one-hot at ``order[n]``.

    Raises
    ------
    ValueError
        If ``order`` does not name each node once.

    References
    ----------
    Prince (2023), section 13.2.2, equation 13.1, figure 13.5.

    Examples
    --------
    >>> from udl_jax.ch13_graphs.adjacency import from_edges
    >>> permute(from_edges([(0, 1)], nodes=3), np.array([2, 0, 1]))
    Array([[0, 0, 0],
           [0, 0, 1],
           [0, 1, 0]], dtype=int32)
    """
    nodes = adjacency.shape[0]
    values("order", order, lambda p: np.sort(p) == np.arange(nodes), f"a permutation of 0 to {nodes - 1}")
    return adjacency[order][:, order]


def _refuse_overflow(adjacency, length, start=None):
    """Raise ``ValueError`` if concrete counts pass the largest number of their type."""
    if isinstance(adjacency, jax.core.Tracer) or isinstance(start, jax.core.Tracer) or not length:
        return
    is_whole = jnp.issubdtype(adjacency.dtype, jnp.integer)
    limit = (jnp.iinfo if is_whole else jnp.finfo)(adjacency.dtype).max
    with np.errstate(over="ignore"):
        power = np.linalg.matrix_power(np.abs(np.asarray(adjacency, np.double)), length)
        largest = np.max(power if start is None else np.abs(np.asarray(start, np.double)) @ power)
    if not largest <= limit:
        raise ValueError(
            f"length must be smaller for counts of type {adjacency.dtype}, got {length}: "
            f"there are up to {largest:.1e} walks, and the largest number is {float(limit):.1e}"
        )
