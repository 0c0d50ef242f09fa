"""Notebook 7.3: initialization."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from parity import layout
from udl_jax.ch07_gradients import initialization as init
from udl_jax.ch07_gradients.stacked_network import Weights

DEEP = ["0.001", "0.01", "0.025", "0.1", "1"]


def draw_like_the_book(layers, width):
    """Draw standard normal numbers as the notebook does: seed 0, first and last layer before the others."""
    random = np.random.RandomState(0)
    first, last = random.normal(size=(width, 1)), random.normal(size=(1, width))
    hidden = [random.normal(size=(width, width)).T for _ in range(layers - 1)]
    return Weights(layout.rows(first), jnp.array(hidden), layout.rows(last))


@jax.jit
def deviations(draws, sigma_sq, x, y):
    """Take roots, since the notebook reports standard deviations."""
    return jax.tree.map(jnp.sqrt, init.variances(draws, sigma_sq, x, y))


def measure(take):
    """Compute the standard deviations that the recording has, at its settings and with the notebook's draws."""
    layers, width, sigma_sq, examples, target = take["settings"].tolist()
    x = layout.rows(take["x"])
    assert len(x) == examples
    draws = draw_like_the_book(int(layers), int(width))
    return deviations(draws, sigma_sq, x, jnp.full_like(x, target))


def test_draws(reference, agrees):
    book, ours = reference("7_3"), draw_like_the_book(5, 8)
    agrees(ours.first, layout.rows(book["book/first"]), kind="draws", quantity="draws of the first layer")
    agrees(ours.last, layout.rows(book["book/last"]), kind="draws", quantity="draws of the last layer")
    theirs = jnp.swapaxes(book["book/hidden"], 1, 2)
    agrees(ours.hidden, theirs, kind="draws", quantity="draws of the layers between")


def test_draws_of_the_deep_network(reference, agrees):
    book, ours = reference("7_3").under("deep/draws"), draw_like_the_book(50, 80)
    agrees(ours.first, layout.rows(book["first"]), kind="draws", quantity="draws of the first of 50 layers")
    agrees(ours.hidden.sum((1, 2)), book["sums"], kind="draws", quantity="sums of the draws, 49 layers")
    agrees(ours.hidden[-1, :5, :5], layout.rows(book["corner"]), kind="draws", quantity="draws of layer 49")


def test_forward(reference, agrees):
    book = reference("7_3").under("book")
    x = layout.rows(book["x"])
    ours = deviations(draw_like_the_book(5, 8), book["sigma_sq"], x, jnp.zeros_like(x))
    agrees(ours.h, book["std_h"], kind="draws", quantity="deviation of h, 5 layers of 8 units")


def test_backward(reference, agrees):
    # The notebook seeds again before the backward part, so its 100 inputs are the first of the 1,000 before.
    book = reference("7_3").under("book")
    x = layout.rows(book["x"])[:100]
    ours = deviations(draw_like_the_book(5, 8), book["sigma_sq"], x, jnp.zeros_like(x))
    theirs = book["std_dl_df"]
    agrees(ours.dl_df[1:], theirs, kind="draws", quantity="deviation of dl_df, printed as dl_dh")


@pytest.mark.parametrize(
    "name", [*(f"deep/{v}" for v in DEEP), "elsewhere/a", "elsewhere/b", "elsewhere/off"]
)
def test_elsewhere(reference, agrees, name):
    take = reference("7_3").under(name)
    ours = measure(take)
    layers, width, sigma_sq, *_ = take["settings"].tolist()
    where = f"{layers:g} layers of {width:g} units, variance {sigma_sq:g}"
    # Layer by layer, as they may span 80 orders of magnitude.
    for quantity, mine in ours._asdict().items():
        theirs = list(take[f"std_{quantity}"])
        agrees(list(mine), theirs, kind="draws", quantity=f"deviation of {quantity}, {where}")


def test_sweep(reference, agrees):
    book = reference("7_3")
    takes = [book.under(f"deep/{v}") for v in DEEP]
    x = layout.rows(takes[0]["x"])
    one_seed = jax.tree.map(lambda a: a[None], draw_like_the_book(50, 80))
    ours = init.sweep(one_seed, jnp.array([float(v) for v in DEEP]), x, jnp.zeros_like(x))
    theirs = [list(take["std_h"]) for take in takes]
    ours = [list(by_layer) for by_layer in jnp.sqrt(ours.h[:, 0])]
    agrees(ours, theirs, kind="draws", quantity="deviation of h, sweep in one call")
