r"""
6.2 Ten steps down a valley
===========================

A gradient tells which way is down, and a line search how far to go. Together they make a first method to fit a model that needs no
formula for the answer. Here it fits the line of chapter 2, whose best answer is known, so that one can see how well it does.

*In the book: section 6.1.1, figure 6.1. Notebook 6.2.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

from udl_jax import plotting
from udl_jax.ch02_supervised_learning import linear_regression as lr
from udl_jax.ch06_fitting import gradient_descent as gd
from udl_jax.ch06_fitting import line_search
from udl_jax.ch06_fitting.stochastic_gradient_descent import sgd
from udl_jax.data import toy

plotting.use_book_style()

# %%
# A line that does not fit
# ------------------------
# Twelve points and a line with intercept 0.6 and slope -0.2. Its least squares loss should be 12.367, says the notebook.

x, y = toy.linear_regression_points()
x_line = jnp.array([0.0, 2.0])
loss = functools.partial(lr.least_squares_loss, x=x, y=y)

phi = jnp.array([0.6, -0.2])
fig, ax = plt.subplots(figsize=(4, 3.4))
ax.vlines(x, lr.predict(phi, x), y, color="0.75", lw=1.5)
ax.plot(x_line, lr.predict(phi, x_line))
ax.plot(x, y, "o", color=plotting.DATA, ms=4)
ax.set(xlim=(0, 2), ylim=(0, 2), xlabel="input $x$", ylabel="output $y$", title=f"Loss {loss(phi):.3f}")
plt.show()

# %%
# Three ways to the gradient
# --------------------------
# Equation 6.7 has the derivatives by hand. The notebook checks them by finite differences: move one parameter a little, and divide
# the change of the loss by the move. The third way needs neither paper nor a small number: ``jax.grad`` differentiates the program
# itself, exactly.

ways = {
    "by hand": gd.least_squares_gradient(phi, x, y),
    "jax.grad": jax.grad(loss)(phi),
    "finite differences": gd.finite_differences(loss, phi, delta=1e-4),
}
for name, gradient in ways.items():
    print(f"{name:<20}({gradient[0]:.3f}, {gradient[1]:.3f})")

# %%
# The differences agree to three digits only. In float32 the loss of 12.367 has about seven, and a change of 0.002 keeps three of
# them. In float64 the two digits that are wrong would come from the curve of the loss instead.

# %%
# How far along the gradient?
# ---------------------------
# From a start at (1.6, -0.5), look along the downhill direction: the loss is a parabola there. The line search of 6.1 finds its
# bottom, but with two settings that the notebook changes. It begins with steps of at most 0.1 times the gradient, and a tie moves
# the points instead of leaving them where they are.

start = jnp.array([1.6, -0.5])
downhill = -jax.grad(loss)(start)


def loss_after(distance):
    """Compute the loss at a distance along the gradient, in units of its length."""
    return loss(start + distance * downhill)


found = line_search.search(loss_after, end=0.1, threshold=1e-5, max_iterations=15, strict=False)
distance = jnp.linspace(0, 0.1, 200)
fig, ax = plt.subplots(figsize=(5, 3.2))
ax.plot(distance, jax.vmap(loss_after)(distance))
for bracket in found.brackets[:5]:
    ax.plot(bracket, jax.vmap(loss_after)(bracket), "o", ms=4, alpha=0.6, color=plotting.COLOURS[1])
ax.axvline(found.minimum, color="0.6", lw=1, ls="--")
ax.set(
    xlabel=r"distance $\alpha$ along the gradient",
    ylabel="loss",
    xlim=(0, 0.1),
    title="Five rounds of the search",
)
plt.show()

# %%
# Ten steps
# ---------
# Gradient, search, step, ten times over. The method is an Optax transformation, ``steepest_descent``, so the loop that runs it is
# the same as for all optimisers of this chapter, and it can train Flax models too. The first five steps undo most of the loss.

path = gd.descend(gd.steepest_descent(loss), jax.grad(loss), start, steps=10)

fig, axes = plotting.panels(2, 6, size=1.55)
for step, (ax, phi) in enumerate(zip(axes.flat, path)):
    ax.plot(x_line, lr.predict(phi, x_line))
    ax.plot(x, y, "o", color=plotting.DATA, ms=2)
    ax.set(title=f"step {step}: {loss(phi):.2f}", xlim=(0, 2), ylim=(0, 2), xticks=(0, 1, 2))
axes[1, 5].axis("off")
axes[0, 5].tick_params(labelbottom=True)
fig.supxlabel("input $x$", size="medium")
fig.supylabel("output $y$", size="medium")
plt.show()

# %%
# On the map of the loss the path is a staircase. Each step ends where the loss stops falling along its line, which is where the
# next gradient points exactly sideways. So every turn is a right angle, and a valley that lies askew costs many turns.

phi_0, phi_1 = jnp.linspace(0, 2, 100), jnp.linspace(-1, 1, 100)
best = lr.closed_form(x, y)

# sphinx_gallery_thumbnail_number = 4
fig, ax = plt.subplots(figsize=(5.6, 4.8))
plotting.surface(ax, phi_0, phi_1, gd.loss_surface(loss, phi_0, phi_1), lines=40, label="least squares loss")
plotting.paths(ax, {"ten steps": path}, best=best, legend="lower left")
ax.set(xlabel=r"intercept $\phi_0$", ylabel=r"slope $\phi_1$", xlim=(0, 2), ylim=(1, -1), aspect="equal")
ax.set_title("Right angles all the way")
plt.show()

# %%
# What if the rate were fixed?
# ----------------------------
# A search asks for the loss up to sixty times a step. Is it worth that? One ``vmap`` runs sixty steps at each of four fixed rates.
# The search needs the fewest steps, but a rate of 0.03 needs only twice as many, and each of its steps costs next to nothing. What
# the search saves is the trouble to find the rate: 0.01 crawls, and 0.041 flies off, since the steep sides of the valley allow no
# rate above 2 over the largest curvature of the loss.

curvatures = jnp.linalg.eigvalsh(jax.hessian(loss)(best))
print(
    f"curvatures {curvatures[0]:.2f} and {curvatures[1]:.2f}: rates must stay below {2 / curvatures[1]:.4f}"
)

rates = jnp.array([0.003, 0.01, 0.03, 0.041])
paths = jax.vmap(lambda rate: gd.descend(sgd(rate), jax.grad(loss), start, 60))(rates)
searched = gd.descend(gd.steepest_descent(loss), jax.grad(loss), start, 60)
above_best = jax.vmap(jax.vmap(lambda phi: loss(phi) - loss(best)))

fig, ax = plt.subplots(figsize=(6.5, 3.6))
for rate, curve in zip(rates, above_best(paths)):
    ax.semilogy(curve, label=f"rate {rate:g}")
ax.semilogy(above_best(searched[None])[0], color="k", label="line search")
ax.set(
    xlabel="step",
    ylabel="loss above the best line's",
    xlim=(0, 60),
    ylim=(1e-6, 1e3),
    title="Searching or not",
)
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %%
# What if the start were elsewhere?
# ---------------------------------
# The loss of a line has one valley. A hundred starts, far and near, lead into it: after fifty steps the worst of them is this far
# off.

starts = jax.random.uniform(jax.random.key(0), (100, 2), minval=-3, maxval=3)
ends = jax.vmap(lambda phi: gd.descend(gd.steepest_descent(loss), jax.grad(loss), phi, 50)[-1])(starts)
print(f"largest distance from the best line: {jnp.linalg.norm(ends - best, axis=1).max():.4f}")
