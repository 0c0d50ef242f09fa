r"""
7.3 Fifty layers, and the signal must get through
=================================================

Before a deep network can learn anything, its first, random weights must let a signal pass: forward to the output, and back to the
first layer. Each layer multiplies the variance of what it is given by some factor. Fifty layers take the fiftieth power of it, so
the factor has to be one, and only one choice of the weights' variance makes it so.

*In the book: section 7.5, equations 7.32 and 7.33, figure 7.7. Notebook 7.3.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from flax import linen as nn

from udl_jax import plotting
from udl_jax.ch07_gradients import initialization as init
from udl_jax.ch07_gradients import stacked_network as stacked

plotting.use_book_style()

# %%
# Five layers of eight
# --------------------
# The notebook begins with a small network, weights of variance one and offsets of zero, and prints how far the activations spread
# in each layer. They grow on the way forward, and the derivatives grow on the way back. Weights and data are drawn here as the
# notebook draws them, so that these are its own numbers. Its label says dl_dh, but what it measures is dl_df.

normal = np.random.RandomState(0).normal
first, last = normal(size=(8, 1)).T, normal(size=(1, 8)).T
draws = stacked.Weights(*map(jnp.array, (first, normal(size=(4, 8, 8)).swapaxes(1, 2), last)))
x = jnp.array(normal(size=(1000, 1)))
forward = init.variances(draws, 1.0, x, jnp.zeros_like(x))
backward = init.variances(draws, 1.0, x[:100], jnp.zeros_like(x[:100]))
for name, found in {"h, layers 1 to 5": forward.h, "dl_df, layers 4 to 1": backward.dl_df[:0:-1]}.items():
    print(f"standard deviation of {name:22}", *(f"{deviation:8.3f}" for deviation in jnp.sqrt(found)))

# %%
# Fifty layers of eighty
# ----------------------
# What if there are 50 layers of 80 units? The notebook asks to try, and to find by experiment the variance :math:`\sigma_\Omega^2`
# at which nothing explodes. One call does the experiment: ``vmap`` over five variances and over twelve networks, a ``scan`` over
# the layers of each. This is figure 7.7 of the book for 80 units instead of 100. Thin lines are networks, thick ones their
# geometric mean. Only at :math:`0.025 = 2/80` do activations and gradients keep their size, the same value for both. Outside the
# white band single precision cannot represent a signal at all, so the sweep runs in double.

sigma_sq = jnp.array([0.001, 0.01, init.he_variance(80), 0.1, 1.0])
with jax.enable_x64(True):
    keys = jax.random.split(jax.random.key(0), 12)
    deep = jax.jit(jax.vmap(lambda key: stacked.draw_weights(key, layers=50, width=80)))(keys)
    x = jax.random.normal(jax.random.key(1), (30, 1))
    swept = jax.device_get(jax.jit(init.sweep)(deep, sigma_sq, x, jnp.zeros_like(x)))

# sphinx_gallery_thumbnail_number = 1
fig, axes = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True)
parts = {"activations $h_k$": swept.h, r"gradients $\partial\ell/\partial f_{k-1}$": swept.dl_df}
for ax, (title, by_layer) in zip(axes, parts.items()):
    for value, colour, networks in zip(sigma_sq, plotting.COLOURS, by_layer):
        ax.plot(range(1, 51), np.log10(networks.T), color=colour, lw=0.4, alpha=0.6)
        ax.plot(range(1, 51), np.log10(networks).mean(0), color=colour, label=f"{value:.3g}")
    # A variance is a square: its root must stay between the smallest and the largest number.
    ax.axhspan(2 * np.log10(np.finfo("f4").max), 200, color="0.9", zorder=0)
    ax.axhspan(-200, 2 * np.log10(np.finfo("f4").smallest_subnormal), color="0.9", zorder=0)
    ax.set(xlabel="hidden layer $k$", title=title, xlim=(1, 50), ylim=(-160, 175))
axes[0].set(ylabel=r"$\log_{10}$ of the variance")
axes[0].legend(title=r"$\sigma_\Omega^2$", ncols=2, loc="upper left")
plt.show()

# %%
# Two over the width
# ------------------
# The five bundles have the same shape, only tilted. A ReLU passes positive factors on, and so a network whose weights are
# multiplied by :math:`c` multiplies every :math:`h_k` by exactly :math:`c^k`. One measurement of the factor per layer, at any
# variance, is therefore enough to know the stable one: divide the variance by the factor. Measured on fifty networks at each of
# four widths, the result lies near the line :math:`2/D` that He and his colleagues derived, forward as well as backward.

sweep = jax.jit(init.sweep)
draw = jax.jit(jax.vmap(lambda key: stacked.draw_weights(key, layers=5, width=40, inputs=40)))
wide = draw(jax.random.split(jax.random.key(0), 50))
x = jax.random.normal(jax.random.key(1), (50, 40))

widths, forward, backward = (5, 10, 20, 40), [], []
for width in widths:
    cut = stacked.Weights(
        wide.first[:, :width, :width], wide.hidden[:, :, :width, :width], wide.last[:, :width]
    )
    # Far targets make the first factor of every derivative the same; else it would depend on the weights.
    found = sweep(cut, jnp.ones(1), x[:, :width], jnp.full((50, 1), 1e4))
    forward.append(1 / init.growth(found.h.mean(1)))
    backward.append(init.growth(found.dl_df.mean(1)))

fig, ax = plt.subplots(figsize=(5, 3.8))
ax.loglog(widths, [init.he_variance(width) for width in widths], color="0.7", label="$2/D$")
ax.loglog(widths, forward, "o", mfc="none", label="measured, forward")
ax.loglog(widths, backward, "x", label="measured, backward")
ax.set(
    xlabel="width $D$",
    ylabel=r"stable variance $\sigma_\Omega^2$",
    title="The variance that keeps the variance",
)
ax.set(
    xticks=widths,
    xticklabels=widths,
    yticks=(0.05, 0.1, 0.2, 0.4),
    yticklabels=(0.05, 0.1, 0.2, 0.4),
)
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# Only on average
# ---------------
# :math:`2/D` keeps the average over networks. A single network makes a random walk: each layer multiplies by a factor whose mean
# is one, but which is never exactly one, and the logarithm of such a product drifts down. After fifty layers the typical network
# has lost more than half of its variance, and a few strong ones carry the average. The notebook sees less of this than its 1,000
# data points suggest: with a single input and no offsets, a network does the same for 2.5 as for 1, times 2.5, so that the data
# are worth two, one positive and one negative.

keys = jax.random.split(jax.random.key(0), 40)
many = jax.jit(jax.vmap(lambda key: stacked.draw_weights(key, layers=50, width=80)))(keys)
x = jax.random.normal(jax.random.key(1), (30, 1))
at_he = sweep(many, sigma_sq[2:3], x, jnp.zeros_like(x)).h[0]
at_he = at_he / at_he[:, :1]

fig, ax = plt.subplots(figsize=(6, 3.8))
ax.semilogy(range(1, 51), at_he.T, color="0.8", lw=0.6)
ax.semilogy(range(1, 51), at_he.mean(0), color=plotting.TEST, label="average of the networks")
ax.semilogy(range(1, 51), jnp.median(at_he, axis=0), color=plotting.TRAIN, label="median of the networks")
ax.set(
    xlabel="hidden layer $k$",
    ylabel="variance of $h_k$, by that of $h_1$",
    xlim=(1, 50),
    title="Forty networks at $2/D$",
)
ax.legend(loc="lower left")
plt.show()

one_network = stacked.scale(jax.tree.map(lambda a: a[0], many), sigma_sq[2])
patterns = jnp.unique(stacked.forward_pass(one_network, x).f[-1] > 0, axis=0)
print(f"{len(x)} examples, {len(patterns)} patterns of active units in the last layer")

# %%
# What if one takes an initialiser from the shelf?
# ------------------------------------------------
# ``he_initializer`` is the book's: normal, with variance two over the number of inputs. Flax's ``he_normal`` cuts the tails off at
# two standard deviations and stretches the rest to the same variance; ``he_uniform``, torch's ``kaiming_uniform_``, draws from an
# interval. All three keep the signal. Flax's default for dense layers, ``lecun_normal``, has half the variance and loses a factor
# of two at every layer: it was made for other activations than the ReLU.

initialisers = {
    "he_initializer": init.he_initializer(),
    "he_normal": nn.initializers.he_normal(),
    "he_uniform": nn.initializers.he_uniform(),
    "lecun_normal": nn.initializers.lecun_normal(),
}
x = jax.random.normal(jax.random.key(1), (30, 80))

fig, ax = plt.subplots(figsize=(6, 3.8))
for name, initialiser in initialisers.items():
    # One wide kernel, cut into five hundred square ones: what counts is the number of inputs, and that is the same.
    kernels = initialiser(jax.random.key(2), (80, 10 * 50 * 80)).reshape(80, 10, 50, 80).transpose(1, 2, 0, 3)
    weights = stacked.Weights(kernels[:, 0], kernels[:, 1:], jnp.ones((10, 80, 1)))
    spread = sweep(weights, jnp.ones(1), x, jnp.zeros((30, 1))).h[0].mean(0)
    ax.semilogy(range(1, 51), spread, label=name)
ax.set(xlabel="hidden layer $k$", ylabel="average variance of $h_k$", xlim=(1, 50), title="Ten networks each")
ax.legend()
plt.show()
