r"""
4.2 What the second hidden layer sees
=====================================

A network with two hidden layers can be read as one network feeding another, as in 4.1. There is a second way to see it, and it
works layer by layer: the first layer makes a few bent curves, the second clips mixtures of them at zero, and what is left is
weighted and added. This page takes a network apart along those lines and then turns three of its knobs.

*In the book: section 4.3, equations 4.7 to 4.9, figures 4.4 and 4.5. Notebook 4.2.*
"""

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch04_deep_networks import clipping, deep_network, linear_pieces

plotting.use_book_style()

# %%
# The network
# -----------
# One input, two hidden layers of three units, one output. The first layer is that of page 3.1 (equation 4.7); the second takes
# the three :math:`h_d` as its inputs (equation 4.8); the output adds up what comes out of it (equation 4.9):
#
# .. math::
#
#    h_d &= \mathrm{a}[\theta_{d0} + \theta_{d1} x], \\
#    h'_d &= \mathrm{a}[\psi_{d0} + \psi_{d1} h_1 + \psi_{d2} h_2 + \psi_{d3} h_3], \\
#    y &= \phi_0 + \phi_1 h'_1 + \phi_2 h'_2 + \phi_3 h'_3.
#
# In code the parameters of each layer stand in one matrix, with the offsets in column 0. ``stages`` is the library's name for
# these lines, and returns everything on the way.

theta = np.array([[0.3, -1.0], [-1.0, 2.0], [-0.5, 0.65]])
psi = np.array([[0.3, 2.0, -1.0, 7.0], [-0.2, 2.0, 1.2, -8.0], [0.3, -2.3, -0.8, 2.0]])
phi = np.array([[0.0, 0.5, -1.5, 2.2]])
x = np.arange(0, 1, 0.01)[:, None]

h = np.maximum(0, theta[:, 0] + theta[:, 1] * x)
mixed = psi[:, 0] + h @ psi[:, 1:].T
clipped = np.maximum(0, mixed)
weighted = phi[0, 1:] * clipped
output = phi[0, 0] + weighted.sum(axis=1)

run = jax.jit(clipping.stages)
found = run(theta, psi, phi, x)
print(f"largest difference from the library: {np.abs(output - found.output[:, 0]).max():.0e}")

# %%
# The first layer
# ---------------
# Each unit of the first layer is a line that is clipped at zero. Each bends where its line crosses zero, and nowhere else.

joints = -theta[:, 0] / theta[:, 1]
print("joints of the first layer:", *(f"{joint:.4f}" for joint in joints))

# sphinx_gallery_alt = "Three curves that are zero up to a joint and straight beyond it, with joints at 0.3, 0.5 and 0.77."
fig, ax = plt.subplots(figsize=(4.5, 3))
for d in range(3):
    ax.plot(x, h[:, d], color=plotting.COLOURS[d], label=f"$h_{d + 1}$")
ax.set(xlabel="input $x$", ylabel="first hidden units", xlim=(0, 1), ylim=(0, None))
ax.legend()
plt.show()

# %%
# Mix, clip, weight
# -----------------
# The notebook's nine panels, and figure 4.5 of the book, row by row. Top: each unit of the second layer mixes the three curves
# above, so it can bend at the same three places (dotted), by an amount of its own. Middle: whatever is below zero is clipped.
# Bottom: the clipped curves are stretched, or turned upside down, by the weights of the output.

TICKS = {"xticks": (0, 0.5, 1), "xticklabels": ("0", "0.5", "1"), "yticks": (-1, 0, 1)}
rows = {
    "mixed": (mixed, "into $h'_{}$"),
    "clipped": (clipped, "$h'_{}$"),
    "weighted": (weighted, r"$\phi_{0} h'_{0}$"),
}

# sphinx_gallery_alt = "Nine panels: three mixed curves, the same clipped at zero, and the same multiplied by the output's weights."
# sphinx_gallery_thumbnail_number = 2
fig, axes = plotting.panels(3, 3, size=2.1)
for row, (label, (values, name)) in zip(axes, rows.items()):
    for d, ax in enumerate(row):
        ax.axhline(0, color="0.85", lw=1)
        ax.vlines(joints, -1, 1, color="0.75", ls=":", lw=1)
        ax.plot(x, values[:, d], color=plotting.COLOURS[d])
        ax.set(xlim=(0, 1), ylim=(-1, 1), **TICKS, title=name.format(d + 1))
    row[0].set(ylabel=label)
plt.setp(axes[-1], xlabel="input $x$")
plt.show()

# %%
# Where the new joints come from
# ------------------------------
# Clipping adds a joint wherever a mixed curve crosses zero. Between two neighbouring joints of the first layer a mixed curve is
# straight, so the crossing follows from its two ends by one division. ``linear_pieces`` does the same for any network with one
# input, in exact fractions.


