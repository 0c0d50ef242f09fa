import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from udl_jax.ch19_reinforcement import cart_pole, chains, deep_q, environments, temporal_difference
from udl_jax.ch19_reinforcement.grids import icy_grid
from udl_jax.ch19_reinforcement.replay import Memories

ICE = icy_grid()
WORLD = environments.grid_environment(ICE)
BEST = temporal_difference.optimal_action_values(ICE)
SETTINGS = deep_q.Settings(actions=4)
TRAIN = jax.jit(deep_q.train_dqn, static_argnums=2)


class Table(nn.Module):
    """Stands in for a network: its one weight is a table, and what it sees is the number of a state."""

    @nn.compact
    def __call__(self, seen):
        return self.param("table", nn.initializers.zeros, (2, 2))[seen[:, 0].astype(int)]


def table(*rows):
    return {"params": {"table": jnp.array(rows)}}


def one_move(terminal):
    seen = jnp.zeros((1, 1))
    return Memories(seen, jnp.array([0]), jnp.ones(1), seen + 1, jnp.array([terminal]))


@pytest.fixture(scope="module")
def tables():
    trained = [TRAIN(jax.random.key(seed), WORLD, SETTINGS)[0] for seed in range(5)]
    return [np.asarray(SETTINGS.model.apply(variables, jnp.eye(16)).T) for variables in trained]


def test_five_seeds_find_the_best_values(tables):
    for q in tables:
        assert chains.expected_returns(ICE, q.argmax(axis=0), 0.9)[:15].mean() >= 1.75  # of 1.767
        assert np.abs(q - BEST)[:, :15].mean() < 0.1


def test_huber_s_loss_is_biased_where_rewards_are_random(tables):
    settings = deep_q.Settings(actions=4, huber=1.0)
    variables, _ = TRAIN(jax.random.key(0), WORLD, settings)
    q = settings.model.apply(variables, jnp.eye(16)).T
    assert jnp.abs(q - BEST)[:, :15].mean() > 1.3 * np.abs(tables[0] - BEST)[:, :15].mean()


def test_end_of_an_episode_and_limit_of_time():
    """Reward 1, discount 0.9, best next value 10."""
    still = table([0.0, 0.0], [10.0, 4.0])
    for terminal, expected in ((True, 1.0), (False, 10.0)):
        assert deep_q.targets(Table(), still, still, one_move(terminal), 0.9)[0] == expected


def test_two_networks_share_the_work():
    still, online = table([0.0, 0.0], [10.0, 4.0]), table([0.0, 0.0], [1.0, 2.0])
    double, single = (
        deep_q.targets(Table(), online, still, one_move(False), 0.5, flag)[0] for flag in (True, False)
    )
    assert (double, single) == (1 + 2, 1 + 5)


def test_loss_by_hand_and_its_derivatives():
    model = SETTINGS.model
    seen = jnp.eye(16)[:2]
    variables = model.init(jax.random.key(0), seen)
    other = model.init(jax.random.key(1), seen)
    moves = Memories(seen, jnp.array([1, 3]), jnp.ones(2), seen[::-1], jnp.array([False, True]))
    aim = deep_q.targets(model, variables, other, moves, 0.9)
    off = model.apply(variables, seen)[jnp.arange(2), moves.actions] - aim
    assert deep_q.q_loss(variables, other, moves, SETTINGS) == pytest.approx(
        float((off**2).mean() / 2), rel=1e-5
    )
    straight = deep_q.Settings(actions=4, huber=0.5)
    by_hand = np.where(np.abs(off) <= 0.5, off**2 / 2, 0.5 * (np.abs(off) - 0.25)).mean()
    assert deep_q.q_loss(variables, other, moves, straight) == pytest.approx(float(by_hand), rel=1e-5)
    slope = jax.grad(deep_q.q_loss, argnums=1)(variables, other, moves, SETTINGS)
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(slope))
    slope = jax.grad(deep_q.q_loss)(variables, other, moves, SETTINGS)
    frozen = jax.grad(lambda v: jnp.mean((model.apply(v, seen)[jnp.arange(2), moves.actions] - aim) ** 2) / 2)
    chex.assert_trees_all_close(slope, frozen(variables), atol=1e-6)


def test_episodes_are_counted_and_the_pole_is_learned_a_little():
    settings = deep_q.Settings(actions=2, gamma=0.99, steps=3000, rate=1e-3, target_every=50)
    _, history = TRAIN(jax.random.key(0), cart_pole.environment(), settings)
    lengths = np.asarray(history.lengths)
    assert lengths.shape == (3000, 16)
    assert np.isfinite(history.loss).all()
    first, last = lengths[:300], lengths[-300:]
    assert 8 < first[first > 0].mean() < 40
    assert last[last > 0].mean() > 2 * first[first > 0].mean()


def test_a_second_training_compiles_nothing():
    settings = deep_q.Settings(actions=4, steps=3, batch=4)
    train = jax.jit(chex.assert_max_traces(deep_q.train_dqn, n=1), static_argnums=2)
    for seed in range(2):
        world = environments.grid_environment(ICE)
        assert jnp.isfinite(train(jax.random.key(seed), world, settings)[1].loss).all()


def test_network_follows_the_dtype_of_what_it_sees():
    model = deep_q.QNetwork(3, (5,))
    with jax.enable_x64(True):
        for dtype in (np.float16, np.float32, np.float64):
            seen = jnp.zeros((2, 4), dtype)
            assert model.apply(model.init(jax.random.key(0), seen), seen).dtype == dtype


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"actions": 0}, "actions must be at least 1, got 0"),
        ({"rate": -1e-3}, r"rate must be positive, got -0\.001"),
        ({"final_rate": 0.0}, "final_rate must be positive"),
        ({"gamma": -0.1}, r"gamma must lie in \[0, 1\], got -0\.1"),
        ({"explore": (1.0, 1.2)}, r"explore\[1\] must lie in \[0, 1\], got 1\.2"),
        ({"huber": 0.0}, "huber must be positive"),
        ({"widths": (8, 0)}, r"widths\[1\] must be at least 1, got 0"),
        ({"capacity": 10}, "capacity must hold a move of each of 16 environments, got 10"),
    ],
)
def test_bad_settings_are_told(wrong, message):
    with pytest.raises(ValueError, match=message):
        deep_q.Settings(**({"actions": 4} | wrong))
