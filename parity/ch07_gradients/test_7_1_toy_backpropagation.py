"""Notebook 7.1: backpropagation in a toy model."""

import jax
import jax.numpy as jnp
import pytest

from udl_jax.ch07_gradients import finite_differences
from udl_jax.ch07_gradients import toy_backpropagation as toy

by_hand = jax.jit(toy.derivatives_by_hand)
by_grad = jax.jit(toy.automatic_derivatives)


@pytest.fixture
def book(reference):
    return reference("7_1")


@pytest.fixture
def phi(book):
    return toy.Parameters(book["beta"], book["omega"])


def test_forward_pass(book, phi, agrees):
    forward = toy.forward_pass(phi, book["x"], book["y"])
    agrees(forward.f, book["f"], kind="value", quantity="f_0 to f_3, printed as 1.230 to 2.372")
    agrees(forward.h, book["h"], kind="value", quantity="x and h_1 to h_3, printed as 0.942 to 0.657")
    agrees(forward.loss, book["loss_forward"], kind="value", quantity="loss of the forward pass")


def test_loss(book, phi, agrees):
    ours = toy.least_squares_loss(phi, book["x"], book["y"])
    agrees(ours, book["loss"], kind="value", quantity="loss in one expression")


@pytest.mark.parametrize("derive", [by_hand, by_grad], ids=["by hand", "by jax.grad"])
def test_backward_pass(book, phi, agrees, derive, request):
    ours, how = derive(phi, book["x"], book["y"]), request.node.callspec.id
    agrees(ours.dl_df, book["dl_df"], kind="value", quantity=f"derivatives by f_0 to f_3, {how}")
    agrees(ours.dl_dh[1:], book["dl_dh"], kind="value", quantity=f"derivatives by h_1 to h_3, {how}")
    agrees(ours.dl_dbeta, book["dl_dbeta"], kind="value", quantity=f"derivatives by the offsets, {how}")
    agrees(ours.dl_domega, book["dl_domega"], kind="value", quantity=f"derivatives by the slopes, {how}")


def test_formulas(book, phi, agrees):
    ours = toy.dl_domega_0_in_full(phi, book["x"], book["y"])
    agrees(ours, book["dl_domega_0_formula"], kind="value", quantity="derivative by omega_0, one formula")
    ours = by_hand(phi, book["x"], book["y"]).dl_dbeta[3]
    agrees(ours, book["dl_dbeta_3_formula"], kind="value", quantity="derivative by beta_3, one formula")


def test_finite_difference(book, phi, agrees):
    ours = finite_differences.finite_differences(
        lambda phi: toy.least_squares_loss(phi, book["x"], book["y"]), phi, 1e-5
    )
    theirs = book["dl_domega_0_difference"]
    agrees(ours.omega[0], theirs, kind="value", quantity="derivative by omega_0, finite difference")


def test_elsewhere(book, agrees):
    there = book.under("elsewhere")
    x, y = there["points"][:, :2].T
    phi = toy.Parameters(there["points"][:, 2:6], there["points"][:, 6:])
    agrees(jax.vmap(toy.model)(phi, x), there["model"], kind="value", quantity="model at 20 random settings")
    losses = jax.vmap(toy.least_squares_loss)(phi, x, y)
    agrees(losses, there["loss"], kind="value", quantity="loss at 20 random settings")
    ours = jax.vmap(by_hand)(phi, x, y)
    dl_dy = -ours.dl_df[:, 3]
    ours = jnp.concatenate([ours.dl_dh[:, :1], dl_dy[:, None], ours.dl_dbeta, ours.dl_domega], axis=1)
    agrees(ours, there["derivatives"], kind="value", quantity="all derivatives at 20 random settings")
