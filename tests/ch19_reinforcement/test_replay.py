import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import replay
from udl_jax.ch19_reinforcement.replay import Memories


def moves(*numbers):
    """Make moves that are told apart by their numbers."""
    column = jnp.array(numbers, float)
    seen = jnp.stack([column, -column], axis=1)
    return Memories(seen, jnp.array(numbers), 10 * column, seen + 0.5, jnp.array(numbers) % 2 == 0)


EMPTY = replay.empty(5, jnp.zeros(2))


def test_newest_push_out_the_oldest():
    kept = replay.add(replay.add(EMPTY, moves(1, 2, 3)), moves(4, 5, 6))
    assert int(kept.added) == 6
    assert kept.moves.actions.tolist() == [6, 2, 3, 4, 5]
    np.testing.assert_array_equal(kept.moves.rewards, 10 * kept.moves.actions)
    np.testing.assert_array_equal(kept.moves.observations[:, 1], -kept.moves.actions)
    np.testing.assert_array_equal(kept.moves.terminal, kept.moves.actions % 2 == 0)


def test_draws_are_of_what_is_there_and_even():
    half = replay.add(EMPTY, moves(7, 8))
    drawn = replay.draw(half, jax.random.uniform(jax.random.key(0), (2000,)))
    assert set(drawn.actions.tolist()) == {7, 8}
    assert abs((drawn.actions == 7).mean() - 0.5) < 0.05
    np.testing.assert_array_equal(drawn.rewards, 10 * drawn.actions)
    full = replay.add(half, moves(1, 2, 3, 4, 5))
    drawn = replay.draw(full, jax.random.uniform(jax.random.key(1), (5000,)))
    assert np.bincount(drawn.actions)[1:].min() > 850
    edge = replay.draw(half, jnp.array([0.0, 0.4999, 0.5, 1 - 6e-8]))
    assert edge.actions.tolist() == [7, 7, 8, 8]


def test_under_jit_and_in_other_dtypes():
    added = jax.jit(replay.add)(EMPTY, moves(1, 2))
    assert jax.jit(replay.draw)(added, jnp.array([0.9])).actions.tolist() == [2]
    with jax.enable_x64(True):
        wide = replay.empty(3, np.zeros(2))
        assert replay.add(wide, moves(1)).moves.rewards.dtype == np.float64
    assert replay.empty(3, np.zeros(2, np.float16)).moves.rewards.dtype == np.float16


def test_bad_input_is_told():
    with pytest.raises(ValueError, match="capacity must be at least 1"):
        replay.empty(0, jnp.zeros(2))
    with pytest.raises(ValueError, match="moves must not be more than the capacity, 5, got 6"):
        replay.add(EMPTY, moves(1, 2, 3, 4, 5, 6))
    with pytest.raises(
        ValueError, match=r"moves\.rewards must have the shape of what is kept, \(2,\), got \(3,\)"
    ):
        replay.add(EMPTY, moves(1, 2)._replace(rewards=jnp.zeros(3)))
    with pytest.raises(ValueError, match=r"moves\.observations must have the shape"):
        replay.add(EMPTY, moves(1, 2)._replace(observations=jnp.zeros((2, 3))))
    with pytest.raises(ValueError, match=r"replay\.added must be 1 at least, got 0"):
        replay.draw(EMPTY, jnp.array([0.5]))
    with pytest.raises(ValueError, match=r"uniforms must be draws from \[0, 1\)"):
        replay.draw(replay.add(EMPTY, moves(1)), jnp.array([1.0]))
