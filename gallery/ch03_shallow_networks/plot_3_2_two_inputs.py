r"""
3.2 A plane, folded along three lines
=====================================

With one input, hidden units bend a line at joints. With two inputs the joints become lines, and the network a landscape of flat
pieces. How many pieces are there, what is the network on each of them, and how does one count them?

*In the book: section 3.3, figure 3.8, equations 3.9 to 3.12. Notebook 3.2.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

from udl_jax import plotting
from udl_jax.ch03_shallow_networks import shallow_network as sn
from udl_jax.ch03_shallow_networks import two_inputs

plotting.use_book_style()

# %%
# The same network, one column more
# ---------------------------------
# Nothing new is needed for a second input: ``theta`` gets a column for the second slope, and ``stages`` from page 3.1 does the
# rest. The inputs are a grid over the square from 0 to 10. From top to bottom: three tilted planes, the same planes cut off at
# zero, and what is left of them after weighting. The second weight is positive, the first negative, so the first is turned over.

theta = jnp.array([[-4.0, 0.9, 0.0], [5.0, -0.9, -0.5], [-7.0, 0.5, 0.9]])
phi = jnp.array([[0.0, -2.0, 2.0, 1.5], [-2.0, -1.0, -2.0, 0.8]])
along = jnp.arange(0, 10, 0.1)
x = two_inputs.grid(along, along)
heights = {"lines": jnp.arange(-10, 10.5), "limits": (-10, 10)}


def draw_units(rows):
    """Draw quantities of the hidden units over the inputs: a row a quantity, a column a unit."""
    _, axes = plotting.panels(len(rows), 3, size=2.2)
    for (name, values), row in zip(rows.items(), axes):
        for unit, ax in enumerate(row):
            plotting.surface(ax, along, along, values[..., unit], **heights)
            ax.set(title=f"{name}, unit {unit + 1}", aspect="equal")
        row[0].set_ylabel("$x_2$")
    for ax in axes[-1]:
        ax.set_xlabel("$x_1$")


found = sn.stages(theta, phi, x)
hidden = {"pre-activation": found.preactivations, "activation": found.activations}
draw_units(hidden | {"weighted": found.weighted_activations[..., 0, :]})
plt.show()

# %%
# Added up, the three give the network's output. The contour lines are a unit apart: straight and evenly spaced within each
# piece, and kinked where one piece meets the next.

fig, ax = plt.subplots(figsize=(5, 4))
plotting.surface(ax, along, along, found.output[..., 0], label="output $y$", **heights)
ax.set(xlabel="input $x_1$", ylabel="input $x_2$", aspect="equal", title="One output")
plt.show()

# %%
# How many pieces?
# ----------------
# This is the notebook's question. Within a piece the same hidden units are active, so the pattern of active units is the name of
# the piece. Three units have eight patterns, and a look at all ten thousand inputs of the grid tells which of them occur. Each
# piece is labelled with its active units.

patterns = two_inputs.activation_patterns(theta, x)
numbers = two_inputs.number_patterns(patterns)
print(f"patterns met on the grid: {two_inputs.count_patterns(patterns)} of 8")

# sphinx_gallery_thumbnail_number = 3
fig, ax = plt.subplots(figsize=(5, 4.6))
ax.pcolormesh(along, along, numbers, vmin=-1, vmax=7)
for unit in range(3):
    colour = plotting.COLOURS[unit]
    ax.contour(along, along, found.preactivations[..., unit], [0], colors=colour, linewidths=2.5)
    ax.plot([], color=colour, label=f"unit {unit + 1} switches")
for number in jnp.unique(numbers).tolist():
    centre = x[numbers == number].mean(0)
    active = ", ".join(str(unit + 1) for unit in range(3) if number >> unit & 1) or "none"
    ax.annotate(
        active, centre, ha="center", va="center", fontsize=8, bbox={"fc": "w", "ec": "none", "pad": 1.5}
    )
ax.set(
    xlabel="input $x_1$",
    ylabel="input $x_2$",
    aspect="equal",
    title="Seven pieces, named by their active units",
)
fig.legend(loc="outside lower center", ncols=3)
plt.show()

# %%
# Seven; that all three are active never happens. In each piece the network is one linear function, and ``linear_piece`` says which:
# the weighted sum of the lines of the active units. No gradient was needed for it, but ``vmap`` of ``jax.grad`` can be asked
# at all ten thousand inputs whether it is right.

pieces = two_inputs.linear_piece(theta, phi[:1], patterns)
for number in jnp.unique(numbers).tolist():
    share = jnp.mean(numbers == number)
    intercept, *slopes = pieces[numbers == number][0, 0].tolist()
    print(
        f"{number:03b}: {share:5.1%} of the square, y = {intercept:5.1f} {slopes[0]:+.2f} x1 {slopes[1]:+.2f} x2"
    )

gradient = jax.vmap(jax.grad(lambda x: sn.stages(theta, phi[:1], x).output[0]))(x.reshape(-1, 2))
print(
    f"largest difference from the gradient: {jnp.abs(gradient - pieces[..., 0, 1:].reshape(-1, 2)).max():.1e}"
)

# %%
# Two outputs, the same folds
# ---------------------------
# A second output is a second row of ``phi``. The hidden units do not know of it, so both landscapes are folded along the same
# three lines; only the slopes between the folds differ.

weighted = {f"weighted for $y_{k + 1}$": found.weighted_activations[..., k, :] for k in range(2)}
draw_units(hidden | weighted)
plt.show()

fig, axes = plotting.panels(1, 2, size=3.4)
for output, (ax, label) in enumerate(zip(axes[0], (None, "output"))):
    plotting.surface(ax, along, along, found.output[..., output], label=label, **heights)
    ax.set(xlabel="input $x_1$", aspect="equal", title=f"Output $y_{output + 1}$")
axes[0, 0].set_ylabel("input $x_2$")
plt.show()

# %%
# What if one line moved?
# -----------------------
# A grid may miss a small piece. For lines in a plane there is an exact count: one piece, one more for each line that passes
# through, and one more for each place where two lines cross. ``vmap`` over the intercept of the third unit moves its line across
# the square. The count climbs from four to seven, and down again, each time the line enters the square, leaves it or passes a
# crossing at its edge. The grid agrees, except where a piece is too small for it: near -4 the three lines almost meet in a point.

intercepts = jnp.linspace(-15, 1, 200)
moved = jnp.tile(theta, (200, 1, 1)).at[:, 2, 0].set(intercepts)
box = jnp.array([[0, along[-1]], [0, along[-1]]])
exact = jax.vmap(two_inputs.count_polygons, (0, None))(moved, box)
on_grid = jax.lax.map(
    lambda theta: two_inputs.count_patterns(two_inputs.activation_patterns(theta, x)), moved
)

fig, ax = plt.subplots(figsize=(6, 3))
ax.step(intercepts, exact, color=plotting.COLOURS[0], lw=4, alpha=0.4, label="exact")
ax.step(intercepts, on_grid, color=plotting.COLOURS[1], lw=1.2, label="met on the grid")
ax.axvline(-7, color="k", ls=":", lw=1.2, label="the notebook's")
ax.set(xlabel=r"intercept $\theta_{30}$", ylabel="pieces in the square", xlim=(-15, 1), yticks=range(4, 8))
ax.legend(loc="upper left")
plt.show()
