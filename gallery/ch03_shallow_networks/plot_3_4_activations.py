r"""
3.4 What if we used another activation function?
================================================

The ReLU is not the only way to bend a line. The notebook puts three other functions in its place: one smooth, one with a jump,
and one that does not bend at all. The networks that result show what an activation function is for, and a contest at the end shows
how well each of them fits twenty points.

*In the book: sections 3.1 and 3.2, equations 3.1 and 3.2, and figure 3.13 for the family. Notebook 3.4.*
"""

from functools import partial

import jax
import matplotlib.pyplot as plt
import numpy as np
import optax

from udl_jax import plotting, training
from udl_jax.ch03_shallow_networks import activations
from udl_jax.ch03_shallow_networks import shallow_network as sn
from udl_jax.data import toy

plotting.use_book_style()

# %%
# Four functions
# --------------
# Beside the ReLU of equation 3.2 the notebook tries the logistic sigmoid, which it makes ten times as steep as usual so that its
# rise fits the picture, the Heaviside function, and a straight line:
#
# .. math::
#
#    \mathrm{sig}[z] = \frac{1}{1 + \exp[-10 z]}, \qquad
#    \mathrm{heaviside}[z] = \begin{cases} 0 & z < 0 \\ 1 & z \geq 0 \end{cases}, \qquad
#    \mathrm{lin}[z] = a + b z.
#
# The lower row has their derivatives, by ``vmap`` of ``jax.grad``. That of the sigmoid is almost zero away from the rise; that of
# the Heaviside function is zero everywhere but at the jump, where there is none.

z = np.linspace(-1, 1, 201)
by_hand = {
    "ReLU": np.maximum(0, z),
    "sigmoid, slope 10": 1 / (1 + np.exp(-10 * z)),
    "Heaviside": np.where(z < 0, 0.0, 1.0),
    "linear": 0 + 1 * z,
}
library = dict(zip(by_hand, (jax.nn.relu, activations.sigmoid, activations.heaviside, activations.linear)))

# sphinx_gallery_alt = "ReLU, sigmoid, Heaviside function and straight line, and below each its derivative."
fig, axes = plotting.panels(2, 4, size=2.1, sharey="row")
for (upper, lower), name in zip(axes.T, by_hand):
    upper.plot(z, by_hand[name])
    lower.plot(z, jax.vmap(jax.grad(library[name]))(z), color=plotting.COLOURS[1])
    upper.set(title=name, xlim=(-1, 1))
    lower.set(xlabel="pre-activation $z$")
    difference = np.abs(by_hand[name] - library[name](z)).max()
    print(f"{name}: largest difference from the library {difference:.0e}")
axes[0, 0].set_ylabel("activation")
axes[1, 0].set_ylabel("derivative")
plt.show()

# %%
# In the network of page 3.1: smooth joints
# -----------------------------------------
# With the ReLU, page 3.1 drew a chain of straight pieces. Here is the same network with the activation function as an argument,
# and with the notebook's new weights ``phi``. The sigmoid rounds all joints, so that the output is smooth.

theta = np.array([[0.3, -1.0], [-1.0, 2.0], [-0.5, 0.65]])
x = np.arange(0, 1, 0.01)[:, None]
phi = np.array([[0.3, 0.5, -1.0, 0.9]])
run = jax.jit(sn.stages, static_argnames="activation")


def draw_network(name, activation):
    """Draw what the three hidden units compute, and at the right the output."""
    found = run(theta, phi, x, activation)
    left, right = plt.figure(figsize=(9, 4.4)).subfigures(1, 2, width_ratios=(3, 2))
    rows = found.preactivations, found.activations, found.weighted_activations[:, 0]
    plotting.hidden_unit_panels(left, x, *rows, limits=(-1.1, 1.1))
    ax = right.subplots()
    ax.plot(x, found.output, color="k")
    ax.set(xlabel="input $x$", ylabel="output $y$", xlim=(0, 1), ylim=(-1, 1), title=name)


# sphinx_gallery_alt = "Nine panels of hidden units with the sigmoid, and a smooth output."
draw_network("Sigmoid, slope 10", activations.sigmoid)
plt.show()

# %%
# A jump: steps
# -------------
# The Heaviside network is a flight of steps, which can come close to any continuous function if there are enough of them. But the
# derivative is zero wherever there is one, so the gradient never says where a step should move.

# sphinx_gallery_alt = "Nine panels of hidden units with the Heaviside function, and an output of four flat steps."
draw_network("Heaviside", activations.heaviside)
plt.show()

# %%
# No bend: a linear activation function
# -------------------------------------
# The notebook asks for a prediction before the cell is run: what will the ten panels look like if the activation function is
# :math:`a + bz`? With :math:`a = 0` and :math:`b = 1` the second row is a copy of the first, and the output, a sum of lines, is a
# line.

# sphinx_gallery_alt = "With a linear activation function all ten panels show straight lines."
draw_network("Linear, $a = 0$, $b = 1$", activations.linear)
plt.show()

# %%
# What if :math:`a = 0.5` and :math:`b = -0.4`? The lines are flattened, turned over and moved, and their sum is another line.

# sphinx_gallery_alt = "With another intercept and slope of the activation function, the output is another straight line."
draw_network("Linear, $a = 0.5$, $b = -0.4$", partial(activations.linear, a=0.5, b=-0.4))
plt.show()

# %%
# No choice of parameters leads out of the family of straight lines. Put :math:`a + bz` into equation 3.1 and sort by powers of
# :math:`x`:
#
# .. math::
#
#    y = \phi_0 + \sum_d \phi_d \bigl(a + b (\theta_{d0} + \theta_{d1} x)\bigr)
#    = \Bigl[\phi_0 + \sum_d \phi_d (a + b \theta_{d0})\Bigr] + \Bigl[\sum_d \phi_d b \theta_{d1}\Bigr] x.
#
# Ten parameters and two more, to say what two can say.

