"""Notebook 9.1: L2 regularization."""

import functools

import jax
import jax.numpy as jnp

from udl_jax.ch06_fitting import gabor
from udl_jax.ch06_fitting import gradient_descent as gd
from udl_jax.ch06_fitting import stochastic_gradient_descent as stochastic
from udl_jax.ch09_regularization import l2_regularization as l2
from udl_jax.data import toy

START = (2.6, 8.5)


def descend(book, gradient, start, steps):
    return gd.descend(
        stochastic.sgd(0.1), functools.partial(gradient, x=book["x"], y=book["y"]), jnp.array(start), steps
    )


def test_data(reference, agrees):
    book = reference("9_1")
    agrees(toy.gabor_points(), toy.Points(book["x"], book["y"]), kind="value", quantity="30 training pairs")


def test_without_the_penalty(reference, agrees):
    book = reference("9_1")
    path = descend(book, gabor.gradient, START, 41)
    agrees(path, book["plain/path"], kind="value", quantity="41 steps without the penalty")
    loss = gabor.least_squares_loss(path[-1], book["x"], book["y"])
    agrees(loss, book["plain/loss"].reshape(()), kind="value", quantity="their final loss")


def test_with_the_penalty(reference, agrees):
    book = reference("9_1")
    path = descend(book, l2.gradient, START, 41)
    agrees(path, book["penalised/path"], kind="value", quantity="41 steps with the penalty, weight 0.2")
    loss = l2.loss(path[-1], book["x"], book["y"])
    agrees(loss, book["penalised/loss"].reshape(()), kind="value", quantity="their final loss")


def test_surfaces(reference, agrees):
    book = reference("9_1")
    grid = book["offsets"], book["frequencies"]
    penalty = gd.loss_surface(lambda phi: l2.penalty(phi, jnp.array(l2.CENTRE)), *grid)
    agrees(penalty, book["penalty"], kind="value", quantity="penalty over the grid")
    surface = gd.loss_surface(functools.partial(l2.loss, x=book["x"], y=book["y"]), *grid)
    agrees(surface, book["surface"], kind="value", quantity="loss with the penalty over the grid")


def test_elsewhere(reference, agrees):
    book = reference("9_1")
    taken = book.under("elsewhere")

    def automatic(phi, weight):
        return jax.grad(l2.loss)(phi, book["x"], book["y"], weight)

    def by_hand(phi, weight):
        return l2.gradient(phi, book["x"], book["y"], weight)

    for gradient, name in ((by_hand, "by hand"), (automatic, "by jax.grad")):
        ours = jax.vmap(gradient)(taken["starts"], taken["weights"])
        agrees(ours, taken["gradients"], kind="value", quantity=f"gradient at 12 points and weights, {name}")

    def end(phi, weight):
        return descend(book, functools.partial(l2.gradient, weight=weight), phi, 20)[-1]

    ends = jax.vmap(end)(taken["starts"], taken["weights"])
    agrees(ends, taken["ends"], kind="value", quantity="20 steps from 12 starts at 12 weights")
