"""Notebook 19.1: Markov decision processes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import grids
from udl_jax.ch19_reinforcement import markov_decision_process as markov


def uniforms(seed, *shape):
    """Draw again what NumPy's choice inverts the cumulative distributions with."""
    return jnp.asarray(np.random.RandomState(seed).random_sample(shape))


def test_tables(reference, agrees):
    book = reference("19_1")
    agrees(grids.penguin_walk(), book["chain"], kind="value", quantity="Pr(s'|s), 16 x 16")
    ours = markov.penguin_grid().transitions
    agrees(ours, book["transitions"], kind="value", quantity="Pr(s'|s, a), 16 x 16 x 4")


def test_markov_process(reference, agrees):
    book = reference("19_1")
    states = markov.walk(grids.penguin_walk(), 0, uniforms(0, 9))
    agrees(states, book["chain/states"], kind="draws", quantity="ten states of the Markov process")
    np.testing.assert_array_equal(states, [0, 4, 8, 9, 10, 9, 10, 9, 13, 14])  # what the notebook prints


def test_rewards_and_returns(reference, agrees):
    book = reference("19_1")
    fish = np.isin(np.arange(16), (3, 8, 10)).astype(float)
    states = markov.walk(grids.penguin_walk(), 0, uniforms(0, 9))
    rewards = jnp.asarray(fish)[states].at[0].set(0)
    agrees(rewards, book["reward/rewards"].astype(float), kind="draws", quantity="rewards of ten states")
    totals = markov.returns(rewards, book["gamma"])
    agrees(totals, book["reward/returns"], kind="value", quantity="returns at ten times")
    assert f"{totals[0]:.3f}" == "1.998"


def test_returns_of_other_rewards(reference, agrees):
    book = reference("19_1").under("elsewhere")
    ours = jax.vmap(markov.returns, in_axes=(None, 0))(book["rewards"], book["gammas"])
    agrees(ours, book["returns"], kind="value", quantity="returns of 60 rewards at four discounts")


@pytest.mark.parametrize(
    ("name", "seed", "told"),
    [
        ("fixed", 3, "policy of the text"),
        ("fixed_as_printed", 3, "policy printed"),
        ("fixed_elsewhere", 4, "other"),
    ],
)
def test_deterministic_policy(reference, agrees, name, seed, told):
    book = reference("19_1").under(name)
    path = markov.rollout(markov.penguin_grid(), book["policy"], 0, uniforms(seed, len(book["states"]) - 1))
    agrees(path.states, book["states"], kind="draws", quantity=f"states, {told}")
    agrees(path.rewards, book["rewards"][1:].astype(float), kind="draws", quantity=f"rewards, {told}")


def test_stochastic_policy(reference, agrees):
    book = reference("19_1").under("random")
    policy = jax.nn.softmax(jnp.asarray(np.random.RandomState(0).normal(size=(4, 16))), axis=0)
    agrees(policy, book["policy"], kind="draws", quantity="softmax of 4 x 16 normal numbers")
    path = markov.rollout(markov.penguin_grid(), policy, 0, uniforms(0, 9, 2))
    agrees(path.states, book["states"], kind="draws", quantity="states, two draws a step")
    agrees(path.actions, book["actions"], kind="draws", quantity="actions")
    agrees(path.rewards, book["rewards"][1:].astype(float), kind="draws", quantity="rewards")
