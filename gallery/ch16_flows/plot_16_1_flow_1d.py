r"""
16.1 A density on a rubber band
===============================

A GAN makes samples but cannot say how probable a given point is. A normalizing flow can do both. It draws a number from a simple
distribution and sends it through a function that can be undone. Where does the probability go when a function stretches one part
of the line and squeezes another?

*In the book: section 16.1, figures 16.1 to 16.3, equations 16.1 and 16.2. Notebook 16.1.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from udl_jax import plotting, training
from udl_jax.ch08_performance.simplified_network import BOOK_PI
from udl_jax.ch16_flows import flow_1d
from udl_jax.ch16_flows.logistic_flow import LogisticFlow

plotting.use_book_style()

# %%
# Before and behind the bend
# --------------------------
# The latent variable :math:`z` is standard normal. The notebook's function :math:`\text{f}` blends a sigmoid, in the middle,
# with the plain line, at the ends. It rises everywhere, so every :math:`x` comes from exactly one :math:`z`.

z = np.arange(-3, 3, 0.01, dtype="f")
pr_z = np.asarray(flow_1d.base_density(z))
carried = jax.jit(lambda z: flow_1d.push_density(flow_1d.bend, z))(z)

# sphinx_gallery_alt = "Left, the bell curve of z; right, the function, steep in the middle, flat at both sides, and the diagonal."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.6))
left.plot(z, pr_z, color=plotting.COLOURS[1])
left.set(xlabel="latent variable $z$", ylabel="$Pr(z)$", xlim=(-3, 3), ylim=(0, 0.5))
right.plot(z, z, color="0.8", lw=1)
right.plot(z, carried.x)
right.set(
    xlabel="latent variable $z$", ylabel="observed variable $x$", xlim=(-3, 3), ylim=(-3, 3), aspect="equal"
)
plt.show()

# %%
# What stretching does
# --------------------
# The probability between two neighbouring points stays between them. If the function pulls them twice as far apart, the density
# must be half as high (equation 16.1):
#
# .. math:: Pr(x) = \left|\frac{\partial\, \text{f}[z]}{\partial z}\right|^{-1} \cdot Pr(z).
#
# The notebook measures the slope by differences of the function. In JAX it is ``jax.grad``, and ``jax.vmap`` takes it at all
# places at once. These three lines are the library's ``push_density``, but for its check that the function can be undone.

slopes = jax.jit(jax.vmap(jax.grad(flow_1d.bend)))(z)
by_hand = pr_z / np.abs(slopes)
print(f"largest difference from the library: {np.abs(by_hand - carried.density).max():.0e}")
print(f"slopes from {slopes.min():.3f} to {slopes.max():.3f}")

# sphinx_gallery_alt = "Left, the density of x, a peak and a long plateau, over the bell curve of z; right, the slope."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
left.plot(carried.x, carried.density, label="$Pr(x)$")
left.plot(z, pr_z, color=plotting.COLOURS[1], lw=1, label="$Pr(z)$")
left.set(
    xlabel="$x$, and $z$", ylabel="density", xlim=(-3, 3), ylim=(0, 0.5), title="The same mass, spread anew"
)
left.legend()
right.plot(z, slopes, color=plotting.COLOURS[2])
right.axhline(1, color="0.8", lw=1, zorder=0)
right.set(xlabel="$z$", ylabel=r"slope $\partial\,\mathrm{f}/\partial z$", xlim=(-3, 3), ylim=(0, 2.6))
right.set_title("Above 1 it stretches, below 1 it squeezes")
plt.show()

# %%
# Twenty samples, and a million
# -----------------------------
# To draw from the new distribution, draw from the old one and apply the function. Twenty samples, as in the notebook, say little
# about the shape: a sharp peak, where the function is flattest, and a long plateau. A million show that the curve is right.

few = flow_1d.sample_flow(jax.random.key(1), flow_1d.bend, 20)
many = np.asarray(flow_1d.sample_flow(jax.random.key(2), flow_1d.bend, 1_000_000))
heights, edges = np.histogram(many, np.linspace(-3, 3, 61))
middles = (edges[1:] + edges[:-1]) / 2
expected = np.exp(jax.jit(lambda x: flow_1d.log_density(flow_1d.bend, x))(middles.astype("f"))) * 0.1
found = heights / len(many)
print(f"KL divergence of the curve from the histogram: {np.sum(found * np.log(found / expected)):.1e} nats")

# sphinx_gallery_alt = "The density over a histogram of a million samples, which it fits; twenty samples as ticks."
fig, ax = plt.subplots(figsize=(5.5, 3.6))
ax.stairs(found / 0.1, edges, fill=True, color="0.88", label="a million samples")
ax.plot(carried.x, carried.density, label="$Pr(x)$")
ax.vlines(few, 0, 0.06, color=plotting.COLOURS[1], lw=1.2, label="twenty samples")
ax.set(xlabel="$x$", ylabel="density", xlim=(-3, 3), ylim=(0, 0.5))
ax.legend()
plt.show()

# %%
# What if we are given an x?
# --------------------------
# Then the function has to be undone, which is why a flow needs one that can be. For the density at a given :math:`x`, find its
# :math:`z` first. There is no formula here, but halving an interval sixty-four times finds it to the last digit, for all points
# at once in one ``lax.fori_loop``. The derivative does not go through the loop: by the implicit function theorem the slope of
# the inverse is one over the slope of the function.

back = jax.jit(lambda x: flow_1d.inverse(flow_1d.bend, x))(carried.x)
slope_back = jax.jit(jax.vmap(jax.grad(lambda x: flow_1d.inverse(flow_1d.bend, x))))(carried.x)
print(f"z back from x: off by {np.abs(back - z).max():.0e} at most, in single precision")
print(
    f"slope of the inverse times slope of the function: 1 to within {np.abs(slope_back * slopes - 1).max():.0e}"
)

# %%
# What if the function is learned?
# --------------------------------
# Then it is a model with a likelihood: maximise the probability of the data (equation 16.2), which for :math:`z =
# \text{f}^{-1}[x]` reads
#
# .. math::
#    \hat\phi = \mathop{\text{argmin}}_\phi
#    \Bigl[\sum_i \log\Bigl|\frac{\partial \text{f}[z_i,\phi]}{\partial z_i}\Bigr| - \log Pr(z_i)\Bigr].
#
# Here :math:`z` is uniform between 0 and 1, so the second term is zero, and :math:`\text{f}^{-1}` is a weighted sum of eight
# sigmoids. It turns a narrow and a wide heap into an even layer. Likelihood needs the easy direction only; samples need the
# other one, by bisection.

normals, which = (np.asarray(jax.random.normal(jax.random.key(k), (2000,))) for k in (3, 4))
data = np.where(which > 0.4, 1.2 + 0.25 * normals, -1 + 0.9 * normals)
flow = LogisticFlow(8)


def negative_log_likelihood(model, variables, batch, draws):
    """Average what equation 16.2 adds up."""
    return -jnp.mean(model.apply(variables, batch.x)), {}


recipe = training.Recipe(flow, optax.adam(0.03), objective=negative_log_likelihood)
state = training.start(recipe, training.initialise(flow, jax.random.key(0), data[:2]))
state, history = training.train_full_batch(recipe, state, training.Examples(data), 600, rows=2000)
curve = np.linspace(-4, 3, 351, dtype="f")
learned = np.exp(training.predict(flow, state.variables, curve))
uniforms = jax.random.uniform(jax.random.key(5), (2000,), minval=0.001, maxval=0.999)
to_uniform = lambda x: flow.apply(state.variables, x, method=flow.to_uniform)  # noqa: E731
drawn = jax.jit(lambda u: flow_1d.inverse(to_uniform, u, -30.0, 30.0))(uniforms)
print(f"negative log-likelihood: {history.loss[0]:.3f} at the start, {history.loss[-1]:.3f} after 600 steps")

# sphinx_gallery_alt = "Left, data, samples and learned density: a wide hump, a narrow peak; right, the learned rising function."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
left.hist(data, 60, range=(-4, 3), density=True, color="0.85", label="data")
left.hist(
    np.asarray(drawn),
    60,
    range=(-4, 3),
    density=True,
    histtype="step",
    color=plotting.COLOURS[1],
    label="samples",
)
left.plot(curve, learned, label="learned density")
left.set(xlabel="$x$", ylabel="density", xlim=(-4, 3))
left.legend()
right.plot(curve, jax.jit(to_uniform)(curve), color=plotting.COLOURS[2])
right.set(xlabel="$x$", ylabel="$z$", xlim=(-4, 3), ylim=(0, 1), title="From data to an even layer")
plt.show()

# %%
# What if pi is a little too small?
# ---------------------------------
# The notebook writes 3.1413 for :math:`\pi`, so its densities are too large by the same factor everywhere, and do not quite add
# up to one. Between -3 and 3, where both ends stay in place, the mass of :math:`x` must be that of :math:`z`: 0.9973.

inside = jnp.linspace(-3, 3, 4001)
for name, pi in (("pi", np.pi), ("3.1413", BOOK_PI)):
    heights = flow_1d.push_density(flow_1d.bend, inside, lambda z, pi=pi: flow_1d.base_density(z, pi=pi))
    print(f"with {name}: mass {np.trapezoid(heights.density, heights.x):.6f}")
