"""Notebook 6.1: line search."""

import jax
import jax.numpy as jnp
import pytest

from udl_jax.ch06_fitting import line_search


def test_loss(reference, agrees):
    book = reference("6_1")
    agrees(line_search.two_dips(book["grid"]), book["curve"], kind="value", quantity="loss at 101 points")


def test_search(reference, agrees):
    book = reference("6_1")
    found = line_search.search(line_search.two_dips)
    agrees(found.minimum, book["minimum"], kind="value", quantity="minimum after 10 iterations")
    agrees(line_search.two_dips(found.minimum), book["loss"], kind="value", quantity="loss at the minimum")
    agrees(
        found.brackets,
        book["brackets"],
        kind="value",
        quantity="bracket before each iteration and at the end",
    )


@pytest.mark.parametrize("most", [0, 6, 24])
def test_searches_elsewhere(reference, agrees, most):
    book, settings = reference("6_1").under(f"elsewhere_{most}"), reference("6_1").under("elsewhere")

    def search(centre, threshold):
        def loss(phi):
            return (phi - centre) ** 2 + 0.1 * jnp.sin(9 * phi)

        return line_search.search(loss, threshold=threshold, max_iterations=most)

    found = jax.vmap(search)(settings["centres"], settings["thresholds"])
    ends = found.brackets[jnp.arange(len(found.count)), found.count]
    name = f"20 searches of at most {most} iterations"
    agrees(found.count, book["counts"], kind="value", quantity=f"iterations of {name}")
    agrees(found.minimum, book["minima"], kind="value", quantity=f"minima of {name}")
    agrees(ends, book["ends"], kind="value", quantity=f"last brackets of {name}")


def test_flat_loss(reference, agrees):
    found = line_search.search(jnp.zeros_like)
    agrees(
        found.minimum, reference("6_1")["flat"], kind="value", quantity="minimum where all heights are equal"
    )
