r"""
4.1 One network folds the line, the next draws on it
====================================================

What happens when the output of one small network becomes the input of another? Each of the two below has three hidden units and
draws three or four straight pieces. Put one after the other, and the pieces do not add up, they multiply. This page shows why,
counts the pieces exactly, and finds where the multiplication falls short.

*In the book: section 4.1, figures 4.1 and 4.2, and section 4.5.2. Notebook 4.1.*
"""

import jax.numpy as jnp
import matplotlib.pyplot as plt

from udl_jax import plotting
from udl_jax.ch04_deep_networks import composing, linear_pieces
from udl_jax.ch04_deep_networks.composing import Shallow

plotting.use_book_style()

# %%
# Two networks and a prediction
# -----------------------------
# A shallow network is two matrices here: ``theta`` with intercept and slope of each hidden unit, ``phi`` with the offset and the
# weights of the output. Inputs and outputs are looked at between -1 and 1. Before you scroll on: what will the second network's
# output look like when it is fed the first one's?

first = Shallow(jnp.array([[0.0, -1.0], [0.0, 1.0], [-0.67, 1.0]]), jnp.array([[1.0, -2.0, -3.0, 9.3]]))
second = Shallow(jnp.array([[-0.6, -1.0], [0.2, 1.0], [-0.5, 1.0]]), jnp.array([[0.5, -1.0, -1.5, 2.0]]))
x = jnp.arange(-1.0, 1.0, 0.001)[:, None]


def draw(ax, networks, title, colour):
    """Draw a composition with a dot at each joint, and count its regions."""
    joints = composing.find_joints(networks, -1.0, 1.0)[:, None]
    ax.plot(x, composing.compose(networks, x), color=colour)
    ax.plot(joints, composing.compose(networks, joints), "o", color=colour, ms=3.5, clip_on=False)
    ax.set(
        xlim=(-1, 1),
        ylim=(-1.1, 1.1),
        xticks=(-1, 0, 1),
        yticks=(-1, 0, 1),
        title=f"{title}\n{len(joints) + 1} regions",
    )


def draw_row(axes, before, after):
    """Draw two networks, and what the second makes of the first one's output."""
    draw(axes[0], before, "goes in first", plotting.COLOURS[1])
    draw(axes[1], after, "is fed the first", plotting.COLOURS[0])
    draw(axes[2], before + after, "together", plotting.COLOURS[2])


# sphinx_gallery_thumbnail_number = 1
fig, axes = plotting.panels(1, 3, size=2.6)
draw_row(axes[0], [first], [second])
plt.setp(axes, xlabel="input")
axes[0, 0].set(ylabel="output")
plt.show()

# %%
# The green curve is the blue one three times over. As the input goes from -1 to 1, the orange output sweeps the whole range up,
# down and up again, and each sweep plays the blue curve once: forward, backward, forward, squeezed into a third of the room or
# so. Three sweeps times four pieces make twelve. The two joints between sweeps, at 0 and 0.67, are joints of the green curve as
# well, but they only separate what is counted already.
#
# The notebook then changes one weight at a time: the second network's :math:`\phi_1` changes its sign, or the first one's is
# halved. The first change alters the drawing that is repeated. The second shortens a sweep: left of zero the output now runs from
# 0 to 1 only, so only the right part of the blue curve appears there, and two regions are lost.

second_changed = second._replace(phi=second.phi.at[0, 1].multiply(-1))
first_changed = first._replace(phi=first.phi.at[0, 1].multiply(0.5))

fig, axes = plotting.panels(2, 3, size=2.6)
draw_row(axes[0], [first], [second_changed])
draw_row(axes[1], [first_changed], [second])
plt.setp(axes[1], xlabel="input")
plt.setp(axes[:, 0], ylabel="output")
plt.show()

# %%
# A network after itself
# ----------------------
# Fed its own output, the first network folds three times three: nine regions. And with the second network after both, there are
# three layers of hidden units, nine sweeps, and thirty-six regions, drawn by networks that have ten parameters each.

fig, axes = plotting.panels(2, 3, size=2.6)
draw_row(axes[0], [first], [first])
draw_row(axes[1], [first, first], [second])
plt.setp(axes[1], xlabel="input")
plt.setp(axes[:, 0], ylabel="output")
plt.show()

# %%
# Counting without looking
# ------------------------
# The dots above were not found by looking for kinks on a grid. On a straight piece, the pre-activation of a hidden unit is
# straight too, so the place where it crosses zero follows from a division. Cut every piece at these places, layer after layer,
# and at the end drop the cuts where the slopes left and right are equal. Equality is a delicate thing among rounded numbers;
# ``linear_pieces`` reads the parameters as the decimals they are and computes with fractions, so its count is exact.
#
# That is needed at once. The first network has three hidden units, which could make four pieces, but two of its joints coincide
# at zero. And after six copies the pieces are so narrow that a grid of two thousand inputs, as the notebook draws them, would not
# even have one point for each.


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
narrowest = jnp.diff(composing.find_joints([first] * 6 + [second], -1.0, 1.0)).min()
print(f"narrowest region between two joints after six copies: {narrowest:.1e}")

# %%
# N copies
# --------
# This answers the notebook's last question. Every region of N copies of the first network sweeps the whole range from -1 to 1,
# and each sweep draws four regions, which makes :math:`4 \cdot 3^N`. The count agrees, to the last of 2,916. No network with one
# input and layers of three units can have more than :math:`4^{N+1}`, the dashed line, since a layer of three cuts a piece at most
# three times.
#
# With the halved weight the regions still multiply, but by less than three a copy: a piece that no longer sweeps everything
# misses some of the next network's joints. That is the fine print of "exponentially many": depth makes folding possible, it does
# not make every piece fold.

fig, ax = plt.subplots(figsize=(5.5, 4))
ax.semilogy(copies, bound, "--", color="0.6", label=r"upper bound $4^{N+1}$")
ax.semilogy(copies, predicted, color=plotting.COLOURS[1], label=r"predicted, $4 \cdot 3^N$")
ax.semilogy(copies, counted, "o", color=plotting.COLOURS[0], label="counted")
ax.semilogy(copies, halved, "s", color=plotting.COLOURS[2], label=r"counted, $\phi_1$ of the copies halved")
ax.set(xlabel="copies $N$ of the first network", ylabel="linear regions between -1 and 1")
ax.legend()
plt.show()

# %%
# Six copies and one more network make 2,916 regions with :math:`7 \times 10` parameters, of which only 20 differ. A shallow
# network with as many regions needs 2,915 hidden units. It could place each joint freely, though, and these twenty numbers
# cannot: the regions are reflections of one another, and moving one moves them all.
