r"""
18.A Diffusion with a network
=============================

Tables work on a line. In a plane they would need a bin for every little square, for images more bins than there are atoms. A
network needs none: one network for all steps, which is told the time, guesses the noise. What does it make of two moons, and can
it be asked for one of them?

*In the book: sections 18.3 to 18.6, algorithms 18.1 and 18.2, figure 18.9.*
"""

import functools

import jax
import matplotlib.pyplot as plt
import numpy as np
import optax

from udl_jax import plotting, training
from udl_jax.ch16_flows import two_moons
from udl_jax.ch18_diffusion import denoiser, networks
from udl_jax.ch18_diffusion import diffusion_families as families
from udl_jax.ch18_diffusion import reparameterized_model as sampler

plotting.use_book_style()

# %%
# Two moons and a schedule
# ------------------------
# Twenty thousand points on two half moons, shifted and scaled to mean 0 and variance about 1; which moon a point lies on is its
# label. The schedule rises from 0.001 to 0.12 in a hundred steps, and leaves next to nothing of the data (18.1 compares it with
# others).

STEPS, BATCH, PIECES = 100, 256, 80
generator = np.random.default_rng(0)


def moons(count):
    """Draw points and their labels."""
    label = generator.integers(0, 2, count)
    places = np.asarray(two_moons.arc_points(label, generator.random(count, np.float32)))
    noisy = places + 0.1 * generator.standard_normal((count, 2), np.float32)
    return (noisy - np.float32([0.5, 0.25])) / np.float32([0.87, 0.5]), label.astype(np.int32)


x, label = moons(20_000)
beta = np.linspace(0.001, 0.12, STEPS).astype(np.float32)
alpha = np.cumprod(1 - beta)
print(f"of the data's amplitude {np.sqrt(alpha[-1]):.1%} is left after {STEPS} steps")

# %%
# What the network is asked
# -------------------------
# Algorithm 18.1: take a data point, a time and some noise, blend, and ask for the noise (equation 18.39):
#
# .. math:: L[\boldsymbol\phi] = \bigl\|\mathbf{g}\bigl[\sqrt{\alpha_t}\,\mathbf{x} + \sqrt{1-\alpha_t}\,\boldsymbol\epsilon,\,
#     t,\, \boldsymbol\phi\bigr] - \boldsymbol\epsilon\bigr\|^2.
#
# The network is three residual layers of 128 units, to which time, as sines and cosines, and label are added. In a fifth of the
# cases the label is hidden, so that one network learns both with and without. Four thousand steps are one call of the engine;
# times, noise and who is hidden are arguments.

model = networks.MlpDenoiser(width=128, blocks=3, classes=2)
variables = jax.jit(model.init)(jax.random.key(0), x[:1], np.ones(1, int), label[:1])
shape = (PIECES, 50, BATCH)
draws = {
    "t": generator.integers(1, STEPS + 1, shape, dtype=np.int32),
    "noise": generator.standard_normal((*shape, 2), np.float32),
    "forget": generator.random(shape, np.float32) < 0.2,
}
t, epsilon = draws["t"][0, 0], draws["noise"][0, 0]
z = np.sqrt(alpha[t - 1])[:, None] * x[:BATCH] + np.sqrt(1 - alpha[t - 1])[:, None] * epsilon
guess = jax.jit(lambda z, t: model.apply(variables, z, t))
by_library = jax.jit(functools.partial(denoiser.noise_loss, guess))(x[:BATCH], t, epsilon, beta)
print(f"loss before training {np.mean((guess(z, t) - epsilon) ** 2):.5f}, by the library {by_library:.5f}")

optimiser = optax.chain(
    optax.adam(optax.cosine_decay_schedule(2e-3, PIECES * 50)), training.average_weights(0.99)
)
recipe = training.Recipe(
    model,
    optimiser,
    objective=denoiser.Objective(tuple(beta.tolist())),
    evaluation=training.Evaluation(every=0),
)
order = generator.integers(0, len(x), shape, dtype=np.int32)
state, history = training.train(
    recipe, training.start(recipe, variables), training.Examples(x, label), None, order, draws
)
trained = {"params": training.averaged(state.optimiser)}

# sphinx_gallery_alt = "The loss falls from 0.4 to 0.3 in a hundred steps, then slowly and restlessly to about a quarter."
fig, ax = plt.subplots(figsize=(5.5, 3))
ax.plot(50 * np.arange(1, PIECES + 1), history.train.loss)
ax.set(xlabel="step", ylabel="mean loss of fifty steps", xlim=(0, 50 * PIECES), ylim=(0.2, 0.4))
plt.show()

# %%
# From noise to moons
# -------------------
# The samplers are those of 18.3 and 18.4, unchanged: they take any function of sample and time. Here are five stages of 5,000
# samples on their way back, with all hundred noisy steps, and beside them what twenty jumps without noise make of the same
# starts.

