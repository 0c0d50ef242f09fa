"""Notebook 13.4: graph attention networks; and torch_geometric's layer as a witness of the same formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from udl_jax.ch13_graphs import graph_attention as attention
from udl_jax.ch13_graphs.adjacency import to_edges


def weights_of(book):
    return attention.AttentionWeights(book["omega"], book["beta"], book["phi"])


def test_graph_attention(reference, agrees):
    book = reference("13_4")
    ours = attention.graph_attention(book["x"], weights_of(book), book["adjacency"])
    agrees(ours.mapped, book["mapped"], kind="value", quantity="mapped nodes")
    agrees(ours.scores, book["scores"], kind="value", quantity="scores of all pairs")
    agrees(ours.weights, book["weights"], kind="value", quantity="attention")
    agrees(ours.output, book["output"], kind="value", quantity="output")


def test_printed_answer(reference):
    book = reference("13_4")
    ours = np.asarray(attention.graph_attention(book["x"], weights_of(book), book["adjacency"]).output)
    printed = np.zeros((8, 4))
    printed[[1, 2, 4, 7], 0] = 0.028, 0.370, 0.970, 0.698
    printed[[4, 6], 1] = 1.184, 2.654
    printed[[0, 1, 3, 4, 7], 2] = 1.130, 0.564, 1.298, 0.268, 0.779
    printed[[0, 3], 3] = 0.825, 1.175
    np.testing.assert_array_equal(np.round(ours, 3), printed)


@pytest.mark.parametrize("name", ["scaled", "unscaled"])
def test_dot_product(reference, agrees, name):
    book = reference("13_4")
    taken = book.under("dot")
    params = attention.DotWeights(*(a for pair in zip(taken["omegas"], taken["betas"]) for a in pair))
    ours = attention.dot_product_graph_attention(book["x"], params, book["adjacency"], name == "scaled")
    agrees(ours.weights, taken[f"{name}_weights"], kind="value", quantity=f"dot-product attention, {name}")
    agrees(
        ours.output, taken[f"{name}_output"], kind="value", quantity=f"dot-product attention, {name}: output"
    )


def test_elsewhere(reference, agrees):
    taken = reference("13_4").under("elsewhere")
    ours = jax.vmap(attention.graph_attention)(taken["x"], weights_of(taken), taken["adjacency"])
    for name in ("mapped", "weights", "output"):
        agrees(
            getattr(ours, name), taken[name], kind="value", quantity=f"8 other graphs with 13 nodes: {name}"
        )


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_torch_geometric(geometric, reference, agrees, slope):
    """Its layer maps without a bias, so it is handed what ours maps to."""
    book = reference("13_4")
    ours = attention.graph_attention(book["x"], weights_of(book), book["adjacency"], slope)
    layer = geometric.nn.GATConv(4, 4, heads=1, negative_slope=slope, bias=False).double()
    of_sender, of_receiver = jnp.split(book["phi"], 2)
    with torch.no_grad():
        for theirs, values in (
            (layer.lin.weight, jnp.eye(4)),
            (layer.att_src, of_sender),
            (layer.att_dst, of_receiver),
        ):
            theirs.copy_(torch.tensor(np.asarray(values)).reshape(theirs.shape))
        edges = torch.tensor(np.stack(to_edges(book["adjacency"])), dtype=torch.long)
        theirs = torch.relu(layer(torch.tensor(np.asarray(ours.mapped)), edges))
    agrees(ours.output, theirs.numpy(), kind="witness", quantity=f"torch_geometric.nn.GATConv, slope {slope}")
