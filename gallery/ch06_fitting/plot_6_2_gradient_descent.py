r"""
6.2 Ten steps down a valley
===========================

A gradient shows which way is down, and a line search how far to go. Together they make a first method to fit a model that needs
no formula for the answer. Here it fits the line of chapter 2, whose best answer is known. How well does it do, and is the search
worth its cost?

*In the book: section 6.1.1, figure 6.1. Notebook 6.2.*
"""

import functools

import jax
import matplotlib.pyplot as plt
import numpy as np

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
# Twelve points and a line with intercept 0.6 and slope -0.2, :math:`\text{f}[x,\phi]=\phi_0+\phi_1x`. Its loss is the sum of the
# squared grey distances (equation 6.5),
#
# .. math:: L[\phi] = \sum_{i=1}^{I} (\phi_0+\phi_1x_i-y_i)^2,
#
# and should be 12.367, says the notebook.

x, y = (np.asarray(values) for values in toy.linear_regression_points())
x_line = np.array([0.0, 2.0])
phi = np.array([0.6, -0.2], x.dtype)
rest = phi[0] + phi[1] * x - y
loss = jax.jit(functools.partial(lr.least_squares_loss, x=x, y=y))
print(f"loss {np.sum(rest**2):.3f}, the library's {loss(phi):.3f}")

# sphinx_gallery_alt = "Twelve rising points, a falling line below them, and the vertical distances between."
fig, ax = plt.subplots(figsize=(4, 3.4))
ax.vlines(x, phi[0] + phi[1] * x, y, color="0.75", lw=1.5)
ax.plot(x_line, phi[0] + phi[1] * x_line)
ax.plot(x, y, "o", color=plotting.DATA, ms=4)
ax.set(xlim=(0, 2), ylim=(0, 2), xlabel="input $x$", ylabel="output $y$", title=f"Loss {loss(phi):.3f}")
plt.show()

# %%
# Three ways to the gradient
# --------------------------
# The gradient is the vector of the two derivatives (equations 6.6 and 6.7),
#
# .. math::
#    \frac{\partial L}{\partial\phi}
#    = \sum_{i=1}^{I}\begin{bmatrix} 2(\phi_0+\phi_1x_i-y_i) \\ 2x_i(\phi_0+\phi_1x_i-y_i) \end{bmatrix}.
#
# The notebook checks it by finite differences: move one parameter by :math:`\delta`, and divide the change of the loss by
# :math:`\delta`. The third way needs neither paper nor a small number: ``jax.grad`` differentiates the program itself, exactly.

gradient = jax.jit(jax.grad(loss))
differences = jax.jit(
    lambda phi: gd.finite_differences(lambda phi: lr.least_squares_loss(phi, x, y), phi, delta=1e-4)
)
ways = {
    "on this page": np.array([np.sum(2 * rest), np.sum(2 * x * rest)]),
    "the library, by hand": gd.least_squares_gradient(phi, x, y),
    "jax.grad": gradient(phi),
    "differences, float32": differences(phi),
}
with jax.enable_x64(True):
    ways["differences, float64"] = np.asarray(differences(phi.astype("float64")))
for name, way in ways.items():
    print(f"{name:<22}({way[0]:.4f}, {way[1]:.4f})")

# %%
# The differences agree to about four digits. In float32 what is lost is rounding: the loss has seven digits, and a change of
# 0.002 keeps three or four of them. In float64 rounding is no trouble, and what remains is the curve of the loss between the two
# points.
#
# How far along the gradient?
# ---------------------------
# From a start at (1.6, -0.5), look along the downhill direction: the loss is a parabola there. The line search of 6.1 finds its
# lowest point, with two settings that the notebook changes: it begins with steps of at most 0.1 times the gradient, and a tie
# moves the points instead of leaving them where they are.

start = np.array([1.6, -0.5], x.dtype)


@jax.jit
def search(phi, downhill):
    """Find the lowest point along a direction, as the notebook does."""
    ends = {"end": 0.1, "threshold": 1e-5, "max_iterations": 15}
    return line_search.search(lambda distance: loss(phi + distance * downhill), **ends, strict=False)


downhill = -np.asarray(gradient(start))
found = search(start, downhill)
along = jax.jit(jax.vmap(lambda distance: loss(start + distance * downhill)))
distance, points = np.linspace(0, 0.1, 200, dtype=x.dtype), np.unique(found.brackets[:5])

# sphinx_gallery_alt = "The loss along the gradient, a parabola, with the points that five rounds of the search look at."
fig, ax = plt.subplots(figsize=(5, 3.2))
ax.plot(distance, along(distance))
ax.plot(points, along(points), "o", ms=4, alpha=0.7, color=plotting.COLOURS[1])
ax.axvline(found.minimum, color="0.6", lw=1, ls="--")
ax.set(xlabel=r"distance $\alpha$ along the gradient", ylabel="loss", title="Five rounds of the search")
plt.show()

# %%
# Ten steps
# ---------
# A step goes against the gradient (equation 6.3), here with the :math:`\alpha` that the search finds:
#
# .. math:: \phi \leftarrow \phi - \alpha\,\frac{\partial L}{\partial\phi}.
#
# Gradient, search, step, ten times over. In the library the method is an Optax transformation, ``steepest_descent``. So the
# compiled loop that runs it, ``descend``, is the same as for all optimisers of this chapter, and it can train Flax models too.

path = [start]
for _ in range(10):
    alpha = search(path[-1], -gradient(path[-1])).minimum
    path.append(path[-1] - alpha * gradient(path[-1]))

