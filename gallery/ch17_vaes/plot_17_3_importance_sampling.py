r"""
17.3 Look where it matters
==========================

To average a function over a distribution one can draw and average. That fails quietly when the function is large just where one
hardly ever draws: most averages come out far too small, and now and then one is far too large. Draw elsewhere, and give each draw
a weight that makes up for it. Where should one draw, and what if one chooses badly?

*In the book: section 17.8.1. Notebook 17.3.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from scipy import integrate, stats

from udl_jax import plotting
from udl_jax.ch17_vaes import importance_sampling as sampling

plotting.use_book_style()

# %%
# Two functions with the same average
# -----------------------------------
# Both are bumps, and both are to be averaged over a standard normal distribution. The first stands near the middle. The second
# stands farther out, and is twenty times as tall to make up for it: the integrals agree to three digits.

y = np.linspace(-4, 6, 2001)
near, far, p = sampling.near_function, sampling.far_function, stats.norm.pdf
heights = {"first": np.exp(-((y - 1) ** 4)), "second": 20.446 * np.exp(-((y - 3) ** 4))}
truth = {name: integrate.trapezoid(f * p(y), y) for name, f in heights.items()}

# sphinx_gallery_alt = "Left, a low bump at 1 that overlaps the normal density; right, a tall one at 3 that hardly does."
fig, axes = plt.subplots(1, 2, figsize=(9.2, 3.2))
for ax, (name, f) in zip(axes, heights.items()):
    ax.plot(y, f, label=f"f, the {name} function")
    ax.plot(y, p(y), label="$Pr(y)$")
    ax.set(xlabel="$y$", xlim=(-4, 6), title=f"average {truth[name]:.5f}")
    ax.legend(loc="upper left")
axes[0].set_ylabel("height")
plt.show()

# %%
# How much do averages scatter?
# -----------------------------
# The plain estimate is :math:`\frac1I\sum_i \text{f}[y_i]`. The notebook makes 10,000 such averages for each of 29 numbers of
# draws, from 1 to 500, in nearly 300,000 calls. Here it is one program: a table of 10,000 rows of 500 draws, whose cumulative
# sums hold averages of every length. The band is two deviations wide on either side.

sizes = (*range(1, 11), 15, 20, 25, 30, 45, *range(50, 101, 10), *range(150, 501, 50))
noise = np.random.default_rng(0).standard_normal((10_000, 500), np.float32)
spread = jax.jit(sampling.estimator_spread, static_argnums=(0, 2))
scatter = {"first": spread(near, noise, sizes), "second": spread(far, noise, sizes)}


def draw(ax, found, title, value):
    """Draw means and a band of two deviations over the number of draws."""
    means, deviations = np.asarray(found[0]), np.sqrt(found[1])
    ax.fill_between(
        sizes, means - 2 * deviations, means + 2 * deviations, color=plotting.COLOURS[5], alpha=0.5
    )
    ax.semilogx(sizes, means, label="mean of the averages")
    ax.axhline(value, color="k", ls="--", lw=1, label="true value")
    ax.set(xlabel="number of draws", title=title, xlim=(1, 500), ylim=(-5, 6))


# sphinx_gallery_alt = "Two bands that narrow around the true value with more draws; the second is several times as wide."
fig, axes = plt.subplots(1, 2, figsize=(9.2, 3.4), sharey=True)
for ax, (name, found) in zip(axes, scatter.items()):
    draw(ax, found, f"The {name} function", truth[name])
axes[0].set_ylabel("average")
axes[0].legend(loc="lower right")
plt.show()

# %%
# Why is the second one worse?
# ----------------------------
# The notebook leaves that question to the reader. Look at the averages themselves. Draws beyond 2, where the second function is
# large, come once in 44 times. So most averages of ten draws have missed it and are near zero, and the few that have not are much
# too large.

tens = {
    name: np.asarray(jax.jit(functools.partial(sampling.normal_estimate, f))(noise[:, :10]))
    for name, f in (("first", near), ("second", far))
}
print(f"a draw beyond 2: once in {1 / stats.norm.sf(2):.0f}")
for name, found in tens.items():
    print(
        f"{name}: {np.mean(found < truth[name] / 2):.0%} of the averages of ten are less than half the truth"
    )

# sphinx_gallery_alt = "Histograms of averages of ten draws: a hump around the truth; and a spike at zero with a long thin tail."
fig, axes = plt.subplots(1, 2, figsize=(9.2, 3.2), sharey=True)
for ax, (name, found) in zip(axes, tens.items()):
    ax.hist(found, np.arange(0, 5, 0.1), color=plotting.COLOURS[5])
    ax.axvline(truth[name], color="k", ls="--", lw=1)
    ax.set(xlabel="average of ten draws", title=f"The {name} function", yscale="log", xlim=(0, 5))
axes[0].set_ylabel("how many of 10,000")
plt.show()

# %%
# Draw elsewhere
# --------------
# Take draws from another distribution :math:`q`, which is where the function is, and weight each by how much too often it comes
# (equation 17.27):
#
# .. math:: \mathbb{E}_{Pr(y)}\bigl[\text{f}[y]\bigr] = \mathbb{E}_{q(y)}\biggl[\frac{Pr(y)}{q(y)}\,\text{f}[y]\biggr]
#     \approx \frac{1}{I}\sum_{i=1}^{I} \frac{Pr(y_i)}{q(y_i)}\,\text{f}[y_i].
#
# The notebook has :math:`q(y) = \text{Norm}_y[3, 1]`. Four lines for a million draws, in NumPy and by the library:

draws = np.random.default_rng(1).standard_normal(10**6)
moved = 3 + draws
weights = np.exp(-(moved**2) / 2) / np.exp(-((moved - 3) ** 2) / 2)
by_hand = np.mean(weights * 20.446 * np.exp(-((moved - 3) ** 4)))
by_library = jax.jit(functools.partial(sampling.normal_estimate, far))(draws.astype(np.float32), 3.0)
print(f"by hand {by_hand:.5f}, library {by_library:.5f}, exact {truth['second']:.5f}")
scatter["weighted"] = spread(far, noise, sizes, 3.0)

# sphinx_gallery_thumbnail_number = 4
# sphinx_gallery_alt = "Three bands over the number of draws; with importance sampling the second function's is narrow again."
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.4), sharey=True)
titles = ("First function", "Second function", "Second, importance sampling")
for ax, (name, found), title in zip(axes, scatter.items(), titles):
    draw(ax, found, title, truth["first" if name == "first" else "second"])
axes[0].set_ylabel("average")
axes[2].legend(loc="lower right")
plt.show()
for name, found in scatter.items():
    variance = float(np.mean(np.asarray(found[1])[9:] * np.array(sizes[9:])))
    print(f"{name:9} variance of one draw {variance:.3f}")

# %%
# What if one chooses badly?
# --------------------------
# Here is the variance of a single weighted draw for many :math:`q`, by numerical integration. The best lie near the function's
# bump. Even the notebook's :math:`q` is far from the best of all, which is narrower and stands a little farther left, where
# function times :math:`Pr(y)` is largest. A :math:`q` that is too narrow is dangerous: where it hardly ever looks, weights are
# enormous.

centres, widths = np.linspace(-1, 5, 61), np.geomspace(0.15, 3, 60)
grid = np.linspace(-2, 8, 2001)
log_square = 2 * (np.log(20.446) - (grid - 3) ** 4 + stats.norm.logpdf(grid))
variances = np.empty((len(widths), len(centres)))
for row, width in enumerate(widths):
    log_worth = log_square[:, None] - stats.norm.logpdf(grid[:, None], centres, width)
    second_moment = integrate.trapezoid(np.exp(np.minimum(log_worth, 500)), grid, axis=0)
    variances[row] = second_moment - truth["second"] ** 2
best = np.unravel_index(np.argmin(variances), variances.shape)
print(f"best: mean {centres[best[1]]:.1f}, deviation {widths[best[0]]:.2f}, variance {variances[best]:.4f}")

# sphinx_gallery_alt = "A map of variances over mean and deviation of q: a dark basin near mean 2.4, walls where q is narrow."
fig, ax = plt.subplots(figsize=(5.8, 4.2))
shown = np.clip(np.log10(variances), -2.5, 3)
plotting.surface(
    ax, centres, widths, shown, lines=np.arange(-2, 3.1), label="variance of one draw (power of ten)"
)
ax.plot(centres[best[1]], widths[best[0]], "*", color=plotting.COLOURS[4], mec="k", ms=12, label="best")
ax.plot(3, 1, "o", color=plotting.COLOURS[5], mec="k", label="the notebook's")
ax.plot(0, 1, "s", color="w", mec="k", label="no importance sampling")
ax.set(xlabel="mean of $q$", ylabel="deviation of $q$", yscale="log")
ax.set_yticks((0.2, 0.5, 1, 2), ("0.2", "0.5", "1", "2"))
ax.minorticks_off()
ax.legend(loc="lower left", frameon=True, framealpha=0.8)
plt.show()

# %%
# How does one notice? The effective sample size tells how many draws from the right distribution the weighted ones are worth. For
# draws that stand for a standard normal it falls quickly as :math:`q` moves away, and in many dimensions it collapses: the
# weights of the dimensions are multiplied, so in the end one draw has them all. That limits what importance sampling can do for a
# latent variable model, where :math:`q` is an encoder's guess of the posterior (equation 17.28, page 17.A).


@jax.jit
def effective(shift):
    """Compute the effective share of 1,000 draws in one to twenty dimensions, each moved by so much."""
    moved = jax.random.normal(jax.random.key(4), (20, 1000)) + shift
    log_weights = jnp.cumsum(shift**2 / 2 - shift * moved, axis=0)
    return sampling.effective_sample_size(log_weights) / 1000


# sphinx_gallery_alt = "Effective share of draws over the number of dimensions: it falls faster the farther q is moved."
fig, ax = plt.subplots(figsize=(5.5, 3.4))
for shift in (0.1, 0.3, 0.5, 1.0):
    ax.semilogy(range(1, 21), 100 * effective(shift), label=f"{shift:g} in each dimension")
ax.set(xlabel="dimensions", ylabel="effective draws (%)", xlim=(1, 20))
ax.set_xticks((1, 5, 10, 15, 20))
ax.legend(title="$q$ moved by", loc="upper left", bbox_to_anchor=(1, 1))
plt.show()
