"""Layers for graphs in Flax: graph convolution and graph attention, with matrices and along lists of edges."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int

from udl_jax._annotations import checked
from udl_jax._checks import count
from udl_jax.ch13_graphs.adjacency import Adjacency, Edges
from udl_jax.ch13_graphs.graph_attention import softmax_on_graph, with_loops
from udl_jax.ch13_graphs.message_passing import aggregate, aggregate_edges, check_ends

Inputs = Float[Array | np.ndarray, "nodes inputs"]
Ends = Int[Array | np.ndarray, " edges"]


class GraphConvolution(nn.Module):
    r"""Map, then average over neighbours: :math:`\tilde{\mathbf{A}}\,\mathbf{H}\,\boldsymbol\Omega + \mathbf{1}\boldsymbol\beta^T`.

    Each node counts among its own neighbours, and :math:`\tilde{\mathbf{A}}` is then normalised by the square roots of both
    numbers of neighbours (Kipf and Welling, 2017).

    Attributes
    ----------
    features
        Width of the output.

    References
    ----------
    Prince (2023), section 13.8.4.
    """

    features: int

    def setup(self):
        """Make the map and the bias."""
        self.map = nn.Dense(count("features", self.features), use_bias=False)
        self.bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))

    def __call__(self, h: Inputs, adjacency: Adjacency) -> Float[Array, "nodes {self.features}"]:
        """Compute the layer with an adjacency matrix, whose entries count as one or none."""
        return aggregate(self.map(h), with_loops(adjacency).astype(h.dtype), "symmetric") + self.bias

    def on_edges(self, h: Inputs, senders: Ends, receivers: Ends) -> Float[Array, "nodes {self.features}"]:
        """Compute the layer along a list of edges."""
        return (
            aggregate_edges(self.map(h), *edges_with_loops(senders, receivers, len(h)), "symmetric")
            + self.bias
        )


class GraphAttention(nn.Module):
    """Graph attention with several heads.

    Attributes
    ----------
    features
        Width of each head.
    heads
        How many; each has weights of its own.
    concatenate
        Whether the heads' outputs stand side by side, or are averaged.
    slope
        Of the activation function of the scores below zero.
    dynamic
        Whether the activation function comes before the last product of a score, and not after it (Brody, Alon
        and Yahav, 2022). Only then may two nodes rank the same neighbours in different orders.

    References
    ----------
    Prince (2023), section 13.8.6; Velickovic et al. (2018), *Graph attention networks*; Brody et al. (2022), *How attentive are
    graph attention networks?*
    """

    features: int
    heads: int = 1
    concatenate: bool = True
    slope: float = 0.2
    dynamic: bool = False

    def setup(self):
        """Make maps, scores and bias."""
        shape = (count("heads", self.heads), count("features", self.features))
        glorot = nn.initializers.glorot_uniform(batch_axis=(0,))
        row = lambda name: self.param(name, lambda key: glorot(key, (shape[0], 1, shape[1]))[:, 0])  # noqa: E731
        self.map = nn.DenseGeneral(shape, use_bias=self.dynamic, kernel_init=nn.initializers.glorot_uniform())
        if self.dynamic:
            self.map_receiver = nn.DenseGeneral(shape, kernel_init=nn.initializers.glorot_uniform())
            self.score = row("score")
        else:
            self.sender, self.receiver = row("sender"), row("receiver")
        width = shape[1] * (shape[0] if self.concatenate else 1)
        self.bias = self.param("bias", nn.initializers.zeros_init(), (width,))

    def __call__(self, h: Inputs, adjacency: Adjacency) -> Float[Array, "nodes width"]:
        """Compute the layer with an adjacency matrix."""
        mapped = self.map(h)
        return self._put_together(jnp.einsum("hnm,mhf->nhf", self.attention(h, adjacency), mapped))

    def attention(self, h: Inputs, adjacency: Adjacency) -> Float[Array, "{self.heads} nodes nodes"]:
        """Compute what each node (row) takes of each other, for each head."""
        of_sender, of_receiver = self._halves(h)
        scores = self._scores(of_sender[None, :], of_receiver[:, None])
        is_joined = with_loops(adjacency)
        return jax.vmap(softmax_on_graph, (0, None))(jnp.moveaxis(scores, -1, 0), is_joined)

    def on_edges(self, h: Inputs, senders: Ends, receivers: Ends) -> Float[Array, "nodes width"]:
        """Compute the layer along a list of edges."""
        nodes = len(h)
        senders, receivers = edges_with_loops(senders, receivers, nodes)
        of_sender, of_receiver = self._halves(h)
        take = lambda array, ends: array.at[ends].get(mode="clip")  # noqa: E731
        scores = self._scores(take(of_sender, senders), take(of_receiver, receivers))
        weights = softmax_on_edges(scores, receivers, nodes)
        messages = weights[..., None] * take(self.map(h), senders)
        return self._put_together(jax.ops.segment_sum(messages, receivers, nodes))

    def _halves(self, h):
        """Compute what a node brings to a score when it sends, and when it receives."""
        mapped = self.map(h)
        if self.dynamic:
            return mapped, self.map_receiver(h)
        return (mapped * self.sender).sum(axis=-1), (mapped * self.receiver).sum(axis=-1)

    def _scores(self, of_sender, of_receiver):
        activated = nn.leaky_relu(of_sender + of_receiver, self.slope)
        return (activated * self.score).sum(axis=-1) if self.dynamic else activated

    def _put_together(self, of_heads):
        whole = of_heads.reshape(len(of_heads), -1) if self.concatenate else of_heads.mean(axis=1)
        return whole + self.bias


@checked(may_be_empty=("senders", "receivers"))
def edges_with_loops(senders: Ends, receivers: Ends, nodes: int) -> Edges:
    """Give every node one edge to itself, whether or not it had one.

    Parameters
    ----------
    senders, receivers
        Ends of the edges; ``nodes`` where there is none.
    nodes
        Number of nodes.

    Returns
    -------
    Edges
        The edges between different nodes, in their places, then one for each node.

    Raises
    ------
    ValueError
        If an edge ends at no node.

    Examples
    --------
    >>> print(*edges_with_loops(np.array([0, 1]), np.array([1, 1]), nodes=2))
    [0 2 0 1] [1 2 0 1]
    """
    check_ends(senders, receivers, nodes)
    is_edge = (senders != receivers) & (senders < nodes) & (receivers < nodes)
    ends = (
        jnp.concatenate([jnp.where(is_edge, end, nodes), jnp.arange(nodes)]) for end in (senders, receivers)
    )
    return Edges(*ends)


@checked(may_be_empty=("scores", "receivers"))
def softmax_on_edges(
    scores: Float[Array | np.ndarray, "edges *heads"], receivers: Ends, nodes: int
) -> Float[Array, "edges *heads"]:
    """Turn scores of edges into weights that sum to one over the edges to each node.

    Parameters
    ----------
    scores
        One for each edge, or one for each edge and head.
    receivers
        The node that each edge leads to; ``nodes`` for no edge, whose weight is zero.
    nodes
        Number of nodes.

    Returns
    -------
    Float[Array, "edges *heads"]
        The weights.

    Examples
    --------
    >>> softmax_on_edges(np.array([5.0, 5.0, -7.0]), np.array([0, 0, 1]), nodes=3)
    Array([0.5, 0.5, 1. ], dtype=float32)
    """
    largest = jax.lax.stop_gradient(jax.ops.segment_max(scores, receivers, nodes))
    largest = jnp.where(jnp.isfinite(largest), largest, 0)
    is_edge = (receivers < nodes).reshape(-1, *(1,) * (scores.ndim - 1))
    here = lambda array: array.at[receivers].get(mode="clip")  # noqa: E731
    powers = jnp.where(is_edge, jnp.exp(jnp.where(is_edge, scores - here(largest), 0)), 0)
    total = jax.ops.segment_sum(powers, receivers, nodes)
    return powers / here(jnp.where(total > 0, total, 1))
