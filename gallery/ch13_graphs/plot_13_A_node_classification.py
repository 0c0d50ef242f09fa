r"""
13.A Who will follow whom?
==========================

In 1970, a quarrel between its teacher and its president split a karate club in two. The anthropologist Wayne Zachary had noted
who was friends with whom. Suppose we know only how these two chose, and the friendships: can a network tell where each of the other
32 members went? And does it take a network?

*In the book: sections 13.6 to 13.8, figure 13.12. There is no notebook; the layers are held against torch_geometric's.*
"""

import jax
import matplotlib.pyplot as plt
import numpy as np
import optax

from udl_jax import plotting
from udl_jax.ch13_graphs import block_model, drawing, label_propagation
from udl_jax.ch13_graphs import node_classification as nodes

plotting.use_book_style()

# %%
# The club
# --------
# Member 0 is the teacher and member 33 the president. The 34 members have no features of their own, so each is told who it is:
# row n of the identity. This is a *transductive* task: there is one graph, known as a whole, and labels for some of its nodes.

club = nodes.karate_club()
A, faction = np.asarray(club.adjacency), np.asarray(club.faction)
X, labelled = np.eye(34, dtype=A.dtype), np.array([0, 33])
places = drawing.place_nodes(A, seed=8)
SIDES = np.array(["#9fc9e8", "#f2b48c"])

# sphinx_gallery_alt = "The club's 34 members and 78 friendships; the two sides' colours form two halves that meet in the middle."
fig, ax = plt.subplots(figsize=(6.4, 4.4))
sizes = np.where(np.isin(np.arange(34), labelled), 520, 230)
drawing.draw_graph(ax, A, places, colours=SIDES[faction], sizes=sizes)
ax.set_title("Where they went: with the teacher (0) or with the president (33)")
plt.show()

# %%
# A graph convolution
# -------------------
# Page 13.2 added up what neighbours have. Members with many friends would then shout the others down. *Kipf normalisation*
# divides each message by the square roots of how many neighbours sender and receiver have (section 13.8.4, here with the node
# as its own neighbour, as in Kipf and Welling's paper, and with rows for columns):
#
# .. math::
#    \mathbf{H}_{\text{new}} = \text{a}\bigl[\mathbf{D}^{-1/2}(\mathbf{A}+\mathbf{I})\mathbf{D}^{-1/2}\,
#    \mathbf{H}\,\boldsymbol\Omega + \mathbf{1}\boldsymbol\beta^T\bigr],
#
# where the diagonal matrix :math:`\mathbf{D}` holds the row sums of :math:`\mathbf{A}+\mathbf{I}`. The network has two such
# layers, the first with a ReLU. The library does the same without forming the product of the three matrices.

gcn = nodes.GCN(classes=2, hidden=16)
networks = nodes.draw_networks(jax.random.key(0), gcn, X, A, number=50)
first = jax.tree.map(lambda leaf: np.asarray(leaf[0]), networks)["params"]

with_itself = A + np.eye(34)
root = 1 / np.sqrt(with_itself.sum(axis=1))
smooth = root[:, None] * with_itself * root[None, :]
hidden = np.maximum(smooth @ X @ first["layer_0"]["map"]["kernel"] + first["layer_0"]["bias"], 0)
scores = smooth @ hidden @ first["readout"]["map"]["kernel"] + first["readout"]["bias"]
print(
    f"scores differ from the library's by {np.abs(scores - jax.jit(gcn.apply)({'params': first}, X, A)).max():.0e}"
)

# %%
# Two labels, fifty networks
# --------------------------
# The loss is the cross-entropy of the two members whose choice we know; nothing else is known to training. Fifty networks with
# different initial weights are trained side by side, one ``vmap``, for 200 steps of Adam. Beside them, fifty networks with
# graph attention (page 13.4), four heads a layer.

optimiser = optax.chain(optax.add_decayed_weights(5e-4), optax.adam(0.01))


