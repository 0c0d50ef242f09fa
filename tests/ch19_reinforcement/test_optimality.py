import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import chains, grids, optimality
from udl_jax.ch19_reinforcement import dynamic_programming as programming
from udl_jax.ch19_reinforcement.processes import Mdp

ICE = grids.icy_grid()
POLICY = np.random.default_rng(0).integers(0, 4, 16)


def small(seed=0):
    """Make three states and two actions, so that all policies can be tried."""
    rng = np.random.default_rng(seed)
    table = rng.dirichlet(np.ones(3), (3, 2)).transpose(2, 0, 1)
    return Mdp(
        jnp.asarray(table, jnp.float32), jnp.asarray(rng.normal(size=3), jnp.float32), jnp.zeros(3, bool)
    )


def test_exact_values_stay_as_they_are():
    values = optimality.evaluate_exactly(ICE, POLICY, 0.9)
    np.testing.assert_allclose(programming.evaluate_once(ICE, POLICY, values, 0.9), values, atol=2e-5)


def test_values_for_being_and_for_arriving_tell_the_same():
    being, arriving = (f(ICE, POLICY, 0.9) for f in (optimality.evaluate_exactly, chains.expected_returns))
    np.testing.assert_allclose(being, ICE.rewards + 0.9 * arriving, atol=2e-5)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_policy_is_better(seed):
    mdp = small(seed)
    every = jnp.array(list(itertools.product(range(2), repeat=3)))
    worth = jax.vmap(lambda policy: optimality.evaluate_exactly(mdp, policy, 0.8))(every)
    for found in (
        optimality.policy_iteration(mdp, jnp.zeros(3, int), 0.8),
        optimality.value_iteration(mdp, 0.8),
    ):
        np.testing.assert_allclose(found.values, worth.max(0), atol=1e-4)
        np.testing.assert_array_equal(found.policy, every[worth.sum(1).argmax()])


def test_both_ways_agree_within_the_rounds_that_are_promised():
    with jax.enable_x64(True):
        for mdp in (grids.icy_grid(), grids.penguin_grid(rewards=grids.holes_and_fish(), terminal=(15,))):
            exact = optimality.policy_iteration(mdp, POLICY, 0.9)
            swept = optimality.value_iteration(mdp, 0.9, 1e-8)
            assert exact.rounds < 10
            assert swept.rounds < 200
            np.testing.assert_allclose(swept.values, exact.values, atol=1e-7)


def test_ties_do_not_go_on_for_ever():
    table = jnp.tile(jnp.eye(3)[:, [1, 2, 0], None], (1, 1, 4))  # all actions do the same
    found = optimality.policy_iteration(
        Mdp(table, jnp.arange(3.0), jnp.zeros(3, bool)), np.array([3, 1, 2]), 0.99
    )
    assert found.rounds == 1
    assert found.policy.tolist() == [3, 1, 2]


def test_the_limit_ends_what_would_not_end():
    loop = Mdp(jnp.eye(2)[..., None], jnp.ones(2), jnp.zeros(2, bool))
    found = optimality.value_iteration(loop, 1.0, limit=50)
    assert found.rounds == 50
    np.testing.assert_array_equal(found.values, 51)


def test_without_a_future_rewards_are_all_there_is():
    np.testing.assert_array_equal(optimality.value_iteration(ICE, 0.0).values, ICE.rewards)


def test_several_at_once_and_compiled():
    gammas = jnp.array([0.5, 0.9])
    many = jax.jit(jax.vmap(lambda gamma: optimality.value_iteration(ICE, gamma)))(gammas)
    for k, gamma in enumerate(gammas):
        alone = optimality.value_iteration(ICE, gamma)
        np.testing.assert_allclose(many.values[k], alone.values, atol=1e-5)
        np.testing.assert_array_equal(many.policy[k], alone.policy)
    jitted = jax.jit(optimality.policy_iteration)(ICE, POLICY, 0.9)
    np.testing.assert_allclose(jitted.values, many.values[1], atol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optimality.evaluate_exactly(ICE, POLICY, 1.0), r"gamma must lie in \[0, 1\), got 1.0"),
        (lambda: optimality.policy_iteration(ICE, POLICY, 1.0), r"gamma must lie in \[0, 1\), got 1.0"),
        (lambda: optimality.value_iteration(ICE, 1.1), r"gamma must lie in \[0, 1\], got 1.1"),
        (lambda: optimality.value_iteration(ICE, 0.9, -1.0), "tolerance must not be negative, got -1.0"),
        (lambda: optimality.policy_iteration(ICE, POLICY, 0.9, limit=0), "limit must be at least 1, got 0"),
        (
            lambda: optimality.policy_iteration(ICE, POLICY[1:], 0.9),
            "policy must have the shape of the states",
        ),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_best_values_have_a_derivative():
    mdp = small()

    def worth(rewards):
        return optimality.policy_iteration(mdp._replace(rewards=rewards), jnp.zeros(3, int), 0.8).values[0]

    slope = jax.jit(jax.grad(worth))(mdp.rewards)
    # Rewards are discounted visits: their weights sum to 1 / (1 - gamma), and times rewards they are the value.
    assert float(slope.sum()) == pytest.approx(5, rel=1e-4)
    assert float(slope @ mdp.rewards) == pytest.approx(float(worth(mdp.rewards)), rel=1e-4)
