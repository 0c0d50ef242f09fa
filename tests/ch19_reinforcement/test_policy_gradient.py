import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import chains
from udl_jax.ch19_reinforcement import policy_gradient as pg
from udl_jax.ch19_reinforcement.episodes import Episodes
from udl_jax.ch19_reinforcement.grids import icy_grid

ICE = icy_grid()
TRAIN = jax.jit(jax.vmap(pg.train, in_axes=(0, None, None)), static_argnums=2)


@pytest.fixture(scope="module")
def groups(halfway):
    """Many groups of four episodes that this policy plays."""
    sample = jax.jit(pg.sample_episodes, static_argnames="episodes")
    played = sample(jax.random.key(1), halfway.theta, ICE, episodes=19_200)
    return jax.tree.map(lambda leaf: leaf.reshape(4800, 4, -1), played)


def estimate(params, groups, method):
    return np.asarray(jax.jit(pg.gradients, static_argnums=3)(params, groups, ICE, pg.Settings(method)))


def worth(theta):
    return chains.expected_returns(ICE, jax.nn.softmax(theta, axis=0), 0.9)[:15].mean()


@pytest.fixture(scope="module")
def halfway():
    """A policy that has learned something, and what its states are worth."""
    params, _ = jax.jit(pg.train, static_argnums=2)(jax.random.key(7), ICE, pg.Settings(updates=80))
    return params._replace(values=chains.expected_returns(ICE, jax.nn.softmax(params.theta, axis=0), 0.9))


@pytest.mark.parametrize("method", pg.METHODS)
def test_ten_seeds_learn(method):
    settings = pg.Settings(method)
    params, path = TRAIN(jax.random.split(jax.random.key(0), 10), ICE, settings)
    values = jax.jit(jax.vmap(worth))(params.theta)
    assert values.min() >= 1.65  # of 1.767
    assert path.theta.shape == (10, 400, 4, 16)
    np.testing.assert_array_equal(path.theta[:, -1], params.theta)
    if method != "reinforce":
        exact = jax.vmap(lambda t: chains.expected_returns(ICE, jax.nn.softmax(t, axis=0), 0.9))(params.theta)
        assert jnp.abs(params.values - exact)[:, :15].mean() < 0.15


@pytest.mark.parametrize("method", pg.METHODS)
def test_estimates_are_right_on_average(method, halfway, groups):
    """With the true values as baseline all three methods estimate the derivative of the exact worth."""
    exact = jax.jit(jax.grad(worth))(halfway.theta)
    found = estimate(halfway, groups, method)
    error = 5 * found.std(axis=0) / np.sqrt(len(found)) + 1e-3
    assert (np.abs(found.mean(axis=0) - exact) < error).all()


def test_baseline_halves_the_variance_and_the_critic_does_more(halfway, groups):
    plain, baseline, critic = (estimate(halfway, groups, method).var(axis=0).sum() for method in pg.METHODS)
    assert baseline < plain / 1.7
    assert critic < baseline / 1.5
    larger = jax.tree.map(lambda leaf: leaf.reshape(300, 64, -1), groups)
    assert estimate(halfway, larger, "baseline").var(axis=0).sum() == pytest.approx(baseline / 16, rel=0.2)


def lived(rewards, states=(0, 1, 2, 3)):
    count = len(rewards)
    return Episodes(jnp.array(states), jnp.zeros(count, int), jnp.array(rewards), jnp.ones(count, bool))


def test_advantages_by_hand():
    episode = lived([1.0, 1.0, 1.0])
    np.testing.assert_allclose(pg.advantages(episode, ICE, 0.9), [2.71, 1.9, 1.0], rtol=1e-6)
    values = jnp.zeros(16).at[:4].set(jnp.array([1.0, 2.0, 3.0, 10.0]))
    np.testing.assert_allclose(pg.advantages(episode, ICE, 0.9, values), [1.71, -0.1, -2.0], atol=1e-6)
    td = pg.advantages(episode, ICE, 0.9, values, td=True)
    np.testing.assert_allclose(td, [1 + 1.8 - 1, 1 + 2.7 - 2, 1 + 9 - 3], rtol=1e-6)
    into_fish = lived([0.0, 0.0, 3.0], (13, 13, 11, 15))
    ten = jnp.full(16, 10.0)
    assert pg.advantages(into_fish, ICE, 0.9, ten, td=True)[-1] == 3 - 10  # nothing comes after the fish


