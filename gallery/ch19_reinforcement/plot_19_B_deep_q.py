r"""
19.B A network instead of a table
=================================

A table of values needs one row for each action and one column for each state. A cart with a pole on it has as many states as there
are real numbers, four times over. A network can take the place of the table: it sees the state and says what each action is worth.
But then everything that made Q-learning safe is gone. What does one have to add so that it learns nevertheless?

*In the book: sections 19.4.1 and 19.4.2.*
"""

import jax
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import patches
from matplotlib.animation import FuncAnimation

from udl_jax import plotting
from udl_jax.ch19_reinforcement import cart_pole, chains, deep_q, environments, grid_world
from udl_jax.ch19_reinforcement import markov_decision_process as markov
from udl_jax.ch19_reinforcement import temporal_difference as td
from udl_jax.ch19_reinforcement.replay import Memories
from udl_jax.data.full_scale import load_full_scale

plotting.use_book_style()

# %%
# What the network is asked
# -------------------------
# Of a move from :math:`s` by :math:`a` to :math:`s'` with reward :math:`r`, the network :math:`q[s, a, \boldsymbol\phi]` should
# have said
#
# .. math:: y = r + \gamma\,q\bigl[s', \operatorname{argmax}_{a'} q[s', a', \boldsymbol\phi],\, \boldsymbol\phi^-\bigr],
#     \qquad L[\boldsymbol\phi] = \tfrac{1}{2}\bigl(q[s, a, \boldsymbol\phi] - y\bigr)^2,
#
# and just :math:`y = r` where nothing comes after. The weights :math:`\boldsymbol\phi^-` are a copy that holds still for a while,
# or the target would run away from the network that runs after it. That one network chooses the action and the other one values
# it is double Q-learning, as in 19.4. And moves are not learned from in the order in which they come, where each is much like the
# one before, but drawn at random from a memory of the last ten thousand.
#
# We begin on the ice, where we know the truth. The network sees the square as sixteen zeros and ones and has two hidden layers of
# 64 units. Here are loss and target for a few moves, by these lines and by the library.

ice, gamma = markov.icy_grid(), 0.9
world = environments.grid_environment(ice)
settings = deep_q.Settings(actions=4)
network, see = settings.model, np.eye(16, dtype=np.float32)
online, still = (network.init(key, see) for key in jax.random.split(jax.random.key(0)))
states, actions, later = np.array([14, 2, 11]), np.array([1, 1, 2]), np.array([15, 3, 15])
rewards, ends = np.asarray(ice.rewards)[later], later == 15

say, still_says = (np.asarray(network.apply(weights, see)) for weights in (online, still))
y = rewards + gamma * np.where(ends, 0, still_says[later, say[later].argmax(axis=1)])
loss = np.mean((say[states, actions] - y) ** 2) / 2
moves = Memories(see[states], actions, rewards, see[later], ends)
print(f"targets {np.round(y, 4)}, by the library {deep_q.targets(network, online, still, moves, gamma)}")
print(f"loss {loss:.5f}, by the library {deep_q.q_loss(online, still, moves, settings):.5f}")

# %%
# On the ice
# ----------
# Sixteen penguins act side by side, at first at random, later nine times of ten as the network says. After each of their moves
# the network takes a step of Adam on 128 moves from the memory. Four thousand such rounds are one ``lax.scan``: the memory is an
# array of fixed size in its carry. Five seeds:

best = np.asarray(td.optimal_action_values(ice, gamma))
train = jax.jit(deep_q.train_dqn, static_argnums=2)
worth = jax.jit(lambda policy: chains.expected_returns(ice, policy, gamma)[:15].mean())
tables = {}
for name, huber in (("squared", None), ("Huber", 1.0)):
    chosen = deep_q.Settings(actions=4, huber=huber)
    for seed in range(5):
        weights, _ = train(jax.random.key(seed), world, chosen)
        tables[name, seed] = np.asarray(network.apply(weights, see)).T
    found = [tables[name, seed] for seed in range(5)]
    far = [np.abs(q - best)[:, :15].mean() for q in found]
    lean = np.mean([(q - best)[:, :15].mean() for q in found])
    print(f"{name}: worth {min(worth(q.argmax(axis=0)) for q in found):.3f} to ", end="")
    print(
        f"{max(worth(q.argmax(axis=0)) for q in found):.3f} (best {worth(best.argmax(axis=0)):.3f}), ", end=""
    )
    print(f"distance from exact values {min(far):.3f} to {max(far):.3f}, mean error {lean:+.3f}")

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_alt = "Action values on the ice from the network, exact ones, and how far each loss is off, square by square."
fig, axes = plt.subplots(1, 3, figsize=(13, 4.4), width_ratios=(1, 1, 1.05))
layout = grid_world.layout_of(ice.rewards)
for ax, table, title in zip(axes, (tables["squared", 0], best), ("network", "exact")):
    shown = np.where(ice.terminal, 0, table)
    policy = np.where(ice.terminal, -1, table.argmax(axis=0))
    grid_world.draw_grid_world(ax, layout, policy=policy, action_values=shown, font_size=6)
    ax.set_title(title)
for k, name in enumerate(("squared", "Huber")):
    axes[2].plot(
        best[:, :15].ravel(), (tables[name, 0] - best)[:, :15].ravel(), "os"[k], ms=4, label=f"{name} loss"
    )
axes[2].axhline(0, color="k", lw=0.8)
axes[2].set(xlabel="exact value", ylabel="network minus exact", title="One seed, all squares and actions")
axes[2].legend()
plt.show()

