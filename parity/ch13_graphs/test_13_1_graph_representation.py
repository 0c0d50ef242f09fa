"""Notebook 13.1: graph representation."""

import jax
import numpy as np

from udl_jax.ch13_graphs import graph_representation as graphs
from udl_jax.ch13_graphs.adjacency import from_edges


def test_adjacency(reference, agrees):
    ours = from_edges(graphs.FIGURE_13_4, 8)
    agrees(ours, reference("13_1")["adjacency"], kind="value", quantity="adjacency matrix of figure 13.4")


def test_walks(reference, agrees):
    book = reference("13_1")
    ours = np.stack([graphs.walk_counts(book["adjacency"], length) for length in range(9)])
    agrees(ours, book["walks"], kind="value", quantity="walks of length 0 to 8 between all nodes")
    agrees(ours[3, 3, 7], book["walks_3_7"], kind="value", quantity="walks of length 3 from node 3 to 7")


def test_distance(reference, agrees):
    book = reference("13_1")
    ours = graphs.distances(book["adjacency"])[0, 6]
    agrees(ours, book["distance_0_6"], kind="value", quantity="shortest distance from node 0 to 6")


def test_walks_from_a_node(reference, agrees):
    book = reference("13_1")
    ours = graphs.walks_from(book["adjacency"], book["start"][:, 0], 6)
    agrees(ours, book["spread"], kind="value", quantity="walks of length 0 to 6 from node 0")
    agrees(ours[3], book["spread_3"], kind="value", quantity="walks of length 3 from node 0")


def test_elsewhere(reference, agrees):
    taken = reference("13_1").under("elsewhere")
    for k, length in enumerate((1, 4, 7)):
        ours = jax.vmap(lambda a, length=length: graphs.walk_counts(a, length))(taken["adjacency"])
        agrees(
            ours, taken["walks"][:, k], kind="value", quantity=f"walks of length {length}, 30 other graphs"
        )
    ours = jax.vmap(graphs.distances)(taken["adjacency"])
    agrees(ours, taken["distances"], kind="value", quantity="all distances, 30 other graphs")
    ours = jax.vmap(graphs.permute, (0, None))(taken["adjacency"], taken["order"])
    agrees(ours, taken["renamed"], kind="value", quantity="30 other graphs with their nodes renamed")
