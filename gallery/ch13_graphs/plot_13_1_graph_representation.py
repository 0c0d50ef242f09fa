r"""
13.1 How many ways from here to there?
======================================

A network of streets, a molecule, a circle of friends: each is a set of things, called *nodes*, and of links between pairs of them,
called *edges*. A neural network computes with matrices, so we first need to write such a graph as a matrix. Does that matrix know
more than who is next to whom? It does: its powers know how many ways there are from here to there.

*In the book: section 13.2, figures 13.4 and 13.5. Notebook 13.1.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch13_graphs import drawing
from udl_jax.ch13_graphs import graph_representation as graphs
from udl_jax.ch13_graphs.adjacency import from_edges

plotting.use_book_style()

# %%
# A graph is a matrix
# -------------------
# The notebook's graph has eight nodes, numbered from 0. Its *adjacency matrix* has a 1 in row m and column n if an edge joins
# the nodes m and n. Edges have no direction here, so the matrix equals its transpose.

A = np.asarray(from_edges(graphs.FIGURE_13_4, nodes=8))
places = drawing.place_nodes(A, seed=3)

# sphinx_gallery_alt = "Left, eight numbered nodes joined by eleven edges; right, the same as a symmetric 8 by 8 matrix of 0 and 1."
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6))
drawing.draw_graph(left, A, places)
left.set_title("Nodes and edges")
right.imshow(A, cmap="Greys", vmin=0, vmax=2)
for (m, n), entry in np.ndenumerate(A):
    right.text(n, m, entry, ha="center", va="center", fontsize=9)
right.set(xlabel="node", ylabel="node", xticks=range(8), yticks=range(8), title="Adjacency matrix")
plt.show()

# %%
# Powers count walks
# ------------------
# A *walk* steps from neighbour to neighbour, and may return to where it was. A walk of length L + 1 from m to n is a walk of
# length L to some node k, and then one step from k to n. Add up over all k (the book has this without a number, in section
# 13.2.1):
#
# .. math::
#    \bigl(\mathbf{A}^{L+1}\bigr)_{mn} = \sum_k \bigl(\mathbf{A}^L\bigr)_{mk}\,A_{kn},
#
# where an entry of the power L is the number of walks of length L. So three factors count walks of length three. Beside the
# product we list the walks from node 3 to node 7 one by one.

product = A @ A @ A
walks = [(3, i, j, 7) for i in range(8) for j in range(8) if A[3, i] and A[i, j] and A[j, 7]]
print(f"walks of length 3 from node 3 to node 7: {product[3, 7]}, namely {walks}")
print(f"largest difference from the library: {np.abs(product - graphs.walk_counts(A, 3)).max()}")

# %%
# One start is enough
# -------------------
# To know the walks from node 0 only, multiply a vector instead of a matrix: one-hot at node 0, times :math:`\mathbf{A}` once
# for each step. That costs a product of a vector and a matrix a step, and one ``lax.scan`` does all steps. Watch the zeros:
# after each step they mark the nodes that no walk of exactly this length reaches.

start = np.eye(8, dtype=int)[0]
spread = np.asarray(graphs.walks_from(A, start, 4))
print(f"walks of length 3 from node 0 to each node: {spread[3]}")

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Five drawings: walks from node 0 spread over the graph step by step; after four, node 4 has most, 18."
fig, axes = plt.subplots(1, 5, figsize=(11, 2.7))
for length, ax in enumerate(axes):
    shade = [
        "white" if not walks else plt.cm.YlOrBr(0.15 + 0.6 * walks / spread.max()) for walks in spread[length]
    ]
    drawing.draw_graph(ax, A, places, labels=spread[length], colours=shade, sizes=230)
    ax.set_title(f"length {length}")
plt.show()

# %%
# The first walk is the shortest
# ------------------------------
# The distance of two nodes is the length of the shortest walk between them, hence the first power in which their entry is not
# zero. In a graph of N nodes no distance exceeds N - 1, so this takes at most N products of N by N matrices, about :math:`N^4`
# multiplications in the worst case, a graph that is one long chain. The library asks only whether there *are* walks: a
# ``while_loop`` that steps from all nodes at once and stops when nothing new is met. Where no walk leads it says -1.

first = next(length for length in range(1, 8) if np.linalg.matrix_power(A, length)[0, 6])
distances = np.asarray(graphs.distances(A))
in_pieces = from_edges([*graphs.FIGURE_13_4, (8, 9)], nodes=10)
print(f"distance from node 0 to node 6: {first} by powers, {distances[0, 6]} by the loop")
print(f"with a second piece, nodes 8 and 9: from node 0 {graphs.distances(in_pieces)[0]}")

# sphinx_gallery_alt = "A symmetric 8 by 8 table of distances: 0 on the diagonal, up to 4 between nodes 0 and 6."
fig, ax = plt.subplots(figsize=(4.4, 3.6))
shades = ax.imshow(distances, cmap="YlOrBr", vmax=6)
for (m, n), entry in np.ndenumerate(distances):
    ax.text(n, m, entry, ha="center", va="center", fontsize=9)
ax.set(xlabel="to node", ylabel="from node", xticks=range(8), yticks=range(8), title="Distances")
plt.show()

# %%
# Names do not matter
# -------------------
# Nobody said which node is node 0. If the nodes get other numbers, rows and columns of the matrix change places, and so do the
# rows of an array with what is known of each node (equation 13.1, whose columns are our rows):
#
# .. math:: \mathbf{X}' = \mathbf{X}\mathbf{P}, \qquad \mathbf{A}' = \mathbf{P}^T\mathbf{A}\mathbf{P}.
#
# The permutation matrix :math:`\mathbf{P}` has one 1 in each row and column. Two matrices that look unlike may be one graph,
# and whatever we compute from a matrix must not depend on the numbering. Walks and distances do not: they are renamed along
# with the nodes.

order = np.array([5, 2, 7, 0, 6, 3, 1, 4])
P = np.eye(8, dtype=int)[:, order]
renamed = np.asarray(graphs.permute(A, order))
print(f"P^T A P and the library's permute differ by {np.abs(P.T @ A @ P - renamed).max()}")
print(
    f"renamed walks are walks of the renamed: {(graphs.walk_counts(renamed, 3) == product[order][:, order]).all()}"
)

# sphinx_gallery_alt = "Two unlike matrices, and beside each the same drawing of the graph with other numbers on its nodes."
fig, axes = plt.subplots(1, 4, figsize=(10.5, 2.8))
for (matrix, where, title), (left, right) in zip(
    ((A, places, "as given"), (renamed, places[order], "renamed")), axes.reshape(2, 2)
):
    left.imshow(matrix, cmap="Greys", vmin=0, vmax=1.5)
    left.set(xticks=range(8), yticks=range(8), xlabel="node", ylabel="node", title=title)
    drawing.draw_graph(right, matrix, where, sizes=200)
plt.show()

# %%
# What if walks are long?
# -----------------------
# Their number grows by a constant factor a step, which is the largest *eigenvalue* of the matrix. Whole numbers of 32 bits are
# soon full. The library refuses lengths whose counts would not fit, and tells up to which length they are exact.

eigenvalue = np.linalg.eigvalsh(A).max()
longest = {
    name: graphs.longest_exact_walk(A, dtype)
    for name, dtype in (("int32", np.int32), ("float32", np.float32))
}
print(f"largest eigenvalue {eigenvalue:.3f}; all counts exact up to length {longest}")
try:
    graphs.walk_counts(A, 20)
except ValueError as error:
    print(f"ValueError: {error}")

lengths = np.arange(31)
every = jax.jit(jax.vmap(functools.partial(graphs.walks_from, A.astype(float), length=30)))(jnp.eye(8))

# sphinx_gallery_alt = "Walks from each node over their length, logarithmic: lines parallel to powers of the eigenvalue."
fig, ax = plt.subplots(figsize=(5.6, 3.6))
for node in range(8):
    lines = ax.semilogy(lengths, np.asarray(every[node]).sum(axis=1), color=plotting.COLOURS[0], alpha=0.45)
lines[0].set_label("from each of the eight nodes")
ax.semilogy(lengths, 20 * eigenvalue**lengths, "k--", label=rf"slope of ${eigenvalue:.2f}^L$")
ax.axhline(2.0**31, color=plotting.COLOURS[1], label="end of 32-bit integers")
ax.set(xlabel="length $L$", ylabel="walks of this length", xlim=(0, 30))
ax.legend()
plt.show()

# %%
# What else do powers know?
# -------------------------
# Walks of length three that end where they began go round a triangle. Each triangle has three corners and two directions, so
# the diagonal of the third power counts each six times.

triangles = [
    (i, j, k) for i in range(8) for j in range(i) for k in range(j) if A[i, j] and A[j, k] and A[k, i]
]
print(f"a sixth of the diagonal's sum: {np.trace(product) / 6:.0f}; listed: {triangles}")
