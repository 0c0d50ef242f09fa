r"""
6.3 What noise is good for
==========================

Gradient descent ends in the first hollow that it comes to. Stochastic gradient descent looks at five examples at a time, so its
gradients are wrong, each in another way. Why would anyone prefer that? Because on a loss with many hollows, a path that trembles
can get out of the wrong ones. How often does it?

*In the book: sections 6.1.2 and 6.2, figures 6.2 to 6.5. Notebook 6.3.*
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
from udl_jax.data import toy

plotting.use_book_style()

# %%
# A wavelet for thirty points
# ---------------------------
# The Gabor model is a sine under a bell (equation 6.8), and its loss the sum of the squared errors (equation 6.9):
#
# .. math::
#    \text{f}[x,\phi] = \sin[z]\,\exp\left[-\frac{z^2}{32}\right],\quad z = \phi_0+0.06\,\phi_1 x,
#    \qquad L[\phi] = \sum_{i=1}^I (\text{f}[x_i,\phi]-y_i)^2.
#
# Both parameters act through :math:`z` alone, whose derivatives are 1 and :math:`0.06\,x`, so the chain rule needs one of the
# wavelet:
#
# .. math:: \frac{\partial\text{f}}{\partial z} = \left(\cos[z]-\frac{z}{16}\sin[z]\right)\exp\left[-\frac{z^2}{32}\right].
#
# The offset :math:`\phi_0` shifts the wavelet, the frequency :math:`\phi_1` squeezes it. At (0.6, -0.2) the notebook expects a
# loss of 16.419. Below are its first try, at (-5, 25), and the best fit there is.

x, y = toy.gabor_points()
loss = jax.jit(functools.partial(gabor.least_squares_loss, x=x, y=y))
gradient = jax.jit(functools.partial(gabor.gradient, x=x, y=y))

phi = np.array([0.6, -0.2], x.dtype)
z = phi[0] + 0.06 * phi[1] * x
rest = jnp.sin(z) * jnp.exp(-(z**2) / 32) - y
by_z = 2 * rest * (jnp.cos(z) - z / 16 * jnp.sin(z)) * jnp.exp(-(z**2) / 32)
print(f"loss {jnp.sum(rest**2):.3f}, the library's {loss(phi):.3f}")
found = {"on this page": jnp.stack([jnp.sum(by_z), jnp.sum(by_z * 0.06 * x)])}
found |= {"in the library, by hand": gradient(phi), "by jax.grad": jax.grad(loss)(phi)}
print("\n".join(f"gradient {name:<24}({at[0]:.3f}, {at[1]:.3f})" for name, at in found.items()))

x_curve = np.linspace(-15, 15, 300)
descend = jax.jit(gd.descend, static_argnums=(0, 1, 3))


def draw_wavelets(figure, *rows):
    """Draw the data and wavelets, a row of panels for each of several dicts from names to parameters."""
    axes = figure.subplots(len(rows), len(rows[0]), sharex=True, sharey=True, squeeze=False)
    for row, phis in zip(axes, rows):
        for ax, (name, phi) in zip(row, phis.items()):
            ax.plot(x_curve, jax.jit(gabor.predict)(phi, x_curve), lw=1.4)
            ax.plot(x, y, "o", color=plotting.DATA, ms=2.5)
            ax.set(xlim=(-15, 15), ylim=(-1.15, 1.15), title=f"{name}: {loss(phi):.2f}")
    figure.supxlabel("input $x$", size="medium")
    figure.supylabel("output $y$", size="medium")


def show_paths(paths, every):
    """Draw paths on the map of the loss, and beside it a row of wavelets for each."""
    left, right = plt.figure(figsize=(11.5, 4.3)).subfigures(1, 2, width_ratios=(1, 1.5))
    ax = left.subplots()
    plotting.surface(ax, phi_0, phi_1, heights)
    plotting.paths(ax, paths, best=best)
    ax.set(xlabel=r"offset $\phi_0$", ylabel=r"frequency $\phi_1$")
    draw_wavelets(
        right, *({f"step {t}": path[t] for t in range(0, len(path), every)} for path in paths.values())
    )
    plt.show()


# sphinx_gallery_alt = "Two wavelets over thirty points: the first misses most of them, the second passes near all the large ones."
best = np.asarray(descend(stochastic.sgd(0.1), gradient, np.array([0, 15], x.dtype), 300)[-1])
draw_wavelets(
    plt.figure(figsize=(6.2, 3)), {"first try, loss": np.array([-5, 25], x.dtype), "best fit, loss": best}
)
plt.show()

# %%
# All the data, with and without a search
# ---------------------------------------
# From (-1.5, 8.5), take 21 steps with the line search of 6.2, now with steps up to twice the gradient, and 21 steps with a fixed
# rate of 0.2. Both find the valley that leads to the best fit. The search has covered more of the way, and still turns at right
# angles. On the right are the wavelets on the way, above with the search, below at the fixed rate.

start = np.array([-1.5, 8.5], x.dtype)
searched = np.asarray(descend(gd.steepest_descent(loss, max_distance=2.0), gradient, start, 21))
fixed = np.asarray(descend(stochastic.sgd(0.2), gradient, start, 21))
phi_0, phi_1 = np.linspace(-10, 10, 121, dtype=x.dtype), np.linspace(2.5, 22.5, 121, dtype=x.dtype)
heights = jax.jit(gd.loss_surface, static_argnums=0)(loss, phi_0, phi_1)

# sphinx_gallery_alt = "A loss with several valleys; two paths turn into the best one; wavelets on the way."
show_paths({"line search": searched, "fixed rate": fixed}, every=5)

# %%
# What if the rate is too small, or too large?
# --------------------------------------------
# Sixty steps from the same start at sixty rates, under one ``vmap``. The smallest rates have not arrived yet, and the largest
# throw the path across the valley's walls, so that it ends elsewhere.


@functools.partial(jax.jit, static_argnums=2)
def settle(phi, rate, steps):
    return loss(gd.descend(stochastic.sgd(rate), gradient, phi, steps)[-1])


rates = np.geomspace(0.001, 3, 60, dtype=x.dtype)
# sphinx_gallery_alt = "Loss after 60 steps over the learning rate: high on the left, lowest near 0.2, and high again on the right."
fig, ax = plt.subplots(figsize=(5.5, 3.2))
ax.semilogx(rates, jax.vmap(settle, (None, 0, None))(start, rates, 60), "o-", ms=3)
ax.set(xlabel=r"learning rate $\alpha$", ylabel="loss after 60 steps", ylim=(0, 13))
plt.show()

# %%
# Five examples at a time
# -----------------------
# Now the start (3.5, 6.5), from which plain descent ends in a hollow nearby. In step :math:`t` only the examples of a batch
# :math:`\mathcal{B}_t` count, here five of the thirty, drawn anew each time (equation 6.10):
#
# .. math:: \phi_{t+1} \leftarrow \phi_t - \alpha\sum_{i\in\mathcal{B}_t}\frac{\partial\ell_i[\phi_t]}{\partial\phi}.
#
# The batches are an argument, so that the same path can be had again, or that of the notebook's seed. These come from a key, one
# of the lucky ones: the noise carries the path over a ridge that plain descent cannot cross.

start = np.array([3.5, 6.5], x.dtype)
batches = np.asarray(stochastic.draw_batches(jax.random.key(4), examples=30, batch=5, steps=41))
path = [start]
for batch in batches:
    path.append(path[-1] - 0.8 * jax.jit(gabor.gradient)(path[-1], x[batch], y[batch]))
noisy = np.asarray(stochastic.descend_in_batches(stochastic.sgd(0.8), gabor.gradient, start, x, y, batches))
print(f"largest difference from the library's path: {abs(np.array(path) - noisy).max():.0e}")

# sphinx_gallery_thumbnail_number = 4
# sphinx_gallery_alt = "From one start, the path without noise ends in a hollow; the noisy one crosses to the best valley."
paths = {"batches of 5": noisy, "all 30 points": descend(stochastic.sgd(0.2), gradient, start, 41)}
show_paths(paths, every=10)

# %%
# What if batch, rate, start and number of steps were different?
# --------------------------------------------------------------
# One lucky path proves little. Top left are two hundred for each setting: 41 noisy steps, then plain descent to see in which
# hollow the path has come to rest. With all 30 points there is no noise, and all paths are the same. Smaller batches can get out,
# if the rate is right for them, but the best valley remains a matter of luck: noise is no compass. The maps ask 961 starts, each
# with one plain descent, or with twenty noisy paths, batches of 5 and the rate 0.8. Noise blurs the border: it carries some paths
# in and throws others out. It throws out more, and more steps do not mend that.


def wander(phi, batches, rate):
    path = stochastic.descend_in_batches(stochastic.sgd(rate), gabor.gradient, phi, x, y, batches)
    return jax.vmap(loss)(path), path[-1]


@functools.partial(jax.jit, static_argnums=(1, 2))
def arrivals(starts, batch, steps, rate, keys):
    """Find out which paths, from each start and with each key's batches, come to rest in the best valley."""
    batches = jax.vmap(lambda key: stochastic.draw_batches(key, 30, batch, steps))(keys)
    rest = jax.vmap(lambda phi, batches: settle(wander(phi, batches, rate)[1], 0.1, 120), (None, 0))
    return jax.vmap(rest, (0, None))(starts, batches) < 1


