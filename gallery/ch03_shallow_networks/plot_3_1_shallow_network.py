r"""
3.1 Ten numbers that bend a line
================================

How does a network make a curve out of straight lines? With one input, three hidden units and ten parameters every step of it can
be drawn, and every parameter turned by hand. Turning them until the network fits twenty points is harder, by hand and, as it
turns out, by gradient too.

*In the book: section 3.1, figure 3.3; the loss of figure 2.2. Notebook 3.1.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import optax

from udl_jax import plotting, training
from udl_jax.ch03_shallow_networks import shallow_network as sn
from udl_jax.data import toy

plotting.use_book_style()

# %%
# The bend
# --------
# All that bends in this network is the rectified linear unit, or ReLU: it lets positive numbers pass and turns negative ones
# into zero.

z = jnp.arange(-5, 5, 0.1)
fig, ax = plt.subplots(figsize=(3.2, 3))
ax.plot(z, jax.nn.relu(z))
ax.set(xlabel="pre-activation $z$", ylabel="ReLU$[z]$", xlim=(-5, 5), ylim=(-5, 5), aspect="equal")
plt.show()

# %%
# From input to output in four stages
# -----------------------------------
# The parameters travel as two arrays. ``theta`` has a row for each hidden unit, with the intercept and slope of its line; ``phi``
# has a row for each output, with its offset and the weights of the hidden units. ``stages`` keeps all that the network computes
# on the way, here from left to right: each line is drawn, clipped at zero and weighted, and the sum of the three, moved by the
# offset, is the output. Each joint of the output stands where one hidden unit switches on or off.

theta = jnp.array([[0.3, -1.0], [-1.0, 2.0], [-0.5, 0.65]])
phi = jnp.array([[-0.3, 2.0, -1.0, 7.0]])
x = jnp.arange(0, 1, 0.01)[:, None]
found = sn.stages(theta, phi, x)

# sphinx_gallery_thumbnail_number = 2
left, right = plt.figure(figsize=(10, 5)).subfigures(1, 2, width_ratios=(3, 2))
plotting.hidden_unit_panels(
    left, x, found.preactivations, found.activations, found.weighted_activations[:, 0], limits=(-1.05, 1.05)
)
ax = right.subplots()
ax.vlines(sn.joints(theta), -1, 1, color=plotting.COLOURS[:3], ls=":", lw=1.2)
ax.plot(x, found.output, color="k")
ax.set(
    xlabel="input $x$", ylabel="output $y$", xlim=(0, 1), ylim=(-1, 1), title="Output, and where units switch"
)
plt.show()

# %%
# Eight changes, and what they do
# -------------------------------
# The notebook asks to predict eight changes before trying them. Here they are, tried: the network as it was in grey, as it
# becomes in colour. Question 5 has three answers, all drawn, and question 6 asks how to get rid of the flat stretch.

without_weight = (theta, phi.at[0, 1].set(0))
without_slope = (theta.at[0, 1].set(0), phi)
same_joint = (theta.at[0, 0].set(0.5), phi)
half_and_double = (theta.at[1].multiply(0.5), phi.at[0, 2].multiply(2))
turned = (theta.at[1].multiply(-0.5), phi.at[0, 2].multiply(-2))
changes = {
    r"1. $\phi_0$ plus 0.5": [(theta, phi.at[0, 0].add(0.5))],
    r"2. $\phi_1, \phi_2, \phi_3$ halved": [(theta, phi.at[0, 1:].multiply(0.5))],
    r"3. $\phi_1$ times $-1$": [(theta, phi.at[0, 1].multiply(-1))],
    r"4. $\theta_{20} = -1.2$": [(theta.at[1, 0].set(-1.2), phi)],
    "5. only two joints": [without_weight, without_slope, same_joint],
    r"6. $\theta_{10} = 0.6$": [(theta.at[0, 0].set(0.6), phi)],
    r"7. unit 2: $\theta$ halved, $\phi$ doubled": [half_and_double],
    r"8. unit 2: $\theta$ times $-0.5$, $\phi$ times $-2$": [turned],
}

fig, axes = plotting.panels(2, 4, size=2.5)
for ax, (title, networks) in zip(axes.flat, changes.items()):
    ax.plot(x, found.output, color="0.7", lw=3)
    for colour, network in zip(plotting.COLOURS, networks):
        ax.plot(x, sn.stages(*network, x).output, color=colour)
    ax.set_title(title, fontsize="small")
axes[0, 0].set(xlim=(0, 1), ylim=(-1.1, 1.6))
answers = (r"$\phi_1 = 0$", r"$\theta_{11} = 0$", r"$\theta_{10} = 0.5$")
axes[1, 0].legend(axes[1, 0].lines[1:], answers, fontsize="small", loc="upper center")
fig.supxlabel("input $x$")
fig.supylabel("output $y$")
plt.show()

# %%
# 1. The offset moves the whole curve up.
# 2. Half the weights give half the slopes: the curve shrinks towards the height :math:`\phi_0`.
# 3. The first unit's part is turned over, and nothing else: left of its joint at 0.3 the curve now rises.
# 4. The second joint moves from 0.5 to 0.6, and all of the curve to the right of 0.5 lies higher.
# 5. A joint goes when its unit is given no weight, or no slope, or the joint of another unit.
# 6. In the flat stretch no unit is active. With :math:`\theta_{10}` above 0.5 the first unit stays on until the second has come
#    on, and the stretch is gone.
# 7. Nothing changes, since the ReLU of half a number is half its ReLU.
# 8. A great deal changes, since for a negative factor that is not so: the unit is now active on the other side of its joint.
#
# The last two can be measured. The first difference is zero, the other is the size of the second pre-activation.

seventh, eighth = (sn.stages(*network, x).output for network in (half_and_double, turned))
print(f"7: largest change {jnp.abs(seventh - found.output).max():.1e}")
size = jnp.abs(found.preactivations[:, 1:2])
print(
    f"8: largest difference between the change and |pre-activation 2|: {jnp.abs(eighth - found.output - size).max():.1e}"
)

# %%
# Twenty points that do not lie on it
# -----------------------------------
# The notebook ends with a set of data and a loss: the sum of squared distances, 9.385 for the parameters above. It invites the
# reader to turn the parameters by hand; the author's own best is 0.181.

points = training.Examples(*(column[:, None] for column in toy.shallow_network_points()))
print(f"loss of the network above: {sn.least_squares_loss(theta, phi, *points):.3f}")

# %%
# So let the gradient do it. ``ShallowNetwork`` is the same network as a Flax model, and Adam (chapter 6) walks down its gradient:
# once from the notebook's own parameters, and from 200 random starts, whose joints all lie among the data. The training engine
# makes one compiled program of all 200 descents.

recipe = training.Recipe(
    sn.ShallowNetwork(hidden=3), optax.adam(0.02), loss=training.squared_error, error=None
)
given = {"params": {"theta": theta[None], "phi": phi[None]}}
from_given = sn.fit_starts(recipe, given, points, steps=4000)
starts = sn.sample_starts(jax.random.key(0), points.x, starts=200, hidden=3)
fits = sn.fit_starts(recipe, starts, points, steps=4000)
losses = fits.history.train.loss
reached = losses[:, -1]
print(f"from the notebook's parameters: {from_given.history.train.loss[0, -1]:.3f}")
print(f"from 200 random starts: best {reached.min():.3f}, median {jnp.median(reached):.3f}")
print(f"of these better than 0.181: {jnp.sum(reached < 0.181)}")

# %%
# The best of them beat the author's hand. But most do not, and among those is the descent from the notebook's parameters. The
# curves below level out at many heights, one for each place where the gradient vanishes: this loss is not one valley, as that of
# a line is (page 2.1), and a gradient knows only the valley it is in. Starting often is the simplest remedy.

fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8))
step = jnp.arange(1, losses.shape[1] + 1)
best = reached.argmin()
left.loglog(step, losses[::4].T, color=plotting.COLOURS[5], lw=0.6, alpha=0.6)
left.loglog(
    step, from_given.history.train.loss[0], color=plotting.COLOURS[1], label="from the notebook's parameters"
)
left.loglog(step, losses[best], color=plotting.COLOURS[0], label="best of 200 random starts")
left.axhline(0.181, color="k", ls=":", lw=1.2, label="the author's hand, 0.181")
left.set(
    xlabel="step",
    ylabel="least squares loss",
    xlim=(1, len(step)),
    title="Many ways down, many places to end",
)
left.legend(loc="upper right", fontsize="small")

right.plot(x, found.output, color="0.7", lw=3, label="the notebook's parameters")
for fit, start, colour, label in ((from_given, 0, 1, "after descent"), (fits, best, 0, "best of 200 starts")):
    params = fit.state.variables["params"]
    output = sn.stages(params["theta"][start], params["phi"][start], x).output
    right.plot(x, output, color=plotting.COLOURS[colour], label=label)
right.plot(*points, "o", color=plotting.DATA, ms=4)
right.set(
    xlabel="input $x$", ylabel="output $y$", xlim=(0, 1), ylim=(-1, 1), title="Three networks and the data"
)
right.legend(loc="upper right", fontsize="small")
plt.show()
