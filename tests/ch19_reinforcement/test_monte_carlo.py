import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import grids, monte_carlo, soft_policies

ICE = grids.icy_grid()
START = np.random.RandomState(0).choice(size=16, a=np.arange(4))
SOFT = soft_policies.epsilon_greedy(START)
run = jax.jit(monte_carlo.monte_carlo_control, static_argnames=("updates", "episodes"))


def worth(policies):
    """Compute exactly what following policies epsilon-greedily brings."""
    value = jax.vmap(lambda policy: soft_policies.mean_value(ICE, soft_policies.epsilon_greedy(policy), 0.9))
    return np.asarray(jax.jit(value)(policies))


OPTIMUM = worth(soft_policies.best_soft_policy(ICE, 0.9)[None])[0]


def test_averages_of_returns_come_to_the_exact_values():
    best = soft_policies.epsilon_greedy(soft_policies.best_soft_policy(ICE, 0.9))
    uniforms = jax.random.uniform(jax.random.key(0), (300_000, 2))
    starts = np.random.default_rng(0).integers(0, 15, 30_000)
    played = jax.jit(monte_carlo.run_episodes)(ICE, best, starts, uniforms, 0.9)
    assert played.steps < 300_000
    exact = soft_policies.exact_action_values(ICE, best, 0.9)
    seen = played.experience.counts > 300
    off = np.abs(played.experience.totals / (played.experience.counts + 1e-5) - exact)
    assert off[seen].max() < 0.2
    assert seen[:, :15].mean() > 0.8
    assert not played.experience.counts[:, 15].any()


def test_an_update_is_the_best_of_what_its_episodes_averaged():
    uniforms = jax.random.uniform(jax.random.key(1), (60_000, 2))
    starts = np.random.default_rng(1).integers(0, 15, (2, 50))
    found = monte_carlo.control(ICE, START, starts, uniforms, 0.9)
    policy, at = START, 0
    for k in range(2):
        soft = soft_policies.epsilon_greedy(policy)
        played = monte_carlo.run_episodes(ICE, soft, starts[k], np.roll(uniforms, -at, axis=0), 0.9)
        values = played.experience.totals / (played.experience.counts + monte_carlo.TINY)
        np.testing.assert_allclose(found.action_values[k], values, rtol=1e-4, atol=1e-4)
        policy, at = np.asarray(jnp.argmax(values, 0)), at + int(played.steps)
        np.testing.assert_array_equal(found.policies[k], policy)
        assert found.steps[k] == played.steps


def test_with_memory_sums_are_carried_on():
    uniforms = jax.random.uniform(jax.random.key(2), (60_000, 2))
    starts = np.random.default_rng(1).integers(0, 15, (2, 50))
    forgets, keeps = (monte_carlo.control(ICE, START, starts, uniforms, 0.9, memory=m) for m in (0.0, 1.0))
    np.testing.assert_array_equal(forgets.action_values[0], keeps.action_values[0])
    assert (keeps.action_values[1] != 0).sum() >= (forgets.action_values[1] != 0).sum()


def test_the_notebooks_way_never_settles():
    found = run(jax.random.key(0), ICE, START, 400, 100)
    assert (worth(found.policies[100:]) < OPTIMUM - 1e-4).all()
    assert (np.diff(found.policies[100:], axis=0) != 0).any(1).all()


@pytest.mark.parametrize("seed", range(3))
def test_with_a_long_memory_it_comes_to_the_optimum(seed):
    found = run(jax.random.key(seed), ICE, START, 2000, 100, memory=0.995)
    assert abs(worth(found.policies[-500:]).mean() - OPTIMUM) < 0.02
    assert (found.longest > 50).any()


def test_another_run_compiles_nothing():
    run(jax.random.key(0), ICE, START, 5, 10, memory=0.0)
    before = run._cache_size()
    run(jax.random.key(1), ICE._replace(rewards=2 * ICE.rewards), START, 5, 10, memory=0.5)
    assert run._cache_size() == before


def test_keys_may_be_mapped_over():
    keys = jax.random.split(jax.random.key(0), 2)
    both = jax.vmap(lambda key: monte_carlo.monte_carlo_control(key, ICE, START, 2, 10))(keys)
    for k, key in enumerate(keys):
        alone = monte_carlo.monte_carlo_control(key, ICE, START, 2, 10)
        np.testing.assert_allclose(both.action_values[k], alone.action_values, rtol=1e-5, atol=1e-5)


def test_double_precision_stays_and_half_is_widened():
    assert (
        monte_carlo.monte_carlo_control(jax.random.key(0), ICE, START, 2, 5).action_values.dtype
        == jnp.float32
    )
    half = ICE._replace(rewards=ICE.rewards.astype(jnp.bfloat16))
    found = monte_carlo.monte_carlo_control(jax.random.key(0), half, START, 2, 5)
    assert found.action_values.dtype == jnp.float32
    with jax.enable_x64(True):
        found = monte_carlo.monte_carlo_control(jax.random.key(0), grids.icy_grid(), START, 2, 5)
        assert found.action_values.dtype == jnp.float64


def test_draws_that_round_up_to_one_find_no_impossible_state():
    nearly = np.full((400, 2), 1 - 1e-12)
    played = monte_carlo.run_episodes(
        ICE, soft_policies.epsilon_greedy(np.full(16, 2)), [0], np.append(nearly, [[0.5, 0.5]] * 99, 0), 0.9
    )
    assert played.experience.counts.sum() == played.steps


def control(**changed):
    settings = {
        "mdp": ICE,
        "policy": START,
        "starts": np.zeros((1, 2), int),
        "uniforms": np.full((9, 2), 0.5),
    }
    return monte_carlo.control(**(settings | {"gamma": 0.9} | changed))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"gamma": 1.1}, r"gamma must lie in \[0, 1\], got 1.1"),
        ({"epsilon": 0.0}, "epsilon must be positive, got 0"),
        ({"epsilon": 1.5}, r"epsilon must lie in \[0, 1\], got 1.5"),
        ({"memory": -0.1}, r"memory must lie in \[0, 1\], got -0.1"),
        ({"starts": np.full((1, 2), 15)}, "starts must not be terminal states"),
        ({"starts": np.full((1, 2), 16)}, "starts must be one of 16 states counted from 0, got 16"),
        ({"uniforms": np.full((9, 2), 1.5)}, r"uniforms must be draws from \[0, 1\), got"),
        ({"uniforms": np.zeros((9, 3))}, r"uniforms must have the shape \(pairs, 2\)"),
        ({"policy": np.zeros(15, int)}, "policy must have the shape of the states"),
        ({"mdp": ICE._replace(transitions=ICE.transitions / 2)}, "transitions must sum to 1"),
        ({"mdp": ICE._replace(rewards=np.zeros(3))}, "rewards must have the shape of the states"),
        ({"mdp": grids.penguin_grid()}, "no terminal state is ever reached from state 0"),
    ],
)
def test_bad_input_is_told(changed, message):
    with pytest.raises(ValueError, match=message):
        control(**changed)


def test_a_policy_that_goes_around_for_ever_is_told():
    up = soft_policies.epsilon_greedy(np.zeros(16, int), 0.0)
    still = jnp.where(jnp.arange(4) == 0, jnp.eye(16)[:, :, None], ICE.transitions).at[:, 15].set(0)
    with pytest.raises(ValueError, match="no terminal state is ever reached from state 0"):
        monte_carlo.run_episodes(ICE._replace(transitions=still), up, [0], np.full((9, 2), 0.5), 0.9)
