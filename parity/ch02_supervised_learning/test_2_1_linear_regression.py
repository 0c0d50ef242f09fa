"""Notebook 2.1: supervised learning."""

import jax
import jax.numpy as jnp

from udl_jax.ch02_supervised_learning import linear_regression
from udl_jax.data import toy


def test_data(reference, agrees):
    book = reference("2_1")
    agrees(toy.linear_regression_points().x, book["x"], kind="value", quantity="inputs of the 12 points")
    agrees(toy.linear_regression_points().y, book["y"], kind="value", quantity="outputs of the 12 points")


def test_lines(reference, agrees):
    book = reference("2_1")
    low = linear_regression.predict(jnp.array([0.4, 0.2]), book["x"])
    falling = linear_regression.predict(jnp.array([1.6, -0.8]), book["x"])
    agrees(low, book["line_b"], kind="value", quantity="line of figure 2.2b")
    agrees(falling, book["line_c"], kind="value", quantity="line of figure 2.2c")


def test_losses(reference, agrees):
    book = reference("2_1")
    low = linear_regression.least_squares_loss(jnp.array([0.4, 0.2]), book["x"], book["y"])
    falling = linear_regression.least_squares_loss(jnp.array([1.6, -0.8]), book["x"], book["y"])
    agrees(low, book["loss_b"], kind="value", quantity="loss of figure 2.2b, printed as 7.07")
    agrees(falling, book["loss_c"], kind="value", quantity="loss of figure 2.2c, printed as 10.28")


def test_losses_elsewhere(reference, agrees):
    book = reference("2_1")
    losses = jax.vmap(linear_regression.least_squares_loss, (0, None, None))
    ours = losses(book["elsewhere"], book["x"], book["y"])
    agrees(ours, book["losses_elsewhere"], kind="value", quantity="loss at 20 random lines")


def test_surface(reference, agrees):
    book = reference("2_1")
    surface = linear_regression.loss_surface(book["phi_0"], book["phi_1"], book["x"], book["y"])
    agrees(surface, book["surface"], kind="value", quantity="loss surface, 100 x 100")
