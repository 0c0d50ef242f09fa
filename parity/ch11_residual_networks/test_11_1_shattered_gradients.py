"""Notebook 11.1: shattered gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch07_gradients.stacked_network import Weights
from udl_jax.ch11_residual_networks import shattered_gradients as shattered

NAMES = ["book/1", "book/24", "book/50", "elsewhere/0", "elsewhere/1", "elsewhere/2"]


def draw(layers, width):
    """Draw a network as the notebook does, in its order and with its seed."""
    normal = np.random.RandomState(1).normal
    first, last = normal(size=(width, 1)), normal(size=(1, width))
    first_bias, last_bias = normal(size=width), normal(size=1)
    hidden, biases = np.empty((layers - 1, width, width)), np.empty((layers - 1, width))
    for kernel, bias in zip(hidden, biases):
        kernel[:], bias[:] = normal(size=(width, width)).T, normal(size=width)
    draws = shattered.Network(Weights(first.T, hidden, last.T), Weights(first_bias, biases, last_bias))
    return shattered.scale(jax.tree.map(jnp.asarray, draws))


@pytest.fixture(params=NAMES)
def case(request, reference):
    book = reference("11_1").under(request.param)
    layers, width = (int(n) for n in book["settings"])
    return request.param, book, draw(layers, width)


def test_draws(case, agrees):
    name, book, network = case
    weights, biases = network
    last_hidden = weights.hidden[-1, :5, -1] if len(weights.hidden) else weights.first[0, -1:]
    ours = jnp.concatenate([weights.first[0, :5], weights.last[:5, 0], biases.first[:5], last_hidden])
    agrees(ours, book["drawn"], kind="draws", quantity=f"some of the weights, {name}")


def test_outputs(case, agrees):
    name, book, network = case
    agrees(shattered.outputs(network, book["x"]), book["outputs"], kind="draws", quantity=f"outputs, {name}")


def test_gradients(case, agrees):
    name, book, network = case
    ours = shattered.input_gradient(network, book["x"])
    agrees(ours, book["gradient"], kind="draws", quantity=f"dy/dx at {len(ours)} inputs, {name}")
    one_by_one = jax.vmap(jax.grad(lambda x: shattered.outputs(network, x[None])[0]))(book["x"])
    agrees(one_by_one, book["gradient"], kind="draws", quantity=f"dy/dx by vmap of grad, {name}")


def test_autocorrelation(case, agrees):
    name, book, _ = case
    middle = len(book["x"]) // 2
    theirs = book["products"][middle:] / book["products"][middle]
    ours = shattered.autocorrelation(book["gradient"])
    agrees(ours, theirs, kind="value", quantity=f"autocorrelation, {name}")


def test_check(reference, agrees):
    book = reference("11_1").under("check")
    network = draw(3, 200)
    ours = shattered.input_gradient(network, book["x"][0])
    agrees(ours, book["gradient"][0], kind="draws", quantity="dy/dx at 1, three layers")
    agrees(shattered.outputs(network, book["x"][0]), book["y"][0], kind="draws", quantity="output at 1")
