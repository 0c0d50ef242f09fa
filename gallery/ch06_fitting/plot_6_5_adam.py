r"""
6.5 The same step in every direction
====================================

A valley that is steep across and nearly flat along has no good learning rate: what is right for one direction is hopeless for the
other. Adam gives each parameter a step of its own. How does it decide, and what does plain gradient descent do when its steps are
too large for the valley?

*In the book: section 6.4, figure 6.9. Notebook 6.5.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch06_fitting import adam
from udl_jax.ch06_fitting import gradient_descent as gd
from udl_jax.ch06_fitting.stochastic_gradient_descent import sgd

plotting.use_book_style()

# %%
# Too slow, or out of control
# ---------------------------
# The loss is a Gaussian dip, four times as wide along :math:`\phi_0` as across:
#
# .. math:: L[\phi] = 1 - \exp\left[-2\phi_1^2\right]\exp\left[-\tfrac{1}{8}(\phi_0-0.7)^2\right].
#
# So the curvature across is sixteen times as large. From (-0.7, -0.9), gradient descent takes 200 steps at a rate of 0.08, or 40
# at a rate of 1. The small rate creeps along the valley's floor. The large one moves on quickly along it, but across it never
# comes to rest.

grid = np.linspace(-1, 1, 81, dtype="float32")
loss = jax.jit(adam.valley_loss)
gradient = jax.jit(adam.valley_gradient)
heights = jax.jit(gd.loss_surface, static_argnums=0)(loss, grid, grid)
start, bottom = np.array([-0.7, -0.9], grid.dtype), np.array([0.7, 0.0], grid.dtype)


def path(optimiser, steps, start=start):
    return gd.descend(optimiser, adam.valley_gradient, start, steps)


def show(paths):
    axes = plotting.panels(1, len(paths), size=3.1)[1]
    for ax, (name, points) in zip(axes[0], paths.items()):
        plotting.surface(ax, grid, grid, heights)
        plotting.paths(ax, {name: points}, best=bottom, legend=None)
        ax.set(xlabel=r"$\phi_0$", title=f"{name}: loss {loss(points[-1]):.4f}")
    axes[0, 0].set(ylabel=r"$\phi_1$")
    plt.show()


# sphinx_gallery_alt = "Two paths in a valley: a small rate stays on its floor, a large one zigzags from side to side."
show({r"200 steps, $\alpha = 0.08$": path(sgd(0.08), 200), r"40 steps, $\alpha = 1$": path(sgd(1.0), 40)})

# %%
# The notebook measures its gradients by finite differences over :math:`10^{-5}`. That works in double precision. In float32,
# which is the default here, rounding leaves two digits of them, so this page takes the derivative by hand.

differences = gd.finite_differences(adam.valley_loss, start, delta=1e-5, central=True)
print(f"by hand             {gradient(start)}")
print(f"finite differences  {differences}")

# %%
# Only the direction counts
# -------------------------
# So forget the size of the gradient and keep its sign, separately for each parameter: divide it by the root of its own square.
# With :math:`\mathbf{m}` for the gradient and :math:`\mathbf{v}` for its square (equation 6.13), a step is (equation 6.14)
#
# .. math:: \phi_{t+1} \leftarrow \phi_t - \alpha\,\frac{\mathbf{m}_{t+1}}{\sqrt{\mathbf{v}_{t+1}}+\epsilon}.
#
# Each step goes 0.08 to the left or right and 0.08 up or down. The path gets near the bottom in under twenty steps, and from then
# on hops to and fro across it. Adam takes running averages of both (equation 6.15), corrects them for having started from zero
# (6.16), and divides one by the other (6.17):
#
# .. math::
#    \mathbf{m}_{t+1} &\leftarrow \beta\,\mathbf{m}_t+(1-\beta)\,\frac{\partial L[\phi_t]}{\partial\phi}, \qquad
#    \mathbf{v}_{t+1} \leftarrow \gamma\,\mathbf{v}_t+(1-\gamma)\left(\frac{\partial L[\phi_t]}{\partial\phi}\right)^2,\\
#    \tilde{\mathbf{m}}_{t+1} &\leftarrow \frac{\mathbf{m}_{t+1}}{1-\beta^{t+1}}, \qquad
#    \tilde{\mathbf{v}}_{t+1} \leftarrow \frac{\mathbf{v}_{t+1}}{1-\gamma^{t+1}},\\
#    \phi_{t+1} &\leftarrow \phi_t - \alpha\,\frac{\tilde{\mathbf{m}}_{t+1}}{\sqrt{\tilde{\mathbf{v}}_{t+1}}+\epsilon}.
#
# Where the gradient keeps changing its sign, its average shrinks, and the steps with it.

alpha, beta, gamma, epsilon = 0.05, 0.9, 0.99, 1e-20
phi, m, v, on_page = start, 0 * start, 0 * start, [start]
for t in range(60):
    m = beta * m + (1 - beta) * np.asarray(gradient(phi))
    v = gamma * v + (1 - gamma) * np.asarray(gradient(phi)) ** 2
    m_tilde = m / (1 - beta ** (t + 1))
    v_tilde = v / (1 - gamma ** (t + 1))
    phi = phi - alpha * m_tilde / (np.sqrt(v_tilde) + epsilon)
    on_page.append(phi)
by_adam = np.asarray(path(adam.adam(0.05), 60))
print(f"largest difference from the library's path: {abs(np.array(on_page) - by_adam).max():.0e}")

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Left, a path of equal diagonal steps that hops at the bottom; right, Adam's smooth one that curls into it."
show({"40 normalised steps": path(adam.normalised_gradients(0.08), 40), "60 steps of Adam": by_adam})

# %%
# All four at once, on the same clock. After sixty steps the small rate is still on its way along the floor, while Adam and the
# normalised steps have arrived:

# sphinx_gallery_alt = "Four paths from one start: a slow one, a wild zigzag, a diagonal one, and Adam's, which turns back."
fig, ax = plt.subplots(figsize=(4.6, 4.6), dpi=80)
plotting.surface(ax, grid, grid, heights)
ax.set(xlabel=r"$\phi_0$", ylabel=r"$\phi_1$", xticks=(-1, -0.5, 0, 0.5))
racers = {
    r"descent, $\alpha = 0.08$": path(sgd(0.08), 60),
    r"descent, $\alpha = 1$": path(sgd(1.0), 60),
    "normalised": path(adam.normalised_gradients(0.08), 60),
    "Adam": by_adam,
}
animation = plotting.animate_paths(ax, racers, best=bottom, legend="lower right")
plt.show()

# %%
# What if the settings were different?
# ------------------------------------
# How far from the bottom is Adam after how many steps? On the left for other rates: the larger ones get near sooner, and then
# swing about like the rest. On the right for other values of :math:`\beta`, at the notebook's rate. This valley has no noise to
# average away, and yet some memory helps: a :math:`\beta` of 0.5 or 0.7 beats none at all. The usual 0.9 is too much here, as it
# keeps overshooting.


@jax.jit
@jax.vmap
def distances(rate, beta):
    """Measure the distance from the bottom after each of 300 steps."""
    return jnp.linalg.norm(path(adam.adam(rate, beta), 300) - bottom, axis=1)


rates, betas = (
    np.array([0.02, 0.05, 0.1, 0.2], grid.dtype),
    np.array([0, 0.3, 0.5, 0.7, 0.9, 0.99], grid.dtype),
)
by_rate, by_beta = distances(rates, np.full_like(rates, 0.9)), distances(np.full_like(betas, 0.05), betas)
print(
    "steps to 0.1:  ", {f"alpha {rate:g}": int(np.argmax(away < 0.1)) for rate, away in zip(rates, by_rate)}
)
reached = {
    f"beta {beta:g}": int(np.argmax(away < 1e-3)) or "not in 300" for beta, away in zip(betas, by_beta)
}
print("steps to 0.001:", reached)

# sphinx_gallery_alt = "Distance from the bottom over 120 steps, for four rates and six values of beta: 0.5 and 0.7 fall fastest."
fig, axes = plotting.panels(1, 2, size=3.4)
for ax, symbol, values, curves in (
    (axes[0, 0], r"\alpha", rates, by_rate),
    (axes[0, 1], r"\beta", betas, by_beta),
):
    for value, away in zip(values, curves):
        ax.semilogy(away, label=rf"${symbol} = {value:g}$")
    ax.set(xlabel="step", xlim=(0, 120), ylim=(1e-4, 4))
    ax.legend(loc="lower left", fontsize=8)
axes[0, 0].set(ylabel="distance from the bottom")
plt.show()

# %%
# What if the averages were not corrected?
# ----------------------------------------
# The notebook says that equation 6.16 is there so that progress is not slow at first. Each average on its own would indeed be too
# small. But Adam takes their quotient, and the root of the squares is short by more: down a steady slope, the uncorrected steps
# are too *long*, and all the more for the :math:`\gamma = 0.999` that is the default elsewhere.

# sphinx_gallery_alt = "Length of Adam's steps down a slope: 1 when corrected, up to 2 and more than 6 when not."
fig, ax = plt.subplots(figsize=(5.5, 3.4))
for gamma, corrected, colour in ((0.99, False, "C0"), (0.999, False, "C1"), (0.99, True, "k")):
    optimiser = adam.adam(1.0, gamma=gamma, corrected=corrected)
    lengths = -np.diff(gd.descend(optimiser, jnp.ones_like, np.zeros(1, grid.dtype), 60)[:, 0])
    name = "corrected" if corrected else rf"uncorrected, $\gamma = {gamma}$"
    ax.plot(range(1, 61), lengths, color=colour, label=f"{name}: up to {lengths.max():.1f}")
ax.set(xlabel="step", ylabel=r"length of the step, in units of $\alpha$", xlim=(1, 60), ylim=(0, 9))
ax.legend()
plt.show()

# %%
# Why the large steps never settle
# --------------------------------
# Back to gradient descent at a rate of 1. Across the valley the curvature at the bottom is 4, so any rate above 2/4 is unstable;
# but the walls level off, so the path does not fly away either. What does it do? For 1,500 rates at once, run 600 steps and plot
# where the last 100 of them were (and their mirror images, which the mirrored start would give). Up to 0.5 all is well. Then the
# path hops between two points, then between four, and then it turns to chaos, with windows of order in between. The sign of chaos
# is that neighbours part: on average, a step across the valley multiplies a small distance by more than 1.

rates = np.linspace(0.3, 1.5, 1500, dtype=grid.dtype)
tails = np.asarray(jax.jit(jax.vmap(lambda rate: path(sgd(rate), 600)[-400:, 1]))(rates))
slopes = abs(1 - 4 * rates[:, None] * (1 - 4 * tails**2) * np.exp(-2 * tails**2))
chaotic = np.log(np.maximum(slopes, 1e-9)).mean(1) > 0.05
neighbour = np.nextafter(start, np.ones(2, grid.dtype))
apart = np.linalg.norm(path(sgd(1.0), 120) - path(sgd(1.0), 120, neighbour), axis=1)
print(f"chaos begins at a rate of {rates[chaotic][0]:.2f}")
growth = (apart[40] / apart[10]) ** (1 / 30)
print(f"the distance on the right grows {growth:.1f} times at each step from the tenth to the fortieth")

# sphinx_gallery_alt = "Left, places over rates: one line splits into two, four and a cloud; right, two neighbours part."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), width_ratios=(1.5, 1))
for mirrored in (tails[:, -100:], -tails[:, -100:]):
    left.plot(np.repeat(rates, 100), mirrored.ravel(), ",", color="C0", alpha=0.2, rasterized=True)
left.axvline(1, color="C1", lw=1)
left.set(
    xlabel=r"learning rate $\alpha$",
    ylabel=r"where $\phi_1$ goes",
    xlim=(0.3, 1.5),
    title="From rest to chaos",
)
right.semilogy(apart, color="C1")
right.set(
    xlabel="step", ylabel="distance between two paths", xlim=(0, 120), title=r"Two neighbours at $\alpha = 1$"
)
plt.show()

# %%
# On the right, two paths at a rate of 1 whose starts differ in the last bit. Their distance grows until it is as large as the
# valley. So two computers that round differently need not agree on this path for long, though both are right.
