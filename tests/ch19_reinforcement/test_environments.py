import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import environments
from udl_jax.ch19_reinforcement.environments import Square
from udl_jax.ch19_reinforcement.grids import icy_grid

ICE = icy_grid()
WORLD = environments.grid_environment(ICE, limit=20)


def at(square, time=0):
    return Square(jnp.array(square), jnp.array(time))


def test_steps_follow_the_process():
    many = jax.vmap(lambda key: WORLD.step(at(14), 1, key))(jax.random.split(jax.random.key(0), 4000))
    counts = np.bincount(many.state.square, minlength=16) / 4000
    np.testing.assert_allclose(counts, ICE.transitions[:, 14, 1], atol=0.03)
    np.testing.assert_array_equal(many.reward, np.asarray(ICE.rewards)[many.state.square])
    np.testing.assert_array_equal(many.terminal, many.state.square == 15)
    assert not many.truncated.any()


def test_limit_of_time_is_no_end_of_the_world():
    found = WORLD.step(at(0, time=19), 0, jax.random.key(0))
    assert (bool(found.terminal), bool(found.truncated)) == (False, True)
    keys = jax.random.split(jax.random.key(1), 50)
    fish = jax.vmap(lambda key: WORLD.step(at(11, time=19), 2, key))(keys)
    assert not (fish.terminal & fish.truncated).any()
    assert (fish.terminal | fish.truncated).all()


def test_nothing_happens_after_the_end():
    found = WORLD.step(at(15), 0, jax.random.key(0))
    assert (int(found.state.square), float(found.reward)) == (15, 0)


def test_observations_and_resets():
    states = jax.vmap(WORLD.reset)(jax.random.split(jax.random.key(2), 300))
    assert set(np.asarray(states.square).tolist()) == set(range(15))
    seen = jax.vmap(WORLD.observe)(states)
    np.testing.assert_array_equal(seen.argmax(axis=1), states.square)
    np.testing.assert_array_equal(seen.sum(axis=1), 1)


def test_play_stops_counting_at_the_end():
    play = jax.jit(environments.play, static_argnums=(2, 3))
    keys = jax.random.split(jax.random.key(3), 40)
    _, rewards, alive = jax.vmap(lambda key: play(key, WORLD, lambda seen: 2, 30))(keys)
    lengths = alive.sum(axis=1)
    assert (lengths <= 20).all()
    assert (rewards[~alive] == 0).all()
    assert ((rewards == 3).sum(axis=1) <= 1).all()


def test_it_passes_through_jit_as_an_argument_and_keeps_the_dtype():
    step = jax.jit(lambda world, state, key: world.step(state, 1, key))
    assert step(WORLD, at(3), jax.random.key(0)).reward.dtype == np.float32
    with jax.enable_x64(True):
        wide = environments.grid_environment(icy_grid())
        assert wide.step(at(3), 1, jax.random.key(0)).reward.dtype == np.float64
        assert wide.observe(at(3)).dtype == np.float64


def test_bad_input_is_told():
    with pytest.raises(ValueError, match="action must be one of 4 actions counted from 0, got 4"):
        WORLD.step(at(0), 4, jax.random.key(0))
    with pytest.raises(ValueError, match=r"state\.square must be one of 16 states"):
        WORLD.step(at(16), 0, jax.random.key(0))
    with pytest.raises(ValueError, match="limit must be at least 1"):
        environments.grid_environment(ICE, limit=0)
    with pytest.raises(ValueError, match="rewards must have the shape of the states"):
        environments.grid_environment(ICE._replace(rewards=jnp.ones(2)))
    with pytest.raises(ValueError, match="steps must be at least 1"):
        environments.play(jax.random.key(0), WORLD, lambda seen: 1, 0)