descend = jax.jit(gd.descend, static_argnums=(0, 1, 3))
searched = np.asarray(descend(gd.steepest_descent(loss), gradient, start, 60))
off = abs(np.array(path) - searched[:11]).max()
print(f"largest difference of the ten steps from the library's: {off:.0e}")

# sphinx_gallery_alt = "Eleven panels: from step to step the line turns towards the points, and the loss falls from 5.02 to 0.21."
fig, axes = plotting.panels(2, 6, size=1.55)
for step, (ax, phi) in enumerate(zip(axes.flat, searched[:11])):
    ax.plot(x_line, phi[0] + phi[1] * x_line)
    ax.plot(x, y, "o", color=plotting.DATA, ms=2)
    ax.set(title=f"step {step}: {loss(phi):.2f}", xlim=(0, 2), ylim=(0, 2), xticks=(0, 1, 2))
axes[1, 5].axis("off")
axes[0, 5].tick_params(labelbottom=True)
fig.supxlabel("input $x$", size="medium")
fig.supylabel("output $y$", size="medium")
plt.show()

# %%
# On the map of the loss the path is a staircase. Each step ends where the loss stops falling along its line, and there the next
# gradient points sideways. So each turn is a right angle, up to the precision of the search, and a valley that lies askew costs
# many turns.

phi_0, phi_1 = np.linspace(0, 2, 100, dtype=x.dtype), np.linspace(-1, 1, 100, dtype=x.dtype)
heights = np.asarray(jax.jit(gd.loss_surface, static_argnums=0)(loss, phi_0, phi_1))
best = np.asarray(lr.closed_form(x, y))
steps = np.diff(searched[:11], axis=0)
lengths = np.linalg.norm(steps, axis=1)
sines = np.sum(steps[1:] * steps[:-1], axis=1) / (lengths[1:] * lengths[:-1])
place = {"xlabel": r"intercept $\phi_0$", "xlim": (0, 2), "ylim": (1, -1), "aspect": "equal"}

# sphinx_gallery_thumbnail_number = 4
# sphinx_gallery_alt = "The loss as a map of intercept and slope: a slanting valley, and a path that goes down it as a staircase."
fig, ax = plt.subplots(figsize=(5.6, 4.8))
plotting.surface(ax, phi_0, phi_1, heights, lines=40, label="least squares loss")
plotting.paths(ax, {"ten steps": searched[:11]}, best=best, legend="lower left")
ax.set(
    ylabel=r"slope $\phi_1$",
    title=f"Right angles, within {np.degrees(np.arcsin(abs(sines).max())):.1f} degrees",
    **place,
)
plt.show()

# %%
# What if the rate were fixed?
# ----------------------------
# A search asks for the loss up to sixty times a step. Is it worth that? Here are sixty steps at each of three fixed rates, in
# blue, on the map with the search's path. A small rate turns into the valley and creeps along its floor. A larger one gets on
# faster, though it rocks from side to side at first. A rate above 2 over the largest curvature of the loss climbs the steep
# sides.

curvatures = np.linalg.eigvalsh(jax.jit(jax.hessian(loss))(best))
print(
    f"curvatures {curvatures[0]:.2f} and {curvatures[1]:.2f}: rates must stay below {2 / curvatures[1]:.4f}"
)
fixed = {
    f"rate {rate:g}": np.asarray(descend(sgd(rate), gradient, start, 60)) for rate in (0.01, 0.03, 0.041)
}

# sphinx_gallery_alt = "Three maps with the search's staircase and a fixed rate's path: one creeps, one rocks, one flies off."
fig, axes = plotting.panels(1, 3, size=3)
for ax, (name, path) in zip(axes[0], fixed.items()):
    plotting.surface(ax, phi_0, phi_1, heights, lines=40)
    plotting.paths(ax, {"line search": searched, name: path}, best=best, legend=None)
    ax.set(title=name, **place)
axes[0, 0].set(ylabel=r"slope $\phi_1$")
plt.show()

# %%
# How many steps does each need, until the loss is within 0.001 of the best line's? The search needs the fewest, but a rate of
# 0.03 only about twice as many, and each of its steps costs next to nothing. What the search saves is the trouble to find the
# rate.

above_best = jax.jit(jax.vmap(lambda phi: loss(phi) - loss(best)))

# sphinx_gallery_alt = "Loss above the best over 60 steps: line search falls fastest, then rate 0.03, then 0.01; rate 0.041 rises."
fig, ax = plt.subplots(figsize=(6.5, 3.6))
for (name, path), colour in zip({"line search": searched, **fixed}.items(), ("k", *plotting.COLOURS)):
    above = np.asarray(above_best(path))
    ax.semilogy(above, color=colour, label=name)
    print(f"{name:11}: {f'{np.argmax(above < 1e-3)} steps' if above.min() < 1e-3 else 'not in 60 steps'}")
ax.set(xlabel="step", ylabel="loss above the best line's", xlim=(0, 60), ylim=(1e-6, 1e3))
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %%
# What if the start were elsewhere?
# ---------------------------------
# The loss of a line has one valley. A hundred starts, far and near, lead into it: after fifty steps the worst of them is this far
# off.

starts = np.asarray(jax.random.uniform(jax.random.key(0), (100, 2), minval=-3, maxval=3))
ends = jax.vmap(lambda phi: descend(gd.steepest_descent(loss), gradient, phi, 50)[-1])(starts)
print(f"largest distance from the best line: {np.linalg.norm(ends - best, axis=1).max():.4f}")
