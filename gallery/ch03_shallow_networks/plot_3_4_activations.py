r"""
3.4 What if the bend were another?
==================================

The ReLU is not the only way to bend a line. The notebook puts three other functions in its place: one smooth, one with a jump,
and one that does not bend at all. The networks that result show what an activation function is for.

*In the book: section 3.1, and figure 3.13 for the family. Notebook 3.4.*
"""

from functools import partial

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import optax

from udl_jax import plotting, training
from udl_jax.ch03_shallow_networks import activations
from udl_jax.ch03_shallow_networks import shallow_network as sn
from udl_jax.data import toy

plotting.use_book_style()

# %%
# The network of page 3.1
# -----------------------
# Three hidden units, and ``activation`` as an argument. First the ReLU, whose network is a chain of straight pieces.

theta = jnp.array([[0.3, -1.0], [-1.0, 2.0], [-0.5, 0.65]])
x = jnp.arange(0, 1, 0.01)[:, None]


def draw_network(name, phi, activation):
    """Draw what the three hidden units compute, and at the right their sum."""
    found = sn.stages(theta, phi, x, activation)
    left, right = plt.figure(figsize=(9, 4.6)).subfigures(1, 2, width_ratios=(3, 2))
    rows = found.preactivations, found.activations, found.weighted_activations[:, 0]
    plotting.hidden_unit_panels(left, x, *rows, limits=(-1.1, 1.1))
    ax = right.subplots()
    ax.plot(x, found.output, color="k")
    ax.set(xlabel="input $x$", ylabel="output $y$", xlim=(0, 1), ylim=(-1, 1), title=name)
    plt.show()


draw_network("ReLU", jnp.array([[-0.3, 2.0, -1.0, 7.0]]), jax.nn.relu)

# %%
# Smooth: the sigmoid
# -------------------
# The logistic sigmoid climbs from 0 to 1; the notebook makes it ten times as steep as usual so that its rise fits the picture.
# At the right is its derivative, by ``vmap`` of ``grad``: away from the rise there is almost none.

z = jnp.arange(-1, 1, 0.01)


def draw_function(name, activation):
    """Draw an activation function and its derivative."""
    _, axes = plt.subplots(1, 2, figsize=(6.5, 2.6), sharex=True)
    axes[0].plot(z, activation(z))
    axes[0].set(xlabel="pre-activation $z$", xlim=(-1, 1), title=name)
    axes[1].plot(z, activations.derivative(activation, z), color=plotting.COLOURS[1])
    axes[1].set(xlabel="pre-activation $z$", title="its derivative")
    plt.show()


draw_function("sigmoid, slope 10", activations.sigmoid)

# %%
# In the network all joints are rounded, and the output is smooth.

phi = jnp.array([[0.3, 0.5, -1.0, 0.9]])
draw_network("Sigmoid", phi, activations.sigmoid)

# %%
# A jump: the Heaviside function
# ------------------------------
# Zero for negative numbers, one for zero and up. The network is a flight of steps, which can come close to any function if there
# are enough of them. But the derivative is zero wherever there is one, so no gradient will ever tell a step where to go.

draw_function("Heaviside", activations.heaviside)
draw_network("Heaviside", phi, activations.heaviside)

# %%
# No bend: a linear activation
# ----------------------------
# The notebook asks for a prediction before the cell is run: what will the ten panels look like if the activation is :math:`a + bz`?
# With :math:`a = 0` and :math:`b = 1` the second row is a copy of the first, and the output, a sum of lines, is a line.

draw_network("Linear, $a = 0$, $b = 1$", phi, activations.linear)

# %%
# What if :math:`a = 0.5` and :math:`b = -0.4`? The lines are flattened, turned over and moved, and their sum is another line. No
# choice of parameters leads out of the family of straight lines. ``linear_equivalent`` says which line a network is: ten
# parameters and two more, to say what two can say.

turned = partial(activations.linear, a=0.5, b=-0.4)
draw_network("Linear, $a = 0.5$, $b = -0.4$", phi, turned)
for a, b in ((0.0, 1.0), (0.5, -0.4)):
    intercept, slope = activations.linear_equivalent(theta, phi, a, b)[0]
    output = sn.stages(theta, phi, x, partial(activations.linear, a=a, b=b)).output
    apart = jnp.abs(intercept + slope * x - output).max()
    print(
        f"a = {a}, b = {b:4}: y = {intercept:.3f} {slope:+.3f} x, from which the network departs by {apart:.0e}"
    )

# %%
# The family
# ----------
# Figure 3.13 collects what people have put in the ReLU's place. All of it is in ``jax.nn``, or one line away from it. The
# derivatives, dashed, tell them apart: most newer members keep a slope on the negative side, so that a unit which is off still
# feels the gradient.

# sphinx_gallery_thumbnail_number = 8
z = jnp.linspace(-4, 4, 401)
fig, axes = plotting.panels(2, 3, size=2.9)
for ax, (title, members) in zip(axes.flat, activations.FAMILY.items()):
    for colour, (name, activation) in zip(plotting.COLOURS, members.items()):
        ax.plot(z, activation(z), color=colour, label=name)
        ax.plot(z, activations.derivative(activation, z), color=colour, ls="--", lw=1)
    ax.set(title=title, xlim=(-4, 4), ylim=(-2.1, 4))
    ax.legend(fontsize="small", loc="upper left")
fig.supxlabel("pre-activation $z$")
fig.supylabel("activation, and dashed its derivative")
plt.show()

# %%
# What if each were to fit the same data?
# ---------------------------------------
# The notebook puts off what its activations are like to train. The twenty points of page 3.1 give a first answer: sixty random
# starts, two thousand steps of Adam, and the same three hidden units, only with another activation. Each line below has the sixty
# losses that were reached, from best to worst.

points = training.Examples(*(column[:, None] for column in toy.shallow_network_points()))
starts = sn.sample_starts(jax.random.key(0), points.x, starts=60, hidden=3)
contest = {
    "ReLU": jax.nn.relu,
    "GELU": jax.nn.gelu,
    "sigmoid, slope 10": activations.sigmoid,
    "Heaviside": activations.heaviside,
    "linear": activations.linear,
}

fig, ax = plt.subplots(figsize=(6, 4))
for name, activation in contest.items():
    network = sn.ShallowNetwork(hidden=3, activation=activation)
    recipe = training.Recipe(network, optax.adam(0.02), loss=training.squared_error, error=None)
    losses = sn.fit_starts(recipe, starts, points, steps=2000).history.train.loss[:, -1]
    ax.plot(jnp.sort(losses), label=name)
ax.set(
    xlabel="start, from best to worst", ylabel="least squares loss at the end", xlim=(0, 59), ylim=(0, None)
)
ax.set_title("Sixty fits with each activation")
ax.legend(loc="lower right")
plt.show()

# %%
# The linear network finds the best straight line every time, and nothing else. The Heaviside network learns only ``phi``: its
# steps stay where the start has put them, so its loss is a matter of luck. The ReLU's losses lie on plateaus, among them that of
# the straight line: units whose joints have left the data bend nothing, and those that are off for all data have no gradient to
# come back by. The GELU, round and never quite off, is the most dependable, and the sigmoid finds the lowest loss of all. What
# speaks against it, a derivative that vanishes far from the joint, tells when many layers multiply theirs, as in chapter 7.
