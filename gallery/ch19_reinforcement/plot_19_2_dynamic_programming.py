r"""
19.2 Planning with the map at hand
==================================

The penguin of 19.1 followed a policy that somebody had drawn. Which policy is best? If all probabilities and rewards are known, no
step on the ice is needed to find out: values and policy can improve each other on paper. How quickly does that end, and does the
penguin take the short way to the fish, past the holes, or the long one?

*In the book: section 19.3.1, equations 19.11 and 19.12, figure 19.10. Notebook 19.2.*
"""

import jax
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch19_reinforcement import dynamic_programming as programming
from udl_jax.ch19_reinforcement import grid_world, grids, optimality

plotting.use_book_style()

# %%
# The pond
# --------
# Three holes cost 2 for every moment in them, the fish brings 3 and ends the story, so the value of its square is 3 for good. The
# ice is that of 19.1. We begin with the notebook's policy, which is random, and with values of zero.

GAMMA = 0.9
rewards = np.asarray(grids.holes_and_fish())
layout = grid_world.layout_of(rewards)
ice = grids.penguin_grid(rewards=rewards, terminal=(grids.FISH,))
start = np.random.RandomState(0).choice(size=16, a=np.arange(4))

# %%
# Two half steps
# --------------
# **Evaluation** makes the value of each state fit to those of the states that the policy leads to (equation 19.11, for a policy
# without dice):
#
# .. math:: v[s] \leftarrow r[s] + \gamma \sum_{s'} Pr(s'|s, \pi[s])\; v[s'].
#
# **Improvement** then chooses the action that promises most (equation 19.12):
#
# .. math:: \pi[s] \leftarrow \operatorname*{argmax}_a \Bigl[ r[s] + \gamma \sum_{s'} Pr(s'|s, a)\; v[s'] \Bigr].
#
# With the table at hand both are sums over its first axis. Two rounds by these lines give what the notebook prints; the library's
# ``iterate`` is the same in a ``lax.scan`` that keeps every half step.

table, values, policy = np.asarray(ice.transitions), np.zeros(16, np.float32), start
for _ in range(2):
    values = rewards + GAMMA * values @ table[:, np.arange(16), policy]
    policy = np.argmax(rewards[:, None] + GAMMA * np.tensordot(values, table, axes=1), axis=1)
rounds = jax.jit(programming.iterate, static_argnames="rounds")(
    ice, start, np.zeros(16, np.float32), GAMMA, rounds=20
)
rounds = jax.tree.map(np.asarray, rounds)
print(f"values after two rounds: {np.round(values, 3)}")
print(f"largest difference from the library: {np.abs(values - rounds.values[1]).max():.0e}")

shown = {
    "values of zero, a random policy": (np.zeros(16), start),
    "round 1, evaluated": (rounds.values[0], start),
    "round 1, improved": (rounds.values[0], rounds.policies[0]),
    "round 2, evaluated": (rounds.values[1], rounds.policies[0]),
    "round 2, improved": (rounds.values[1], rounds.policies[1]),
    "after 20 rounds": (rounds.values[19], rounds.policies[19]),
}

# sphinx_gallery_alt = "Six grids: values spread from holes and fish, square by square; in the last, arrows lead around the holes."
fig, axes = plt.subplots(2, 3, figsize=(11, 7.6))
for ax, (title, (v, chosen)) in zip(axes.flat, shown.items()):
    arrows = np.where(ice.terminal, -1, chosen)
    grid_world.draw_grid_world(ax, layout, policy=arrows, values=v, rewards=rewards, font_size=7)
    ax.set_title(title)
plt.show()

# %%
# How good are twenty rounds?
# ---------------------------
# One sweep is not yet an evaluation: it takes values one step closer to those of the policy. The values of a policy solve a linear
# system, :math:`(\mathbf{I} - \gamma Pr^T)\mathbf{v} = \mathbf{r}`, so one can also evaluate *exactly* before each improvement,
# which is called policy iteration; or put the maximum over actions into each sweep, which is called value iteration. Both are
# a ``lax.while_loop`` until nothing changes.

