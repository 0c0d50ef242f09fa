import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import experience
from udl_jax.ch19_reinforcement.grids import icy_grid

ICE = icy_grid()


@pytest.fixture(scope="module")
def moves():
    return jax.tree.map(np.asarray, experience.sample_moves(jax.random.key(0), ICE, 50_000))


def test_moves_follow_each_other_and_begin_anew_after_an_end(moves):
    ended = moves.terminal[:-1]
    np.testing.assert_array_equal(moves.states[1:][~ended], moves.next_states[:-1][~ended])
    assert (moves.states != 15).all()
    np.testing.assert_array_equal(moves.terminal, moves.next_states == 15)
    np.testing.assert_array_equal(moves.rewards, np.asarray(ICE.rewards)[moves.next_states])
    np.testing.assert_array_equal(moves.actions[1:], moves.next_actions[:-1])
    counts = np.bincount(moves.states[1:][ended], minlength=16)
    assert (counts[:15] > 0).all()


def test_moves_lead_where_the_process_says(moves):
    found = np.zeros((16, 16, 4))
    np.add.at(found, (moves.next_states, moves.states, moves.actions), 1)
    for state, action in ((4, 1), (13, 1), (0, 3)):
        count = found[:, state, action].sum()
        spread = np.sqrt(count) / 2
        expected = count * np.asarray(ICE.transitions)[:, state, action]
        assert np.abs(found[:, state, action] - expected).max() < 4 * spread


def test_actions_and_starts_are_drawn_evenly(moves):
    counts = np.bincount(moves.actions, minlength=4)
    assert np.abs(counts - 12_500).max() < 5 * np.sqrt(50_000 * 3 / 16)
    starts = np.bincount(np.asarray(experience.draw_starts(jax.random.key(1), ICE, 15_000)), minlength=16)
    assert starts[15] == 0
    assert np.abs(starts[:15] - 1000).max() < 5 * np.sqrt(1000)


def test_under_jit_and_vmap_it_is_the_same():
    keys = jax.random.split(jax.random.key(2), 3)
    several = jax.jit(jax.vmap(lambda key: experience.sample_moves(key, ICE, 30)))(keys)
    one = experience.sample_moves(keys[1], ICE, 30)
    for ours, alone in zip(several, one):
        np.testing.assert_array_equal(ours[1], alone)


def test_dtype_follows_the_process():
    with jax.enable_x64(True):
        assert experience.sample_moves(jax.random.key(0), icy_grid(), 5).rewards.dtype == np.float64
    assert experience.sample_moves(jax.random.key(0), ICE, 5).rewards.dtype == np.float32


def test_bad_input_is_told():
    actions, uniforms, restarts = jnp.zeros(3, int), jnp.full(2, 0.5), jnp.zeros(2, int)
    wander = experience.random_moves
    with pytest.raises(
        ValueError, match=r"actions must have the shape of the moves and one more, \(3,\), got \(2,\)"
    ):
        wander(ICE, 0, actions[:2], uniforms, restarts)
    with pytest.raises(ValueError, match="restarts must"):
        wander(ICE, 0, actions, uniforms, jnp.zeros(3, int))
    with pytest.raises(ValueError, match="start must be one of 16 states counted from 0, got 16"):
        wander(ICE, 16, actions, uniforms, restarts)
    with pytest.raises(ValueError, match="start must be no terminal state, got 15"):
        wander(ICE, 15, actions, uniforms, restarts)
    with pytest.raises(ValueError, match="restarts must be no terminal state, got 15"):
        wander(ICE, 0, actions, uniforms, restarts + 15)
    with pytest.raises(ValueError, match="actions must be one of 4 actions counted from 0, got -1"):
        wander(ICE, 0, actions - 1, uniforms, restarts)
    with pytest.raises(ValueError, match=r"uniforms must be draws from \[0, 1\)"):
        wander(ICE, 0, actions, uniforms + 0.5, restarts)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        experience.sample_moves(jax.random.key(0), ICE, 0)
    with pytest.raises(ValueError, match="count must be at least 1"):
        experience.draw_starts(jax.random.key(0), ICE, 0)
