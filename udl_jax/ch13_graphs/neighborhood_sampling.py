"""What one output depends on, layer by layer, and how to depend on less: a few neighbours drawn at random."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from udl_jax._annotations import checked
from udl_jax._checks import count, values
from udl_jax.ch13_graphs.adjacency import Adjacency

# fmt: off
#: The 23 nodes of figure 13.10, as notebook 13.3 numbers them.
FIGURE_13_10 = (
    (0, 1), (0, 2), (0, 3), (1, 2), (1, 8), (1, 9), (2, 3), (2, 9), (3, 4), (3, 6), (3, 7), (4, 5), (4, 7), (5, 7),
    (6, 7), (6, 9), (6, 10), (7, 10), (7, 13), (8, 9), (9, 11), (9, 12), (9, 16), (10, 12), (11, 14), (11, 15),
    (11, 16), (12, 13), (12, 16), (12, 17), (13, 17), (13, 18), (14, 15), (14, 19), (15, 16), (15, 19), (16, 17),
    (16, 19), (17, 18), (17, 20), (17, 21), (17, 22), (18, 22), (19, 20), (20, 21), (21, 22),
)
# fmt: on
NodeSet = Bool[Array | np.ndarray, " nodes"]


class SampledLayers(NamedTuple):
    """Nodes that a sampled computation needs.

    Attributes
    ----------
    chosen
        The nodes that were drawn at each step away from the output.
    layers
        The nodes of each layer: those drawn up to this step, without those of the output itself.
    """

    chosen: Bool[Array, "layers nodes"]
    layers: Bool[Array, "layers nodes"]


class Sample(NamedTuple):
    """A fixed number of neighbours for each node.

    Attributes
    ----------
    neighbours
        Their numbers; where a node has fewer neighbours than places, the rest are some other nodes.
    is_neighbour
        Which places hold a neighbour.
    """

    neighbours: Int[Array, "nodes places"]
    is_neighbour: Bool[Array, "nodes places"]


@checked
def receptive_field(
    adjacency: Adjacency, nodes: NodeSet, layers: int, self_loops: bool = True
) -> Bool[Array, "{layers}+1 nodes"]:
    r"""Find which nodes of each earlier layer some outputs depend on.

    Parameters
    ----------
    adjacency
        Adjacency matrix; row n names the nodes that node n receives from.
    nodes
        The nodes whose outputs are wanted.
    layers
        How many layers to go back; static under ``jit``.
    self_loops
        Whether a node also depends on itself one layer earlier, as in the book's networks; static under ``jit``. The
        notebook's request is answered by ``False``, which finds only the ends of walks of the exact length.

    Returns
    -------
    Bool[Array, "{layers}+1 nodes"]
        Row 0 are the outputs, row k the nodes that matter k layers earlier.

    Raises
    ------
    ValueError
        If ``layers`` is negative, or the sizes do not fit.

    References
    ----------
    Prince (2023), section 13.7.1, figures 13.9 and 13.10; notebook 13.3.

    Examples
    --------
    >>> chain = np.eye(4, k=1) + np.eye(4, k=-1)
    >>> print(receptive_field(chain, np.arange(4) == 0, layers=2).sum(axis=1))
    [1 2 3]
    """
    layers = count("layers", layers, least=0)
    links = adjacency != 0

    def step(field, _):
        back = _neighbours(links, field) | (field if self_loops else False)
        return back, back

    _, fields = jax.lax.scan(step, nodes, length=layers)
    return jnp.concatenate([nodes[None], fields])


@checked
def choose(priorities: Float[Array | np.ndarray, " nodes"], candidates: NodeSet, n: int) -> NodeSet:
    """Choose the ``n`` candidates of highest priority, or all if there are fewer.

    With priorities that are drawn uniformly this draws without replacement, each subset being as likely as any other,
    and needs no array whose size depends on values.

    Parameters
    ----------
    priorities
        One for each node; the first of equals goes first.
    candidates
        The nodes to choose from.
    n
        How many to choose, at most as many as there are nodes; static under ``jit``.

    Returns
    -------
    Bool[Array, " nodes"]
        Those chosen.

    Raises
    ------
    ValueError
        If ``n`` is less than 1 or more than the number of nodes, if a priority is NaN, or the sizes do not fit.

    Examples
    --------
    >>> print(choose(np.array([0.9, 0.1, 0.5, 0.7]), np.array([False, True, True, True]), n=2))
    [False False  True  True]
    """
    n = count_of_nodes("n", n, len(candidates))
    values("priorities", priorities, lambda p: ~np.isnan(p), "free of NaN")
    _, best = jax.lax.top_k(jnp.where(candidates, _in_order(priorities), -1), n)
    return jnp.zeros_like(candidates).at[best].set(True) & candidates


@checked
def sample_layers(
    priorities: Float[Array | np.ndarray, "layers nodes"], adjacency: Adjacency, nodes: NodeSet, n: int
) -> SampledLayers:
    """Go back from some outputs, adding at most ``n`` new neighbours at each layer.

    Parameters
    ----------
    priorities
        A row for each layer to go back: where not all neighbours can be taken, those of highest priority are.
    adjacency
        Adjacency matrix; row n names the nodes that node n receives from.
    nodes
        The nodes whose outputs are wanted.
    n
        How many new nodes a layer may add; static under ``jit``.

    Returns
    -------
    SampledLayers
        Candidates are neighbours of the nodes found so far; no node is drawn twice.

    Raises
    ------
    ValueError
        As :func:`choose`.

    References
    ----------
    Prince (2023), section 13.7.1, figure 13.10; notebook 13.3.

    Examples
    --------
    >>> star = np.zeros((5, 5)); star[0, 1:] = star[1:, 0] = 1
    >>> print(sample_layers(np.ones((1, 5)), star, np.arange(5) == 0, n=2).layers)
    [[False  True  True False False]]
    """
    n = count_of_nodes("n", n, adjacency.shape[0])
    values("priorities", priorities, lambda p: ~np.isnan(p), "free of NaN")
    links = adjacency != 0

    def step(taken, row):
        chosen = choose(row, _neighbours(links, taken) & ~taken, n)
        return taken | chosen, (chosen, (taken | chosen) & ~nodes)

    _, (chosen, layers) = jax.lax.scan(step, nodes, priorities)
    return SampledLayers(chosen, layers)


@checked
def draw_layers(
    key: Key[Array, ""], adjacency: Adjacency, nodes: NodeSet, layers: int, n: int
) -> SampledLayers:
    """Draw uniform priorities for ``layers`` layers, and :func:`sample_layers` with them."""
    priorities = jax.random.uniform(key, (count("layers", layers), len(nodes)))
    return sample_layers(priorities, adjacency, nodes, n)


@checked
def sample_neighbours(
    priorities: Float[Array | np.ndarray, "nodes nodes"], adjacency: Adjacency, n: int
) -> Sample:
    """Choose at most ``n`` neighbours for each node, independently of the other nodes.

    Parameters
    ----------
    priorities
        Row m has those of the neighbours of node m.
    adjacency
        Adjacency matrix; row m names the nodes that node m receives from.
    n
        Places for neighbours; static under ``jit``.

    Returns
    -------
    Sample
        The same number of places for every node, whatever the graph.

    Raises
    ------
    ValueError
        As :func:`choose`.

    References
    ----------
    Hamilton, Ying and Leskovec (2017), *Inductive representation learning on large graphs*; Prince (2023), section 13.7.1.

    Examples
    --------
    >>> sample_neighbours(np.ones((3, 3)), np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]]), n=1).neighbours
    Array([[1],
           [0],
           [0]], dtype=int32)
    """
    n = count_of_nodes("n", n, adjacency.shape[0])
    values("priorities", priorities, lambda p: ~np.isnan(p), "free of NaN")
    ranked = jnp.where(adjacency != 0, jax.vmap(_in_order)(priorities), -1)
    best, neighbours = jax.lax.top_k(ranked, n)
    return Sample(neighbours, best >= 0)


@checked
def mean_of_sample(
    h: Float[Array | np.ndarray, "nodes features"], sample: Sample
) -> Float[Array, "nodes features"]:
    """Average what sampled neighbours have: an unbiased estimate of the mean over all neighbours.

    Parameters
    ----------
    h
        What each node has.
    sample
        From :func:`sample_neighbours`.

    Returns
    -------
    Float[Array, "nodes features"]
        Zeros for a node without neighbours. Time and memory do not grow with the number of edges.

    Examples
    --------
    >>> sample = Sample(np.array([[1, 0], [0, 1]]), np.array([[True, False], [True, False]]))
    >>> mean_of_sample(np.array([[1.0], [3.0]]), sample)
    Array([[3.],
           [1.]], dtype=float32)
    """
    number = sample.is_neighbour.sum(axis=1, keepdims=True)
    total = jnp.where(sample.is_neighbour[..., None], h[sample.neighbours], 0).sum(axis=1)
    return total / jnp.maximum(number, 1)


def count_of_nodes(name: str, n: int, nodes: int, what: str = "the number of nodes") -> int:
    """Return ``n`` if it is a whole number from 1 to ``nodes``."""
    n = count(name, n)
    if n > nodes:
        raise ValueError(f"{name} must be at most {what}, {nodes}, got {n}")
    return n


def _neighbours(links, nodes):
    """Mark the nodes that some of the given ones receive from."""
    return (links & nodes[:, None]).any(axis=0)


def _in_order(priorities):
    """Turn priorities into ranks, so that none is below those who are no candidates."""
    nodes = len(priorities)
    return jnp.zeros(nodes, int).at[jnp.argsort(-priorities, stable=True)].set(jnp.arange(nodes)[::-1])
