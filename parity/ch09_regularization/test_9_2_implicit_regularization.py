"""Notebook 9.2: implicit regularization.

The notebook differentiates numerically, by central differences at a distance of 1e-5, and its penalty is
made of such differences. Rounding leaves errors of about 1e-11 in the loss's gradient, and of 1e-8 in the gradient of
the penalty, which divides those by the distance once more. Values and paths down the loss agree within the tolerance for
values, also with our exact gradients. Paths down the modified loss are held to the notebook's own accuracy: the distance between
its path and its twin, whose start is moved by one unit in the last place.
"""

import jax
import jax.numpy as jnp
import pytest

from udl_jax.ch06_fitting import gradient_descent as gd
from udl_jax.ch06_fitting import stochastic_gradient_descent as stochastic
from udl_jax.ch09_regularization import implicit_regularization as implicit

START = (-0.7, -0.75)


def numerical(phi):
    return gd.finite_differences(implicit.valley_loss, phi, 1e-5, central=True)


def descend(gradient, start, steps, rate):
    return gd.descend(stochastic.sgd(rate), gradient, jnp.array(start), steps)


def exact(step_size):
    return jax.grad(implicit.modified_loss(implicit.valley_loss, step_size))


def test_surfaces(reference, agrees):
    book = reference("9_2")
    grid = book["grid"]
    surface = gd.loss_surface(implicit.valley_loss, grid, grid)
    agrees(surface, book["surface"], kind="value", quantity="loss over the grid")

    def numerical_penalty(phi):
        return 0.1 / 4 * jnp.sum(numerical(phi) ** 2)

    def numerical_sum(phi):
        return implicit.valley_loss(phi) + numerical_penalty(phi)

    penalty = gd.loss_surface(numerical_penalty, grid, grid)
    agrees(penalty, book["penalty"], kind="value", quantity="penalty by differences over the grid")
    surface = gd.loss_surface(numerical_sum, grid, grid)
    agrees(surface, book["modified"], kind="value", quantity="loss and penalty by differences")
    surface = gd.loss_surface(implicit.modified_loss(implicit.valley_loss, 0.1), grid, grid)
    agrees(surface, book["modified"], kind="value", quantity="modified loss, exact, over the grid")


@pytest.mark.parametrize(("name", "steps", "rate"), [("tiny", 10_000, 0.001), ("typical", 100, 0.05)])
def test_paths_by_differences(reference, agrees, name, steps, rate):
    path = descend(numerical, START, steps, rate)[:: steps // 100]
    agrees(path, reference("9_2")[name], kind="value", quantity=f"{steps:,} steps of {rate}")


@pytest.mark.parametrize(("name", "steps", "rate"), [("tiny", 10_000, 0.001), ("typical", 100, 0.05)])
def test_paths_by_exact_gradients(reference, agrees, name, steps, rate):
    path = descend(exact(0.0), START, steps, rate)[:: steps // 100]
    agrees(path, reference("9_2")[name], kind="value", quantity=f"{steps:,} exact steps of {rate}")


def test_modified_path(reference, agrees):
    book = reference("9_2").under("modified")
    path = descend(exact(0.05), START, 10_000, 0.001)[::100]
    quantity = "10,000 steps down the modified loss"
    agrees(path, book["path"], twin=book["twin"], kind="value", quantity=quantity)


@pytest.mark.parametrize("number", range(3))
def test_modified_path_elsewhere(reference, agrees, number):
    book = reference("9_2").under(f"elsewhere_{number}")
    steps, rate, step_size = book["settings"].tolist()
    path = descend(exact(step_size), book["start"], int(steps), rate)[::20]
    quantity = f"{steps:.0f} steps, modified for {step_size:.2f}"
    agrees(path, book["path"], twin=book["twin"], kind="value", quantity=quantity)


def test_last_plot_of_the_notebook(reference):
    """Its surface belongs to a step of 0.1, its paths to one of 0.05: a slip, which the page mentions."""
    assert reference("9_2")["last_plot/alpha"] == 0.1
