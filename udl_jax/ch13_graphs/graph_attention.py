"""Nodes choose whom to listen to: attention that is zero off the graph."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from udl_jax._annotations import checked
from udl_jax._checks import count, number
from udl_jax.ch13_graphs.adjacency import Adjacency
from udl_jax.ch13_graphs.message_passing import Nodes


class AttentionWeights(NamedTuple):
    """Parameters of graph attention.

    Attributes
    ----------
    omega, beta
        Map what each node has.
    phi
        Scores a pair: the first half meets the node that sends, the second half the one that receives.
    """

    omega: Float[Array, "features width"]
    beta: Float[Array, " width"]
    phi: Float[Array, " 2*width"]


class DotWeights(NamedTuple):
    """Parameters of dot-product attention: maps to queries, keys and values."""

    omega_q: Float[Array, "features width"]
    beta_q: Float[Array, " width"]
    omega_k: Float[Array, "features width"]
    beta_k: Float[Array, " width"]
    omega_v: Float[Array, "features values"]
    beta_v: Float[Array, " values"]


class Attended(NamedTuple):
    """What attention computes. Row n belongs to the node that receives: the book's columns.

    Attributes
    ----------
    mapped
        What nodes send.
    scores
        Of all pairs, before the mask.
    weights
        In row n, what node n takes of each node; rows sum to one, and are zero off the graph.
    output
        What nodes have then.
    """

    mapped: Float[Array, "nodes width"]
    scores: Float[Array, "nodes nodes"]
    weights: Float[Array, "nodes nodes"]
    output: Float[Array, "nodes width"]


@checked
def graph_attention(x: Nodes, params: AttentionWeights, adjacency: Adjacency, slope: float = 0.0) -> Attended:
    r"""Compute the graph attention layer of notebook 13.4.

    Parameters
    ----------
    x
        What each node has, a row each.
    params
        Weights.
    adjacency
        Adjacency matrix; row n names the nodes that node n listens to, besides itself.
    slope
        Of the scores' activation function below zero: 0 is the book's ReLU, 0.2 the leaky ReLU of Velickovic et
        al. (2018).

    Returns
    -------
    Attended
        With :math:`\text{ReLU}` on the output.

    Raises
    ------
    ValueError
        If shapes do not fit, or ``slope`` is no finite number.

    References
    ----------
    Prince (2023), section 13.8.6, equations 13.22 to 13.24, figure 13.12c; notebook 13.4.

    Examples
    --------
    >>> params = AttentionWeights(np.eye(2), np.zeros(2), np.zeros(4))
    >>> x, pair = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]), np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    >>> graph_attention(x, params, pair).output
    Array([[0.5, 0.5],
           [0.5, 0.5],
           [2. , 2. ]], dtype=float32)
    """
    slope = number("slope", slope)
    omega, beta, phi = (jnp.asarray(array) for array in params)
    mapped = _map("omega", x, omega, beta)
    if phi.shape != (2 * mapped.shape[1],):
        raise ValueError(
            f"phi must have the shape ({2 * mapped.shape[1]},), twice the width, got {phi.shape}"
        )
    of_sender, of_receiver = jnp.split(phi, 2)
    scores = jax.nn.leaky_relu((mapped @ of_sender)[None, :] + (mapped @ of_receiver)[:, None], slope)
    weights = softmax_on_graph(scores, with_loops(adjacency))
    return Attended(mapped, scores, weights, jax.nn.relu(weights @ mapped))


@checked
def dot_product_graph_attention(
    x: Nodes, params: DotWeights, adjacency: Adjacency, scale: bool = True
) -> Attended:
    r"""Compute dot-product self-attention in which each node attends to its neighbours and itself only.

    Parameters
    ----------
    x
        What each node has, a row each.
    params
        Maps to queries, keys and values.
    adjacency
        As in :func:`graph_attention`.
    scale
        Whether to divide the scores by the square root of the queries' width; static under ``jit``.

    Returns
    -------
    Attended
        ``mapped`` are the values; there is no activation function on the output.

    Raises
    ------
    ValueError
        If shapes do not fit.

    References
    ----------
    Prince (2023), sections 12.2 and 13.8.6, equations 12.2 and 12.4, figures 13.12a and b; notebook 13.4.

    Examples
    --------
    >>> zeros, one = np.zeros((1, 1)), np.ones((1, 1))
    >>> params = DotWeights(zeros, np.zeros(1), zeros, np.zeros(1), one, np.zeros(1))
    >>> dot_product_graph_attention(np.array([[1.0], [3.0]]), params, np.array([[0, 1], [1, 0]])).output
    Array([[2.],
           [2.]], dtype=float32)
    """
    names = ("omega_q", "omega_k", "omega_v")
    queries, keys, values = (
        _map(name, x, jnp.asarray(omega), jnp.asarray(beta))
        for name, omega, beta in zip(names, params[::2], params[1::2])
    )
    if queries.shape != keys.shape:
        raise ValueError(
            f"omega_k must have the shape of omega_q, got {keys.shape[1]} and {queries.shape[1]} columns"
        )
    scores = queries @ keys.T / (math.sqrt(queries.shape[1]) if scale else 1)
    weights = softmax_on_graph(scores, with_loops(adjacency))
    return Attended(values, scores, weights, weights @ values)


@checked
def softmax_on_graph(
    scores: Float[Array | np.ndarray, "nodes nodes"], is_joined: Bool[Array | np.ndarray, "nodes nodes"]
) -> Float[Array, "nodes nodes"]:
    """Turn each row of scores into weights that sum to one over the nodes that are joined to it.

    Other implementations add a large negative number to the scores off the graph, which half precision cannot hold. Here
    the weights off the graph are zero whatever the scores are.

    Parameters
    ----------
    scores
        In row n those of the nodes that node n might listen to.
    is_joined
        To whom it may.

    Returns
    -------
    Float[Array, "nodes nodes"]
        A row of zeros for a node that is joined to none.

    References
    ----------
    Prince (2023), section 13.8.6, equation 13.24.

    Examples
    --------
    >>> softmax_on_graph(np.array([[0.0, 900.0], [0.0, 0.0]]), np.array([[True, False], [True, True]]))
    Array([[1. , 0. ],
           [0.5, 0.5]], dtype=float32)
    """
    largest = jnp.where(is_joined, scores, -jnp.inf).max(axis=1, keepdims=True)
    largest = jax.lax.stop_gradient(jnp.where(jnp.isfinite(largest), largest, 0))
    # The inner where keeps gradients finite where an exponential off the graph would overflow.
    powers = jnp.where(is_joined, jnp.exp(jnp.where(is_joined, scores - largest, 0)), 0)
    total = powers.sum(axis=1, keepdims=True)
    return powers / jnp.where(total > 0, total, 1)


@checked
def with_loops(adjacency: Adjacency) -> Bool[Array, "nodes nodes"]:
    """Tell which entries of A + I are not zero: whom each node may listen to.

    Examples
    --------
    >>> with_loops(np.zeros((2, 2)))
    Array([[ True, False],
           [False,  True]], dtype=bool)
    """
    return (adjacency != 0) | jnp.eye(adjacency.shape[0], dtype=bool)


@checked
def draw_attention_weights(key: Key[Array, ""], features: int, width: int) -> AttentionWeights:
    """Draw standard normal weights, as the notebook does.

    Raises
    ------
    ValueError
        If a size is less than 1.
    """
    features, width = count("features", features), count("width", width)
    shapes = ((features, width), (width,), (2 * width,))
    return AttentionWeights(*(jax.random.normal(k, s) for k, s in zip(jax.random.split(key, 3), shapes)))


def _map(name, x, omega, beta):
    if omega.ndim != 2 or omega.shape[0] != x.shape[1] or beta.shape != omega.shape[1:]:
        raise ValueError(
            f"{name} must have {x.shape[1]} rows, as x has columns, and beta a number for each of its columns, "
            f"got {omega.shape} and {beta.shape}"
        )
    return x @ omega + beta
