"""Notebook 3.2: shallow networks with two inputs."""

import jax
import jax.numpy as jnp

from udl_jax.ch03_shallow_networks import shallow_network, two_inputs

THETA = ((-4.0, 0.9, 0.0), (5.0, -0.9, -0.5), (-7.0, 0.5, 0.9))
PHI = ((0.0, -2.0, 2.0, 1.5), (-2.0, -1.0, -2.0, 0.8))


def units_first(array):
    """Move the hidden units from the last axis, where they are with us, to the first."""
    return jnp.moveaxis(array, -1, 0)


def test_grid(reference, agrees):
    along = jnp.arange(0.0, 10.0, 0.1)
    agrees(two_inputs.grid(along, along), reference("3_2")["x"], kind="value", quantity="grid of inputs")


def test_one_output(reference, agrees):
    book = reference("3_2")
    found = shallow_network.stages(jnp.array(THETA), jnp.array(PHI[:1]), book["x"])
    pre, act, weighted = map(units_first, found[:3])
    agrees(pre, book["pre"], kind="value", quantity="pre-activations of figure 3.8a-c")
    agrees(act, book["act"], kind="value", quantity="activations of figure 3.8d-f")
    agrees(weighted[..., 0], book["weighted"], kind="value", quantity="weighted activations of figure 3.8g-i")
    agrees(found.output[..., 0], book["y"], kind="value", quantity="output of figure 3.8j")


def test_two_outputs(reference, agrees):
    book = reference("3_2")
    found = shallow_network.stages(jnp.array(THETA), jnp.array(PHI), book["x"])
    first, second = jnp.moveaxis(found.weighted_activations, (-2, -1), (0, 1))
    agrees(first, book["weighted_1"], kind="value", quantity="activations weighted for output 1")
    agrees(second, book["weighted_2"], kind="value", quantity="activations weighted for output 2")
    agrees(found.output[..., 0], book["y1"], kind="value", quantity="output 1 of 2")
    agrees(found.output[..., 1], book["y2"], kind="value", quantity="output 2 of 2")


def test_elsewhere(reference, agrees):
    book = reference("3_2").under("elsewhere")
    run = jax.vmap(lambda theta, phi: shallow_network.stages(theta, phi, book["x"]).output.T)
    outputs = run(book["theta"], book["phi"])
    agrees(outputs, book["y"], kind="value", quantity="two outputs of 10 random networks")


def test_linear_pieces(reference, agrees):
    book = reference("3_2")
    theta, phi, x = jnp.array(THETA), jnp.array(PHI), book["x"]
    pieces = two_inputs.linear_piece(theta, phi, two_inputs.activation_patterns(theta, x))
    ours = pieces[..., 0] + jnp.einsum("...oi,...i->...o", pieces[..., 1:], x)
    agrees(ours[..., 0], book["y1"], kind="value", quantity="output 1, put together from linear pieces")
    agrees(ours[..., 1], book["y2"], kind="value", quantity="output 2, put together from linear pieces")
