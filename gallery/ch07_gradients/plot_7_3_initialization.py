r"""
7.3 Fifty layers, and the signal must get through
=================================================

Before a deep network can learn anything, its first, random weights must let a signal pass: forward to the output, and back to the
first layer. Each layer multiplies the variance of what it is given by some factor. Over fifty layers the factors multiply, so
each has to be near one. Which variance of the weights makes it so?

*In the book: section 7.5, equations 7.32 and 7.33, figure 7.7. Notebook 7.3.*
"""

import jax
import matplotlib.pyplot as plt
import numpy as np
from flax import linen as nn

from udl_jax import plotting
from udl_jax.ch07_gradients import initialization as init
from udl_jax.ch07_gradients import stacked_network as stacked

plotting.use_book_style()

# %%
# Two over the width, in five lines
# ---------------------------------
# Take one layer of :math:`D_h` units with pre-activations :math:`f_j`, of variance :math:`\sigma_f^2` and symmetric around zero.
# The next layer computes :math:`f'_i=\sum_j\Omega_{ij}h_j`, with weights of mean zero and variance :math:`\sigma_\Omega^2` and
# offsets of zero. What is the variance of :math:`f'_i`?
#
# .. math::
#    \mathbb{E}[f'_i] &= \sum_j \mathbb{E}[\Omega_{ij}]\,\mathbb{E}[h_j] = 0\\
#    \sigma_{f'}^2 &= \mathbb{E}[f_i'^2] = \sum_j \mathbb{E}[\Omega_{ij}^2]\,\mathbb{E}[h_j^2]\\
#    &= \sigma_\Omega^2\sum_j \mathbb{E}[h_j^2]\\
#    \mathbb{E}[h_j^2] &= \tfrac{1}{2}\,\mathbb{E}[f_j^2] = \tfrac{1}{2}\,\sigma_f^2\\
#    \sigma_{f'}^2 &= \tfrac{1}{2}D_h\,\sigma_\Omega^2\,\sigma_f^2
#
# In the second line all mixed products vanish, since the weights are independent; in the fourth the ReLU keeps one half of a
# symmetric distribution. So the variance stays the same from layer to layer if (equation 7.32)
#
# .. math:: \sigma_\Omega^2 = \frac{2}{D_h}.
#
# Backward, the same reasoning counts the units :math:`D_{h'}` that a derivative comes from (equation 7.33): the same number if
# all layers are equally wide.
#
# Five layers of eight
# --------------------
# The notebook begins with a small network, weights of variance one, and prints how far the activations spread in each layer. Here
# that is eight units times one half, so on average the variances should grow by a factor of four per layer, and the standard
# deviations double, forward as well as backward; a single small network strays widely from that. Weights and data are drawn as
# the notebook draws them, 1,000 points for the way forward and 100 for the way back. (Its label says dl_dh, but what it measures
# is dl_df.)

normal = np.random.RandomState(0).normal
first, last = normal(size=(8, 1)).T, normal(size=(1, 8)).T
draws = stacked.Weights(first, normal(size=(4, 8, 8)).swapaxes(1, 2), last)
x = normal(size=(1000, 1))
target = np.zeros_like(x)

h, f = x, []
for omega in (draws.first, *draws.hidden):
    f.append(h @ omega)
    h = np.maximum(f[-1], 0)
dl_dh, dl_df = 2 * (h[:100] @ last - target[:100]) @ last.T, []
for k in reversed(range(5)):
    dl_df.insert(0, (f[k][:100] >= 0) * dl_dh)
    dl_dh = dl_df[0] @ (draws.hidden[k - 1].T if k else first.T)

