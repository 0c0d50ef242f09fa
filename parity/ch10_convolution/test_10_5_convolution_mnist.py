"""Notebook 10.5: a convolutional network on MNIST; on the ten thousand digits that come with the package."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from parity import draws, layout
from udl_jax import training
from udl_jax.ch10_convolution import convolution_mnist as digits
from udl_jax.data.mnist import load_mnist

EXAMPLES, BATCH = 8000, 64


def in_flax(weights):
    """Turn torch's weights into those of the network; 4 by 4 places with 20 channels are flattened."""
    return {
        "conv_0": layout.conv(*weights[0:2]),
        "conv_1": layout.conv(*weights[2:4]),
        "linear_0": layout.dense_after_flatten(*weights[4:6], (20, 4, 4)),
        "linear_1": layout.dense(*weights[6:8]),
    }


def thinned(variables):
    """Keep every fifth weight in torch's order, as the recording does."""
    params = jax.tree.map(np.asarray, variables["params"])
    linear = params["linear_0"]["kernel"].reshape(4, 4, 20, 50).transpose(3, 2, 0, 1)
    kernels = {
        "conv_0": params["conv_0"]["kernel"].transpose(3, 2, 0, 1),
        "conv_1": params["conv_1"]["kernel"].transpose(3, 2, 0, 1),
        "linear_0": linear,
        "linear_1": params["linear_1"]["kernel"].T,
    }
    return [a.ravel()[::5] for name, kernel in kernels.items() for a in (kernel, params[name]["bias"])]


@pytest.fixture(scope="module")
def trained(reference):
    """Train from the book's initial weights, in its batch order, with its masks of dropout if it has them."""

    @functools.cache
    def train(name):
        book = reference("10_5").under(name)
        precision = name.split("/")[1]
        start = reference("10_5").under(f"plain/{precision}")
        examples = [e._replace(x=e.x.astype(precision)) for e in digits.split(load_mnist())]
        order = draws.batches(np.asarray(book["seeds"]), EXAMPLES, BATCH)
        keep = np.ones((*order.shape, 20), bool)
        settings = digits.Settings(dropout=0.0)
        if "masks" in book:
            bits = np.unpackbits(np.asarray(book["masks"]))
            keep, settings = bits.reshape(keep.shape).astype(bool), digits.BOOK
        recipe = digits.make_recipe(settings, masks=True)
        variables = {"params": in_flax([start[f"initial/{i}"] for i in range(8)])}
        state, history = training.train(
            recipe, training.start(recipe, variables), *examples, order, jnp.asarray(keep)
        )
        at_first = [digits._measure(recipe.model, variables, e) for e in examples]
        return state, history, at_first

    return train


NAMES = ["plain/float64", "dropout/float64"]


@pytest.mark.parametrize("name", NAMES)
def test_order_and_start(reference, agrees, name):
    book = reference("10_5").under(name)
    order = draws.visited(np.asarray(book["seeds"]), EXAMPLES)
    agrees(
        order[0, :20], book["first_visited"], kind="draws", quantity=f"{name}: the first batch, drawn again"
    )
    if "first" in book:
        same = reference("10_5")["plain/float64/initial/2"].ravel()[:50]
        agrees(same, book["first"], kind="draws", quantity="the same initial weights as without dropout")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", ["train", "test"])
def test_losses(reference, agrees, trained, name, part):
    book = reference("10_5").under(name)
    _, history, at_first = trained(name)
    first, measures = at_first[part == "test"], getattr(history, part)
    loss = jnp.concatenate([first.loss[None], measures.loss])
    agrees(
        loss, book[f"{part}_loss"], kind="trajectory", quantity=f"{name}: {part} loss, at first and 3 epochs"
    )
    count = EXAMPLES if part == "train" else 2000
    wrong = jnp.concatenate([first.error[None], measures.error]) * count / 100
    theirs = book[f"{part}_wrong"]
    agrees(jnp.rint(wrong).astype(theirs.dtype), theirs, kind="trajectory", quantity=f"{name}: {part} errors")


@pytest.mark.parametrize("name", NAMES)
def test_final_weights(reference, agrees, trained, name):
    book = reference("10_5").under(name)
    ours = thinned(trained(name)[0].variables)
    theirs = [book[f"final/{i}"] for i in range(8)]
    agrees(ours, theirs, kind="trajectory", quantity=f"{name}: final weights, every fifth")


def test_twin(reference, agrees, trained):
    book = reference("10_5")
    _, history, at_first = trained("plain/float32")
    ours = jnp.concatenate([at_first[0].loss[None], history.train.loss])
    theirs, twin = book["plain/float32/train_loss"], book["plain/twin/train_loss"]
    agrees(ours, theirs, twin=twin, kind="trajectory", quantity="train loss, float32, no dropout")


def test_distribution(reference, agrees):
    book = reference("10_5")
    theirs = np.array([book[name] for name in book if name.startswith("seed") and "error" in name])
    data = jax.tree.map(lambda a: a.astype("float32") if a.dtype == "float64" else a, load_mnist())
    fits = digits.train_seeds(jax.random.split(jax.random.key(0), len(theirs)), data)
    ours = fits.history.test.error[:, -1].astype(theirs.dtype)
    agrees(ours, theirs, kind="distribution", quantity=f"test error in percent, {len(theirs)} seeds")
