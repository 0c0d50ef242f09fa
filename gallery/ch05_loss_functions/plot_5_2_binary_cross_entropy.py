r"""
5.2 A loss for yes or no
========================

A network puts out any number; a probability lies between 0 and 1. The sigmoid takes one to the other, and the Bernoulli
distribution makes a loss of it, the binary cross-entropy. Computed step by step, that loss becomes infinite where the network is
sure and wrong. Which formula keeps it finite?

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
# sigmoid (equation 5.18),
#
# .. math:: \lambda = \text{sig}[z] = \frac{1}{1+\exp[-z]},
#
# on the right, is the probability of label 1, and should be high where the upper dots are.

x, y = (np.asarray(values) for values in toy.binary_classification_points())
x_line = np.linspace(0, 1, 400, dtype=x.dtype)
theta = jnp.array([[0.3, -1.0], [-1.0, 1.8], [-0.5, 0.65]])
phi = jnp.array([[2.6, -24.0, -8.0, 50.0]])
network = jax.jit(lambda x: stages(theta, phi, x[:, None]).output[:, 0])
sigmoid = jax.jit(bce.sigmoid)


def draw_probability(ax, curves, title, **look):
    """Draw probabilities of label 1, and the labels."""
    ax.plot(x, y, "o", color=plotting.DATA, ms=4)
    ax.plot(x_line, curves, **look)
    ax.set(xlim=(0, 1), ylim=(-0.05, 1.05), xlabel="input $x$", title=title)
    ax.set_ylabel(r"probability $\lambda$ of $y = 1$")


# sphinx_gallery_alt = "Left, a network's output, bent three times; right, its sigmoid between 0 and 1, over the labels."
z_line = network(x_line)
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.4))
left.plot(x_line, z_line)
left.axhline(0, color="0.8", lw=1, zorder=0)
left.set(xlim=(0, 1), ylim=(-4, 4), xlabel="input $x$", ylabel="output $z$", title="The notebook's network")
draw_probability(right, sigmoid(z_line), "Through the sigmoid")
plt.show()

# %%
# The loss in two lines
# ---------------------
# The Bernoulli distribution gives label 1 the probability :math:`\lambda` and label 0 what remains, in one formula (equation
# 5.17):
#
# .. math:: Pr(y|\lambda) = (1-\lambda)^{1-y}\,\lambda^{y}.
#
# The negative logarithm, summed over all points, is the binary cross-entropy (equation 5.20):
#
# .. math::
#    L[\phi] = \sum_{i=1}^I -(1-y_i)\log[1-\text{sig}[\text{f}[x_i,\phi]]] - y_i\log[\text{sig}[\text{f}[x_i,\phi]]].
#
# The notebook announces a likelihood of 0.000070237 and a loss of 9.563639387.

z = network(x)
chance = 1 / (1 + np.exp(-z))
loss = np.sum(-(1 - y) * np.log(1 - chance) - y * np.log(chance))

print(f"likelihood {np.prod((1 - chance) ** (1 - y) * chance**y):.9f}, loss {loss:.4f}")
print(f"difference of the loss from the library's: {abs(loss - bce.binary_cross_entropy(z, y)):.0e}")
print(f"labels 0 and 1 where lambda is 0.2: {bce.bernoulli_probability(np.arange(2), np.array([0.2, 0.2]))}")

# %%
# Surely wrong, and surely right
# ------------------------------
# Take one point with label 0 and turn the output :math:`z`. Its loss is :math:`-\log[1-\text{sig}[z]]`, which is
#
# .. math:: \log[1+e^{z}] = \max[z, 0] + \log\bigl[1+e^{-|z|}\bigr].
#
# On paper these three are the same. In float32 the first is lost as soon as the sigmoid rounds to 1, and the second once
# :math:`e^z` is too large a number; crosses mark their last finite values. In the third form, which ``binary_cross_entropy``
# uses, no exponential can overflow. On the other side, where the network is sure and right, the first two round a tiny loss to
# zero, which does less harm.

sure = np.linspace(-100, 100, 4001, dtype=x.dtype)
with np.errstate(divide="ignore", over="ignore"):
    forms = {
        "third form": np.maximum(sure, 0) + np.log1p(np.exp(-abs(sure))),
        "second form": np.log(1 + np.exp(sure)),
        "first form": -np.log(1 - 1 / (1 + np.exp(-sure))),
    }
library = jax.vmap(lambda z: bce.binary_cross_entropy(z[None], jnp.array([0])))(sure)
print(
    f"largest difference of the third form from the library: {abs(forms['third form'] - library).max():.0e}"
)

# sphinx_gallery_alt = "Three forms of the loss: for large outputs two of them end, for very negative ones two drop to zero."
fig, (wrong, right) = plt.subplots(1, 2, figsize=(9, 3.4))
for (name, form), colour, width in zip(forms.items(), plotting.COLOURS, (4, 2.2, 1.2)):
    form[np.isinf(form)] = np.nan
    wrong.plot(sure, form, color=colour, lw=width, label=name)
    right.semilogy(sure, form, color=colour, lw=width)
    if np.isnan(form).any():
        wrong.plot(sure[np.isfinite(form)][-1], form[np.isfinite(form)][-1], "x", color=colour, ms=9, mew=2.5)
        print(f"{name} is infinite from {sure[np.isnan(form)][0]:.2f} on")
wrong.set(
    xlabel="output $z$ for label 0", ylabel="loss in nats", xlim=(0, 100), ylim=(0, 100), title="Surely wrong"
)
right.set(xlabel="output $z$ for label 0", xlim=(-40, 0), ylim=(1e-17, 1), title="Surely right")
wrong.legend()
plt.show()

# %%
# A *nat* is the unit of natural logarithms: a label to which the network gave the probability 1/e costs one nat.
#
# Turn the offset
# ---------------
# Of the network's ten parameters the notebook turns one, the offset :math:`\beta_1`, from -2 to 6. One ``vmap`` does it. The
# likelihood is highest where the loss is lowest. The derivative of the loss with respect to the offset is the sum of
# :math:`\lambda_i - y_i`, so at the minimum the mean probability equals the share of ones among the labels; here up to the
# spacing of the grid.

offsets = np.arange(-2, 6.0, 0.1, dtype=x.dtype)
likelihood, losses = jax.jit(bce.sweep_offset)(theta, phi, offsets, x[:, None], y)
at = np.argmin(losses)
curves = sigmoid(jax.jit(sweeps.outputs_at_offsets)(theta, phi, offsets, x_line[:, None])[..., 0])
at_best = sigmoid(z + (offsets[at] - 2.6))
print(f"highest likelihood {np.max(likelihood):.6f} at {offsets[np.argmax(likelihood)]:.1f}")
print(
    f"lowest loss {losses[at]:.6f} at {offsets[at]:.1f}; mean probability {at_best.mean():.3f}, ones {y.mean():.3f}"
)

# sphinx_gallery_alt = "Probability curves that rise with the offset; a peak of the likelihood and a bowl of the loss, both at 1.6."
fig, axes = plt.subplots(1, 3, figsize=(11, 3.2), width_ratios=(1.3, 1, 1))
for k, colour in zip(range(0, 80, 20), plotting.COLOURS[1:]):
    axes[0].plot(x_line, curves[k], color=colour, lw=1.2, label=rf"$\beta_1 = {offsets[k]:.0f}$")
draw_probability(axes[0], curves[at], rf"$\beta_1 = {offsets[at]:.1f}$ is best", label="best", lw=2.5)
axes[0].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
for ax, curve, name in ((axes[1], likelihood, "likelihood"), (axes[2], losses, "negative log-likelihood")):
    ax.plot(offsets, curve, color=plotting.COLOURS[1])
    ax.axvline(offsets[at], color="0.3", ls=":", lw=1.2)
    ax.set(xlabel=r"offset $\beta_1$", ylabel=name)
    ax.ticklabel_format(axis="y", scilimits=(-2, 3))
plt.show()

# %%
# Turn everything at once
# -----------------------
# A ``BernoulliHead`` on the shallow network, Adam, and all twenty points in each step. With three joints the curve can step up,
# come down and step up again. Doubt remains mostly around the one 0 that stands among ones. Look at the table too: the loss
# hardly falls any more, and yet the outputs keep growing.

head = heads.BernoulliHead(ShallowNetwork(3))
start = {"params": {"network": {"theta": theta, "phi": phi}}}
data = training.Examples(x[:, None], y)


def fit(steps):
    """Fit by Adam; return the losses, and the outputs for the data and along the line."""
    fitted = heads.fit(head, start, data, optax.adam(0.01), steps=steps)
    return fitted.history.train.loss, *(
        head.apply(fitted.state.variables, at[:, None]).logit for at in (x, x_line)
    )


# sphinx_gallery_thumbnail_number = 4
# sphinx_gallery_alt = "Fitted probabilities after 100 to 10,000 steps, ever steeper; the loss falls and levels off."
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4), width_ratios=(1.3, 1))
draw_probability(left, sigmoid(z_line), "All ten parameters", color="0.5", label="start")
for steps, colour in zip((100, 1000, 10_000), plotting.COLOURS):
    history, outputs, outputs_line = jax.jit(fit, static_argnums=0)(steps)
    left.plot(x_line, sigmoid(outputs_line), color=colour, label=f"{steps} steps")
    print(f"{steps:6d} steps: loss {history[-1]:.4f}, largest output {abs(outputs).max():.1f}")
left.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
right.semilogx(range(1, 10_001), history, color=plotting.COLOURS[1])
right.set(ylim=(0, None), xlabel="step", ylabel="loss in nats", title="Negative log-likelihood")
plt.show()

# %%
# Where the labels are all alike, no probability short of 0 or 1 is best: the outputs want to be infinite there. So the likelihood
# has no maximum, only a *supremum*, a limit that it approaches and never reaches.
#
# What if the answer lies between yes and no?
# -------------------------------------------
# Other data with bounds have other distributions in the book's figure 5.11: the beta distribution for proportions, the gamma for
# magnitudes, the von Mises for directions. Each has its own map, ``from_outputs``, from free network outputs to parameters that
# are allowed.

families = (
    ("a proportion", distributions.Beta, (0.005, 0.995), ([-1.0, -1.0], [0.5, 0.5], [2.0, 5.0])),
    ("a magnitude", distributions.Gamma, (0.01, 6.0), ([1.0, 1.0], [2.0, 1.0], [7.0, 2.0])),
    ("an angle", distributions.VonMises, (-np.pi, np.pi), ([0.0, -2.0], [1.0, 1.0], [2.5, 5.0])),
)
# sphinx_gallery_alt = "Three densities each of the beta, gamma and von Mises distributions, for different network outputs."
fig, axes = plt.subplots(1, 3, figsize=(11, 3.2))
for ax, (what, family, ends, raws) in zip(axes, families):
    at = np.linspace(*ends, 200, dtype=x.dtype)
    density = jax.jit(lambda raw, at, family=family: jnp.exp(family.from_outputs(raw).log_density(at)))
    for raw in raws:
        ax.plot(at, density(np.array(raw, x.dtype), at), label=f"outputs {raw[0]:g} and {raw[1]:g}")
    ax.set(
        xlabel=what,
        ylabel="density",
        ylim=(0, 4 if family is distributions.Beta else None),
        title=family.__name__,
    )
    ax.legend(fontsize=8)
plt.show()
