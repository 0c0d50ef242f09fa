"""Notebook 7.2: backpropagation."""

import jax
import pytest

from parity import layout
from udl_jax.ch04_deep_networks.deep_network import Layer
from udl_jax.ch07_gradients import backpropagation as bp
from udl_jax.ch07_gradients import finite_differences

forward_pass = jax.jit(bp.forward_pass)
backward_pass = jax.jit(bp.backward_pass)
automatic_derivatives = jax.jit(bp.automatic_derivatives)
NETWORKS = ["book", "elsewhere/a", "elsewhere/b", "elsewhere/c", "elsewhere/d"]


def by_layer(take, name):
    """Turn what the recording has for each layer, whose columns are examples, into rows."""
    count = sum(key.startswith(f"{name}/") for key in take)
    return tuple(layout.rows(take[f"{name}/{k}"]) for k in range(count))


def layers(take, weights="weights", biases="biases"):
    """Pair offsets and weights, or what belongs to them."""
    betas = by_layer(take, biases)
    return tuple(Layer(beta[0], take[f"{weights}/{k}"]) for k, beta in enumerate(betas))


@pytest.fixture(params=NETWORKS)
def take(request, reference):
    return reference("7_2").under(request.param)


@pytest.fixture
def which(request):
    return f"network {request.node.callspec.params['take']}"


@pytest.fixture
def loss(reference):
    """Give the loss of the notebook's one example as a function of the layers."""
    book = reference("7_2").under("book")
    x, y = layout.rows(book["x"]), layout.rows(book["y"])
    return lambda network: bp.least_squares_loss(network, x, y)


def test_output(reference, agrees):
    book = reference("7_2")
    take = book.under("book")
    forward = forward_pass(layers(take), layout.rows(take["x"]))
    theirs = layout.rows(book["net_output"])
    agrees(forward.f[-1], theirs, kind="value", quantity="network output, printed as 1.907")


def test_forward_pass(take, which, agrees):
    forward = forward_pass(layers(take), layout.rows(take["x"]))
    agrees(forward.f, by_layer(take, "f"), kind="value", quantity=f"all pre-activations, {which}")
    agrees(forward.h, by_layer(take, "h"), kind="value", quantity=f"input and all activations, {which}")


def test_loss(take, which, agrees):
    ours = bp.least_squares_loss(layers(take), layout.rows(take["x"]), layout.rows(take["y"]))
    agrees(ours, take["loss"], kind="value", quantity=f"least squares loss, {which}")


def test_backward_pass(take, which, agrees):
    network, y = layers(take), layout.rows(take["y"])
    ours = backward_pass(network, forward_pass(network, layout.rows(take["x"])), y)
    agrees(ours.dl_df, by_layer(take, "dl_df"), kind="value", quantity=f"dl_df, {which}")
    agrees(ours.dl_dh, by_layer(take, "dl_dh"), kind="value", quantity=f"dl_dh, {which}")
    theirs = layers(take, "dl_dweights", "dl_dbiases")
    agrees(ours.dl_dlayers, theirs, kind="value", quantity=f"dl_dweights and dl_dbiases, {which}")


def test_automatic_derivatives(take, which, agrees):
    ours = automatic_derivatives(layers(take), layout.rows(take["x"]), layout.rows(take["y"]))
    theirs = layers(take, "dl_dweights", "dl_dbiases")
    agrees(ours.dl_dlayers, theirs, kind="value", quantity=f"derivatives by jax.grad, {which}")


def test_losses_of_moved_networks(reference, agrees, loss):
    # A difference over 1e-6 leaves ten digits of the loss behind, so the two libraries' quotients agree in six. The
    # losses that enter agree in all digits: they are compared, here for moves of 1e-6 and of 1e-2.
    book = reference("7_2")
    network = layers(book.under("book"))
    moved = finite_differences.move_each(loss, network, 1e-2)
    theirs = layers(book.under("moved"))
    agrees(moved, theirs, kind="value", quantity="loss with each parameter moved by 1e-2")
    moved = finite_differences.move_each(loss, network, book["delta"])
    theirs = [
        book["book/loss"] + book["delta"] * difference
        for layer in layers(book.under("fd"))
        for difference in layer
    ]
    ours = [values for layer in moved for values in layer]
    agrees(ours, theirs, kind="value", quantity="loss with each parameter moved by 1e-6")


def test_book_finds_its_derivatives_confirmed(reference):
    matches = reference("7_2")["matches"]
    assert matches.shape == (12,)
    assert matches.all()
