r"""
13.4 Whom to listen to
======================

In the graph networks so far, every neighbour has the same say. In a transformer, each input chooses which others to attend to, but
all may be chosen. *Graph attention* joins the two: each node weighs its neighbours by what they have to say, and hears nobody else.
How is that done, and do different nodes really choose differently?

*In the book: section 13.8.6, figure 13.12. Notebook 13.4.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch13_graphs import drawing, graph_layers
from udl_jax.ch13_graphs import graph_attention as attention
from udl_jax.ch13_graphs.adjacency import from_edges
from udl_jax.ch13_graphs.graph_representation import FIGURE_13_4

plotting.use_book_style()

# %%
# Three steps
# -----------
# What each of the N nodes has is mapped, each pair of nodes gets a score, and the scores are turned into weights (equations
# 13.22 to 13.24; the book's columns are our rows):
#
# .. math::
#    \mathbf{H}' &= \boldsymbol\beta\mathbf{1}^T + \boldsymbol\Omega\,\mathbf{H},\\
#    s_{mn} &= \text{a}\Bigl[\boldsymbol\phi^T \begin{bmatrix}\mathbf{h}'_m\\ \mathbf{h}'_n\end{bmatrix}\Bigr],\\
#    \mathbf{H}_{\text{new}} &= \text{a}\bigl[\mathbf{H}'\cdot\text{Softmask}[\mathbf{S},\,\mathbf{A}+\mathbf{I}]\bigr].
#
# Here a is an activation function, in the notebook the ReLU both times. *Softmask* is the softmax over the nodes m that the
# matrix :math:`\mathbf{A}+\mathbf{I}` joins to node n, and zero for all others. The product with :math:`\boldsymbol\phi` is a
# sum of two numbers, one for the node that sends and one for the node that receives, so all pairs cost one sum of a row and a
# column.

A = np.asarray(from_edges(FIGURE_13_4, nodes=8))
x = np.asarray(jax.random.normal(jax.random.key(3), (8, 4)))
omega, beta, phi = params = attention.draw_attention_weights(jax.random.key(4), features=4, width=4)

mapped = x @ omega + beta
scores = np.maximum((mapped @ phi[4:])[:, None] + (mapped @ phi[:4])[None, :], 0)
powers = np.where(A + np.eye(8) > 0, np.exp(scores), 0)
weights = powers / powers.sum(axis=1, keepdims=True)
output = np.maximum(weights @ mapped, 0)

book = jax.jit(attention.graph_attention)(x, params, A)
print(f"weights differ from the library by {np.abs(weights - book.weights).max():.0e}", end=", ")
print(f"outputs by {np.abs(output - book.output).max():.0e}")

# %%
# Row n of the weights shows whom node n listens to. The rows sum to one, and are exactly zero where there is no edge. In the
# graph, the width of an edge tells how much node 4 takes along it.

places = drawing.place_nodes(A, seed=3)


def draw_weights(ax, matrix, title):
    """Draw weights as a matrix, with crosses where the graph has no edge."""
    image = ax.imshow(np.where(A + np.eye(8) > 0, matrix, np.nan), cmap="YlOrBr", vmin=0, vmax=1)
    ax.plot(*np.argwhere(A + np.eye(8) == 0).T[::-1], "x", color="0.75", ms=4)
    ax.set(xlabel="sends", ylabel="receives", xticks=range(8), yticks=range(8), title=title)
    return image


# sphinx_gallery_alt = "Left, attention as a matrix, empty off the graph; right, the graph with node 4's edges drawn by weight."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.6))
fig.colorbar(draw_weights(left, weights, "Attention"), ax=left, label="weight")
of_four = np.where((np.arange(8) == 4)[:, None], weights, 0)
labels = [f"{weight:.2f}" if joined else "" for weight, joined in zip(weights[4], (A + np.eye(8))[4])]
shades = [drawing.CHOSEN if node == 4 else drawing.MARKED if A[4, node] else "white" for node in range(8)]
drawing.draw_graph(
    right,
    A,
    places,
    labels=labels,
    colours=shades,
    sizes=520,
    widths=0.6 + 9 * (of_four + of_four.T),
    font_size=8,
)
right.set_title("What node 4 (dark) takes from whom")
plt.show()

# %%
# Who is heard where?
# -------------------
# One layer carries news over one edge. ``jax.jacobian`` takes the derivative of every node's output with respect to every
# node's input, and it is zero wherever the graph has no edge: the mask holds for derivatives, too. After a second layer, news
# has come two edges far.


def layer(x):
    """Compute one layer, without the ReLU at the end, which would hide what is below zero."""
    found = attention.graph_attention(x, params, A)
    return found.weights @ found.mapped


# sphinx_gallery_alt = "Two 8 by 8 maps of where derivatives are not zero: after one layer the graph's edges, after two many more."
fig, axes = plt.subplots(1, 2, figsize=(7, 3.3))
for ax, network, title in zip(axes, (layer, lambda x: layer(layer(x))), ("one layer", "two layers")):
    depends = np.abs(jax.jit(jax.jacobian(network))(x)).sum(axis=(1, 3)) > 0
    ax.imshow(depends, cmap="Greys", vmin=0, vmax=2)
    ax.set(xlabel="input of node", ylabel="output of node", xticks=range(8), yticks=range(8))
    ax.set_title(f"{title}: {depends.sum()} of 64 pairs")
plt.show()

# %%
# Dot products that respect the graph
# -----------------------------------
# The notebook asks for a mixture of the transformer's attention and this one: scores are products of *queries* and *keys*
# (equations 12.2 and 12.4), and the mask of the graph is laid over them. Only the second step changes.

drawn = jax.random.normal(jax.random.key(5), (3, 4, 4))
dots = attention.DotWeights(drawn[0], jnp.zeros(4), drawn[1], jnp.zeros(4), drawn[2], jnp.zeros(4))
by_products = attention.dot_product_graph_attention(x, dots, A)

# sphinx_gallery_alt = "Attention of the book's kind and by dot products, both empty where the graph has no edge."
fig, axes = plt.subplots(1, 2, figsize=(7.4, 3.4))
draw_weights(axes[0], book.weights, "graph attention")
fig.colorbar(draw_weights(axes[1], by_products.weights, "dot products"), ax=axes, label="weight")
plt.show()

# %%
# Do nodes choose differently?
# ----------------------------
# The score of a pair is a sum, and then an activation function that never falls. So whichever node listens, the sender with the
# largest number has the largest score: all nodes rank their neighbours alike. Brody, Alon and Yahav (2022) call such attention
# *static*. With the ReLU there are even ties: all pairs whose sum is negative score zero. Their cure is to exchange the last
# two operations: map the two nodes apart, add, activate, and only then multiply by a vector. To see it, let every node listen
# to every other.

everybody = np.ones((8, 8))
dynamic = graph_layers.GraphAttention(features=8, dynamic=True)
variables = jax.jit(dynamic.init)(jax.random.key(6), x, everybody)
kinds = {
    "ReLU (notebook)": attention.graph_attention(x, params, everybody).weights,
    "leaky ReLU": attention.graph_attention(x, params, everybody, slope=0.2).weights,
    "exchanged": dynamic.apply(variables, x, everybody, method=dynamic.attention)[0],
    "dot products": attention.dot_product_graph_attention(x, dots, everybody).weights,
}
favourites = {name: np.asarray(found).argmax(axis=1) for name, found in kinds.items()}
for name, found in kinds.items():
    distinct = [len(np.unique(row)) for row in np.round(np.asarray(found), 6)]
    print(
        f"{name:16} each node's favourite: {favourites[name]}; different weights in a row: {min(distinct)} to {max(distinct)}"
    )

# sphinx_gallery_thumbnail_number = 4
# sphinx_gallery_alt = "Four matrices of attention, favourites dotted: nearly all in one column for the first two, then scattered."
fig, axes = plt.subplots(1, 4, figsize=(11, 3), sharey=True)
for ax, (name, found) in zip(axes, kinds.items()):
    image = ax.imshow(found, cmap="YlOrBr", vmin=0)
    ax.plot(favourites[name], range(8), "o", color="k", ms=4)
    ax.set(xlabel="sends", xticks=range(8), yticks=range(8), title=name)
axes[0].set(ylabel="receives")
plt.show()
