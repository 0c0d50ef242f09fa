import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import experience
from udl_jax.ch19_reinforcement import temporal_difference as td
from udl_jax.ch19_reinforcement.experience import Moves
from udl_jax.ch19_reinforcement.grids import icy_grid
from udl_jax.ch19_reinforcement.processes import Mdp

ICE = icy_grid()
BEST = td.optimal_action_values(ICE)


def one_move(terminal, reward=1.0):
    """Move from state 0 to state 1, of which the best value is 10 in :data:`TEN`."""
    return Moves(*(jnp.array([part]) for part in (0, 0, reward, 1, terminal, 1)))


TEN = jnp.array([[0.0, 10.0], [0.0, 4.0]])


@pytest.fixture(scope="module")
def moves():
    return experience.sample_moves(jax.random.key(0), ICE, 20_000)


def worth(policy, gamma=0.9):
    """Compute the mean value of a policy from the first fifteen states, by solving for it."""
    transitions = np.asarray(ICE.transitions, float)[:, np.arange(16), policy]
    values = np.linalg.solve(np.eye(16) - gamma * transitions.T, transitions.T @ np.asarray(ICE.rewards))
    return values[:15].mean()


def test_what_comes_after_an_end_does_not_count_but_after_a_limit_of_time_it_does():
    for terminal, target in ((True, 1.0), (False, 10.0)):
        assert td.td_target(jnp.array(1.0), jnp.array(10.0), jnp.array(terminal), 0.9) == target
        after = td.q_learning(TEN, one_move(terminal), alpha=0.5)
        assert after[0, 0] == target / 2
        assert (after.at[0, 0].set(0) == TEN).all()


def test_methods_differ_in_what_the_next_state_counts_for():
    rate = {"alpha": 1.0, "gamma": 0.5}
    assert td.q_learning(TEN, one_move(False), **rate)[0, 0] == 1 + 5
    assert td.sarsa(TEN, one_move(False), **rate)[0, 0] == 1 + 2
    for epsilon, expected in ((0.0, 6.0), (1.0, 4.5), (0.5, 5.25)):
        assert td.expected_sarsa(TEN, one_move(False), **rate, epsilon=epsilon)[0, 0] == expected
    tables = jnp.stack([TEN, -TEN])
    for coin, expected in ((False, 1 - 5.0), (True, 1 + 2.0)):  # the second one chooses action 1, of value -4
        after = td.double_q_learning(tables, one_move(False), jnp.array([coin]), **rate)
        assert after[int(coin), 0, 0] == expected
        assert (after[1 - int(coin)] == tables[1 - int(coin)]).all()


def test_q_learning_finds_the_best_values_at_the_book_s_settings(moves):
    q0 = jax.random.normal(jax.random.key(1), (4, 16)).at[:, 15].set(0)
    q = jax.jit(td.q_learning)(q0, moves)
    assert jnp.abs(q - BEST)[:, :15].mean() < 0.2
    assert worth(td.greedy_policy(q)) > worth(td.greedy_policy(BEST)) - 0.02
    assert (q[:, 15] == 0).all()


def test_best_values_satisfy_their_equation_and_are_the_best_policy_s():
    q = np.asarray(BEST, float)
    after = np.einsum("nsa,n->as", np.asarray(ICE.transitions), np.asarray(ICE.rewards) + 0.9 * q.max(0))
    np.testing.assert_allclose(after, q, atol=1e-5)
    assert worth(td.greedy_policy(BEST)) == pytest.approx(q[:, :15].max(0).mean(), abs=1e-4)
    assert q[:, :15].max(0).mean() == pytest.approx(1.767, abs=1e-3)
    short = td.optimal_action_values(ICE, gamma=0.0)
    np.testing.assert_allclose(short, np.einsum("nsa,n->as", ICE.transitions, ICE.rewards), atol=1e-6)
    assert (td.optimal_action_values(ICE, sweeps=1) == short).all()


def test_sarsa_on_random_moves_finds_what_random_moves_are_worth(moves):
    rate = jnp.maximum(1 / (1 + jnp.arange(20_000) / 400), 0.02)
    uniform = np.asarray(ICE.transitions, float).mean(2)
    values = np.linalg.solve(np.eye(16) - 0.9 * uniform.T, uniform.T @ np.asarray(ICE.rewards))
    exact = np.einsum("nsa,n->as", ICE.transitions, np.asarray(ICE.rewards) + 0.9 * values)[:, :15]
    for learn in (td.sarsa, lambda *given: td.expected_sarsa(*given, epsilon=1.0)):
        found = jax.jit(learn)(jnp.zeros((4, 16)), moves, rate)
        assert np.abs(found[:, :15] - exact).mean() < 0.2


def test_expected_sarsa_without_chance_is_q_learning(moves):
    some = jax.tree.map(lambda part: part[:500], moves)
    q = jnp.ones((4, 16))
    np.testing.assert_allclose(td.expected_sarsa(q, some), td.q_learning(q, some), rtol=1e-6)


