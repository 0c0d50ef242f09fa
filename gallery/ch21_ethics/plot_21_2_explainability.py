r"""
21.2 Why was I refused?
=======================

A model that nobody understands has refused a loan. What can one say to the person who asks why? Vary one input; put a simple model
in the place of the complicated one, near this person; follow the gradient; share out the score among the inputs; look for the
smallest change that helps. Do these answers agree, and how far can one trust them?

*In the book: section 21.1.4, figure 21.3. Notebook 21.2.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch21_ethics import attributions, black_box, explainability

plotting.use_book_style()

# %%
# A black box
# -----------
# Ten bumps :math:`b_0, \dots, b_9` stand in the space of four inputs. The score walks from each bump to the next in a hundred
# steps, adds what it finds, a share :math:`\omega` of the one and the rest of the other, and clips the sum after every step:
#
# .. math:: y \leftarrow \text{clip}\bigl[y + \omega\,b_i[\mathbf{x}] + (1-\omega)\,b_{i+1}[\mathbf{x}],\,-10,\,10\bigr].
#
# Score below zero, no loan. Here are these steps in NumPy for a thousand random points, beside the library's, which computes the
# bumps once and makes the steps in a ``lax.scan``. (The notebook has the shares swapped: a walk that should begin at bump
# :math:`i` finds most of bump :math:`i+1` there. That changes the numbers, so we keep it.)

model = black_box.book_black_box()
predict, unclipped = (functools.partial(f, model) for f in (black_box.score, black_box.unclipped_score))
points = np.random.default_rng(0).uniform(size=(1000, 4)).astype(np.float32)
heights = np.asarray(jax.jit(black_box.bumps)(model, points))
y = np.zeros(len(points), np.float32)
for t in np.arange(0, 9, 0.01):
    i, share = int(t), t - int(t)
    y = np.clip(y + share * heights[:, i] + (1 - share) * heights[:, i + 1], -10, 10)
scores, at_once = (
    np.asarray(jax.jit(f)(model, points)) for f in (black_box.score, black_box.unclipped_score)
)
print(f"largest difference from the library: {np.abs(y - scores).max():.0e}")

# %%
# Without the clip this would be one weighted sum of ten bumps, ninety times cheaper. It is tempting to compute that and clip at the
# end. But for a good part of all points a sum on the way is clipped, and what was cut off is missing ever after.

wrong = np.abs(scores - at_once) > 1e-3
print(
    f"a clip binds for {wrong.mean():.0%} of the points; there the sum is wrong by up to {np.abs(scores - at_once).max():.1f},"
)
print(f"and by up to {np.abs(scores - np.clip(at_once, -10, 10)).max():.1f} if it is clipped at the end")

# %%
# Two inputs at a time
# --------------------
# All one can draw of a function of four inputs is a slice: two inputs vary, two stand still. The white line is where the decision
# changes. Two slices already show islands and bays, and there are endlessly many other slices.

grid = np.arange(0, 1, 0.01, dtype=np.float32)
cut = jax.jit(functools.partial(explainability.slice_2d, predict), static_argnums=(1, 2))

# sphinx_gallery_alt = "Two heat maps of the score, each with an island or a bay of high scores inside a white boundary."
fig, axes = plt.subplots(1, 2, figsize=(9.4, 4))
for ax, (rest, across, up) in zip(axes, (((0, 0, 0.2, 0.9), 0, 1), ((0.3, 0, 0.2, 0), 1, 3))):
    plotting.surface(
        ax, grid, grid, cut(jnp.array(rest), across, up, grid), limits=(-10, 10), lines=[], label="score"
    )
    ax.contour(grid, grid, cut(jnp.array(rest), across, up, grid), [0], colors="w", linewidths=2)
    fixed = ", ".join(f"$x_{k} = {rest[k]}$" for k in range(4) if k not in (across, up))
    ax.set(xlabel=f"$x_{across}$", ylabel=f"$x_{up}$", title=f"Slice at {fixed}", aspect="equal")
plt.show()

# %%
# One input at a time
# -------------------
# Now for the customer with inputs 0.3, 0.8, 0.6 and 0.3. Individual conditional expectation (ICE) asks what the score would be if a
# single input were another. Partial dependence is the mean of such curves over many people. The mean curves advise to lower
# :math:`x_0`; this customer gains most by lowering :math:`x_2` (the notebook counts from one and calls it :math:`x_3`). The kink in
# the first curve is where a clip on the way begins to bind.

x = jnp.array([0.3, 0.8, 0.6, 0.3])
fine = np.arange(0, 1, 0.001, dtype=np.float32)
ice = jax.jit(explainability.individual_expectation, static_argnums=(0, 2))
dependence = jax.jit(explainability.partial_dependence, static_argnums=(0, 2))
curves = np.array([ice(predict, x, k, fine) for k in range(4)])
means = np.array([dependence(predict, points[:200], k, grid) for k in range(4)])
binds = np.abs(curves[0] - ice(unclipped, x, 0, fine)) > 1e-3
print(f"the score is {predict(x):.3f}: refused; a clip binds from x0 = {fine[binds][0]:.2f} on")
print("best with one input changed:", curves.max(axis=1).round(2), "mean curves:", means.max(axis=1).round(2))

# sphinx_gallery_alt = "Four curves of the score over one input each, with the customer's dot below zero, and dashed mean curves."
fig, axes = plt.subplots(1, 4, figsize=(9.6, 2.8), sharey=True)
for k, ax in enumerate(axes):
    ax.plot(fine, curves[k], label="this customer")
    ax.plot(grid, means[k], "--", label="mean of 200")
    ax.plot(x[k], predict(x), "o", color=plotting.COLOURS[0])
    ax.axhline(0, color="k", ls=":", lw=1)
    ax.set(xlabel=f"$x_{k}$", xlim=(0, 1), ylim=(-10, 10))
axes[0].set_ylabel("score")
axes[0].legend(fontsize="small", loc="upper right")
plt.show()

# %%
# A simple model nearby
# ---------------------
# LIME draws points near the customer, asks the black box about each, and fits a linear model to the answers:
#
# .. math:: \beta_0, \boldsymbol\phi = \underset{\beta_0, \boldsymbol\phi}{\text{argmin}} \sum_i w_i
#     \bigl(\text{f}[\mathbf{x}_i] - \beta_0 - \boldsymbol\phi^T\mathbf{x}_i\bigr)^2.
#
# In the notebook all weights :math:`w_i` are one. If we may look inside, there is a shorter way: ``jax.grad`` gives the slopes
# at the very point, in one line and without any draws.

noise = np.random.default_rng(1).uniform(-0.05, 0.05, (100, 4)).astype(np.float32)
columns = np.column_stack([np.ones(100), x + noise])
by_hand = np.linalg.lstsq(columns, np.asarray(predict(x + noise)), rcond=None)[0]
fit = jax.jit(functools.partial(explainability.lime, predict))(x, noise)
slopes = np.asarray(jax.jit(jax.grad(predict))(x))
off = np.abs(by_hand[1:] - fit.slopes).max()
print(f"least squares by hand is off by {off:.0e}; R squared {fit.explained:.3f}")
print("LIME:     ", np.asarray(fit.slopes).round(2))
print("jax.grad: ", slopes.round(2))
off = np.abs(fit.slopes - slopes).max() / np.abs(slopes).max()
print(f"largest difference: {off:.1%} of the largest slope")

# %%
# In the plane of :math:`x_0` and :math:`x_1` one sees what the linear model says and what it does not. It has the slope right where
# the samples are. Its own boundary is already a little off, and farther away it knows nothing of the bends.

plane = np.asarray(cut(x, 0, 1, grid))
flat = fit.intercept + fit.slopes[0] * grid + fit.slopes[1] * grid[:, None] + fit.slopes[2:] @ x[2:]

# sphinx_gallery_thumbnail_number = 3
# sphinx_gallery_alt = "A heat map with a cloud of samples, the bent boundary, and the linear model's straight one."
fig, ax = plt.subplots(figsize=(5.6, 4.4))
plotting.surface(ax, grid, grid, plane, limits=(-10, 10), lines=[], label="score")
ax.contour(grid, grid, plane, [0], colors="w", linewidths=2)
ax.contour(grid, grid, np.asarray(flat), [0], colors=plotting.COLOURS[5], linestyles="dashed", linewidths=2)
ax.plot(*(x + noise)[:, :2].T, ".", ms=2, color=plotting.COLOURS[2])
ax.plot([], [], "--", color=plotting.COLOURS[5], label="boundary of the linear model")
ax.plot([], [], ".", color=plotting.COLOURS[2], label="samples")
ax.set(xlabel="$x_0$", ylabel="$x_1$", aspect="equal", title="Slice through the customer")
ax.legend(fontsize="small", loc="lower right", labelcolor="w")
plt.show()

# %%
# How stable is it?
# -----------------
# Somebody who asks again gets other draws and other slopes. We ask 200 times, in one ``vmap`` over keys, for five radii; and with
# weights that fall with the distance (their width is half the radius), as the notebook's last sentence suggests. A small radius
# gives nearly the gradient, every time. A large one gives the trend of a wider neighbourhood, which is something else. Weights
# bring the slopes nearer to the gradient and let them scatter more, since fewer samples count.

radii, keys = np.array([0.05, 0.1, 0.2, 0.3, 0.5], np.float32), jax.random.split(jax.random.key(0), 200)


def ask(key, radius, width=None):
    """Fit a linear model to 100 new samples."""
    return explainability.sample_lime(key, predict, x, 100, radius, width)


plain = jax.jit(jax.vmap(jax.vmap(ask, (0, None)), (None, 0)))(keys, radii)
weighted = jax.jit(jax.vmap(jax.vmap(ask, (0, None, None)), (None, 0, 0)))(keys, radii, radii / 2)

# sphinx_gallery_alt = "Four panels of slopes over the radius with error bars: they start on the gradient's line and drift away."
fig, axes = plt.subplots(1, 4, figsize=(9.6, 2.9))
for k, ax in enumerate(axes):
    for found, shift, name in ((plain, -0.006, "all weights one"), (weighted, 0.006, "weighted")):
        middle, spread = np.asarray(found.slopes[..., k].mean(1)), np.asarray(found.slopes[..., k].std(1))
        ax.errorbar(radii + shift, middle, 2 * spread, fmt="o", ms=3, label=name)
    ax.axhline(slopes[k], color="k", ls="--", lw=1, label="gradient")
    ax.set(xlabel="radius", title=f"slope in $x_{k}$", xlim=(0, 0.55))
axes[0].legend(fontsize="small", loc="upper left")
plt.show()
print("R squared by radius:", np.asarray(plain.explained.mean(1)).round(2))

# %%
# Who contributed what?
# ---------------------
# Shapley values share out the difference between the customer's score and the mean of 200 people. Let the inputs become known one
# after the other, in every possible order; an input's value is the mean of what it adds. With four inputs there are 16 subsets, so
# no sampling is needed. They answer another question than slopes do: not what a small change would do, but what it did to be this
# customer rather than an average one.

shares = np.asarray(jax.jit(functools.partial(attributions.shapley, predict))(x, points[:200]))
average = np.asarray(predict(points[:200])).mean()
total, apart = shares.sum(), predict(x) - average
print("Shapley values:", shares.round(2), f"sum {total:.3f}, score minus mean {apart:.3f}")

# %%
# What would have helped?
# -----------------------
# A counterfactual is a point nearby with the other decision. We follow the gradient in small steps until the score is zero, along
# the inputs that the customer can change. What if some of them, say age, cannot change?

move = jax.jit(lambda free: attributions.counterfactual(predict, x, changeable=free))
ways = {"all": (1, 1, 1, 1), "all but x0": (0, 1, 1, 1), "x0 and x2": (1, 0, 1, 0), "only x3": (0, 0, 0, 1)}
for name, free in ways.items():
    found = move(np.array(free, bool))
    told = (
        f"distance {np.linalg.norm(found.x - x):.3f}"
        if found.reached
        else f"score {found.score:.3f}, refused"
    )
    print(f"{name:10} may change: {np.asarray(found.x).round(2)}, {told}")

# %%
# The answers differ because the questions do. Slopes say what a little change would do, and that :math:`x_0` should fall and
# :math:`x_1` rise. Shapley values say that :math:`x_0` has helped this customer, compared with others; it should fall all the
# same. The counterfactual also lowers :math:`x_2`, whose slope is small at the customer and grows on the way. And with :math:`x_3`
# alone there is no way at all, which no slope has told.
