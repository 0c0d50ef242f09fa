r"""
19.1 A penguin on thin ice
==========================

A penguin stands on a frozen pond of sixteen squares. Sometimes the ice decides where it goes, sometimes the penguin does, mostly
both. What will it find on its way, and what is a way of deciding worth? All of reinforcement learning speaks about this picture,
so this page builds it in three steps: chance alone, chance with rewards, and chance with decisions.

*In the book: section 19.1, figures 19.1 to 19.5. Notebook 19.1. States and actions count from 0, unlike in the book.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch19_reinforcement import chains, grid_world, grids
from udl_jax.ch19_reinforcement import markov_decision_process as markov

plotting.use_book_style()

# %%
# Chance alone
# ------------
# In a Markov process the next state depends on the present one and on nothing before. Here the penguin moves to one of the
# squares around it, all alike, so a column of :math:`Pr(s_{t+1}|s_t)` has two, three or four entries. To draw from a column, add
# its entries up and take the first sum that exceeds a uniform number. The draws are arguments, so we may hand over those that the
# notebook's generator gives for its seed: these lines then take the notebook's very walk, and so does ``walk``, a ``lax.scan``.

chain = np.asarray(grids.penguin_walk())
uniforms = np.random.RandomState(0).random_sample(9)
states = [0]
for uniform in uniforms:
    states.append(int(np.argmax(np.cumsum(chain[:, states[-1]]) > uniform)))
print(f"states: {states}")
print(f"the library's are the same: {np.array_equal(states, markov.walk(chain, 0, uniforms))}")

# sphinx_gallery_alt = "A grid of sixteen icy squares, a penguin at the top left, and its path, which ends near the lower right."
fig, ax = plt.subplots(figsize=(4, 4))
grid_world.draw_grid_world(ax, np.zeros(16, int), state=0, path=states)
plt.show()

# %%
# Where is it after a very long time? The shares of time that it spends on each square must not be changed by one more step,
# :math:`\mathbf{p} = Pr\,\mathbf{p}`, which is a linear system. A long walk agrees.

shares = np.asarray(chains.stationary(chain))
long = np.asarray(jax.jit(markov.walk)(chain, 0, jax.random.uniform(jax.random.key(0), (200_000,))))
apart = np.abs(shares - np.bincount(long, minlength=16) / len(long)).max()
print(f"at a corner {shares[0]:.3f}, in the middle {shares[5]:.3f}; at most {apart:.4f} from 200,000 steps")

# %%
# Chance with rewards
# -------------------
# Now there are fish on three squares, and arriving at one brings a reward of 1. What counts is the return, the sum of all rewards
# to come, each one step later worth a little less (equation 19.1):
#
# .. math:: G_t = \sum_{k=0}^{\infty} \gamma^k r_{t+k+1}.
#
# Backwards in time that is one line, :math:`G_t = r_{t+1} + \gamma\,G_{t+1}`, and one pass gives the returns of all times, where
# the notebook begins a new sum at each. (Its list begins with the reward of time 0.)

fish = np.isin(np.arange(16), (3, 8, 10)).astype(np.float32)
rewards = np.array([0, *fish[states[1:]]], np.float32)
totals = [0.0]
for reward in rewards[::-1]:
    totals.insert(0, reward + 0.9 * totals[0])
print(f"return at time 0: {totals[0]:.3f}, by the library {markov.returns(rewards, 0.9)[0]:.3f}")

# sphinx_gallery_alt = "Left, the same path with three fish on the ice; right, bars of the return at each time, zero from time 7."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 4))
grid_world.draw_grid_world(left, grid_world.layout_of(fish), state=0, path=states)
right.bar(range(10), totals[:-1], color=plotting.COLOURS[5], label="return, with this time's reward")
right.plot(range(10), rewards, "o", color=plotting.COLOURS[1], label="reward")
right.set(xlabel="time $t$", ylabel="reward, return", xticks=range(10), ylim=(0, 3.2))
right.legend(loc="upper right")
plt.show()

# %%
# Chance with decisions
# ---------------------
# In a Markov decision process the penguin chooses an action, and the ice answers with :math:`Pr(s_{t+1}|s_t, a_t)`: a table of
# 16 by 16 by 4 numbers, which the notebook types and ``penguin_grid`` makes from the geometry. Here the area of an arrow is the
# probability of that direction. Half of it and more goes where the penguin wants to; over the edge, a wish leads anywhere.

ice = markov.penguin_grid()
table = np.zeros((4, 4, 16))
for state in range(16):
    for direction, square in enumerate(grids.neighbours(state)):
        table[:, direction, state] = 0 if square is None else ice.transitions[square, state]

# sphinx_gallery_alt = "Four grids of arrows: up, right, down, left. On squares 1 and 2 of the last the largest arrow points right."
fig, axes = plt.subplots(2, 2, figsize=(7.6, 8))
for ax, action, arrows in zip(axes.flat, grids.ACTIONS, table):
    grid_world.draw_grid_world(ax, np.zeros(16, int), policy=arrows)
    ax.set_title(f"the penguin wants to go {action}")
plt.show()

# %%
# Look at squares 1 and 2 of the last picture: who wants to go left there, goes right. So it is in the notebook's table, surely by
# mistake; ``penguin_grid(regular=True)`` is without it. (The notebook's text, too, calls action 3 "right". It is left.)

wrong = np.argwhere(np.abs(ice.transitions - markov.penguin_grid(regular=True).transitions).max(0) > 0)
print(f"state and action where the two tables differ: {wrong.tolist()}")

# %%
# A policy says what to do in each state. The notebook gives that of figure 19.5 with *right* at square 9, but prints the path that
# comes of *down* there; here are both, with the notebook's draws. A policy may also roll dice: :math:`\pi[a|s]` are probabilities
# of actions, in the notebook a softmax of random numbers, and each step takes two draws, the first for what to do.

told = np.array([2, 2, 1, 1, 2, 1, 1, 1, 1, 1, 0, 2, 1, 0, 1, 1])
printed = np.where(np.arange(16) == 9, grids.DOWN, told)
dice = np.asarray(jax.nn.softmax(np.random.RandomState(0).normal(size=(4, 16)).astype(np.float32), axis=0))
layout = grid_world.layout_of(ice.rewards)
runs = {
    "right at square 9": (told, 3, (9,)),
    "down at square 9": (printed, 3, (9,)),
    "dice": (dice, 0, (9, 2)),
}

# sphinx_gallery_alt = "Three grids with arrows and a path; the first two paths part at square 9, the third misses the fish."
fig, axes = plt.subplots(1, 3, figsize=(11.5, 4.1))
for ax, (name, (policy, seed, shape)) in zip(axes, runs.items()):
    uniforms = np.random.RandomState(seed).random_sample(shape).astype(np.float32)
    path = jax.jit(markov.rollout)(ice, policy, 0, uniforms)
    grid_world.draw_grid_world(ax, layout, state=0, policy=policy, path=path.states)
    ax.set_title(f"{name}: return {markov.returns(path.rewards, 0.9)[0]:.2f}")
    print(f"{name}: {path.states}")
plt.show()

# %%
# What is a policy worth, and what if the ice were less slippery?
# ---------------------------------------------------------------
# One path says little. A policy turns the decision process into a chain, :math:`Pr(s'|s) = \sum_a \pi[a|s]\,Pr(s'|s,a)`, whose
# expected returns solve a linear system, :math:`v[s] = \sum_{s'} Pr(s'|s)\,(r[s'] + \gamma\,v[s'])`. One ``vmap`` over keys plays
# ten thousand paths beside it, one over tables asks how all this depends on the share of the probability that goes astray.

values = np.asarray(chains.expected_returns(ice, told, 0.9))
play = jax.vmap(lambda key: markov.returns(markov.sample_rollout(key, ice, told, 0, 150).rewards, 0.9)[0])
played = np.asarray(jax.jit(play)(jax.random.split(jax.random.key(1), 10_000)))
print(
    f"exactly {values[0]:.4f}, by playing {played.mean():.4f} with a standard error of {played.std() / 100:.4f}"
)
slips = np.linspace(0, 1, 21)
tables = jnp.stack([markov.penguin_grid(float(slip)).transitions for slip in slips])
worth = jax.vmap(lambda table: chains.expected_returns(ice._replace(transitions=table), told, 0.9)[0])
worth = np.asarray(jax.jit(worth)(tables))
print(", ".join(f"{slip:.2f} astray: {w:.2f}" for slip, w in zip(slips[::5], worth[::5])))

# sphinx_gallery_alt = "The values of all squares, a histogram of returns with a long tail, and a falling curve."
fig, (left, middle, right) = plt.subplots(1, 3, figsize=(11.5, 3.9))
grid_world.draw_grid_world(left, layout, policy=told, values=values, font_size=7)
left.set_title("expected return from each square")
middle.hist(played, 40, color=plotting.COLOURS[5])
middle.axvline(values[0], color=plotting.COLOURS[1], label=f"exact mean {values[0]:.2f}")
middle.set(xlabel="return from square 0", ylabel="number of paths", title=f"{len(played):,} paths")
right.plot(slips, worth)
right.plot(0.5, values[0], "o", color=plotting.COLOURS[1], label="the notebook's ice")
right.set(
    xlabel="share that goes astray", ylabel="expected return from square 0", xlim=(0, 1), ylim=(0, None)
)
for ax in (middle, right):
    ax.legend()
plt.show()

# %%
# On ice where everything goes astray nothing is left: the last step, right from 14 or down from 11, never leads to the fish. How
# does a penguin find a better policy? With the tables at hand, by dynamic programming (19.2); without, by playing (19.3, 19.4).
