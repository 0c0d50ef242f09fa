import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import td_control, temporal_difference
from udl_jax.ch19_reinforcement.grids import icy_grid

ICE = icy_grid()
ACT = jax.jit(td_control.act_and_learn, static_argnames="method")
DRAWS = td_control.draw_all(jax.random.key(0), ICE, 20_000)


@pytest.mark.parametrize("method", ["q_learning", "sarsa", "expected_sarsa"])
def test_learning_from_its_own_moves_again_gives_the_same_table(method):
    q0 = jax.random.normal(jax.random.key(1), (4, 16)).at[:, 15].set(0)
    q, moves = ACT(ICE, q0, DRAWS, method=method, epsilon=0.3)
    again = getattr(temporal_difference, method)
    extra = {"epsilon": 0.3} if method == "expected_sarsa" else {}
    np.testing.assert_allclose(q, jax.jit(again)(q0, moves, **extra), atol=1e-5)
    ended = np.asarray(moves.terminal)[:-1]
    np.testing.assert_array_equal(moves.states[1:][~ended], moves.next_states[:-1][~ended])
    np.testing.assert_array_equal(moves.actions[1:], moves.next_actions[:-1])
    np.testing.assert_array_equal(moves.states[1:][ended], DRAWS.starts[1:-1][ended])


def test_agent_gets_better_and_q_learning_values_more_than_sarsa():
    tables = {}
    for method in ("q_learning", "sarsa"):
        q, moves = ACT(ICE, jnp.zeros((4, 16)), DRAWS, method=method)
        assert moves.rewards[-5000:].mean() > moves.rewards[:500].mean() + 0.1
        tables[method] = q[:, :15].max(0).mean()
    best = temporal_difference.optimal_action_values(ICE)[:, :15].max(0).mean()
    assert tables["sarsa"] < tables["q_learning"] - 0.1  # it counts its own slips, too
    assert abs(tables["q_learning"] - best) < 0.25


def test_epsilon_one_wanders_evenly():
    _, moves = ACT(ICE, jnp.zeros((4, 16)), DRAWS, epsilon=1.0)
    counts = np.bincount(np.asarray(moves.actions), minlength=4)
    assert np.abs(counts - 5000).max() < 5 * np.sqrt(20_000 * 3 / 16)


def test_epsilon_zero_is_greedy():
    q0 = jnp.zeros((4, 16)).at[2].set(1.0)
    _, moves = ACT(ICE, q0, DRAWS, alpha=0.0, epsilon=0.0)
    assert (moves.actions == 2).all()


def test_several_seeds_in_one_program():
    draws = jax.vmap(lambda key: td_control.draw_all(key, ICE, 200))(jax.random.split(jax.random.key(3), 4))
    q, moves = jax.vmap(lambda each: ACT(ICE, jnp.zeros((4, 16)), each))(draws)
    alone = ACT(ICE, jnp.zeros((4, 16)), jax.tree.map(lambda part: part[2], draws))
    np.testing.assert_allclose(q[2], alone[0], atol=1e-6)
    np.testing.assert_array_equal(moves.states[2], alone[1].states)


def test_dtype_follows_the_table():
    some = jax.tree.map(lambda part: part[:11], DRAWS)._replace(uniforms=DRAWS.uniforms[:10])
    with jax.enable_x64(True):
        for dtype in (np.float32, np.float64):
            assert td_control.act_and_learn(ICE, np.zeros((4, 16), dtype), some)[0].dtype == dtype


def test_bad_input_is_told():
    act, q = td_control.act_and_learn, jnp.zeros((4, 16))
    some = td_control.draw_all(jax.random.key(0), ICE, 5)
    for name, value in (("alpha", -0.1), ("gamma", 1.1), ("epsilon", 2.0)):
        with pytest.raises(ValueError, match=rf"{name} must lie in \[0, 1\], got {value}"):
            act(ICE, q, some, **{name: value})
    with pytest.raises(
        ValueError, match="method must be one of 'q_learning', 'sarsa', 'expected_sarsa', got 'td'"
    ):
        act(ICE, q, some, method="td")
    with pytest.raises(ValueError, match="q must have the shape of actions and states"):
        act(ICE, q.T, some)
    with pytest.raises(ValueError, match=r"draws\.explore must have the shape"):
        act(ICE, q, some._replace(explore=some.explore[1:]))
    with pytest.raises(ValueError, match=r"draws\.starts must be one of 16 states"):
        act(ICE, q, some._replace(starts=some.starts + 16))
    with pytest.raises(ValueError, match=r"draws.uniforms must be draws from \[0, 1\)"):
        act(ICE, q, some._replace(uniforms=some.uniforms + 1))
    with pytest.raises(ValueError, match="steps must be at least 1"):
        td_control.draw_all(jax.random.key(0), ICE, 0)
