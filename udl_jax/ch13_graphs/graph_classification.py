"""Classify whole graphs: layers in which neighbours talk, a mean over all nodes, and one output."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Key, Num

from udl_jax import training
from udl_jax._annotations import checked
from udl_jax._checks import count, number, one_of, values
from udl_jax.ch13_graphs.adjacency import Adjacency, from_edges
from udl_jax.ch13_graphs.message_passing import AGGREGATIONS, Graph, GraphBatch, aggregate

_SYMBOLS = """
H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc
Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po
At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
"""
#: The chemical elements in the order of their numbers, from 1 to 118.
ELEMENTS = tuple(_SYMBOLS.split())


class Molecule(NamedTuple):
    """Atoms, by the symbols of their elements, and the pairs of them that are bound."""

    atoms: tuple[str, ...]
    bonds: tuple[tuple[int, int], ...]


#: Alcohol, with its nine atoms numbered as in notebook 13.2.
ETHANOL = Molecule(tuple("HHCHHCHOH"), ((0, 2), (1, 2), (2, 3), (2, 5), (4, 5), (5, 6), (5, 7), (7, 8)))
#: The alcohol with one more carbon atom, of twelve atoms.
PROPANOL = Molecule(
    tuple("CCCOHHHHHHHH"),
    ((0, 1), (1, 2), (2, 3), (0, 4), (0, 5), (0, 6), (1, 7), (1, 8), (2, 9), (2, 10), (3, 11)),
)


class Weights(NamedTuple):
    """Weights and biases of the notebook's network.

    Attributes
    ----------
    omega_in, beta_in
        From a node's features to the first hidden layer.
    omegas, betas
        From each hidden layer to the next.
    omega_out, beta_out
        From the mean over all nodes to the logit.
    """

    omega_in: Float[Array, "features width"]
    beta_in: Float[Array, " width"]
    omegas: Float[Array, "layers-1 width width"]
    betas: Float[Array, "layers-1 width"]
    omega_out: Float[Array, " width"]
    beta_out: Float[Array, ""]


class Passed(NamedTuple):
    """What one pass through the network computes.

    Attributes
    ----------
    hidden
        The hidden layers, for each node.
    logit
        Output before the sigmoid.
    probability
        Output.
    """

    hidden: Float[Array, "layers nodes width"]
    logit: Float[Array, ""]
    probability: Float[Array, ""]


def encode_molecule(molecule: Molecule, dtype: Any = float) -> Graph:
    """Turn a molecule into a graph: a one-hot row of 118 elements for each atom, and an edge for each bond.

    Parameters
    ----------
    molecule
        Atoms and bonds; bonds count once, whatever their order.
    dtype
        Of both arrays.

    Returns
    -------
    Graph
        Atoms as nodes.

    Raises
    ------
    ValueError
        If an atom is of no known element, or a bond joins no atoms.

    References
    ----------
    Prince (2023), section 13.5; notebook 13.2.

    Examples
    --------
    >>> ethanol = encode_molecule(ETHANOL)
    >>> ethanol.nodes.shape, int(ethanol.adjacency.sum()) // 2
    ((9, 118), 8)
    """
    for atom in molecule.atoms:
        if atom not in ELEMENTS:
            raise ValueError(f"atoms must be symbols of elements such as 'H' or 'He', got {atom!r}")
    numbers = np.array([ELEMENTS.index(atom) for atom in molecule.atoms])
    adjacency = from_edges(molecule.bonds, len(molecule.atoms), dtype=dtype)
    return Graph(jnp.asarray(np.eye(len(ELEMENTS))[numbers], dtype), adjacency)


@checked
def layer(
    h: Float[Array | np.ndarray, "nodes inputs"],
    adjacency: Adjacency,
    omega: Float[Array | np.ndarray, "inputs width"],
    beta: Float[Array | np.ndarray, " width"],
) -> Float[Array, "nodes width"]:
    r"""Compute one graph convolutional layer.

    Parameters
    ----------
    h
        What each node has, a row each.
    adjacency
        Adjacency matrix of an undirected graph.
    omega, beta
        Weights and biases, the same at all nodes.

    Returns
    -------
    Float[Array, "nodes width"]
        :math:`\text{ReLU}[\mathbf{1}\boldsymbol\beta^T + (\mathbf{A}+\mathbf{I})\,\mathbf{H}\,\boldsymbol\Omega]`,
        the book's equation with rows for its columns.

    Raises
    ------
    ValueError
        If shapes do not fit.

    References
    ----------
    Prince (2023), sections 13.4 and 13.5, equation 13.11, figure 13.7.

    Examples
    --------
    >>> layer(np.array([[1.0], [2.0]]), np.array([[0, 1], [1, 0]]), np.array([[1.0, -1.0]]), np.zeros(2))
    Array([[3., 0.],
           [3., 0.]], dtype=float32)
    """
    return jax.nn.relu(beta + (aggregate(h, adjacency) + h) @ omega)


@checked
def classify(
    params: Weights, nodes: Num[Array | np.ndarray, "nodes features"], adjacency: Adjacency
) -> Passed:
    """Run the network of notebook 13.2.

    Parameters
    ----------
    params
        Weights and biases.
    nodes
        What is known of each node.
    adjacency
        Adjacency matrix of an undirected graph, of any number of nodes.

    Returns
    -------
    Passed
        The hidden layers, and the probability that the graph is of the class.

    Raises
    ------
    ValueError
        If shapes do not fit.

    References
    ----------
    Prince (2023), section 13.5, equation 13.11; notebook 13.2.

    Examples
    --------
    >>> params = draw_weights(jax.random.key(0), features=118, width=20, layers=3)
    >>> classify(params, *encode_molecule(ETHANOL)).hidden.shape
    (3, 9, 20)
    """
    first = layer(nodes, adjacency, params.omega_in, params.beta_in)

    def step(h, weights):
        h = layer(h, adjacency, *weights)
        return h, h

    last, rest = jax.lax.scan(step, first, (params.omegas, params.betas))
    logit = last.mean(axis=0) @ params.omega_out + params.beta_out
    return Passed(jnp.concatenate([first[None], rest]), logit, jax.nn.sigmoid(logit))


@checked
def draw_weights(
    key: Key[Array, ""], features: int, width: int, layers: int, scale: float | None = None
) -> Weights:
    r"""Draw normal weights and biases.

    Parameters
    ----------
    key
        Decides the draws.
    features, width, layers
        Features of a node, width of the hidden layers and their number.
    scale
        Standard deviation in the hidden layers. By default the notebook's, 2 / ``width``: that is He
        initialisation without its square root, so that values shrink from layer to layer. The output's is 1.

    Returns
    -------
    Weights
        In JAX's default precision.

    Raises
    ------
    ValueError
        If a size is less than 1, or ``scale`` is negative.
    """
    features, width, layers = (
        count(name, size) for name, size in (("features", features), ("width", width), ("layers", layers))
    )
    scale = 2 / width if scale is None else number("scale", scale, least=0.0)
    shapes = Weights(
        (features, width), (width,), (layers - 1, width, width), (layers - 1, width), (width,), ()
    )
    draws = [jax.random.normal(k, shape) for k, shape in zip(jax.random.split(key, 6), shapes)]
    return Weights(*(scale * draw for draw in draws[:4]), *draws[4:])


def he_scale(width: int) -> float:
    """Compute the standard deviation of He initialisation, the square root that the notebook leaves out."""
    return math.sqrt(2 / count("width", width))


class GraphNetwork(nn.Module):
    """A network that answers questions about whole graphs, for graphs of several sizes at once.

    Attributes
    ----------
    questions
        How many questions it answers with yes or no.
    width, layers
        Width of the hidden layers and their number.
    aggregation
        How messages are put together: ``"sum"``, ``"mean"``, ``"symmetric"`` or ``"max"``.
    residual
        Whether each layer but the first adds to what was there.
    """

    questions: int = 1
    width: int = 32
    layers: int = 3
    aggregation: str = "sum"
    residual: bool = False

    @nn.compact
    def __call__(self, graphs: GraphBatch) -> Float[Array, "graphs {self.questions} 2"]:
        """Compute scores of no and yes, from the mean over each graph's nodes in the last hidden layer."""
        one_of("aggregation", self.aggregation, AGGREGATIONS)
        values("is_node", graphs.is_node, lambda real: real.any(axis=1), "at least one in each graph")
        gather = jax.vmap(lambda h, a: aggregate(h, a, self.aggregation))
        is_node = graphs.is_node[..., None]
        h = graphs.nodes
        for number_of in range(count("layers", self.layers)):
            dense = nn.Dense(self.width, dot_general=training.dot_general, name=f"layer_{number_of}")
            new = nn.relu(dense(gather(h, graphs.adjacency) + h))
            # The biases have made something of rows that are no nodes.
            h = jnp.where(is_node, new + h if self.residual and number_of else new, 0)
        mean = h.sum(axis=1) / is_node.sum(axis=1)
        scores = nn.Dense(2 * count("questions", self.questions), name="readout")(mean)
        return scores.reshape(len(scores), self.questions, 2)
