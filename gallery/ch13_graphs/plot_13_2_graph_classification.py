r"""
13.2 Is it liquid at room temperature?
======================================

A molecule of ethanol has nine atoms, one of propanol twelve. Which network takes both, and gives the same answer whatever order
the atoms are listed in? A *graph network*: in every layer each node adds up what it and its neighbours have, and at the end we take
the mean over all nodes. And what can a network that is built like this never find out?

*In the book: sections 13.4 and 13.5, figure 13.7. Notebook 13.2.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from udl_jax import plotting, training
from udl_jax.ch13_graphs import atlas, drawing
from udl_jax.ch13_graphs import graph_classification as gc
from udl_jax.ch13_graphs.adjacency import from_edges
from udl_jax.ch13_graphs.message_passing import Graph, batch_graphs

plotting.use_book_style()

# %%
# Molecules are graphs
# --------------------
# Atoms are nodes and bonds are edges. What is known of an atom is its element: a row of 118 numbers, all zero but for a one at
# the number of the element.

molecules = {"ethanol": gc.ETHANOL, "propanol": gc.PROPANOL}
encoded = {name: gc.encode_molecule(molecule) for name, molecule in molecules.items()}
colours = {"H": "white", "C": "0.75", "O": "#e8836b"}

# sphinx_gallery_alt = "Ethanol and propanol as graphs: two and three carbon atoms in a row, an oxygen atom, hydrogen around them."
fig, axes = plt.subplots(1, 2, figsize=(8.4, 3.4))
for ax, (name, molecule), seed in zip(axes, molecules.items(), (0, 2)):
    links = np.asarray(encoded[name].adjacency)
    labels = [f"{atom}{k}" for k, atom in enumerate(molecule.atoms)]
    shades = [colours[atom] for atom in molecule.atoms]
    drawing.draw_graph(ax, links, drawing.place_nodes(links, seed), labels=labels, colours=shades)
    ax.set_title(f"{name}: X is {encoded[name].nodes.shape[0]} by {encoded[name].nodes.shape[1]}")
plt.show()

# %%
# The network
# -----------
# Three hidden layers of 200 units, the mean over the N nodes, and a sigmoid (equation 13.11, whose columns are our rows):
#
# .. math::
#    \mathbf{H}_1 &= \text{ReLU}[\mathbf{1}\boldsymbol\beta_0^T + (\mathbf{A}+\mathbf{I})\mathbf{X}\boldsymbol\Omega_0],\\
#    \mathbf{H}_{k+1} &= \text{ReLU}[\mathbf{1}\boldsymbol\beta_k^T + (\mathbf{A}+\mathbf{I})\mathbf{H}_k\boldsymbol\Omega_k],\\
#    f &= \text{sig}\bigl[\beta_K + \tfrac1N\,\mathbf{1}^T\mathbf{H}_K\,\boldsymbol\omega_K\bigr].
#
# The weights are the same at every node, so they fit any number of nodes, and a sum over neighbours does not care about their
# order. The lines below are the equations; the library's ``classify`` runs the same layers in one ``lax.scan``.

weights = gc.draw_weights(jax.random.key(1), features=118, width=200, layers=3)
X, A = (np.asarray(array) for array in encoded["ethanol"])
with_itself = A + np.eye(len(A))
H = np.maximum(with_itself @ X @ weights.omega_in + weights.beta_in, 0)
for omega, beta in zip(weights.omegas, weights.betas):
    H = np.maximum(with_itself @ H @ omega + beta, 0)
f = 1 / (1 + np.exp(-(H.mean(axis=0) @ weights.omega_out + weights.beta_out)))

classify = jax.jit(gc.classify)
print(f"ethanol {f:.6f}, differs from the library by {abs(f - classify(weights, X, A).probability):.0e}")
order = np.random.default_rng(0).permutation(9)
print(f"atoms in the order {order}: {classify(weights, X[order], A[order][:, order]).probability:.6f}")
print(
    f"propanol {classify(weights, *encoded['propanol']).probability:.6f}: the same weights take its twelve atoms"
)

# %%
# A test that tests little
# ------------------------
# Would this number have told us if we had the bonds wrong? The notebook's weights have standard deviation 2/D, where He
# initialisation has :math:`\sqrt{2/D}`. What the nodes know then shrinks from layer to layer, until the output is nearly that
# of a network which was told nothing. With the square root, the graph matters.

scales = {"2/D": None, "sqrt(2/D)": gc.he_scale(200)}
for name, scale in scales.items():
    drawn = gc.draw_weights(jax.random.key(1), 118, 200, 3, scale)
    told, untold = classify(drawn, X, A), classify(drawn, X, 0 * A)
    sizes = ", ".join(f"{size:.3f}" for size in np.sqrt((told.hidden**2).mean(axis=(1, 2))))
    print(
        f"{name:9}: f = {told.probability:.4f}, without bonds {untold.probability:.4f}; sizes of the layers {sizes}"
    )

# %%
# Graphs to learn from
# --------------------
# Now let us train such a network. There are 1,249 different graphs of three to seven nodes, and networkx's atlas has them all.
# Three questions: is the graph in one piece, does it have a triangle, and is it *bipartite*, that is, can its nodes be given
# two colours so that no edge joins two of one colour? A node knows only the constant 1 and its number of neighbours. We hold
# out 250 graphs.

everything = atlas.small_graphs(closed_walks=5)
order = np.random.default_rng(0).permutation(len(everything.answers))
learned, held_out = order[:-250], order[-250:]

# sphinx_gallery_alt = "Ten small graphs from the atlas, drawn with their nodes as dots."
fig, axes = plt.subplots(2, 5, figsize=(8.4, 3.4))
for ax, k in zip(axes.ravel(), learned[:10]):
    size = int(everything.graphs.is_node[k].sum())
    links = np.asarray(everything.graphs.adjacency[k, :size, :size])
    drawing.draw_graph(ax, links, drawing.place_nodes(links, 1), labels=[""] * size, sizes=60)
    yes = [
        question
        for question, answer in zip(("connected", "triangle", "bipartite"), everything.answers[k])
        if answer
    ]
    ax.set_title(",\n".join(yes) or "none of them", fontsize=8)
plt.show()

# %%
# Eight hundred steps of Adam on all graphs at once, which are filled up to seven nodes; nodes that are none are masked out
# after every layer. One network answers the three questions. We train it twice: as described, and with more told about each
# node, the numbers of walks of length 3, 4 and 5 that lead back to it.

model = gc.GraphNetwork(questions=3, width=32, layers=3)
recipe = training.Recipe(model, optax.adam(optax.cosine_decay_schedule(0.01, 800)))
first = training.initialise(model, jax.random.key(0), jax.tree.map(lambda leaf: leaf[:2], everything.graphs))


def learn(told):
    """Train on graphs whose nodes are told some of the five features, and answer for all graphs."""
    graphs = everything.graphs._replace(nodes=everything.graphs.nodes * np.array(told, np.float32))
    examples = training.Examples(
        jax.tree.map(lambda leaf: leaf[learned], graphs), jnp.asarray(everything.answers[learned])
    )
    state, history = training.train_full_batch(recipe, training.start(recipe, first), examples, 800, rows=999)
    return np.asarray(training.predict(model, state.variables, graphs)), np.asarray(history.loss)


neighbours, walks = learn([1, 1, 0, 0, 0]), learn([1, 1, 1, 1, 1])
yes = everything.answers[held_out].mean(axis=0)
shares = {
    "always the commoner answer": np.maximum(yes, 1 - yes),
    "told neighbours": (neighbours[0].argmax(-1) == everything.answers)[held_out].mean(axis=0),
    "told closed walks as well": (walks[0].argmax(-1) == everything.answers)[held_out].mean(axis=0),
}
for name, share in shares.items():
    print(f"{name:26} " + ", ".join(f"{q} {100 * s:.1f} %" for q, s in zip(atlas.QUESTIONS, share)))

# sphinx_gallery_thumbnail_number = 3
# sphinx_gallery_alt = "Left, two falling losses, lower with closed walks; right, held-out accuracy for three questions as bars."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
for name, (_, loss), colour in zip(list(shares)[1:], (neighbours, walks), plotting.COLOURS):
    left.semilogy(loss, label=name, color=colour)
left.set(xlabel="step", ylabel="cross-entropy (nats)", title="Training loss")
left.legend()
for k, ((name, share), colour) in enumerate(zip(shares.items(), ("0.7", *plotting.COLOURS))):
    right.bar(np.arange(3) + 0.27 * (k - 1), 100 * share, 0.25, label=name, color=colour)
right.set(xticks=range(3), xticklabels=atlas.QUESTIONS, ylabel="right on held-out graphs (%)", ylim=(70, 100))
right.set_title("Held-out accuracy")
plt.show()

# %%
# What it can never tell
# ----------------------
# What the first network lacks, no training can give it. In a ring of six nodes and in two triangles, every node has two
# neighbours, who have two neighbours each, and so on: all nodes hear the same in every layer, whatever the weights are. But the
# right answers to all three questions differ.

hexagon = from_edges([(k, (k + 1) % 6) for k in range(6)], 6)
triangles = from_edges([(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5)], 6)
both = batch_graphs(
    [Graph(atlas.node_features(np.asarray(a), 2), np.asarray(a)) for a in (hexagon, triangles)]
)
for aggregation in ("sum", "mean", "max"):
    untrained = gc.GraphNetwork(questions=3, aggregation=aggregation)
    variables = training.initialise(untrained, jax.random.key(2), both)
    scores = training.predict(untrained, variables, both)
    print(
        f"{aggregation:4}: the scores of the two graphs differ by {np.abs(scores[0] - scores[1]).max():.0e}"
    )

# sphinx_gallery_alt = "A ring of six nodes, and two separate triangles: in both every node has two neighbours."
ring = np.array([(np.cos(angle), np.sin(angle)) for angle in np.pi / 3 * np.arange(6)])
pair = np.array([(0, 1), (0, -1), (1, 0), (3, 1), (3, -1), (2, 0)])
fig, axes = plt.subplots(1, 2, figsize=(6, 2.4))
for ax, links, places, title in zip(axes, (hexagon, triangles), (ring, pair), ("one ring", "two triangles")):
    drawing.draw_graph(ax, links, places, sizes=200)
    ax.set(title=title, aspect="equal")
plt.show()

# %%
# The powers of the adjacency matrix (page 13.1) tell the two apart: from each corner of a triangle, two walks of length three
# lead back, and in the ring none. That is what the second network was told, and why it does better on triangles.
