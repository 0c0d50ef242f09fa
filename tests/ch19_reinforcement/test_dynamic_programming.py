import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import chains, grids, optimality
from udl_jax.ch19_reinforcement import dynamic_programming as programming

ICE = grids.icy_grid()
POLICY = np.random.default_rng(0).integers(0, 4, 16)
VALUES = np.random.default_rng(1).normal(size=16).astype(np.float32)


def test_actions_are_worth_their_reward_and_what_comes_after():
    worth = programming.action_values(ICE, VALUES, 0.7)
    table, rewards = np.asarray(ICE.transitions), np.asarray(ICE.rewards)
    for state, action in ((0, 0), (9, 3), (14, 1)):
        assert worth[action, state] == pytest.approx(
            rewards[state] + 0.7 * table[:, state, action] @ VALUES, rel=1e-5
        )
    np.testing.assert_array_equal(worth[:, 15], 3)


def test_equal_columns_are_worth_exactly_the_same():
    book = grids.penguin_grid()
    worth = programming.action_values(book, VALUES, 0.9)
    table = np.asarray(book.transitions)
    for state in range(16):
        for a, b in ((0, 1), (1, 3), (2, 3)):
            if (table[:, state, a] == table[:, state, b]).all():
                assert worth[a, state] == worth[b, state]


def test_a_sweep_takes_the_worth_of_the_action_chosen():
    fresh = programming.evaluate_once(ICE, POLICY, VALUES, 0.9)
    worth = programming.action_values(ICE, VALUES, 0.9)
    np.testing.assert_allclose(fresh, np.asarray(worth)[POLICY, np.arange(16)], rtol=1e-5, atol=1e-6)
    one_hot = chains.probabilities_of(POLICY, 4)
    np.testing.assert_allclose(
        programming.evaluate_once(ICE, one_hot, VALUES, 0.9), fresh, rtol=1e-5, atol=1e-6
    )


def test_a_sweep_brings_any_values_closer():
    exact = optimality.evaluate_exactly(ICE, POLICY, 0.9)
    fresh = programming.evaluate_once(ICE, POLICY, VALUES, 0.9)
    assert np.abs(fresh - exact).max() <= 0.9 * np.abs(VALUES - exact).max() + 1e-5


def test_of_equal_actions_the_first_is_chosen():
    assert programming.improve(ICE, np.zeros(16), 0.9).tolist() == [0] * 16


def test_rounds_are_sweeps_and_improvements_in_turn():
    found = jax.jit(programming.iterate, static_argnames="rounds")(ICE, POLICY, VALUES, 0.9, rounds=3)
    policy, values = POLICY, VALUES
    for k in range(3):
        values = programming.evaluate_once(ICE, policy, values, 0.9)
        policy = programming.improve(ICE, values, 0.9)
        np.testing.assert_allclose(found.values[k], values, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(found.policies[k], policy)


def test_many_rounds_come_to_the_best():
    found = programming.iterate(ICE, POLICY, np.zeros(16), 0.9, 200)
    best = optimality.value_iteration(ICE, 0.9).values
    np.testing.assert_allclose(found.values[-1], best, atol=1e-5)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_the_dtype_is_that_of_the_values(dtype):
    values = jnp.asarray(VALUES, dtype)
    assert programming.action_values(ICE, values, 0.9).dtype == dtype
    assert programming.iterate(ICE, POLICY, values, 0.9, 2).values.dtype == dtype


def test_discounts_may_be_mapped_over_and_differentiated():
    many = jax.vmap(lambda gamma: programming.evaluate_once(ICE, POLICY, VALUES, gamma))(
        jnp.array([0.0, 1.0])
    )
    np.testing.assert_allclose(many[0], ICE.rewards)
    slope = jax.grad(lambda gamma: programming.evaluate_once(ICE, POLICY, VALUES, gamma)[0])(0.5)
    assert float(slope) == pytest.approx(float(many[1, 0] - many[0, 0]), rel=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: programming.action_values(ICE, VALUES[1:], 0.9),
            r"values must have the shape of the states, \(16,\)",
        ),
        (lambda: programming.action_values(ICE, VALUES, 1.1), r"gamma must lie in \[0, 1\], got 1.1"),
        (
            lambda: programming.evaluate_once(ICE, POLICY, VALUES, -0.1),
            r"gamma must lie in \[0, 1\], got -0.1",
        ),
        (
            lambda: programming.evaluate_once(ICE, POLICY[1:], VALUES, 0.9),
            "policy must have the shape of the states",
        ),
        (lambda: programming.iterate(ICE, POLICY + 4, VALUES, 0.9, 2), "policy must be one of 4 actions"),
        (lambda: programming.iterate(ICE, POLICY, VALUES, 0.9, 0), "rounds must be at least 1, got 0"),
        (
            lambda: programming.iterate(ICE._replace(rewards=np.zeros((16, 1))), POLICY, VALUES, 0.9, 1),
            "rewards must",
        ),
        (
            lambda: programming.improve(ICE._replace(transitions=ICE.transitions / 2), VALUES, 0.9),
            "must sum to 1",
        ),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
