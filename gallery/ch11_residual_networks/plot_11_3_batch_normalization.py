r"""
11.3 Keeping the sum in bounds
==============================

Each residual block adds something of about the size of what it was given, so the sum nearly doubles its variance from block to
block: page 11.2 met networks that blew up before they had learnt anything. Batch normalization sets the scale of what goes into
each block by the very examples at hand. What does it do to the variance, and to training?

*In the book: sections 11.3 and 11.4, equations 11.7 to 11.9, figure 11.6. Notebook 11.3.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting, training
from udl_jax.ch10_convolution.descent import Descent
from udl_jax.ch11_residual_networks import batch_normalization as batch
from udl_jax.ch11_residual_networks import residual_network as residual
from udl_jax.ch11_residual_networks.residual_network import Settings
from udl_jax.data.mnist1d import load_mnist1d

plotting.use_book_style()
data = load_mnist1d()

# %%
# Mean, deviation, and two numbers to undo them
# ---------------------------------------------
# Each unit is looked at over the examples of the batch :math:`\mathcal{B}`. Its mean and variance (equation 11.7) are used to make
# them 0 and 1 (11.8); then a scale :math:`\gamma` and a shift :math:`\delta`, which are learnt, may give it any others (11.9):
#
# .. math::
#
#    m_h = \frac{1}{|\mathcal{B}|}\sum_{i\in\mathcal{B}} h_i, \qquad
#    s_h^2 = \frac{1}{|\mathcal{B}|}\sum_{i\in\mathcal{B}} (h_i - m_h)^2, \qquad
#    h_i \leftarrow \gamma\,\frac{h_i - m_h}{\sqrt{s_h^2 + \epsilon}} + \delta.
#
# In code:

h = 3 * jax.random.normal(jax.random.key(0), (200, 100)) + jnp.arange(100.0) / 50
gamma, delta = jnp.ones(100), jnp.zeros(100)

m = h.sum(axis=0) / 200
s_squared = ((h - m) ** 2).sum(axis=0) / 200
normalized = gamma * (h - m) / jnp.sqrt(s_squared + 1e-5) + delta

layer = batch.BatchNorm()
variables = layer.init(jax.random.key(0), h, False)
found, updated = layer.apply(variables, h, True, mutable=["batch_stats"])
print(f"largest difference from the library's layer: {jnp.abs(normalized - found).max():.0e}")

# %%
# After training there may be no batch, only one example. So the layer keeps running averages of means and variances: a tenth of
# each new batch, nine tenths of the old. PyTorch averages *unbiased* variances, divided by 199 here instead of 200, and
# normalizes with the biased ones; our layer does too, Flax's own does not.

kept = updated["batch_stats"]
unbiased = 0.9 * 1 + 0.1 * s_squared * 200 / 199
print(f"running variance: largest difference {jnp.abs(kept['var'] - unbiased).max():.0e}")

# %%
# The variance, block by block
# ----------------------------
# The notebook's two networks: a linear layer, five residual blocks of a hundred units, a linear layer, with He's initial weights
# and a batch of two hundred signals. Without normalization the variance grows by a constant factor, so exponentially (figure
# 11.6b). With a normalization at the start of each block, what is added has the same variance every time: the growth is linear
# (figure 11.6c). The notebook calls the factor two; averaged over twenty networks it is the one in the title.

x = data.x_train[:200]
networks = {"without": residual.make_recipe(batch.BOOK).model, "with": batch.make_recipe(batch.BOOK).model}
keys = jax.random.split(jax.random.key(1), 20)


def measure(network):
    """Measure variances in twenty networks."""

    @jax.jit
    @jax.vmap
    def one(key):
        return residual.stream_variances(network, network.init(key, x[:2]), x)

    return one(keys)


variances = {name: np.asarray(measure(network)) for name, network in networks.items()}
factor = np.mean((variances["without"][:, -1] / variances["without"][:, 1]) ** 0.2)
growth = np.mean((variances["with"][:, -1] - variances["with"][:, 1]) / 5)

# sphinx_gallery_alt = "Variance after each block with and without normalization, on a linear and on a logarithmic scale."
# sphinx_gallery_thumbnail_number = 1
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.4))
for ax, scale in zip(axes, ("linear", "log")):
    for (name, found), colour in zip(variances.items(), plotting.COLOURS[1::-1]):
        ax.plot(range(6), found[:, 1:].T, color=colour, alpha=0.2, lw=0.8)
        ax.plot(range(6), found[:, 1:].mean(axis=0), "o-", ms=4, color=colour, label=f"{name} normalization")
    ax.set(xlabel="after block", ylabel="variance of the units", yscale=scale)
axes[0].set(title=f"With: {growth:.2f} more each block")
axes[1].set(title=f"Without: {factor:.2f} times as much each block")
axes[0].legend(fontsize="small")
plt.show()

# %%
# Where does the factor come from? A ReLU keeps half of the mean square, and He's weights double what they are given, so the branch
# would have the variance of its input if no unit had a mean. But after a ReLU all have, and the part of the mean square that is the
# square of a mean is the same for all examples: it counts for no variance.
#
# Training, with and without
# --------------------------
# The notebook stops after one step. Let us go on, with 5 and with 20 blocks, for eight epochs.

short = Descent(epochs=8, decay_every=3)
runs = {}
for blocks in (5, 20):
    settings = Settings(blocks=blocks, descent=short)
    runs["without", blocks] = residual.train_network(jax.random.key(2), data, settings)
    runs["with", blocks] = batch.train_network(jax.random.key(2), data, settings)

# sphinx_gallery_alt = "Training and test loss over eight epochs, with and without normalization, for 5 and for 20 blocks."
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.4), sharey=True)
for ax, blocks in zip(axes, (5, 20)):
    for name, style in (("with", "-"), ("without", "--")):
        history = runs[name, blocks].history
        for part, colour in (("train", plotting.TRAIN), ("test", plotting.TEST)):
            error = getattr(history, part).error
            ax.plot(range(1, 9), error, style, color=colour, label=f"{name}, {part}: {error[-1]:.0f} %")
    ax.set(xlabel="epoch", title=f"{blocks} blocks", ylim=(0, 100))
    ax.legend(fontsize="small", title="normalization", title_fontsize="small")
axes[0].set(ylabel="error in %")
plt.show()

for (name, blocks), fit in runs.items():
    stopped = f", stopped in epoch {int(fit.state.failed_at[0]) + 1}" if fit.state.failed_at[0] >= 0 else ""
    print(f"{blocks} blocks, {name}: training error {fit.history.train.error[-1]:.1f} %{stopped}")

# %%
# What if one forgets to change the mode?
# ---------------------------------------
# A well-known mistake: to test a network while it still normalizes by the batch. Then the answer for one signal depends on the
# others that happen to be looked at with it. With a large mixed batch the error hardly changes, with few signals it grows, and if
# all signals of a batch show the same digit, it is large: what they have in common is subtracted.

network = batch.make_recipe(Settings(blocks=5, descent=short)).model
trained = runs["with", 5].state.variables


def error_by_batch(order, size):
    """Return the test error if signals are normalized by batches of this size."""
    parts = data.x_test[order].reshape(-1, size, 40)
    scores, _ = jax.jit(jax.vmap(lambda part: network.apply(trained, part, True, mutable=["batch_stats"])))(
        parts
    )
    return training.percent_wrong(scores.reshape(1000, 10), data.y_test[order])


mixed = np.random.default_rng(0).permutation(1000)
print(f"by running averages: {runs['with', 5].history.test.error[-1]:.1f} %")
for size in (500, 20, 5):
    print(f"by mixed batches of {size}: {error_by_batch(mixed, size):.1f} %")
print(f"by batches of 50, sorted by digit: {error_by_batch(np.argsort(np.asarray(data.y_test)), 50):.1f} %")
