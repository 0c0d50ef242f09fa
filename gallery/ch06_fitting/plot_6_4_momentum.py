r"""
6.4 A heavier ball
==================

Noise helps to get out of the wrong hollow, but once in the right valley, it is only in the way: the path jumps from wall to wall
and hardly gets on. What if each step remembered the ones before? What points to and fro cancels out, and what always points the
same way adds up. That memory is momentum. What is it worth?

*In the book: section 6.3, figures 6.7 and 6.8. Notebook 6.4.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from udl_jax import plotting
from udl_jax.ch06_fitting import gabor, momentum
from udl_jax.ch06_fitting import gradient_descent as gd
from udl_jax.ch06_fitting import stochastic_gradient_descent as stochastic
from udl_jax.data import toy

plotting.use_book_style()

# %%
# The loss of the wavelet again
# -----------------------------
# Data, model and loss are those of 6.3: thirty points, a wavelet with an offset and a frequency, a surface with many valleys. The
# notebook opens with a wavelet at (-5, 25), far from the best.

x, y = toy.gabor_points()
loss = jax.jit(functools.partial(gabor.least_squares_loss, x=x, y=y))
descend = jax.jit(gd.descend, static_argnums=(0, 1, 3))
best = np.asarray(descend(stochastic.sgd(0.1), jax.grad(loss), np.array([0, 15], x.dtype), 300)[-1])
phi_0, phi_1 = np.linspace(-10, 10, 100, dtype=x.dtype), np.linspace(2.5, 22.5, 100, dtype=x.dtype)
heights = jax.jit(gd.loss_surface, static_argnums=0)(loss, phi_0, phi_1)
predict, x_curve = jax.jit(gabor.predict), np.linspace(-15, 15, 300)
first = np.array([-5, 25], x.dtype)

# sphinx_gallery_alt = "Left, a wavelet that misses most of thirty points; right, the loss, and the best fit in its main valley."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.8))
left.plot(x_curve, predict(first, x_curve))
left.plot(x, y, "o", color=plotting.DATA, ms=3)
left.set(
    xlabel="input $x$",
    ylabel="output $y$",
    xlim=(-15, 15),
    title=f"Wavelet at (-5, 25), loss {loss(first):.2f}",
)
plotting.surface(right, phi_0, phi_1, heights, label="least squares loss")
plotting.paths(right, {}, best=best)
right.set(xlabel=r"offset $\phi_0$", ylabel=r"frequency $\phi_1$", title="Its valleys")
plt.show()

# %%
# Two lines per step
# ------------------
# Momentum steps along an average of past gradients, in which each is worth :math:`\beta` times the one after it (equation 6.11):
#
# .. math::
#    \mathbf{m}_{t+1} &\leftarrow \beta\,\mathbf{m}_t
#    + (1-\beta)\sum_{i\in\mathcal{B}_t}\frac{\partial\ell_i[\phi_t]}{\partial\phi},\\
#    \phi_{t+1} &\leftarrow \phi_t - \alpha\,\mathbf{m}_{t+1}.
#
# Nesterov's variant first asks where the momentum alone would lead, and measures the gradient there (equation 6.12):
#
# .. math::
#    \mathbf{m}_{t+1} \leftarrow \beta\,\mathbf{m}_t
#    + (1-\beta)\sum_{i\in\mathcal{B}_t}\frac{\partial\ell_i[\phi_t-\alpha\beta\,\mathbf{m}_t]}{\partial\phi}.
#
# All start at (-1.5, 6.5), take 81 steps with batches of five and a rate of 0.6, and see the same batches in the same order. In
# the library they are Optax transformations, and one ``lax.scan`` runs any of them.

start = np.array([-1.5, 6.5], x.dtype)
batches = stochastic.draw_batches(jax.random.key(15), 30, 5, 81)
gradient = jax.jit(gabor.gradient)


def on_page(alpha, beta, ahead):
    """Follow momentum through the batches; ``ahead`` is beta for Nesterov's, else 0."""
    phi, m, path = start, 0 * start, [start]
    for batch in np.asarray(batches):
        m = beta * m + (1 - beta) * np.asarray(gradient(phi - alpha * ahead * m, x[batch], y[batch]))
        phi = phi - alpha * m
        path.append(phi)
    return np.array(path)


@functools.partial(jax.jit, static_argnums=(0, 2))
def path(optimiser, batches, position=None):
    """Follow one of the library's optimisers through the batches."""
    return stochastic.descend_in_batches(optimiser, gabor.gradient, start, x, y, batches, position)


paths = {
    "no momentum": np.asarray(path(stochastic.sgd(0.6), batches)),
    "momentum": np.asarray(path(momentum.momentum(0.6, 0.6), batches)),
    "Nesterov": np.asarray(path(momentum.nesterov(0.6, 0.6), batches, momentum.nesterov_position)),
}
print("             path length   progress   loss at the end   difference from the lines above")
for (name, points), settings in zip(paths.items(), ((0.6, 0, 0), (0.6, 0.6, 0), (0.6, 0.6, 0.6))):
    length, progress = (
        np.linalg.norm(np.diff(points, axis=0), axis=1).sum(),
        np.linalg.norm(points[-1] - start),
    )
    off = abs(on_page(*settings) - points).max()
    print(f"{name:12} {length:11.1f} {progress:10.1f} {loss(points[-1]):17.2f} {off:21.0e}")

