"""Notebook 19.2: dynamic programming."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import dynamic_programming as programming
from udl_jax.ch19_reinforcement import grids


def process(rewards):
    return grids.penguin_grid(rewards=rewards, terminal=(15,))


def assert_same_actions(agrees, ours, theirs, worths, quantity):
    """Compare actions where one is best by more than rounding, and elsewhere what they are worth."""
    best = np.sort(worths, axis=-2)[..., -2:, :]
    clear = np.asarray(best[..., 1, :] - best[..., 0, :] > 1e-9)
    agrees(np.asarray(ours)[clear], np.asarray(theirs)[clear], kind="value", quantity=f"{quantity}, no ties")
    worth = [
        np.take_along_axis(np.asarray(worths), np.asarray(each)[..., None, :], axis=-2)
        for each in (ours, theirs)
    ]
    agrees(*worth, kind="value", quantity=f"worth of the {quantity}")


def test_tables(reference, agrees):
    book = reference("19_2")
    ours = grids.penguin_grid().transitions
    agrees(ours, book["transitions"], kind="value", quantity="Pr(s'|s, a), 16 x 16 x 4")
    agrees(grids.holes_and_fish(), book["rewards"], kind="value", quantity="rewards")


@pytest.mark.parametrize(
    ("where", "told"), [("rounds", "the book's ice"), ("elsewhere", "fish for holes, discount 0.6")]
)
def test_rounds(reference, agrees, where, told):
    book = reference("19_2").under(where)
    mdp, gamma = process(book["rewards"]), book["gamma"]
    found = programming.iterate(mdp, book["start"], jnp.zeros(16), gamma, 20)
    agrees(found.values, book["values"], kind="value", quantity=f"values after each of 20 sweeps, {told}")
    worths = jax.vmap(programming.action_values, in_axes=(None, 0, None))(mdp, book["values"], gamma)
    quantity = f"actions after each of 20 rounds, {told}"
    assert_same_actions(agrees, found.policies[:, :15], book["policies"][:, :15], worths[..., :15], quantity)


def test_half_steps_from_the_books_own(reference, agrees):
    book = reference("19_2").under("rounds")
    mdp, gamma = process(book["rewards"]), book["gamma"]
    before = jnp.concatenate([book["start"][None], book["policies"][:-1]])
    values = jnp.concatenate([jnp.zeros((1, 16)), book["values"][:-1]])
    ours = jax.vmap(programming.evaluate_once, in_axes=(None, 0, 0, None))(mdp, before, values, gamma)
    agrees(ours, book["values"], kind="value", quantity="each sweep by itself")


def test_ends(reference, agrees):
    book = reference("19_2")
    start = np.random.RandomState(0).choice(size=16, a=np.arange(4))
    for name, rounds in (("two", 2), ("twenty", 20)):
        found = programming.iterate(process(book["rewards"]), start, jnp.zeros(16), 0.9, rounds)
        agrees(found.values[-1], book[f"{name}/values"], kind="value", quantity=f"values after {name} rounds")
    two = [0, 0, 0, 0, 0, -0.288, -0.288, 0, -0.45, -2.288, -2.594, 0.9, 0, -0.9, -1.1, 3]  # as it prints
    np.testing.assert_array_equal(np.round(np.asarray(book["two/values"]), 3), two)
