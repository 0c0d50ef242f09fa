r"""
8.1 Perfect on what it has seen
===============================

A network with two hidden layers learns four thousand small signals until hardly a mistake on them is left. How many mistakes does
it make on a thousand signals that it has never seen, how much of that number is luck, can it be improved, and what may one do
with it? The answers set the theme of the whole chapter: training error and test error are different quantities, and only one of
them matters.

*In the book: section 8.1, figures 8.1 and 8.2. Notebook 8.1.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from mnist1d.data import get_templates

from udl_jax import plotting, training
from udl_jax.ch08_performance import mnist1d
from udl_jax.data.mnist1d import load_mnist1d

plotting.use_book_style()

# %%
# Ten digits, forty numbers each
# ------------------------------
# MNIST-1D draws each digit as a line of twelve heights, the template in the upper row: read it from top to bottom. Then it
# stretches, shifts and tilts the line, and adds noise. Below are three examples of each class. As the digit may stand anywhere,
# no single position can tell the classes apart.

data = load_mnist1d()
x_train, y_train = np.asarray(data.x_train), np.asarray(data.y_train)

# sphinx_gallery_alt = "Ten clear templates, one for each digit, and below each three noisy examples that hardly resemble it."
fig, axes = plt.subplots(2, 10, figsize=(11, 4.2), sharey="row", sharex="row", height_ratios=(1, 1.6))
for digit, (template, examples) in enumerate(axes.T):
    template.plot(get_templates()["x"][digit], range(12), color="k")
    template.set(title=f"digit {digit}", ylim=(11.5, -0.5), xticks=())
    examples.plot(x_train[y_train == digit][:3].T, range(40), lw=1.1)
    examples.set(ylim=(40, -1), xlim=(-4.2, 4.2))
axes[0, 0].set_ylabel("position")
axes[1, 0].set(ylabel="position", xticks=(-3, 0, 3))
fig.supxlabel("height", size="medium")
plt.show()

# %%
# What a step does
# ----------------
# The loss is the cross-entropy of chapter 5 (equation 5.24), averaged over the examples of a batch :math:`\mathcal{B}`:
#
# .. math:: L[\phi] = -\frac{1}{|\mathcal{B}|}\sum_{i\in\mathcal{B}} \log\bigl[\text{softmax}_{y_i}[\mathbf{f}[x_i,\phi]]\bigr].
#
# A step follows momentum, in the form without the factor :math:`1-\beta` that PyTorch and Optax use (see 6.4):
#
# .. math:: \mathbf{m} \leftarrow 0.9\,\mathbf{m} + \frac{\partial L}{\partial\phi}, \qquad \phi \leftarrow \phi - 0.05\,\mathbf{m}.
#
# The network has two hidden layers of a hundred units and He initialisation, a batch a hundred examples, so that one epoch is
# forty steps. Here is the first of fifty.


def loss(params, x, y):
    for k in range(3):
        x = x @ params[f"layer_{k}"]["kernel"] + params[f"layer_{k}"]["bias"]
        x = jnp.maximum(x, 0) if k < 2 else x
    return jnp.mean(jax.nn.logsumexp(x, axis=1) - x[jnp.arange(len(y)), y])


@jax.jit
def step(params, m, x, y):
    m = jax.tree.map(lambda m, g: 0.9 * m + g, m, jax.grad(loss)(params, x, y))
    return jax.tree.map(lambda p, m: p - 0.05 * m, params, m), m


key = jax.random.key(0)
params = mnist1d.draw_variables(key, data)["params"]
m = jax.tree.map(np.zeros_like, params)
for batch in np.asarray(training.draw_order(key, examples=4000, epochs=50, batch=100)[0]):
    params, m = step(params, m, x_train[batch], y_train[batch])

# %%
# All fifty epochs, and how much is luck
# --------------------------------------
# In the library the learning rate is also halved every ten epochs, and all 2,000 steps are one compiled program, a scan over
# epochs around a scan over steps. Watch the gap between the two curves open, and the test loss turn upwards while the test error
# stays where it is: the network makes no more mistakes than before, but it gets surer of them. Another seed gives other initial
# weights and another order of batches. ``train_seeds`` puts ``vmap`` around the very same training: ten more networks learn side
# by side, and on a machine with several devices they are shared out among them. The bands are the range of these ten.

fit = jax.device_get(mnist1d.train_network(key, data).history)
fits = jax.device_get(mnist1d.train_seeds(jax.random.split(jax.random.key(1), 10), data).history)
final = fits.test.error[:, -1]
print(
    f"loss after one epoch {jax.jit(loss)(params, x_train, y_train):.4f}, the library's {fit.train.loss[0]:.4f}"
)
print(f"after 50 epochs: training error {fit.train.error[-1]:.2f} %, test error {fit.test.error[-1]:.2f} %")
print(f"test error over ten seeds: {final.mean():.1f} %, from {final.min():.1f} to {final.max():.1f} %")

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Over 50 epochs the training curves fall, the test error levels off, and the test loss turns up."
epochs = range(1, 51)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6))
for ax, name, ylabel in zip(axes, ("error", "loss"), ("error in %", "cross-entropy in nats")):
    for half, label, colour in zip(("train", "test"), ("training", "test"), (plotting.TRAIN, plotting.TEST)):
        one, ten = (getattr(getattr(history, half), name) for history in (fit, fits))
        ax.fill_between(epochs, ten.min(0), ten.max(0), color=colour, alpha=0.25, lw=0)
        ax.plot(epochs, one, color=colour, label=label)
    ax.set(xlabel="epoch", ylabel=ylabel, xlim=(0, 50), ylim=(0, None))
axes[0].set(title=f"Error: {fit.train.error[-1]:.1f} % and {fit.test.error[-1]:.1f} % at the end")
axes[1].set(title=f"Test loss: {fit.test.loss.min():.2f} at its lowest, {fit.test.loss[-1]:.2f} at the end")
axes[0].legend()
plt.show()

# %%
# Can the test error be improved?
# -------------------------------
# The notebook invites us to play with layers, widths, rates, batches and momentum. Here are four changes, with three seeds each,
# below the ten runs from above, whose range is grey. Three runs are few: a change is clear only if all of them lie outside.

variations = {
    "three hidden layers": mnist1d.Settings(hidden=(100, 100, 100)),
    "30 units per layer": mnist1d.Settings(hidden=(30, 30)),
    "no momentum": mnist1d.Settings(momentum=0.0),
    "batches of 25": mnist1d.Settings(batch=25),
}
keys = jax.random.split(jax.random.key(2), 3)
errors = {"the book's settings": final} | {
    name: np.asarray(mnist1d.train_seeds(keys, data, settings).history.test.error[:, -1])
    for name, settings in variations.items()
}

# sphinx_gallery_alt = "Final test errors as dots, a row for each change: batches of 25 are better, and no momentum is the worst."
fig, ax = plt.subplots(figsize=(6, 2.8))
ax.axvspan(final.min(), final.max(), color="0.9", lw=0)
for row, runs in enumerate(errors.values()):
    ax.plot(runs, np.full(len(runs), row), "o", color=plotting.COLOURS[0 if row else 1], alpha=0.7)
ax.set(xlabel="test error in %", title="Final test error, one dot per seed")
ax.set_yticks(range(len(errors)), errors)
ax.invert_yaxis()
plt.show()

# %%
# Yes, it can, and by the cheapest of changes. Is it the batch that matters, or the rate? ``optax.inject_hyperparams`` puts the
# rate into the optimiser's state, where ``vmap`` can reach it: networks with many rates train at once, here for 20 epochs at a
# constant rate. Over the rate, each batch size has its own best. Over the quotient of rate and batch size, the curves nearly fall
# together as long as the steps are not too long: with half the batch, half the rate does the same.

optimiser = optax.inject_hyperparams(optax.sgd)(learning_rate=0.0, momentum=0.9)
recipe = training.Recipe(mnist1d.make_recipe().model, optimiser)
train_data, test_data = mnist1d.split(data)
begin = training.start(recipe, mnist1d.draw_variables(jax.random.key(3), data))


def mistakes(rates, batch):
    """Train a network with each rate; return the test error of each of them, example by example."""
    states = jax.tree.map(lambda leaf: np.stack([leaf] * len(rates)), begin)
    states.optimiser.hyperparams["learning_rate"] = rates.astype(x_train.dtype)
    order = training.draw_order(jax.random.key(4), examples=4000, epochs=20, batch=batch)
    ends, _ = training.train_replicas(recipe, states, train_data, None, np.stack([order] * len(rates)))
    outputs = jax.jit(jax.vmap(lambda variables: recipe.model.apply(variables, test_data.x)))(ends.variables)
    return 100.0 * (np.argmax(outputs, axis=-1) != np.asarray(test_data.y))


# sphinx_gallery_alt = "Test error over the rate for three batch sizes; over rate per batch size the curves nearly coincide."
rates = 0.0125 * 2.0 ** np.arange(6)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
for batch in (25, 100, 400):
    wrong = mistakes(rates, batch).mean(1)
    left.semilogx(rates, wrong, "o-", ms=4, label=f"batches of {batch}")
    right.semilogx(rates / batch, wrong, "o-", ms=4)
    print(f"batches of {batch}: lowest test error {wrong.min():.1f} % at rate {rates[wrong.argmin()]:g}")
left.set(xlabel=r"learning rate $\alpha$", ylabel="test error in %")
left.set_xticks((0.0125, 0.05, 0.2), ("0.0125", "0.05", "0.2"))
left.minorticks_off()
right.set(xlabel="learning rate over batch size")
left.legend()
plt.show()

# %%
# Is it a good idea to choose by the test error?
# ----------------------------------------------
# Train with sixteen learning rates, keep the one with the lowest test error, report that error: it will be too good to be true,
# since part of why it won is luck with these very examples. To see by how much, split the test set into halves at random, choose
# the rate by one half, and look how the chosen network does on the other. If choosing did no harm, the two errors would agree on
# average over two thousand splits.

rates = np.geomspace(0.03, 0.12, 16)
wrong = mistakes(rates, 100)


@jax.jit
@jax.vmap
def choose(key):
    halves = jax.random.permutation(key, wrong, axis=1).reshape(16, 2, -1).mean(axis=2)
    return halves[jnp.argmin(halves[:, 0])]


seen, unseen = np.asarray(choose(jax.random.split(jax.random.key(5), 2000))).T

# sphinx_gallery_alt = "Left, test error over sixteen rates; right, two histograms: the half that chose has lower errors."
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6))
left.plot(rates, wrong.mean(1), "o-", ms=4)
left.set(xlabel=r"learning rate $\alpha$", ylabel="test error in %", title="Sixteen rates")
bins = np.arange(round(seen.min()), unseen.max() + 1, 0.4)
right.hist(seen, bins, color=plotting.TEST, alpha=0.6, label=f"half that chose, mean {seen.mean():.1f} %")
right.hist(unseen, bins, color=plotting.TRAIN, alpha=0.6, label=f"held-out half, mean {unseen.mean():.1f} %")
title = f"Choosing flatters by {(unseen - seen).mean():.1f} percentage points"
right.set(xlabel="error of the chosen network in %", ylabel="number of splits", title=title)
right.margins(y=0.35)
right.legend(loc="upper left")
plt.show()

# %%
# So no: once it has been used to choose, a test set is a training set of a kind, and its error no longer shows how well the
# network will do. That goes for the section before this one, too: the error of the winner there is flattered. That is what a
# third set is for, the validation set of section 8.5, and why the book keeps the test set for the very last step.
