r"""
9.2 The term that nobody added
==============================

Gradient descent with a large step does not end where gradient descent with a tiny step ends, and in deep learning the large step
often generalizes better. Is there another loss for which the two would agree? There is one, very nearly: the loss itself plus a
term that dislikes steep places. Nobody added it; the step size did.

*In the book: section 9.2, figures 9.3 and 9.5, equations 9.6 to 9.9. Notebook 9.2.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch06_fitting import gradient_descent as gd
from udl_jax.ch06_fitting import stochastic_gradient_descent as stochastic
from udl_jax.ch09_regularization import implicit_regularization as implicit

plotting.use_book_style()

# %%
# One valley, two step sizes
# --------------------------
# The loss is a straight valley along :math:`\phi_1 = 0`, whose walls are steepest far from the origin. Everywhere on its floor the
# loss is zero, so where descent ends depends on the way it took. Ten thousand steps of 0.001 stand in for the continuous flow of
# equation 9.6; a hundred steps of 0.05 are descent as one would use it (equation 9.7):
#
# .. math:: \frac{d\boldsymbol\phi}{dt} = -\frac{\partial L}{\partial\boldsymbol\phi} \quad (9.6), \qquad
#     \boldsymbol\phi_{t+1} = \boldsymbol\phi_t - \alpha \frac{\partial L[\boldsymbol\phi_t]}{\partial\boldsymbol\phi} \quad (9.7).
#
# Ten thousand steps are one scan, compiled once. The two paths part at once and reach the floor at different places.

loss = implicit.valley_loss
start = jnp.array([-0.7, -0.75])


@functools.partial(jax.jit, static_argnames=("loss", "steps"))
def descend(loss, step_size, steps):
    """Descend by gradients that JAX finds."""
    return gd.descend(stochastic.sgd(step_size), jax.grad(loss), start, steps)


flow = np.asarray(descend(loss, 0.001, 10_000))
typical = np.asarray(descend(loss, 0.05, 100))
print(f"ends of the flow {flow[-1]} and of descent {typical[-1]}")

grid = np.arange(-0.8, 0.5, 0.01)


def draw(ax, function, paths=()):
    """Draw a surface, lines of dots for descent, a plain line for a flow."""
    surface = jax.jit(gd.loss_surface, static_argnums=0)(function, jnp.asarray(grid), jnp.asarray(grid))
    plotting.surface(ax, grid, grid, surface, label="height")
    for path, style, name in paths:
        ax.plot(
            *path.T, style, color=plotting.PATH_COLOURS[0 if "o" in style else 1], ms=3, lw=1.5, label=name
        )
    if paths:
        ax.legend(loc="lower right", labelcolor="w", facecolor="k", framealpha=0.4, frameon=True)
    ax.set(xlabel=r"$\phi_0$", ylabel=r"$\phi_1$", xlim=(-0.8, 0.49), ylim=(-0.8, 0.49))


# sphinx_gallery_alt = "A dark valley along the horizontal axis; the flow reaches it further left than descent with steps of 0.05."
fig, ax = plt.subplots(figsize=(5.6, 4.4))
draw(ax, loss, [(typical, "o-", "steps of 0.05"), (flow, "-", "steps of 0.001")])
plt.show()

# %%
# The missing term
# ----------------
# Which loss would a flow have to go down in order to arrive where descent arrives? Up to terms of higher order in the step size it
# is
#
# .. math:: \tilde{L}[\boldsymbol\phi] = L[\boldsymbol\phi]
#     + \frac{\alpha}{4} \left\| \frac{\partial L}{\partial\boldsymbol\phi} \right\|^2. \qquad (9.8)
#
# The notebook approximates all derivatives by finite differences, and for the gradient of this loss it needs differences of
# differences. With JAX equation 9.8 is two lines, and its gradient is ``jax.grad`` of a function that calls ``jax.grad``.


def modified(phi, step_size=0.05):
    """Compute equation 9.8."""
    gradient = jax.grad(loss)(phi)
    return loss(phi) + step_size / 4 * jnp.sum(gradient**2)


library = implicit.modified_loss(loss, step_size=0.05)
ours, theirs = (jax.device_get(jax.jit(jax.value_and_grad(f))(start)) for f in (modified, library))
print(f"loss {ours[0]:.6f}; the library's differs by {abs(ours[0] - theirs[0]):.0e}")
print(f"its gradient {ours[1]}; the library's differs by {np.abs(ours[1] - theirs[1]).max():.0e}")

# %%
# By hand it takes a second derivative: the gradient of the new term is half the step size times the Hessian matrix, times the
# gradient. The Hessian of a network is far too large to be written down, but its product with one vector costs no more than two
# gradients.

hessian, gradient = (np.asarray(jax.jit(f(loss))(start)) for f in (jax.hessian, jax.grad))
print(f"0.05 / 2 times H g: {0.05 / 2 * hessian @ gradient}")
print(f"what jax.grad adds: {theirs[1] - gradient}")

# %%
# The term is largest where the loss is steepest, halfway up the walls. Added to the loss, drawn for a step of 0.1 as in the
# notebook, it changes so little that one has to look at the contour lines.

# sphinx_gallery_alt = "Left, the added term, high on the steep walls at the left edge; right, the sum, almost the loss again."
fig, axes = plt.subplots(1, 2, figsize=(9, 3.7), sharey=True)
draw(axes[0], lambda phi: implicit.penalty(loss, phi, 0.1))
draw(axes[1], implicit.modified_loss(loss, 0.1))
axes[0].set(title="What a step of 0.1 adds")
axes[1].set(title="Loss and added term", ylabel="")
plt.show()

# %%
# The two paths meet
# ------------------
# Now the flow on the modified loss, again ten thousand tiny steps, against the same descent as before on the loss itself. (The
# notebook draws the surface for a step of 0.1 under these paths for 0.05; here both are for 0.05.)

new_flow = np.asarray(descend(library, 0.001, 10_000))
print(
    f"descent ends at {typical[-1, 0]:.4f}, the modified flow at {new_flow[-1, 0]:.4f}, the old one at {flow[-1, 0]:.4f}"
)

# sphinx_gallery_thumbnail_number = 3
# sphinx_gallery_alt = "The dots of descent on the loss lie on the line of the flow on the modified loss, all the way down."
fig, ax = plt.subplots(figsize=(5.6, 4.4))
draw(ax, library, [(typical, "o-", "descent on the loss"), (new_flow, "-", "flow on the modified loss")])
plt.show()

# %%
# What if the step were larger, or smaller?
# -----------------------------------------
# How good is the explanation? Compare descent with both flows at a given time, before they are all at the bottom. If only terms of
# second order are missing, half the step should leave a quarter of the distance to the modified flow, and half of the distance to
# the old one. The dotted lines have these two slopes.

TIME = 0.8
step_sizes = np.array([0.2, 0.1, 0.05, 0.025, 0.0125])


@functools.partial(jax.jit, static_argnames="steps")
def flow_until(step_size, steps=4000):
    """Flow down the loss modified for a step size, until the given time."""
    slope = jax.grad(implicit.modified_loss(loss, step_size))
    h = TIME / steps

    def midpoint(_, phi):
        return phi - h * slope(phi - h / 2 * slope(phi))

    return jax.lax.fori_loop(0, steps, midpoint, start)


ends = [np.asarray(descend(loss, a, round(TIME / a)))[-1] for a in step_sizes]
plain = [np.linalg.norm(end - flow_until(0.0)) for end in ends]
new = [np.linalg.norm(end - flow_until(a)) for end, a in zip(ends, step_sizes)]
print(f"at a step of 0.05: {plain[2]:.4f} from the flow on the loss, {new[2]:.5f} from the modified one")

# sphinx_gallery_alt = "On logarithmic axes, the distance to the old flow has slope 1, that to the modified flow slope 2."
fig, ax = plt.subplots()
for values, order, name in ((plain, 1, "flow on the loss"), (new, 2, "flow on the modified loss")):
    (line,) = ax.loglog(step_sizes, values, "o-", label=name)
    ax.loglog(step_sizes, values[-1] * (step_sizes / step_sizes[-1]) ** order, ":", color=line.get_color())
ax.set(xlabel=r"step size $\alpha$", ylabel=f"distance from descent at time {TIME}", title="One order better")
ax.set_xticks(step_sizes, [f"{a:g}" for a in step_sizes])
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# What do batches add?
# --------------------
# Stochastic gradient descent adds one more term, the variance of the gradient between batches (equation 9.9):
#
# .. math:: \tilde{L}_{SGD}[\boldsymbol\phi] = \tilde{L}_{GD}[\boldsymbol\phi] + \frac{\alpha}{4B} \sum_{b=1}^{B}
#     \left\| \frac{\partial L_b}{\partial\boldsymbol\phi} - \frac{\partial L}{\partial\boldsymbol\phi} \right\|^2.
#
# It prefers places where all batches agree. Here the valley stands at a slightly different height for each of 60 examples, and the
# examples are sorted into batches of several sizes: the smaller the batches, the more they disagree, and the larger the term.

shifts = 0.2 * np.random.default_rng(0).normal(size=60).astype(np.float32)


@jax.jit
def added_term(batches):
    """Compute the new term of equation 9.9 at the start of the paths."""

    def mean_loss(phi, batch):
        return jnp.mean(jax.vmap(lambda shift: loss(phi - jnp.array([0.0, 1.0]) * shift))(batch))

    return implicit.stochastic_penalty(mean_loss, start, batches, step_size=0.05)


for size in (1, 5, 20, 60):
    print(f"batches of {size:2d}: added term {added_term(shifts.reshape(-1, size)):.6f}")
