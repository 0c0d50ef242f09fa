"""Notebook 6.4: momentum and Nesterov momentum."""

import jax
import jax.numpy as jnp

from udl_jax.ch06_fitting import gabor, momentum
from udl_jax.ch06_fitting import stochastic_gradient_descent as stochastic

START = (-1.5, 6.5)


def path(book, optimiser, batches, position=None):
    start = jnp.array(START)
    return stochastic.descend_in_batches(
        optimiser, gabor.gradient, start, book["x"], book["y"], batches, position
    )


def test_plain(reference, agrees):
    book = reference("6_4")
    ours = path(book, stochastic.sgd(0.6), book["batches"])
    agrees(ours, book["plain/path"], kind="draws", quantity="81 steps without momentum")


def test_momentum(reference, agrees):
    book = reference("6_4")
    ours = path(book, momentum.momentum(0.6, 0.6), book["batches"])
    agrees(ours, book["momentum/path"], kind="draws", quantity="81 steps with momentum")


def test_nesterov(reference, agrees):
    book = reference("6_4")
    ours = path(book, momentum.nesterov(0.6, 0.6), book["batches"], momentum.nesterov_position)
    agrees(ours, book["nesterov/path"], kind="draws", quantity="81 steps with Nesterov momentum")


def test_elsewhere(reference, agrees):
    book = reference("6_4")
    taken = book.under("elsewhere")

    def plain(rate, beta):
        return path(book, momentum.momentum(rate, beta), taken["batches"])

    def ahead(rate, beta):
        return path(book, momentum.nesterov(rate, beta), taken["batches"], momentum.nesterov_position)

    def whole_step_ahead(rate, beta):
        optimiser = momentum.nesterov(rate, beta, look_ahead=1.0)
        return path(book, optimiser, taken["batches"], momentum.nesterov_position)

    for method, name in (
        (plain, "momentum"),
        (ahead, "nesterov"),
        (whole_step_ahead, "nesterov_whole_step"),
    ):
        ours = jax.vmap(method)(*taken["settings"].T)
        agrees(ours, taken[name], kind="draws", quantity=f"{name}, 40 steps at 3 other settings")
