r"""
19.A Turning the dials of a policy
==================================

Values are a detour. What the penguin needs in the end is a policy, and a policy may itself have dials: for each square four
numbers, whose softmax says how probable each direction is. Turn the dials so that the penguin's life gets better. But life passes
through choices and slips, through which nobody can differentiate. How does one get a gradient, and why is it so noisy?

*In the book: sections 19.5 and 19.6, figure 19.16.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch19_reinforcement import chains, episodes, grid_world
from udl_jax.ch19_reinforcement import markov_decision_process as markov
from udl_jax.ch19_reinforcement import policy_gradient as pg
from udl_jax.ch19_reinforcement import temporal_difference as td

plotting.use_book_style()

# %%
# The gradient that nobody has
# ----------------------------
# The ice is that of 19.3 and 19.4. Of a policy :math:`\pi(a|s) = \text{softmax}_a[\theta_{as}]` we want the worth: the discounted
# rewards to come, on average over the fifteen squares where an episode may begin. We know the ice, so we can compute this exactly,
# by a linear system, and ``jax.grad`` differentiates through its solution. The penguin does not know the ice. This gradient is the
# truth that its estimates will be held against.

GAMMA = 0.9
ice = markov.icy_grid()
layout = grid_world.layout_of(ice.rewards)


def worth(theta):
    """Compute the mean worth of a policy, exactly."""
    return chains.expected_returns(ice, jax.nn.softmax(theta, axis=0), GAMMA)[:15].mean()


best = float(td.optimal_action_values(ice, GAMMA)[:, :15].max(axis=0).mean())
theta = np.zeros((4, 16), np.float32)
exact = np.asarray(jax.jit(jax.grad(worth))(theta))
print(f"worth of a policy that does not care {jax.jit(worth)(theta):.3f}, of the best one {best:.3f}")

# %%
# REINFORCE
# ---------
# An action deserves to become more probable if good things came after it. Play an episode, and at each step push up the logarithm
# of the probability of what was done, in proportion to the return :math:`G_t` that followed:
#
# .. math:: \frac{\partial}{\partial\theta}\,\mathbb{E}\Bigl[\sum_t \gamma^t r_{t+1}\Bigr] =
#     \mathbb{E}\Bigl[\sum_t \gamma^t\,(G_t - b[s_t])\,\frac{\partial}{\partial\theta}\log\pi(a_t|s_t)\Bigr].
#
# The baseline :math:`b[s]` is zero for now. For a softmax the derivative of the logarithm is one for the action taken, minus the
# probability of each. So an estimate takes these few lines; the library writes a loss and leaves the rest to ``jax.grad``.

plain = pg.Settings("reinforce", episodes=64)
weights = pg.Weights(jnp.zeros((4, 16)), jnp.zeros(16))
sample = jax.jit(episodes.sample_episodes)
played = jax.tree.map(np.asarray, sample(jax.random.key(0), weights.theta, ice))
policy, by_hand = np.full((4, 16), 0.25), np.zeros((4, 16))
for states, actions, rewards, alive in zip(*played):
    total = 0.0
    for t in reversed(range(alive.sum())):
        total = rewards[t] + GAMMA * total
        score = (np.arange(4) == actions[t]) - policy[:, states[t]]
        by_hand[:, states[t]] += GAMMA**t * total * score / 64
by_library = -jax.jit(jax.grad(pg.loss), static_argnums=3)(weights, played, ice, plain).theta
print(f"largest difference between these lines and the library: {np.abs(by_hand - by_library).max():.0e}")


@jax.jit
def estimates(key, weights):
    """Estimate the gradient from 3,200 times four episodes, with each method."""
    played = episodes.sample_episodes(key, weights.theta, ice, 12_800)
    groups = jax.tree.map(lambda leaf: leaf.reshape(3200, 4, -1), played)
    return {method: pg.gradients(weights, groups, ice, pg.Settings(method)) for method in pg.METHODS}


def average(found, size):
    """Make of estimates from four episodes such from ``size``."""
    return np.asarray(found).reshape(-1, size // 4, 4, 16).mean(axis=1)


many = average(estimates(jax.random.key(1), weights)["reinforce"], 64)
print(
    f"largest entry of the exact gradient {np.abs(exact).max():.3f}, mean of 200 estimates off by at most ",
    end="",
)
print(f"{np.abs(many.mean(axis=0) - exact).max():.3f}, one estimate by {np.abs(many[0] - exact).max():.3f}")

# %%
# So it is right on average, and poor each time. A baseline that depends on the state only changes nothing on average, as in 19.5,
# but it takes out noise: an action is judged by whether it brought more than the state is usually worth. And an *actor-critic*
# does not wait for the end. It takes one reward and its own opinion of the next state:
#
# .. math:: G_t - v[s_t] \quad\text{becomes}\quad r_{t+1} + \gamma\,v[s_{t+1}] - v[s_t].
#
# In both, the table :math:`v` is fitted on the way, by the square of the very same differences.
#
# Ten penguins, three methods
# ---------------------------
# Each update plays 64 episodes of at most 50 steps, then Adam takes one step. Drawing, playing, differentiating and updating is
# one ``lax.scan``, ten seeds are one ``vmap``: three programs do all of the following.

train = jax.jit(jax.vmap(pg.train, in_axes=(0, None, None)), static_argnums=2)
worths = jax.jit(jax.vmap(jax.vmap(worth)))
names = {"reinforce": "REINFORCE", "baseline": "with a baseline", "actor_critic": "actor-critic"}
paths, curves = {}, {}
for method, name in names.items():
    _, paths[method] = train(jax.random.split(jax.random.key(2), 10), ice, pg.Settings(method))
    curves[method] = np.asarray(worths(paths[method].theta))
    told = ", ".join(f"{curves[method][:, k - 1].mean():.3f} after {k}" for k in (50, 100, 200, 400))
    print(f"{name}: {told}; worst seed {curves[method][:, -1].min():.3f}")

# sphinx_gallery_alt = "Worth over 400 updates: three bundles of ten lines rise steeply and come close to the best policy's worth."
fig, ax = plt.subplots(figsize=(6, 3.6))
for k, (method, name) in enumerate(names.items()):
    lines = ax.plot(range(1, 401), curves[method].T, color=plotting.COLOURS[k], lw=0.6, alpha=0.6)
    lines[0].set(label=name, lw=1.5, alpha=1)
ax.axhline(best, color="k", ls=":", lw=1, label="best policy")
ax.set(xlabel="update", ylabel="exact worth of the policy", xlim=(0, 400), ylim=(-2.2, 2))
ax.legend(loc="lower right")
plt.show()

# %%
# Here is how the policy of one penguin takes shape; the area of an arrow is the probability of that direction. Early on the
# squares near the fish make up their minds, the far ones follow.

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Four grids of arrows after 1, 25, 100 and 400 updates: at first all alike, at the end mostly one a square."
fig, axes = plt.subplots(1, 4, figsize=(12, 3.4))
for ax, update in zip(axes, (1, 25, 100, 400)):
    shown = jax.nn.softmax(paths["baseline"].theta[0, update - 1], axis=0)
    grid_world.draw_grid_world(ax, layout, policy=np.where(ice.terminal, 0, shown), state_index=False)
    ax.set_title(f"after {update}: worth {curves['baseline'][0, update - 1]:.2f}")
plt.show()

# %%
# How noisy is a gradient?
# ------------------------
# Take the penguin of the picture at several times of its training, keep its weights, and estimate the gradient again and again,
# from 4 episodes or from 64. Here is the variance, of all 64 entries together:

updates = np.array([1, 25, 50, 100, 200, 400])
snapshots = jax.tree.map(lambda leaf: leaf[0, updates - 1], paths["baseline"])
found = [estimates(jax.random.key(3), jax.tree.map(lambda leaf, k=k: leaf[k], snapshots)) for k in range(6)]
variance = {
    (method, size): np.array([average(each[method], size).var(axis=0).sum() for each in found])
    for method in names
    for size in (4, 64)
}
for size in (4, 64):
    ratio = variance["reinforce", size] / variance["baseline", size]
    told = ", ".join(f"{r:.1f} at {k}" for k, r in zip(updates, ratio))
    print(f"{size} episodes: without a baseline the variance is larger by a factor of {told}")

# sphinx_gallery_alt = "Variance over updates on logarithmic axes: REINFORCE highest, then the baseline, then the actor-critic."
fig, ax = plt.subplots(figsize=(7.5, 3.6))
for k, (method, name) in enumerate(names.items()):
    for size, style in ((4, "o-"), (64, "s--")):
        ax.loglog(
            updates, variance[method, size], style, color=plotting.COLOURS[k], ms=4, label=f"{name}, {size}"
        )
ax.set(xlabel="update", ylabel="variance of the gradient", xticks=updates, xticklabels=updates)
ax.minorticks_off()
ax.legend(title="method, episodes", loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
# At first the baseline knows nothing yet and gains nothing; later it divides the variance by two to three. The critic gains most
# from the start, but its estimate is only as good as its opinions: as long as :math:`v` is wrong, the gradient is wrong on
# average, too.

slopes = np.asarray(jax.jit(jax.vmap(jax.grad(worth)))(snapshots.theta))
for method, name in names.items():
    off = np.abs(np.array([each[method].mean(axis=0) for each in found]) - slopes).max(axis=(1, 2))
    print(
        f"{name}: mean of the estimates off by at most "
        + ", ".join(f"{o:.3f} at {k}" for k, o in zip(updates, off))
    )

# %%
# What if there are only four episodes an update?
# -----------------------------------------------
# With 64 episodes the three curves above hardly differ, for there the noise is averaged away. With four it matters.

for method, name in names.items():
    few, _ = train(jax.random.split(jax.random.key(4), 10), ice, pg.Settings(method, episodes=4))
    reached = np.asarray(jax.jit(jax.vmap(worth))(few.theta))
    print(f"{name}: worth {reached.mean():.3f} after 400 updates, worst seed {reached.min():.3f}")
