r"""
19.3 Learning from whole episodes
=================================

Nobody has told this penguin how slippery the ice is or where the holes are. It can only go out, again and again, and remember what
came of it. Averages of what it remembers replace the tables of 19.2. Is that enough to find the best policy? As the notebook does
it, with 200,000 episodes, it is not, and the reason is a good lesson.

*In the book: section 19.3.2, equation 19.13, figures 19.10 and 19.11. Notebook 19.3.*
"""

import time

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch19_reinforcement import episode_lane, grid_world, grids, monte_carlo, soft_policies
from udl_jax.ch19_reinforcement import markov_decision_process as markov

plotting.use_book_style()

# %%
# One episode
# -----------
# On this ice the penguin goes where it wants with probability 0.85 and in each other direction with 0.05; at the edge it stays.
# Arriving in a hole costs 2; arriving at the fish brings 3 and ends the episode. To see other things than what its policy leads
# to, it follows the policy only most of the time:
#
# .. math:: \pi[a|s] = 1 - \epsilon \;\text{ for the action of the policy}, \quad \epsilon / 3 \;\text{ for each other}.
#
# Here is the notebook's first episode, played with its own random policy and draws.

GAMMA, EPSILON = 0.9, 0.2
ice = grids.icy_grid()
layout = grid_world.layout_of(ice.rewards)
draws = np.random.RandomState(6)
policy = draws.choice(size=16, a=np.arange(4))
soft = np.full((4, 16), EPSILON / 3, np.float32)
soft[policy, np.arange(16)] = 1 - EPSILON
path = markov.rollout(ice, soft, 5, draws.random_sample((40, 2)))
length = int(episode_lane.first_end(ice, path.states))
states, actions, rewards = (np.asarray(part)[:k] for part, k in zip(path, (length + 1, length, length)))
same = np.allclose(soft, soft_policies.epsilon_greedy(policy, EPSILON))
print(
    f"{length} steps, states {states}, rewards {rewards.astype(int)}; the library's policy is the same: {same}"
)

# sphinx_gallery_alt = "The penguin walks from square 5 to the fish at 15; arrows show what it does most probably on each square."
fig, ax = plt.subplots(figsize=(4.2, 4.5))
animation = grid_world.animate_episode(ax, layout, states, actions, rewards=ice.rewards, policy=soft)
plt.show()

# %%
# What an action was worth
# ------------------------
# The value of an action is estimated by the average of the returns after all visits (equation 19.13). The notebook keeps an
# episode, computes all its returns, and sums. There is a way that keeps nothing. Summed over the visits :math:`t` to a pair,
#
# .. math:: \sum_t G_t = \sum_t \sum_{k \ge t} \gamma^{k-t}\, r_{k+1} = \sum_k r_{k+1}\, e_k,
#     \qquad e_k = \gamma\, e_{k-1} + 1[\text{the pair is visited at step } k],
#
# so all it takes is a *trace* for each pair, which grows by one with each visit and then fades. Four lines each:

kept, traced, trace = np.zeros((4, 16)), np.zeros((4, 16)), np.zeros((4, 16))
for state, action, worth in zip(states[:-1], actions, markov.returns(rewards, GAMMA)):
    kept[action, state] += worth
for state, action, reward in zip(states[:-1], actions, rewards):
    trace *= GAMMA
    trace[action, state] += 1
    traced += reward * trace
library = episode_lane.visit_returns(ice, path, GAMMA).totals
ours = np.abs(kept - traced).max(), np.abs(kept - library).max()
print(f"largest difference {ours[0]:.0e}; from the library {ours[1]:.0e}")

# %%
# Control
# -------
# Play 100 episodes, average, take the action with the largest average as the new policy, and begin again, 2,000 times. These are
# some five million steps, for which the notebook needs more than ten minutes. The library takes them one by one, in a
# ``lax.while_loop`` within a ``lax.scan`` over updates, and brings the trace up to date only when there is a reward. What remains
# of a step is a few numbers, and XLA compiles the loop over such steps to plain machine code.

start = np.random.RandomState(0).choice(size=16, a=np.arange(4))
settings = (ice, start, 2000, 100, GAMMA, EPSILON)
learn = jax.jit(lambda key, memory: monte_carlo.monte_carlo_control(key, *settings, memory))
learn = learn.lower(jax.random.key(0), 0.0).compile()
began = time.process_time()
found = jax.tree.map(np.asarray, learn(jax.random.key(0), 0.0))
spent, steps = time.process_time() - began, int(found.steps.sum())
print(f"{steps:,} steps in {spent:.2f} s of processor time, {spent / steps * 1e6:.2f} microseconds each")

# sphinx_gallery_alt = "Twelve grids with arrows and the values of all actions; from one to the next many of both change."
fig, axes = plt.subplots(4, 3, figsize=(11, 15))
grid_world.draw_grid_world(axes[0, 0], layout, policy=np.where(ice.terminal, -1, start), rewards=ice.rewards)
axes[0, 0].set_title("the notebook's first policy")
for ax, k in zip(axes.flat[1:], (*range(0, 2000, 200), 1999)):
    arrows, q = np.where(ice.terminal, -1, found.policies[k]), found.action_values[k]
    grid_world.draw_grid_world(ax, layout, policy=arrows, action_values=q, state_index=False, font_size=6.5)
    ax.set_title(f"after {k + 1:,} update{'s' if k else ''}")
