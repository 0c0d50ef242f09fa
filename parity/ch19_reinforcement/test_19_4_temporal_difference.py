"""Notebook 19.4: temporal difference methods."""

import jax
import jax.numpy as jnp
import numpy as np

from udl_jax.ch19_reinforcement import experience, temporal_difference
from udl_jax.ch19_reinforcement.grids import icy_grid


def as_moves(states, actions, rewards, next_states, terminal):
    """Make moves; what comes next is not known, and Q-learning does not look at it."""
    parts = (np.asarray(part).astype(int) for part in (states, actions, next_states))
    states, actions, next_states = parts
    rewards, terminal = np.asarray(rewards, float), np.asarray(terminal).astype(bool)
    return experience.Moves(states, actions, rewards, next_states, terminal, 0 * actions)


def test_grid(reference, agrees):
    book = reference("19_4")
    agrees(icy_grid().transitions, book["transitions"], kind="value", quantity="transitions of the ice")
    agrees(icy_grid().rewards, book["rewards"], kind="value", quantity="rewards")


def test_one_update(reference, agrees):
    book = reference("19_4")
    moves = as_moves(*np.asarray(book["one/move"])[:, None])
    after = temporal_difference.q_learning(book["one/q"], moves, 0.1, book["gamma"])
    agrees(after, book["one/after"], kind="value", quantity="table after one move")
    place = (int(moves.actions[0]), int(moves.states[0]))
    assert (
        f"{book['one/before_update']:.10f}" == "0.3024718977"
    )  # the author's "true value": the entry before
    assert f"{after[place]:.10f}" == "0.4765026241"


def test_twenty_thousand_moves(reference, agrees):
    book = reference("19_4")
    moves = as_moves(*np.asarray(book["run/moves"]).T)
    learn = jax.jit(temporal_difference.q_learning, static_argnames="every")
    tables = learn(book["one/q"], moves, 0.1, book["gamma"], every=1)
    marks = np.asarray(book["run/marks"])
    for mark, theirs in zip(marks, book["run/tables"]):
        agrees(tables[mark - 1], theirs, kind="trajectory", quantity=f"table after {mark:,} moves")
    policy = temporal_difference.greedy_policy(tables[-1])
    agrees(policy, book["run/policy"].astype(np.int32), kind="value", quantity="greedy policy at the end")


def test_moves_from_the_book_s_draws(reference, agrees):
    """Draw again what the notebook drew, in its order, and walk.

    All values of the fish's state are 0, and the notebook draws which of equal actions it calls the best.
    """
    book = reference("19_4")
    theirs = np.asarray(book["run/moves"])
    generator = np.random.RandomState(0)
    q = generator.normal(size=(4, 16))
    q[:, 15] = 0
    agrees(q, np.asarray(book["one/q"]), kind="draws", quantity="table to start from")
    generator.randint(4)
    starts, actions, uniforms = [generator.randint(15)], [], []
    for ended in theirs[:, 4]:
        actions.append(generator.randint(4))
        uniforms.append(generator.random_sample())
        starts.append(generator.randint(15) if ended else 0)
        generator.randint(4)
    arrays = (jnp.array(part) for part in ([*actions, 0], uniforms, starts[1:]))
    moves = jax.jit(experience.random_moves)(icy_grid(), starts[0], *arrays)
    ours = jnp.stack(
        [*moves[:2], moves.rewards.astype(int), moves.next_states, moves.terminal.astype(int)], 1
    )
    agrees(ours, theirs, kind="draws", quantity="20,000 moves")


def test_elsewhere(reference, agrees):
    book = reference("19_4").under("elsewhere")
    states, actions, next_states = np.asarray(book["moves"])
    moves = as_moves(states, actions, book["rewards"], next_states, book["terminal"])
    after = temporal_difference.q_learning(book["q"], moves, 0.3, 0.7)
    quantity = "200 moves among 7 states, other rates, ends anywhere"
    agrees(after, book["after"], kind="trajectory", quantity=quantity)


def test_one_episode(reference, agrees):
    book = reference("19_4").under("episode")
    states, actions = np.asarray(book["states"]), np.asarray(book["actions"])
    ends = np.arange(1, len(states)) == len(actions)
    moves = as_moves(states[:-1], actions, icy_grid().rewards[states[1:]], states[1:], ends)
    after = temporal_difference.q_learning(book["q"], moves)
    agrees(after, book["after"], kind="trajectory", quantity=f"one episode of {len(actions)} moves")
