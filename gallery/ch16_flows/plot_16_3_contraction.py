r"""
16.3 How to undo what has no inverse on paper
=============================================

A residual layer adds something to its input: :math:`y = z + \text{f}[z]`. Given :math:`y`, who knows :math:`z`? For most functions
there is no formula. But if :math:`\text{f}` is a contraction, one that brings any two points closer together, there is exactly one
answer, and it is found by doing the same simple thing again and again. When does that work, how fast, and when not?

*In the book: section 16.3.7, figure 16.9, equations 16.20 and 16.21. Notebook 16.3.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch16_flows import contraction, lipschitz

plotting.use_book_style()

# %%
# Go where the function sends you
# -------------------------------
# A function is a contraction if there is a :math:`\beta < 1` such that (equation 16.20)
#
# .. math:: \text{dist}\bigl[\text{f}[z'],\text{f}[z]\bigr] < \beta\cdot\text{dist}\bigl[z',z\bigr]\qquad\forall\; z,z'.
#
# Then start anywhere and put the result in again: every application brings you closer, by that factor at least, to the one
# point that the function leaves where it is. The notebook's function is a gentle slope with a ripple. On the page the iteration
# is a Python loop; the library's ``follow`` is the same as a ``lax.scan``.

f = functools.partial(contraction.wavy_line, offset=0.3, slope=0.5, ripple=0.02)
z, orbit = np.float32(0.2), [np.float32(0.2)]
for _ in range(20):
    z = np.float32(0.3 + 0.5 * z + 0.02 * np.sin(15 * z))
    orbit.append(z)
follow = jax.jit(contraction.follow, static_argnums=(0, 2))
path = follow(f, np.float32(0.2), 20)
print("the first points:", " ".join(f"{v:.4f}" for v in path[:8]), f"... {path[-1]:.6f}")
print(f"largest difference from the loop: {np.abs(path - np.array(orbit)).max():.0e}")

# %%
# Three functions, two answers
# ----------------------------
# The notebook has two more, and asks for a guess. In the drawing, go from the diagonal up or down to the curve, then across to
# the diagonal, and so on. The first function approaches its fixed point from one side. The second falls, so the path circles
# in. The third is announced as a contraction, but has slopes up to three: it crosses the diagonal where it is at its steepest,
# and whoever starts beside that point is driven away.

functions = {
    "f": (f, 0.2),
    "f2": (functools.partial(contraction.wavy_line, offset=0.7, slope=-0.6, ripple=0.03), 0.9),
    "f3": (functools.partial(contraction.wavy_line, offset=-0.2, slope=1.5, ripple=0.1), 0.7),
}
line = np.linspace(0, 1, 401, dtype="f")
steepest = jax.jit(lipschitz.steepest_slope, static_argnums=0)

# sphinx_gallery_alt = "Three curves and paths between curve and diagonal: one climbs to a crossing, one circles in, one runs off."
fig, axes = plotting.panels(1, 3, size=3)
for ax, (name, (function, start)) in zip(axes[0], functions.items()):
    points = np.asarray(follow(function, np.float32(start), 20))
    corners = np.repeat(points, 2)
    ax.plot(line, line, color="0.75", lw=1)
    ax.plot(line, function(line))
    ax.plot(corners[:-1], corners[1:], color=plotting.COLOURS[1], lw=1)
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="input $z$", title=f"{name}: after 20 steps at {points[-1]:.4g}")
    beta = steepest(function, line)
    print(f"{name:2}: steepest slope {beta:.2f}; last step {abs(points[-1] - points[-2]):.1e}")
axes[0, 0].set(ylabel=r"output $\mathrm{f}[z]$")
plt.show()

# %%
# The second is worth another look. Its slope passes -1 here and there, so strictly it is no contraction either; the iteration
# settles because near the fixed point it is. ``check_contraction`` tells by name what is wrong with a function.

for name in ("f2", "f3"):
    try:
        lipschitz.check_contraction(functions[name][0], line)
    except ValueError as error:
        print(f"{name}: {error}")

# %%
# How fast?
# ---------
# Each application multiplies the distance to the fixed point by :math:`\beta` at most, so after the first step one knows a
# bound for all later ones: :math:`\beta^n/(1-\beta)\cdot|z_1-z_0|`. It holds, but it is a pessimist: near its fixed point this
# function is much flatter than at its steepest.


@jax.jit
def distances(starts):
    """Measure how far paths are from the fixed point."""
    paths = jax.vmap(lambda start: contraction.follow(f, start, 40))(starts)
    return jnp.abs(paths - contraction.solve(f, starts[0], 1e-9).z), paths


starts = np.array([0.2, -1.0, 1.0], "f")
apart, paths = distances(starts)
bound = lipschitz.error_bound(0.8, abs(float(paths[0, 1] - paths[0, 0])), np.arange(41))

# sphinx_gallery_alt = "Distances to the fixed point fall in straight lines on a logarithmic scale, far below the bound."
fig, ax = plt.subplots(figsize=(5.5, 3.6))
for start, distance in zip(starts, apart):
    ax.semilogy(np.maximum(distance, 1e-8), label=f"from {start:.1f}")
ax.semilogy(bound, "k--", lw=1, label="bound for the first")
ax.set(xlabel="number of applications", ylabel="distance to the fixed point", xlim=(0, 40), ylim=(3e-8, 10))
ax.legend()
plt.show()

# %%
# Undoing a residual layer
# ------------------------
# Now the question of the beginning. From :math:`y = z + \text{f}[z]` (equation 16.21) it follows that
#
# .. math:: z = y - \text{f}[z],
#
# so :math:`z` is the fixed point of the function on the right, which is as much a contraction as :math:`\text{f}` is. The
# notebook asks for the :math:`z` that belongs to :math:`y = 0.8`; here a ``vmap`` finds those of many.

f4 = functools.partial(contraction.wavy_line, offset=-0.3, slope=0.5, ripple=0.02)
z = np.float32(0.2)
for _ in range(60):
    z = np.float32(0.8) - (-0.3 + 0.5 * z + 0.02 * np.sin(15 * z))
undo = jax.jit(jax.vmap(lambda y: contraction.invert_residual(f4, y)))
y = np.append(np.linspace(-0.3, 1.2, 31), 0.8).astype("f")
found = undo(y)
print(
    f"z for y = 0.8: {found.z[-1]:.5f}, the loop {abs(found.z[-1] - z):.0e} away; z + f4(z) = {z + f4(z):.5f}"
)
print(
    f"applications needed: {found.iterations.min()} to {found.iterations.max()}; all converged: {found.converged.all()}"
)

# sphinx_gallery_alt = "The layer, a rising curve with dots found by iteration on it; a falling curve crosses the diagonal."
fig, ax = plt.subplots(figsize=(4.6, 4.2))
ax.plot(line, line + f4(line), label=r"$z + \mathrm{f}[z]$")
ax.plot(line, 0.8 - f4(line), color=plotting.COLOURS[2], label=r"$0.8 - \mathrm{f}[z]$")
ax.plot(line, line, color="0.75", lw=1, label="$z$")
ax.plot(found.z[:-1], y[:-1], "o", ms=3, color=plotting.DATA, label="found by iteration")
ax.plot(found.z[-1], 0.8, "o", color=plotting.COLOURS[1])
ax.vlines(found.z[-1], found.z[-1], 0.8, color=plotting.COLOURS[1], lw=1, ls=":")
ax.set(xlim=(0, 1), ylim=(0, 1.2), xlabel="input $z$", ylabel="output")
ax.legend(loc="lower right")
plt.show()

# %%
# What if the answer has to be differentiated?
# --------------------------------------------
# A flow made of such layers is trained by gradients. ``jax.grad`` cannot go backwards through a loop that stops when it is
# done, and need not: whatever led there, at the end :math:`z + \text{f}[z] = y`, so :math:`z` changes with :math:`y` by one
# over the slope of :math:`z + \text{f}[z]`. The library tells JAX so (``lax.custom_root``), and the price is that of one linear
# equation.

gradient = jax.jit(jax.vmap(jax.grad(lambda y: contraction.invert_residual(f4, y).z)))(y)
slopes = jax.jit(jax.vmap(jax.grad(lambda z: z + f4(z))))(found.z)
print(f"slope of the inverse times slope of the layer: 1 to within {np.abs(gradient * slopes - 1).max():.0e}")

# %%
# What if the ripple grows?
# -------------------------
# The layer can be undone by iteration as long as 0.5 plus fifteen times the ripple stays below 1. Beyond that there is no
# guarantee any more; the iteration may still arrive, or swing for ever. The share of 200 targets that are found within 2,000
# applications says how long luck lasts.

ripples = np.linspace(0, 0.12, 13, dtype="f")
targets = np.linspace(-1, 2, 200, dtype="f")


@jax.jit
@functools.partial(jax.vmap, in_axes=(0, None))
@functools.partial(jax.vmap, in_axes=(None, 0))
def arrives(ripple, y):
    """Try to undo a layer."""
    wavy = functools.partial(contraction.wavy_line, offset=-0.3, slope=0.5, ripple=ripple)
    return contraction.invert_residual(wavy, y, tolerance=1e-5, iterations=2000).converged


share = 100 * np.mean(arrives(ripples, targets), axis=1)
for ripple, percent in zip(ripples, share):
    beta = 0.5 + 15 * ripple
    print(f"ripple {ripple:.2f}, steepest slope {beta:.2f}: {percent:5.1f} % found")
