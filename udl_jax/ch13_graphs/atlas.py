"""All graphs of three to seven nodes, and what is true of them: something small to learn from."""

import functools
from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import Array, Int

from udl_jax._annotations import checked
from udl_jax._checks import count
from udl_jax.ch13_graphs.message_passing import Graph, GraphBatch, batch_graphs

#: What :func:`small_graphs` tells of each graph.
QUESTIONS = ("connected", "has a triangle", "bipartite")
SMALLEST = 3


class Atlas(NamedTuple):
    """Graphs and answers.

    Attributes
    ----------
    graphs
        All graphs, none the same as another with its nodes renamed, filled up to seven nodes.
    answers
        1 for yes, 0 for no, in the order of :data:`QUESTIONS`.
    """

    graphs: GraphBatch
    answers: Int[Array, "graphs 3"]


def small_graphs(closed_walks: int = 2) -> Atlas:
    """Load the 1,249 graphs of three to seven nodes from networkx's atlas.

    Parameters
    ----------
    closed_walks
        What is told of each node beside the constant 1: how many walks of length 2, 3, ... up to this lead back
        to it. Length 2 gives the number of neighbours, length 3 twice the number of triangles.

    Returns
    -------
    Atlas
        The features of a node are 1, and the numbers of closed walks of length L over 6 to the power L - 1,
        which keeps them near one.

    Raises
    ------
    ValueError
        If ``closed_walks`` is less than 2.

    References
    ----------
    Read and Wilson (1998), *An Atlas of Graphs*.

    Examples
    --------
    >>> atlas = small_graphs()
    >>> atlas.graphs.nodes.shape, atlas.answers.sum(axis=0).tolist()
    ((1249, 7, 2), [994, 1080, 146])
    """
    closed_walks = count("closed_walks", closed_walks, least=2)
    matrices, answers = _read_atlas()
    return Atlas(batch_graphs([Graph(node_features(a, closed_walks), a) for a in matrices]), answers)


@checked
def node_features(adjacency: Int[Array | np.ndarray, "nodes nodes"], closed_walks: int = 2) -> np.ndarray:
    """Describe each node as :func:`small_graphs` does."""
    adjacency = np.asarray(adjacency)
    powers = [np.linalg.matrix_power(adjacency, length) for length in range(2, closed_walks + 1)]
    walks = [np.diag(power) / 6.0 ** (length - 1) for length, power in enumerate(powers, 2)]
    return np.stack([np.ones(len(adjacency)), *walks], axis=1)


@functools.cache
def _read_atlas():
    graphs = [graph for graph in nx.graph_atlas_g() if len(graph) >= SMALLEST]
    answers = [
        (nx.is_connected(graph), any(nx.triangles(graph).values()), nx.is_bipartite(graph))
        for graph in graphs
    ]
    return [nx.to_numpy_array(graph, dtype=int) for graph in graphs], np.array(answers, np.int32)
