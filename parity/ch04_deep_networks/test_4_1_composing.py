"""Notebook 4.1: composing networks."""

import jax
import jax.numpy as jnp
import pytest

from udl_jax.ch04_deep_networks import composing
from udl_jax.ch04_deep_networks.composing import Shallow

FIRST = Shallow(
    jnp.array([[0.0, -1.0], [0.0, 1.0], [-0.67, 1.0]]),
    jnp.array([[1.0, -2.0, -3.0, 9.3]]),
)
SECOND = Shallow(
    jnp.array([[-0.6, -1.0], [0.2, 1.0], [-0.5, 1.0]]),
    jnp.array([[0.5, -1.0, -1.5, 2.0]]),
)
FIRST_CHANGED = FIRST._replace(phi=FIRST.phi.at[0, 1].multiply(0.5))
SECOND_CHANGED = SECOND._replace(phi=SECOND.phi.at[0, 1].multiply(-1))


@pytest.mark.parametrize(
    ("networks", "name"),
    [
        ([FIRST], "net1"),
        ([SECOND], "net2"),
        ([FIRST, SECOND], "original"),
        ([SECOND_CHANGED], "net2_changed"),
        ([FIRST, SECOND_CHANGED], "second_changed"),
        ([FIRST_CHANGED], "net1_changed"),
        ([FIRST_CHANGED, SECOND], "first_changed"),
        ([FIRST, FIRST], "twice"),
        ([FIRST, FIRST, SECOND], "three"),
    ],
)
def test_compositions(reference, agrees, networks, name):
    book = reference("4_1")
    y = composing.compose(networks, book["x"][:, None]).ravel()
    agrees(y, book[name], kind="value", quantity=f"output, {name.replace('_', ' ')}")


def test_compositions_elsewhere(reference, agrees):
    book = reference("4_1")

    def run(first, second):
        return composing.compose([in_rows(first), in_rows(second)], book["x"][:, None]).ravel()

    agrees(jax.vmap(run)(*book["random"]), book["random_out"], kind="value", quantity="5 random pairs")


def in_rows(flat):
    """Sort the notebook's ten numbers into theta and phi."""
    return Shallow(flat[4:].reshape(3, 2), flat[None, :4])


def test_regions(reference, agrees):
    book = reference("4_1")
    ours = [composing.count_regions([FIRST] * copies + [SECOND], -1.0, 1.0) for copies in range(4)]
    agrees(ours, list(book["regions"]), kind="value", quantity="linear regions, 0 to 3 copies of network 1")
