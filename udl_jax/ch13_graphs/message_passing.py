"""Nodes gather from their neighbours: with matrices, along lists of edges, and for many graphs at a time."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Num

from udl_jax._annotations import checked
from udl_jax._checks import as_floats, count, is_traced, one_of
from udl_jax.ch13_graphs.adjacency import Adjacency, Edges, to_edges

Nodes = Float[Array | np.ndarray, "nodes features"]
#: How what neighbours send is put together.
AGGREGATIONS = ("sum", "mean", "symmetric", "max")


class Graph(NamedTuple):
    """One graph: what is known of its nodes, a row each, and which of them are joined."""

    nodes: Num[Array, "nodes features"]
    adjacency: Num[Array, "nodes nodes"]


class GraphBatch(NamedTuple):
    """Graphs of several sizes, filled up with nodes that are none.

    Attributes
    ----------
    nodes
        Rows of zeros where there is no node.
    adjacency
        Zeros where there is no node.
    is_node
        Which rows are nodes.
    """

    nodes: Float[Array, "graphs nodes features"]
    adjacency: Float[Array, "graphs nodes nodes"]
    is_node: Bool[Array, "graphs nodes"]


class Union(NamedTuple):
    """Several graphs as one that is in pieces.

    Attributes
    ----------
    nodes
        The nodes of all graphs, one graph after the other.
    edges
        By the new numbers of the nodes.
    graph_of
        Number of the graph that each node belongs to.
    """

    nodes: Float[Array, "nodes features"]
    edges: Edges
    graph_of: Int[Array, " nodes"]


def batch_graphs(graphs: Sequence[Graph], size: int | None = None) -> GraphBatch:
    """Put graphs of several sizes into arrays.

    Parameters
    ----------
    graphs
        At least one; all have the same number of features a node.
    size
        Nodes a graph after filling up; by default as many as the largest graph has.

    Returns
    -------
    GraphBatch
        Floating-point arrays, in the dtype of the nodes.

    Raises
    ------
    ValueError
        If there are no graphs, one is larger than ``size``, its adjacency matrix does not fit its nodes, or the
        numbers of features differ.

    References
    ----------
    Prince (2023), section 13.5 (graphs of any size).

    Examples
    --------
    >>> pair = Graph(np.ones((2, 1)), np.array([[0, 1], [1, 0]]))
    >>> batch = batch_graphs([pair, Graph(np.ones((3, 1)), np.zeros((3, 3)))])
    >>> batch.is_node.sum(axis=1)
    Array([2, 3], dtype=int32)
    """
    graphs = _check_graphs(graphs)
    largest = max(len(graph.nodes) for graph in graphs)
    size = largest if size is None else count("size", size)
    if size < largest:
        raise ValueError(f"size must be at least the nodes of the largest graph, {largest}, got {size}")
    missing = [size - len(graph.nodes) for graph in graphs]
    nodes = np.stack([np.pad(np.asarray(g.nodes), ((0, m), (0, 0))) for g, m in zip(graphs, missing)])
    links = np.stack([np.pad(np.asarray(g.adjacency), (0, m)) for g, m in zip(graphs, missing)])
    is_node = np.arange(size) < size - np.array(missing)[:, None]
    nodes = as_floats("nodes", nodes)
    return GraphBatch(nodes, jnp.asarray(links).astype(nodes.dtype), jnp.asarray(is_node))


def unite_graphs(graphs: Sequence[Graph]) -> Union:
    """Make one graph of several, with no edge between them: nothing needs to be filled up.

    Parameters
    ----------
    graphs
        As for :func:`batch_graphs`.

    Returns
    -------
    Union
        The numbers of nodes and edges depend on the graphs, so this cannot run under ``jit``.

    Raises
    ------
    ValueError
        As :func:`batch_graphs`.

    Examples
    --------
    >>> pair = Graph(np.ones((2, 1)), np.array([[0, 1], [1, 0]]))
    >>> print(unite_graphs([pair, pair]).edges.senders)
    [0 1 2 3]
    """
    graphs = _check_graphs(graphs)
    sizes = [len(graph.nodes) for graph in graphs]
    first = np.cumsum([0, *sizes[:-1]])
    ends = [np.stack(to_edges(graph.adjacency)) + at for graph, at in zip(graphs, first)]
    nodes = np.concatenate([np.asarray(graph.nodes) for graph in graphs])
    return Union(
        as_floats("nodes", nodes),
        Edges(*jnp.asarray(np.concatenate(ends, axis=1))),
        jnp.asarray(np.repeat(np.arange(len(graphs)), sizes)),
    )


@checked
def aggregate(h: Nodes, adjacency: Adjacency, kind: str = "sum") -> Float[Array, "nodes features"]:
    r"""Put together what the neighbours of each node have, without the node itself.

    Parameters
    ----------
    h
        What each node has.
    adjacency
        Adjacency matrix: row n names those that node n receives from. ``"max"`` asks whether there is an edge; the
        others multiply by the entries.
    kind
        ``"sum"``, ``"mean"``, ``"symmetric"`` (each message divided by the square root of both numbers of neighbours) or ``"max"``;
        static under ``jit``.

    Returns
    -------
    Float[Array, "nodes features"]
        Zeros for a node without neighbours.

    Raises
    ------
    ValueError
        If shapes do not fit, or there is no such ``kind``.

    References
    ----------
    Prince (2023), sections 13.4 and 13.8.3 to 13.8.5.

    Examples
    --------
    >>> aggregate(np.array([[1.0], [2.0], [4.0]]), np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]]))
    Array([[6.],
           [1.],
           [1.]], dtype=float32)
    """
    one_of("kind", kind, AGGREGATIONS)
    links = adjacency.astype(h.dtype)
    if kind == "max":
        is_joined = (adjacency != 0)[..., None]
        largest = jnp.where(is_joined, h, -jnp.inf).max(axis=1)
        return jnp.where(is_joined.any(axis=1), largest, 0)
    received, sent = links.sum(axis=1), links.sum(axis=0)
    return _weigh(links @ _weigh(h, sent, kind, of="sender"), received, kind, of="receiver")


@checked(may_be_empty=("senders", "receivers"))
def aggregate_edges(
    h: Nodes,
    senders: Int[Array | np.ndarray, " edges"],
    receivers: Int[Array | np.ndarray, " edges"],
    kind: str = "sum",
) -> Float[Array, "nodes features"]:
    """Put together what the neighbours of each node have, along a list of edges.

    Time and memory grow with the number of edges, not with the square of the number of nodes.

    Parameters
    ----------
    h
        What each node has.
    senders, receivers
        The two ends of each edge. An edge whose receiver is the number of nodes, as those that fill up a list,
        leads nowhere and changes nothing.
    kind
        As for :func:`aggregate`; static under ``jit``.

    Returns
    -------
    Float[Array, "nodes features"]
        What :func:`aggregate` gives for the same graph.

    Raises
    ------
    ValueError
        If shapes do not fit, an edge ends at no node, or there is no such ``kind``.

    Examples
    --------
    >>> aggregate_edges(np.array([[1.0], [2.0]]), np.array([1]), np.array([0]))
    Array([[2.],
           [0.]], dtype=float32)
    """
    one_of("kind", kind, AGGREGATIONS)
    nodes = h.shape[0]
    check_ends(senders, receivers, nodes)
    is_edge = (senders < nodes) & (receivers < nodes)
    received = jax.ops.segment_sum(is_edge.astype(h.dtype), receivers, nodes)
    sent = jax.ops.segment_sum(is_edge.astype(h.dtype), senders, nodes)
    messages = jnp.where(is_edge[:, None], _weigh(h, sent, kind, of="sender").at[senders].get(mode="clip"), 0)
    if kind == "max":
        messages = jnp.where(is_edge[:, None], messages, -jnp.inf)
        largest = jax.ops.segment_max(messages, receivers, nodes)
        return jnp.where(received[:, None] > 0, largest, 0)
    return _weigh(jax.ops.segment_sum(messages, receivers, nodes), received, kind, of="receiver")


def check_ends(senders: Int[Array, " edges"], receivers: Int[Array, " edges"], nodes: int) -> None:
    """Refuse edges that end at no node; ``nodes`` itself fills up lists. Pass over traced edges.

    Examples
    --------
    >>> check_ends(np.array([0]), np.array([7]), nodes=3)
    Traceback (most recent call last):
        ...
    ValueError: receivers must be nodes 0 to 2, or 3 for no edge, got 7
    """
    for name, ends in (("senders", senders), ("receivers", receivers)):
        if is_traced(ends) or not ends.size:
            continue
        numbers = np.asarray(ends)  # NumPy, since JAX would trace even a constant when this runs inside jit
        for end in (int(numbers.min()), int(numbers.max())):
            if not 0 <= end <= nodes:
                raise ValueError(f"{name} must be nodes 0 to {nodes - 1}, or {nodes} for no edge, got {end}")


def _weigh(h, degrees, kind, of):
    """Divide by numbers of neighbours, as ``kind`` asks of senders or receivers."""
    power = {"mean": {"receiver": -1.0}, "symmetric": {"receiver": -0.5, "sender": -0.5}}.get(kind, {}).get(
        of
    )
    if power is None:
        return h
    # The inner where keeps gradients finite at nodes without neighbours, which receive nothing.
    return jnp.where(degrees > 0, jnp.where(degrees > 0, degrees, 1) ** power, 0)[:, None] * h


def _check_graphs(graphs):
    graphs = list(graphs)
    if not graphs:
        raise ValueError("graphs must be at least one, got none")
    for number, (nodes, adjacency) in enumerate(graphs):
        if np.ndim(nodes) != 2 or np.shape(adjacency) != (len(nodes), len(nodes)):
            raise ValueError(
                f"graphs[{number}] must have rows of features and a square matrix of as many rows, "
                f"got {np.shape(nodes)} and {np.shape(adjacency)}"
            )
        if np.shape(nodes)[1] != np.shape(graphs[0].nodes)[1]:
            raise ValueError(
                f"graphs[{number}] must have as many features as graphs[0], {np.shape(graphs[0].nodes)[1]}, "
                f"got {np.shape(nodes)[1]}"
            )
    return graphs
