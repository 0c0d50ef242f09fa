r"""
5.3 A loss for one of many
==========================

With more than two classes, the network puts out a number for each, and the softmax turns them into probabilities that compete:
they add up to one. The loss is minus the logarithm of what the right class got. Exponentials make it fragile. What does it take
to make it safe?

*In the book: sections 5.2 and 5.5, figures 5.9 to 5.11. Notebook 5.3.*
"""

import itertools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from udl_jax import plotting, training
from udl_jax.ch03_shallow_networks.shallow_network import ShallowNetwork, stages
from udl_jax.ch05_loss_functions import distributions, heads, sweeps
from udl_jax.ch05_loss_functions import multiclass_cross_entropy as mce
from udl_jax.data import toy

plotting.use_book_style()
CLASSES = (plotting.COLOURS[1], plotting.COLOURS[2], plotting.COLOURS[0])

# %%
# Three outputs, three probabilities
# ----------------------------------
# Three hidden units as before, but three outputs :math:`z_1, z_2, z_3`, one for each class. On the right is their softmax
# (equation 5.22),
#
# .. math:: \lambda_k = \text{softmax}_k[\mathbf{z}] = \frac{\exp[z_k]}{\sum_{k'=1}^{K}\exp[z_{k'}]};
#
# the dots below are the training data in the same colours. A curve should be high where the dots have its colour.

x, y = (np.asarray(values) for values in toy.multiclass_classification_points())
x_line = np.linspace(0, 1, 400, dtype=x.dtype)
theta = jnp.array([[0.3, -1.0], [-1.0, 1.8], [-0.5, 0.65]])
phi = jnp.array([[2.0, -24.0, -8.0, 50.0], [-2.0, -2.0, 8.0, -30.0], [0.0, 16.0, -8.0, -8.0]])
network = jax.jit(lambda x: stages(theta, phi, x[:, None]).output)
softmax, cross_entropy = jax.jit(mce.softmax), jax.jit(mce.cross_entropy)


def draw_probabilities(ax, curves, title):
    """Draw the probabilities of the three classes, and the labels below them."""
    for k, colour in enumerate(CLASSES):
        ax.plot(x_line, np.asarray(curves)[:, k], color=colour, label=f"class {k}")
        ax.plot(x[y == k], np.full((y == k).sum(), -0.06), "o", color=colour, ms=4)
    ax.set(xlim=(0, 1), ylim=(-0.12, 1.05), xlabel="input $x$", title=title)
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])


# sphinx_gallery_alt = "Left, three outputs of a network as bent lines; right, their softmax, and the labels as coloured dots."
z_line = np.asarray(network(x_line))
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.4))
for outputs, colour in zip(z_line.T, CLASSES):
    left.plot(x_line, outputs, color=colour)
left.set(
    xlim=(0, 1), ylim=(-4, 4), xlabel="input $x$", ylabel="outputs $z_k$", title="The notebook's network"
)
draw_probabilities(right, softmax(z_line), "Through the softmax")
right.set_ylabel(r"probabilities $\lambda_k$")
right.legend(fontsize=8)
plt.show()

# %%
# The loss, step by step
# ----------------------
# The categorical distribution picks the probability of the label :math:`y` (equation 5.21). Its negative logarithm, summed over
# all points, is the multiclass cross-entropy (equation 5.24):
#
# .. math::
#    L[\phi] = -\sum_{i=1}^I \log\bigl[\text{softmax}_{y_i}[\mathbf{f}[x_i,\phi]]\bigr]
#    = -\sum_{i=1}^I \Bigl( z_{y_i} - \log\sum_{k'=1}^K\exp[z_{k'}] \Bigr).
#
# The notebook announces a likelihood of 0.000000041 and a loss of 17.015457867.

z = np.asarray(network(x))
probabilities = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
chosen = probabilities[np.arange(len(y)), y]
loss = -np.sum(np.log(chosen))

