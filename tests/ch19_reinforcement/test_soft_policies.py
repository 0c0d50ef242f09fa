import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import chains, grids, optimality, soft_policies
from udl_jax.ch19_reinforcement import dynamic_programming as programming
from udl_jax.ch19_reinforcement.processes import Mdp

ICE = grids.icy_grid()
POLICY = np.random.default_rng(0).integers(0, 4, 16)


def test_the_greedy_action_keeps_what_the_others_do_not_share():
    soft = soft_policies.epsilon_greedy(POLICY, 0.2)
    np.testing.assert_allclose(soft.sum(0), 1, rtol=1e-6)
    np.testing.assert_allclose(soft[POLICY, np.arange(16)], 0.8)
    np.testing.assert_allclose(np.sort(soft, 0)[:3], 0.2 / 3, rtol=1e-6)


def test_the_edges_of_epsilon():
    np.testing.assert_array_equal(soft_policies.epsilon_greedy(POLICY, 0), chains.probabilities_of(POLICY, 4))
    assert not np.asarray(soft_policies.epsilon_greedy(POLICY, 1))[POLICY, np.arange(16)].any()
    assert soft_policies.epsilon_greedy([0, 1], 0.5, 2).tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_action_values_average_to_the_values_of_states():
    soft = soft_policies.epsilon_greedy(POLICY, 0.2)
    q = soft_policies.exact_action_values(ICE, soft, 0.9)
    np.testing.assert_allclose((q * soft).sum(0), chains.expected_returns(ICE, soft, 0.9), atol=1e-4)
    assert not q[:, 15].any()


def test_values_for_being_and_for_arriving_rank_actions_alike():
    being = optimality.evaluate_exactly(ICE, POLICY, 0.9)
    ahead = programming.action_values(ICE, being, 0.9) - ICE.rewards
    np.testing.assert_allclose(ahead, 0.9 * soft_policies.exact_action_values(ICE, POLICY, 0.9), atol=1e-4)


def test_the_mean_leaves_terminal_states_out():
    values = np.asarray(chains.expected_returns(ICE, POLICY, 0.9))
    assert float(soft_policies.mean_value(ICE, POLICY, 0.9)) == pytest.approx(values[:15].mean(), rel=1e-5)


@pytest.mark.parametrize("epsilon", [0.0, 0.3])
def test_no_soft_policy_is_better(epsilon):
    rng = np.random.default_rng(4)
    table = jnp.asarray(rng.dirichlet(np.ones(4), (4, 2)).transpose(2, 0, 1), jnp.float32)
    mdp = Mdp(table, jnp.asarray(rng.normal(size=4), jnp.float32), jnp.zeros(4, bool))
    every = jnp.array(list(itertools.product(range(2), repeat=4)))

    def worth(policy):
        return chains.expected_returns(mdp, soft_policies.epsilon_greedy(policy, epsilon, 2), 0.8)

    best = soft_policies.best_soft_policy(mdp, 0.8, epsilon)
    np.testing.assert_allclose(worth(best), jax.vmap(worth)(every).max(0), atol=1e-5)


def test_the_book_knows_the_optimum():
    best = jax.jit(soft_policies.best_soft_policy)(ICE, 0.9)
    assert f"{soft_policies.mean_value(ICE, soft_policies.epsilon_greedy(best), 0.9):.3f}" == "1.134"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: soft_policies.epsilon_greedy(POLICY, 1.1), r"epsilon must lie in \[0, 1\], got 1.1"),
        (lambda: soft_policies.epsilon_greedy(POLICY + 1, 0.1), "policy must be actions 0 to 3, got 4"),
        (lambda: soft_policies.epsilon_greedy(np.zeros(3, int), 0.1, 1), "actions must be at least 2, got 1"),
        (lambda: soft_policies.exact_action_values(ICE, POLICY, 1.0), r"gamma must lie in \[0, 1\), got 1.0"),
        (lambda: soft_policies.mean_value(ICE, POLICY[1:], 0.9), "policy must have the shape of the states"),
        (lambda: soft_policies.best_soft_policy(ICE, 0.9, -0.5), r"epsilon must lie in \[0, 1\], got -0.5"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
