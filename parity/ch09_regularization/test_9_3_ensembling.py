"""Notebook 9.3: ensembling."""

import jax.numpy as jnp
import pytest

from udl_jax.ch08_performance import simplified_network as network
from udl_jax.ch09_regularization import ensembling


def error(predictions, book):
    return jnp.mean((predictions - book["y_func"]) ** 2, axis=-1)


def test_one_fit(reference, agrees):
    book = reference("9_3")
    phi = ensembling.fit(book["x_data"], book["y_data"], hidden=14)
    agrees(phi, book["phi"], kind="draws", quantity="parameters of 14 units")
    said = network.predict(phi, book["x_model"])
    agrees(said, book["y_model"], kind="draws", quantity="fitted function")
    agrees(error(said, book), book["error"], kind="draws", quantity="mean squared error of one model")


def test_four_models(reference, agrees):
    book = reference("9_3")
    data = book["x_data"], book["y_data"]
    fits = ensembling.bootstrap(*data, book["indices"], book["x_model"], hidden=14)
    agrees(fits, book["models"], kind="draws", quantity="four models")
    agrees(error(fits, book), book["errors"], kind="draws", quantity="their mean squared errors")
    for how in ("median", "mean"):
        together = ensembling.combine(fits, how)
        agrees(together, book[how], kind="draws", quantity=f"{how} of the four")
        agrees(error(together, book), book[f"{how}_error"], kind="draws", quantity=f"error of the {how}")


@pytest.mark.parametrize("name", "abc")
def test_elsewhere(reference, agrees, name):
    book = reference("9_3")
    taken = book.under(f"elsewhere_{name}")
    points = book["x_model"][::5]
    fits = ensembling.bootstrap(taken["x"], taken["y"], taken["indices"], points, int(taken["units"]))
    agrees(fits, taken["fits"], kind="draws", quantity=f"{len(fits)} models of {taken['units']} units")
