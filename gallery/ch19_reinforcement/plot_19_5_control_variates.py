r"""
19.5 Noise that can be subtracted
=================================

An average of five samples is a poor estimate of a mean, and more samples may be dear. But perhaps something else can be measured
along with each sample, something whose mean we know. If the two rise and fall together, then part of the noise is noise that we
can see, and what we can see we can subtract. How much does that gain, and can it do harm?

*In the book: section 19.5.3, figure 19.16. Notebook 19.5.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch19_reinforcement import control_variates

plotting.use_book_style()

# %%
# Two variables that rise and fall together
# -----------------------------------------
# Both are standard normal, and their correlation is :math:`\rho`. They are made of independent normal numbers:
#
# .. math:: a = \epsilon_a, \qquad b = \rho\,\epsilon_a + \sqrt{1-\rho^2}\;\epsilon_b.
#
# The notebook takes :math:`\rho = 0.8` and checks mean and deviation of both on ten million draws.

RHO, N = 0.8, 5


@jax.jit
def draw_and_check(key):
    """Draw noise; make the variables by the formula and by the library."""
    noise_a, noise_b = jax.random.normal(key, (2, 10_000_000))
    b = RHO * noise_a + jnp.sqrt(1 - RHO**2) * noise_b
    pair = control_variates.correlated(noise_a, noise_b, RHO)
    rows = [[jnp.mean(part), jnp.std(part)] for part in pair]
    return jnp.array(rows), jnp.mean(pair[0] * pair[1]), jnp.abs(b - pair[1]).max(), jnp.stack(pair)[:, :3000]


moments, product, apart, (a, b) = (np.asarray(part) for part in draw_and_check(jax.random.key(0)))
for name, (mean, deviation) in zip("ab", moments):
    print(f"mean of {name} = {mean:.3f}, standard deviation of {name} = {deviation:.3f}")
print(f"mean of ab = {product:.3f}, formula and library differ by {apart:.0e}")

# %%
# Both have mean 0, and so has their difference. But the difference varies much less: where :math:`a` happens to be large,
# :math:`b` mostly is, too. Below are thirty pairs, each joined by a line, and under them what is left when one is subtracted from
# the other; figure 19.16 of the book tells the same.

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_alt = "Left, a slanted cloud of points; right, thirty values of a, of b and of a - b, which spreads least."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=(1, 1.5))
left.plot(a, b, ".", ms=2)
left.set(xlabel="$a$", ylabel="$b$", xlim=(-4, 4), ylim=(-4, 4), aspect="equal", title=f"Correlation {RHO:g}")
right.plot([a[:30], b[:30]], [[2] * 30, [1] * 30], color="0.8", lw=0.8)
for height, values, colour in zip((2, 1, 0), (a[:30], b[:30], a[:30] - b[:30]), plotting.COLOURS):
    right.plot(values, np.full(30, height), "o", ms=5, alpha=0.7, color=colour)
right.axvline(0, color="k", lw=0.8, ls=":")
right.set(xlabel="value", yticks=(0, 1, 2), yticklabels=("$a - b$", "$b$", "$a$"), ylim=(-0.5, 2.5))
right.set_title("Thirty pairs and their differences")
plt.show()

# %%
# A million estimates
# -------------------
# The plain estimate averages :math:`N` samples of :math:`a`; the other one averages what is left when a share :math:`c` of
# :math:`b` is taken out:
#
# .. math:: \hat\mu = \frac{1}{N}\sum_{n=1}^N a_n, \qquad
#     \hat\mu_c = \frac{1}{N}\sum_{n=1}^N a_n - c\,\bigl(b_n - \mathbb{E}[b]\bigr).
#
# The notebook has :math:`c = 1`. It makes each estimate a million times and computes their variance, in a loop of a million
# rounds; here it is one array of a million rows. (Its text says :math:`N = 10`, its code 5, which we take; what it calls ``std``
# is the variance.)

a, b = (np.asarray(part) for part in control_variates.sample_correlated(jax.random.key(1), (10**6, N), RHO))
plain, helped = a.mean(axis=1), (a - b).mean(axis=1)
library = np.asarray(jax.jit(control_variates.control_variate)(a, b))
print(f"standard estimator: mean {plain.mean():.4f}, variance {plain.var():.4f}")
print(f"control variate:    mean {helped.mean():.4f}, variance {helped.var():.4f}")
print(f"these lines and the library differ by {np.abs(helped - library).max():.0e}")

# sphinx_gallery_alt = "Two histograms around zero; that of the control variate is higher and narrower."
fig, ax = plt.subplots(figsize=(5.5, 3.2))
bins = np.linspace(-2, 2, 121)
ax.hist(plain, bins, density=True, alpha=0.6, label=f"mean of $a$: variance {plain.var():.3f}")
ax.hist(helped, bins, density=True, alpha=0.6, label=f"mean of $a - b$: variance {helped.var():.3f}")
ax.set(xlabel=f"estimate from {N} samples", ylabel="density", xlim=(-2, 2), ylim=(0, 1.8))
ax.legend(loc="upper right")
plt.show()

# %%
# Is 1 the right share?
# ---------------------
# The variance of the estimate is a parabola in :math:`c`:
#
# .. math:: \text{var}[\hat\mu_c] = \frac{1 - 2c\rho + c^2}{N}, \qquad \text{least at } c = \rho, \text{ where it is }
#     \frac{1-\rho^2}{N}.
#
# So the best share is the slope with which :math:`a` follows :math:`b`, for variables of any size their covariance over the
# variance of :math:`b`. One ``vmap`` of ``grad`` finds the same bottom without algebra, and a million simulated estimates lie on
# the curve.

shares = np.linspace(-0.2, 1.8, 41, dtype=np.float32)
parabola = jax.value_and_grad(lambda c: control_variates.estimator_variance(N, RHO, c))
exact, slope = (np.asarray(part) for part in jax.jit(jax.vmap(parabola))(shares))
by_hand = (1 - 2 * shares * RHO + shares**2) / N
print(f"formula and library differ by {np.abs(exact - by_hand).max():.0e}")
print(f"the derivative changes sign at c = {np.interp(0, slope, shares):.3f}")
found = float(jax.jit(control_variates.best_coefficient)(a.ravel(), b.ravel()))
tried = np.float32([0, 0.4, found, 1, 1.6])
variances = np.array([(a - c * b).mean(axis=1).var() for c in tried])
print(f"share from the samples {found:.4f}, variance with it {variances[2]:.4f}")

# sphinx_gallery_alt = "A parabola of variance over the share c, lowest at 0.8, with simulated points on it."
fig, ax = plt.subplots(figsize=(5.5, 3.2))
ax.plot(shares, exact, label="closed form")
ax.plot(tried, variances, "o", color=plotting.COLOURS[1], label="a million estimates")
ax.axhline(1 / N, color="k", lw=0.8, ls=":")
ax.text(RHO, 1 / N, "plain mean", va="bottom", ha="center")
ax.set(xlabel="share $c$ of $b$ that is subtracted", ylabel="variance of the estimate", ylim=(0, 0.34))
ax.legend(loc="upper center")
plt.show()

# %%
# What happens with other correlations?
# -------------------------------------
# For :math:`c = 1` the numerator is :math:`2 - 2\rho`, which is more than 1 as soon as :math:`\rho` is below a half. Then the
# control variate brings in more noise than it takes out, and for variables that are not related at all it doubles the variance.
# The best share never hurts; it even makes use of variables that run against each other.

correlations = np.linspace(-0.9, 0.95, 8, dtype=np.float32)
lines = np.linspace(-1, 1, 101)
simulate = jax.jit(
    jax.vmap(
        lambda key, rho: control_variates.simulate(
            key, rho, jnp.stack([0 * rho, 1 + 0 * rho, rho]), N, 40_000
        )
    )
)
_, simulated = simulate(jax.random.split(jax.random.key(2), 8), correlations)

# sphinx_gallery_alt = "Variance over the correlation: flat without b, a falling line with c = 1, an arch with the best share."
fig, ax = plt.subplots(figsize=(5.5, 3.4))
curves = ((0 * lines + 1, "$c = 0$"), (2 - 2 * lines, "$c = 1$"), (1 - lines**2, r"$c = \rho$"))
for k, (curve, label) in enumerate(curves):
    ax.plot(lines, curve / N, label=label)
    ax.plot(correlations, np.asarray(simulated)[:, k], "o", ms=4, color=plotting.COLOURS[k])
ax.axvline(0.5, color="k", lw=0.8, ls=":")
ax.set(xlabel=r"correlation $\rho$", ylabel="variance of the estimate", xlim=(-1, 1), ylim=(0, 0.8))
ax.legend(loc="upper right", title="lines: closed form\ndots: simulated")
plt.show()

# %%
# And with other sample sizes?
# ----------------------------
# All variances fall as :math:`1/N`, so what is gained stays the same factor. This changes when nobody tells us the best share and
# we compute it from the same few samples: theory says that the variance is then :math:`(N-2)/(N-3)` times the best one (Lavenberg
# and Welch, 1981). With five samples that is half as much again, and worse than the notebook's 1; with fifty it hardly matters.


def learned_share(key, samples):
    """Estimate 200,000 times, each time with a share computed from the same samples."""
    pair = control_variates.sample_correlated(key, (200_000, samples), RHO)
    return control_variates.control_variate(*pair, control_variates.best_coefficient(*pair))


sizes = np.array([5, 7, 10, 20, 50])
learned = np.array([jax.jit(learned_share, static_argnums=1)(jax.random.key(3), int(n)).var() for n in sizes])
print(f"variance times N: plain 1, share 1 {2 - 2 * RHO:.2f}, best share {1 - RHO**2:.2f}; a learned share:")
for n, variance in zip(sizes, learned):
    print(f"N = {n:2}: {n * variance:.3f}, in theory {(1 - RHO**2) * (n - 2) / (n - 3):.3f}")

# sphinx_gallery_alt = "Four falling lines on logarithmic axes; the share learned from the samples joins the best one as N grows."
fig, ax = plt.subplots(figsize=(5.5, 3.4))
for factor, label in ((1, "plain"), (2 - 2 * RHO, "share 1"), (1 - RHO**2, "best share")):
    ax.loglog(sizes, factor / sizes, label=label)
ax.loglog(sizes, learned, "o--", label="share from the same samples")
ax.set(xlabel="samples $N$", ylabel="variance of the estimate", xticks=sizes, xticklabels=sizes)
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# In reinforcement learning the estimate in question is a gradient, and a subtracted baseline is the control variate. Page 19.A
# measures what that is worth when a policy learns.