variances = jax.jit(init.variances)
library = variances(draws, 1.0, x, target).h, variances(draws, 1.0, x[:100], target[:100]).dl_df
forward, backward = [np.std(np.maximum(value, 0)) for value in f], [np.std(value) for value in dl_df]
for name, ours, theirs in zip(("h", "dl_df"), (forward, backward), library):
    print(
        f"standard deviation of {name:5}, layers 1 to 5:",
        *(f"{deviation:7.2f}" for deviation in ours),
        end="; ",
    )
    print(f"differs from the library by {max(abs(np.array(ours) / np.sqrt(theirs) - 1)):.0e}")

# %%
# Fifty layers of eighty
# ----------------------
# What if there are 50 layers of 80 units? The notebook asks to try, and to find by experiment the variance
# :math:`\sigma_\Omega^2` at which nothing explodes. One call does the experiment: ``vmap`` over five variances and over twelve
# networks, a ``scan`` over the layers of each. This is figure 7.7 of the book with the notebook's sizes, 80 units and a single
# input; the book's has 100 of both. Thin lines are networks, thick ones their geometric mean. Only at :math:`0.025 = 2/80` do
# activations and gradients keep their size. Outside the white band single precision cannot represent a signal at all, so the
# sweep runs in double.

sigma_sq = np.array([0.001, 0.01, init.he_variance(80), 0.1, 1.0])
sweep = jax.jit(init.sweep)
draw_deep = jax.jit(jax.vmap(lambda key: stacked.draw_weights(key, layers=50, width=80)))
with jax.enable_x64(True):
    deep = draw_deep(jax.random.split(jax.random.key(0), 12))
    x = jax.random.normal(jax.random.key(1), (30, 1))
    swept = jax.device_get(sweep(deep, sigma_sq, x, np.zeros((30, 1))))

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_alt = "Log variance over 50 layers: five bundles that rise or fall, and only that of 0.025 stays level, both ways."
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
# The formula, measured
# ---------------------
# The five bundles have the same shape, only tilted: multiply all weights by :math:`c`, and :math:`h_k` is multiplied by exactly
# :math:`c^k`, since a ReLU passes positive factors on. One measurement of the factor per layer, at any variance, is therefore
# enough to know the stable one: divide the variance by the factor. Here it is measured on fifty networks at each of four widths.

draw = jax.jit(jax.vmap(lambda key: stacked.draw_weights(key, layers=5, width=40, inputs=40)))
wide = jax.device_get(draw(jax.random.split(jax.random.key(0), 50)))
x = np.asarray(jax.random.normal(jax.random.key(1), (50, 40)))

widths, forward, backward = (5, 10, 20, 40), [], []
for width in widths:
    cut = stacked.Weights(
        wide.first[:, :width, :width], wide.hidden[:, :, :width, :width], wide.last[:, :width]
    )
    # Far targets make the first factor of every derivative the same; else it would depend on the weights.
    found = jax.device_get(sweep(cut, np.ones(1), x[:, :width], np.full((50, 1), 1e4, x.dtype)))
    forward.append(1 / init.growth(found.h.mean(1))[0])
    backward.append(init.growth(found.dl_df.mean(1))[0])

# sphinx_gallery_alt = "Stable variance over the width: measured points, forward and backward, close to the falling line 2/D."
fig, ax = plt.subplots(figsize=(5, 3.8))
ax.loglog(widths, [init.he_variance(width) for width in widths], color="0.7", label="$2/D$")
ax.loglog(widths, forward, "o", mfc="none", label="measured, forward")
ax.loglog(widths, backward, "x", label="measured, backward")
ax.set(xlabel="width $D$", ylabel=r"stable variance $\sigma_\Omega^2$")
ax.minorticks_off()
ax.set_xticks(widths, widths)
ax.set_yticks((0.05, 0.1, 0.2, 0.4), (0.05, 0.1, 0.2, 0.4))
ax.legend()
plt.show()

# %%
# Only on average
# ---------------
# :math:`2/D` keeps the average over networks. A single network makes a random walk: each layer multiplies by a factor whose mean
# is one, but which is never exactly one, and the logarithm of such a product drifts down. After fifty layers the typical network
# has lost most of its variance, and a few strong ones carry the average.

