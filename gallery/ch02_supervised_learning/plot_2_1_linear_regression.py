r"""
2.1 Three ways to the best line
===============================

Twelve points lie roughly along a line. Which line is best, and how does one find it? The question is small enough to see all of
it at once: two parameters, a loss that can be drawn as a landscape, and paths that walk down into its valley.

*In the book: section 2.2, equations 2.4 and 2.5, figures 2.1 to 2.4; problems 2.1 and 2.2. Notebook 2.1.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from udl_jax import plotting, training
from udl_jax.ch02_supervised_learning import linear_regression as lr
from udl_jax.data import toy

plotting.use_book_style()

# %%
# The model and its loss
# ----------------------
# A line has an intercept :math:`\phi_0` and a slope :math:`\phi_1` (equation 2.4). How badly it fits the pairs :math:`(x_i, y_i)`
# is measured by the sum of the squared differences (equation 2.5):
#
# .. math:: \mathrm{f}[x, \phi] = \phi_0 + \phi_1 x, \qquad L[\phi] = \sum_i \bigl(\mathrm{f}[x_i, \phi] - y_i\bigr)^2.
#
# In code the two parameters travel together as one array ``phi``. The notebook tries two lines, those of figure 2.2, and says
# that their losses are 7.07 and 10.28. The loss squares the lengths of the grey bars, and adds them up.

x, y = toy.linear_regression_points()
low, falling = np.array([0.4, 0.2]), np.array([1.6, -0.8])


@jax.jit
def loss(phi):
    return jnp.sum((phi[0] + phi[1] * x - y) ** 2)


for phi in (low, falling):
    difference = loss(phi) - lr.least_squares_loss(phi, x, y)
    print(f"loss {loss(phi):.2f}, difference from the library {difference:.0e}")


def draw_fit(ax, phi, name):
    """Draw the data, a line, and the distances that the loss squares."""
    ax.vlines(x, lr.predict(phi, np.asarray(x)), y, color="0.75", lw=1.5)
    ax.axline((0, phi[0]), slope=phi[1])
    ax.plot(x, y, "o", color=plotting.DATA, ms=4)
    ax.set(xlim=(0, 2), ylim=(0, 2), title=f"{name}: loss {loss(phi):.2f}", xlabel="input $x$")


# sphinx_gallery_alt = "Twelve points and two lines that miss them, with a grey bar from each point to the line."
fig, axes = plotting.panels(1, 2, size=2.9)
draw_fit(axes[0, 0], low, "Too low")
draw_fit(axes[0, 1], falling, "Falling")
axes[0, 0].set(ylabel="output $y$")
plt.show()

# %%
# First way: one parameter at a time
# ----------------------------------
# The notebook asks to fix one parameter, turn the other until the loss stops falling, and swap, again and again. Along one axis
# the loss is a parabola, so there is no need to search: the slope of the loss, divided by its curvature, is the distance to the
# lowest point.
#
# .. math:: \phi_k \leftarrow \phi_k - \frac{\partial L}{\partial \phi_k} \bigg/ \frac{\partial^2 L}{\partial \phi_k^2}
#
# This is called a Newton step. ``jax.grad`` computes the slope and ``jax.hessian`` the curvature. A sweep is two turns, one of
# each parameter. The library's ``coordinate_descent`` makes forty sweeps as one ``lax.scan``, and keeps the path.


@jax.jit
def turn(phi, k):
    return phi.at[k].add(-jax.grad(loss)(phi)[k] / jax.hessian(loss)(phi)[k, k])


phi = jnp.array(falling)
for _ in range(40):
    phi = turn(turn(phi, 0), 1)
path = np.asarray(lr.coordinate_descent(falling, x, y, sweeps=40))
print(f"intercept and slope after forty sweeps: {phi[0]:.4f}, {phi[1]:.4f}")
print(f"largest difference from the library: {np.abs(path[-1] - phi).max():.0e}")

# %%
# Second way: downhill in all directions at once
# ----------------------------------------------
# Gradient descent takes a small step against the slope, in both parameters together, many times over:
#
# .. math:: \phi \leftarrow \phi - \alpha \, \frac{\partial L}{\partial \phi}
#
# The *learning rate* :math:`\alpha` is 0.02 here. Chapter 6 is about this method, and every network in this book is trained by a
# relative of it. So the line is a Flax model in the library, too, ``LinearRegression``, and the training engine that all later
# chapters use makes the same steps: all twelve points in one batch, a thousand steps, one compiled program.

step = jax.jit(lambda phi: phi - 0.02 * jax.grad(loss)(phi))
phi = jnp.array(falling)
for _ in range(1000):
    phi = step(phi)

recipe = training.Recipe(lr.LinearRegression(), optax.sgd(0.02), loss=training.squared_error, error=None)
every_point = np.tile(np.arange(x.size), (1000, 1, 1))
beginning = training.start(recipe, {"params": {"phi": jnp.array(falling)}})
state, _ = training.train(recipe, beginning, training.Examples(x, y), None, every_point)
descent = np.asarray(lr.gradient_descent(falling, x, y, rate=0.02, steps=1000))
print(f"intercept and slope after a thousand steps: {phi[0]:.4f}, {phi[1]:.4f}")
print(f"largest difference from gradient_descent: {np.abs(descent[-1] - phi).max():.0e}")
print(f"largest difference from the engine: {np.abs(state.variables['params']['phi'] - phi).max():.0e}")

# %%
# Third way: solve for it
# -----------------------
# At the lowest point both derivatives are zero, and for a line these two equations can be solved by hand (problem 2.2). With
# :math:`\bar{x}` and :math:`\bar{y}` for the means of the data, the best line is
#
# .. math::
#
#    \phi_1 = \frac{\sum_i (x_i - \bar{x})(y_i - \bar{y})}{\sum_i (x_i - \bar{x})^2},
#    \qquad \phi_0 = \bar{y} - \phi_1 \bar{x}.
#
# There is no start, no step and no rate. But hardly any other model in this book has such a formula, which is why the other two
# ways matter.

from_mean = x - x.mean()
slope = from_mean @ (y - y.mean()) / (from_mean @ from_mean)
best = np.array([y.mean() - slope * x.mean(), slope])
print(f"intercept and slope: {best[0]:.4f}, {best[1]:.4f}")
print(f"largest difference from the library: {np.abs(lr.closed_form(x, y) - best).max():.0e}")

# sphinx_gallery_alt = "The best line passes through the cloud of points; the grey bars are short."
fig, ax = plt.subplots(figsize=(4, 3.4))
draw_fit(ax, best, "Best line")
ax.set(ylabel="output $y$")
plt.show()

# %%
# The landscape
# -------------
# Two nested ``vmap`` turn the loss of one line into the losses of ten thousand. Figure 2.3 is that surface: a long valley,
# tilted, since a higher intercept can be paid for with a smaller slope. The tilt is why going one parameter at a time makes so
# many turns, while the gradient leads into the valley and then along its floor.

phi_0, phi_1 = np.arange(0, 2.5, 0.02), np.arange(-1, 1, 0.02)
heights = jax.jit(lr.loss_surface)(phi_0, phi_1, x, y)

# sphinx_gallery_alt = "A tilted valley with a staircase path, a smooth path, and a star where both end."
# sphinx_gallery_thumbnail_number = 3
fig, ax = plt.subplots(figsize=(6, 5))
plotting.surface(ax, phi_0, phi_1, heights, lines=40, label="least squares loss")
ax.plot(*path.T, color=plotting.COLOURS[5], marker=".", label="one at a time")
ax.plot(*descent.T, color="w", ls="--", label="gradient descent")
ax.plot(*best, "*", color=plotting.COLOURS[2], ms=14, mec="w", label="closed form")
ax.set(xlabel=r"intercept $\phi_0$", ylabel=r"slope $\phi_1$", title="Two paths into one valley")
ax.set(xlim=(0, 2.48), ylim=(0.98, -1))
ax.legend(loc="lower left", labelcolor="w", facecolor="k", framealpha=0.4, frameon=True)
plt.show()

# %%
# What if the start were elsewhere?
# ---------------------------------
# The loss of a line is convex, a bowl with one lowest point, so every start should end in the same place. ``vmap`` over starts
# makes one call of two hundred searches. But how close do they come in forty sweeps? With :math:`I` for the number of points,
# each sweep after the first multiplies the distance to the best line by
#
# .. math:: \rho = \frac{\bigl(\sum_i x_i\bigr)^2}{I \sum_i x_i^2}.
#
# This is close to one if the inputs lie close together, far from zero: intercept and slope can then hardly be told apart, and the
# valley is long and narrow.

starts = np.random.default_rng(0).uniform(-5, 5, (200, 2))
paths = jax.jit(jax.vmap(lambda phi: lr.coordinate_descent(phi, x, y, sweeps=80)[::2]))(starts)
distance = np.linalg.norm(paths - best, axis=-1).max(0)
rho = x.sum() ** 2 / (x.size * (x**2).sum())
print(f"formula: {rho:.3f}; measured, sweeps 10 to 30: {(distance[30] / distance[10]) ** (1 / 20):.3f}")
print(f"largest distance after 40 sweeps {distance[40]:.0e}, after 80 {distance[80]:.0e}")

# sphinx_gallery_alt = "The distance to the best line falls as a straight line on a logarithmic axis, then levels out."
fig, ax = plt.subplots(figsize=(5, 3.2))
ax.semilogy(distance, label="furthest of 200 searches")
ax.semilogy(
    distance[1] * rho ** np.arange(-1, 80), "k:", label=rf"falling like $\rho^n$ with $\rho = {rho:.2f}$"
)
ax.set(xlabel="sweep $n$", ylabel="distance to the best line", xlim=(0, 80), ylim=(1e-8, 20))
ax.legend()
plt.show()

# %%
# What is left after forty sweeps is not rounding error but unfinished convergence: the curve is still falling. Where it levels
# out, the seven digits of single precision are used up. More sweeps mend the first, only more digits mend the second.
