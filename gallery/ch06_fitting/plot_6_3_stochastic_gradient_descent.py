r"""
6.3 What noise is good for
==========================

Gradient descent ends in the first hollow that it comes to. Stochastic gradient descent looks at five examples at a time, so its
gradients are wrong, each in another way. Why would anyone prefer that? Because on a loss with many hollows, a path that trembles
can get out of the wrong ones.

*In the book: sections 6.1.2 and 6.2, figures 6.2 to 6.5. Notebook 6.3.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

from udl_jax import plotting
from udl_jax.ch06_fitting import gabor
from udl_jax.ch06_fitting import gradient_descent as gd
from udl_jax.ch06_fitting import stochastic_gradient_descent as stochastic
from udl_jax.data import toy

plotting.use_book_style()

# %%
# A wavelet for thirty points
# ---------------------------
# The Gabor model is a sine under a bell. Its two parameters, an offset and a frequency, shift and squeeze it. On the left the
# notebook's first try, on the right the best there is.

x, y = toy.gabor_points()
x_curve = jnp.linspace(-15, 15, 300)
loss = functools.partial(gabor.least_squares_loss, x=x, y=y)
gradient = functools.partial(gabor.gradient, x=x, y=y)


def show_wavelets(*rows, size=1.55):
    """Draw the data and wavelets, a row of panels for each of several dicts from names to parameters."""
    fig, axes = plotting.panels(len(rows), len(rows[0]), size=size)
    for row, phis in zip(axes, rows):
        for ax, (name, phi) in zip(row, phis.items()):
            ax.plot(x_curve, gabor.predict(phi, x_curve), lw=1.4)
            ax.plot(x, y, "o", color=plotting.DATA, ms=2.5)
            ax.set(xlim=(-15, 15), ylim=(-1.15, 1.15), title=f"{name}: {loss(phi):.2f}")
    fig.supxlabel("input $x$", size="medium")
    fig.supylabel("output $y$", size="medium")
    plt.show()


first = jnp.array([-5.0, 25.0])
best = gd.descend(stochastic.sgd(0.1), gradient, jnp.array([0.0, 15.0]), 300)[-1]
show_wavelets({"first try, loss": first, "best fit, loss": best}, size=2.9)

# %%
# Its loss and its gradient
# -------------------------
# At (0.6, -0.2) the notebook expects a loss of 16.419. The derivatives, which the book's author calls a lot of hassle, come from
# the chain rule in :func:`~udl_jax.ch06_fitting.gabor.gradient`; ``jax.grad`` and finite differences are there to check it.

print(f"loss at (0.6, -0.2): {loss(jnp.array([0.6, -0.2])):.3f}")
for name, at in (
    ("by hand", gradient(first)),
    ("jax.grad", jax.grad(loss)(first)),
    ("finite differences", gd.finite_differences(loss, first, delta=1e-3)),
):
    print(f"{name:<20}({at[0]:.3f}, {at[1]:.3f})")

# %%
# All the data, with and without a search
# ---------------------------------------
# From (-1.5, 8.5), take 21 steps with the line search of 6.2, now with steps up to twice the gradient, and 21 steps with a fixed
# rate of 0.2. Both find the valley that leads to the best fit. The search has covered more of the way, and still turns at right
# angles.

start = jnp.array([-1.5, 8.5])
searched = gd.descend(gd.steepest_descent(loss, max_distance=2.0), gradient, start, 21)
fixed = gd.descend(stochastic.sgd(0.2), gradient, start, 21)

phi_0, phi_1 = jnp.linspace(-10, 10, 121), jnp.linspace(2.5, 22.5, 121)
heights = gd.loss_surface(loss, phi_0, phi_1)
fig, ax = plt.subplots(figsize=(5.2, 4.8))
plotting.surface(ax, phi_0, phi_1, heights)
plotting.paths(ax, {"line search": searched, "fixed rate": fixed}, best=best)
ax.set(xlabel=r"offset $\phi_0$", ylabel=r"frequency $\phi_1$", title="21 steps on all the data")
plt.show()

# %%
# The wavelets on the way, every fourth step: above with the search, below at the fixed rate.

show_wavelets(*({f"step {t}": path[t] for t in range(0, 22, 4)} for path in (searched, fixed)))

# %%
# What if it starts in the wrong valley?
# --------------------------------------
# Ask every start at once. Under ``vmap``, 3,700 descents of 300 steps at rate 0.1 take seconds; the colour is the loss at their
# ends. Only the dark band around the best fit leads down to it. Everything else ends in one of the other hollows.

grid = jnp.stack(jnp.meshgrid(phi_0[::2], phi_1[::2]), axis=-1)
ends = jax.vmap(jax.vmap(lambda phi: gd.descend(stochastic.sgd(0.1), gradient, phi, 300)[-1]))(grid)
end_losses = jax.vmap(jax.vmap(loss))(ends)
print(f"{100 * jnp.mean(end_losses < loss(best) + 0.1):.0f} % of the starts lead to the best fit")

fig, ax = plt.subplots(figsize=(5.6, 4.6))
shades = ax.pcolormesh(phi_0[::2], phi_1[::2], end_losses, cmap=plotting.COLORMAP, rasterized=True)
fig.colorbar(shades, ax=ax, label="loss after 300 steps")
ax.plot(3.5, 6.5, "o", color=plotting.COLOURS[5], mec="k", label="the next start")
plotting.paths(ax, {}, best=best)
ax.set(xlabel=r"start: offset $\phi_0$", ylabel=r"start: frequency $\phi_1$", title="Where descent ends")
plt.show()

# %%
# What if the rate is too small, or too large?
# --------------------------------------------
# Sixty steps from (-1.5, 8.5) at sixty rates, again in one call. Below 0.05 the path has not arrived yet; above 0.3 it is thrown
# across the valley's walls into other hollows, and with luck back again.

rates = jnp.geomspace(0.001, 3, 60)
tails = jax.vmap(lambda rate: gd.descend(stochastic.sgd(rate), gradient, start, 60)[-1])(rates)
fig, ax = plt.subplots(figsize=(5.5, 3.2))
ax.semilogx(rates, jax.vmap(loss)(tails), "o-", ms=3)
ax.axhline(loss(best), color="0.7", lw=1, ls="--")
ax.set(
    xlabel=r"learning rate $\alpha$", ylabel="loss after 60 steps", ylim=(0, 13), title="Too small, too large"
)
plt.show()

# %%
# Five examples at a time
# -----------------------
# Now the start (3.5, 6.5), from which plain descent ends in a hollow nearby. A batch is five of the thirty points, drawn anew for
# each of 41 steps, at rate 0.8. ``descend_in_batches`` takes the batches as an argument: the parity tests hand it those of the
# notebook's seed, and here ``draw_batches`` makes others from a key, one of the lucky ones. The noise carries the path over a
# ridge that plain descent cannot cross.

start = jnp.array([3.5, 6.5])


def wander(key, rate, batch, steps):
    """Run stochastic gradient descent from the start, with batches drawn from the key."""
    batches = stochastic.draw_batches(key, 30, batch, steps)
    return stochastic.descend_in_batches(stochastic.sgd(rate), gabor.gradient, start, x, y, batches)


plain = gd.descend(stochastic.sgd(0.2), gradient, start, 41)
# sphinx_gallery_thumbnail_number = 6
noisy = wander(jax.random.key(4), 0.8, batch=5, steps=41)

fig, ax = plt.subplots(figsize=(5.2, 4.8))
plotting.surface(ax, phi_0, phi_1, heights)
plotting.paths(ax, {"batches of 5": noisy, "all 30 points": plain}, best=best)
ax.set(xlabel=r"offset $\phi_0$", ylabel=r"frequency $\phi_1$", title="One start, with and without noise")
plt.show()

# %%
# The wavelets along the noisy path, every eighth step:

show_wavelets({f"step {t}": noisy[t] for t in range(0, 42, 8)})

# %%
# What if batch and rate were others?
# -----------------------------------
# One lucky path proves little, so here are two hundred for each setting: 41 noisy steps, then plain descent to see in which hollow
# the path has come to rest. With all 30 points there is no noise, and the answer is the same for every path. Smaller batches can
# get out, if the rate is large enough to make use of their noise, but the best valley remains a matter of luck: noise is no
# compass. (The axis has the rate times the batch size, since the gradient of a batch is a sum.)

keys = jax.random.split(jax.random.key(0), 200)
rates = jnp.geomspace(0.2, 20, 12)


@jax.vmap
def final_loss(phi):
    """Go down to the bottom of the hollow, and compute the loss there."""
    return loss(gd.descend(stochastic.sgd(0.1), gradient, phi, 120)[-1])


fig, ax = plt.subplots(figsize=(5.5, 3.4))
for batch in (1, 5, 15, 30):
    wanderers = jax.vmap(
        jax.vmap(lambda rate, key, b=batch: wander(key, rate / b, b, 41)[-1], (None, 0)), (0, None)
    )
    arrived = jax.vmap(final_loss)(wanderers(rates, keys)) < 1
    ax.semilogx(rates, 100 * arrived.mean(1), "o-", ms=3, label=f"batch of {batch}")
ax.set(
    xlabel=r"learning rate $\alpha$ times batch size",
    ylabel="paths in the best valley (%)",
    title="A matter of luck",
)
ax.legend()
plt.show()

# %%
# What if the rate falls with time?
# ---------------------------------
# The notebook's last exercise: multiply the rate by a factor every so many steps. From (-1.5, 8.5), at rate 0.8, three hundred
# paths tremble on and on around the valley and are often thrown out of it again. Halving the rate every 40 steps lets the same
# paths, with the same batches, come to rest.

keys = jax.random.split(jax.random.key(1), 300)
batches = jax.vmap(lambda key: stochastic.draw_batches(key, 30, 5, 200))(keys)

fig, ax = plt.subplots(figsize=(5.5, 3.4))
for name, rate in (("constant", 0.8), ("halved", stochastic.decay_in_steps(0.8, 0.5, every=40))):
    run = functools.partial(
        stochastic.descend_in_batches, stochastic.sgd(rate), gabor.gradient, fixed[0], x, y
    )
    losses = jax.vmap(jax.vmap(loss))(jax.vmap(run)(batches))
    low, middle, high = jnp.percentile(losses, jnp.array([25, 50, 75]), axis=0)
    ax.fill_between(range(201), low, high, alpha=0.2, lw=0)
    ax.plot(middle, label=name)
ax.axhline(loss(best), color="0.7", lw=1, ls="--")
ax.set(
    xlabel="step", ylabel="loss: median and middle half", xlim=(0, 200), ylim=(0, 12), title="Coming to rest"
)
ax.legend(title="rate")
plt.show()
