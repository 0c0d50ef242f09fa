r"""
4.1 One network folds the line, the next draws on it
====================================================

What happens when the output of one small network becomes the input of another? Each of the two below has three hidden units and
draws three or four straight pieces. Put one after the other, and the pieces do not add up, they multiply. This page shows why,
counts the pieces exactly, and finds where the multiplication falls short.

*In the book: section 4.1, equations 4.1 to 4.4, figures 4.1 and 4.3; section 4.5.2. Notebook 4.1.*
"""

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch04_deep_networks import composing, linear_pieces
from udl_jax.ch04_deep_networks.composing import Shallow

plotting.use_book_style()

# %%
# Two networks and a prediction
# -----------------------------
# The first network takes :math:`x` and returns :math:`y` (equations 4.1 and 4.2). The second takes that :math:`y` and returns
# :math:`y'` (equations 4.3 and 4.4):
#
# .. math::
#
#    h_d &= \mathrm{a}[\theta_{d0} + \theta_{d1} x], \\
#    y &= \phi_0 + \phi_1 h_1 + \phi_2 h_2 + \phi_3 h_3, \\
#    h'_d &= \mathrm{a}[\theta'_{d0} + \theta'_{d1} y], \\
#    y' &= \phi'_0 + \phi'_1 h'_1 + \phi'_2 h'_2 + \phi'_3 h'_3.
#
# As a program that is a function of three lines, called twice. The library's ``compose`` does the same for any number of
# networks.

first = Shallow(np.array([[0.0, -1.0], [0.0, 1.0], [-0.67, 1.0]]), np.array([[1.0, -2.0, -3.0, 9.3]]))
second = Shallow(np.array([[-0.6, -1.0], [0.2, 1.0], [-0.5, 1.0]]), np.array([[0.5, -1.0, -1.5, 2.0]]))
x = np.arange(-1, 1, 0.001)[:, None]


def run(network, x):
    theta, phi = network
    h = jax.nn.relu(theta[:, 0] + theta[:, 1] * x)
    return phi[0, 0] + h @ phi[0, 1:, None]


compose = jax.jit(composing.compose)
together = run(second, run(first, x))
print(f"largest difference from the library: {np.abs(together - compose([first, second], x)).max():.0e}")

# %%
# Inputs and outputs are looked at between -1 and 1, and each joint of a curve has a dot. Before you look at the right panel: what
# will the second network's output look like when it is fed the first one's?


def draw(ax, networks, title, colour):
    """Draw a composition with a dot at each joint, and count its regions."""
    joints = np.asarray(composing.find_joints(networks, -1.0, 1.0))
    dots = np.resize(joints, 64)[:, None]  # repeated, so that one compiled program serves any number
    ax.plot(x, compose(networks, x), color=colour)
    ax.plot(dots, compose(networks, dots), "o", color=colour, ms=3.5, clip_on=False)
    ax.set(title=f"{title}\n{len(joints) + 1} regions", xticks=(-1, 0, 1), yticks=(-1, 0, 1))


def draw_rows(*rows):
    """Draw, row by row, what goes in first, what is fed it, and what comes out."""
    fig, axes = plotting.panels(len(rows), 3, size=2.6)
    fig.get_layout_engine().set(wspace=0.08)
    for row, (before, after) in zip(axes, rows):
        draw(row[0], before, "goes in first", plotting.COLOURS[1])
        draw(row[1], after, "is fed the first", plotting.COLOURS[0])
        draw(row[2], before + after, "together", plotting.COLOURS[2])
        row[0].set(ylabel="output", xlim=(-1, 1), ylim=(-1.1, 1.1))
    plt.setp(axes[-1], xlabel="input")


# sphinx_gallery_alt = "A zigzag of three pieces, a curve of four pieces, and their composition with twelve pieces."
draw_rows(([first], [second]))
plt.show()

# %%
# Three sweeps
# ------------
# The green curve is the blue one three times over. As the input goes from -1 to 1, the orange output sweeps the whole range up,
# down and up again, in about a half, a third and a sixth of the input's range. Each sweep plays the blue curve once: forward,
# backward, forward. Side by side and stretched to the same width, the three are the blue curve (dashed) and its mirror image.
# Three sweeps times four pieces make twelve. The two joints between the sweeps are joints of the green curve as well, but they
# only separate what is counted already.

turns = [-1.0, *np.asarray(composing.find_joints([first], -1.0, 1.0)), 1.0]

# sphinx_gallery_alt = "The three sweeps side by side: the second network's curve, its mirror image, and the curve again."
fig, axes = plt.subplots(1, 3, figsize=(8, 2.8), sharey=True)
for ax, start, end in zip(axes, turns, turns[1:]):
    inside = np.linspace(start, end, 400)[:, None]
    swept = np.linspace(*run(first, np.array([[start], [end]])), 400)
    ax.plot(inside, compose([first, second], inside), color=plotting.COLOURS[2], lw=4, alpha=0.5)
    ax.plot(inside, compose([second], swept), "--", color=plotting.COLOURS[0])
    name = "forward" if swept[-1] > swept[0] else "backward"
    ax.set(title=f"{name}: {(end - start) / 2:.1%} of the range", xlabel="input", xlim=(start, end))
    ax.set_xticks(np.linspace(start, end, 5)[1:-1])
    ax.xaxis.set_major_formatter("{x:.2f}")
