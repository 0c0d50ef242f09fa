r"""
3.2 A plane, folded along three lines
=====================================

With one input, hidden units bend a line at joints. With two inputs the joints become lines, and the network a landscape of flat
pieces. How many pieces are there, what is the network on each of them, and how does one count them?

*In the book: sections 3.3 and 3.4, equations 3.9, 3.10 and 3.12, figure 3.8. Notebook 3.2.*
"""

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch03_shallow_networks import shallow_network as sn
from udl_jax.ch03_shallow_networks import two_inputs

plotting.use_book_style()

# %%
# The same network, one column more
# ---------------------------------
# A second input gives each hidden unit a second slope (equation 3.9). Nothing changes in the output, which is a weighted sum as
# before (equation 3.10):
#
# .. math::
#
#    h_d = \mathrm{a}[\theta_{d0} + \theta_{d1} x_1 + \theta_{d2} x_2],
#    \qquad y = \phi_0 + \phi_1 h_1 + \phi_2 h_2 + \phi_3 h_3.
#
# In code ``theta`` gets a third column, and the four lines of page 3.1 do the rest. The inputs are a grid over the square from 0
# to 10, two numbers for each place.

theta = np.array([[-4.0, 0.9, 0.0], [5.0, -0.9, -0.5], [-7.0, 0.5, 0.9]])
phi = np.array([[0.0, -2.0, 2.0, 1.5], [-2.0, -1.0, -2.0, 0.8]])
along = np.arange(0, 10, 0.1)
x = np.stack(np.meshgrid(along, along), axis=-1)

preactivations = theta[:, 0] + x @ theta[:, 1:].T
activations = np.maximum(0, preactivations)
weighted = phi[0, 1:] * activations
output = phi[0, 0] + weighted.sum(axis=-1)

found = jax.jit(sn.stages)(theta, phi, x)
print(f"largest difference from the library: {np.abs(output - found.output[..., 0]).max():.0e}")

# %%
# From top to bottom: three tilted planes, the same planes cut off at zero, and what is left of them after weighting. The first
# weight is negative, so what the first unit makes is turned upside down.


def draw_units(rows):
    """Draw quantities of the hidden units over the inputs: a row for each quantity, a column for each unit."""
    fig, axes = plotting.panels(len(rows), 3)
    fig.set_size_inches(7.2, 2.05 * len(rows) + 0.3)
    for (name, values), row in zip(rows.items(), axes):
        for unit, ax in enumerate(row):
            plotting.surface(ax, along, along, values[..., unit], lines=np.arange(-9.5, 10), limits=(-10, 10))
            ax.set(title=f"{name}, unit {unit + 1}", aspect="equal", xticks=(0, 3, 6, 9), yticks=(0, 3, 6, 9))
        row[0].set_ylabel("input $x_2$")
    plt.setp(axes[-1], xlabel="input $x_1$")
    fig.colorbar(axes[0, 0].collections[0], ax=axes, shrink=0.7)


# sphinx_gallery_alt = "Nine panels: three tilted planes, the planes cut off at zero, and the same after weighting."
draw_units({"pre-activation": preactivations, "activation": activations, "weighted": weighted})
plt.show()

# %%
# One linear function on each piece
# ---------------------------------
# Within a piece of the plane the same hidden units are active, and only these contribute. So there the network is a weighted sum
# of their linear functions, which is one linear function:
#
# .. math:: y = \phi_0 + \sum_{d\ \text{active}} \phi_d \, (\theta_{d0} + \theta_{d1} x_1 + \theta_{d2} x_2).
#
# The set of active units is the name of the piece, and a product with a row of zeros and ones picks them out. Three units have
# eight such sets; a look at all ten thousand inputs of the grid shows which of them occur.

sets, piece_of = np.unique((preactivations > 0).reshape(-1, 3), axis=0, return_inverse=True)
piece_of = piece_of.reshape(output.shape)
names = ["{" + ", ".join(str(unit + 1) for unit in np.flatnonzero(active)) + "}" for active in sets]

linear = (phi[0, 1:] * sets) @ theta
linear[:, 0] += phi[0, 0]
from_library = jax.jit(two_inputs.linear_piece)(theta, phi[:1], sets)[:, 0]


def write(intercept, *slopes):
    """Write a linear function as a formula, without the inputs that it does not depend on."""
    terms = (f" {'+' if w > 0 else '-'} {abs(w):.3g} x{i}" for i, w in enumerate(slopes, 1) if abs(w) > 1e-9)
    return f"{intercept:.3g}" + "".join(terms)


equations = [write(*row) for row in linear]
for number, (name, equation) in enumerate(zip(names, equations)):
    print(f"{name:>7}: {np.mean(piece_of == number):5.1%} of the square, y = {equation}")
print(f"largest difference from the library: {np.abs(linear - from_library).max():.0e}")

# %%
# No gradient was needed for these slopes. But ``vmap`` of ``jax.grad`` can be asked whether they are right, at all inputs of the
# grid but those that lie on a line, where two pieces meet and there is no gradient.

slopes = jax.jit(jax.vmap(jax.grad(lambda x: sn.stages(theta, phi[:1], x).output[0])))(x.reshape(-1, 2))
off_the_lines = np.abs(preactivations).min(-1).ravel() > 1e-4
difference = np.abs(slopes - linear[piece_of.ravel(), 1:])[off_the_lines].max()
print(f"largest difference from the gradient: {difference:.0e} at {off_the_lines.sum():,} inputs")