# %%
# Press play to see them at work. Without momentum the path is more than twice as long as with it, and gets no further: most of
# its way is to and fro.

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Three maps: the path without momentum jumps widely across the valley, that with Nesterov's the least."
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.9), dpi=80, sharey=True)
for ax in axes:
    plotting.surface(ax, phi_0, phi_1, heights)
    ax.set(xlim=(-5, 5), ylim=(2.5, 22.5), xlabel=r"offset $\phi_0$")
axes[0].set(ylabel=r"frequency $\phi_1$")
animation = plotting.animate_paths(axes, paths, best=best, legend=None)
plt.show()

# %%
# The wavelets at the three ends fit about equally well. With these batches, as with the notebook's, it is hard to say what
# Nesterov's look ahead was good for.

# sphinx_gallery_alt = "Three wavelets that look the same, over the thirty points."
fig, axes = plotting.panels(1, 3, size=2.4)
for ax, (name, points) in zip(axes[0], paths.items()):
    ax.plot(x_curve, predict(points[-1], x_curve), lw=1.4)
    ax.plot(x, y, "o", color=plotting.DATA, ms=2.5)
    ax.set(
        title=f"{name}: loss {loss(points[-1]):.2f}", xlabel="input $x$", xlim=(-15, 15), ylim=(-1.15, 1.15)
    )
axes[0, 0].set(ylabel="output $y$")
plt.show()

# %%
# What if one had three hundred draws of the batches?
# ---------------------------------------------------
# Then luck averages out. For each rate, this is the share of paths that have come down to a loss below 2 after 81 steps, that is,
# into the best valley. At small rates, the long memory of :math:`\beta = 0.9` costs time to get going, while :math:`\beta = 0.6`
# costs none. At large rates it is memory that keeps the path in the valley, the more of it the better. With :math:`\beta = 0.9`,
# Nesterov's variant helps wherever many paths arrive; with :math:`\beta = 0.6` it makes little difference, now for the better and
# now for the worse, which bears the notebook out.

many = jax.vmap(lambda key: stochastic.draw_batches(key, 30, 5, 81))(jax.random.split(jax.random.key(0), 300))
rates = np.geomspace(0.2, 3, 12, dtype=x.dtype)
methods = {"no momentum": (stochastic.sgd, None)}
for beta in (0.6, 0.9):
    methods[rf"momentum, $\beta = {beta}$"] = (functools.partial(momentum.momentum, beta=beta), None)
    methods[rf"Nesterov, $\beta = {beta}$"] = (
        functools.partial(momentum.nesterov, beta=beta),
        momentum.nesterov_position,
    )


@functools.partial(jax.jit, static_argnums=(0, 1))
def arrived(method, position, rate):
    """Find out which paths end with a loss below 2."""
    return jax.vmap(lambda batches: loss(path(method(rate), batches, position)[-1]) < 2)(many)


# sphinx_gallery_alt = "Share of paths in the best valley over the rate: five hills, wider to the right the more memory there is."
fig, ax = plt.subplots(figsize=(6, 3.8))
styles = ("k-", "C0--", "C0-", "C1--", "C1-")
for (name, (method, position)), style in zip(methods.items(), styles):
    share = [100 * np.mean(arrived(method, position, rate)) for rate in rates]
    ax.semilogx(rates, share, style, marker="o", ms=3, label=name)
ax.set(xlabel=r"learning rate $\alpha$", ylabel="paths in the best valley (%)", ylim=(0, 100))
ax.set_xticks((0.2, 0.5, 1, 2), ("0.2", "0.5", "1", "2"))
ax.minorticks_off()
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %%
# Which momentum is it?
# ---------------------
# The book averages gradients. Optax, PyTorch and most of the literature add them up, without the factor :math:`1-\beta`. Down a
# steady slope, the book's steps grow to the learning rate; Optax's grow to :math:`1/(1-\beta)` times as much. Anyone who moves a
# recipe from one to the other has to scale its rate.

# sphinx_gallery_alt = "Length of the step over 40 steps down a slope: the book's grows to 0.1, Optax's to 1."
fig, ax = plt.subplots(figsize=(5, 3.2))
for name, optimiser in (("the book", momentum.momentum(0.1, 0.9)), ("Optax", optax.sgd(0.1, momentum=0.9))):
    ax.plot(
        range(1, 41), -np.diff(descend(optimiser, jnp.ones_like, np.zeros(1, x.dtype), 40)[:, 0]), label=name
    )
ax.set(
    xlabel="step",
    ylabel="length of the step",
    xlim=(1, 40),
    ylim=(0, 1.05),
    title=r"$\alpha = 0.1$, $\beta = 0.9$",
)
ax.legend()
plt.show()

# %%
# With the rate times :math:`1-\beta`, the paths are the same to rounding. For Nesterov's momentum Optax does one thing more: as
# it cannot ask for a gradient elsewhere, its parameters *are* the points ahead. ``momentum.nesterov`` does likewise, and keeps
# the parameters of equation 6.12 in its state.

for name, ours, theirs in (
    ("momentum", momentum.momentum(0.6, 0.6), optax.sgd(0.6 * 0.4, 0.6)),
    ("Nesterov, points ahead", momentum.nesterov(0.6, 0.6), optax.sgd(0.6 * 0.4, 0.6, nesterov=True)),
):
    print(f"{name}: paths differ by {jnp.abs(path(ours, batches) - path(theirs, batches)).max():.0e}")
