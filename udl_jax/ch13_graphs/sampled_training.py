"""A network whose training looks at a few neighbours of a few nodes a step, however large the graph is."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, Key

from udl_jax import training
from udl_jax._annotations import checked
from udl_jax._checks import count, refuse_traced
from udl_jax.ch13_graphs.adjacency import Adjacency
from udl_jax.ch13_graphs.message_passing import aggregate
from udl_jax.ch13_graphs.neighborhood_sampling import count_of_nodes


class NeighbourTable(NamedTuple):
    """The neighbours of each node, filled up to the largest number of them.

    Attributes
    ----------
    neighbours
        Their numbers; 0 where there is none.
    is_neighbour
        Which places hold a neighbour.
    """

    neighbours: Int[Array, "nodes places"]
    is_neighbour: Bool[Array, "nodes places"]


class Tree(NamedTuple):
    """Some nodes, neighbours of them, and neighbours of those: numbers, and which places hold any.

    Attributes
    ----------
    roots
        The nodes whose outputs are wanted.
    children, is_child
        Sampled neighbours of each root.
    grandchildren, is_grandchild
        Sampled neighbours of each child.
    """

    roots: Int[Array, " roots"]
    children: Int[Array, "roots n"]
    is_child: Bool[Array, "roots n"]
    grandchildren: Int[Array, "roots n n"]
    is_grandchild: Bool[Array, "roots n n"]


class SampledNetwork(nn.Module):
    """Two layers, each of which looks at a node and at the mean of its neighbours, with weights of their own.

    Attributes
    ----------
    classes
        Number of outputs.
    width
        Of the hidden layer.
    """

    classes: int
    width: int = 32

    def setup(self):
        """Make the four dense layers."""
        self.first, self.first_neighbours = nn.Dense(self.width), nn.Dense(self.width, use_bias=False)
        self.second, self.second_neighbours = nn.Dense(self.classes), nn.Dense(self.classes, use_bias=False)

    def __call__(
        self, nodes: Float[Array | np.ndarray, "nodes features"], adjacency: Adjacency
    ) -> Float[Array, "nodes {self.classes}"]:
        """Score the classes of all nodes, with all neighbours."""
        h = nn.relu(self.first(nodes) + self.first_neighbours(aggregate(nodes, adjacency, "mean")))
        return self.second(h) + self.second_neighbours(aggregate(h, adjacency, "mean"))

    def on_tree(
        self, nodes: Float[Array | np.ndarray, "nodes features"], tree: Tree
    ) -> Float[Array, "roots {self.classes}"]:
        """Score the classes of the roots, with the neighbours in the tree."""
        children = nodes[tree.children]
        of_roots = self._hidden(nodes[tree.roots], _mean(children, tree.is_child))
        of_children = self._hidden(children, _mean(nodes[tree.grandchildren], tree.is_grandchild))
        return self.second(of_roots) + self.second_neighbours(_mean(of_children, tree.is_child))

    def _hidden(self, h, of_neighbours):
        return nn.relu(self.first(h) + self.first_neighbours(of_neighbours))


@checked
def list_neighbours(adjacency: Adjacency) -> NeighbourTable:
    """List the neighbours of each node.

    Parameters
    ----------
    adjacency
        Adjacency matrix; it must have values, since they decide the size of the table.

    Returns
    -------
    NeighbourTable
        At least one place a node.

    Examples
    --------
    >>> list_neighbours(np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]])).neighbours
    Array([[1, 2],
           [0, 0],
           [0, 0]], dtype=int32)
    """
    refuse_traced("list_neighbours", adjacency, "the size of the table depends on values")
    rows = [np.flatnonzero(row) for row in np.asarray(adjacency)]
    size = max(1, *(len(row) for row in rows))
    table = np.stack([np.pad(row, (0, size - len(row))) for row in rows])
    return NeighbourTable(
        jnp.asarray(table), jnp.asarray(np.arange(size) < np.array([[len(r)] for r in rows]))
    )


@checked
def sample_tree(
    first: Float[Array, "roots places"],
    second: Float[Array, "roots n places"],
    table: NeighbourTable,
    roots: Int[Array, " roots"],
) -> Tree:
    """Choose neighbours of roots and of their neighbours: as many as ``second`` has room for.

    Parameters
    ----------
    first, second
        Priorities of the places in the table, not negative: uniform draws make every subset as likely as any other.
    table
        From :func:`list_neighbours`.
    roots
        Numbers of the nodes whose outputs are wanted.

    Returns
    -------
    Tree
        Its size depends on the shapes alone.

    Raises
    ------
    ValueError
        If ``n`` exceeds the number of places.
    """
    n = count_of_nodes("n", second.shape[1], table.neighbours.shape[1], "the largest number of neighbours")
    children, is_child = _choose_places(first, table, roots, n)
    grandchildren, is_grandchild = _choose_places(second, table, children, n)
    return Tree(roots, children, is_child, grandchildren, is_grandchild & is_child[..., None])


@checked
def draw_tree(key: Key[Array, ""], table: NeighbourTable, roots: Int[Array, " roots"], n: int) -> Tree:
    """Draw priorities, and :func:`sample_tree` with them."""
    n, places = count("n", n), table.neighbours.shape[1]
    one, two = jax.random.split(key)
    first = jax.random.uniform(one, (len(roots), places))
    return sample_tree(first, jax.random.uniform(two, (len(roots), n, places)), table, roots)


def nodes_of(tree: Tree, nodes: int) -> Bool[Array, "{nodes}"]:
    """Mark which of ``nodes`` nodes a tree looks at: what a step of training has to fetch.

    Examples
    --------
    >>> table = list_neighbours(np.ones((4, 4)) - np.eye(4))
    >>> tree = draw_tree(jax.random.key(0), table, jnp.array([2]), n=3)
    >>> print(nodes_of(tree, 4))
    [ True  True  True  True]
    """
    levels = (
        (tree.roots, jnp.ones_like(tree.roots, bool)),
        (tree.children, tree.is_child),
        (tree.grandchildren, tree.is_grandchild),
    )
    met = [jnp.where(is_there, numbers, nodes).ravel() for numbers, is_there in levels]
    return jnp.zeros(nodes, bool).at[jnp.concatenate(met)].set(True, mode="drop")


@checked
def sampled_objective(
    nodes: Float[Array | np.ndarray, "nodes features"], table: NeighbourTable, n: int
) -> Callable[..., tuple[Float[Array, ""], dict]]:
    """Make an objective for :class:`udl_jax.training.Recipe` that draws a tree in each step.

    Parameters
    ----------
    nodes, table
        Features and neighbours of all nodes.
    n
        Neighbours that a node may have in the tree.

    Returns
    -------
    Callable
        Cross-entropy of a :class:`SampledNetwork`. A batch has numbers of nodes for inputs and their classes for targets;
        the draw of a step is a key.
    """

    def objective(model, variables, batch, key):
        tree = draw_tree(key, table, batch.x, n)
        scores = model.apply(variables, nodes, tree, method=model.on_tree)
        return training.cross_entropy(scores, batch.y), {}

    return objective


def _choose_places(priorities, table, nodes, n):
    best, places = jax.lax.top_k(jnp.where(table.is_neighbour[nodes], priorities, -1), n)
    return jnp.take_along_axis(table.neighbours[nodes], places, axis=-1), best >= 0


def _mean(h, is_there):
    number = jnp.maximum(is_there.sum(axis=-1, keepdims=True), 1)
    return jnp.where(is_there[..., None], h, 0).sum(axis=-2) / number
