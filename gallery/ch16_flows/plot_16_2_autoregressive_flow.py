r"""
16.2 One number at a time
=========================

In one dimension a flow is a rising function. With more dimensions it needs a function of many numbers that can be undone and whose
Jacobian has a determinant that is cheap to compute. An autoregressive flow gets both by a rule: every number is bent by a
one-dimensional map, and only the numbers before it may choose the map. What does that rule buy, and what does it cost?

*In the book: sections 16.3.2 and 16.3.4, figures 16.5 and 16.7, equations 16.11, 16.12, 16.16 and 16.17. Notebook 16.2.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch16_flows import autoregressive_flow as flow

plotting.use_book_style()

# %%
# A map of five straight pieces
# -----------------------------
# Cut the interval from 0 to 1 into :math:`K` equal parts and let the map rise by :math:`\phi_k` over the k-th. If the rises are
# positive and add up to 1, the map takes the interval onto itself and can be undone. With :math:`h` in the b-th part (equation
# 16.12, as the errata have it; the first printing differs),
#
# .. math:: \text{g}[h,\phi] = \sum_{k=1}^{b-1}\phi_k + (hK - b + 1)\,\phi_b .
#
# In code, ``floor`` finds the part. The inverse needs no search either: find the part by its height, then go back along its
# piece. The lines below count parts from zero, and leave out the library's checks.

phi = np.array([0.2, 0.1, 0.4, 0.05, 0.25], "f")
h = np.linspace(0, 1, 201, dtype="f")
K = len(phi)
b = np.minimum(np.floor(h * K), K - 1).astype(int)
starts = np.concatenate([[0], np.cumsum(phi)[:-1]])
by_hand = starts[b] + (h * K - b) * phi[b]
many = np.tile(phi, (len(h), 1))
mapped = np.asarray(flow.piecewise_linear(h, many))
back = np.asarray(flow.invert_piecewise_linear(np.clip(mapped, 0, 1), many))
print(f"largest difference from the library: {np.abs(by_hand - mapped).max():.0e}")
print(f"there and back again: {np.abs(back - h).max():.0e}")

# sphinx_gallery_alt = "A rising line of five straight pieces across the unit square, and its slope as a staircase."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.7))
left.plot(h, mapped)
left.plot(np.arange(6) / 5, np.append(starts, 1), "o", color=plotting.DATA, ms=4)
left.set(xlabel="input $h$", ylabel="output $h'$", xlim=(0, 1), ylim=(0, 1), aspect="equal")
right.stairs(K * phi, np.arange(6) / 5, color=plotting.COLOURS[2], lw=1.8, baseline=None)
right.axhline(1, color="0.8", lw=1, zorder=0)
right.set(xlabel="input $h$", ylabel=r"slope $K\phi_b$", xlim=(0, 1), ylim=(0, 2.2))
plt.show()

# %%
# Four numbers
# ------------
# Now a shallow network for each number looks at those before it and, by a softmax, chooses the five rises (equation 16.16):
#
# .. math::
#    h'_1 = \text{g}\bigl[h_1,\phi\bigr],\quad h'_2 = \text{g}\bigl[h_2,\phi[h_1]\bigr],\quad
#    h'_3 = \text{g}\bigl[h_3,\phi[h_{1:2}]\bigr],\quad h'_4 = \text{g}\bigl[h_4,\phi[h_{1:3}]\bigr].
#
# The notebook writes a function for each network. Here the four are one stack of arrays, in which whatever a network may not
# see is multiplied by zero, and the way forward is a single pass for all numbers. For comparison, the loop sends one number
# after the other, as the equation is written.

networks = flow.draw_networks(jax.random.key(7), dimensions=4)
point = np.array([0.22, 0.41, 0.83, 0.53], "f")
there = jax.jit(flow.forward)(networks, point)
one_by_one = []
for d in range(4):
    seen = np.where(np.arange(4) < d, point, 0)
    hidden = np.maximum(networks.beta_0[d] + networks.omega_0[d] @ seen, 0)
    rises = np.exp(networks.beta_1[d] + networks.omega_1[d] @ hidden)
    rises = rises / rises.sum()
    part = int(point[d] * 5)
    one_by_one.append(rises[:part].sum() + (5 * point[d] - part) * rises[part])
print("h            ", " ".join(f"{v:.3f}" for v in point))
print(
    "h'           ",
    " ".join(f"{v:.3f}" for v in there),
    f" (loop: {np.abs(there - np.array(one_by_one)).max():.0e} away)",
)
print("reconstructed", " ".join(f"{v:.3f}" for v in jax.jit(flow.inverse)(networks, there)))

# %%
# What the rule buys
# ------------------
# No number depends on later ones, so the Jacobian is triangular, and its determinant is the product of the four slopes on its
# diagonal (compare equation 16.11). ``jax.jacfwd`` computes the whole matrix, which shows the zeros; in many dimensions that
# would be far too dear, and the sum of four logarithms is all that is needed.

jacobian = jax.jit(jax.jacfwd(lambda h: flow.forward(networks, h)))(point)
sign, log_volume = np.linalg.slogdet(jacobian)
print(
    f"logarithm of the determinant: {log_volume:.5f} from the matrix, {flow.log_determinant(networks, point):.5f} as a sum"
)

# sphinx_gallery_alt = "Four by four table of derivatives: zero above the diagonal, positive on it, of both signs below."
fig, ax = plt.subplots(figsize=(4.6, 3.7))
size = np.abs(jacobian).max()
shades = ax.imshow(jacobian, cmap="RdBu_r", vmin=-size, vmax=size)
for (row, column), value in np.ndenumerate(jacobian):
    ax.text(
        column, row, f"{value:.2f}", ha="center", va="center", color="k" if abs(value) < size / 2 else "w"
    )
ax.set(xticks=range(4), yticks=range(4), xticklabels=[f"$h_{d}$" for d in range(1, 5)])
ax.set_yticklabels([f"$h'_{d}$" for d in range(1, 5)])
fig.colorbar(shades, label=r"$\partial h'_i/\partial h_j$")
plt.show()

# %%
# What it costs
# -------------
# The way back is slow: the map of :math:`h_2` needs :math:`h_1`, that of :math:`h_3` needs both (equation 16.17), and so on.
# What takes one pass in one direction takes as many as there are dimensions in the other, here a ``lax.scan`` over four. So one
# chooses which direction is to be fast: for training, the one from data to latent variables; for samples, the other.
#
# With two numbers the density can be drawn. If :math:`h'` is uniform in the unit square, the density of :math:`h` is the
# determinant. Networks with random weights already make patchworks of five by five; shades are logarithms of the density, light
# where it is high. Within a patch it changes along :math:`h_1` alone, as the second network sees :math:`h_1` alone.

grid = (np.arange(200, dtype="f") + 0.5) / 200
places = np.stack(np.meshgrid(grid, grid), axis=-1)
keys = jax.random.split(jax.random.key(3), 3)
pairs = [flow.draw_networks(key, dimensions=2) for key in keys]
stacked = jax.tree.map(lambda *parts: jnp.stack(parts), *pairs)
density = np.exp(jax.jit(jax.vmap(lambda n: flow.log_determinant(n, places)))(stacked))
uniforms = jax.random.uniform(jax.random.key(4), (400, 2))
samples = np.asarray(jax.jit(jax.vmap(lambda n: flow.inverse(n, uniforms)))(stacked))
print("mean density over the square:", " ".join(f"{d.mean():.3f}" for d in density))

# sphinx_gallery_alt = "Three unit squares cut into columns, and these into rectangles; most samples lie where it is light."
fig, axes = plotting.panels(1, 3, size=3)
for ax, shade, found in zip(axes[0], density, samples):
    ax.imshow(np.log(shade), origin="lower", extent=(0, 1, 0, 1))
    ax.plot(*found.T, "o", ms=2, color=plotting.COLOURS[5])
    ax.set(xlabel="$h_1$")
axes[0, 0].set(ylabel="$h_2$")
plt.show()

# %%
# What if the inverse is searched for, as in the notebook?
# --------------------------------------------------------
# The notebook halves an interval that ends at 0.999 until it is at most 0.0001 wide. Each number by itself is then right to
# that width. But the network of the next number is given a slightly wrong one, and where its map is nearly flat, a small error
# in height is a large one along the interval. So errors can grow from number to number. The exact inverse starts from rounding
# errors alone, but a piece that is almost flat magnifies them, too: a flow that can be undone on paper may be hard to undo in
# single precision.

points = jax.random.uniform(jax.random.key(5), (2000, 4), maxval=0.99)


@jax.jit
def errors(points):
    """Send points there and back in both ways, and measure the flattest pieces that they meet."""
    there = flow.forward(networks, points)
    exact = flow.inverse(networks, there) - points
    halved = flow.inverse(networks, there, flow.bisect_piecewise_linear) - points
    flattest = flow.log_slope(points, flow.shares(networks, points)).min(axis=0)
    return jnp.abs(exact), jnp.abs(halved), jnp.exp(flattest)


exact, halved, flattest = errors(points)
print("                           " + "".join(f"       h{d}" for d in range(1, 5)))
print("smallest slope that is met " + "".join(f"{v:9.0e}" for v in flattest))
for name, error in (("exact inverse", exact), ("halving", halved)):
    print(f"{name:14}median error " + "".join(f"{v:9.0e}" for v in np.median(error, axis=0)))
    print(f"{'':14}off by > 0.01" + "".join(f"{v:8.2f}%" for v in 100 * np.mean(error > 0.01, axis=0)))
edge = np.array([0.9995], "f")
lost = flow.bisect_piecewise_linear(flow.piecewise_linear(edge, phi[None]), phi[None])
print(f"and 0.9995 comes back as {lost[0]:.4f} by halving")
