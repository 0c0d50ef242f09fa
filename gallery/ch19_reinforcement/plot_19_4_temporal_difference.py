r"""
19.4 Learning from every step
=============================

Monte Carlo methods wait for the end of an episode and then look back. Must one wait? After a single step the penguin knows the
reward that it got and where it stands now, and about where it stands now it has an opinion already. Temporal difference methods
correct one opinion by the next one. How well does that work for a penguin that just stumbles about?

*In the book: section 19.3.3, figure 19.10, equation 19.15. Notebook 19.4. States and actions count from 0, unlike in the book.*
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from udl_jax import plotting
from udl_jax.ch19_reinforcement import chains, experience, grid_world, grids, td_control
from udl_jax.ch19_reinforcement import markov_decision_process as markov
from udl_jax.ch19_reinforcement import temporal_difference as td

plotting.use_book_style()

# %%
# One step
# --------
# The ice is that of 19.3: the penguin goes where it wants to with probability 0.85 and slips to each other side with 0.05;
# falling into a hole costs 2, the fish brings 3 and ends the episode. Action values :math:`q[s, a]` begin as random numbers. After
# an action :math:`a` in state :math:`s` that brought reward :math:`r` and led to :math:`s'`, Q-learning takes a step of size
# :math:`\alpha` from the old opinion to the new one (equation 19.15):
#
# .. math:: q[s, a] \leftarrow q[s, a] + \alpha\,\bigl(r + \gamma \max_{a'} q[s', a'] - q[s, a]\bigr).
#
# Here it is for one step from square 9, with the numbers that the notebook draws. No entry changes but that of the action taken.

ALPHA, GAMMA = 0.1, 0.9
ice = markov.icy_grid()
layout = grid_world.layout_of(ice.rewards)
generator = np.random.RandomState(0)
q = generator.normal(size=(4, 16)).astype(np.float32)
q[:, 15] = 0
generator.randint(4)  # the notebook draws which of four equal actions it calls the best in the last state
action, uniform = generator.randint(4), generator.random_sample()
move = experience.random_moves(ice, 9, np.array([action, 0]), np.array([uniform]), np.array([0]))
reached, reward = int(move.next_states[0]), float(move.rewards[0])

after = q.copy()
after[action, 9] += ALPHA * (reward + GAMMA * q[:, reached].max() - q[action, 9])
library = np.asarray(td.q_learning(q, move, ALPHA, GAMMA))
print(f"wants to go {grids.ACTIONS[action]}, comes to {reached}, reward {reward:g}")
print(f"q[9, {action}] before {q[action, 9]:.6f}, after {after[action, 9]:.6f}; ", end="")
print(
    f"entries that change: {(after != q).sum()}, the library differs by {np.abs(library - after).max():.0e}"
)


def draw(ax, table, title):
    """Draw action values and the policy that they make the best, but for the last state."""
    policy = np.where(ice.terminal, -1, np.asarray(table).argmax(axis=0))
    grid_world.draw_grid_world(
        ax, layout, policy=policy, action_values=np.asarray(table), rewards=ice.rewards, font_size=6.5
    )
    ax.set_title(title)


# sphinx_gallery_alt = "Two grids with four random values at the sides of each square; they differ at the left side of square 9."
fig, axes = plt.subplots(1, 2, figsize=(10, 5.2))
draw(axes[0], q, "random values")
draw(axes[1], after, "after one step from square 9")
plt.show()

# %%
# (The notebook prints as "true value" the entry *before* the step, and under its second picture shows the policy of before.)
#
# Twenty thousand steps
# ---------------------
# The penguin of the notebook never follows its policy: it acts at random, and where an episode ends the next one begins anywhere.
# Still it learns what the *best* policy is worth, because of the maximum in the formula: Q-learning is off-policy. In NumPy the
# loop is the formula again; in the library it is a ``lax.scan`` over moves, drawn beforehand.

moves = jax.jit(experience.sample_moves, static_argnums=2)(jax.random.key(9), ice, 20_000)
learned = np.asarray(jax.jit(td.q_learning)(q, moves, ALPHA, GAMMA))
by_hand = q.copy()
for s, a, r, new, *_ in zip(*(np.asarray(part).tolist() for part in moves)):
    by_hand[a, s] += ALPHA * (r + GAMMA * by_hand[:, new].max() - by_hand[a, s])
print(f"largest difference between this loop and the scan: {np.abs(by_hand - learned).max():.0e}")

best = np.asarray(td.optimal_action_values(ice, GAMMA))
alike = (learned.argmax(axis=0) == best.argmax(axis=0))[:15]
worth = jax.jit(lambda policy: chains.expected_returns(ice, policy, GAMMA)[:15].mean())
print(f"mean distance from the exact values: {np.abs(learned - best)[:, :15].mean():.3f}")
print(f"best action found in {alike.sum()} of 15 states; worth of the policy learned ", end="")
print(f"{worth(learned.argmax(axis=0)):.3f}, of the best one {worth(best.argmax(axis=0)):.3f}")

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_alt = "Learned and exact action values side by side, nearly alike: arrows go round the holes to the fish."
fig, axes = plt.subplots(1, 2, figsize=(10, 5.2))
draw(axes[0], learned, "learned from 20,000 random steps")
draw(axes[1], best, "exact")
plt.show()

# %%
# How large should the steps be?
# ------------------------------
# One ``vmap`` over a hundred penguins and one over learning rates answer that. A small rate is slow, a large one never comes to
# rest, since the newest step always outweighs what was learned before. The notebook's 0.1 is the best of the fixed rates here. A
# rate that falls with the number of visits to an entry, :math:`n^{-0.8}`, forgets the random first value at once and comes to
# rest later; it ends closest of all.

RATES = (0.01, 0.03, 0.1, 0.3, 1)


@jax.jit
def hundred(keys):
    """Learn with several rates from the same moves; return distance and bias every 200 steps, for one and two tables."""
    rates = jnp.array(RATES)

    def one(key):
        moves = experience.sample_moves(key, ice, 20_000)
        pair = jax.random.normal(jax.random.fold_in(key, 1), (2, 4, 16)).at[:, :, 15].set(0)
        coins = jax.random.bernoulli(jax.random.fold_in(key, 2), shape=(20_000,))
        single = jax.vmap(lambda rate: td.q_learning(pair[0], moves, rate, GAMMA, every=200))(rates)
        entries = 16 * moves.actions + moves.states
        _, visits = jax.lax.scan(
            lambda n, entry: (n.at[entry].add(1.0), n[entry] + 1), jnp.zeros(64), entries
        )
        falling = td.q_learning(pair[0], moves, visits**-0.8, GAMMA, every=200)
        double = jax.vmap(lambda rate: td.double_q_learning(pair, moves, coins, rate, GAMMA))(rates)
        too_high = lambda q: (q.max(axis=-2) - best.max(axis=0))[..., :15].mean(axis=-1)  # noqa: E731
        curves = jnp.abs(jnp.concatenate([single, falling[None]]) - best)[..., :15].mean(axis=(-1, -2))
        return curves, too_high(single[:, -1]), too_high(double[:, 0])

    return jax.vmap(one)(keys)


distance, single, double = (np.asarray(x) for x in hundred(jax.random.split(jax.random.key(1), 100)))

# sphinx_gallery_alt = "Distance from the exact values over steps: 0.01 falls slowly, 1 stays high, the falling rate ends lowest."
fig, ax = plt.subplots(figsize=(6, 3.6))
steps = np.arange(200, 20_001, 200)
for rate, curve in zip([*RATES, "n^{-0.8}"], distance.mean(axis=0)):
    ax.plot(steps, curve, label=rf"$\alpha = {rate}$: {curve[-1]:.3f} at the end")
ax.set(xlabel="steps", ylabel="mean distance from exact values", xlim=(0, 20_000), ylim=(0, 1.8))
ax.legend(ncols=2, loc="upper right")
plt.show()

# %%
# The largest of noisy values
# ---------------------------
# A maximum prefers whatever is too high by chance. Double Q-learning keeps two tables and draws lots which one to correct; that
# one chooses the action, the other one says what it is worth (section 19.4.2):
#
# .. math:: q_1[s, a] \leftarrow q_1[s, a] + \alpha\,\bigl(r + \gamma\,q_2[s', \hat{a}] - q_1[s, a]\bigr),
#     \qquad \hat{a} = \operatorname{argmax}_{a'} q_1[s', a'].
#
# With small rates all values are still on their way up from the random ones, two tables half as fast as one. From 0.1 on, the
# noise shows: one table ends too high, the more the larger the rate, and two tables end somewhat too low.

# sphinx_gallery_alt = "Bias of the largest value for five rates: one table is too high with large rates, two tables are too low."
fig, ax = plt.subplots(figsize=(5.5, 3.2))
for k, (name, bias) in enumerate((("one table", single), ("two tables", double))):
    ax.bar(np.arange(5) + 0.4 * k - 0.2, bias.mean(axis=0), 0.4, label=name)
    print(f"{name}: " + ", ".join(f"{b:+.3f} at {rate:g}" for b, rate in zip(bias.mean(axis=0), RATES)))
ax.axhline(0, color="k", lw=0.8)
ax.set(xlabel=r"learning rate $\alpha$", ylabel="largest value minus exact", xticks=range(5))
ax.set_xticklabels([f"{rate:g}" for rate in RATES])
ax.legend(loc="lower right")
plt.show()

# %%
# What if it acts by what it has learned?
# ---------------------------------------
# Now the penguin mostly takes the action that looks best, and one in five at random. SARSA counts the action that comes next,
# expected SARSA the average over what may come next; both therefore learn what the penguin's own way of acting is worth, slips of
# will included, and Q-learning what acting without them would be worth.

act = jax.vmap(
    lambda key, method: td_control.act_and_learn(
        ice, jnp.zeros((4, 16)), td_control.draw_all(key, ice, 20_000), ALPHA, GAMMA, 0.2, method
    ),
    in_axes=(0, None),
)
for method in ("q_learning", "sarsa", "expected_sarsa"):
    tables, lived = jax.jit(act, static_argnums=1)(jax.random.split(jax.random.key(2), 50), method)
    rewards, share = np.asarray(lived.rewards), 0 if method == "q_learning" else 0.2
    values = (1 - share) * tables.max(axis=1) + share * tables.mean(axis=1)
    print(f"{method:14}: values {values[:, :15].mean():.2f}, reward a step ", end="")
    print(
        f"{rewards[:, :2000].mean():.3f} in the first 2,000, {rewards[:, -5000:].mean():.3f} in the last 5,000"
    )
soft = 0.8 * chains.probabilities_of(best.argmax(axis=0), 4) + 0.05
print(
    f"exactly: best policy {worth(best.argmax(axis=0)):.2f}, with a fifth of random actions {worth(soft):.2f}"
)

# %%
# An episode
# ----------
# The notebook ends with one episode, in which the penguin still stumbles about. Here is one that follows the policy learned above.

policy = learned.argmax(axis=0)
walks = jax.jit(jax.vmap(lambda key: markov.sample_rollout(key, ice, policy, 8, 60)))(
    jax.random.split(jax.random.key(4), 200)
)
lengths = (np.asarray(walks.states) != 15).sum(axis=1)
print(f"steps from square 8 to the fish: {lengths.mean():.1f} on average over 200 episodes")
states, actions = (np.asarray(part[0]) for part in walks[:2])

# sphinx_gallery_alt = "The penguin on its way from square 8 round the holes to the fish."
fig, ax = plt.subplots(figsize=(4.2, 4.5))
episode = grid_world.animate_episode(
    ax, layout, states[: lengths[0] + 1], actions[: lengths[0]], policy=np.where(ice.terminal, -1, policy)
)
plt.show()
