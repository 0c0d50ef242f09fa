r"""
8.2 Too stiff or too nervous
============================

A model with few parameters cannot follow the truth; a model with many follows the noise as well. Both make mistakes on new
data, for opposite reasons. Can we measure the two kinds of mistake separately, and find the capacity at which their sum is
smallest?

*In the book: sections 8.2 and 8.3, figures 8.3 to 8.9, equation 8.7. Notebook 8.2.*
"""

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch08_performance import bias_variance as trade_off
from udl_jax.ch08_performance import simplified_network as network

plotting.use_book_style()

# %%
# Fifteen noisy points
# --------------------
# The truth is a smooth function on [0, 1], and each output is the truth plus noise with a standard deviation of 0.3. Inputs are
# spread evenly, one at a random place in each fifteenth of the interval. The grey band is two standard deviations wide on either
# side: no model can tell where in it the next point will fall.

NOISE = 0.3
x_model = np.linspace(0, 1, 100)
truth = np.asarray(network.true_function(x_model))
draw = jax.jit(network.sample_data, static_argnums=1)
data = draw(jax.random.key(1), (15,), NOISE)

# sphinx_gallery_alt = "A smooth curve with one hill and one valley, a grey band around it, and fifteen points in the band."
fig, ax = plt.subplots(figsize=(5, 3.4))
ax.fill_between(x_model, truth - 2 * NOISE, truth + 2 * NOISE, color="0.87", label="two standard deviations")
ax.plot(x_model, truth, "k", label="truth")
ax.plot(*data, "o", color=plotting.COLOURS[1], label="data")
ax.set(xlabel="input $x$", ylabel="output $y$", xlim=(0, 1))
ax.legend()
plt.show()

# %%
# A model that is fitted in one step
# ----------------------------------
# The network of figure 8.4 has one input and :math:`D` hidden units, whose joints stand still at :math:`0, 1/D, 2/D, \dots` Only
# the bias :math:`\beta` and the weights :math:`\omega_j` are free, so the output is linear in the parameters:
#
# .. math:: \text{f}[x, \boldsymbol\phi] = \beta + \sum_{j=1}^{D} \omega_j\,\text{ReLU}\Bigl[x - \frac{j-1}{D}\Bigr],
#     \qquad \hat{\boldsymbol\phi} = (\mathbf{A}^T\mathbf{A})^{-1}\mathbf{A}^T\mathbf{y}.
#
# Each row of :math:`\mathbf{A}` holds a one and the activations for one input. The least squares solution needs no training, so
# nothing of what follows can be blamed on a bad optimiser. Below are three hidden units, first written out and then from the
# library.

A = np.maximum(np.asarray(data.x)[:, None] - np.arange(3) / 3, 0)
A = np.concatenate([np.ones((15, 1)), A], axis=1)
phi = np.linalg.solve(A.T @ A, A.T @ np.asarray(data.y))
fitted = network.fit(*data, hidden=3)
print("bias and weights:", np.round(phi, 3))
print(f"largest difference from the library's: {np.abs(phi - fitted).max():.0e}")

# sphinx_gallery_alt = "The true curve, the fifteen points, and a fitted line with three straight pieces that follows them roughly."
fig, ax = plt.subplots(figsize=(5, 3.4))
ax.plot(x_model, truth, "k", label="truth")
ax.plot(x_model, network.predict(fitted, x_model), color=plotting.COLOURS[0], label="three hidden units")
ax.plot(*data, "o", color=plotting.COLOURS[1], label="data")
ax.set(xlabel="input $x$", ylabel="output $y$", xlim=(0, 1))
ax.legend()
plt.show()

# %%
# A hundred data sets
# -------------------
# Another fifteen points give another fit. How much of the error comes from that? Average over data sets :math:`\mathcal D` and
# over the noise in a new output, and the expected squared error at :math:`x` falls into three parts (equation 8.7):
#
# .. math:: \mathbb{E}_{\mathcal D}\bigl[\mathbb{E}_y[L[x]]\bigr] =
#     \underbrace{\mathbb{E}_{\mathcal D}\bigl[(\text{f}[x, \boldsymbol\phi[\mathcal D]]
#     - \text{f}_\mu[x])^2\bigr]}_{\text{variance}}
#     + \underbrace{(\text{f}_\mu[x] - \mu[x])^2}_{\text{bias}} + \underbrace{\sigma^2}_{\text{noise}}.
#
# Here :math:`\text{f}_\mu` is the mean of the fitted models and :math:`\mu` the truth. A ``vmap`` over the fit, which was written
# for one data set, fits a network with five hidden units to each of a hundred. Then the three parts are three lines.

sets = draw(jax.random.key(2), (100, 15), NOISE)
fits = np.asarray(jax.jit(trade_off.refit, static_argnames="hidden")(sets, x_model, hidden=5))
mean = fits.mean(axis=0)
variance = np.mean((fits - mean) ** 2)
bias = np.mean((mean - truth) ** 2)
decompose = jax.jit(trade_off.decompose)
parts = decompose(fits, truth, NOISE)
print(f"variance {variance:.4f}, bias {bias:.4f}, noise {NOISE**2:.4f}")
print(f"differences from the library's: {abs(variance - parts.variance):.0e}, {abs(bias - parts.bias):.0e}")