# %%
# Here is the output, with the line on which each unit switches. The contour lines are a unit apart: straight and evenly spaced
# within each piece, kinked where one piece meets the next. Where no unit is active, the output is flat.

# sphinx_gallery_alt = "The output over the square, cut by three lines into seven pieces, each labelled with its linear function."
# sphinx_gallery_thumbnail_number = 2
fig, ax = plt.subplots(figsize=(8, 6.4))
plotting.surface(ax, along, along, output, lines=np.arange(-9.5, 10), limits=(-10, 10), label="output $y$")
for unit, colour in enumerate(plotting.COLOURS[k] for k in (0, 2, 6)):
    ax.contour(along, along, preactivations[..., unit], [0], colors=colour, linewidths=2.5)
    ax.plot([], color=colour, lw=2.5, label=f"unit {unit + 1} switches")
aside = {"{1, 2}": (7.0, 0.5), "{2, 3}": (2.3, 9.5)}
for number, (name, equation) in enumerate(zip(names, equations)):
    centre = x[piece_of == number].mean(0)
    box = {"fc": "w", "ec": "none", "pad": 1.5}
    arrow = {"arrowstyle": "-"} if name in aside else None
    where = {"xytext": aside.get(name, centre), "ha": "center", "va": "center", "fontsize": 8}
    ax.annotate(f"{name}\n{equation}", centre, arrowprops=arrow, bbox=box, **where)
ax.set(xlabel="input $x_1$", ylabel="input $x_2$", aspect="equal")
ax.set_title(f"{len(names)} pieces, each with its active units and its linear function")
fig.legend(loc="outside lower center", ncols=3)
plt.show()

# %%
# How many pieces?
# ----------------
# This is the notebook's question, and the grid's answer is seven: that all three units are active never happens. A grid may miss
# a small piece, though. As long as no two lines are the same and no three go through one point, there is an exact count:
#
# .. math:: \text{pieces} = 1 + \text{lines that pass through the square} + \text{crossings of two lines inside it}.
#
# Two lines cross where both pre-activations are zero, which is a system of two linear equations.

pairs = [[0, 1], [0, 2], [1, 2]]
crossings = [np.linalg.solve(theta[pair, 1:], -theta[pair, 0]) for pair in pairs]
inside = sum(bool(np.all((crossing > 0) & (crossing < along[-1]))) for crossing in crossings)
square = np.array([[0.0, along[-1]], [0.0, along[-1]]])
print(f"1 + 3 lines + {inside} crossings = {1 + 3 + inside} pieces")
print("from the library:", jax.jit(two_inputs.count_polygons)(theta, square))

# %%
# Two outputs, the same folds
# ---------------------------
# A second output is a second row of ``phi`` (equation 3.12, in which :math:`j` counts the outputs):
#
# .. math:: y_j = \phi_{j0} + \sum_d \phi_{jd} h_d.
#
# The hidden units do not know of it. So pre-activations and activations are those drawn above, and both landscapes are folded
# along the same three lines; only the slopes between the folds differ.

# sphinx_gallery_alt = "The three activations, weighted for the first output in one row and for the second in the next."
draw_units({f"weighted for $y_{k + 1}$": found.weighted_activations[..., k, :] for k in range(2)})
plt.show()

# %%
# Added up, and moved by their offsets, they give the two outputs.

# sphinx_gallery_alt = "Two landscapes over the same square, folded along the same three lines."
fig, axes = plotting.panels(1, 2, size=3.4)
for k, ax in enumerate(axes[0]):
    plotting.surface(ax, along, along, found.output[..., k], lines=np.arange(-9.5, 10), limits=(-10, 10))
    ax.set(xlabel="input $x_1$", aspect="equal", title=f"Output $y_{k + 1}$")
axes[0, 0].set_ylabel("input $x_2$")
fig.colorbar(axes[0, 0].collections[0], ax=axes, label="output")
plt.show()

# %%
# What if one line moved?
# -----------------------
# ``vmap`` over the intercept of the third unit moves its line across the square, in two hundred places. The exact count rises by
# one when the line enters the square and when one of its crossings does, and falls again when they leave. Counting on the grid
# agrees, except where a piece is too small for it: near -4 the three lines almost meet in a point, and the triangle between them
# slips through the grid.

intercepts = np.linspace(-15, 1, 200)
moved = np.tile(theta, (200, 1, 1))
moved[:, 2, 0] = intercepts
exact = jax.jit(jax.vmap(two_inputs.count_polygons, (0, None)))(moved, square)


@jax.jit
def count_on_grid(thetas):
    """Count the pieces met on the grid, for each network."""
    return jax.lax.map(
        lambda theta: two_inputs.count_patterns(two_inputs.activation_patterns(theta, x)), thetas
    )


# sphinx_gallery_alt = "Two step curves that rise from four pieces to seven and fall to four again; the grid's has a dip near -4."
fig, ax = plt.subplots(figsize=(6, 3))
ax.step(intercepts, exact, color=plotting.COLOURS[0], lw=4, alpha=0.4, label="exact")
ax.step(intercepts, count_on_grid(moved), color=plotting.COLOURS[1], lw=1.2, label="met on the grid")
ax.axvline(-7, color="k", ls=":", lw=1.2, label="the notebook's")
ax.set(xlabel=r"intercept $\theta_{30}$", ylabel="pieces in the square", xlim=(-15, 1), yticks=range(4, 8))
ax.legend(loc="upper left")
plt.show()
