"""Notebook 16.2: autoregressive flows. Its four networks become one stack, the first without inputs."""

import jax
import jax.numpy as jnp
import pytest

from udl_jax.ch16_flows import autoregressive_flow as flow


def networks(book):
    """Stack the notebook's networks; constant shares are those of a network whose weights are zero."""
    beta_0, omega_0 = jnp.zeros((4, 10)), jnp.zeros((4, 10, 4))
    beta_1, omega_1 = jnp.zeros((4, 5)).at[0].set(jnp.log(book["phi"])), jnp.zeros((4, 5, 10))
    for d in (1, 2, 3):
        theirs = book.under(f"network_{d}")
        beta_0, beta_1 = beta_0.at[d].set(theirs["beta_0"][:, 0]), beta_1.at[d].set(theirs["beta_1"][:, 0])
        omega_0, omega_1 = omega_0.at[d, :, :d].set(theirs["omega_0"]), omega_1.at[d].set(theirs["omega_1"])
    return flow.Networks(beta_0, omega_0, beta_1, omega_1)


def repeated(phi, h):
    return jnp.broadcast_to(phi, (*h.shape, phi.size))


def test_map(reference, agrees):
    book = reference("16_2")
    h = book["h"]
    ours = flow.piecewise_linear(h, repeated(book["phi"], h))
    agrees(ours, book["h_prime"], kind="value", quantity="the map of five pieces over the interval")


@pytest.mark.parametrize("pieces", [1, 3, 17])
def test_map_elsewhere(reference, agrees, pieces):
    book = reference("16_2").under(f"pieces_{pieces}")
    phi = repeated(book["phi"], book["h"])
    ours = flow.piecewise_linear(book["h"], phi)
    agrees(ours, book["h_prime"], kind="value", quantity=f"a map of {pieces} pieces, ends included")
    back = flow.invert_piecewise_linear(jnp.clip(book["h_prime"], 0, 1), phi)
    agrees(back, book["h"], kind="value", quantity=f"our inverse of the notebook's map of {pieces} pieces")


def test_bisection(reference, agrees):
    book = reference("16_2")
    h_prime = book["inverse/h_prime"]
    ours = [
        flow.bisect_piecewise_linear(h_prime, repeated(phi, h_prime))
        for phi in (book["phi"], book["inverse/phi"])
    ]
    agrees(jnp.stack(ours), book["inverse/h"], kind="value", quantity="two maps inverted by bisection")


def test_networks(reference, agrees):
    book = reference("16_2")
    ours = flow.shares(networks(book), book["elsewhere/h"])[:, 3]
    agrees(ours, book["shares"], kind="value", quantity="shares from h1, h2, h3 at 20 points")


def test_flow(reference, agrees):
    book = reference("16_2")
    h = jnp.array([0.22, 0.41, 0.83, 0.53])
    there = flow.forward(networks(book), h)
    agrees(there, book["there"], kind="value", quantity="the test point sent through")
    back = flow.inverse(networks(book), there, flow.bisect_piecewise_linear)
    agrees(back, book["back"], kind="value", quantity="and back, by bisection")
    agrees(flow.inverse(networks(book), there), h, kind="value", quantity="and back, exactly")


def test_flow_elsewhere(reference, agrees):
    book = reference("16_2")
    ours, h = networks(book), book["elsewhere/h"]
    there = jax.jit(flow.forward)(ours, h)
    agrees(there, book["elsewhere/there"], kind="value", quantity="20 points sent through")
    back = flow.inverse(ours, book["elsewhere/there"], flow.bisect_piecewise_linear)
    agrees(back, book["elsewhere/back"], kind="value", quantity="20 points sent back by bisection")
