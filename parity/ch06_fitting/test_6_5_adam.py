"""Notebook 6.5: normalised gradients and Adam."""

import jax
import jax.numpy as jnp

from udl_jax.ch06_fitting import adam, gradient_descent
from udl_jax.ch06_fitting import stochastic_gradient_descent as stochastic

START = (-0.7, -0.9)


def gradient(phi):
    """Differentiate as the notebook does, whose differences of 1e-5 turn rounding into errors of 1e-11."""
    return gradient_descent.finite_differences(adam.valley_loss, phi, delta=1e-5, central=True)


def path(optimiser, steps, start=START):
    return gradient_descent.descend(optimiser, gradient, jnp.asarray(start), steps)


def test_loss(reference, agrees):
    book = reference("6_5")
    ours = jax.vmap(adam.valley_loss)(book["elsewhere"])
    agrees(ours, book["losses_elsewhere"], kind="value", quantity="loss at 20 random points")
    surface = gradient_descent.loss_surface(adam.valley_loss, book["grid"], book["grid"])
    agrees(surface, book["surface"], kind="value", quantity="loss surface, every 5th point each way")


def test_gradient(reference, agrees):
    book = reference("6_5")
    ours = jax.vmap(gradient)(book["elsewhere"])
    agrees(ours, book["gradients_elsewhere"], kind="value", quantity="gradient at 20 random points")


def test_small_steps(reference, agrees):
    ours = path(stochastic.sgd(0.08), 200)
    agrees(ours, reference("6_5")["small_steps"], kind="value", quantity="200 steps with learning rate 0.08")


def test_large_steps(reference, agrees):
    """The path is chaotic: from step to step it stretches what rounding began, in the book's code as in ours."""
    book = reference("6_5")
    ours = path(stochastic.sgd(1.0), 40)
    quantity = "40 steps with learning rate 1"
    agrees(ours, book["large_steps"], kind="value", quantity=quantity, twin=book["large_steps_twin"])


def test_large_steps_one_by_one(reference, agrees):
    book = reference("6_5")["large_steps"]
    ours = jax.vmap(lambda start: path(stochastic.sgd(1.0), 1, start)[1])(book[:-1])
    agrees(
        ours, book[1:], kind="value", quantity="one step with learning rate 1 from each of the book's points"
    )


def test_normalised_gradients(reference, agrees):
    book = reference("6_5")
    ours = path(adam.normalised_gradients(0.08), 40)
    agrees(ours, book["normalised"], kind="value", quantity="40 steps of normalised gradients")


def test_adam(reference, agrees):
    ours = path(adam.adam(0.05), 60)
    agrees(ours, reference("6_5")["adam"], kind="value", quantity="60 steps of Adam")


def test_adam_elsewhere(reference, agrees):
    taken = reference("6_5").under("elsewhere")

    def run(start, settings):
        return gradient_descent.descend(adam.adam(*settings), adam.valley_gradient, start, 40)

    ours = jax.vmap(run)(taken["starts"], taken["settings"])
    agrees(ours, taken["adam"], kind="value", quantity="Adam from 6 starts with 6 settings, exact gradient")


def test_others_elsewhere(reference, agrees):
    taken = reference("6_5").under("elsewhere")
    starts, rates = taken["starts"], taken["settings"][:, 0]
    ours = jax.vmap(lambda start, rate: path(stochastic.sgd(rate), 40, start))(starts, rates)
    agrees(ours, taken["descent"], kind="value", quantity="descent from 6 starts with 6 rates")
    ours = jax.vmap(lambda start: path(adam.normalised_gradients(0.03, 0.01), 15, start))(starts)
    agrees(
        ours, taken["normalised"], kind="value", quantity="normalised gradients from 6 starts, epsilon 0.01"
    )