exact = jax.jit(optimality.policy_iteration)(ice, start, GAMMA)
swept = jax.jit(optimality.value_iteration)(ice, GAMMA, 1e-8)
worth = jax.jit(jax.vmap(optimality.evaluate_exactly, in_axes=(None, 0, None)))(ice, rounds.policies, GAMMA)
loss = np.abs(worth - exact.values).max(1)
off = np.abs(rounds.values - exact.values).max(1)
print(f"policy iteration: {exact.rounds} rounds, of which the last finds nothing to improve")
apart = np.abs(swept.values - exact.values).max()
print(f"value iteration: {swept.rounds} sweeps in single precision; its values differ by {apart:.0e}")
print(f"the notebook's values after 20 rounds are still {off[-1]:.4f} off")
print(f"its policy is as good as any from round {1 + np.argmax(loss < 1e-5)} on")

# sphinx_gallery_alt = "Two curves: values of the sweeps get closer to the best slowly, policies lose nothing from round 3 on."
fig, ax = plt.subplots(figsize=(6, 3.6))
ax.semilogy(range(1, 21), off, "o-", ms=4, label="values of the sweep")
ax.semilogy(range(1, 21), np.maximum(loss, 1e-6), "s-", ms=4, label="values that the policy really has")
ax.set(xlabel="round", ylabel="largest distance from the best", xticks=range(2, 21, 2))
ax.legend()
plt.show()

# %%
# The policy is right long before the values are (a loss of none is drawn at :math:`10^{-6}`): improvement only asks which action is
# best, not how good it is.
#
# **Ties.** After the first sweep most squares do not know of any reward yet, so all their actions are worth the same, and which
# one ``argmax`` takes is a matter of order. Two ties stay for ever, at the squares where the notebook's table has left do what
# right does (19.1). With ``regular=True`` they are gone.


def ties(mdp, values):
    """Count squares at which the two best actions are worth the same."""
    best = np.sort(programming.action_values(mdp, values, GAMMA), axis=0)[:, :15]
    return int((best[-1] - best[-2] < 1e-6).sum())


regular = grids.penguin_grid(rewards=rewards, terminal=(grids.FISH,), regular=True)
mended = jax.jit(optimality.policy_iteration)(regular, start, GAMMA)
print(f"ties after sweep 1: {ties(ice, rounds.values[0])}, after sweep 20: {ties(ice, rounds.values[19])}")
print(f"ties of the best values on the mended table: {ties(regular, mended.values)}")

# %%
# What if it were another pond, or another penguin?
# -------------------------------------------------
# The solver is a function of arrays, so one ``vmap`` solves several ponds at once: one that slips less, one with nearly
# harmless holes, and one whose penguin hardly minds when a reward comes.

cases = {
    "the book's": (0.5, 2.0, 0.9),
    "10% astray": (0.1, 2.0, 0.9),
    "holes cost 0.5": (0.5, 0.5, 0.9),
    "discount 0.99": (0.5, 2.0, 0.99),
}
slips, costs, patience = np.array(list(cases.values()), np.float32).T
tables = [grids.penguin_grid(slip, terminal=(grids.FISH,), regular=True).transitions for slip in slips]
holes = np.where(rewards < 0, -costs[:, None], rewards)
ponds = grids.Mdp(np.stack(tables), holes, np.tile(ice.terminal, (4, 1)))
solved = jax.tree.map(np.asarray, jax.jit(jax.vmap(optimality.value_iteration))(ponds, patience))


def route(policy, square, tables):
    """Follow what is most probable under a policy, for at most twelve steps."""
    path = [square]
    while path[-1] != grids.FISH and len(path) < 12:
        path.append(int(np.argmax(tables[:, path[-1], policy[path[-1]]])))
    return path


# sphinx_gallery_alt = "Four grids with values, arrows and the way from square 13: twice around the holes, twice right through one."
fig, axes = plt.subplots(2, 2, figsize=(8, 8.5))
for k, (ax, name) in enumerate(zip(axes.flat, cases)):
    way, arrows = route(solved.policy[k], 13, tables[k]), np.where(ice.terminal, -1, solved.policy[k])
    grid_world.draw_grid_world(ax, layout, policy=arrows, values=solved.values[k], path=way)
    ax.set_title(f"{name}: 13 is worth {solved.values[k, 13]:.2f}")
    print(f"{name}: {way}")
plt.show()

# %%
# On the book's pond the penguin goes all around, as the notebook promises. Where less goes astray it still does, but closer by. If
# holes are nearly harmless, or if it does not matter when the fish comes, it takes two steps, one of them into a hole. All this
# needed the tables; 19.3 finds out without.
