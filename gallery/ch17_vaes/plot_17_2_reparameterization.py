r"""
17.2 How to differentiate a dice roll
=====================================

A variational autoencoder draws a random number in the middle of its computation, and still has to know how its parameters should
change. But a draw is not a formula: how does a random number depend on the parameters of the distribution that it was drawn from?
There are two answers, and one is a lot better than the other. How much better, and always?

*In the book: section 17.7, problem 17.5. Notebook 17.2.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch17_vaes import gradient_estimators as estimators
from udl_jax.ch17_vaes import reparameterization as trick

plotting.use_book_style()

# %%
# An average that depends on a parameter
# --------------------------------------
# The notebook's example is the average of :math:`\text{f}[x] = x^2 + \sin[x]` over draws from a normal distribution, of which
# both the mean and the deviation depend on one number (equation 17.33):
#
# .. math:: \mathbb{E}_{Pr(x|\phi)}\bigl[\text{f}[x]\bigr], \qquad Pr(x|\phi) = \text{Norm}_x\bigl[\phi^3, (e^\phi)^2\bigr].
#
# Averages over a million draws, for sixty values of :math:`\phi` at once by ``vmap``, follow the exact curve, which this example
# happens to have. With ten million draws the notebook's author got 2.76508 for :math:`\phi = 0.5`; the exact value is printed
# below.

phi = np.arange(-1.5, 1.5, 0.05, dtype=np.float32)
over_phi = lambda way: jax.vmap(way, in_axes=(0, None))  # noqa: E731
average = estimators.estimate(over_phi(trick.expectation), jax.random.key(0), phi, 10**6)
exact = jax.jit(jax.vmap(trick.exact_expectation))
slope = jax.jit(jax.vmap(jax.grad(trick.exact_expectation)))
of_interest = np.array([0.5, -0.1], np.float32)
print(f"exact at 0.5 and -0.1: {exact(of_interest)}; slope there: {slope(of_interest)}")

# sphinx_gallery_alt = "A curve with its minimum near -0.8 that rises steeply on the right; dots of estimates lie on it."
fig, ax = plt.subplots(figsize=(5.5, 3.6))
ax.plot(phi, exact(phi), label="exact")
ax.plot(phi, average, ".", color=plotting.COLOURS[1], ms=4, label="average of a million draws")
ax.set(xlabel=r"parameter $\phi$", ylabel="expectation of f", xlim=(-1.5, 1.5))
ax.legend()
plt.show()

# %%
# First answer: move the draw
# ---------------------------
# Write the draw as a formula with the randomness outside: take :math:`\epsilon` from a standard normal, which does not depend on
# :math:`\phi`, and let :math:`x = \phi^3 + e^\phi\epsilon`. Now the draw has a derivative, and the chain rule applies to each
# (equation 17.34):
#
# .. math::
#    \frac{\partial}{\partial\phi}\mathbb{E}\bigl[\text{f}[x]\bigr]
#    = \mathbb{E}_\epsilon\biggl[\frac{\partial\,\text{f}[x]}{\partial x}\,\frac{\partial x}{\partial\phi}\biggr]
#    \approx \frac{1}{I}\sum_{i=1}^{I} \bigl(2x_i + \cos[x_i]\bigr)\bigl(3\phi^2 + e^\phi\epsilon_i\bigr).
#
# This is the reparameterization trick. With ``jax.grad`` there is nothing to derive: the average of the draws is a function of
# :math:`\phi` like any other.
#
# Second answer: weigh the draw
# -----------------------------
# Leave the draws where they are, and ask how their probabilities change. That gives the score function, or REINFORCE, estimator
# of problem 17.5, which never differentiates f:
#
# .. math:: \frac{\partial}{\partial\phi}\mathbb{E}\bigl[\text{f}[x]\bigr]
#     = \mathbb{E}_{Pr(x|\phi)}\biggl[\text{f}[x]\,\frac{\partial}{\partial\phi}\log Pr(x|\phi)\biggr].

epsilon = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
p = 0.5
x = p**3 + np.exp(p) * epsilon
by_path = np.mean((2 * x + np.cos(x)) * (3 * p**2 + np.exp(p) * epsilon))
score = 3 * p**2 * (x - p**3) / np.exp(2 * p) + (x - p**3) ** 2 / np.exp(2 * p) - 1
by_score = np.mean((x**2 + np.sin(x)) * score)
print(f"path:  {by_path:.5f}, library {trick.reparameterized_gradient(p, epsilon):.5f}, ", end="")
print(f"jax.grad of the average {jax.grad(trick.expectation)(p, epsilon):.5f}")
print(f"score: {by_score:.5f}, library {trick.score_function_gradient(p, epsilon):.5f}")

# %%
# With a million draws both follow the true slope. With a thousand the score's dots are restless.

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Slopes over phi from a million and from a thousand draws; with a thousand the score's dots scatter widely."
fig, axes = plt.subplots(1, 2, figsize=(9.2, 3.6), sharey=True)
few = np.random.default_rng(2).standard_normal((len(phi), 1000), np.float32)
for ax in axes:
    ax.plot(phi, slope(phi), "k", lw=1, label="exact")
for name, way in (("path", trick.reparameterized_gradient), ("score", trick.score_function_gradient)):
    many = estimators.estimate(over_phi(way), jax.random.key(1), phi, 10**6)
    axes[0].plot(phi, many, ".", ms=5, label=name)
    axes[1].plot(phi, jax.jit(jax.vmap(way))(phi, few), ".", ms=5)
for ax, title in zip(axes, ("a million draws for all", "a thousand for each")):
    ax.set(xlabel=r"parameter $\phi$", xlim=(-1.5, 1.5), title=title)
axes[0].set_ylabel("slope of the expectation")
axes[0].legend()
plt.show()

# %%
# How much better?
# ----------------
# The notebook compares the variances of a hundred estimates at :math:`\phi = 0.3`. A hundred are few: two such comparisons may
# well differ by a quarter. We take two thousand estimates of a thousand draws each, and an integral besides, since for one draw
# the variance can be computed without drawing at all.

noise = np.random.default_rng(1).standard_normal((2000, 1000), np.float32)
both = {"path": trick.path_derivative, "score": trick.score_derivative}
measured = {
    name: float(jax.jit(jax.vmap(lambda row: jnp.mean(way(0.3, row))))(noise).var() * 1000)  # noqa: B023
    for name, way in both.items()
}
variance = {
    name: np.asarray(jax.jit(jax.vmap(lambda p: estimators.moments(way, p)[1]))(phi))  # noqa: B023
    for name, way in both.items()
}
at = np.argmin(np.abs(phi - 0.3))
for name in both:
    print(
        f"{name:6} variance of one draw: measured {measured[name]:.1f}, by quadrature {variance[name][at]:.1f}"
    )
print(f"ratio: measured {measured['score'] / measured['path']:.1f}, ", end="")
print(f"by quadrature {variance['score'][at] / variance['path'][at]:.1f}")

# %%
# By quadrature one gets the whole curve. Where the score's variance is ten times as large, it takes ten times as many draws for
# the same accuracy. On the far left it is hopeless: there f is large and hardly varies, so the score's estimator multiplies a
# large number by noise, where the path's only looks at the slope.
#
# Can the score be helped?
# ------------------------
# The score is zero on average. So one may subtract any number from f, a baseline, without changing what is estimated; it does
# change how much estimates vary. The obvious baseline is the expectation itself. It takes out most of that large number on the
# left, and a little elsewhere, and yet the path stays ahead.

with_baseline = jax.jit(
    jax.vmap(
        lambda p: estimators.moments(
            lambda q, draws: trick.score_derivative(q, draws, trick.exact_expectation(p)), p
        )[1]
    )
)
helped = np.asarray(with_baseline(phi))

# sphinx_gallery_alt = "Left, variances on a log scale; right, ratios to the path's: about ten, and enormous on the far left."
fig, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.6))
for name, values in (*variance.items(), ("score with baseline", helped)):
    left.semilogy(phi, values, label=name)
    if name != "path":
        right.semilogy(phi, values / variance["path"], label=name, color=left.lines[-1].get_color())
left.set(xlabel=r"parameter $\phi$", ylabel="variance of one draw", xlim=(-1.5, 1.5))
right.axhline(1, color="0.6", ls=":")
right.set(xlabel=r"parameter $\phi$", ylabel="times the path's variance", xlim=(-1.5, 1.5))
left.legend()
plt.show()

# %%
# What is it worth when one descends?
# -----------------------------------
# Let both look for the minimum by gradient descent from :math:`\phi = 0.8`, with ten fresh draws a step. Twenty runs of each, all
# in one ``vmap`` of a ``lax.scan``: the path's runs follow one another, the score's are scattered.


@jax.jit
def descend(baseline):
    """Follow twenty runs of both estimators; the score's may have the exact expectation for a baseline."""
    draws = jax.random.normal(jax.random.key(3), (20, 150, 10))

    def run(way, rows):
        def step(p, row):
            p = p - 0.02 * way(p, row)
            return p, p

        return jax.lax.scan(step, jnp.float32(0.8), rows)[1]

    score = lambda p, row: trick.score_function_gradient(p, row, baseline * trick.exact_expectation(p))  # noqa: E731
    return [jax.vmap(lambda rows: run(way, rows))(draws) for way in (trick.reparameterized_gradient, score)]  # noqa: B023


along, by_score = (np.asarray(runs) for runs in descend(0.0))
helped = np.asarray(descend(1.0)[1])
best = float(phi[np.argmin(exact(phi))])

# sphinx_gallery_alt = "Twenty descents by each estimator: the path's are a narrow bundle, the score's a wide one."
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.4), sharey=True)
for ax, runs, name in zip(axes, (along, by_score, helped), ("path", "score", "score with baseline")):
    ax.plot(runs.T, lw=0.7, color=plotting.COLOURS[0], alpha=0.6)
    ax.axhline(best, color="0.5", ls=":")
    ax.set(
        title=f"{name}: spread {runs[:, 20].std():.2f} at step 20",
        xlabel="step",
        xlim=(0, 150),
        ylim=(-1.3, 0.9),
    )
axes[0].set_ylabel(r"parameter $\phi$")
plt.show()