plt.show()

# %%
# Does it get there?
# ------------------
# These pictures do not look like the end of anything. We know the tables, even if the penguin does not, so we can compute what
# each of the 2,000 policies is worth, on average over all starts, and what the best with the same :math:`\epsilon` is worth.

soft_version = jax.vmap(lambda policy: soft_policies.epsilon_greedy(policy, EPSILON))
worth = jax.jit(lambda ps: jax.vmap(soft_policies.mean_value, (None, 0, None))(ice, soft_version(ps), GAMMA))
best = soft_policies.best_soft_policy(ice, GAMMA, EPSILON)
optimum = float(worth(best[None])[0])
values = np.asarray(worth(found.policies))
print(f"optimum {optimum:.3f}, start {float(worth(start[None])[0]):.2f}")
print(f"first 100 policies worth {values[:100].mean():.2f}, last 500 worth {values[-500:].mean():.2f}")
optimal, moved = (values[-500:] > optimum - 1e-4).sum(), (np.diff(found.policies, axis=0) != 0).any(1).mean()
print(f"optimal among the last 500: {optimal}; updates that change the policy: {moved:.0%}")
settings = (ice, best, 1, 100, GAMMA, EPSILON)
once = jax.jit(lambda keys: jax.lax.map(lambda key: monte_carlo.monte_carlo_control(key, *settings), keys))
after = once(jax.random.split(jax.random.key(2), 200))
fallen = np.asarray(worth(after.policies[:, 0]))
zeros = (np.asarray(after.action_values)[:, 0, :, :15] == 0).sum((1, 2)).mean()
lost = (fallen < optimum - 1e-4).sum()
print(f"one update from the optimum leaves it in {lost} of 200 runs; the mean is {fallen.mean():.2f}")
print(f"of its 60 averages, {zeros:.0f} are zero, for want of a visit or a reward")

# %%
# It never arrives, and could not even stay. Every update estimates from its own hundred episodes alone, and forgets all before.
# Actions that are not the policy's are tried a few times, or never; and what was not tried counts as zero, which beats anything
# that ends in a hole. So any policy meets an alternative that was lucky or never seen, takes it, and falls.
#
# The cure is a memory. With ``memory=1`` sums and counts go on over all updates; nothing is ever forgotten, not even what followed
# from the bad policies of the beginning. With 0.995 they fade, slowly.

MEMORIES = (0.0, 0.9, 0.98, 0.995, 1.0)
keys, curves = jax.random.split(jax.random.key(1), 10), {}
for memory in MEMORIES:
    runs = [worth(learn(key, memory).policies) for key in keys[: 10 if memory >= 0.995 else 1]]
    curves[memory] = np.array(runs)
    last = curves[memory][:, -500:]
    told = f"worst {last.mean(1).min():.3f}, {(last > optimum - 1e-4).mean():.0%} optimal"
    print(
        f"memory {memory}, {len(runs)} seed{'s' * (len(runs) > 1)}: last 500 policies worth {last.mean():.3f}, {told}"
    )

# sphinx_gallery_alt = "Values of policies over 2,000 updates: far below the optimum without memory, on it with a long one."
fig, ax = plt.subplots(figsize=(7.5, 4))
for memory, colour in zip(MEMORIES, plotting.COLOURS):
    smooth = curves[memory].mean(0).reshape(100, 20).mean(1)
    ax.plot(np.arange(100) * 20 + 10, smooth, color=colour, label=f"memory {memory}")
ax.axhline(optimum, color="k", ls="--", lw=1, label="optimum")
ax.set(xlabel="update", ylabel="mean value of policies", xlim=(0, 2000), ylim=(0, 1.25))
ax.legend(loc="center", bbox_to_anchor=(0.5, 0.6), ncols=3)
plt.show()

# %%
# What if the penguin were more careful, or more curious?
# -------------------------------------------------------
# Monte Carlo control can only find the best policy *among those that try everything*. Which that is depends on how much they try.
# The tables tell: the more the penguin errs, the more squares there are at which it had better do something else.

epsilons = np.array([0.0, 0.2, 0.4, 0.6], np.float32)
careful = jax.jit(jax.vmap(lambda epsilon: soft_policies.best_soft_policy(ice, GAMMA, epsilon)))(epsilons)

# sphinx_gallery_alt = "Four grids of arrows for growing epsilon; more and more arrows lead away from the holes."
fig, axes = plt.subplots(1, 4, figsize=(14, 4))
for ax, epsilon, policy in zip(axes, epsilons, np.asarray(careful)):
    grid_world.draw_grid_world(ax, layout, policy=np.where(ice.terminal, -1, policy))
    value = soft_policies.mean_value(ice, soft_policies.epsilon_greedy(policy, epsilon), GAMMA)
    ax.set_title(f"$\\epsilon$ = {epsilon:.1f}, worth {value:.2f}")
    print(f"epsilon {epsilon:.1f}: other actions at {np.flatnonzero(policy != careful[0]).tolist()}")
plt.show()
