"""Graphs that are drawn: groups of nodes that are joined more often within than between."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from udl_jax._annotations import checked
from udl_jax._checks import counts, number, values


class LabelledGraph(NamedTuple):
    """One graph whose nodes belong to classes.

    Attributes
    ----------
    nodes
        Features, a row a node.
    adjacency
        Symmetric, of zeros and ones, without edges from a node to itself.
    labels
        The class of each node.
    """

    nodes: Float[Array, "nodes features"]
    adjacency: Float[Array, "nodes nodes"]
    labels: Int[Array, " nodes"]


@checked
def join_blocks(
    uniforms: Float[Array | np.ndarray, "nodes nodes"],
    labels: Int[Array | np.ndarray, " nodes"],
    within: float,
    between: float,
) -> Float[Array, "nodes nodes"]:
    """Join each pair of nodes with a probability that depends on whether they are of one class.

    Parameters
    ----------
    uniforms
        Uniform draws in [0, 1); those above the diagonal decide.
    labels
        The class of each node.
    within, between
        Probability of an edge within a class, and between two.

    Returns
    -------
    Float[Array, "nodes nodes"]
        Symmetric adjacency matrix.

    Raises
    ------
    ValueError
        If a probability lies outside [0, 1], or the sizes do not fit.

    References
    ----------
    Holland, Laskey and Leinhardt (1983), *Stochastic blockmodels*.

    Examples
    --------
    >>> join_blocks(np.full((3, 3), 0.5), np.array([0, 0, 1]), within=1.0, between=0.0)
    Array([[0., 1., 0.],
           [1., 0., 0.],
           [0., 0., 0.]], dtype=float32)
    """
    for name, value in (("within", within), ("between", between)):
        values(name, number(name, value), lambda p: (p >= 0) & (p <= 1), "a probability")
    chance = jnp.where(labels[:, None] == labels, within, between)
    upper = jnp.triu(uniforms < chance, 1)
    return (upper | upper.T).astype(uniforms.dtype)


@checked
def draw_block_graph(
    key: Key[Array, ""], sizes: Sequence[int], within: float, between: float, noise: float
) -> LabelledGraph:
    """Draw a graph of several classes whose nodes have noisy features.

    Parameters
    ----------
    key
        Decides the draws.
    sizes
        Nodes of each class.
    within, between
        As for :func:`join_blocks`.
    noise
        Standard deviation of the noise on the features, which without it are one-hot in the class.

    Returns
    -------
    LabelledGraph
        Nodes sorted by class.

    Raises
    ------
    ValueError
        If there are no sizes, one is less than 1, ``noise`` is negative, or as for :func:`join_blocks`.

    Examples
    --------
    >>> graph = draw_block_graph(jax.random.key(0), (50, 50), within=0.2, between=0.02, noise=1.0)
    >>> graph.nodes.shape, graph.adjacency.shape
    ((100, 2), (100, 100))
    """
    sizes, noise = counts("sizes", sizes, length=1), number("noise", noise, least=0.0)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    for_edges, for_nodes = jax.random.split(key)
    uniforms = jax.random.uniform(for_edges, (len(labels), len(labels)))
    spread = noise * jax.random.normal(for_nodes, (len(labels), len(sizes)))
    return LabelledGraph(
        jnp.asarray(np.eye(len(sizes), dtype=spread.dtype)[labels]) + spread,
        join_blocks(uniforms, labels, within, between),
        jnp.asarray(labels),
    )
