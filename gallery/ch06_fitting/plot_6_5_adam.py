r"""
6.5 The same step in every direction
====================================

A valley that is steep across and nearly flat along has no good learning rate: what is right for one direction is hopeless for the
other. Adam gives each parameter a step of its own. This page takes it apart, and finds chaos in plain gradient descent on the way.

*In the book: section 6.4, figure 6.9. Notebook 6.5.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

from udl_jax import plotting
from udl_jax.ch06_fitting import adam
from udl_jax.ch06_fitting import gradient_descent as gd
from udl_jax.ch06_fitting.stochastic_gradient_descent import sgd

plotting.use_book_style()

# %%
# Too slow, or out of control
# ---------------------------
# The loss is a Gaussian dip, four times as wide along :math:`\phi_0` as across, so the curvature across is sixteen times as large.
# From (-0.7, -0.9), gradient descent takes 200 steps at a rate of 0.08, or 40 at a rate of 1. The small rate creeps along the
# valley's floor. The large one moves on quickly along it, but across it never comes to rest.

grid = jnp.linspace(-1, 1, 81)
heights = gd.loss_surface(adam.valley_loss, grid, grid)
start = jnp.array([-0.7, -0.9])
bottom = (0.7, 0.0)


def path(optimiser, steps, start=start):
    """Follow an optimiser down the valley."""
    return gd.descend(optimiser, adam.valley_gradient, start, steps)


def show(paths):
    """Draw paths side by side on the surface."""
    axes = plotting.panels(1, len(paths), size=3.1)[1]
    for ax, (name, points) in zip(axes[0], paths.items()):
        plotting.surface(ax, grid, grid, heights)
        plotting.paths(ax, {name: points}, best=bottom, legend=None)
        ax.set(xlabel=r"$\phi_0$", title=f"{name}: loss {adam.valley_loss(points[-1]):.4f}")
    axes[0, 0].set(ylabel=r"$\phi_1$")
    plt.show()


show({r"200 steps, $\alpha = 0.08$": path(sgd(0.08), 200), r"40 steps, $\alpha = 1$": path(sgd(1.0), 40)})

# %%
# The notebook measures its gradients by finite differences over :math:`10^{-5}`. That works in double precision. In float32, which
# is the default here, two losses so close by often differ in nothing but rounding, so this page takes the derivative by hand.

differences = gd.finite_differences(adam.valley_loss, start, delta=1e-5, central=True)
print(f"by hand             {adam.valley_gradient(start)}")
print(f"finite differences  {differences}")

# %%
# Only the direction counts
# -------------------------
# So forget the size of the gradient and keep its sign, for each parameter apart (equations 6.13 and 6.14): divide it by the root
# of its own square. Every step then goes 0.08 to the left or right and 0.08 up or down. It gets near the bottom in twenty steps,
# and hops around it for ever. Adam (equations 6.15 to 6.17) divides one running average by another, and comes to rest.

# sphinx_gallery_thumbnail_number = 2
show(
    {
        "40 normalised steps": path(adam.normalised_gradients(0.08), 40),
        "60 steps of Adam": path(adam.adam(0.05), 60),
    }
)

# %%
# All four at once, on the same clock:

fig, ax = plt.subplots(figsize=(4.6, 4.6), dpi=80)
plotting.surface(ax, grid, grid, heights)
ax.set(xlabel=r"$\phi_0$", ylabel=r"$\phi_1$")
racers = {
    r"descent, $\alpha = 0.08$": path(sgd(0.08), 60),
    r"descent, $\alpha = 1$": path(sgd(1.0), 60),
    "normalised": path(adam.normalised_gradients(0.08), 60),
    "Adam": path(adam.adam(0.05), 60),
}
ax.set_xticks((-1, -0.5, 0, 0.5))
animation = plotting.animate_paths(ax, racers, best=bottom, legend="lower right")
plt.show()

# %%
# What if the settings were others?
# ---------------------------------
# How far from the bottom is Adam after how many steps? On the left for other rates: the larger ones get near sooner, and then
# swing about like the rest. On the right for other values of :math:`\beta`, at the notebook's rate: this valley has no noise to
# average away, so a shorter memory comes to rest sooner, and a longer one keeps overshooting.


def distances(optimiser):
    """Measure the distance from the bottom after each of 120 steps."""
    return jnp.linalg.norm(path(optimiser, 120) - jnp.array(bottom), axis=1)


fig, axes = plotting.panels(1, 2, size=3.2)
for rate in (0.02, 0.05, 0.1, 0.2):
    axes[0, 0].semilogy(distances(adam.adam(rate)), label=rf"$\alpha = {rate}$")
for beta in (0.0, 0.5, 0.9, 0.99):
    axes[0, 1].semilogy(distances(adam.adam(0.05, beta)), label=rf"$\beta = {beta}$")
for ax in axes[0]:
    ax.set(xlabel="step", xlim=(0, 120), ylim=(1e-4, 4))
    ax.legend(loc="lower left")
axes[0, 0].set(ylabel="distance from the bottom")
plt.show()

# %%
# What if the averages were not corrected?
# ----------------------------------------
# The notebook says that equation 6.16 is there so that progress is not slow at first. Each average on its own would indeed be too
# small. But Adam takes their quotient, and the root of the squares is short by more: down a steady slope, the uncorrected steps
# are too *long*, twice for the book's :math:`\gamma = 0.99`, six times for the 0.999 that is the default elsewhere.

fig, ax = plt.subplots(figsize=(5.5, 3.4))
for gamma in (0.99, 0.999):
    points = gd.descend(adam.adam(1.0, gamma=gamma, corrected=False), jnp.ones_like, jnp.zeros(1), 60)
    ax.plot(range(1, 61), -jnp.diff(points[:, 0]), label=rf"uncorrected, $\gamma = {gamma}$")
points = gd.descend(adam.adam(1.0), jnp.ones_like, jnp.zeros(1), 60)
ax.plot(range(1, 61), -jnp.diff(points[:, 0]), color="k", label="corrected")
ax.set(xlabel="step", ylabel=r"length of the step, in units of $\alpha$", xlim=(1, 60), ylim=(0, 7))
ax.set_title("Down a steady slope")
ax.legend()
plt.show()

# %%
# Why the large steps never settle
# --------------------------------
# Back to gradient descent at a rate of 1. Across the valley the curvature at the bottom is 4, so any rate above 2/4 is unstable;
# but the walls level off, so the path does not fly away either. What does it do? For 1,500 rates at once, run 600 steps and plot
# where the last 100 of them were (and their mirror images, which the mirrored start would give). Up to 0.5 all is well. Then the
# path hops between two points, then between more and more, and from about 0.97 on it is chaos, with windows of order in between.

rates = jnp.linspace(0.3, 1.5, 1500)
tails = jax.vmap(lambda rate: path(sgd(rate), 600)[-100:, 1])(rates)

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), width_ratios=(1.5, 1))
for mirrored in (tails, -tails):
    left.plot(
        jnp.repeat(rates, 100), mirrored.ravel(), ",", color=plotting.COLOURS[0], alpha=0.2, rasterized=True
    )
left.axvline(1, color=plotting.COLOURS[1], lw=1)
left.set(
    xlabel=r"learning rate $\alpha$",
    ylabel=r"where $\phi_1$ goes",
    xlim=(0.3, 1.5),
    title="From rest to chaos",
)

neighbour = jnp.nextafter(start, jnp.inf)
apart = jnp.linalg.norm(path(sgd(1.0), 120) - path(sgd(1.0), 120, neighbour), axis=1)
right.semilogy(apart, color=plotting.COLOURS[1])
right.set(
    xlabel="step", ylabel="distance of two paths", xlim=(0, 120), title=r"Two neighbours at $\alpha = 1$"
)
plt.show()

# %%
# On the right, two paths at a rate of 1 whose starts differ in the last bit. Their distance grows by about half at every step,
# until it is as large as the valley. So no two computers need agree on this path: our parity test compares it with the notebook's
# by the distance that the notebook's own code has from such a neighbour. Adam's path agrees to eleven digits.
