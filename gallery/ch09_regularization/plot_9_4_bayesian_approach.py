r"""
9.4 All parameters at once
==========================

Training picks one set of parameters. But many sets fit the data nearly as well, and they disagree about new inputs. What if none of
them were thrown away: if each had its say, with a weight that tells how probable it is? For the small network of chapter 8
all of this can be computed exactly, and the prediction comes with its own uncertainty.

*In the book: section 9.3.5, equations 9.11 and 9.12, figure 9.11, appendices C.3.3 and C.3.4. Notebook 9.4.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch08_performance import simplified_network as network
from udl_jax.ch09_regularization import bayesian_approach as bayes

plotting.use_book_style()

# %%
# Data, model, and what we believe beforehand
# -------------------------------------------
# Fifteen noisy points and the network of figure 8.4: five hidden units whose joints stand still, so that the output is
# :math:`\mathbf{h}^T\boldsymbol\phi`, with a one and the activations in :math:`\mathbf{h}`. Before we see any data, we take
# every parameter to be normally distributed around zero, with a variance :math:`\sigma_p^2` of 1,000: we know next to nothing.

NOISE = 0.3
x_model = np.linspace(0, 1, 100)
truth = np.asarray(network.true_function(x_model))
x, y = jax.jit(network.sample_data, static_argnums=1)(jax.random.key(1), (15,), NOISE)


def draw(ax, mean=None, deviation=None, **labels):
    """Draw the truth, the data, and a prediction with two standard deviations."""
    if deviation is not None:
        ax.fill_between(
            x_model, mean - 2 * deviation, mean + 2 * deviation, color="0.87", label="two deviations"
        )
    ax.plot(x_model, truth, "k", lw=1.2, label="truth")
    if mean is not None:
        ax.plot(x_model, mean, color=plotting.COLOURS[0], label="model")
    ax.plot(x, y, "o", color=plotting.COLOURS[1], ms=3.5)
    ax.set(**({"xlabel": "input $x$", "xlim": (0, 1), "ylim": (-1, 4)} | labels))


# %%
# What we believe afterwards
# --------------------------
# By Bayes' rule (equation 9.11) the probability of the parameters, given the data, is proportional to the probability of the
# data, given the parameters, times what was believed before. Both are normal distributions, so their product is one too. With
# one row of :math:`\mathbf{H}^T` for each point,
#
# .. math:: Pr(\boldsymbol\phi|\{\mathbf{x}_i, \mathbf{y}_i\}) = \text{Norm}_{\boldsymbol\phi}\Bigl[
#     \tfrac{1}{\sigma^2}\boldsymbol\Sigma\mathbf{H}\mathbf{y},\ \boldsymbol\Sigma\Bigr], \qquad
#     \boldsymbol\Sigma = \Bigl(\tfrac{1}{\sigma^2}\mathbf{H}\mathbf{H}^T + \tfrac{1}{\sigma_p^2}\mathbf{I}\Bigr)^{-1}.
#
# The notebook inverts the matrix, as the formula says. That is done below in double precision. The library never forms it: it
# finds the Cholesky factor of the inverse covariance, a triangular matrix :math:`\mathbf{L}` with :math:`\mathbf{L}\mathbf{L}^T
# = \boldsymbol\Sigma^{-1}`, directly from the rows of :math:`\mathbf{H}^T`.

H = np.asarray(network.design_matrix(x, 5), np.float64).T
covariance = np.linalg.inv(H @ H.T / NOISE**2 + np.eye(6) / 1000)
mean = covariance @ H @ np.asarray(y, np.float64) / NOISE**2
beliefs = jax.jit(bayes.posterior, static_argnums=2)(x, y, 5, NOISE**2, 1000.0)
print("most probable parameters:", np.round(mean, 2))
print("their standard deviations:", np.round(np.sqrt(np.diag(covariance)), 2))
print(
    f"relative differences from the library's: mean {np.abs(beliefs.mean / mean - 1).max():.0e}, "
    f"covariance {np.abs(beliefs.covariance / covariance - 1).max():.0e}"
)

# %%
# Why bother? Because single precision, JAX's default, has few digits to give away. Here are both ways in single precision, for
# wider and wider priors. The inverse loses more than the factor does, and more so for the larger network.


@functools.partial(jax.jit, static_argnums=0)
def variances(hidden, prior):
    """Compute the variances of the parameters in the two ways."""
    _, inverse = bayes.posterior_by_inverse(x, y, hidden, NOISE**2, prior)
    return jnp.diag(bayes.posterior(x, y, hidden, NOISE**2, prior).covariance), jnp.diag(inverse)


for hidden in (5, 14):
    H = np.asarray(network.design_matrix(x, hidden), np.float64).T
    for prior in (1.0, 1e3, 1e6):
        exact = np.diag(np.linalg.inv(H @ H.T / NOISE**2 + np.eye(hidden + 1) / prior))
        factor, inverse = (np.abs(found / exact - 1).max() for found in variances(hidden, prior))
        print(
            f"{hidden:2d} units, prior variance {prior:9,.0f}: off by {factor:.0e}; by the inverse, {inverse:.0e}"
        )

# %%
# The mean model, and two others
# ------------------------------
# The most probable parameters make the model on the left. To draw other parameters, take standard normal numbers
# :math:`\mathbf{z}` and compute :math:`\boldsymbol\mu + \mathbf{L}^{-T}\mathbf{z}`, whose covariance is
# :math:`\mathbf{L}^{-T}\mathbf{L}^{-1} = \boldsymbol\Sigma`. Two such samples are shown: both are plausible, and they differ
# most where there are few points.

samples = bayes.draw_samples(jax.random.key(2), beliefs, 2)

# sphinx_gallery_alt = "Three panels: the mean model, and two sampled models, which all pass near the fifteen points."
fig, axes = plotting.panels(1, 3, size=2.8)
for ax, phi, title in zip(axes[0], (beliefs.mean, *samples), ("mean", "first sample", "second sample")):
    draw(ax, network.predict(phi, x_model), title=title, xticks=(0, 0.5, 1))
axes[0, 0].set(ylabel="output $y$")
plt.show()

# %%
# What they all predict
# ---------------------
# For a new input, all parameters are asked, weighted by their probability (equation 9.12). The integral over normal
# distributions is a normal distribution again:
#
# .. math:: Pr(y^*|\mathbf{x}^*) = \int Pr(y^*|\mathbf{x}^*, \boldsymbol\phi)\,Pr(\boldsymbol\phi|\{\mathbf{x}_i, \mathbf{y}_i\})\,
#     d\boldsymbol\phi = \text{Norm}_{y^*}\bigl[\mathbf{h}^{*T}\boldsymbol\mu,\ \mathbf{h}^{*T}\boldsymbol\Sigma\mathbf{h}^*
#     + \sigma^2\bigr].
#
# The first part of the variance is doubt about the function; it shrinks with more data. The second, :math:`\sigma^2`, is the
# noise in each output, and stays. The notebook's result leaves it out, so its band is for the function, while the integral from
# which it starts is for a new output. ``predict`` computes either; the check is with ten thousand samples, each with noise of
# its own.

h = network.design_matrix(x_model, 5)
silent, noisy = bayes.predict(beliefs, x_model), bayes.predict(beliefs, x_model, NOISE**2)
by_formula = np.sum((np.asarray(h) @ covariance) * np.asarray(h), axis=1)
print(
    f"variance by the formula, relative difference from the library's: {np.abs(silent.variance / by_formula - 1).max():.0e}"
)
phi = bayes.draw_samples(jax.random.key(3), beliefs, 10_000)
outputs = np.asarray(phi) @ np.asarray(h).T + NOISE * np.random.default_rng(4).normal(size=(10_000, 100))
ratios = np.asarray(outputs.var(axis=0) / noisy.variance)
print(f"variance of sampled outputs over that with the noise: {ratios.min():.2f} to {ratios.max():.2f}")

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Left, a narrow band around the mean model; right, with the noise added, a band that holds all the points."
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.4), sharey=True)
for ax, found, title in zip(
    axes, (silent, noisy), ("The function (the notebook)", "A new output, noise included")
):
    deviation = np.sqrt(found.variance)
    inside = 100 * np.mean(
        np.abs(y - np.interp(x, x_model, found.mean)) < 2 * np.interp(x, x_model, deviation)
    )
    draw(ax, found.mean, deviation, title=f"{title}\n{inside:.0f} % of the data in the band")
axes[0].set(ylabel="output $y$")
axes[1].legend()
plt.show()

# %%
# What if the prior were narrower?
# --------------------------------
# The notebook asks for a prior variance of 1. Parameters far from zero have then become improbable, but this function needs
# some: its slopes change by more than ten. So the model is smoother than it should be, and sure of itself. This is figure 9.11,
# three priors in one ``vmap``; below, the mean squared error of the mean, and the length of the vector of parameters.

priors = (1000.0, 1.0, 0.02)


@functools.partial(jax.jit, static_argnames="hidden")
def sweep(priors, hidden=5):
    """Compute the posterior and what it predicts, for each prior."""
    found = jax.vmap(lambda prior: bayes.posterior(x, y, hidden, NOISE**2, prior))(priors)
    return found, jax.vmap(bayes.predict, (0, None))(found, x_model)


found, predicted = sweep(jnp.array(priors))

# sphinx_gallery_alt = "Three columns; with a narrower prior the samples and the mean are smoother, and miss the hill in the data."
fig, axes = plotting.panels(2, 3, size=2.5)
for column, prior in enumerate(priors):
    one = bayes.Posterior(*(part[column] for part in found))
    drawn = jax.vmap(network.predict, (0, None))(bayes.draw_samples(jax.random.key(5), one, 8), x_model)
    draw(axes[0, column], title=rf"$\sigma_p^2$ = {prior:g}", xlabel="", xticks=(0, 0.5, 1))
    axes[0, column].plot(x_model, drawn.T, color=plotting.COLOURS[0], lw=0.7)
    draw(axes[1, column], predicted.mean[column], np.sqrt(predicted.variance[column]))
    off = np.mean((predicted.mean[column] - truth) ** 2)
    print(f"prior variance {prior:7g}: error {off:.3f}, length of the mean {np.linalg.norm(one.mean):.1f}")
axes[0, 0].set(ylabel="eight samples")
axes[1, 0].set(ylabel="prediction")
plt.show()

# %%
# What if there were more hidden units, or fewer?
# -----------------------------------------------
# With two units the model is far from the truth, and does not know it: its doubts are about the parameters, never about the
# model. With more units there is more to be in doubt about, and the band widens between the points. A moderate prior then holds
# the large network back, as regularization does: with 20 units and a variance of 10, its mean is closer to the truth than with
# 1,000.

# sphinx_gallery_alt = "Two units miss the data with a narrow band; twenty have a wide, jagged band, less so with a narrower prior."
fig, axes = plotting.panels(1, 4, size=2.4)
for ax, (hidden, prior) in zip(axes[0], ((2, 1000.0), (10, 1000.0), (20, 1000.0), (20, 10.0))):
    _, (mean, variance) = sweep(jnp.array([prior]), hidden=hidden)
    title = f"{hidden} units, prior {prior:g}\nerror {np.mean((mean[0] - truth) ** 2):.3f}"
    draw(ax, mean[0], np.sqrt(variance[0]), title=title, xticks=(0, 0.5, 1))
axes[0, 0].set(ylabel="output $y$")
plt.show()
