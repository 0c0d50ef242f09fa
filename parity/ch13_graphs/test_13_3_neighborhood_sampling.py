"""Notebook 13.3: neighborhood sampling."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch13_graphs import neighborhood_sampling as sampling
from udl_jax.ch13_graphs.adjacency import from_edges


def priorities(chosen):
    """Rank what the book drew before all else: it permutes the candidates, so it has no numbers to hand over."""
    return jnp.where(chosen, 0.9, 0.1)


def test_adjacency(reference, agrees):
    ours = from_edges(sampling.FIGURE_13_10, 23)
    agrees(ours, reference("13_3")["adjacency"], kind="value", quantity="adjacency matrix of figure 13.10")


def test_receptive_field(reference, agrees):
    book = reference("13_3")
    ours = sampling.receptive_field(book["adjacency"], np.arange(23) == 16, 3, self_loops=False)
    agrees(ours, book["plain"], kind="value", quantity="nodes that node 16 depends on, 3 layers back")


@pytest.mark.parametrize("name", ["plain", "self"])
def test_every_receptive_field(reference, agrees, name):
    book = reference("13_3")
    field = lambda nodes: sampling.receptive_field(book["adjacency"], nodes, 4, name == "self")  # noqa: E731
    ours = jax.vmap(field)(np.eye(23, dtype=bool))
    agrees(
        ours, book[f"every/{name}"], kind="value", quantity=f"fields of all 23 nodes, 4 layers back ({name})"
    )


def test_sampled(reference, agrees):
    book = reference("13_3")
    start = np.arange(23) == 16
    ours = sampling.sample_layers(priorities(book["sampled/chosen"]), book["adjacency"], start, 3)
    agrees(ours.chosen, book["sampled/chosen"], kind="draws", quantity="the 3 nodes drawn at each layer")
    agrees(ours.layers, book["sampled/layers"][1:], kind="draws", quantity="the nodes of each layer")
    assert ours.layers[-1].sum() == 9  # as the author says


@pytest.mark.parametrize("number", [1, 2, 5])
def test_elsewhere(reference, agrees, number):
    book = reference("13_3")
    taken = book.under(f"elsewhere_{number}")
    sample = lambda chosen, start: sampling.sample_layers(  # noqa: E731
        priorities(chosen), book["adjacency"], start, number
    )
    ours = jax.vmap(sample)(taken["chosen"], np.eye(23, dtype=bool))
    agrees(ours.chosen, taken["chosen"], kind="draws", quantity=f"{number} drawn a layer, from every node")
    agrees(ours.layers, taken["layers"], kind="draws", quantity=f"{number} a layer, from every node: layers")