def test_loss_by_hand_and_its_derivative():
    episode = lived([1.0, 1.0, 1.0])
    advantage = jnp.array([1.0, 2.0, 4.0])
    theta = jnp.zeros((4, 16))
    assert pg.policy_loss(theta, episode, advantage, 0.5) == pytest.approx((1 + 1 + 1) * np.log(4))
    slope = jax.grad(pg.policy_loss)(theta, episode, advantage, 0.5)
    np.testing.assert_allclose(slope[:, 0], [-0.75, 0.25, 0.25, 0.25])
    assert (slope[:, 4:] == 0).all()


def test_no_derivative_leaks(halfway):
    """The critic's error does not move the policy, and the policy's loss does not move the critic."""
    sample = jax.jit(pg.sample_episodes)
    episodes = sample(jax.random.key(3), halfway.theta, ICE)
    settings = pg.Settings("actor_critic")
    whole = jax.grad(pg.loss)(halfway, episodes, ICE, settings)
    advantage = pg.advantages(episodes, ICE, 0.9, halfway.values, td=True)
    alone = jax.grad(pg.policy_loss)(halfway.theta, episodes, advantage, 0.9)
    np.testing.assert_allclose(whole.theta, alone, atol=1e-6)
    count = episodes.alive.sum()
    seen = jnp.zeros(16).at[episodes.states[:, :-1]].add(advantage)
    np.testing.assert_allclose(whole.values, -seen / count, atol=1e-6)


def test_a_second_training_compiles_nothing():
    settings = pg.Settings(episodes=3, steps=4, updates=2)
    train = jax.jit(chex.assert_max_traces(pg.train, n=1), static_argnums=2)
    for seed in range(3):
        params, _ = train(jax.random.key(seed), ICE, settings)
    assert jnp.isfinite(params.theta).all()


def test_dtype_follows_the_process():
    settings = pg.Settings(episodes=3, steps=4, updates=2)
    with jax.enable_x64(True):
        for part in pg.train(jax.random.key(0), icy_grid(), settings)[0]:
            assert part.dtype == np.float64


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "trpo"}, "method must be one of 'reinforce', 'baseline', 'actor_critic', got 'trpo'"),
        ({"rate": -0.1}, r"rate must be positive, got -0\.1"),
        ({"gamma": 1.5}, r"gamma must lie in \[0, 1\], got 1\.5"),
        ({"updates": 0}, "updates must be at least 1, got 0"),
        ({"episodes": 0}, "episodes must be at least 1, got 0"),
    ],
)
def test_bad_settings_are_told(wrong, message):
    with pytest.raises(ValueError, match=message):
        pg.Settings(**wrong)


def test_other_bad_input_is_told(halfway):
    episode = lived([1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="values must be given if td is true"):
        pg.advantages(episode, ICE, 0.9, td=True)
    with pytest.raises(ValueError, match=r"values must have the shape of the states, \(16,\), got \(3,\)"):
        pg.advantages(episode, ICE, 0.9, jnp.zeros(3))
    with pytest.raises(ValueError, match="gamma must lie in"):
        pg.advantages(episode, ICE, -0.1)
    with pytest.raises(ValueError, match=r"advantage must have the shape of the actions, \(3,\), got \(2,\)"):
        pg.policy_loss(halfway.theta, episode, jnp.zeros(2))
    with pytest.raises(ValueError, match=r"episodes must have the axes \(estimates, episodes, steps\)"):
        pg.gradients(halfway, episode, ICE, pg.Settings())
    with pytest.raises(ValueError, match="transitions must sum to 1"):
        pg.train(jax.random.key(0), ICE._replace(transitions=ICE.transitions / 2))
