"""Notebook 6.2: gradient descent."""

import jax
import jax.numpy as jnp
import pytest

from udl_jax.ch02_supervised_learning import linear_regression
from udl_jax.ch06_fitting import gradient_descent, line_search


def loss_on(book):
    return lambda phi: linear_regression.least_squares_loss(phi, book["x"], book["y"])


def test_losses(reference, agrees):
    book = reference("6_2")
    loss = loss_on(book)
    agrees(
        loss(book["phi"]),
        book["loss_at_start"],
        kind="value",
        quantity="loss at (0.6, -0.2), printed as 12.367",
    )
    ours = jax.vmap(loss)(book["elsewhere"])
    agrees(ours, book["losses_elsewhere"], kind="value", quantity="loss at 20 random lines")


def test_surface(reference, agrees):
    book = reference("6_2")
    ours = gradient_descent.loss_surface(loss_on(book), book["phi_0"], book["phi_1"])
    agrees(ours, book["surface"], kind="value", quantity="loss surface, every 4th and 40th point")


def test_gradients(reference, agrees):
    book = reference("6_2")
    at = gradient_descent.least_squares_gradient
    agrees(
        at(book["phi"], book["x"], book["y"]),
        book["gradient"],
        kind="value",
        quantity="gradient at (0.6, -0.2)",
    )
    ours = jax.vmap(at, (0, None, None))(book["elsewhere"], book["x"], book["y"])
    agrees(ours, book["gradients_elsewhere"], kind="value", quantity="gradient at 20 random lines")


def test_finite_differences(reference, agrees):
    book = reference("6_2")
    ours = gradient_descent.finite_differences(loss_on(book), book["phi"], delta=1e-4)
    agrees(ours, book["finite_differences"], kind="value", quantity="gradient by finite differences")


def test_path(reference, agrees):
    book = reference("6_2")
    loss = loss_on(book)
    ours = gradient_descent.descend(
        gradient_descent.steepest_descent(loss), jax.grad(loss), jnp.array([1.6, -0.5]), steps=10
    )
    agrees(ours, book["path"], kind="value", quantity="ten steps of gradient descent with line search")
    agrees(jax.vmap(loss)(ours), book["losses"], kind="value", quantity="loss after each step")


def test_path_of_the_gradient_by_hand(reference, agrees):
    book = reference("6_2")
    ours = gradient_descent.descend(
        gradient_descent.steepest_descent(loss_on(book)),
        lambda phi: gradient_descent.least_squares_gradient(phi, book["x"], book["y"]),
        book["path"][0],
        steps=10,
    )
    agrees(ours, book["path"], kind="value", quantity="ten steps, gradient by hand")


@pytest.mark.parametrize(("column", "most"), [(0, 5), (1, 20)])
def test_searches_elsewhere(reference, agrees, column, most):
    book = reference("6_2")
    searches, loss = book.under("search"), loss_on(book)

    def distance(start, reach, threshold):
        slope = jax.grad(loss)(start)
        return line_search.search(
            lambda s: loss(start - s * slope), 0.0, reach, threshold, most, strict=False
        ).minimum

    ours = jax.vmap(distance)(searches["starts"], searches["reaches"], searches["thresholds"])
    quantity = f"10 searches along gradients, at most {most} iterations"
    agrees(ours, searches["distances"][:, column], kind="value", quantity=quantity)