# %%
# The policies are about as good with either loss, but Huber's leaves the values too high. It is often used for deep Q-learning,
# since it keeps single large errors from having their way. Here rewards are random: a step to the right from square 13 mostly
# costs 2, and sometimes does not. The right value is the *mean* of what may come, which is where a squared loss is least. Huber's
# loss grows like the absolute value far out, and that is least at the median: rare great losses hardly count.
#
# A cart and a pole
# -----------------
# Now for a world without a table. A pole stands on a cart, and one can push the cart to the left or to the right, fifty times a
# second. Each step brings a reward of 1, until the pole leans by more than 12 degrees or the cart is 2.4 metres away. That is
# terminal. After 500 steps the episode is cut off, which is *not* terminal: the pole still stands, more reward would come, and the
# target must say so. The world is two pure functions, so eight of them are a ``vmap`` and all of the training is one program again:
# 25,000 rounds, 200,000 moves, with a memory of 50,000 of them and batches of 512.

pole = cart_pole.environment()
balance = deep_q.BALANCE
weights, history = train(jax.random.key(0), pole, balance)
greedy = jax.tree_util.Partial(lambda weights, seen: balance.model.apply(weights, seen).argmax(), weights)
play = jax.jit(jax.vmap(environments.play, in_axes=(0, None, None, None)), static_argnums=3)
lived, _, alive = play(jax.random.split(jax.random.key(9), 100), pole, greedy, cart_pole.LIMIT)
lengths = np.asarray(alive).sum(axis=1)
print(
    f"a hundred episodes without exploring: mean length {lengths.mean():.0f} of 500, shortest {lengths.min()}"
)
_, _, alive = play(
    jax.random.split(jax.random.key(9), 100), pole, jax.tree_util.Partial(lambda seen: 1), cart_pole.LIMIT
)
print(f"always to the right: mean length {np.asarray(alive).sum(axis=1).mean():.1f}")

# %%
# One seed says little about a method that chases its own tail. So here are, beside every episode of the run above, ten seeds that
# were recorded once. Most learn to balance, at very different times, and not every one of them gets there.

ended = np.asarray(history.lengths)
when, which = np.nonzero(ended)
kept = load_full_scale("cart_pole")
means = kept["greedy_lengths"].mean(axis=1)
print(f"recorded, {kept['provenance']['date']}, on {kept['provenance']['machine']}:")
print("mean length without exploring, by seed: " + ", ".join(f"{mean:.0f}" for mean in means))
print(f"on average {means.mean():.0f}; {(means >= 400).sum()} of {len(means)} seeds reach 400")

# sphinx_gallery_alt = "Left, lengths of all training episodes over the moves made; right, mean lengths of ten seeds, very uneven."
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5), sharey=True)
left.plot(0.008 * (when + 1), ended[when, which], ".", ms=3, alpha=0.4)
left.set(xlabel="thousands of moves", ylabel="length of episodes", xlim=(0, 200), ylim=(0, 520))
left.set_title("Every episode of this run, exploration included")
thousands = kept["moves"] / 1000
right.plot(thousands, kept["training_lengths"].T, lw=0.8)
right.plot(thousands, kept["training_lengths"].mean(axis=0), "k", lw=2.5, label="mean of ten seeds")
right.set(xlabel="thousands of moves", xlim=(0, 200), title="Recorded seeds, episodes of each 5,000 moves")
right.legend(loc="upper left")
plt.show()

# %%
# And this is what it looks like, every fourth step of one of those episodes.

places, angles = np.asarray(lived.position[0]), np.asarray(lived.angle[0])

# sphinx_gallery_alt = "A cart on a track that moves to and fro and keeps the pole on it upright."
fig, ax = plt.subplots(figsize=(6, 2.2))
ax.set(xlim=(-2.6, 2.6), ylim=(-0.3, 1.3), aspect="equal", yticks=(), xlabel="position in metres")
ax.axhline(0, color="0.6", lw=1)
cart = ax.add_patch(patches.Rectangle((-0.25, -0.1), 0.5, 0.2, fc=plotting.COLOURS[0]))
(rod,) = ax.plot([0, 0], [0, 1], color=plotting.COLOURS[1], lw=4)


def show(step):
    """Put cart and pole where they are at this step."""
    cart.set_x(places[step] - 0.25)
    rod.set_data([places[step], places[step] + np.sin(angles[step])], [0, np.cos(angles[step])])
    ax.set_title(f"step {step}")
    return cart, rod


show(0)
animation = FuncAnimation(fig, show, range(0, int(lengths[0]), 4), interval=80)
plt.show()

# %%
# What if the limit of time counts as a failure?
# ----------------------------------------------
# This is cheaper to ask on the ice, where we know the values. Cut episodes off after five steps. With targets that go on beyond
# the cut the values stay right. But if the cut counts as an end, the network is told now and then that nothing comes after a
# square from which much may come, and all values are too low.


def cut_is_end(state, action, key):
    """Make the mistake."""
    found = short.step(state, action, key)
    return found._replace(terminal=found.terminal | found.truncated)


short = environments.grid_environment(ice, limit=5)
mistaken = short._replace(step=jax.tree_util.Partial(cut_is_end))
for name, where in (("the cut is no end", short), ("the cut counts as an end", mistaken)):
    found = []
    for seed in range(3):
        weights, _ = train(jax.random.key(seed), where, settings)
        found.append(np.asarray(network.apply(weights, see)).T)
    told = ", ".join(f"{worth(q.argmax(axis=0)):.3f}" for q in found)
    print(f"{name}: worth of three policies {told}; mean error of values ", end="")
    print(f"{np.mean([(q - best)[:, :15].mean() for q in found]):+.3f}")
