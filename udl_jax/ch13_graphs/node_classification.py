"""Classify the nodes of one graph, of which a few have labels, by graph convolutions or by graph attention."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import optax
from flax import linen as nn
from jaxtyping import Array, Float, Int, Key

from udl_jax import training
from udl_jax._checks import count, values
from udl_jax.ch13_graphs.adjacency import Adjacency
from udl_jax.ch13_graphs.graph_layers import GraphAttention, GraphConvolution
from udl_jax.ch13_graphs.label_propagation import Labelled, Labels, check_labelled

# fmt: off
_COMMUNITIES = (
    1, 1, 1, 1, 3, 3, 3, 1, 0, 1, 3, 1, 1, 1, 0, 0, 3, 1, 0, 1, 0, 1, 0, 0, 2, 2, 0, 0, 2, 0, 0, 2, 0, 0,
)
# fmt: on


class Club(NamedTuple):
    """Zachary's karate club.

    Attributes
    ----------
    adjacency
        Who met outside the lessons.
    faction
        Whom each of the 34 members followed when the club split: 0 the teacher, member 0; 1 the president, member 33.
    community
        One of four groups that a search for modularity finds; the labels that Kipf and Welling (2017) use.
    """

    adjacency: Float[Array, "34 34"]
    faction: Int[Array, "34"]
    community: Int[Array, "34"]


class GCN(nn.Module):
    """Graph convolutions with ReLUs between them.

    Attributes
    ----------
    classes
        Number of outputs.
    hidden
        Width of the hidden layers.
    layers
        Number of layers, the last one included.
    """

    classes: int = 2
    hidden: int = 16
    layers: int = 2

    @nn.compact
    def __call__(
        self, nodes: Float[Array | np.ndarray, "nodes features"], adjacency: Adjacency
    ) -> Float[Array, "nodes {self.classes}"]:
        """Score the classes of all nodes."""
        h = nodes
        for number in range(count("layers", self.layers) - 1):
            h = nn.relu(GraphConvolution(self.hidden, name=f"layer_{number}")(h, adjacency))
        return GraphConvolution(self.classes, name="readout")(h, adjacency)


class GAT(nn.Module):
    """Two layers of graph attention: several heads side by side, then the mean of as many.

    Attributes
    ----------
    classes
        Number of outputs.
    features
        Width of a head in the hidden layer.
    heads
        Number of heads in both layers.
    dynamic
        As for :class:`~udl_jax.ch13_graphs.graph_layers.GraphAttention`.
    """

    classes: int = 2
    features: int = 8
    heads: int = 4
    dynamic: bool = False

    def setup(self):
        """Make the two layers."""
        self.layer_0 = GraphAttention(self.features, self.heads, dynamic=self.dynamic)
        self.readout = GraphAttention(self.classes, self.heads, concatenate=False, dynamic=self.dynamic)

    def __call__(
        self, nodes: Float[Array | np.ndarray, "nodes features"], adjacency: Adjacency
    ) -> Float[Array, "nodes {self.classes}"]:
        """Score the classes of all nodes."""
        return self.readout(nn.elu(self.layer_0(nodes, adjacency)), adjacency)

    def attention(
        self, nodes: Float[Array | np.ndarray, "nodes features"], adjacency: Adjacency
    ) -> Float[Array, "{self.heads} nodes nodes"]:
        """Compute what each node takes of each other in the first layer, for each head."""
        return self.layer_0.attention(nodes, adjacency)


def karate_club() -> Club:
    """Load the karate club from networkx.

    Returns
    -------
    Club
        34 members and 78 friendships, unweighted.

    References
    ----------
    Zachary (1977), *An information flow model for conflict and fission in small groups*.

    Examples
    --------
    >>> club = karate_club()
    >>> int(club.adjacency.sum()) // 2, club.faction.sum().item()
    (78, 17)
    """
    graph = nx.karate_club_graph()
    followed = [int(graph.nodes[node]["club"] != "Mr. Hi") for node in graph]
    adjacency = jnp.asarray(nx.to_numpy_array(graph, weight=None)).astype(float)
    return Club(adjacency, jnp.array(followed), jnp.array(_COMMUNITIES))


def node_recipe(
    model: nn.Module,
    nodes: Float[Array | np.ndarray, "nodes features"],
    adjacency: Adjacency,
    optimiser: optax.GradientTransformation,
    every: int = 0,
) -> training.Recipe:
    """Make a recipe whose examples are numbers of nodes, and whose loss sees the labels of these alone.

    Parameters
    ----------
    model
        Maps features and adjacency matrix to scores of all nodes.
    nodes, adjacency
        The one graph.
    optimiser
        Any Optax transformation.
    every
        Evaluate after every so many steps; 0 for never.

    Returns
    -------
    training.Recipe
        For :func:`train_nodes`, or any other training of the engine.

    Examples
    --------
    >>> club = karate_club()
    >>> node_recipe(GCN(), np.eye(34), club.adjacency, optax.adam(0.01)).evaluates
    False
    """
    nodes, adjacency = jnp.asarray(nodes), jnp.asarray(adjacency)

    def score(model, variables, examples):
        return model.apply(variables, nodes, adjacency)[examples.x]

    def objective(model, variables, batch, draws):
        return training.cross_entropy(score(model, variables, batch), batch.y), {}

    def measure(model, variables, examples):
        scores = score(model, variables, examples)
        return training.Measures(
            training.cross_entropy(scores, examples.y), training.percent_wrong(scores, examples.y)
        )

    evaluation = training.Evaluation(every=every)
    return training.Recipe(model, optimiser, objective=objective, measure=measure, evaluation=evaluation)


def train_nodes(
    recipe: training.Recipe,
    variables: dict,
    labelled: Labelled,
    labels: Labels,
    steps: int,
) -> tuple[dict, training.History]:
    """Train many networks side by side, each with all labelled nodes in every step.

    Parameters
    ----------
    recipe
        From :func:`node_recipe`.
    variables
        Initial variables along a leading axis ``networks``, as from :func:`draw_networks`.
    labelled
        Numbers of the nodes whose labels training may see.
    labels
        The class of every node; those of other nodes are for the test alone.
    steps
        Steps of gradient descent.

    Returns
    -------
    dict
        The trained variables.
    training.History
        With the axes (networks, evaluations): training on the labelled nodes, test on all others.

    Raises
    ------
    ValueError
        If ``labelled`` names no nodes, or one twice, or leaves none to test, or if a label is none of the model's
        ``classes``.
    """
    labels, labelled, steps = np.asarray(labels), np.asarray(labelled), count("steps", steps)
    check_labelled(labelled, len(labels))
    classes = getattr(recipe.model, "classes", np.inf)
    values("labels", labels, lambda y: (y >= 0) & (y < classes), f"classes 0 to {classes - 1}")
    others = np.setdiff1d(np.arange(len(labels)), labelled)
    if not others.size:
        raise ValueError(f"labelled must leave nodes to test on, got all {len(labels)}")
    networks = len(jax.tree.leaves(variables)[0])
    order = np.broadcast_to(np.arange(len(labelled)), (networks, steps, 1, len(labelled)))
    seen, unseen = (
        training.Examples(jnp.asarray(rows), jnp.asarray(labels[rows])) for rows in (labelled, others)
    )
    states = jax.jit(jax.vmap(functools.partial(training.start, recipe)))(variables)
    unseen = unseen if recipe.evaluates else None
    states, history = training.train_replicas(recipe, states, seen, unseen, order)
    return states.variables, history


def draw_networks(
    key: Key[Array, ""],
    model: nn.Module,
    nodes: Float[Array | np.ndarray, "nodes features"],
    adjacency: Adjacency,
    number: int,
) -> dict:
    """Draw the initial variables of ``number`` networks, along a leading axis."""
    keys = jax.random.split(key, count("number", number))
    nodes, adjacency = jnp.asarray(nodes), jnp.asarray(adjacency)
    return jax.jit(jax.vmap(lambda k: model.init(k, nodes, adjacency)))(keys)