def learn(model, start, X, A, labelled, labels, every=0):
    """Train networks, and return their variables, the classes that they give to all nodes, and the test errors."""
    recipe = nodes.node_recipe(model, X, A, optimiser, every)
    variables, history = nodes.train_nodes(recipe, start, labelled, labels, 200)
    scores = jax.jit(jax.vmap(lambda v: model.apply(v, X, A)))(variables)
    return variables, np.asarray(scores).argmax(axis=-1), history.test


gat = nodes.GAT(classes=2, features=8, heads=4)
attending = nodes.draw_networks(jax.random.key(1), gat, X, A, number=50)
_, by_gcn, curve_gcn = learn(gcn, networks, X, A, labelled, faction, every=10)
attentive, by_gat, curve_gat = learn(gat, attending, X, A, labelled, faction, every=10)
right = {"GCN": (by_gcn == faction).sum(axis=1), "GAT": (by_gat == faction).sum(axis=1)}
for name, numbers in right.items():
    print(f"{name}: of 34 right, median {np.median(numbers):.0f}, from {numbers.min()} to {numbers.max()}")

# %%
# Does it take a network?
# -----------------------
# Three ways that learn nothing. *Label propagation* gives each member the mean of its friends, with the two known ones held
# fixed. *Nearest label* counts steps to the two. The *spectral split* does not even look at the labels: it cuts the graph by
# the sign of the second eigenvector of its Laplacian, the matrix of degrees minus the adjacency matrix.


@jax.jit
def ask_without_learning(A):
    """Classify all members in three ways."""
    return {
        "label propagation": label_propagation.propagate_labels(A, labelled, faction).argmax(axis=1),
        "nearest label": label_propagation.nearest_label(A, labelled, faction),
        "spectral split": label_propagation.split_by_spectrum(A),
    }


without = {name: np.asarray(found) for name, found in ask_without_learning(A).items()}
for name, found in without.items():
    wrong = np.flatnonzero(found != faction)
    print(f"{name:17}: {34 - len(wrong)} right, wrong about {wrong.tolist()}")

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Left, members right out of 34 over steps, for both networks; right, histograms at the end, with baselines."
fig, (left, right_ax) = plt.subplots(1, 2, figsize=(9, 3.4))
for k, (name, curve) in enumerate((("GCN", curve_gcn), ("GAT", curve_gat))):
    found = 34 - np.asarray(curve.error) * 32 / 100
    steps = 10 * np.arange(1, found.shape[1] + 1)
    left.plot(steps, np.median(found, axis=0), color=plotting.COLOURS[k], label=f"{name}, median")
    left.fill_between(
        steps, found.min(axis=0), found.max(axis=0), color=plotting.COLOURS[k], alpha=0.15, lw=0
    )
    bins = np.arange(19.5, 35) + 0.2 * k
    right_ax.hist(right[name], bins, rwidth=0.7, color=plotting.COLOURS[k], alpha=0.75, label=name)
for style, (name, found) in zip((":", "-.", "--"), without.items()):
    right_ax.axvline((found == faction).sum(), color="k", ls=style, lw=1.2, label=name)
left.set(
    xlabel="step", ylabel="members right, of 34", ylim=(27.5, 34.5), title="Fifty networks, least to most"
)
left.legend(loc="lower right")
right_ax.set(xlabel="members right, of 34", ylabel="networks", xlim=(25.5, 34.8), title="After 200 steps")
right_ax.legend(loc="upper left")
plt.show()

# %%
# It does not. With two labels and no features, label propagation does as well as the median convolutional network: all that
# there is to know is in the graph, and a network with so little to learn from is hardly more than a flow of labels. Attention
# has more weights, and its networks differ more.

# %%
# What attention learned
# ----------------------
# For the first of the attentive networks, the mean over the four heads. The width of an edge is the larger of the weights in
# its two directions.

one = jax.tree.map(lambda leaf: np.asarray(leaf)[0], attentive)
attend = jax.jit(lambda variables: gat.apply(variables, X, A, method=gat.attention))
weights = np.asarray(attend(one)).mean(axis=0)