axes[0].set(ylabel="output")
plt.show()

# %%
# Two changes of one weight
# -------------------------
# The notebook then changes one weight at a time. In the upper row, :math:`\phi'_1` of the second network changes its sign, which
# alters the curve that is repeated. In the lower row, :math:`\phi_1` of the first is halved, which shortens a sweep: left of zero
# the orange output now runs from 0 to 1 only, so only the right part of the blue curve appears there, and two regions are lost.

second_changed = second._replace(phi=second.phi * np.array([1, -1, 1, 1]))
first_changed = first._replace(phi=first.phi * np.array([1, 0.5, 1, 1]))

# sphinx_gallery_alt = "Two rows of three panels: a changed second network, then a changed first network, and what they compose to."
draw_rows(([first], [second_changed]), ([first_changed], [second]))
plt.show()

# %%
# A network after itself
# ----------------------
# Fed its own output, the first network folds three times three: nine regions. And with the second network after both, there are
# three layers of hidden units, nine sweeps, and thirty-six regions, drawn by networks that have ten parameters each.

# sphinx_gallery_alt = "The first network after itself has nine regions, and the second network after both has thirty-six."
draw_rows(([first], [first]), ([first, first], [second]))
plt.show()

# %%
# Counting without looking
# ------------------------
# The dots above were not found by looking for kinks on a grid. On a straight piece, the pre-activation of a hidden unit is
# straight too, so the place where it crosses zero follows from a division. Cut every piece at these places, layer after layer,
# and at the end drop the cuts where the slopes left and right are equal. Equality is a delicate thing among rounded numbers;
# ``linear_pieces`` reads the parameters as the decimals they are and computes with fractions, so its count is exact.
#
# The notebook's last question needs it: how many regions do :math:`N` copies of the first network make, followed by the second?
# Every region of the copies sweeps the whole range from -1 to 1, and each sweep draws four. That makes a prediction, and beside
# it stands the most that any network of that size can have, since a layer of three units cuts a piece at most three times
# (section 4.5.2):
#
# .. math:: R_N = 4 \cdot 3^N \;\leq\; (3 + 1)^{N+1}.
#
# The first network has three pieces and not four, because two of its joints coincide at zero.


def count(network, copies):
    """Count the regions that the second network makes of several copies of another."""
    return composing.count_regions([network] * copies + [second], -1.0, 1.0)


copies = range(1, 7)
counted = [count(first, n) for n in copies]
predicted = [4 * 3**n for n in copies]
bound = [linear_pieces.most_regions([3] * (n + 1)) for n in copies]
halved = [count(first_changed, n) for n in copies]

print("copies  counted  4 * 3^N  at most  with phi_1 halved")
for row in zip(copies, counted, predicted, bound, halved):
    print("{:6} {:8} {:8} {:8} {:18}".format(*row))
narrowest = np.diff(composing.find_joints([first] * 6 + [second], -1.0, 1.0)).min()
print(f"narrowest region between two joints after six copies: {narrowest:.1e}")

# %%
# The prediction holds to the last region. After six copies they outnumber the two thousand inputs of the notebook's grid, so no
# plot could have shown them all. With the halved weight the regions still multiply, but by less than three for each copy: a piece
# that no longer sweeps everything misses some of the next network's joints. Depth makes folding possible; it does not make every
# piece fold.

# sphinx_gallery_alt = "Regions on a logarithmic axis: the counts lie on the predicted line, below the bound; the halved lower."
fig, ax = plt.subplots(figsize=(5.5, 4))
ax.semilogy(copies, bound, "--", color="0.5", label=r"upper bound $4^{N+1}$")
ax.semilogy(copies, predicted, color=plotting.COLOURS[1], label=r"predicted, $4 \cdot 3^N$")
ax.semilogy(copies, counted, "o", color=plotting.COLOURS[0], label="counted")
ax.semilogy(copies, halved, "s", color=plotting.COLOURS[2], label=r"counted, $\phi_1$ of the copies halved")
ax.set(xlabel="copies $N$ of the first network", ylabel="linear regions between -1 and 1")
ax.legend()
plt.show()

print(
    f"six copies: {counted[-1]} regions; a shallow network needs {counted[-1] - 1} hidden units for as many"
)

# %%
# Six copies and one more network have :math:`7 \times 10` parameters, of which only 20 differ. A shallow network with as many
# regions could place each joint freely, though, and these twenty numbers cannot: the regions are stretched and mirrored copies of
# one another.
