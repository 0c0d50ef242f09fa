"""Notebook 8.1: MNIST-1D performance."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from parity import layout
from udl_jax import training
from udl_jax.ch08_performance import mnist1d
from udl_jax.data.mnist1d import load_mnist1d


@pytest.fixture(scope="module")
def trained(reference):
    """Train from the book's initial weights and in its batch order, in a given precision."""

    @functools.cache
    def train(precision):
        book = reference("8_1").under(precision)
        examples = [e._replace(x=e.x.astype(precision)) for e in mnist1d.split(load_mnist1d())]
        recipe = mnist1d.make_recipe()
        state = training.start(recipe, {"params": in_flax(book, "initial")})
        return training.train(recipe, state, *examples, book["order"].astype(jnp.int32))

    return train


def in_flax(take, group):
    return layout.deep_network([take[f"{group}/{i}"] for i in range(6)])


def test_data(reference, agrees):
    book = reference("8_1").under("float64")
    data = load_mnist1d()
    means = jnp.concatenate([data.x_train, data.x_test]).mean(0)
    agrees(data.x_train[::20], book["x_train"], kind="value", quantity="training inputs, every 20th")
    agrees(data.x_test[::20], book["x_test"], kind="value", quantity="test inputs, every 20th")
    agrees(data.y_train, book["y_train"], kind="value", quantity="training labels")
    agrees(data.y_test, book["y_test"], kind="value", quantity="test labels")
    agrees(means, book["column_means"], kind="value", quantity="means of all 40 columns")


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_losses(reference, agrees, trained, precision, part):
    book = reference("8_1").under(precision)
    _, history = trained(precision)
    loss, theirs = getattr(history, part).loss, book[f"{part}_loss"]
    agrees(loss, theirs, kind="trajectory", quantity=f"{part} loss, 50 epochs, {precision}")


@pytest.mark.parametrize("part", ["train", "test"])
def test_errors(reference, agrees, trained, part):
    book = reference("8_1").under("float64")
    _, history = trained("float64")
    count = 4000 if part == "train" else 1000
    ours, theirs = getattr(history, part).error, book[f"{part}_error"]
    wrong, wrong_there = (jnp.rint(error * count / 100).astype(int) for error in (ours, theirs))
    agrees(wrong, wrong_there, kind="trajectory", quantity=f"number of {part} errors, 50 epochs")


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_final_weights(reference, agrees, trained, precision):
    book = reference("8_1").under(precision)
    state, _ = trained(precision)
    ours = state.variables["params"]
    agrees(ours, in_flax(book, "final"), kind="trajectory", quantity=f"final weights, {precision}")


def test_twin(reference, agrees, trained):
    book = reference("8_1")
    _, history = trained("float32")
    theirs, twin = book["float32/train_loss"], book["twin/train_loss"]
    agrees(history.train.loss, theirs, twin=twin, kind="trajectory", quantity="train loss, float32")


def test_distribution(reference, agrees):
    book = reference("8_1")
    theirs = np.array([book[name] for name in book if name.startswith("seed") and "error" in name])
    data = jax.tree.map(lambda a: a.astype("float32") if a.dtype == "float64" else a, load_mnist1d())
    fits = mnist1d.train_seeds(jax.random.split(jax.random.key(0), len(theirs)), data)
    ours = fits.history.test.error[:, -1].astype(theirs.dtype)
    agrees(ours, theirs, kind="distribution", quantity=f"test error in percent, {len(theirs)} seeds")
