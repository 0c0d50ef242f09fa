r"""
9.3 Many wrong models, one better answer
========================================

Fifteen points and a model with fifteen parameters: the fit runs through all the noise. Instead of taking parameters away, fit the
same model several times, to data that differ a little, and let the fits decide together. Why should the average of bad models be
better than each of them, and how many does it take?

*In the book: section 9.3.2, figures 8.4 and 9.7. Notebook 9.3.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch08_performance import simplified_network as network
from udl_jax.ch09_regularization import ensembling

plotting.use_book_style()

# %%
# One model that follows the noise
# --------------------------------
# Data and model are those of 8.2: fifteen noisy points, and a network with 14 hidden units whose joints stand still. Least
# squares, with a tiny penalty on the weights, determine all parameters at once:
#
# .. math:: \hat{\boldsymbol\phi} = \bigl(\mathbf{A}^T\mathbf{A} + \lambda\mathbf{I}\bigr)^{-1} \mathbf{A}^T \mathbf{y},
#     \qquad \lambda = 10^{-5}.
#
# Below, NumPy computes the formula, in double and in single precision, for all points and for points drawn with replacement, which
# this page is about. In single precision the second matrix is too near to singular. The library therefore appends
# :math:`\sqrt\lambda\,\mathbf{I}` to the rows of :math:`\mathbf{A}`: the same problem in a better form, and single precision will
# do.

NOISE, HIDDEN = 0.3, 14
x_model = np.linspace(0, 1, 100)
truth = np.asarray(network.true_function(x_model))
x, y = network.sample_data(jax.random.key(1), (15,), NOISE)
phi = ensembling.fit(x, y, HIDDEN)
drawn = np.array([0, 0, 1, 3, 4, 4, 4, 6, 7, 9, 9, 10, 12, 14, 14])
for name, rows in (("all points", np.arange(15)), ("drawn points", drawn)):
    ours = ensembling.fit(x[rows], y[rows], HIDDEN)
    for dtype in (np.float64, np.float32):
        A = np.asarray(network.design_matrix(x[rows], HIDDEN), dtype)
        penalty = np.diag([0, *[1e-5] * HIDDEN]).astype(dtype)
        formula = np.linalg.inv(A.T @ A + penalty) @ A.T @ np.asarray(y[rows], dtype)
        print(
            f"{name}, formula in {dtype.__name__}: off the library's parameters by {np.abs(formula - ours).max():.0e}"
        )
print(f"the largest parameter is {np.abs(phi).max():.0f}")

# %%
# Parameters matter less than functions. To judge a fit, here is the mean squared distance from the truth, which in this toy
# problem we know.


def error(said):
    """Compute the mean squared distance from the truth."""
    return np.mean((np.asarray(said) - truth) ** 2, axis=-1)


def draw(ax, said, title, **style):
    """Draw a fitted function over the truth and the data."""
    ax.plot(x_model, truth, "k", lw=1.2)
    ax.plot(x, y, "o", color=plotting.COLOURS[1], ms=3.5)
    ax.plot(x_model, said, **({"color": plotting.COLOURS[0]} | style))
    ax.set(title=title, xlim=(0, 1), ylim=(-1, 4), xticks=(0, 0.5, 1))


one = network.predict(phi, x_model)

# sphinx_gallery_alt = "A jagged fitted line that runs through nearly all of the fifteen points and far from the smooth truth."
fig, ax = plt.subplots(figsize=(5, 3.4))
draw(ax, one, f"One model, mean squared error {error(one):.3f}")
ax.set(xlabel="input $x$", ylabel="output $y$")
plt.show()

# %%
# Four models
# -----------
# Draw fifteen of the fifteen points, with replacement: some come twice or three times, about a third not at all. Fit the model to
# them, and repeat. That is called bootstrap aggregating, or bagging. All four fits are one ``vmap`` over the drawn indices.

indices = ensembling.sample_indices(jax.random.key(3), 4, 15)
fits = ensembling.bootstrap(x, y, indices, x_model, HIDDEN)

# sphinx_gallery_alt = "Four panels, each with a jagged fit to a resampled data set, which go astray at different places."
fig, axes = plotting.panels(1, 4, size=2.4)
for ax, said, chosen in zip(axes[0], fits, np.asarray(indices)):
    draw(ax, said, f"{len(set(chosen))} different points\nerror {error(said):.3f}")
    ax.set(xlabel="input $x$")
axes[0, 0].set(ylabel="output $y$")
plt.show()

# %%
# They go astray at different places, so their errors cancel in part. The notebook combines them in two ways, by the median and by
# the mean over the models.

# sphinx_gallery_thumbnail_number = 3
# sphinx_gallery_alt = "The median and the mean of the four models, each calmer than any of them."
fig, axes = plotting.panels(1, 2, size=3.2)
for ax, how in zip(axes[0], ensembling.WAYS):
    together = ensembling.combine(fits, how)
    by_hand = getattr(np, how)(fits, axis=0)
    draw(ax, together, f"{how}: error {error(together):.3f}", color=plotting.COLOURS[2])
    ax.set(xlabel="input $x$")
    print(f"{how}: error {error(together):.3f}; by NumPy's {how}, {error(by_hand):.3f}")
axes[0, 0].set(ylabel="output $y$")
plt.show()
print(f"the four alone: {np.round(error(fits), 3)}, mean {error(fits).mean():.3f}")

# %%
# Why it cannot go wrong, on average
# ----------------------------------
# For the mean :math:`\bar{\text{f}}` of :math:`M` models :math:`\text{f}_m`, the squared error at any input has two parts:
#
# .. math:: (\bar{\text{f}} - \mu)^2 = \frac1M \sum_{m=1}^M (\text{f}_m - \mu)^2
#     - \frac1M \sum_{m=1}^M (\text{f}_m - \bar{\text{f}})^2.
#
# The first is the average error of the models; what is subtracted is how much they disagree. The mean is never worse than the
# average model, and it is better the more they differ. Whether it is better than the *best* model depends on luck.

average, disagreement = error(fits).mean(), np.mean(np.var(fits, axis=0))
print(
    f"{average:.4f} - {disagreement:.4f} = {average - disagreement:.4f}; mean model {error(fits.mean(0)):.4f}"
)

# %%
# What if there were more models?
# -------------------------------
# The notebook stops at four. Here are ensembles of up to 200, and 200 ensembles of each size for the spread. They are drawn from a
# pool of two thousand fits, which one compiled call makes.

SIZES = (1, 2, 4, 8, 16, 32, 64, 200)
bag = jax.jit(functools.partial(ensembling.bootstrap, hidden=HIDDEN))
pool = np.asarray(bag(x, y, ensembling.sample_indices(jax.random.key(4), 2000, 15), x_model))
members = np.random.default_rng(0).integers(0, 2000, (200, SIZES[-1]))
errors = {
    how: np.array([[error(getattr(np, how)(pool[m[:size]], axis=0)) for m in members] for size in SIZES])
    for how in ensembling.WAYS
}

# sphinx_gallery_alt = "With more models the error of their mean falls, by less and less; that of their median hardly does."
fig, ax = plt.subplots(figsize=(6, 3.8))
for (how, values), colour in zip(errors.items(), plotting.COLOURS):
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9), axis=1)
    ax.fill_between(SIZES, low, high, color=colour, alpha=0.2, lw=0)
    ax.plot(SIZES, middle, "o-", color=colour, ms=4, label=f"{how} of the models")
ax.axhline(error(one), color="k", ls=":", label="the model fitted to all points")
ax.set(xlabel="models in the ensemble", ylabel="mean squared error", xscale="log")
ax.set_xticks(SIZES, SIZES)
ax.minorticks_off()
ax.set(title="Median and middle 80 % of 200 ensembles", ylim=(0, 0.4))
ax.legend()
plt.show()
for how, values in errors.items():
    print(
        f"{how:6s}: median error with 4 models {np.median(values[2]):.3f}, with 200 {np.median(values[-1]):.3f}"
    )

# %%
# Is it only for these data?
# --------------------------
# A hundred other data sets, an ensemble of 32 for each, and for comparison the single fit to all of its points: a ``vmap`` around
# the ``vmap``. The last row is a single model with four hidden units, the best capacity in 8.2. An ensemble calms a nervous model
# a good deal, but in this toy problem a calm one is better still.

data = network.sample_data(jax.random.key(5), (100, 15), NOISE)
draws = jax.vmap(lambda key: ensembling.sample_indices(key, 32, 15))(jax.random.split(jax.random.key(6), 100))


@functools.partial(jax.jit, static_argnames="hidden")
def single(data, hidden):
    """Fit one model to all points of each data set."""
    return jax.vmap(lambda x, y: network.predict(ensembling.fit(x, y, hidden), x_model))(*data)


many = jax.vmap(bag, (0, 0, 0, None))(*data, draws, x_model)
results = {"one model, 14 units": single(data, HIDDEN)}
results |= {f"{how} of 32": ensembling.combine(jnp.moveaxis(many, 1, 0), how) for how in ensembling.WAYS}
results |= {"one model, 4 units": single(data, 4)}

# sphinx_gallery_alt = "Box plots of errors on a hundred data sets: one large model is worst, four units are best."
fig, ax = plt.subplots(figsize=(6.4, 2.8))
ax.boxplot(
    [error(said) for said in results.values()], orientation="horizontal", whis=(5, 95), showfliers=False
)
ax.set(xlabel="mean squared error", xscale="log", title="A hundred data sets")
ax.set_yticks(range(1, 5), results)
ax.invert_yaxis()
plt.show()
better = np.mean(error(results["mean of 32"]) < error(results["one model, 14 units"]))
print(f"the mean of 32 is better than the single model on {100 * better:.0f} % of the data sets")
