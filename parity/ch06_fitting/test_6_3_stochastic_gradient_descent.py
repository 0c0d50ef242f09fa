"""Notebook 6.3: stochastic gradient descent."""

import jax
import jax.numpy as jnp
import pytest

from udl_jax.ch06_fitting import gabor, gradient_descent
from udl_jax.ch06_fitting import stochastic_gradient_descent as stochastic
from udl_jax.data import toy


def loss_on(book):
    return lambda phi: gabor.least_squares_loss(phi, book["x"], book["y"])


def gradient_on(book):
    return lambda phi: gabor.gradient(phi, book["x"], book["y"])


def test_data(reference, agrees):
    book = reference("6_3")
    agrees(toy.gabor_points().x, book["x"], kind="value", quantity="inputs of the 30 points")
    agrees(toy.gabor_points().y, book["y"], kind="value", quantity="outputs of the 30 points")


def test_model(reference, agrees):
    book = reference("6_3").under("curve")
    agrees(gabor.predict(book["phi"], book["x"]), book["y"], kind="value", quantity="wavelet at (-5, 25)")


def test_losses(reference, agrees):
    book = reference("6_3")
    loss = loss_on(book)
    ours = loss(jnp.array([0.6, -0.2]))
    agrees(ours, book["loss_at_start"], kind="value", quantity="loss at (0.6, -0.2), printed as 16.419")
    ours = jax.vmap(loss)(book["elsewhere"])
    agrees(ours, book["losses_elsewhere"], kind="value", quantity="loss at 20 random wavelets")


def test_surface(reference, agrees):
    book = reference("6_3")
    ours = gradient_descent.loss_surface(loss_on(book), book["offsets"], book["frequencies"])
    agrees(ours, book["surface"], kind="value", quantity="loss surface, every 5th point each way")


def test_gradients(reference, agrees):
    book = reference("6_3")
    by_hand = gradient_on(book)
    agrees(by_hand(book["phi"]), book["gradient"], kind="value", quantity="gradient at (-5, 25)")
    ours = jax.vmap(by_hand)(book["elsewhere"])
    agrees(ours, book["gradients_elsewhere"], kind="value", quantity="gradient at 20 random wavelets")
    ours = jax.vmap(jax.grad(loss_on(book)))(book["elsewhere"])
    agrees(ours, book["gradients_elsewhere"], kind="value", quantity="jax.grad at 20 random wavelets")


def test_finite_differences(reference, agrees):
    book = reference("6_3")
    ours = gradient_descent.finite_differences(loss_on(book), book["phi"], delta=1e-4)
    agrees(ours, book["finite_differences"], kind="value", quantity="gradient by finite differences")


def test_line_search(reference, agrees):
    book = reference("6_3")
    taken = book.under("line_search")
    optimiser = gradient_descent.steepest_descent(loss_on(book), max_distance=2.0)

    def path(start, steps):
        return gradient_descent.descend(optimiser, gradient_on(book), start, steps)

    ours = path(jnp.array([-1.5, 8.5]), 21)
    agrees(ours, taken["path"], kind="value", quantity="21 steps with line search")
    ends = jax.vmap(lambda start: path(start, 5)[-1])(taken["starts"])
    agrees(ends, taken["ends"], kind="value", quantity="five steps with line search from 8 other starts")


def test_fixed_rate(reference, agrees):
    book = reference("6_3")
    taken = book.under("fixed")

    def path(start, rate, steps):
        return gradient_descent.descend(stochastic.sgd(rate), gradient_on(book), start, steps)

    ours = path(jnp.array([-1.5, 8.5]), 0.2, 21)
    agrees(ours, taken["path"], kind="value", quantity="21 steps with learning rate 0.2")
    ends = jax.vmap(lambda start, rate: path(start, rate, 10)[-1])(taken["starts"], taken["rates"])
    agrees(ends, taken["ends"], kind="value", quantity="10 steps from 4 other starts with 4 other rates")


def in_batches(book, take, start, rate):
    optimiser, taken = stochastic.sgd(rate), book.under(take)
    start = jnp.array(start)
    return stochastic.descend_in_batches(
        optimiser, gabor.gradient, start, book["x"], book["y"], taken["batches"]
    ), taken["path"]


def test_batches_of_five(reference, agrees):
    ours, theirs = in_batches(reference("6_3"), "stochastic", (3.5, 6.5), 0.8)
    agrees(ours, theirs, kind="draws", quantity="41 stochastic steps, batches of 5, rate 0.8")


@pytest.mark.parametrize(("take", "batch"), [("a", 1), ("b", 12), ("c", 30)])
def test_other_batches(reference, agrees, take, batch):
    book = reference("6_3")
    take = f"stochastic_{take}"
    ours, theirs = in_batches(book, take, (-1.5, 8.5), book[f"{take}/rate"])
    agrees(
        ours, theirs, kind="draws", quantity=f"30 stochastic steps, batches of {batch}, other rate and seed"
    )


def test_schedule(reference, agrees):
    schedule = stochastic.decay_in_steps(0.8, 0.5, every=8)
    ours, theirs = in_batches(reference("6_3"), "scheduled", (3.5, 6.5), schedule)
    agrees(ours, theirs, kind="draws", quantity="41 stochastic steps, rate halved every 8")
