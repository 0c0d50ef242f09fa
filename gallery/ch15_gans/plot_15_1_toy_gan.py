r"""
15.1 A game for two
===================

A generator makes examples, a discriminator tells them from real ones, and each learns from the other's success. It is the simplest
idea in the world, and notoriously hard to get to work. What goes wrong? The smallest game of this kind has three parameters, so
everything that happens in it can be seen.

*In the book: section 15.1, figure 15.1, equations 15.1, 15.3 and 15.5. Notebook 15.1.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch15_gans import toy_gan

plotting.use_book_style()

# %%
# The players
# -----------
# Ten real numbers are drawn around 7.5. The generator has ten latent variables :math:`z_j` and shifts them all: its examples
# are :math:`x^*_j = z_j + \theta` (equation 15.1). The discriminator is a sigmoid, :math:`\text{sig}[\phi_0+\phi_1 x]`, the
# probability that :math:`x` is real. Both begin badly.

x_real = 7.5 + np.asarray(jax.random.normal(jax.random.key(0), (10,)))
z = np.asarray(jax.random.normal(jax.random.key(1), (10,)))
start = toy_gan.Players(np.float32(3), np.array([-2, 1], "f"))


def draw(ax, theta, phi, title):
    """Draw examples of both kinds, and what the discriminator makes of every place."""
    places = np.linspace(0, 11, 200)
    ax.vlines(x_real, 0, 0.33, color=plotting.COLOURS[2], lw=1.5, label="real")
    ax.vlines(z + theta, 0, 0.33, color=plotting.COLOURS[1], lw=1.5, label="generated")
    ax.plot(places, 1 / (1 + np.exp(-(phi[0] + phi[1] * places))), color="0.5", label="probability of real")
    ax.set(xlim=(0, 11), ylim=(0, 1), title=title)


# %%
# What each wants
# ---------------
# The discriminator minimises its binary cross-entropy, the generator wants it to be large. Only one term depends on the
# generator, so the two losses are (equation 15.5)
#
# .. math::
#    L[\phi] &= \sum_j -\log\bigl[1-\text{sig}[\text{f}[z_j+\theta,\phi]]\bigr]
#    - \sum_i \log\bigl[\text{sig}[\text{f}[x_i,\phi]]\bigr],\\
#    L[\theta] &= \sum_j \log\bigl[1-\text{sig}[\text{f}[z_j+\theta,\phi]]\bigr].
#
# Like the notebook, the library climbs :math:`-L[\theta]` and does not descend :math:`L[\theta]`. One round of the game on this
# page is 100 steps of the one and then 10 of the other. The notebook takes its gradients from differences; here ``jax.grad``
# does.


def discriminator_loss(phi, theta):
    """Compute the first line of equation 15.5."""
    real, made = (1 / (1 + jnp.exp(-(phi[0] + phi[1] * x))) for x in (x_real, z + theta))
    return -jnp.sum(jnp.log(1 - made)) - jnp.sum(jnp.log(real))


downhill, uphill = jax.jit(jax.grad(discriminator_loss, 0)), jax.jit(jax.grad(discriminator_loss, 1))
theta, phi = start
for _ in range(100):
    phi = phi - 0.01 * downhill(phi, theta)
phi_trained = phi
for _ in range(10):
    theta = theta + 0.02 * uphill(phi, theta)
play = jax.jit(toy_gan.play, static_argnames=("rounds", "gradient", "kind"))
once = play(start, x_real, z, rounds=1, steps=(100, 10))
print(f"theta goes from 3 to {theta:.4f}; the library's is {abs(theta - once.theta[0]):.0e} away")

# sphinx_gallery_alt = "Three panels: a bad discriminator, one that splits the two kinds, and examples that moved a little."
fig, axes = plotting.panels(1, 3, size=2.9)
draw(axes[0, 0], *start, "At the start")
draw(axes[0, 1], start.theta, phi_trained, "The discriminator has learned")
draw(axes[0, 2], theta, phi, "Now the generator, a little")
axes[0, 0].set(ylabel="probability")
for ax in axes[0]:
    ax.set(xlabel="$x$")
axes[0, 2].legend(loc="upper left", fontsize="small")
plt.show()

# %%
# Five rounds
# -----------
# The notebook's game has five rounds of 300 steps of the discriminator and three of the generator. The generated examples move
# towards the real ones, but slowly; there is a long way to go.

game = play(start, x_real, z, rounds=5, steps=(300, 3))

# sphinx_gallery_alt = "Five panels, one a round: the sigmoid gets steeper between the two kinds, which slowly come closer."
fig, axes = plotting.panels(1, 5, size=2.1)
for number, ax in enumerate(axes[0]):
    draw(
        ax, game.theta[number], game.phi[number], rf"round {number + 1}: $\theta = {game.theta[number]:.2f}$"
    )
    ax.set(xlabel="$x$")
axes[0, 0].set(ylabel="probability")
plt.show()

# %%
# What if they play on?
# ---------------------
# The notebook warns that the game is unstable when the numbers of steps are changed. Four hundred rounds settle the question
# for four choices. The best :math:`\theta` is where the means of both kinds agree. With many steps of the discriminator the
# generator arrives there. With few, it hits its target, is not told in time, and goes on.

goal = float(x_real.mean() - z.mean())
choices = ((300, 3), (30, 30), (30, 3), (3, 3))

# sphinx_gallery_alt = "Theta over 400 rounds for four choices of steps, with a line where the means agree."
fig, ax = plt.subplots(figsize=(6.4, 3.8))
for steps in choices:
    path = play(start, x_real, z, rounds=400, steps=steps).theta
    ax.plot(range(1, 401), path, lw=1.3, label=f"{steps[0]} and {steps[1]} steps")
    print(
        f"{steps[0]:3} and {steps[1]:2} steps: last 100 rounds from {path[-100:].min():6.2f} to {path[-100:].max():6.2f}"
    )
ax.axhline(goal, color="k", lw=0.8, ls="--", label="means agree")
ax.set(xlabel="round", ylabel=r"$\theta$", xlim=(1, 400))
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()
print(f"the means agree at {goal:.2f}")

# %%
# When is it stable?
# ------------------
# How far :math:`\theta` still is from its goal in the worst of the last fifty of 200 rounds says whether a game has settled,
# and where. Numbers of steps may be traced, so one ``vmap`` plays all games of the map in one program. In the minimax game, on
# the left, the quiet corner is where the discriminator takes many steps and the generator few: it must be nearly done before it
# is worth listening to. The notebook's choice, marked by a circle, is in that corner: stable, and slow.

steps_d = np.array([1, 2, 3, 5, 10, 20, 30, 50, 100, 150, 300])
steps_g = np.array([1, 2, 3, 5, 10, 15, 20, 30, 50])
pairs = np.stack(np.meshgrid(steps_d, steps_g), axis=-1)


@functools.partial(jax.jit, static_argnums=1)
def worst(pairs, kind):
    """Measure how far theta is from its goal at the end of every game."""

    def one(pair):
        path = toy_gan.play(start, x_real, z, rounds=200, steps=(pair[0], pair[1]), kind=kind).theta[-50:]
        return jnp.max(jnp.abs(path - goal))

    return jax.vmap(one)(pairs.reshape(-1, 2)).reshape(pairs.shape[:2])


maps = {kind: np.asarray(worst(pairs, kind)) for kind in ("minimax", "non-saturating")}

# sphinx_gallery_alt = "Two tables over numbers of steps, dark where theta ends near its goal: few cells left, many right."
fig, axes = plt.subplots(1, 2, figsize=(9.4, 3.8), sharey=True)
for ax, (kind, distance) in zip(axes, maps.items()):
    shades = ax.imshow(np.log10(np.maximum(distance, 1e-2)), origin="lower", vmin=-2, vmax=1.5, aspect="auto")
    ax.plot(10, 2, "o", mfc="none", mec=plotting.COLOURS[5], ms=11, mew=2, clip_on=False)
    ax.set(xlabel="steps of the discriminator", title=kind)
    ax.set_xticks(range(len(steps_d)), steps_d)
axes[0].set_yticks(range(len(steps_g)), steps_g)
axes[0].set(ylabel="steps of the generator")
bar = fig.colorbar(shades, ax=axes, label=r"largest distance of $\theta$ from its goal", ticks=(-2, -1, 0, 1))
bar.ax.set_yticklabels(["0.01", "0.1", "1", "10"])
plt.show()
for kind, distance in maps.items():
    print(f"{kind:15}: {100 * np.mean(distance < 0.5):.0f} % of the games end within 0.5 of the goal")

# %%
# What if the generator gets another loss?
# ----------------------------------------
# A discriminator that sees through every example gives the minimax generator almost no slope. The usual cure is the
# non-saturating loss, :math:`-\sum_j\log[\text{sig}[\text{f}[z_j+\theta,\phi]]]`, which is steep exactly then, and flat where
# the examples pass for real. The map on the right is for it, and many more of its games arrive. The last table has the first
# rounds of the notebook's game with either loss: the cure is also the faster way.

print("theta after round    1      2      3      4      5")
for kind in maps:
    path = play(start, x_real, z, rounds=5, steps=(300, 3), kind=kind).theta
    print(f"{kind:15}" + "".join(f"{value:7.2f}" for value in path))
