"""Notebook 3.1: shallow networks with one input."""

import jax
import jax.numpy as jnp

from udl_jax.ch03_shallow_networks import shallow_network
from udl_jax.data import toy

THETA = ((0.3, -1.0), (-1.0, 2.0), (-0.5, 0.65))
PHI = ((-0.3, 2.0, -1.0, 7.0),)


def test_relu(reference, agrees):
    book = reference("3_1")
    agrees(jax.nn.relu(book["z"]), book["relu_z"], kind="value", quantity="ReLU")


def test_ten_panels(reference, agrees):
    book = reference("3_1")
    found = shallow_network.stages(jnp.array(THETA), jnp.array(PHI), book["x"][:, None])
    agrees(found.preactivations.T, book["pre"], kind="value", quantity="pre-activations of figure 3.3a-c")
    agrees(found.activations.T, book["act"], kind="value", quantity="activations of figure 3.3d-f")
    weighted = found.weighted_activations[:, 0].T
    agrees(weighted, book["weighted"], kind="value", quantity="weighted activations of figure 3.3g-i")
    agrees(found.output[:, 0], book["y"], kind="value", quantity="output of figure 3.3j")


def test_data(reference, agrees):
    book = reference("3_1")
    x, y = toy.shallow_network_points()
    agrees(x, book["x_train"], kind="value", quantity="inputs of the 20 points")
    agrees(y, book["y_train"], kind="value", quantity="outputs of the 20 points")


def test_loss(reference, agrees):
    book = reference("3_1")
    x, y = book["x_train"][:, None], book["y_train"][:, None]
    loss = shallow_network.least_squares_loss(jnp.array(THETA), jnp.array(PHI), x, y)
    agrees(loss, book["loss"], kind="value", quantity="loss, printed as 9.385")


def test_what_if(reference, agrees):
    book = reference("3_1")
    changed = reference("3_1").under("what_if")
    run = jax.vmap(lambda theta, phi: shallow_network.stages(theta, phi, book["x"][:, None]).output[:, 0])
    ours = run(changed["theta"], changed["phi"][:, None])
    agrees(ours, changed["y"], kind="value", quantity="output in ten answers to the what-if questions")


def test_elsewhere(reference, agrees):
    book = reference("3_1")
    other = book.under("elsewhere")
    x, y = book["x_train"][:, None], book["y_train"][:, None]
    run = jax.vmap(lambda theta, phi: shallow_network.stages(theta, phi, x).output[:, 0])
    outputs = run(other["theta"], other["phi"][:, None])
    agrees(outputs, other["y"], kind="value", quantity="outputs of 20 random networks")
    losses = jax.vmap(shallow_network.least_squares_loss, (0, 0, None, None))
    ours = losses(other["theta"], other["phi"][:, None], x, y)
    agrees(ours, other["loss"], kind="value", quantity="losses of 20 random networks")
