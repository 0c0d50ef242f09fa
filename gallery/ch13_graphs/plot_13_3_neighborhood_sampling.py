r"""
13.3 How much of a graph does one node need?
============================================

To learn from one node of a graph, a network with three layers needs the neighbours of the neighbours of its neighbours. In a graph
of friendships that is soon everybody. Must every step of training touch the whole graph? No: a few neighbours, drawn at random,
will do. How few, and what do they cost?

*In the book: section 13.7.1, figures 13.9 and 13.10. Notebook 13.3.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import optax

from udl_jax import plotting, training
from udl_jax.ch13_graphs import block_model, drawing, sampled_training
from udl_jax.ch13_graphs import neighborhood_sampling as sampling
from udl_jax.ch13_graphs.adjacency import from_edges

plotting.use_book_style()

# %%
# Back through the layers
# -----------------------
# A node's output depends on what it and its neighbours have one layer earlier. So the nodes that matter grow by their
# neighbours with each layer that we go back (the book gives no number to this):
#
# .. math::
#    \mathcal{F}_{k+1} = \bigl\{\, m : (\mathbf{A}+\mathbf{I})_{nm} \neq 0 \text{ for some } n \in \mathcal{F}_k \bigr\}.
#
# In code a set of nodes is a vector of ones and zeros, and a step is a product with the matrix. The library has the three steps
# as one ``lax.scan``.

A = np.asarray(from_edges(sampling.FIGURE_13_10, nodes=23))
start = np.arange(23) == 16
field = [start]
for _ in range(3):
    field.append((A + np.eye(23)) @ field[-1] > 0)

by_library = np.asarray(sampling.receptive_field(A, start, layers=3))
print(
    f"nodes in the field: {[int(nodes.sum()) for nodes in field]}, differences: {np.sum(field != by_library)}"
)
walks_only = np.asarray(sampling.receptive_field(A, start, layers=3, self_loops=False)).sum(axis=1)
print(f"with the neighbours alone, as the notebook counts: {walks_only}")

# %%
# The graph has 23 nodes and few edges. After two steps back most of it is there, after three nearly all.

places = drawing.place_nodes(A, seed=7)
names = ("output", "hidden layer 2", "hidden layer 1", "input")


def draw_layers(layers):
    """Draw the graph once for each layer, with the output in dark and the nodes that it needs in light."""
    _, axes = plt.subplots(1, 4, figsize=(11, 3))
    for ax, nodes, name in zip(axes, layers, names):
        shades = np.where(start, drawing.CHOSEN, np.where(nodes, drawing.MARKED, "white"))
        drawing.draw_graph(ax, A, places, colours=shades, sizes=110, font_size=7)
        ax.set_title(name if nodes is layers[0] else f"{name}: {np.sum(nodes & ~start)} others")


# sphinx_gallery_alt = "The graph four times: from node 16 in the output the marked nodes grow to nearly all in the input."
draw_layers(field)
plt.show()

# %%
# Three at a time
# ---------------
# Now let each layer add three nodes at most, drawn from the neighbours of those that are there. Under ``jit`` a set cannot
# change its size, so the library draws a uniform number for every node, and takes the three candidates with the largest: every
# three are as likely as any other. The nine nodes that the notebook announces come out beside the output itself.

drawn = sampling.draw_layers(jax.random.key(1), A, start, layers=3, n=3)

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "The graph four times: from node 16 the marked nodes grow by three a layer, to nine in the input."
draw_layers([start, *np.asarray(drawn.layers)])
plt.show()

# %%
# Is the mean still right?
# ------------------------
# Most networks average what neighbours send. The mean of three neighbours out of six is not the mean of all six, but neither
# too high nor too low on average: each neighbour is drawn equally often. Ten thousand draws for node 16, in one ``vmap``, bear
# this out. What is averaged here is simply the number of each node.

h = np.arange(23.0, dtype=np.float32)[:, None]
neighbours = np.flatnonzero(A[16])


@functools.partial(jax.jit, static_argnums=1)
def draw(keys, n):
    """Draw neighbours of all nodes again and again; return node 16's, and their mean."""

    def once(key):
        sample = sampling.sample_neighbours(jax.random.uniform(key, A.shape), A, n)
        return sample.neighbours[16], sampling.mean_of_sample(h, sample)[16, 0]

    return jax.vmap(once)(keys)


keys = jax.random.split(jax.random.key(0), 10_000)
draws = {n: tuple(map(np.asarray, draw(keys, n))) for n in (1, 3, 5)}
shares = [f"{100 * (draws[3][0] == node).any(axis=1).mean():.1f} %" for node in neighbours]
print(f"node 16 has the neighbours {neighbours}; each is among the three in {', '.join(shares)} of the draws")
for n, (_, means) in draws.items():
    error = means.std() / 100
    print(
        f"{n} of 6: mean {means.mean():.3f} with standard error {error:.3f}; all six: {h[neighbours].mean():.3f}"
    )

# sphinx_gallery_alt = "Histograms of the mean over 1, 3 and 5 of 6 neighbours: centred at the mean over all six, ever narrower."
fig, axes = plotting.panels(1, 3, size=2.5)
for ax, (n, (_, means)) in zip(axes[0], draws.items()):
    ax.hist(means, bins=np.arange(8.75, 20, 0.5), weights=np.full(10_000, 0.01), color=plotting.COLOURS[5])
    ax.axvline(h[neighbours].mean(), color="k", ls="--", lw=1.2)
    ax.set(title=f"{n} of 6 neighbours", xlabel="mean of the sample")
