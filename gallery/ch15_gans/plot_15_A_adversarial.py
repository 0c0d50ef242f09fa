r"""
15.A Eight heaps, and how many are found
========================================

The toy of 15.1 could only shift its samples. A real generator can put them anywhere, also all in one place: if that place fools
the discriminator, why go elsewhere? Modes of the data are easily lost. Eight heaps on a ring make it visible, since one can count
which of them a generator has found. Does a critic that measures 15.2's distance help?

*In the book: sections 15.1.2, 15.2.3 and 15.2.6, equations 15.5, 15.16 and 15.17.*
"""

import functools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

from udl_jax import plotting, training
from udl_jax.ch14_unsupervised import measures
from udl_jax.ch15_gans import adversarial, critics, ring

plotting.use_book_style()

# %%
# The data and the players
# ------------------------
# Eight Gaussians stand on a circle of radius 2. With a deviation of 0.1 they are easy targets, with 0.02 they are needles. Both
# players are dense networks with two hidden layers of 64; the generator turns two normal numbers into a point.

deviations = (0.1, 0.02)
data = {d: ring.sample_ring(jax.random.key(100), 20_000, d) for d in deviations}
generator, critic = critics.Perceptron(2), critics.Perceptron(1)

# %%
# Two games
# ---------
# The plain GAN plays by equation 15.5, its generator with the non-saturating loss. In a Wasserstein GAN the critic returns a
# score, not a probability, and minimises the difference of the mean scores (equation 15.16, here with means for sums),
#
# .. math::
#    L[\phi] = \frac1J\sum_j \text{f}\bigl[\mathbf{g}[\mathbf{z}_j,\theta],\phi\bigr]
#    - \frac1I\sum_i \text{f}[\mathbf{x}_i,\phi].
#
# That is 15.2's dual, so the score must not be steeper than 1 (equation 15.17). A penalty sees to it: it takes the slope at
# points between real and generated examples and asks its length to be 1,
#
# .. math::
#    \lambda\cdot\frac1I\sum_i\Bigl(\Bigl|\frac{\partial\text{f}[\tilde{\mathbf{x}}_i,\phi]}
#    {\partial\tilde{\mathbf{x}}_i}\Bigr|-1\Bigr)^2 .
#
# It is a gradient of which the gradient is taken again, and in JAX that is all one has to say.

params = training.initialise(critic, jax.random.key(0), jnp.zeros((1, 2)))["params"]
judge = jax.jit(lambda x: critic.apply({"params": params}, x)[..., 0])
real, made = data[0.1][:128], jax.random.normal(jax.random.key(1), (128, 2))
mix = jax.random.uniform(jax.random.key(2), (128,))
between = mix[:, None] * real + (1 - mix[:, None]) * made
lengths = jnp.linalg.norm(jax.vmap(jax.grad(judge))(between), axis=1)
by_hand = jnp.mean(judge(made)) - jnp.mean(judge(real)) + 0.1 * jnp.mean((lengths - 1) ** 2)
library = critics.critic_loss(judge(real), judge(made)) + 0.1 * critics.gradient_penalty(
    judge, real, made, mix
)
print(f"critic's loss with penalty: {by_hand:.6f}; the library's is {abs(by_hand - library):.0e} away")

# %%
# Play
# ----
# A game is one ``lax.scan`` over steps of the generator, with a small scan over the critic's turns inside; draws are arguments,
# so a game is repeated exactly by its seed. ``vmap`` plays four seeds at a time. The plain GAN takes 2,000 steps with one turn
# of the discriminator and Adam as it comes; the Wasserstein GAN takes 2,500 with three turns and settings that are usual for
# it.

falling = optax.linear_schedule(2e-3, 0.0, 2500)
plain, modest = optax.adam(1e-3), optax.adam(falling, b1=0.5, b2=0.9)
games = {
    "GAN": (adversarial.Game(generator, critic, plain, plain, "non-saturating"), 2000, 1),
    "WGAN-GP": (adversarial.Game(generator, critic, modest, modest, "wasserstein", penalty=0.1), 2500, 3),
}
keys = jax.random.split(jax.random.key(7), (4, 3))
start_generator = jax.jit(jax.vmap(lambda k: generator.init(k, jnp.zeros((1, 2)))["params"]))(keys[:, 0])
start_critic = jax.jit(jax.vmap(lambda k: critic.init(k, jnp.zeros((1, 2)))["params"]))(keys[:, 1])
noise = jax.random.normal(jax.random.key(3), (5000, 2))


