import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import chains, grids
from udl_jax.ch19_reinforcement import markov_decision_process as markov

RIGHT = np.full(16, grids.RIGHT)
DICE = np.random.default_rng(0).dirichlet(np.ones(4), 16).T.astype(np.float32)


def test_a_step_arrives_as_often_as_the_table_says():
    mdp = grids.icy_grid()
    uniforms = (np.arange(1000) + 0.5) / 1000  # evenly spread, so that shares are exact
    states, rewards = jax.vmap(lambda u: markov.step(mdp, 13, grids.RIGHT, u))(uniforms)
    np.testing.assert_allclose(np.bincount(states, minlength=16) / 1000, mdp.transitions[:, 13, 1], atol=1e-3)
    np.testing.assert_array_equal(rewards, mdp.rewards[states])


def test_who_has_arrived_stays_and_gets_no_more():
    state, reward = markov.step(grids.icy_grid(), 15, 0, 0.5)
    assert (int(state), float(reward)) == (15, 0)
    path = markov.sample_rollout(jax.random.key(0), grids.icy_grid(), RIGHT, 12, 60)
    end = int(np.argmax(path.states == 15))
    assert end > 0
    assert (path.states[end:] == 15).all()
    assert not path.rewards[end:].any()


@pytest.mark.parametrize("policy", [RIGHT, DICE])
def test_a_rollout_is_its_steps(policy):
    mdp = grids.penguin_grid()
    shape = (20,) if policy.ndim == 1 else (20, 2)
    uniforms = np.random.default_rng(1).random(shape).astype(np.float32)
    path = jax.jit(markov.rollout)(mdp, policy, 3, uniforms)
    assert path.states.shape == (21,)
    for t, uniform in enumerate(uniforms):
        draw = uniform
        if policy.ndim == 1:
            action = policy[path.states[t]]
        else:
            action, draw = np.searchsorted(np.cumsum(policy[:, path.states[t]]), uniform[0]), uniform[1]
        state, reward = markov.step(mdp, path.states[t], int(action), float(draw))
        assert (int(path.actions[t]), int(path.states[t + 1])) == (int(action), int(state))
        assert path.rewards[t] == reward


def test_rollouts_visit_states_as_their_chain_does():
    mdp = grids.penguin_grid()
    keys = jax.random.split(jax.random.key(0), 4000)
    paths = jax.vmap(lambda key: markov.sample_rollout(key, mdp, DICE, 0, 3))(keys)
    shares = np.bincount(paths.states[:, 3], minlength=16) / 4000
    expected = np.linalg.matrix_power(np.asarray(chains.policy_chain(mdp, DICE)), 3)[:, 0]
    assert np.abs(shares - expected).max() < 0.03


def test_a_walk_follows_its_draws():
    states = markov.walk(grids.penguin_walk(), 0, jnp.array([0.49, 0.34, 0.99]))
    assert states.tolist() == [0, 1, 2, 6]


def test_returns_are_sums_to_come():
    np.testing.assert_allclose(markov.returns(jnp.ones(3), 0.9), [2.71, 1.9, 1], rtol=1e-6)
    rewards = jnp.array([1.0, -2.0, 0.5])
    np.testing.assert_array_equal(markov.returns(rewards, 0.0), rewards)
    np.testing.assert_allclose(markov.returns(rewards, 1), [-0.5, -1.5, 0.5], rtol=1e-6)


def test_the_derivative_of_a_return_is_a_power_of_the_discount():
    slope = jax.grad(lambda r: markov.returns(r, 0.5)[0])(jnp.zeros(4))
    np.testing.assert_allclose(slope, [1, 0.5, 0.25, 0.125])


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.float32])
def test_the_dtype_follows(dtype):
    mdp = grids.icy_grid()._replace(rewards=grids.holes_and_fish().astype(dtype))
    path = markov.sample_rollout(jax.random.key(0), mdp, RIGHT, 0, 5)
    assert path.rewards.dtype == dtype
    assert markov.returns(path.rewards, 0.9).dtype == dtype


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: markov.step(g, 16, 0, 0.5), "state must be one of 16 states counted from 0, got 16"),
        (lambda g: markov.step(g, 0, 4, 0.5), "action must be one of 4 actions counted from 0, got 4"),
        (lambda g: markov.step(g, 0, 0, 1.0), r"uniform must lie in \[0, 1\), got 1.0"),
        (
            lambda g: markov.rollout(g, RIGHT, -1, np.zeros(3)),
            "start must be one of 16 states counted from 0, got -1",
        ),
        (
            lambda g: markov.rollout(g, RIGHT, 0, np.zeros((3, 2))),
            r"uniforms must have the shape \(steps\), got",
        ),
        (
            lambda g: markov.rollout(g, DICE, 0, np.zeros(3)),
            r"uniforms must have the shape \(steps, 2\), got \(3,\)",
        ),
        (
            lambda g: markov.rollout(g, DICE, 0, np.full((3, 2), 2)),
            r"uniforms must be draws from \[0, 1\), got 2",
        ),
        (lambda g: markov.rollout(g, RIGHT[1:], 0, np.zeros(3)), "policy must have the shape of the states"),
        (
            lambda g: markov.rollout(g._replace(rewards=np.zeros(3)), RIGHT, 0, np.zeros(3)),
            "rewards must have the shape",
        ),
        (lambda g: markov.walk(np.full((2, 2), 0.4), 0, np.zeros(3)), "transitions must sum to 1"),
        (
            lambda g: markov.sample_rollout(jax.random.key(0), g, RIGHT, 0, 0),
            "steps must be at least 1, got 0",
        ),
        (lambda g: markov.returns(np.ones(3), 1.01), r"gamma must lie in \[0, 1\], got 1.01"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call(grids.icy_grid())