rates, keys = np.geomspace(0.2, 20, 12, dtype=x.dtype), jax.random.split(jax.random.key(0), 200)
starts = np.stack(np.meshgrid(phi_0[::4], phi_1[::4]), axis=-1).reshape(-1, 2)
arrived = np.asarray(jax.vmap(lambda phi: settle(phi, 0.1, 300))(starts)) < loss(best) + 0.1
shares = {"plain descent": 100.0 * arrived}
for steps in (41, 200):
    shares[f"{steps} noisy steps"] = 100 * np.mean(arrivals(starts, 5, steps, 0.8, keys[:20]), axis=1)

# sphinx_gallery_alt = "Share of paths in the best valley, over the rate for four batch sizes, and as three maps of starts."
fig, axes = plt.subplots(2, 2, figsize=(9, 7.6))
for batch in (1, 5, 15, 30):
    share = [100 * np.mean(arrivals(start[None], batch, 41, rate / batch, keys)) for rate in rates]
    axes[0, 0].semilogx(rates, share, "o-", ms=3, label=f"batch of {batch}")
axes[0, 0].set(xlabel=r"rate $\alpha$ times batch size", ylabel="paths in the best valley (%)")
axes[0, 0].legend()
for ax, (name, share) in zip(axes.flat[1:], shares.items()):
    shades = ax.pcolormesh(phi_0[::4], phi_1[::4], share.reshape(31, 31), vmin=0, vmax=100, rasterized=True)
    ax.set(xlabel=r"start: $\phi_0$", ylabel=r"start: $\phi_1$", title=f"{name}: {share.mean():.0f} % of all")
    print(f"{name}: from inside {share[arrived].mean():.0f} %, from elsewhere {share[~arrived].mean():.0f} %")