noise = generator.standard_normal((STEPS + 1, 5000, 2), np.float32)
net = denoiser.network_model(model, trained)
walk = jax.jit(
    lambda net, noise: sampler.sample(net, noise[-1], noise[:-1], beta, np.sqrt(beta), last_noise=False)
)
path = np.asarray(walk(net, noise))


@functools.partial(jax.jit, static_argnames=("steps", "last"))
def jump(net, start, beta, steps, last):
    """Sample with DDIM in so many even steps."""
    return families.sample_ddim(net, start, None, beta, times=families.even_times(steps, last))[0]


def draw(ax, points, title, colour=plotting.COLOURS[0]):
    """Draw points in the plane."""
    ax.plot(*np.transpose(points), ".", ms=1.2, color=colour)
    ax.set(xlim=(-3, 3), ylim=(-3, 3), title=title, xticks=(), yticks=())


# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "A cloud of points that turns into two moons from step 100 to step 0; and two moons from twenty jumps."
fig, axes = plt.subplots(1, 6, figsize=(11, 2.2))
for ax, t in zip(axes, (100, 50, 25, 10, 0)):
    draw(ax, path[t], f"step {t}")
draw(axes[5], jump(net, noise[-1], beta, 20, STEPS), "twenty jumps", plotting.COLOURS[1])
plt.show()

# %%
# To put a number on it, look from 64 directions, and take the mean distance between the sorted points of two sets, a sliced
# Wasserstein distance. Two sets of fresh data are not quite alike either.

angles = np.linspace(0, np.pi, 64, endpoint=False)
views = np.stack([np.cos(angles), np.sin(angles)])
apart = lambda a, b: np.mean(np.abs(np.sort(a @ views, axis=0) - np.sort(b @ views, axis=0)))  # noqa: E731
fresh = moons(5000)[0]
print(f"data and data {apart(moons(5000)[0], fresh):.3f}, a hundred noisy steps {apart(path[0], fresh):.3f}")
for steps in (100, 50, 20, 10, 5):
    print(f"{steps} jumps {apart(np.asarray(jump(net, noise[-1], beta, steps, STEPS)), fresh):.3f}")

# %%
# Asking for one moon
# -------------------
# Classifier-free guidance goes further in the direction in which the label leads: the guess is :math:`(1+w)` times that with the
# label minus :math:`w` times that without. A little makes samples more typical; too much squeezes them together and drives them
# out of the moon.

wanted = np.arange(5000) % 2

# sphinx_gallery_alt = "Moons by label with guidance 0, 1 and 4: the more guidance, the thinner and the more distorted they get."
fig, axes = plt.subplots(1, 3, figsize=(9, 3))
for ax, weight in zip(axes, (0.0, 1.0, 4.0)):
    found = np.asarray(
        jump(denoiser.network_model(model, trained, wanted, weight), noise[-1], beta, 50, STEPS)
    )
    for moon in (0, 1):
        draw(ax, found[wanted == moon], f"guidance {weight:g}", plotting.COLOURS[moon])
plt.show()

# %%
# How many samples are on the moon that was asked for, and how thick are the moons? Distance is measured to the nearest point of
# the moon's middle line; the data's own noise is 0.1 in units before scaling.

line = np.asarray(
    two_moons.arc_points(np.repeat([0, 1], 400), np.tile(np.linspace(0, 1, 400, dtype=np.float32), 2))
)


def judge(points):
    """Find the nearest moon of each point, and the distance to its middle line, in the moons' own units."""
    places = points * np.float32([0.87, 0.5]) + np.float32([0.5, 0.25])
    far = np.sqrt(((places[:, None] - line) ** 2).sum(axis=2))
    return far.argmin(axis=1) // 400, far.min(axis=1)


moon, far = judge(fresh)
print(f"data: distance from the line {far.mean():.3f}, further than 0.3: {np.mean(far > 0.3):.1%}")
for weight in (0.0, 0.5, 1.0, 2.0, 4.0):
    found = np.asarray(
        jump(denoiser.network_model(model, trained, wanted, weight), noise[-1], beta, 50, STEPS)
    )
    moon, far = judge(found)
    print(f"guidance {weight:g}: {np.mean(moon == wanted):.1%} on the right moon, ", end="")
    print(f"distance {far.mean():.3f}, further than 0.3: {np.mean(far > 0.3):.1%}")

# %%
# Without guidance nearly all samples obey already, and the moons are as they should be. Guidance gains little here and moves the
# moons apart, the further the more: it follows what tells the classes from each other, not what the data are like. Where classes
# are harder to tell apart than two moons, one pays that price gladly.
#
# For images one needs another network, and nothing else. The library has a small U-Net, which knows time and class in the same
# way; objective, samplers and guidance take it as they take this one.