def test_two_tables_do_not_overestimate_a_state_in_which_all_actions_are_worth_nothing():
    """From state 0 one comes to the end, with a reward of -1 or 1 whatever one does."""
    generator = np.random.default_rng(0)
    shape, zeros = (200, 300), jnp.zeros((200, 300), int)
    actions, rewards = generator.integers(0, 8, shape), generator.choice([-1.0, 1.0], shape)
    made = Moves(zeros, jnp.array(actions), jnp.array(rewards), zeros + 1, zeros == 0, zeros)
    single = jax.vmap(lambda m: td.q_learning(jnp.zeros((8, 2)), m))(made)[:, :, 0]
    coins = jnp.array(generator.random(shape) < 0.5)
    double = jax.vmap(lambda m, c: td.double_q_learning(jnp.zeros((2, 8, 2)), m, c))(made, coins)[..., 0]
    assert single.max(1).mean() > 0.2
    chosen = double[:, 0].argmax(1)
    assert abs(jnp.take_along_axis(double[:, 1], chosen[:, None], 1).mean()) < 0.04


def test_tables_on_the_way(moves):
    some = jax.tree.map(lambda part: part[:60], moves)
    q, last = jnp.ones((4, 16)), td.q_learning(jnp.ones((4, 16)), some)
    kept = td.q_learning(q, some, every=20)
    assert kept.shape == (3, 4, 16)
    np.testing.assert_array_equal(kept[-1], last)
    first = td.q_learning(q, jax.tree.map(lambda part: part[:20], some))
    np.testing.assert_array_equal(kept[0], first)
    assert td.q_learning(q, some, every=60).shape == (1, 4, 16)
    assert td.double_q_learning(jnp.ones((2, 4, 16)), some, some.terminal, every=30).shape == (2, 2, 4, 16)


def test_rate_zero_learns_nothing_and_rates_may_differ(moves):
    some = jax.tree.map(lambda part: part[:50], moves)
    q = jnp.ones((4, 16))
    assert (td.q_learning(q, some, 0.0) == q).all()
    np.testing.assert_allclose(
        td.q_learning(q, some, jnp.full(50, 0.3)), td.q_learning(q, some, 0.3), rtol=1e-6
    )


def test_seeds_and_rates_in_one_program():
    @jax.jit
    def errors(keys, rates):
        def error(key, rate):
            q = td.q_learning(jnp.zeros((4, 16)), experience.sample_moves(key, ICE, 5000), rate)
            return jnp.abs(q - BEST).mean()

        return jax.vmap(lambda key: jax.vmap(lambda rate: error(key, rate))(rates))(keys)

    found = errors(jax.random.split(jax.random.key(3), 4), jnp.array([0.003, 0.1]))
    assert found.shape == (4, 2)
    assert (found[:, 1] < found[:, 0]).all()


def test_dtype_follows_the_table(moves):
    some = jax.tree.map(lambda part: part[:20], moves)
    with jax.enable_x64(True):
        for dtype in (np.float16, np.float32, np.float64):
            q = np.zeros((4, 16), dtype)
            for found in (
                td.q_learning(q, some),
                td.sarsa(q, some, 0.5),
                td.expected_sarsa(q, some, epsilon=0.1),
            ):
                assert found.dtype == dtype
        assert td.optimal_action_values(icy_grid()).dtype == np.float64


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_numbers_out_of_range_are_told(value):
    for name in ("alpha", "gamma"):
        with pytest.raises(ValueError, match=f"{name} must"):
            td.q_learning(TEN, one_move(False), **{name: value})
    with pytest.raises(ValueError, match="epsilon must"):
        td.expected_sarsa(TEN, one_move(False), epsilon=value)
    with pytest.raises(ValueError, match="gamma must"):
        td.optimal_action_values(ICE, value)
    with pytest.raises(ValueError, match="alpha must be from 0 to 1"):
        td.q_learning(TEN, one_move(False), jnp.array([value]))


def test_moves_that_do_not_fit_are_told():
    move = one_move(False)
    for field, bad, message in (
        ("states", 2, r"moves.states must be one of 2 states counted from 0, got 2"),
        ("next_states", -1, r"moves.next_states must be one of 2 states"),
        ("actions", 5, r"moves.actions must be one of 2 actions"),
        ("rewards", jnp.nan, "moves.rewards must be finite"),
    ):
        with pytest.raises(ValueError, match=message):
            td.q_learning(TEN, move._replace(**{field: jnp.array([bad])}))
    with pytest.raises(
        ValueError, match=r"moves.rewards must have the shape of moves.states, \(1,\), got \(2,\)"
    ):
        td.sarsa(TEN, move._replace(rewards=jnp.ones(2)))
    with pytest.raises(TypeError, match=r"moves\.actions must hold integers"):
        td.q_learning(TEN, move._replace(actions=jnp.ones(1)))
    with pytest.raises(ValueError, match="every must divide the number of moves, 1, got 2"):
        td.q_learning(TEN, move, every=2)
    with pytest.raises(ValueError, match="alpha must have the shape of the moves"):
        td.q_learning(TEN, move, jnp.ones(3))
    with pytest.raises(ValueError, match="coins must have the shape of the moves"):
        td.double_q_learning(jnp.stack([TEN, TEN]), move, jnp.array([True, False]))


def test_processes_that_are_none_are_told():
    with pytest.raises(ValueError, match="rewards must have the shape of the states"):
        td.optimal_action_values(ICE._replace(rewards=jnp.ones(3)))
    with pytest.raises(ValueError, match="transitions must sum to 1"):
        td.optimal_action_values(Mdp(0.9 * ICE.transitions, ICE.rewards, ICE.terminal))
