"""Notebook 4.3: deep neural networks."""

import jax
import jax.numpy as jnp

from parity import layout
from udl_jax.ch04_deep_networks import deep_network
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork

THETA_1 = jnp.array([[0.0, -1.0], [0.0, 1.0], [-0.67, 1.0]])
PHI_1 = jnp.array([[1.0, -2.0, -3.0, 9.3]])
THETA_2 = jnp.array([[-0.6, -1.0], [0.2, 1.0], [-0.5, 1.0]])
PHI_2 = jnp.array([[0.5, -1.0, -1.5, 2.0]])


def layers_of(book):
    """Collect beta_0, omega_0, beta_1, ...; the notebook's offsets are columns."""
    count = sum(name.startswith("beta") for name in book)
    return tuple(deep_network.Layer(book[f"beta_{k}"].ravel(), book[f"omega_{k}"]) for k in range(count))


def test_shallow_network_in_matrix_form(reference, agrees):
    book = reference("4_3")
    layers = deep_network.to_layers(THETA_1, PHI_1)
    y = deep_network.stages(layers, layout.rows(book["x"])).output
    theirs = book.under("shallow")
    agrees(layers, layers_of(theirs), kind="value", quantity="matrices of network 1")
    agrees(y, layout.rows(book["n1"]), kind="value", quantity="network 1")
    agrees(y, layout.rows(theirs["out"]), kind="value", quantity="network 1 in matrix form")


def test_folded_networks(reference, agrees):
    book = reference("4_3")
    first, second = (deep_network.to_layers(*n) for n in ((THETA_1, PHI_1), (THETA_2, PHI_2)))
    layers = deep_network.fold(first, second)
    y = deep_network.stages(layers, layout.rows(book["x"])).output
    theirs = book.under("folded")
    agrees(layers, layers_of(theirs), kind="value", quantity="matrices of both networks folded into one")
    agrees(y, layout.rows(book["n2"]), kind="value", quantity="network 2 fed by network 1")
    agrees(y, layout.rows(theirs["out"]), kind="value", quantity="folded network")


def test_folded_networks_elsewhere(reference, agrees):
    book = reference("4_3")

    def run(one, two):
        first, second = (deep_network.to_layers(n[4:].reshape(3, 2), n[None, :4]) for n in (one, two))
        return layout.rows(
            deep_network.stages(deep_network.fold(first, second), layout.rows(book["x"])).output
        )

    ours = jax.vmap(run)(*book["random"])
    agrees(ours, book["random_out"], kind="value", quantity="5 random pairs, folded")


def test_deep_network(reference, agrees):
    book = reference("4_3").under("deep")
    found = deep_network.stages(layers_of(book), layout.rows(book["x"]))
    for k, h in enumerate(found.activations, 1):
        agrees(h, layout.rows(book[f"h{k}"]), kind="draws", quantity=f"hidden layer {k} of 4-5-2-4-1")
    agrees(found.output, layout.rows(book["y"]), kind="draws", quantity="output of 4-5-2-4-1")


def test_flax_model(reference, agrees):
    book = reference("4_3").under("deep")
    variables = deep_network.to_flax(layers_of(book))
    y = DeepNetwork(widths=(5, 2, 4, 1)).apply(variables, layout.rows(book["x"]))
    agrees(y, layout.rows(book["y"]), kind="draws", quantity="output of 4-5-2-4-1 as a Flax model")