print(f"likelihood {np.prod(chosen):.9f}, loss {loss:.4f}")
print(f"difference of the loss from the library's: {abs(loss - cross_entropy(z, y)):.0e}")

# %%
# One row, made unsafe and safe again
# -----------------------------------
# The last term is called *log-sum-exp*. Nothing changes if a number :math:`m` is taken out of it,
#
# .. math:: \log\sum_k\exp[z_k] = m + \log\sum_k\exp[z_k-m],
#
# but with :math:`m = \max_k z_k` the largest exponential is 1: none can overflow, and their sum cannot vanish. Here is a single
# example, with outputs 102, 100 and 99 and label 0. Their exponentials are too large for float32. With the largest output taken
# out, they are harmless.

row, label = np.array([102.0, 100.0, 99.0], x.dtype), 0
with np.errstate(over="ignore", invalid="ignore"):
    exponentials = np.exp(row)
    loss = -np.log((exponentials / exponentials.sum())[label])
print(f"as written:  exponentials {exponentials}, loss {loss:.4f}")
exponentials = np.exp(row - row.max())
loss = row.max() + np.log(exponentials.sum()) - row[label]
print(f"log-sum-exp: exponentials {exponentials.round(4)}, loss {loss:.4f}")
print(f"the library: loss {cross_entropy(row[None], np.array([label])):.4f}")

# %%
# Shift all outputs of the network by the same number, and the softmax should not change, since it depends on differences only. In
# JAX on a CPU, the exponential of 89 is infinite in float32, and that of -88 is zero. So step by step, the loss survives a shift
# of 50, but none of 100, up or down.

probabilities_of_labels = jax.jit(lambda z: mce.categorical_probability(y, mce.softmax(z)))
print("  shift    step by step    log-sum-exp")
for shift in (0, 50, 100, -50, -100, 1000):
    shifted = z + np.array(shift, z.dtype)
    naive = distributions.naive_negative_log_likelihood(probabilities_of_labels(shifted))
    print(f"{shift:7d} {naive:15.3f} {cross_entropy(shifted, y):14.3f}")

# %%
# Turn one offset
# ---------------
# Of eighteen parameters the notebook turns one, the offset of class 0. Four panels show it at -2, 0, 2 and 4, a fifth at its
# best: as the first curve rises, it takes probability from the other two.

offsets = np.arange(-2, 6.0, 0.1, dtype=x.dtype)
sweep = jax.jit(mce.sweep_offset, static_argnames="unit")
swept = jax.device_get([sweep(theta, phi, offsets, x[:, None], y, unit=unit) for unit in range(3)])
models = softmax(jax.jit(sweeps.outputs_at_offsets)(theta, phi, offsets, x_line[:, None]))

# sphinx_gallery_alt = "Five panels: as the offset of class 0 rises, its probability grows, and those of classes 1 and 2 shrink."
fig, axes = plotting.panels(1, 5, size=2.1)
best = int(swept[0].negative_log_likelihood.argmin())
for ax, k in zip(axes[0], (0, 20, 40, 60, best), strict=True):
    draw_probabilities(ax, models[k], rf"$\beta_1 = {offsets[k]:.1f}$" + ": best" * (k == best))
axes[0, 0].set_ylabel(r"probabilities $\lambda_k$")
plt.show()

# %%
# What the notebook does for class 0, one more argument does for the other two. Each has its own best offset, and each likelihood
# is highest where the loss is lowest.

# sphinx_gallery_alt = "Likelihood and loss over the offset of each class: three peaks, and three valleys at the same places."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.2))
for k, (likelihood, losses) in enumerate(swept):
    top, bottom = offsets[likelihood.argmax()], offsets[losses.argmin()]
    print(
        f"class {k}: likelihood {likelihood.max():.2e} at {top:4.1f}, loss {losses.min():.3f} at {bottom:4.1f}"
    )
    for ax, curve in ((left, likelihood), (right, losses)):
        ax.plot(offsets, curve, color=CLASSES[k], label=f"class {k}")
        ax.axvline(bottom, color=CLASSES[k], ls=":", lw=1.2)