fig.colorbar(shades, ax=axes, label="paths in the best valley (%)")
plt.show()

# %%
# What if the rate falls with time?
# ---------------------------------
# The notebook's last exercise: multiply the rate by a factor every so many steps. From (-1.5, 8.5), at rate 0.8, three hundred
# paths tremble on and on. Halving the rate every 40 steps lets the same paths, with the same batches, come to rest. On the left
# is the share whose loss is below 2, which it is nowhere but in the best valley; on the right are median and quartiles of the
# loss of those. With the falling rate more paths are inside at the end, and they are nearer to the bottom.

keys = jax.random.split(jax.random.key(1), 300)
batches = jax.vmap(lambda key: stochastic.draw_batches(key, 30, 5, 200))(keys)

# sphinx_gallery_alt = "Left, two shares that part after step 40; right, the loss inside, higher at the constant rate."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
schedules = {"constant": 0.8, "halved": stochastic.decay_in_steps(0.8, 0.5, every=40)}
for (name, rate), colour in zip(schedules.items(), plotting.COLOURS):
    losses = np.asarray(jax.jit(jax.vmap(lambda b, rate=rate: wander(fixed[0], b, rate)[0]))(batches))
    left.plot(100 * np.mean(losses < 2, axis=0), color=colour, label=name)
    quartiles = np.nanpercentile(np.where(losses < 2, losses, np.nan)[:, 40:], [25, 50, 75], axis=0)
    for quartile, width in zip(quartiles, (0.7, 1.8, 0.7)):
        right.plot(range(40, 201), quartile, color=colour, lw=width)
left.set(xlabel="step", ylabel="paths in the best valley (%)", xlim=(0, 200), ylim=(0, 100))
right.set(xlabel="step", ylabel="loss inside: median, quartiles", xlim=(0, 200), ylim=(0.5, 2))
left.legend(title="rate")
plt.show()
