r"""
6.4 A heavier ball
==================

Noise helps to get out of the wrong hollow, but once in the right valley, it is only in the way: the path jumps from wall to wall
and hardly gets on. What if each step remembered the ones before? What points to and fro cancels out, what always points the same
way adds up. That memory is momentum, and this page measures what it is worth.

*In the book: section 6.3, figures 6.7 and 6.8. Notebook 6.4.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
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
loss = functools.partial(gabor.least_squares_loss, x=x, y=y)
best = gd.descend(stochastic.sgd(0.1), jax.grad(loss), jnp.array([0.0, 15.0]), 300)[-1]
phi_0, phi_1 = jnp.linspace(-10, 10, 100), jnp.linspace(2.5, 22.5, 100)
heights = gd.loss_surface(loss, phi_0, phi_1)
first = jnp.array([-5.0, 25.0])
x_curve = jnp.linspace(-15, 15, 300)

fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.8))
left.plot(x_curve, gabor.predict(first, x_curve))
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
# Three methods, the same batches
# -------------------------------
# All start at (-1.5, 6.5), take 81 steps with batches of five and a rate of 0.6, and see the same batches in the same order.
# Momentum (equation 6.11) steps along an average of past gradients, in which each is worth :math:`\beta = 0.6` times the one after
# it. Nesterov's variant (equation 6.12) first asks where the momentum alone would lead, and measures the gradient there.
#
# All three are Optax transformations, and one ``lax.scan`` runs any of them.

start = jnp.array([-1.5, 6.5])
batches = stochastic.draw_batches(jax.random.key(15), 30, 5, 81)


def path(optimiser, batches, position=None):
    """Follow an optimiser from the start through the batches."""
    return stochastic.descend_in_batches(optimiser, gabor.gradient, start, x, y, batches, position)


paths = {
    "no momentum": path(stochastic.sgd(0.6), batches),
    "momentum": path(momentum.momentum(0.6, 0.6), batches),
    "Nesterov": path(momentum.nesterov(0.6, 0.6), batches, momentum.nesterov_position),
}

# sphinx_gallery_thumbnail_number = 2
fig, axes = plotting.panels(1, 3, size=2.9)
for ax, (name, points) in zip(axes[0], paths.items()):
    plotting.surface(ax, phi_0, phi_1, heights)
    plotting.paths(ax, {name: points}, best=best, legend=None)
    ax.set(
        xlim=(-5, 5),
        ylim=(2.5, 22.5),
        xlabel=r"offset $\phi_0$",
        title=f"{name}: loss {loss(points[-1]):.2f}",
    )
axes[0, 0].set(ylabel=r"frequency $\phi_1$")
plt.show()

# %%
# Press play to see them at work. The path without momentum takes steps more than twice as long, yet it gets no further up the
# valley: most of its way is to and fro.

fig, ax = plt.subplots(figsize=(4.2, 4.6), dpi=80)
plotting.surface(ax, phi_0, phi_1, heights)
ax.set(xlim=(-5, 5), ylim=(2.5, 22.5), xlabel=r"offset $\phi_0$", ylabel=r"frequency $\phi_1$")
animation = plotting.animate_paths(ax, paths, best=best)
plt.show()

# %%
# The wavelets at the three ends fit about equally well. With these batches, as with the notebook's, it is hard to say what
# Nesterov's look ahead was good for.

fig, axes = plotting.panels(1, 3, size=2.4)
for ax, (name, points) in zip(axes[0], paths.items()):
    ax.plot(x_curve, gabor.predict(points[-1], x_curve), lw=1.4)
    ax.plot(x, y, "o", color=plotting.DATA, ms=2.5)
    ax.set(title=name, xlabel="input $x$", xlim=(-15, 15), ylim=(-1.15, 1.15))
axes[0, 0].set(ylabel="output $y$")
plt.show()

# %%
# What if one had three hundred draws of the batches?
# ---------------------------------------------------
# Then luck averages out. For each rate, this is the share of paths that have come down to a loss below 2 after 81 steps, that is,
# into the best valley. At small rates, momentum costs a little time to get going. At large rates it is what keeps the path in the
# valley, and a stronger average, :math:`\beta = 0.9`, allows larger rates still. There, Nesterov's variant helps at every rate;
# with :math:`\beta = 0.6` it makes little difference, which bears the notebook out.

many = jax.vmap(lambda key: stochastic.draw_batches(key, 30, 5, 81))(jax.random.split(jax.random.key(0), 300))
rates = jnp.geomspace(0.2, 3, 12)
methods = {
    "no momentum": (stochastic.sgd, None),
    r"momentum, $\beta = 0.6$": (functools.partial(momentum.momentum, beta=0.6), None),
    r"Nesterov, $\beta = 0.6$": (functools.partial(momentum.nesterov, beta=0.6), momentum.nesterov_position),
    r"momentum, $\beta = 0.9$": (functools.partial(momentum.momentum, beta=0.9), None),
    r"Nesterov, $\beta = 0.9$": (functools.partial(momentum.nesterov, beta=0.9), momentum.nesterov_position),
}
styles = (("k", "-"), *((colour, style) for colour in plotting.COLOURS[:2] for style in ("--", "-")))

fig, ax = plt.subplots(figsize=(6, 3.8))
for (name, (method, position)), (colour, style) in zip(methods.items(), styles):
    ends = jax.vmap(lambda rate, m=method, p=position: jax.vmap(lambda b: path(m(rate), b, p)[-1])(many))(
        rates
    )
    share = 100 * jnp.mean(jax.vmap(jax.vmap(loss))(ends) < 2, axis=1)
    ax.semilogx(rates, share, style, color=colour, marker="o", ms=3, label=name)
ax.set(xlabel=r"learning rate $\alpha$", ylabel="paths in the best valley (%)", ylim=(0, 100))
ax.set_xticks((0.2, 0.5, 1, 2), ("0.2", "0.5", "1", "2"))
ax.minorticks_off()
ax.set_title("What momentum is worth")
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %%
# Which momentum is it?
# ---------------------
# The book averages gradients: :math:`m \leftarrow \beta m + (1-\beta) g`. Optax, PyTorch and most of the literature add them up,
# without the factor :math:`1-\beta`. Down a steady slope, the book's steps grow to the learning rate; Optax's grow to
# :math:`1/(1-\beta)` times as much. Who moves a recipe from one to the other has to scale its rate.

steps = {}
for name, optimiser in (("the book", momentum.momentum(0.1, 0.9)), ("Optax", optax.sgd(0.1, momentum=0.9))):
    steps[name] = -jnp.diff(gd.descend(optimiser, jnp.ones_like, jnp.zeros(1), 40)[:, 0])

fig, ax = plt.subplots(figsize=(5, 3.2))
for name, length in steps.items():
    ax.plot(range(1, 41), length, label=name)
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
# With the rate times :math:`1-\beta`, the paths are the same to rounding. For Nesterov's momentum Optax does one thing more: as it
# cannot ask for a gradient elsewhere, its parameters *are* the points ahead. ``momentum.nesterov`` does likewise, and keeps the
# parameters of equation 6.12 in its state.

ours, optaxs = path(momentum.momentum(0.6, 0.6), batches), path(optax.sgd(0.6 * 0.4, momentum=0.6), batches)
print(f"momentum: paths differ by {jnp.abs(ours - optaxs).max():.0e}")
ours, optaxs = (
    path(momentum.nesterov(0.6, 0.6), batches),
    path(optax.sgd(0.6 * 0.4, 0.6, nesterov=True), batches),
)
print(f"Nesterov: points ahead differ by {jnp.abs(ours - optaxs).max():.0e}")
