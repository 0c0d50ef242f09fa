r"""
4.2 What the second hidden layer sees
=====================================

A network with two hidden layers can be read as one network feeding another, as in 4.1. There is a second way to see it, and it
works layer by layer: the first layer makes a few bent curves, the second clips mixtures of them at zero, and what is left is
stretched and added. This page takes a network apart along those lines and then turns three of its knobs.

*In the book: section 4.3, equations 4.7 to 4.9, figures 4.4 and 4.5. Notebook 4.2.*
"""

import jax.numpy as jnp
import matplotlib.pyplot as plt

from udl_jax import plotting
from udl_jax.ch04_deep_networks import clipping, deep_network, linear_pieces

plotting.use_book_style()

# %%
# The network
# -----------
# One input, two hidden layers of three units, one output. The parameters of each layer stand in one matrix: ``theta`` makes the
# first hidden units, ``psi`` the second, ``phi`` the output, and column 0 holds the offsets. ``stages`` runs the network and
# returns everything on the way, as a named tuple.

theta = jnp.array([[0.3, -1.0], [-1.0, 2.0], [-0.5, 0.65]])
psi = jnp.array([[0.3, 2.0, -1.0, 7.0], [-0.2, 2.0, 1.2, -8.0], [0.3, -2.3, -0.8, 2.0]])
phi = jnp.array([[0.0, 0.5, -1.5, 2.2]])
x = jnp.arange(0.0, 1.0, 0.01)[:, None]
found = clipping.stages(theta, psi, phi, x)

# %%
# The first layer
# ---------------
# Each unit of the first layer is a line that is clipped at zero. The three bend at 0.3, 0.5 and 0.77, and no other place can ever
# matter to what this layer hands on.

fig, ax = plt.subplots(figsize=(4.5, 3))
for d in range(3):
    ax.plot(x, found.first_activations[:, d], color=plotting.COLOURS[d], label=f"$h_{d + 1}$")
ax.set(xlabel="input $x$", ylabel="first hidden units", xlim=(0, 1), ylim=(0, None))
ax.legend()
plt.show()

# %%
# Mix, clip, stretch
# ------------------
# The notebook's nine panels, and figure 4.5 of the book, row by row. Top: each unit of the second layer mixes the three curves
# above, so each gets joints at the same three places (dotted), but bends there by an amount of its own. Middle: whatever is below
# zero is clipped. Every crossing of zero becomes a new joint, at a place of its own: this is where the second layer adds joints.
# Bottom: the clipped curves are stretched, or turned upside down, by the weights of the output.


TICKS = {"xticks": (0, 0.5, 1), "xticklabels": ("0", "0.5", "1"), "yticks": (-1, 0, 1)}


def draw_panels(axes, found, joints):
    """Draw a row of panels each for pre-activations, activations and weighted activations."""
    rows = (found.preactivations, found.activations, found.weighted_activations[:, 0])
    for (row, values), names in zip(enumerate(rows), ("into $h'_{}$", "$h'_{}$", r"$\phi_{0} h'_{0}$")):
        for d, ax in enumerate(axes[row]):
            ax.axhline(0, color="0.85", lw=1)
            for joint in joints:
                ax.axvline(joint, color="0.75", ls=":", lw=1)
            ax.plot(x, values[:, d], color=plotting.COLOURS[d])
            ax.set(xlim=(0, 1), ylim=(-1, 1), **TICKS, title=names.format(d + 1))


# sphinx_gallery_thumbnail_number = 2
fig, axes = plotting.panels(3, 3, size=2.1)
draw_panels(axes, found, (0.3, 0.5, 0.5 / 0.65))
plt.setp(axes[-1], xlabel="input $x$")
for ax, label in zip(axes[:, 0], ("mixed", "clipped", "weighted")):
    ax.set(ylabel=label)
plt.show()

# %%
# Their sum is the output, since the offset :math:`\phi_0` is zero. Nothing in it looks like any one of the curves it is made of.
# ``linear_pieces`` finds its ten joints exactly: three are those of the first layer, and each of the other seven is a place where
# one of the mixed curves crosses zero.


def find_joints(theta, psi, phi):
    """Find the joints of the output between 0 and 1."""
    layers = deep_network.to_layers(theta, psi, phi)
    return [float(joint) for joint in linear_pieces.linear_pieces(layers, low=0.0, high=1.0).joints]


def draw_output(ax, theta, psi, phi, **style):
    """Draw the output with its joints, and count its regions."""
    joints = jnp.array(find_joints(theta, psi, phi))[:, None]
    (line,) = ax.plot(x, clipping.stages(theta, psi, phi, x).output, **style)
    ax.plot(joints, clipping.stages(theta, psi, phi, joints).output, "o", color=line.get_color(), ms=3.5)
    ax.set(xlim=(0, 1), ylim=(-1, 1.2), **TICKS, title=f"{len(joints) + 1} regions")


print("joints of the output:", *(f"{joint:.4f}" for joint in find_joints(theta, psi, phi)))
fig, ax = plt.subplots(figsize=(4.5, 3.2))
draw_output(ax, theta, psi, phi, color=plotting.COLOURS[-1])
ax.set(xlabel="input $x$", ylabel="output $y$")
plt.show()

# %%
# Three knobs
# -----------
# The notebook asks what happens if :math:`\psi_{10}` is increased, if all of :math:`\psi_{20}` to :math:`\psi_{23}` are
# multiplied by -1, and if :math:`\phi_3` is set to -1. Below, the upper row shows the one curve that changes on the way, the
# lower row the output; grey is the network as it was.
#
# - **Raised offset.** The first mixed curve is lifted. A small lift moves its two crossings of zero towards each other; with 0.5
#   the whole curve is above zero, nothing is left to clip, and two joints are gone. Wherever the unit was on before, the output
#   rises by :math:`0.5\,\phi_1 = 0.25`.
# - **Turned around.** The second mixed curve is mirrored, so that what was clipped is shown and what was shown is clipped. Its
#   crossings stay where they are. But the peak at 0.77, one of the first layer's joints, now lies below zero; the other two units
#   are off there as well, so nothing shows it, and one joint is gone.
# - **Negative weight.** Clipping comes before the weights, so no joint moves. The plateau in the middle, which the third unit had
#   lifted, is pushed down instead.

raised = psi.at[0, 0].add(0.5)
flipped = psi.at[1].multiply(-1)
swapped = phi.at[0, 3].set(-1.0)
what_ifs = {
    r"$\psi_{10}$ raised by 0.5": (raised, phi, 0),
    r"$\psi_{2}$ times -1": (flipped, phi, 1),
    r"$\phi_3 = -1$": (psi, swapped, 2),
}

fig, axes = plotting.panels(2, 3, size=2.5)
for (top, bottom), (name, (new_psi, new_phi, d)) in zip(axes.T, what_ifs.items()):
    changed = clipping.stages(theta, new_psi, new_phi, x)
    top.plot(x, found.weighted_activations[:, 0, d], color="0.7")
    top.plot(x, changed.weighted_activations[:, 0, d], color=plotting.COLOURS[d])
    top.set(title=f"{name}\n$\\phi_{d + 1} h'_{d + 1}$")
    draw_output(bottom, theta, psi, phi, color="0.7")
    draw_output(bottom, theta, new_psi, new_phi, color=plotting.COLOURS[-1])
plt.setp(axes[1], xlabel="input $x$")
axes[0, 0].set(ylabel="weighted activation")
axes[1, 0].set(ylabel="output $y$")
plt.show()