@functools.partial(jax.jit, static_argnums=0)
def play(game, draws, x):
    """Play four games side by side; return samples, losses, and where a game failed."""
    states = jax.vmap(functools.partial(adversarial.start_game, game))(start_generator, start_critic)
    states, losses = jax.vmap(lambda s, d: adversarial.play_game(game, s, x, d))(states, draws)
    samples = jax.vmap(lambda p: generator.apply({"params": p}, noise))(states.generator.params)
    return samples, losses, states.failed_at


results = {}
for name, (game, steps, turns) in games.items():
    draw = functools.partial(
        adversarial.draw_game, examples=20_000, steps=steps, batch=128, latent=2, turns=turns
    )
    draws = jax.tree.map(lambda *parts: jnp.stack(parts), *[draw(key) for key in keys[:, 2]])
    for deviation in deviations:
        results[name, deviation] = play(game, draws, data[deviation])

# %%
# Count the heaps
# ---------------
# A sample counts as near a heap if it is within three deviations of its centre; of real data, 98.9 % are. A heap counts as
# found if at least one sample in a hundred is near it. Chapter 14's ``mode_report`` does the counting.

centres = ring.ring_centres()
found = {}
print("                            heaps found, by seed   samples near a heap, by seed")
for (name, deviation), (samples, _, _) in results.items():
    reports = [measures.mode_report(s, centres, 3 * deviation) for s in samples]
    found[name, deviation] = [int(np.sum(np.asarray(r.numbers) >= 50)) for r in reports]
    near = " ".join(f"{100 * r.near:4.0f} %" for r in reports)
    heaps = "  ".join(str(n) for n in found[name, deviation])
    print(f"{name:8} deviation {deviation:4}     {heaps:>18}     {near:>27}")
print("games that met a number that is not finite:", sum(int(np.sum(f >= 0)) for _, _, f in results.values()))

# %%
# At a deviation of 0.1 the plain GAN finds nearly all heaps, though many of its samples lie between them. With needles it is
# lost. It does not fall into one place: it draws the ring and cannot stop at the heaps. The same networks find all eight, and
# put most samples there, with the other loss. They, too, must join the heaps by threads, since a network is a continuous
# function.

# sphinx_gallery_alt = "Above, samples of four GANs, smeared along a ring; below, of four WGAN-GPs, in eight heaps on threads."
fig, axes = plotting.panels(2, 4, size=2.3)
for row, name in zip(axes, games):
    samples = np.asarray(results[name, 0.02][0])
    for seed, (ax, points) in enumerate(zip(row, samples)):
        ax.plot(*points[:1500].T, ".", ms=1.5, color=plotting.COLOURS[0])
        ax.plot(*np.asarray(centres).T, "+", ms=7, color=plotting.COLOURS[1])
        ax.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", title=f"{name}: {found[name, 0.02][seed]} of 8")
plt.show()

# %%
# Which loss tells how it goes?
# -----------------------------
# The discriminator's loss says little about the samples. The critic's is, up to its sign and the penalty, an estimate of the
# distance between data and samples, and shrinks as they improve.

# sphinx_gallery_alt = "Left, the discriminators' losses wander; right, the critics' estimates of the distance fall towards zero."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
for ax, name, sign, label in (
    (left, "GAN", 1, "discriminator's loss"),
    (right, "WGAN-GP", -1, "minus critic's loss"),
):
    for losses in sign * np.asarray(results[name, 0.02][1].critic):
        ax.plot(np.convolve(losses, np.ones(50) / 50, "valid"), lw=1)
    ax.set(xlabel="step", ylabel=f"{label}, mean of 50", title=name)
plt.show()

# %%
# What if Adam is told to forget?
# -------------------------------
# Momentum is a poor adviser when the opponent changes its mind. With :math:`\beta_1 = 0.5` in place of 0.9, the plain GAN plays
# games of the same length again, with the same draws. It does far better: much of what is blamed on a loss is a matter of
# settings.

calm = optax.adam(1e-3, b1=0.5)
game = adversarial.Game(generator, critic, calm, calm, "non-saturating")
draw = functools.partial(adversarial.draw_game, examples=20_000, steps=2000, batch=128, latent=2)
draws = jax.tree.map(lambda *parts: jnp.stack(parts), *[draw(key) for key in keys[:, 2]])
for deviation in deviations:
    samples, _, _ = play(game, draws, data[deviation])
    numbers = [np.asarray(measures.mode_report(s, centres, 3 * deviation).numbers) for s in samples]
    print(f"deviation {deviation}: heaps found", *(int(np.sum(n >= 50)) for n in numbers))
