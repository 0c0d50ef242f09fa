r"""
5.2 A loss for yes or no
========================

A network puts out any number; a probability lies between 0 and 1. The sigmoid takes one to the other, and the Bernoulli
distribution makes a loss of it: the binary cross-entropy. Computed step by step, that loss fails just when the network is surest;
with sigmoid and logarithm taken together, it never does.

*In the book: sections 5.2 and 5.4, figures 5.6 to 5.8 and 5.11. Notebook 5.2.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from udl_jax import plotting, training
from udl_jax.ch03_shallow_networks.shallow_network import ShallowNetwork, stages
from udl_jax.ch05_loss_functions import binary_cross_entropy as bce
from udl_jax.ch05_loss_functions import distributions, heads, sweeps
from udl_jax.data import toy

plotting.use_book_style()

# %%
# From an output to a probability
# -------------------------------
# The same twenty inputs as in 5.1, but the outputs are now labels, 0 or 1. The network on the left may go where it likes. Its
# sigmoid, on the right, is the probability :math:`\lambda` of label 1, and should be high where the dots are.

x, y = toy.binary_classification_points()
x_line = jnp.linspace(0, 1, 400)
theta = jnp.array([[0.3, -1.0], [-1.0, 1.8], [-0.5, 0.65]])
phi = jnp.array([[2.6, -24.0, -8.0, 50.0]])


def draw_probability(ax, curves, title, **look):
    """Draw probabilities of label 1, and the labels."""
    ax.plot(x, y, "o", color=plotting.DATA, ms=4)
    ax.plot(x_line, curves, **look)
    ax.set(
        xlim=(0, 1),
        ylim=(-0.05, 1.05),
        xlabel="input $x$",
        ylabel=r"probability $\lambda$ of $y = 1$",
        title=title,
    )


outputs_line = stages(theta, phi, x_line[:, None]).output[:, 0]
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.4))
left.plot(x_line, outputs_line)
left.axhline(0, color="0.8", lw=1, zorder=0)
left.set(
    xlim=(0, 1), ylim=(-4, 4), xlabel="input $x$", ylabel="network output", title="The notebook's network"
)
draw_probability(right, bce.sigmoid(outputs_line), "Through the sigmoid")
plt.show()

# %%
# The Bernoulli distribution gives a label 1 the probability :math:`\lambda`, and a label 0 what remains. Multiplied over all
# twenty labels, that is the likelihood; its negative logarithm is the loss. The notebook announces 0.8 and 0.2, then 0.000070237
# and 9.563639387.

outputs = stages(theta, phi, x[:, None]).output[:, 0]
print(
    f"probabilities of 0 and 1 for a lambda of 0.2: {bce.bernoulli_probability(jnp.arange(2), jnp.array([0.2, 0.2]))}"
)
print(
    f"likelihood:              {distributions.likelihood(bce.bernoulli_probability(y, bce.sigmoid(outputs))):.9f}"
)
print(f"negative log-likelihood: {bce.binary_cross_entropy(outputs, y):.6f}")

# %%
# Where the formula breaks
# ------------------------
# Take one point with label 0 and let the network be more and more sure of label 1. The loss should grow in proportion to the
# output. The naive formula first rounds :math:`1 - \lambda` coarsely, and from an output of 17 on, where the sigmoid is exactly 1
# in float32, it has lost the answer: infinite. ``binary_cross_entropy`` uses :math:`\log(1 - \lambda) = -\log(1 + e^z)`, which
# keeps all digits.

sure = jnp.linspace(0, 30, 601)
label = jnp.array([0])
chance = jax.vmap(lambda z: bce.bernoulli_probability(label, bce.sigmoid(z[None])))(sure)
naive = jax.vmap(distributions.naive_negative_log_likelihood)(chance)
safe = jax.vmap(lambda z: bce.binary_cross_entropy(z[None], label))(sure)
print(f"first infinite at an output of {sure[jnp.argmax(jnp.isinf(naive))]:.2f}")

fig, ax = plt.subplots(figsize=(5.5, 3.4))
ax.plot(sure, safe, color=plotting.COLOURS[5], lw=4, label="sigmoid and logarithm together")
ax.plot(sure, naive, color=plotting.COLOURS[1], lw=1.2, label="sigmoid first, then logarithm")
ax.set(
    xlabel="network output $z$ for a point with label 0", ylabel="loss in nats", xlim=(0, 30), ylim=(0, 30)
)
ax.legend(loc="upper left")
plt.show()

# %%
# Turn the offset
# ---------------
# Of the network's ten parameters the notebook turns one, the offset :math:`\beta_1`, from -2 to 6. One ``vmap`` does it. The
# likelihood is highest where the loss is lowest, and there the mean of the predicted probabilities equals the share of ones among
# the labels: the gradient of the loss by the offset is the sum of :math:`\lambda - y`.

offsets = jnp.arange(-2, 6.0, 0.1)
likelihood, loss = bce.sweep_offset(theta, phi, offsets, x[:, None], y)
best = sweeps.best(offsets, loss)
chances = bce.sigmoid(sweeps.outputs_at_offsets(theta, phi, offsets, x_line[:, None])[..., 0])
at_best = bce.sigmoid(outputs + best - phi[0, 0])
print(f"highest likelihood {likelihood.max():.6f} at {sweeps.best(offsets, -likelihood):.1f}")
print(f"lowest loss        {loss.min():.6f} at {best:.1f}")
print(f"mean probability there {at_best.mean():.3f}, share of ones {y.mean():.3f}")

fig, axes = plt.subplots(1, 3, figsize=(11, 3.2), width_ratios=(1.3, 1, 1))
for k, shade in zip(range(0, 80, 20), (0.25, 0.45, 0.65, 0.85), strict=True):
    axes[0].plot(
        x_line, chances[k], color=plotting.COLORMAP(shade), lw=1.2, label=rf"$\beta_1 = {offsets[k]:.0f}$"
    )
draw_probability(axes[0], chances[jnp.argmin(loss)], rf"$\beta_1 = {best:.1f}$ is best", label="best")
axes[0].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
for ax, curve, name in ((axes[1], likelihood, "likelihood"), (axes[2], loss, "negative log-likelihood")):
    ax.plot(offsets, curve, color=plotting.COLOURS[1])
    ax.axvline(best, color="0.3", ls=":", lw=1.2)
    ax.set(xlabel=r"offset $\beta_1$", ylabel=name)
    ax.ticklabel_format(axis="y", scilimits=(-2, 3))
plt.show()

# %%
# Turn everything at once
# -----------------------
# A ``BernoulliHead`` on the shallow network, Adam, all twenty points in each step: the loss falls from 9.56 to 3.43. With three
# joints the curve can step up, come down and step up again. Doubt remains only where a 0 stands among ones, in the middle.

head = heads.BernoulliHead(ShallowNetwork(3))
start = {"params": {"network": {"theta": theta, "phi": phi}}}
data = training.Examples(x[:, None], y)
fits = {steps: heads.fit(head, start, data, optax.adam(0.01), steps=steps) for steps in (100, 1000, 10_000)}

# sphinx_gallery_thumbnail_number = 4
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4), width_ratios=(1.3, 1))
draw_probability(left, bce.sigmoid(outputs_line), "All ten parameters", color="0.7", label="start")
for steps, colour in zip(fits, plotting.COLOURS, strict=False):
    fitted = head.apply(fits[steps].state.variables, x_line[:, None])
    left.plot(x_line, fitted.probability, color=colour, label=f"{steps} steps")
left.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
right.semilogx(jnp.arange(1, 10_001), fits[10_000].history.train.loss, color=plotting.COLOURS[1])
right.set(ylim=(0, None), xlabel="step", ylabel="loss in nats", title="Negative log-likelihood")
plt.show()

# %%
# What if one went on?
# --------------------
# Where the labels are all alike, no probability short of 0 or 1 is best: the outputs want to be infinite there. So the loss creeps
# towards its lower limit, while the weights keep growing. The likelihood has no maximum, only a supremum.

for steps, fitted in fits.items():
    logits = head.apply(fitted.state.variables, x[:, None]).logit
    print(
        f"{steps:6d} steps: loss {fitted.history.train.loss[-1]:.4f}, largest output {jnp.abs(logits).max():.1f}"
    )

# %%
# What if the answer lies between yes and no?
# -------------------------------------------
# Other data with bounds have other distributions in the book's figure 5.11: the beta distribution for proportions, the exponential
# and the gamma for magnitudes, the von Mises for directions. Each has its own map from free outputs to parameters that are
# positive.

unit, reach, turn = (
    jnp.linspace(0.005, 0.995, 200),
    jnp.linspace(0.01, 6, 200),
    jnp.linspace(-np.pi, np.pi, 200),
)
fig = plt.figure(figsize=(12, 3.3))
shares, sizes = fig.add_subplot(131), fig.add_subplot(132)
directions = fig.add_subplot(133, projection="polar")
for raw in ([-1.0, -1.0], [0.5, 0.5], [2.0, 5.0]):
    beta = distributions.Beta.from_outputs(jnp.array(raw))
    shares.plot(
        unit,
        jnp.exp(beta.log_density(unit)),
        label=rf"$\alpha$ = {beta.alpha:.1f}, $\beta$ = {beta.beta:.1f}",
    )
sizes.plot(
    reach, jnp.exp(distributions.Exponential(jnp.array(1.0)).log_density(reach)), label="exponential, rate 1"
)
for raw in ([2.0, 1.0], [7.0, 2.0]):
    gamma = distributions.Gamma.from_outputs(jnp.array(raw))
    sizes.plot(
        reach,
        jnp.exp(gamma.log_density(reach)),
        label=rf"gamma, $\alpha$ = {gamma.shape:.1f}, $\beta$ = {gamma.rate:.1f}",
    )
for raw in ([0.0, -2.0], [1.0, 1.0], [2.5, 5.0]):
    wind = distributions.VonMises.from_outputs(jnp.array(raw))
    directions.plot(
        turn,
        jnp.exp(wind.log_density(turn)),
        label=rf"$\mu$ = {wind.direction:.1f}, $\kappa$ = {wind.concentration:.1f}",
    )
shares.set(xlabel="output $y$", ylabel="density", xlim=(0, 1), ylim=(0, 4), title="Proportions: beta")
sizes.set(
    xlabel="output $y$", ylabel="density", xlim=(0, 6), ylim=(0, 1.1), title="Magnitudes: exponential, gamma"
)
directions.set(title="Directions: von Mises", yticks=[], xticks=[0, np.pi / 2, np.pi, 3 * np.pi / 2])
for ax in (shares, sizes):
    ax.legend(fontsize=8)
directions.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.2, 0.5))
plt.show()
