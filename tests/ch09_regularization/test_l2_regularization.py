import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax.ch06_fitting import gabor
from udl_jax.ch06_fitting import gradient_descent as gd
from udl_jax.ch09_regularization import l2_regularization as l2
from udl_jax.data import toy

X, Y = toy.gabor_points()
POINTS = np.random.default_rng(0).uniform((-8, 4), (8, 20), (10, 2)).astype(np.float32)


def test_penalty_and_its_gradient_in_both_conventions():
    """The book's lambda w^2, and the lambda/2 w^2 of weight decay."""
    w = np.array([3.0], np.float32)
    for weight, value, slope in ((0.1, 0.9, 0.6), (0.1 / 2, 0.45, 0.3)):
        term = l2.regularised(lambda phi: jnp.zeros(()), weight)
        np.testing.assert_allclose(term(w), value, rtol=1e-6)
        np.testing.assert_allclose(jax.grad(term)(w), [slope], rtol=1e-6)


def test_weight_decay_of_optax_is_half_of_the_books_penalty():
    decayed, _ = optax.add_decayed_weights(0.1).update(jnp.zeros(1), optax.EmptyState(), jnp.array([3.0]))
    np.testing.assert_allclose(decayed, 0.1 / 2 * l2.penalty_gradient(jnp.array([3.0])), rtol=1e-6)


def test_penalty_is_zero_at_the_centre_alone():
    assert l2.penalty(jnp.array(l2.CENTRE), jnp.array(l2.CENTRE)) == 0
    assert l2.penalty(jnp.array([1e-3, 12.5]), jnp.array(l2.CENTRE)) > 0


def test_gradients_by_hand_are_those_of_jax():
    for weight in (0.0, 0.2, 3.0):
        by_hand = jax.vmap(lambda phi, w=weight: l2.gradient(phi, X, Y, w))(POINTS)
        automatic = jax.vmap(lambda phi, w=weight: jax.grad(l2.loss)(phi, X, Y, w))(POINTS)
        np.testing.assert_allclose(by_hand, automatic, rtol=1e-4, atol=1e-4)


def test_weight_zero_is_the_loss_itself():
    phi = jnp.array(POINTS[0])
    np.testing.assert_array_equal(l2.loss(phi, X, Y, 0.0), gabor.least_squares_loss(phi, X, Y))


def test_heavier_weights_bring_the_minimum_nearer_to_the_centre():
    def end(weight):
        gradient = functools.partial(l2.gradient, x=X, y=Y, weight=weight)
        return gd.descend(optax.sgd(0.02), gradient, jnp.array([2.6, 8.5]), 400)[-1]

    ends = jax.vmap(end)(jnp.array([0.2, 1.0, 5.0]))
    distances = np.linalg.norm(ends - np.array(l2.CENTRE), axis=1)
    assert distances[0] > distances[1] > distances[2]


def test_any_loss_takes_the_penalty_also_under_jit_and_vmap():
    term = l2.regularised(jnp.prod, 0.5, centre=1.0)
    np.testing.assert_allclose(jax.jit(jax.vmap(term))(POINTS), [term(phi) for phi in POINTS], rtol=1e-5)


def test_dtype_is_that_of_the_parameters():
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            x, y, phi = X.astype(dtype), Y.astype(dtype), POINTS[0].astype(dtype)
            assert l2.loss(phi, x, y).dtype == l2.gradient(phi, x, y).dtype == jnp.dtype(dtype)


@pytest.mark.parametrize("function", [l2.loss, l2.gradient])
def test_bad_input_is_told(function):
    with pytest.raises(ValueError, match=r"weight must not be negative.*, got -0\.1"):
        function(POINTS[0], X, Y, -0.1)
    with pytest.raises(ValueError, match=r"weight must not be negative.*, got nan"):
        function(POINTS[0], X, Y, float("nan"))
    with pytest.raises(
        ValueError, match=r"y must have the shape \(batch\), where batch is 30 as in x, got \(29,\)"
    ):
        function(POINTS[0], X, Y[1:])
    with pytest.raises(
        ValueError, match=r"centre must be a number or have the shape \(2,\) of phi, got \(1,\)"
    ):
        function(POINTS[0], X, Y, 0.2, np.array([1.0]))
