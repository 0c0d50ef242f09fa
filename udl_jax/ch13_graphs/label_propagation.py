"""Pass labels on to nodes that have none, without learning anything."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from udl_jax._annotations import checked
from udl_jax._checks import is_traced, values
from udl_jax.ch13_graphs.adjacency import Adjacency, check_undirected, normalise
from udl_jax.ch13_graphs.graph_representation import UNREACHABLE, distances

Labels = Int[Array | np.ndarray, " nodes"]
Labelled = Int[Array | np.ndarray, " labelled"]


@checked
def propagate_labels(
    adjacency: Adjacency, labelled: Labelled, labels: Labels, classes: int = 2
) -> Float[Array, "nodes {classes}"]:
    r"""Let labels flow along edges until every other node has the mean of its neighbours.

    That mean is found by solving one linear system. Nothing is learned.

    Parameters
    ----------
    adjacency
        Adjacency matrix of an undirected graph.
    labelled
        Numbers of the nodes that have labels; these stay as they are.
    labels
        The class of every node; those of other nodes are not looked at.
    classes
        Number of classes.

    Returns
    -------
    Float[Array, "nodes {classes}"]
        Share of each class: the probability that a random walk from the node meets that class's labels first.

    Raises
    ------
    ValueError
        If the matrix is not symmetric, ``labelled`` names no nodes or one twice, or no walk leads from some node to any label.

    References
    ----------
    Zhu, Ghahramani and Lafferty (2003), *Semi-supervised learning using Gaussian fields and harmonic functions*.

    Examples
    --------
    >>> chain = np.eye(4, k=1) + np.eye(4, k=-1)
    >>> shares = propagate_labels(chain, np.array([0, 3]), np.array([0, 0, 1, 1]))
    >>> print(", ".join(f"{share:.2f}" for share in shares[:, 1]))
    0.00, 0.33, 0.67, 1.00
    """
    check_undirected("adjacency", adjacency)
    check_labelled(labelled, len(labels))
    if not is_traced((adjacency, labelled)):
        _refuse_islands(np.asarray(adjacency) != 0, np.asarray(labelled))
    fixed = jnp.zeros(len(labels), bool).at[labelled].set(True)
    known = jnp.where(fixed[:, None], jax.nn.one_hot(labels, classes, dtype=float), 0)
    walk = normalise(adjacency, "mean")
    # Rows of nodes with labels say "stay", all others "be the mean of the neighbours".
    system = jnp.eye(len(labels), dtype=walk.dtype) - jnp.where(fixed[:, None], 0, walk)
    return jnp.linalg.solve(system, known.astype(walk.dtype))


@checked
def nearest_label(adjacency: Adjacency, labelled: Labelled, labels: Labels) -> Int[Array, " nodes"]:
    """Give each node the label of the nearest node that has one, the first of those that are equally near.

    Parameters
    ----------
    adjacency, labelled, labels
        As for :func:`propagate_labels`.

    Returns
    -------
    Int[Array, " nodes"]
        A class for each node.

    Examples
    --------
    >>> chain = np.eye(4, k=1) + np.eye(4, k=-1)
    >>> print(nearest_label(chain, np.array([0, 3]), np.array([0, 0, 1, 1])))
    [0 0 1 1]
    """
    check_labelled(labelled, len(labels))
    far = distances(adjacency)[:, labelled]
    return labels[labelled][jnp.argmin(jnp.where(far == UNREACHABLE, len(labels), far), axis=1)]


@checked
def split_by_spectrum(adjacency: Adjacency) -> Int[Array, " nodes"]:
    """Split a graph in two by the sign of its Laplacian's second eigenvector, which needs no labels at all.

    Parameters
    ----------
    adjacency
        Adjacency matrix of an undirected graph.

    Returns
    -------
    Int[Array, " nodes"]
        0 or 1; node 0 is in part 0.

    References
    ----------
    Fiedler (1973), *Algebraic connectivity of graphs*.

    Examples
    --------
    >>> print(split_by_spectrum(np.eye(4, k=1) + np.eye(4, k=-1)))
    [0 0 1 1]
    """
    check_undirected("adjacency", adjacency)
    links = (adjacency != 0).astype(float)
    _, vectors = jnp.linalg.eigh(jnp.diag(links.sum(axis=1)) - links)
    return (jnp.sign(vectors[:, 1]) != jnp.sign(vectors[0, 1])).astype(int)


def check_labelled(labelled: Labelled, nodes: int) -> None:
    """Refuse numbers that name no node, or one twice."""
    if is_traced(labelled):
        return
    if np.size(labelled) == 0:
        raise ValueError("labelled must name at least one node, got none")
    values("labelled", labelled, lambda n: (n >= 0) & (n < nodes), f"nodes 0 to {nodes - 1}")
    if len(np.unique(labelled)) < len(labelled):
        raise ValueError(f"labelled must name each node once, got {np.asarray(labelled).tolist()}")


def _refuse_islands(links, labelled):
    """Raise ``ValueError`` if there are nodes from which no walk leads to a label."""
    reached = np.isin(np.arange(len(links)), labelled)
    while (new := reached | links[:, reached].any(axis=1)).sum() > reached.sum():
        reached = new
    if not reached.all():
        raise ValueError(
            f"labelled must be within reach of every node, but no walk leads from node {np.argmin(reached)} to any"
        )