# %%
# If the equation is right, the three must add up to the error that we measure on fresh noisy outputs.

fresh = truth + NOISE * np.random.default_rng(3).normal(size=(200, *fits.shape))
print(f"sum of the parts {parts.total:.4f}, measured on fresh data {np.mean((fits - fresh) ** 2):.4f}")

# sphinx_gallery_alt = "Left, a hundred fitted functions around the truth; right, their mean and a band of two deviations."
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
axes[0].plot(x_model, fits.T, color=plotting.COLOURS[0], alpha=0.15, lw=0.8)
axes[0].set(title="A hundred fits, five hidden units", ylabel="output $y$", ylim=(-0.5, 3.5))
spread = 2 * fits.std(axis=0)
axes[1].fill_between(x_model, mean - spread, mean + spread, color="0.87", label="two standard deviations")
axes[1].plot(x_model, mean, color=plotting.COLOURS[0], label="mean of the fits")
axes[1].set(title="Their mean and spread")
for ax in axes:
    ax.plot(x_model, truth, "k", lw=1.2, label="truth")
    ax.set(xlabel="input $x$", xlim=(0, 1))
axes[1].legend()
plt.show()

# %%
# Capacity trades one for the other
# ---------------------------------
# Now every number of hidden units from 1 to 12, each with a hundred data sets of its own, 1,200 fits in one call. Networks of
# different sizes have different numbers of columns in :math:`\mathbf{A}`; the library pads them with zeros to one shape, and
# ``vmap`` does the rest.
#
# The notebook draws this figure too, but a variable is set again between the sweep and the plot, and its axis ends at five hidden
# units. On the left is what it shows, on the right the whole of figure 8.9.

capacities = tuple(range(1, 13))
sweep = jax.jit(trade_off.sweep, static_argnums=2)
sets = draw(jax.random.key(4), (12, 100, 15), NOISE)
swept = decompose(sweep(sets, x_model, capacities), truth, NOISE)
best = capacities[int(np.argmin(swept.variance + swept.bias))]

# sphinx_gallery_thumbnail_number = 4
# sphinx_gallery_alt = "Bias falls and variance rises with capacity; the left panel ends at 5 units, the right one at 12."
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.4), sharey=True)
for ax, last, title in zip(
    axes, (5, 12), ("As the notebook's axis cuts it", f"All of it: smallest sum at {best}")
):
    ax.plot(capacities, swept.variance, "k", label="variance")
    ax.plot(capacities, swept.bias, color=plotting.COLOURS[1], label="bias")
    ax.plot(capacities, swept.variance + swept.bias, color=plotting.COLOURS[2], label="bias + variance")
    ax.set(xlabel="hidden units", xlim=(0, last), ylim=(0, 0.5), title=title)
axes[0].set(ylabel="mean squared error")
axes[1].legend()
plt.show()

# %%
# What if there were more data, or fewer?
# ---------------------------------------
# The notebook invites us to change the number of points and of hidden units. Here is the sum of bias and variance for both, up to
# twenty units, over two hundred data sets each. Variance shrinks with every new point, so with more data a large model costs less.
# Up to thirty points, four units do best: their joints at 1/4 and 3/4 happen to stand just where the truth turns. With a hundred
# points the minimum is so shallow that eight units do as well.
#
# Two of the curves have a peak that nobody asked for, where the network has about as many parameters as there are points, and
# beyond it they come down again: there the fit passes through all points, and the library, like the notebook, takes the smallest
# parameters that achieve this. That is the double descent of section 8.4, and the subject of 8.3.

units = tuple(range(1, 21))

# sphinx_gallery_alt = "Four curves of bias plus variance against hidden units; those for 10 and 15 points peak at 10 and 15 units."
fig, ax = plt.subplots(figsize=(6.4, 3.8))
for examples, colour in zip((10, 15, 30, 100), plotting.COLOURS):
    sets = draw(jax.random.key(examples), (20, 200, examples), NOISE)
    found = decompose(sweep(sets, x_model, units), truth)
    lowest = int(np.argmin(found.total))
    ax.semilogy(units, found.total, color=colour, label=f"{examples} points")
    ax.plot(units[lowest], found.total[lowest], "o", ms=7, color=colour)
    print(
        f"{examples:3d} points: best with {units[lowest]} hidden units, bias + variance {found.total[lowest]:.3f}"
    )
ax.axhline(NOISE**2, color="0.5", ls=":", label="noise")
ax.set(xlabel="hidden units", ylabel="bias + variance", ylim=(0.005, 2000), xticks=range(2, 21, 2))
ax.set(title="Circles: the smallest sums")
ax.legend(loc="upper left", ncols=2)
plt.show()

# %%
# What if there were no noise?
# ----------------------------
# Then variance does not vanish, since it still matters where the inputs happen to lie, but it becomes so small that the largest
# network is the best. It is mostly the noise that makes a large model nervous.

for noise in (0.0, 0.1, 0.3, 0.6):
    sets = draw(jax.random.key(5), (12, 200, 15), noise)
    found = decompose(sweep(sets, x_model, capacities), truth)
    lowest = int(np.argmin(found.total))
    print(
        f"noise {noise}: best with {capacities[lowest]:2d} hidden units; variance of the largest, {found.variance[-1]:.4f}"
    )
