"""Notebook 20.1: random data."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from parity import draws
from udl_jax import training
from udl_jax.ch08_performance import mnist1d
from udl_jax.ch20_why_it_works import random_data
from udl_jax.data.mnist1d import load_mnist1d

SHAPES = [(300, 40), (300, 300), (300, 300), (300, 300), (10, 300)]
VERSIONS = ("true", "inputs", "labels")


def normals():
    return np.random.RandomState(11).standard_normal((40, 4000)).T


def permutation():
    return np.random.RandomState(12).permutation(4000)


@pytest.fixture(scope="module")
def trained(reference):
    """Train from the book's initial weights, in its batch order, on the real or randomized data."""

    @functools.cache
    def train(version, precision):
        book = reference("20_1").under(f"{precision}/{version}")
        data = load_mnist1d()
        if version == "inputs":
            data = data._replace(x_train=random_data.randomize_inputs(data.x_train, normals()))
        if version == "labels":
            data = data._replace(y_train=random_data.permute_labels(data.y_train, permutation()))
        examples = mnist1d.split(data)[0]
        examples = examples._replace(x=examples.x.astype(precision))
        weights = draws.he_uniform(book["state"], SHAPES, precision)
        params = {
            f"layer_{k}": {"kernel": w.T, "bias": np.zeros(len(w), precision)} for k, w in enumerate(weights)
        }
        recipe = mnist1d.make_recipe(random_data.BOOK)
        order = draws.batches(np.asarray(book["seeds"]), 4000, 100)
        state = training.start(recipe, {"params": params})
        return weights, *training.train(recipe, state, examples, None, order)

    return train


def test_randomized_data(reference, agrees):
    book, data = reference("20_1").under("float64"), load_mnist1d()
    x = random_data.randomize_inputs(data.x_train, normals())
    agrees(x[::100], book["randomized"], kind="draws", quantity="random inputs, every 100th")
    ours = jnp.stack([x.mean(), x.std()])
    agrees(
        ours, jnp.stack([book["mean"], book["deviation"]]), kind="draws", quantity="their mean and deviation"
    )
    y = random_data.permute_labels(data.y_train, permutation())
    agrees(y, book["permuted"], kind="draws", quantity="permuted labels")


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("version", VERSIONS)
def test_first_weights(reference, agrees, trained, version, precision):
    book = reference("20_1").under(f"{precision}/{version}")
    weights, _, _ = trained(version, precision)
    for k, weight in enumerate(weights):
        agrees(
            weight.ravel()[::997],
            book[f"first/{k}"],
            kind="draws" if precision == "float64" else "trajectory",
            quantity=f"{version}: initial weights of layer {k}, drawn again, {precision}",
        )


@pytest.mark.parametrize("version", VERSIONS)
def test_losses(reference, agrees, trained, version):
    _, _, history = trained(version, "float64")
    theirs = reference("20_1")[f"float64/{version}/loss"]
    agrees(history.train.loss, theirs, kind="trajectory", quantity=f"{version}: loss, 25 epochs")


@pytest.mark.parametrize("version", VERSIONS)
def test_final_weights(reference, agrees, trained, version):
    book = reference("20_1").under(f"float64/{version}")
    _, state, _ = trained(version, "float64")
    params = state.variables["params"]
    ours = [
        leaf.T.ravel()[::97]
        for k in range(5)
        for leaf in (params[f"layer_{k}"]["kernel"], params[f"layer_{k}"]["bias"])
    ]
    theirs = [book[f"final/{i}"] for i in range(10)]
    agrees(ours, theirs, kind="trajectory", quantity=f"{version}: final weights, every 97th")


@pytest.mark.parametrize("version", VERSIONS)
def test_twins(reference, agrees, trained, version):
    book = reference("20_1")
    _, _, history = trained(version, "float32")
    theirs, twin = book[f"float32/{version}/loss"], book[f"twin/{version}/loss"]
    agrees(
        history.train.loss,
        theirs,
        twin=twin,
        kind="trajectory",
        quantity=f"{version}: loss, 60 epochs, float32",
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_all_are_learnt(reference, version):
    """In the notebook, too, all three losses end below 0.01, and the permuted labels take longest."""
    assert reference("20_1")[f"float32/{version}/loss"][-1] < 0.01
    at_ten = {name: reference("20_1")[f"float32/{name}/loss"][9] for name in VERSIONS}
    assert at_ten["labels"] > 5 * at_ten["true"]