def find_joints(psi, phi):
    """Find the joints of the output between 0 and 1, with the library."""
    layers = deep_network.to_layers(theta, psi, phi)
    return np.array([float(joint) for joint in linear_pieces.linear_pieces(layers, low=0.0, high=1.0).joints])


knots = np.array([0.0, *joints, 1.0])
ends = run(theta, psi, phi, knots[:, None]).preactivations
left, right = np.asarray(ends[:-1]), np.asarray(ends[1:])
k, d = np.nonzero(left * right < 0)
crossings = knots[k] + (knots[k + 1] - knots[k]) * left[k, d] / (left[k, d] - right[k, d])
print("new joints:", *(f"{crossing:.4f}" for crossing in np.sort(crossings)))
everything = np.sort([*joints, *crossings])
print(
    f"{len(everything)} joints, largest difference from the library {np.abs(everything - find_joints(psi, phi)).max():.0e}"
)

# %%
# The sum, unit by unit
# ---------------------
# Now the three weighted curves are added, one after the other; the offset :math:`\phi_0` is zero. The shaded area is what each
# unit adds. The first makes a curve that is nowhere negative, the second pulls it down at the left and in a notch at 0.77, and
# the third puts a plateau on it. Each dot is a joint of the sum so far.


def draw_output(ax, psi, phi, **style):
    """Draw the output, with a dot at each joint, and count its regions."""
    at = find_joints(psi, phi)
    dots = np.resize(at, 16)[:, None]  # repeated, so that one compiled program serves any number
    ax.plot(x, run(theta, psi, phi, x).output, **style)
    ax.plot(dots, run(theta, psi, phi, dots).output, "o", color=style["color"], ms=3.5)
    ax.set(xlim=(0, 1), ylim=(-1, 1.2), **TICKS, title=f"{len(at) + 1} regions")


# sphinx_gallery_alt = "The output grows from one weighted curve to the sum of three; the last panel is the whole output."
fig, axes = plotting.panels(1, 3, size=2.6)
fig.get_layout_engine().set(wspace=0.08)
for d, ax in enumerate(axes[0]):
    before, after = weighted[:, :d].sum(axis=1), weighted[:, : d + 1].sum(axis=1)
    ax.fill_between(x[:, 0], before, after, color=plotting.COLOURS[d], alpha=0.3)
    draw_output(ax, psi, phi * (np.arange(4) <= d + 1), color="k")
    ax.set(xlabel="input $x$", title=f"with unit {d + 1}: {ax.get_title()}")
axes[0, 0].set(ylabel="sum so far")
plt.show()

# %%
# Three knobs
# -----------
# The notebook asks what happens if :math:`\psi_{10}` is increased, if all of :math:`\psi_{20}` to :math:`\psi_{23}` are
# multiplied by -1, and if :math:`\phi_3` is set to -1. Below, the upper row shows the one weighted curve that changes, the lower
# row the output; grey is the network as it was.
#
# - **Raised offset.** The first mixed curve is lifted. A small lift moves its two crossings of zero towards each other, and all
#   joints remain. A large one leaves nothing to clip, and two joints are gone; the print below says how large it must be.
# - **Turned around.** The second mixed curve is mirrored, so that what was clipped is shown and what was shown is clipped. Its
#   crossings stay where they are. But the peak at 0.77, one of the first layer's joints, now lies below zero; the other two units
#   are off there as well, so nothing shows it, and one joint is gone.
# - **Negative weight.** Clipping comes before the weights, so no joint moves. The plateau in the middle, which the third unit had
#   lifted, is pushed down instead.

lift, scale = np.zeros_like(psi), np.ones_like(psi)
lift[0, 0], scale[1] = 1, -1
what_ifs = {
    r"$\psi_{10}$ plus 0.1": (psi + 0.1 * lift, phi, 0),
    r"$\psi_{10}$ plus 0.5": (psi + 0.5 * lift, phi, 0),
    r"$\psi_{20}$ to $\psi_{23}$ times -1": (psi * scale, phi, 1),
    r"$\phi_3 = -1$": (psi, np.array([[0.0, 0.5, -1.5, -1.0]]), 2),
}
print(f"nothing is left to clip from a lift of {-left[:, 0].min():.4f} on")

# sphinx_gallery_alt = "Four changes: above the weighted curve that changes, below the output before and after."
fig, axes = plotting.panels(2, 4, size=2.4)
for (top, bottom), (name, (new_psi, new_phi, d)) in zip(axes.T, what_ifs.items()):
    top.plot(x, weighted[:, d], color="0.7")
    top.plot(x, run(theta, new_psi, new_phi, x).weighted_activations[:, 0, d], color=plotting.COLOURS[d])
    top.set(title=f"{name}\n$\\phi_{d + 1} h'_{d + 1}$")
    draw_output(bottom, psi, phi, color="0.7")
    draw_output(bottom, new_psi, new_phi, color="k")
    bottom.set(xlabel="input $x$")
axes[0, 0].set(ylabel="weighted activation")
axes[1, 0].set(ylabel="output $y$")
plt.show()
