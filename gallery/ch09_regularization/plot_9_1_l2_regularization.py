r"""
9.1 A rough idea of the answer
==============================

Gradient descent ends in the valley in which it starts, and most valleys of the wavelet's loss are bad. Suppose that we know one
thing more: from experience, the offset is somewhere near zero, and the frequency somewhere near 12.5. Can such a vague idea lead
the descent into the right valley, and what does it cost?

*In the book: section 9.1, figure 9.1, equations 9.2 and 9.5. Notebook 9.1.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch06_fitting import gabor
from udl_jax.ch06_fitting import gradient_descent as gd
from udl_jax.ch06_fitting import stochastic_gradient_descent as stochastic
from udl_jax.ch09_regularization import l2_regularization as l2
from udl_jax.data import toy

plotting.use_book_style()

# %%
# Descent into the wrong valley
# -----------------------------
# Data, model and loss are those of chapter 6: thirty points, a wavelet with an offset :math:`\phi_0` and a frequency
# :math:`\phi_1`, and the sum of squared differences. We start at (2.6, 8.5) and take 41 steps with a learning rate of 0.1, a
# single compiled scan.

x, y = toy.gabor_points()
grid = np.arange(-10, 10, 0.2), np.arange(2.5, 22.5, 0.2)
start = jnp.array([2.6, 8.5])
x_curve = np.linspace(-15, 15, 300)


@jax.jit
def surface(weight):
    """Compute the loss with the penalty over the grid."""
    return gd.loss_surface(lambda phi: l2.loss(phi, x, y, weight), *map(jnp.asarray, grid))


@functools.partial(jax.jit, static_argnames="steps")
def descend(start, weight, rate=0.1, steps=41):
    """Descend the loss with the penalty; a weight of zero leaves the loss as it is."""
    return gd.descend(stochastic.sgd(rate), lambda phi: l2.gradient(phi, x, y, weight), start, steps)


def draw(weight, path):
    """Draw the surface with the path, and the wavelets along it."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
    plotting.surface(left, *grid, surface(weight), label="loss")
    plotting.paths(left, {"descent": path})
    left.set(xlabel=r"offset $\phi_0$", ylabel=r"frequency $\phi_1$", xlim=(-10, 9.8), ylim=(2.5, 22.3))
    for step, shade in zip((0, 9, 41), ("0.75", plotting.COLOURS[5], plotting.COLOURS[0])):
        loss = gabor.least_squares_loss(path[step], x, y)
        right.plot(
            x_curve, gabor.predict(path[step], x_curve), color=shade, label=f"step {step}, loss {loss:.2f}"
        )
    right.plot(x, y, "o", color=plotting.DATA, ms=3)
    right.set(xlabel="input $x$", ylabel="output $y$", xlim=(-15, 15), ylim=(-1.2, 1.9))
    right.legend(ncols=2, fontsize="small")
    return fig


# sphinx_gallery_alt = "Left, a path that runs into a valley on the right of the surface; right, its last wavelet misses the data."
plain = descend(start, 0.0)
draw(0.0, plain)
plt.show()

# %%
# What we expect, as a term of the loss
# -------------------------------------
# A penalty that grows with the distance from the expected values is added to the loss. With a centre of zero this is the L2
# regularization of equation 9.5; here the centre is :math:`(0, 12.5)`, the middle of the plot:
#
# .. math:: L'[\boldsymbol\phi] = L[\boldsymbol\phi] + \lambda \bigl(\phi_0^2 + (\phi_1 - 12.5)^2\bigr),
#     \qquad \frac{\partial L'}{\partial \boldsymbol\phi} = \frac{\partial L}{\partial\boldsymbol\phi}
#     + 2\lambda \begin{bmatrix} \phi_0 \\ \phi_1 - 12.5 \end{bmatrix}.
#
# The notebook derives the gradient by hand. Here are both lines, next to the library's functions and to what ``jax.grad`` makes of
# the first line alone.

weight, centre = 0.2, jnp.array([0.0, 12.5])
loss = gabor.least_squares_loss(start, x, y) + weight * jnp.sum((start - centre) ** 2)
gradient = gabor.gradient(start, x, y) + 2 * weight * (start - centre)
print(f"loss with the penalty {loss:.4f}; the library's differs by {abs(loss - l2.loss(start, x, y)):.0e}")
for name, theirs in (("library", l2.gradient(start, x, y)), ("jax.grad", jax.grad(l2.loss)(start, x, y))):
    print(f"gradient {gradient}; that of {name} differs by {jnp.abs(gradient - theirs).max():.0e}")

# %%
# The penalty alone is a bowl, and the sum is the old surface, tilted towards the middle. Its valleys are still there, but the
# outer ones have become shallow.

