"""Notebook 11.2: residual networks."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from parity import draws, layout
from udl_jax import training
from udl_jax.ch08_performance.mnist1d import split
from udl_jax.ch11_residual_networks import residual_network as residual
from udl_jax.data.mnist1d import load_mnist1d

EXAMPLES, BATCH = 4000, 100


def in_flax(weights):
    """Turn torch's weights, and then biases, of four linear layers into those of the network."""
    first, *blocks, last = (layout.dense(*weights[2 * k : 2 * k + 2]) for k in range(len(weights) // 2))
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *blocks)
    return {"first": first, "blocks": {"linear": stacked}, "last": last}


def thinned(variables):
    """Keep every fifth weight in torch's order, as the recording does."""
    params = jax.tree.map(np.asarray, variables["params"])
    blocks = params["blocks"]["linear"]
    layers = [params["first"], *({k: a[i] for k, a in blocks.items()} for i in range(2)), params["last"]]
    return [a.ravel()[::5] for layer in layers for a in (layer["kernel"].T, layer["bias"])]


@pytest.fixture(scope="module")
def trained(reference):
    """Train from the book's initial weights and in its batch order, in a given precision."""

    @functools.cache
    def train(precision):
        book = reference("11_2").under(precision)
        examples = [e._replace(x=e.x.astype(precision)) for e in split(load_mnist1d())]
        order = draws.batches(np.asarray(book["seeds"]), EXAMPLES, BATCH)
        recipe = residual.make_recipe()
        state = training.start(recipe, {"params": in_flax([book[f"initial/{i}"] for i in range(8)])})
        return training.train(recipe, state, *examples, order)

    return train


def test_order(reference, agrees):
    book = reference("11_2").under("float64")
    order = draws.visited(np.asarray(book["seeds"]), EXAMPLES)
    agrees(order[0, :20], book["first_visited"], kind="draws", quantity="the first batch, drawn again")
    agrees(order[-1, -20:], book["last_visited"], kind="draws", quantity="the last batch, drawn again")


@pytest.mark.parametrize("part", ["train", "test"])
def test_losses(reference, agrees, trained, part):
    book = reference("11_2").under("float64")
    _, history = trained("float64")
    loss, theirs = getattr(history, part).loss, book[f"{part}_loss"]
    agrees(loss, theirs, kind="trajectory", quantity=f"{part} loss, 100 epochs, float64")
    count = EXAMPLES if part == "train" else 1000
    wrong, wrong_there = (
        jnp.rint(error * count / 100).astype(int)
        for error in (getattr(history, part).error, book[f"{part}_error"])
    )
    agrees(wrong, wrong_there, kind="trajectory", quantity=f"number of {part} errors, 100 epochs")


def test_final_weights(reference, agrees, trained):
    book = reference("11_2").under("float64")
    ours = thinned(trained("float64")[0].variables)
    theirs = [book[f"final/{i}"] for i in range(8)]
    agrees(ours, theirs, kind="trajectory", quantity="final weights, every fifth, float64")


def test_twin(reference, agrees, trained):
    book = reference("11_2")
    _, history = trained("float32")
    theirs, twin = book["float32/train_loss"], book["twin/train_loss"]
    agrees(history.train.loss, theirs, twin=twin, kind="trajectory", quantity="train loss, float32")


def test_distribution(reference, agrees):
    book = reference("11_2")
    theirs = np.array([book[name] for name in book if name.startswith("seed") and "error" in name])
    data = jax.tree.map(lambda a: a.astype("float32") if a.dtype == "float64" else a, load_mnist1d())
    fits = residual.train_seeds(jax.random.split(jax.random.key(0), len(theirs)), data)
    ours = fits.history.test.error[:, -1].astype(theirs.dtype)
    agrees(ours, theirs, kind="distribution", quantity=f"test error in percent, {len(theirs)} seeds")