left.set(xlabel="offset of one class", ylabel="likelihood")
right.set(xlabel="offset of one class", ylabel="negative log-likelihood", ylim=(0, 60))
right.legend(fontsize=8)
plt.show()

# %%
# Turn everything at once
# -----------------------
# A ``CategoricalHead``, Adam, all eighteen parameters. The gradient that it follows is simple: for each output, the probability
# that the class got, minus 1 if it was the right one. More hidden units give the curves more joints, but they start at random and
# some starts end badly, so ``vmap`` over the whole fit tries twenty, and the best is shown.

data = training.Examples(x[:, None], y)
notebook = {"params": {"network": {"theta": theta[None], "phi": phi[None]}}}


def fit_all(head, starts):
    """Fit from every start; return all losses, and the probabilities of the best fit along the line."""
    fits = jax.vmap(lambda start: heads.fit(head, start, data, optax.adam(0.01), steps=4000))(starts)
    losses = fits.history.train.loss[:, -1]
    best = jax.tree.map(lambda leaf: leaf[losses.argmin()], fits.state.variables)
    return losses, head.apply(best, x_line[:, None]).probabilities


# sphinx_gallery_thumbnail_number = 4
# sphinx_gallery_alt = "Fitted probabilities for 3, 10 and 30 hidden units: with more units the curves follow more of the labels."
fig, axes = plotting.panels(1, 3, size=2.9)
for ax, hidden in zip(axes[0], (3, 10, 30), strict=True):
    head = heads.CategoricalHead(ShallowNetwork(hidden, 3))
    keys = jax.random.split(jax.random.key(0), 20)
    starts = notebook if hidden == 3 else jax.jit(jax.vmap(head.init, (0, None)))(keys, x[:, None])
    losses, curves = jax.jit(fit_all, static_argnums=0)(head, starts)
    draw_probabilities(ax, curves, f"{hidden} hidden units\nloss {losses.min():.2f}")
    print(
        f"{hidden:2d} hidden units: losses from {losses.min():5.2f} to {losses.max():5.2f}, starts: {losses.size}"
    )
axes[0, 0].set_ylabel(r"probabilities $\lambda_k$")
plt.show()

# %%
# What if the data are counts, or rankings?
# -----------------------------------------
# Two discrete rows are left in the book's figure 5.11. The Poisson distribution is for counts, which have no largest value. The
# Plackett-Luce distribution is for rankings: the softmax picks the winner, then the runner-up among the rest, and so on. With
# scores of 1, 0 and -1 for three items, the order of the scores is the likeliest of six, but far from sure.

counts, rankings = np.arange(15), np.array(list(itertools.permutations(range(3))))
places = distributions.PlackettLuce(np.tile(np.array([1.0, 0.0, -1.0], x.dtype), (6, 1)))

# sphinx_gallery_alt = "Left, Poisson probabilities for three rates; right, bars for six rankings, that by score the longest."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.2))
for rate in (1.0, 3.0, 7.0):
    events = np.exp(jax.jit(distributions.Poisson.log_density)(distributions.Poisson(rate), counts))
    left.plot(counts, events, "o-", ms=4, lw=1, label=f"rate {rate:g}")
left.set(xlabel="count $y$", ylabel="probability", ylim=(0, None), title="Counts: Poisson")
left.legend()
names = [" > ".join("ABC"[item] for item in ranking) for ranking in rankings]
right.barh(
    names,
    np.exp(jax.jit(distributions.PlackettLuce.log_density)(places, rankings)),
    color=plotting.COLOURS[0],
)
right.invert_yaxis()
right.set(xlabel="probability", title="Rankings: Plackett-Luce")
plt.show()
