"""Graphs as matrices and as lists of edges, and how the two are made of each other."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num

from udl_jax._annotations import checked
from udl_jax._checks import count, is_traced, one_of, refuse_traced, values

Adjacency = Num[Array | np.ndarray, "nodes nodes"]


class Edges(NamedTuple):
    """A graph as the list of its edges, each in both directions unless the graph is directed.

    Attributes
    ----------
    senders, receivers
        Numbers of the nodes at the two ends. Places that hold no edge have the number of nodes, which is the
        number of no node, at both.
    """

    senders: Int[Array, " edges"]
    receivers: Int[Array, " edges"]


def from_edges(
    edges: Int[np.ndarray, "edges 2"] | Any, nodes: int, *, directed: bool = False, dtype: Any = int
) -> Num[Array, "{nodes} {nodes}"]:
    """Build an adjacency matrix.

    Parameters
    ----------
    edges
        Pairs of nodes, numbered from 0. A pair may be given twice, or in both directions: that is still one edge.
    nodes
        Number of nodes.
    directed
        Whether a pair is an edge from its first node to its second only.
    dtype
        Of the matrix.

    Returns
    -------
    Num[Array, "{nodes} {nodes}"]
        1 in row m and column n if an edge leads from node m to node n, else 0.

    Raises
    ------
    ValueError
        If an edge ends at no node, or ``edges`` are no pairs.
    TypeError
        If ``edges`` holds something else than integers.

    References
    ----------
    Prince (2023), section 13.2, figure 13.4.

    Examples
    --------
    >>> from_edges([(0, 1), (1, 2)], nodes=3)
    Array([[0, 1, 0],
           [1, 0, 1],
           [0, 1, 0]], dtype=int32)
    """
    nodes = count("nodes", nodes)
    refuse_traced("from_edges", edges, "what it builds would have to be checked")
    pairs = np.asarray(edges)
    if pairs.size == 0:
        return jnp.zeros((nodes, nodes), dtype)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"edges must be pairs of nodes, got the shape {pairs.shape}")
    if not np.issubdtype(pairs.dtype, np.integer):
        raise TypeError(f"edges must be pairs of integers, got {pairs.dtype}")
    for pair in pairs.tolist():
        if min(pair) < 0 or max(pair) >= nodes:
            raise ValueError(f"edges must join nodes 0 to {nodes - 1}, got {tuple(pair)}")
    matrix = np.zeros((nodes, nodes))
    matrix[tuple(pairs.T)] = 1
    return jnp.asarray(matrix if directed else np.maximum(matrix, matrix.T), dtype)


@checked
def to_edges(adjacency: Adjacency, size: int | None = None) -> Edges:
    """List the edges of a graph: every entry of the matrix that is not zero, row by row.

    Parameters
    ----------
    adjacency
        Adjacency matrix.
    size
        Places in the list; static under ``jit``, where it is needed. By default as many as there are edges.

    Returns
    -------
    Edges
        In an undirected graph each edge is there in both directions.

    Raises
    ------
    ValueError
        If there are more edges than ``size``.
    TypeError
        If the graph is being traced and there is no ``size``.

    Examples
    --------
    >>> senders, receivers = to_edges(np.array([[0, 1], [1, 0]]))
    >>> print(senders, receivers)
    [0 1] [1 0]
    """
    if size is None:
        refuse_traced("to_edges without a size", adjacency, "the number of edges depends on values")
        return Edges(*jnp.nonzero(adjacency))
    size = count("size", size)
    edges = 0 if is_traced(adjacency) else np.count_nonzero(np.asarray(adjacency))
    if edges > size:
        raise ValueError(f"size must be at least the number of edges, {edges}, got {size}")
    return Edges(*jnp.nonzero(adjacency, size=size, fill_value=adjacency.shape[0]))


@checked
def normalise(adjacency: Adjacency, kind: str = "symmetric") -> Float[Array, "nodes nodes"]:
    r"""Weigh edges, so that a node with many neighbours does not receive more than one with few.

    Parameters
    ----------
    adjacency
        Adjacency matrix of an undirected graph. Add the identity beforehand if nodes are to be neighbours of themselves.
    kind
        ``"mean"`` divides by the number of neighbours of the node that receives; ``"symmetric"`` by the square root of that
        number, and by the square root of that of the sender (Kipf and Welling, 2017). Static under ``jit``.

    Returns
    -------
    Float[Array, "nodes nodes"]
        :math:`\mathbf{D}^{-1}\mathbf{A}`, whose rows sum to one, or
        :math:`\mathbf{D}^{-1/2}\mathbf{A}\mathbf{D}^{-1/2}`. A node without neighbours has a row of zeros.

    Raises
    ------
    ValueError
        If the matrix is not symmetric, has negative entries, or there is no such ``kind``.

    References
    ----------
    Prince (2023), sections 13.8.3 and 13.8.4.

    Examples
    --------
    >>> normalise(from_edges([(0, 1), (1, 2)], nodes=3), "mean")
    Array([[0. , 1. , 0. ],
           [0.5, 0. , 0.5],
           [0. , 1. , 0. ]], dtype=float32)
    """
    one_of("kind", kind, ("symmetric", "mean"))
    check_undirected("adjacency", adjacency)
    values("adjacency", adjacency, lambda a: a >= 0, "free of negative entries")
    links = adjacency if jnp.issubdtype(adjacency.dtype, jnp.floating) else adjacency.astype(float)
    degrees = links.sum(axis=1)
    # The inner where keeps gradients finite at nodes without neighbours.
    some = jnp.where(degrees > 0, degrees, 1)
    share = jnp.where(degrees > 0, some ** (-1 if kind == "mean" else -0.5), 0)
    weighted = share[:, None] * links
    return weighted if kind == "mean" else weighted * share[None, :]


def check_undirected(name: str, adjacency: Adjacency) -> None:
    """Refuse a matrix of numbers that are not finite, or one that is not symmetric; pass over it while it is traced.

    Examples
    --------
    >>> check_undirected("adjacency", np.array([[0, 1], [0, 0]]))
    Traceback (most recent call last):
        ...
    ValueError: adjacency must be symmetric, but entries (0, 1) and (1, 0) are 1 and 0
    """
    if is_traced(adjacency):
        return
    matrix = np.asarray(adjacency)
    values(name, matrix, np.isfinite, "finite")
    odd = np.argwhere(matrix != matrix.T)
    if odd.size:
        m, n = odd[0].tolist()
        raise ValueError(
            f"{name} must be symmetric, but entries ({m}, {n}) and ({n}, {m}) are {matrix[m, n]} and {matrix[n, m]}"
        )
