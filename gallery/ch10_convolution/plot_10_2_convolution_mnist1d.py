r"""
10.2 A shape, wherever it is
============================

Page 8.1 trained a network with two fully connected hidden layers on MNIST-1D. It learnt the training signals by heart and was wrong
about a third of the others. The signals are digits that have been shifted to and fro: what matters is a shape, not where it is. A
convolutional network knows that from the start. What is this knowledge worth?

*In the book: section 10.2.7, equation 10.3, figures 10.7 and 10.8. Notebook 10.2.*
"""

import dataclasses

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting, training
from udl_jax.ch08_performance import mnist1d as connected
from udl_jax.ch10_convolution import convolution_mnist1d as small
from udl_jax.data.mnist1d import load_mnist1d

plotting.use_book_style()
data = load_mnist1d()

# %%
# The network
# -----------
# Three convolutional layers of fifteen channels, kernels of three, stride two, no padding. A hidden unit at one place in one
# channel is a weighted sum over three places and all channels of the layer before (equation 10.3, with channels and stride two):
#
# .. math:: h_i = \mathrm{a}\Bigl[\beta + \sum_{c=1}^{C}\sum_{j=1}^{3}\omega_{jc}\, x_{2i+j,\,c}\Bigr].
#
# In code: slices of every other place, one for each of the three weights, times a matrix (channels in, channels out) each. What is
# left after three layers, four places with fifteen channels, goes into one linear layer with ten outputs.

network = small.ConvolutionalNetwork()
variables = training.initialise(network, jax.random.key(0), data.x_train[:1])
params = variables["params"]


@jax.jit
def score(params, x):
    """Compute three convolutions and a linear layer for a hundred signals."""
    h = x[:, :, None]
    for layer in (params["conv_0"], params["conv_1"], params["conv_2"]):
        places = (h.shape[1] - 3) // 2 + 1
        slices = [h[:, j : j + 2 * places - 1 : 2] @ layer["kernel"][j] for j in range(3)]
        h = jax.nn.relu(layer["bias"] + sum(slices))
    return h.reshape(100, -1) @ params["linear"]["kernel"] + params["linear"]["bias"]


some = np.asarray(data.x_test[:100])
apart = np.abs(np.asarray(score(params, some)) - training.predict(network, variables, some)).max()
count = sum(leaf.size for leaf in jax.tree.leaves(params))
print(f"largest difference from the library's network: {apart:.0e}")
print(f"{count} weights and biases; the network of page 8.1 has 15210")

# %%
# A hundred epochs at the book's settings
# ---------------------------------------
# Stochastic gradient descent with momentum 0.9, batches of a hundred, a learning rate of 0.05 that is halved every twenty epochs.
# Only the linear layer gets He's initialisation; the convolutions start as PyTorch starts them, which the notebook leaves as it
# is. Beside it, for comparison, page 8.1's network at its own settings.

fit = small.train_network(jax.random.key(0), data)
before = connected.train_network(jax.random.key(0), data)
train, test = fit.history
print(f"convolutional: training error {train.error[-1]:.2f} %, test error {test.error[-1]:.2f} %")
print(f"fully connected: test error {before.history.test.error[-1]:.2f} %")

# sphinx_gallery_alt = "Errors over 100 epochs, both below the fully connected network's test error; beside them the losses."
# sphinx_gallery_thumbnail_number = 1
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.4))
for ax, name, ylabel in zip(axes, ("error", "loss"), ("error in %", "cross-entropy in nats")):
    ax.plot(range(1, 101), getattr(train, name), color=plotting.TRAIN, label="training")
    ax.plot(range(1, 101), getattr(test, name), color=plotting.TEST, label="test")
    ax.set(xlabel="epoch", ylabel=ylabel, xlim=(0, 100), ylim=(0, None))
axes[0].plot(
    range(1, 51), before.history.test.error, "--", color=plotting.TEST, lw=1.2, label="test, fully connected"
)
axes[0].set(title=f"Test error {test.error[-1]:.1f} % instead of {before.history.test.error[-1]:.1f} %")
axes[1].set(title="Loss")
axes[0].legend(fontsize="small")
plt.show()

