"""Notebook 20.2, and its copy for a GPU: the first 250 of the book's steps of each network."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from parity import draws, layout
from udl_jax import training
from udl_jax.ch08_performance import mnist1d
from udl_jax.ch20_why_it_works import full_batch
from udl_jax.data.mnist1d import load_mnist1d


def book_weights(book, hidden, dtype):
    """Draw the notebook's initial weights again: for each layer weights and biases, as torch has them."""
    shapes = list(zip((*hidden, 10), (40, *hidden), strict=True))
    weights = draws.he_uniform(book["draws"], shapes, dtype)
    return [part for weight in weights for part in (weight, np.zeros(len(weight), weight.dtype))]


def as_torch(params):
    """Lay our parameters out in one vector as torch's are."""
    layers = [params[f"layer_{k}"] for k in range(len(params))]
    return np.concatenate([np.ravel(part) for layer in layers for part in (layer["kernel"].T, layer["bias"])])


@pytest.fixture(scope="module")
def trained(reference):
    """Train from the book's initial weights, as many steps as the recording has."""

    @functools.cache
    def train(layers, dtype):
        book = reference("20_2").under(f"{dtype}/{layers}")
        settings = full_batch.book_settings(layers)
        recipe = full_batch.make_recipe(settings)
        initial = book_weights(book, settings.hidden, dtype)
        state = training.start(recipe, {"params": layout.deep_network(initial)})
        examples, _ = mnist1d.split(load_mnist1d())
        examples = examples._replace(x=examples.x.astype(dtype))
        flat = np.concatenate([part.ravel() for part in initial])
        return (
            book,
            flat,
            *training.train_full_batch(recipe, state, examples, len(book["loss"]), rows=settings.rows),
        )

    return train


def test_data(reference, agrees):
    book, data = reference("20_2").under("float64"), load_mnist1d()
    agrees(data.x_train[::100], book["x"], kind="value", quantity="training inputs, every 100th")
    agrees(data.y_train, book["y"], kind="value", quantity="training labels")


@pytest.mark.parametrize("layers", full_batch.WIDTHS)
def test_networks(reference, agrees, layers):
    book, settings = reference("20_2").under(f"float64/{layers}"), full_batch.book_settings(layers)
    ours = jnp.array([full_batch.count_parameters(settings.hidden), settings.steps])
    theirs = np.array([book["parameters"], book["steps_of_the_book"]])
    agrees(ours, theirs, kind="value", quantity=f"parameters and the book's steps, {layers} hidden layers")


@pytest.mark.parametrize("layers", full_batch.WIDTHS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_trajectory(agrees, trained, layers, dtype):
    book, initial, state, history = trained(layers, dtype)
    run = f"{layers} hidden layers, {dtype}"
    assert np.array_equal(initial[::50], book["initial"]), (
        "the recorded state of torch's generator draws others"
    )
    agrees(history.loss, book["loss"], kind="trajectory", quantity=f"loss at each of 250 steps, {run}")
    errors = jnp.asarray(history.error), jnp.asarray(book["error"], dtype)
    if dtype == "float64":  # in single precision an example on the border may be counted otherwise
        errors = [jnp.rint(40 * error).astype(int) for error in errors]
    agrees(*errors, kind="trajectory", quantity=f"errors at each of 250 steps, {run}")
    final = as_torch(state.variables["params"])[::5]
    agrees(final, book["final"], kind="trajectory", quantity=f"final weights, every 5th, {run}")