# sphinx_gallery_alt = "Left, the penalty, a round bowl; right, the loss with the penalty, deepest in the middle."
penalties = gd.loss_surface(lambda phi: l2.penalty(phi, centre), *map(jnp.asarray, grid))
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for ax, heights, title in zip(
    axes, (penalties, surface(0.2)), ("The penalty", r"Loss + 0.2 $\cdot$ penalty")
):
    plotting.surface(ax, *grid, heights, label="height")
    ax.set(xlabel=r"offset $\phi_0$", ylabel=r"frequency $\phi_1$", title=title)
plt.show()

# %%
# Descent again, from the same start with the same steps. This time it reaches the valley in which the wavelet fits.

helped = descend(start, 0.2)
for name, path in (("without", plain), ("with", helped)):
    print(f"{name:7s} the penalty: loss {gabor.least_squares_loss(path[-1], x, y):.3f} at {path[-1]}")

# sphinx_gallery_thumbnail_number = 3
# sphinx_gallery_alt = "The path now runs into the hollow in the middle, and the last wavelet passes near most of the points."
draw(0.2, helped)
plt.show()

# %%
# What if the weight were smaller, or larger?
# -------------------------------------------
# With 0.01 the surface is hardly changed, and so is the path. With 1.0 the penalty has taken over: a single valley is left, and
# its lowest point is near the centre, almost whatever the data say. All paths are one ``vmap`` over the weight; the rate is
# smaller here, since a heavy penalty is steep.

weights = (0.0, 0.01, 0.2, 1.0)
paths = jax.vmap(lambda weight: descend(start, weight, 0.05, 300))(jnp.array(weights))

# sphinx_gallery_alt = "Four surfaces; the outer valleys fade as the weight grows, and from 0.2 on the path finds the middle."
fig, axes = plotting.panels(1, 4, size=2.4)
for ax, weight, path in zip(axes[0], weights, paths):
    plotting.surface(ax, *grid, surface(weight), lines=12)
    plotting.paths(ax, {"": path}, legend=None)
    ax.set(title=rf"$\lambda$ = {weight:g}", xlabel=r"offset $\phi_0$", xlim=(-10, 9.8), ylim=(2.5, 22.3))
axes[0, 0].set(ylabel=r"frequency $\phi_1$")
plt.show()

# %%
# What happens to the loss at the best minimum?
# ---------------------------------------------
# It goes up, for two reasons. The penalty itself is added, and the minimum moves towards the centre, so that the data are fitted a
# little worse: the solution is biased. Without a penalty the best minimum is not where we expected it, and this is the price.
#
# On the other hand, more starts find it. Of 400 starts all over the plot, the last column counts those that come within 0.01 of
# the best sum of loss and penalty that any of them finds.

starts = jax.random.uniform(
    jax.random.key(0), (400, 2), minval=jnp.array([-10, 2.5]), maxval=jnp.array([10, 22.5])
)


@jax.jit
@jax.vmap
def from_everywhere(weight):
    """Descend from all starts; return the ends, their losses, and these with the penalty."""
    ends = jax.vmap(lambda start: descend(start, weight, 0.02, 1000)[-1])(starts)
    losses = jax.vmap(lambda phi: gabor.least_squares_loss(phi, x, y))(ends)
    return ends, losses, jax.vmap(lambda phi: l2.loss(phi, x, y, weight))(ends)


weights = np.array([0.0, 0.01, 0.05, 0.2, 0.5, 1.0, 3.0])
ends, losses, totals = from_everywhere(jnp.asarray(weights))
best = np.argmin(totals, axis=1)
found = 100 * np.mean(totals < totals.min(axis=1, keepdims=True) + 0.01, axis=1)
for i, weight in enumerate(weights):
    place, fit, total = ends[i, best[i]], losses[i, best[i]], totals[i, best[i]]
    print(
        f"weight {weight:4.2f}: best at ({place[0]:.2f}, {place[1]:.2f}), fit {fit:.2f}, with penalty {total:.2f}, "
        f"found by {found[i]:.0f} % of starts"
    )

# sphinx_gallery_alt = "As the weight grows, the loss at the best minimum rises, and more of the starts find it."
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2))
names = [f"{weight:g}" for weight in weights]
left.plot(names, losses[np.arange(7), best], "o-", label="fit to the data")
left.plot(names, totals.min(axis=1), "o--", label="with the penalty")
left.set(xlabel=r"weight $\lambda$", ylabel="loss at the best minimum", ylim=(0, None))
left.legend()
right.plot(names, found, "o-", color=plotting.COLOURS[2])
right.set(xlabel=r"weight $\lambda$", ylabel="starts that find it (%)", ylim=(0, 105))
plt.show()