axes[0, 0].set(ylabel="share of the draws (%)")
plt.show()

# %%
# Training on samples
# -------------------
# Does a network learn from such samples? We draw a graph of three groups of a hundred nodes, which are joined with probability
# 0.08 within a group and 0.01 between two. Each node has three features: one-hot in its group, plus noise of standard deviation
# 1. Half of the nodes have labels. A network with two layers learns to name the group, ten nodes a step; all networks are
# tested with *all* neighbours.

graph = block_model.draw_block_graph(jax.random.key(0), (100, 100, 100), within=0.08, between=0.01, noise=1.0)
table = sampled_training.list_neighbours(graph.adjacency)
order = np.random.default_rng(0).permutation(300)
labelled, unlabelled = order[:150], order[150:]
batches = np.stack([np.random.default_rng(epoch).permutation(150).reshape(15, 10) for epoch in range(60)])
model = sampled_training.SampledNetwork(classes=3, width=16)
first = jax.jit(model.init)(jax.random.key(1), graph.nodes, graph.adjacency)
optimiser = optax.adamw(optax.cosine_decay_schedule(0.01, 900), weight_decay=0.05)
examples = training.Examples(jnp.asarray(labelled), graph.labels[labelled])


def whole(model, variables, batch, draws):
    """Score with all neighbours: an objective for the training engine."""
    return training.cross_entropy(model.apply(variables, graph.nodes, graph.adjacency)[batch.x], batch.y), {}


def accuracy(objective):
    """Train, and return the share of nodes without labels whose group is found."""
    recipe = training.Recipe(model, optimiser, objective=objective, evaluation=training.Evaluation(every=0))
    step_keys = jax.random.split(jax.random.key(2), batches.shape[:2])
    state, _ = training.train(recipe, training.start(recipe, first), examples, None, batches, step_keys)
    scores = jax.jit(model.apply)(state.variables, graph.nodes, graph.adjacency)
    return np.mean(np.asarray(scores).argmax(axis=1)[unlabelled] == np.asarray(graph.labels)[unlabelled])


roots = labelled[:10]
needed = {"all": sampling.receptive_field(graph.adjacency, np.isin(np.arange(300), roots), 2)[-1]}
found = {"all": accuracy(whole)}
for n in (5, 3, 1):
    draw = jax.jit(lambda key, n=n: sampled_training.draw_tree(key, table, roots, n))
    needed[n] = np.asarray(sampled_training.nodes_of(draw(jax.random.key(3)), 300))
    found[n] = accuracy(sampled_training.sampled_objective(graph.nodes, table, n))
for n, share in found.items():
    print(
        f"neighbours: {n!s:3}   nodes for ten roots: {needed[n].sum():3}   groups found: {100 * share:.1f} %"
    )

# %%
# With five or three neighbours, a step for ten nodes needs a part of the graph only, and the network finds nearly as many
# groups as with all. With one, it finds fewer. In a graph of three hundred nodes this saves little. But the number of nodes
# that a step needs is at most :math:`10\,(1+n+n^2)`, however large the graph is, and that is how graphs of millions of nodes
# can be learned from.

# sphinx_gallery_alt = "Bars over the number of neighbours: nodes that a step needs, and share of groups found; both rise."
fig, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3))
labels = [str(n) for n in reversed(found)]
left.bar(labels, [int(needed[n].sum()) for n in reversed(found)], color=plotting.COLOURS[5])
left.axhline(300, color="k", ls="--", lw=1)
left.set(xlabel="neighbours a node", ylabel="nodes that a step needs", title="Cost")
right.bar(labels, [100 * found[n] for n in reversed(found)], color=plotting.COLOURS[0])
right.set(xlabel="neighbours a node", ylabel="groups found (%)", ylim=(0, 100), title="Nodes without labels")
plt.show()

# %%
# What if the network is deeper?
# ------------------------------
# Zachary's karate club has 34 members and 78 friendships; page 13.A classifies them. For each member, how much of the club does
# a network with one, two, three or four layers look at? One ``vmap`` over all members answers.

club = nx.to_numpy_array(nx.karate_club_graph(), weight=None, dtype=np.int32)
fields = jax.jit(jax.vmap(lambda node: sampling.receptive_field(club, node, 4).sum(axis=1)))(
    np.eye(34, dtype=bool)
)
sampled = jax.jit(
    jax.vmap(lambda key, node: sampling.draw_layers(key, club, node, 4, 3).layers.sum(axis=1) + 1)
)
sizes = np.concatenate(
    [np.ones((34, 1)), sampled(jax.random.split(jax.random.key(0), 34), np.eye(34, dtype=bool))], axis=1
)

# sphinx_gallery_alt = "Members that an output needs over depth: near 34 after three layers; with sampling, a straight line."
fig, ax = plt.subplots(figsize=(8, 3.2))
ax.plot(range(5), np.asarray(fields).T, color=plotting.COLOURS[0], alpha=0.35, lw=1)
ax.plot(
    range(5),
    np.mean(fields, axis=0),
    "o-",
    color=plotting.COLOURS[0],
    label="all neighbours (thin: each member)",
)
ax.plot(range(5), sizes.mean(axis=0), "s-", color=plotting.COLOURS[1], label="three new ones a layer")
ax.set(xlabel="layers", ylabel="members that one output needs", xticks=range(5), ylim=(0, 35))
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()