# sphinx_gallery_alt = "The club coloured by one network's answer, edges drawn by attention; members it gets wrong are ringed."
fig, ax = plt.subplots(figsize=(6.4, 4.4))
drawing.draw_graph(
    ax, A, places, colours=SIDES[by_gat[0]], sizes=sizes, widths=0.3 + 8 * np.maximum(weights, weights.T)
)
mistaken = np.flatnonzero(by_gat[0] != faction)
ax.scatter(*places[mistaken].T, s=420, facecolors="none", edgecolors="k", linewidths=2)
ax.set_title(f"One network's answer; wrong about {len(mistaken)} (ringed)")
plt.show()

# %%
# What if the network is deeper?
# ------------------------------
# Each layer takes a mean over neighbours, and a mean of means forgets where it came from. Suppose that a layer did nothing
# else: it replaces what a member has by the mean over the member and its friends. How far apart are the members then? After
# many layers all have the same. This is called *oversmoothing*. At eight layers a trained network is not troubled yet: it can
# make what is left larger again.

mean = with_itself / with_itself.sum(axis=1, keepdims=True)
depths = np.arange(31)
spread = [np.sqrt((np.linalg.matrix_power(mean, depth).var(axis=0)).sum()) for depth in depths]
second = np.sort(np.abs(np.linalg.eigvals(mean)))[-2]
print(
    f"second largest eigenvalue: {second:.3f}, so the spread falls by {100 * (1 - second):.0f} % a layer in the end"
)
deep = nodes.GCN(classes=2, hidden=16, layers=8)
_, answers, _ = learn(deep, nodes.draw_networks(jax.random.key(2), deep, X, A, 50), X, A, labelled, faction)
print(f"a trained GCN of 8 layers: of 34 right, median {np.median((answers == faction).sum(axis=1)):.0f}")

# sphinx_gallery_alt = "Spread of the members over the number of layers, on a logarithmic axis: it falls along a straight line."
fig, ax = plt.subplots(figsize=(5.2, 3.2))
ax.semilogy(depths, spread, "o-", ms=3, label="spread of the members")
ax.semilogy(
    depths, spread[10] * second ** (depths - 10.0), "k--", lw=1, label="powers of the second eigenvalue"
)
ax.set(xlabel="layers of means", ylabel="standard deviation", xlim=(0, 30))
ax.legend()
plt.show()

# %%
# When it does take a network
# ---------------------------
# Give the nodes features, and neither the graph nor the features alone will do. We draw a graph of three groups of fifty nodes,
# joined with probability 0.1 within and 0.03 between, whose features are one-hot in the group plus noise of standard deviation
# 1. Five nodes of each group have labels. Twenty networks each are told the graph, the features, or both.

graph = block_model.draw_block_graph(jax.random.key(0), (50, 50, 50), within=0.1, between=0.03, noise=1.0)
groups, few = np.asarray(graph.labels), np.concatenate([50 * group + np.arange(5) for group in range(3)])
others = np.setdiff1d(np.arange(150), few)
three = nodes.GCN(classes=3, hidden=16)
nobody, anybody = 0 * graph.adjacency, np.eye(150, dtype=A.dtype)
for told, (features, links) in {
    "graph alone": (anybody, graph.adjacency),
    "features alone": (graph.nodes, nobody),
    "both": (graph.nodes, graph.adjacency),
}.items():
    start = nodes.draw_networks(jax.random.key(3), three, features, links, number=20)
    _, answers, _ = learn(three, start, features, links, few, groups)
    print(
        f"{told:14}: median {100 * np.median((answers == groups)[:, others].mean(axis=1)):.0f} % of the other nodes right"
    )
pass_on = jax.jit(
    lambda links: label_propagation.propagate_labels(links, few, groups, classes=3).argmax(axis=1)
)
passed_on = np.asarray(pass_on(graph.adjacency))
print(f"label propagation: {100 * (passed_on == groups)[others].mean():.0f} % right")
