"""Notebook 1.1: background mathematics."""

import jax
import jax.numpy as jnp

from parity import layout
from udl_jax.ch01_background import mathematics


def test_lines(reference, agrees):
    book = reference("1_1")
    line = mathematics.linear_function(0.0, jnp.array([1.0]), book["x"])
    asked = mathematics.linear_function(10.0, jnp.array([-2.0]), book["x"])
    beta, omega = book["lines"].T
    random = jax.vmap(mathematics.linear_function, (0, 0, None))(beta, omega[:, None], book["x"])
    agrees(line, book["line"], kind="value", quantity="line of slope 1")
    agrees(asked, book["line_10_5"], kind="value", quantity="line through (0, 10) and (5, 0)")
    agrees(random, book["lines_y"], kind="value", quantity="5 random lines")


def test_planes(reference, agrees):
    book = reference("1_1")
    x1, x2 = book["x1"][None, :], book["x2"][:, None]
    plane = mathematics.linear_function(0.0, jnp.array([1.0, -0.5]), x1, x2)
    planes = jax.vmap(lambda p: mathematics.linear_function(p[0], p[1:], x1[:, ::5], x2[::5]))(book["planes"])
    agrees(plane, book["plane"], kind="value", quantity="function of two inputs, 100 x 100")
    agrees(planes, book["planes_y"], kind="value", quantity="three what-ifs and 3 random planes")


def test_equations_one_by_one(reference, agrees):
    book = reference("1_1")
    x = book["x_vec"].ravel()
    for k, name in enumerate(("y1", "y2")):
        y = mathematics.linear_function(book["beta_vec"][k, 0], book["omega_mat"][k], *x)
        agrees(y, book[name], kind="value", quantity=f"{name}, a function of three inputs")


def test_matrix_form(reference, agrees):
    book = reference("1_1")
    y = mathematics.linear_equations(book["beta_vec"].ravel(), book["omega_mat"], layout.rows(book["x_vec"]))
    agrees(y, layout.rows(book["y_vec"]), kind="value", quantity="two functions in matrix form")


def test_matrix_form_elsewhere(reference, agrees):
    book = reference("1_1").under("random")
    y = mathematics.linear_equations(book["beta"], book["omega"], layout.rows(book["x"]))
    agrees(y, layout.rows(book["y"]), kind="value", quantity="three random functions at 10 points")


def test_curves(reference, agrees):
    book = reference("1_1")
    agrees(jnp.exp(book["exp_x"]), book["exp_y"], kind="value", quantity="exponential")
    agrees(jnp.log(book["log_x"]), book["log_y"], kind="value", quantity="logarithm")
