import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import chains, grids

RNG = np.random.default_rng(0)
ACTIONS = RNG.integers(0, 4, 16)
DICE = RNG.dirichlet(np.ones(4), 16).T.astype(np.float32)


def test_actions_are_probabilities_of_one():
    mdp = grids.icy_grid()
    one_hot = chains.probabilities_of(ACTIONS, 4)
    np.testing.assert_allclose(
        chains.policy_chain(mdp, ACTIONS), chains.policy_chain(mdp, one_hot), rtol=1e-6
    )
    with pytest.raises(ValueError, match="policy must be actions 0 to 2, got 3"):
        chains.probabilities_of([0, 3], 3)


def test_a_chain_has_columns_that_sum_to_one():
    sums = chains.policy_chain(grids.icy_grid(), DICE).sum(0)
    np.testing.assert_allclose(sums, [1] * 15 + [0], rtol=1e-5)


def test_the_stationary_distribution_stays_as_it_is():
    chain = chains.policy_chain(grids.penguin_grid(), DICE)
    shares = jax.jit(chains.stationary)(chain)
    np.testing.assert_allclose(chain @ shares, shares, atol=1e-6)
    assert shares.sum() == pytest.approx(1, abs=1e-6)
    # On a chessboard each step changes the colour, so only the mean of two times settles.
    late = jnp.linalg.matrix_power(chain, 512)[:, 0]
    np.testing.assert_allclose((late + chain @ late) / 2, shares, atol=1e-4)


@pytest.mark.parametrize("policy", [ACTIONS, DICE])
def test_expected_returns_satisfy_their_equation(policy):
    mdp = grids.icy_grid()
    values = chains.expected_returns(mdp, policy, 0.9)
    chain = chains.policy_chain(mdp, policy)
    np.testing.assert_allclose(values, chain.T @ (mdp.rewards + 0.9 * values), atol=2e-5)
    assert values[15] == 0


def test_without_a_future_only_the_next_reward_counts():
    mdp = grids.penguin_grid()
    values = chains.expected_returns(mdp, ACTIONS, 0.0)
    np.testing.assert_allclose(values, chains.policy_chain(mdp, ACTIONS)[15], atol=1e-6)


def test_tables_may_be_mapped_over_and_differentiated():
    mdp = grids.icy_grid()

    def worth(rewards):
        return chains.expected_returns(mdp._replace(rewards=rewards), DICE, 0.9)[0]

    several = jax.jit(jax.vmap(worth))(jnp.stack([mdp.rewards, 2 * mdp.rewards]))
    assert float(several[1]) == pytest.approx(2 * float(several[0]), rel=1e-4)
    # Linear in rewards: the derivative times the rewards is the value.
    assert jax.grad(worth)(mdp.rewards) @ mdp.rewards == pytest.approx(float(several[0]), rel=1e-4)


@pytest.mark.parametrize("gamma", [1.0, -0.1, 1.5])
def test_discounts_out_of_range_are_told(gamma):
    with pytest.raises(ValueError, match=r"gamma must lie in \[0, 1\), got"):
        chains.expected_returns(grids.icy_grid(), ACTIONS, gamma)


def test_chains_that_are_none_are_told():
    with pytest.raises(ValueError, match="transitions must sum to 1 over next states"):
        chains.stationary(jnp.full((3, 3), 0.3))
    with pytest.raises(ValueError, match="policy must have the shape of the states"):
        chains.policy_chain(grids.icy_grid(), np.zeros(15, int))