# %%
# Does it matter where the digit is?
# ----------------------------------
# Move a test signal by some places, in a circle, and ask both networks again. Neither has been told that a moved digit is the same
# digit. The convolutional network stays ahead, but it is not indifferent to place: both get worse with every place. Its hidden
# units move along with the signal, as convolution promises; its last layer, though, has weights of its own for each of the four
# places that are left, and so learns where things usually are.

moves = np.arange(-8, 9)
moved = np.stack([np.roll(data.x_test, step, axis=1) for step in moves])


def errors(model, variables):
    """Return the test error in percent for each move."""
    scores = jax.jit(jax.vmap(lambda x: model.apply(variables, x)))(moved)
    return 100 * np.mean(np.argmax(scores, axis=-1) != np.asarray(data.y_test), axis=1)


by_move = {
    "convolutional": errors(network, fit.state.variables),
    "fully connected": errors(connected.make_recipe().model, before.state.variables),
}
# sphinx_gallery_alt = "Test error against the places that signals are moved by, for both networks: two valleys around zero."
fig, ax = plt.subplots(figsize=(5.5, 3.3))
for name, found in by_move.items():
    ax.plot(moves, found, "o-", ms=4, label=name)
ax.set(xlabel="places that the test signals are moved by", ylabel="test error in %", ylim=(0, 100))
ax.set(
    title=f"Moved by four: {by_move['convolutional'][12]:.0f} % and {by_move['fully connected'][12]:.0f} %"
)
ax.legend(loc="upper center", fontsize="small")
plt.show()

# %%
# What do the kernels look for?
# -----------------------------
# The first layer's fifteen kernels, as three weights each, and what each makes of one signal. Some smooth, most take differences of
# one kind or another: rises, falls, bends.

kernels = np.asarray(fit.state.variables["params"]["conv_0"]["kernel"])[:, 0]
layers = jax.jit(lambda variables, x: network.apply(variables, x, method="layers"))
hidden = layers(fit.state.variables, some[:1])[0][0]
order = np.argsort(kernels[2] - kernels[0])

# sphinx_gallery_alt = "A grid of fifteen kernels with three shades each, and the activity of the fifteen channels along a signal."
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.6), width_ratios=(1, 3))
limit = np.abs(kernels).max()
image = axes[0].imshow(kernels[:, order].T, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto")
axes[0].set(xlabel="place", ylabel="channel", title="Kernels", xticks=range(3), yticks=(0, 14))
fig.colorbar(image, ax=axes[0], label="weight")
image = axes[1].imshow(np.asarray(hidden)[:, order].T, cmap=plotting.COLORMAP, aspect="auto")
axes[1].set(
    xlabel="place (every other of the signal's)", ylabel="channel", title="Hidden units", yticks=(0, 14)
)
fig.colorbar(image, ax=axes[1], label="activity")
plt.show()

# %%
# What if the network were another one?
# -------------------------------------
# Three changes, each for twenty epochs with three seeds, beside the book's network for as long. ``train_seeds`` trains the three
# side by side.

short = dataclasses.replace(small.BOOK.descent, epochs=20, decay_every=5)
variations = {
    "the book's, 20 epochs": small.Settings(descent=short),
    "5 channels": small.Settings(channels=(5, 5, 5), descent=short),
    "kernels of 5": small.Settings(kernel_size=5, descent=short),
    "one layer of 15 channels": small.Settings(channels=(15,), descent=short),
}
keys = jax.random.split(jax.random.key(2), 3)
runs = {
    name: np.asarray(small.train_seeds(keys, data, s).history.test.error)[:, -1]
    for name, s in variations.items()
}

# sphinx_gallery_alt = "Test errors of four convolutional networks, three dots each."
fig, ax = plt.subplots(figsize=(6, 2.6))
for row, found in enumerate(runs.values()):
    ax.plot(found, [row] * 3, "o", color=plotting.COLOURS[0 if row else 1], alpha=0.7)
ax.set(xlabel="test error in %", xlim=(0, None), title="Final test error, one dot a seed")
ax.set_yticks(range(len(runs)), runs)
ax.invert_yaxis()
plt.show()

for name, found in runs.items():
    print(f"{name}: {found.mean():.1f} %")
