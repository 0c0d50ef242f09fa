r"""
2.1 Three ways to the best line
===============================

Twelve points lie roughly along a line. Which line is best, and how does one find it? The question is small enough to see all of
it at once: two parameters, a loss that can be drawn as a landscape, and paths that walk down into its valley.

*In the book: sections 2.2 and 2.3, figures 2.1 to 2.4. Notebook 2.1.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import optax

from udl_jax import plotting, training
from udl_jax.ch02_supervised_learning import linear_regression as lr
from udl_jax.data import toy

plotting.use_book_style()

# %%
# Two lines that do not fit
# -------------------------
# A line has an intercept :math:`\phi_0` and a slope :math:`\phi_1`; here the two travel together as one array ``phi``. The least
# squares loss adds up the squared lengths of the grey bars below. For the two lines of figure 2.2 the notebook announces losses
# of 7.07 and 10.28.

x, y = toy.linear_regression_points()
x_line = jnp.linspace(0, 2, 100)


def draw_fit(ax, phi, name):
    """Draw the data, a line, and the distances that the loss squares."""
    ax.vlines(x, lr.predict(phi, x), y, color="0.75", lw=1.5)
    ax.plot(x_line, lr.predict(phi, x_line))
    ax.plot(x, y, "o", color=plotting.DATA, ms=4)
    ax.set(xlim=(0, 2), ylim=(0, 2), title=f"{name}: loss {lr.least_squares_loss(phi, x, y):.2f}")


low, falling = jnp.array([0.4, 0.2]), jnp.array([1.6, -0.8])
fig, axes = plotting.panels(1, 2, size=2.9)
draw_fit(axes[0, 0], low, "Too low")
draw_fit(axes[0, 1], falling, "Falling")
axes[0, 0].set(xlabel="input $x$", ylabel="output $y$")
axes[0, 1].set(xlabel="input $x$")
plt.show()

# %%
# One parameter at a time
# -----------------------
# The notebook asks to fix one parameter, turn the other until the loss stops falling, and swap, again and again. Along one axis the
# loss is a parabola, so each turn can go straight to its lowest point: one Newton step, with slope and curvature from ``jax.grad``
# and ``jax.hessian``. Eighty turns, all inside one ``lax.scan``, lead from the falling line to the best one.

path = lr.coordinate_descent(falling, x, y, sweeps=40)
best = lr.closed_form(x, y)
print(f"after 80 turns: intercept {path[-1, 0]:.4f}, slope {path[-1, 1]:.4f}")
print(f"closed form:    intercept {best[0]:.4f}, slope {best[1]:.4f}")

fig, ax = plt.subplots(figsize=(4, 3.4))
draw_fit(ax, path[-1], "Best line")
ax.set(xlabel="input $x$", ylabel="output $y$")
plt.show()

# %%
# Downhill in all directions at once
# ----------------------------------
# Gradient descent does not solve anything; it only follows the slope. ``LinearRegression`` is the same line as a Flax model, and
# the one training engine of this library fits it: all twelve points in one batch, a thousand steps, one compiled program.

recipe = training.Recipe(lr.LinearRegression(), optax.sgd(0.02), loss=training.squared_error, error=None)
every_point = jnp.tile(jnp.arange(x.size), (1000, 1, 1))
beginning = training.start(recipe, {"params": {"phi": falling}})
state, history = training.train(recipe, beginning, training.Examples(x, y), None, every_point)
print(f"gradient descent: {state.variables['params']['phi']}, loss {history.train.loss[-1]:.4f}")

# %%
# The landscape
# -------------
# Two nested ``vmap`` turn the loss of one line into the loss of ten thousand. Figure 2.3 is that surface: a long valley, tilted,
# since a higher intercept can be paid for with a smaller slope. The tilt is why going one parameter at a time zigzags, while the
# gradient leads into the valley at once and then along its floor.

descent = lr.gradient_descent(falling, x, y, rate=0.02, steps=1000)
phi_0, phi_1 = jnp.arange(0.0, 2.5, 0.02), jnp.arange(-1.0, 1.0, 0.02)

# sphinx_gallery_thumbnail_number = 3
fig, ax = plt.subplots(figsize=(6, 5))
plotting.surface(ax, phi_0, phi_1, lr.loss_surface(phi_0, phi_1, x, y), lines=40, label="least squares loss")
ax.plot(*path.T, color="#56B4E9", marker=".", label="one at a time")
ax.plot(*descent.T, color="w", ls="--", label="gradient descent")
ax.plot(*best, "*", color="#009E73", ms=14, mec="w", label="closed form")
ax.set(xlabel=r"intercept $\phi_0$", ylabel=r"slope $\phi_1$", title="Two paths into one valley")
ax.set(xlim=(0, 2.48), ylim=(0.98, -1))
ax.legend(loc="lower left", labelcolor="w", facecolor="k", framealpha=0.4, frameon=True)
plt.show()

# %%
# What if the start were elsewhere?
# ---------------------------------
# A convex loss has one valley, so every start should end in the same place. With ``vmap`` over starts, two hundred searches by
# coordinate cost one call; the largest distance from the closed form at the end is rounding error.

starts = jax.random.uniform(jax.random.key(0), (200, 2), minval=-5, maxval=5)
ends = jax.vmap(lambda phi: lr.coordinate_descent(phi, x, y, sweeps=40)[-1])(starts)
print(f"largest distance from the best line: {jnp.abs(ends - best).max():.1e}")