many = jax.device_get(draw_deep(jax.random.split(jax.random.key(0), 40)))
x = np.asarray(jax.random.normal(jax.random.key(1), (30, 1)))
at_he = np.asarray(sweep(many, sigma_sq[2:3], x, np.zeros_like(x)).h[0])
at_he = at_he / at_he[:, :1]
median, mean = np.median(at_he, axis=0), at_he.mean(0)
print(
    f"after 50 layers: mean {mean[-1]:.2f}, median {median[-1]:.2f}, which is a loss of {100 * (1 - median[-1]):.0f} %"
)

# sphinx_gallery_alt = "Variance of forty networks over 50 layers, fanning out: the average stays near one, the median falls."
fig, ax = plt.subplots(figsize=(6, 3.8))
ax.semilogy(range(1, 51), at_he.T, color="0.8", lw=0.6)
ax.semilogy(range(1, 51), mean, color=plotting.TEST, label="average of the networks")
ax.semilogy(range(1, 51), median, color=plotting.TRAIN, label="median of the networks")
ax.set(
    xlabel="hidden layer $k$",
    ylabel="variance of $h_k$, by that of $h_1$",
    xlim=(1, 50),
    title="Forty networks at $2/D$",
)
ax.legend(loc="lower left")
plt.show()

# %%
# The notebook's 1,000 data points show less of this than one might think. With a single input and no offsets, a network does the
# same for 2.5 as for 1, only 2.5 times as much, so the data are worth two, one positive and one negative:

one_network = stacked.scale(jax.tree.map(lambda draws: draws[0], many), sigma_sq[2])
patterns = np.unique(jax.jit(stacked.forward_pass)(one_network, x).f[-1] > 0, axis=0)
print(f"{len(x)} examples, {len(patterns)} patterns of active units in the last layer")

# %%
# What if one takes an initialiser from the shelf?
# ------------------------------------------------
# ``he_initializer`` is the book's: normal, with variance two over the number of inputs. Flax's ``he_normal`` cuts the tails off
# at two standard deviations and stretches the rest to the same variance; ``he_uniform``, torch's ``kaiming_uniform_``, draws from
# an interval. All three keep the signal. Flax's default for dense layers, ``lecun_normal``, has half the variance and loses a
# factor of two at every layer: it was made for other activation functions than the ReLU.

initialisers = {
    "he_initializer": init.he_initializer(),
    "he_normal": nn.initializers.he_normal(),
    "he_uniform": nn.initializers.he_uniform(),
    "lecun_normal": nn.initializers.lecun_normal(),
}
x = np.asarray(jax.random.normal(jax.random.key(1), (30, 80)))

# sphinx_gallery_alt = "Average variance over 50 layers: three initialisers stay near one, lecun_normal falls by fifteen orders."
fig, ax = plt.subplots(figsize=(6, 3.8))
for (name, initialiser), line in zip(initialisers.items(), ("-", "--", ":", "-")):
    # One wide kernel, cut into five hundred square ones: what counts is the number of inputs, and that is the same.
    kernels = np.asarray(jax.jit(initialiser, static_argnums=1)(jax.random.key(2), (80, 10 * 50 * 80)))
    kernels = kernels.reshape(80, 10, 50, 80).transpose(1, 2, 0, 3)
    weights = stacked.Weights(kernels[:, 0], kernels[:, 1:], np.ones((10, 80, 1), x.dtype))
    spread = np.asarray(sweep(weights, np.ones(1), x, np.zeros((30, 1), x.dtype)).h[0]).mean(0)
    ax.semilogy(range(1, 51), spread, line, label=name)
ax.set(xlabel="hidden layer $k$", ylabel="average variance of $h_k$", xlim=(1, 50), title="Ten networks each")
ax.legend()
plt.show()
