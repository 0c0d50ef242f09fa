"""Notebook 4.2: clipping functions."""

import jax
import jax.numpy as jnp
import pytest

from udl_jax.ch04_deep_networks import clipping


def run(theta, psi, phi, x):
    """Run the network with the notebook's padded parameters and stack all of figure 4.5 like the notebook."""
    found = clipping.stages(theta[1:], psi[1:], phi.T, x[:, None])
    weighted = found.weighted_activations[:, 0]
    return jnp.concatenate([found.output, found.preactivations, found.activations, weighted], axis=1).T


@pytest.mark.parametrize(
    ("kind_of_panel", "rows"),
    [
        ("output", slice(0, 1)),
        ("pre-activations", slice(1, 4)),
        ("activations", slice(4, 7)),
        ("weighted activations", slice(7, 10)),
    ],
)
def test_panels(reference, agrees, kind_of_panel, rows):
    book = reference("4_2")
    ours = run(book["theta"], book["psi"], book["phi"], book["x"])
    quantity = f"figure 4.5, {kind_of_panel}"
    agrees(ours[rows], book["panels"][rows], kind="value", quantity=quantity)


def test_what_ifs(reference, agrees):
    book = reference("4_2")
    theta, psi, phi, x = (book[name] for name in ("theta", "psi", "phi", "x"))
    raised = run(theta, psi.at[1, 0].add(0.5), phi, x)
    flipped = run(theta, psi.at[2].multiply(-1), phi, x)
    swapped = run(theta, psi, phi.at[3].set(-1), x)
    agrees(raised, book["raised"], kind="value", quantity="all panels, psi_10 raised by 0.5")
    agrees(flipped, book["flipped"], kind="value", quantity="all panels, psi_2 times -1")
    agrees(swapped, book["swapped"], kind="value", quantity="all panels, phi_3 = -1")


def test_elsewhere(reference, agrees):
    book = reference("4_2")
    drawn = book.under("random")
    ours = jax.vmap(run, (0, 0, 0, None))(drawn["theta"], drawn["psi"], drawn["phi"], book["x"])
    agrees(ours, drawn["panels"], kind="value", quantity="all panels of 5 random networks")