for a, b in ((0.0, 1.0), (0.5, -0.4)):
    line = np.array([phi[0, 0] + phi[0, 1:] @ (a + b * theta[:, 0]), phi[0, 1:] @ (b * theta[:, 1])])
    apart = run(theta, phi, x, partial(activations.linear, a=a, b=b)).output - (line[0] + line[1] * x)
    ours = jax.jit(activations.linear_equivalent)(theta, phi, a, b)[0]
    apart, from_library = np.abs(apart).max(), np.abs(ours - line).max()
    print(f"a = {a}, b = {b:4}: y = {line[0]:.3f} {line[1]:+.3f} x")
    print(f"    largest difference from the network {apart:.0e}, from the library's line {from_library:.0e}")

# %%
# The family
# ----------
# Figure 3.13 collects what people have put in the ReLU's place. All of it is in ``jax.nn``, or one line away from it. Below each
# panel are the derivatives, which show the differences best. Most of the newer functions keep some slope on the negative side, so
# that a unit which is off for the ReLU still feels the gradient.

z = np.linspace(-4, 4, 401)

# sphinx_gallery_alt = "Six groups of activation functions, and below each group the derivatives."
fig, axes = plotting.panels(4, 3, size=2.1, sharey=False)
fig.set_size_inches(8.4, 9)
for k, (title, members) in enumerate(activations.FAMILY.items()):
    upper, lower = axes[2 * (k // 3), k % 3], axes[2 * (k // 3) + 1, k % 3]
    for colour, (name, activation) in zip(plotting.COLOURS, members.items()):
        value, slope = jax.jit(jax.vmap(jax.value_and_grad(activation)))(z)
        upper.plot(z, value, color=colour, label=name)
        lower.plot(z, slope, color=colour)
    upper.set(title=title, xlim=(-4, 4), ylim=(-2.1, 4))
    lower.set(ylim=(-0.6, 1.9))
    upper.legend(fontsize="small", loc="upper left")
plt.setp(axes[::2, 0], ylabel="activation")
plt.setp(axes[1::2, 0], ylabel="derivative")
plt.setp(axes[-1], xlabel="pre-activation $z$")
plt.show()

# %%
# What if each were to fit the same data?
# ---------------------------------------
# The notebook puts off what its activation functions are like to train. The twenty points of page 3.1 give a first answer: sixty
# random starts, two thousand steps of Adam, and the same three hidden units, only with another activation function. Five panels
# show the best fit of each; the last one shows how often it is found, with the sixty losses sorted from best to worst.

points = training.Examples(*(np.asarray(column)[:, None] for column in toy.shallow_network_points()))
starts = sn.sample_starts(jax.random.key(0), points.x, starts=60, hidden=3)
x = np.arange(0, 1, 0.002)[:, None]
contest = {"ReLU": jax.nn.relu, "GELU": jax.nn.gelu} | {name: library[name] for name in list(library)[1:]}
losses = {}

# sphinx_gallery_alt = "The best of sixty fits with each of five activation functions, and all sixty losses of each, sorted."
fig, axes = plt.subplots(2, 3, figsize=(9, 5.4))
for ax, colour, (name, activation) in zip(axes.flat, plotting.COLOURS, contest.items()):
    network = sn.ShallowNetwork(hidden=3, activation=activation)
    recipe = training.Recipe(network, optax.adam(0.02), loss=training.squared_error, error=None)
    fits = sn.fit_starts(recipe, starts, points, steps=2000)
    fitted = jax.tree.map(np.asarray, fits.state.variables["params"])
    losses[name] = np.sort(fits.history.train.loss[:, -1])
    best = np.argmin(fits.history.train.loss[:, -1])
    moved = np.abs(fitted["theta"] - starts["params"]["theta"]).max()
    print(f"{name:>17}: median loss {np.median(losses[name]):.3f}, theta moved by up to {moved:.2g}")
    ax.plot(*points, "o", color=plotting.DATA, ms=3)
    ax.plot(x, run(fitted["theta"][best], fitted["phi"][best], x, activation).output, color=colour)
    ax.set(title=f"{name}: best loss {losses[name][0]:.3f}", xlim=(0, 1), ylim=(-0.4, 0.6))
    ax.set(xlabel="input $x$", ylabel="output $y$")
    axes[1, 2].plot(losses[name], color=colour)
axes[1, 2].set(xlabel="start, from best to worst", ylabel="loss at the end", xlim=(0, 59), ylim=(0, None))
axes[1, 2].set_title("All sixty losses")
plt.show()

least = np.polyfit(points.x[:, 0], points.y[:, 0], 1, full=True)[1][0]
linear = losses["linear"]
print(f"best straight line: {least:.3f}; linear network: {linear[0]:.3f} to {linear[-1]:.3f}")
same = np.sum(np.abs(losses["ReLU"] / least - 1) < 0.01)
print(f"ReLU fits that end within 1 % of the straight line's loss: {same} of 60")

# %%
# The linear network finds the best straight line every time, and nothing else. The Heaviside network learns only ``phi``: its
# ``theta`` has not moved at all, so its steps stay where the start has put them. The ReLU's losses lie on plateaus, and the
# straight line is one of these: units whose joints have left the data bend nothing, and a unit that is off for all data has no
# gradient to come back by. In these sixty starts the GELU, which is round and never quite off, has the lowest median, and the
# steep sigmoid the lowest loss of all. What speaks against the sigmoid, a derivative that vanishes far from the joint, shows when
# many layers multiply theirs, as in chapter 7.
