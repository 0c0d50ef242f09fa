"""Notebook 3.4: activation functions."""

from functools import partial

import jax
import jax.numpy as jnp
import pytest

from udl_jax.ch03_shallow_networks import activations, shallow_network

THETA = ((0.3, -1.0), (-1.0, 2.0), (-0.5, 0.65))
RELU_PHI = ((-0.3, 2.0, -1.0, 7.0),)
PHI = ((0.3, 0.5, -1.0, 0.9),)
ACTIVATIONS = {
    "relu": jax.nn.relu,
    "sigmoid": activations.sigmoid,
    "heaviside": activations.heaviside,
    "linear": activations.linear,
}


def test_functions(reference, agrees):
    book = reference("3_4")
    agrees(activations.sigmoid(book["z"]), book["sigmoid_z"], kind="value", quantity="sigmoid of slope 10")
    agrees(activations.heaviside(book["z"]), book["heaviside_z"], kind="value", quantity="Heaviside")
    ours = activations.heaviside(book["special"])
    agrees(
        ours, book["heaviside_special"], kind="value", quantity="Heaviside at zeros, beside them, at infinity"
    )


def test_relu_network(reference, agrees):
    book = reference("3_4")
    found = shallow_network.stages(jnp.array(THETA), jnp.array(RELU_PHI), book["x"][:, None])
    agrees(found.preactivations.T, book["pre"], kind="value", quantity="pre-activations")
    agrees(found.output[:, 0], book["relu/y"], kind="value", quantity="output with ReLU")


@pytest.mark.parametrize("name", ["sigmoid", "heaviside", "linear", "what_if"])
def test_network(reference, agrees, name):
    changed = partial(activations.linear, a=0.5, b=-0.4)
    book, recorded = reference("3_4"), reference("3_4").under(name)
    activation = ACTIVATIONS.get(name, changed)
    found = shallow_network.stages(jnp.array(THETA), jnp.array(PHI), book["x"][:, None], activation)
    label = {"what_if": "linear, a=0.5, b=-0.4"}.get(name, name)
    agrees(found.activations.T, recorded["act"], kind="value", quantity=f"activations, {label}")
    weighted = found.weighted_activations[:, 0].T
    agrees(weighted, recorded["weighted"], kind="value", quantity=f"weighted activations, {label}")
    agrees(found.output[:, 0], recorded["y"], kind="value", quantity=f"output, {label}")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_elsewhere(reference, agrees, name):
    book, other = reference("3_4"), reference("3_4").under("elsewhere")

    def run(theta, phi):
        return shallow_network.stages(theta, phi, book["x"][:, None], ACTIVATIONS[name]).output[:, 0]

    ours = jax.vmap(run)(other["theta"], other["phi"][:, None])
    agrees(ours, other[name], kind="value", quantity=f"outputs of 10 random networks, {name}")


@pytest.mark.parametrize(("name", "a", "b"), [("linear", 0.0, 1.0), ("what_if", 0.5, -0.4)])
def test_linear_equivalent(reference, agrees, name, a, b):
    book = reference("3_4")
    intercept, slope = activations.linear_equivalent(jnp.array(THETA), jnp.array(PHI), a, b)[0]
    quantity = f"the line that the network is, a={a}, b={b}"
    agrees(intercept + slope * book["x"], book[f"{name}/y"], kind="value", quantity=quantity)
