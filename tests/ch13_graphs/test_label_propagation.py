import jax
import networkx as nx
import numpy as np
import pytest

from udl_jax.ch13_graphs import label_propagation as labels
from udl_jax.ch13_graphs.adjacency import from_edges

CLUB = nx.to_numpy_array(nx.karate_club_graph(), weight=None)
FACTION = np.array([int(side != "Mr. Hi") for _, side in nx.karate_club_graph().nodes(data="club")])
ENDS = np.array([0, 33])


def test_every_other_node_has_the_mean_of_its_neighbours():
    with jax.enable_x64(True):
        shares = np.asarray(labels.propagate_labels(CLUB, ENDS, FACTION))
    means = CLUB @ shares / CLUB.sum(1, keepdims=True)
    np.testing.assert_allclose(shares[1:33], means[1:33], rtol=1e-10)
    np.testing.assert_array_equal(shares[ENDS], np.eye(2))
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-10)


def test_hidden_labels_are_not_looked_at():
    other = np.where(np.isin(np.arange(34), ENDS), FACTION, 1 - FACTION)
    for function in (labels.propagate_labels, labels.nearest_label):
        np.testing.assert_array_equal(function(CLUB, ENDS, FACTION), function(CLUB, ENDS, other))


def test_a_walk_of_chance_meets_one_end_of_a_chain_first():
    """The gambler's ruin."""
    chain = np.eye(7, k=1) + np.eye(7, k=-1)
    shares = labels.propagate_labels(chain, np.array([0, 6]), np.array([0, 0, 0, 0, 0, 0, 1]))
    np.testing.assert_allclose(shares[:, 1], np.arange(7) / 6, atol=1e-6)


def test_nearest_label_and_ties():
    chain = np.eye(5, k=1) + np.eye(5, k=-1)
    there = np.array([0, 0, 0, 0, 1])
    np.testing.assert_array_equal(labels.nearest_label(chain, np.array([0, 4]), there), [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(labels.nearest_label(chain, np.array([4, 0]), there), [0, 0, 1, 1, 1])


def test_spectrum_splits_two_cliques_and_does_not_mind_names():
    links = from_edges(
        [
            *((i, j) for i in range(4) for j in range(i)),
            *((i, j) for i in range(4, 9) for j in range(4, i)),
            (0, 5),
        ],
        9,
    )
    part = np.asarray(labels.split_by_spectrum(links))
    np.testing.assert_array_equal(part, np.arange(9) >= 4)
    p = np.random.default_rng(0).permutation(9)
    renamed = np.asarray(labels.split_by_spectrum(np.asarray(links)[p][:, p]))
    np.testing.assert_array_equal(renamed ^ renamed[0], part[p] ^ part[p[0]])


def test_everything_traces():
    for function in (labels.propagate_labels, labels.nearest_label):
        found = jax.jit(lambda a, f=function: f(a, ENDS, FACTION))(CLUB)
        np.testing.assert_allclose(found, function(CLUB, ENDS, FACTION), atol=1e-6)
        found = jax.jit(lambda y, f=function: f(CLUB, ENDS, y))(FACTION)
        np.testing.assert_allclose(found, function(CLUB, ENDS, FACTION), atol=1e-6)


@pytest.mark.parametrize("function", [labels.propagate_labels, labels.nearest_label])
def test_bad_input_is_told(function):
    with pytest.raises(ValueError, match="labelled must be nodes 0 to 33, got 34"):
        function(CLUB, np.array([0, 34]), FACTION)
    with pytest.raises(ValueError, match=r"labelled must name each node once, got \[3, 3\]"):
        function(CLUB, np.array([3, 3]), FACTION)
    with pytest.raises(ValueError, match="labelled must"):
        function(CLUB, np.zeros(0, int), FACTION)
    with pytest.raises(ValueError, match=r"labels must have the shape \(nodes\)"):
        function(CLUB, ENDS, FACTION[:5])


def test_nodes_out_of_reach_and_one_way_edges_are_told():
    pieces = from_edges([(0, 1), (2, 3)], 4)
    with pytest.raises(
        ValueError, match="labelled must be within reach of every node, but no walk leads from node 2 to any"
    ):
        labels.propagate_labels(pieces, np.array([0]), np.zeros(4, int))
    with pytest.raises(ValueError, match="adjacency must be symmetric"):
        labels.propagate_labels(np.eye(4, k=1), np.array([0]), np.zeros(4, int))
    with pytest.raises(ValueError, match="adjacency must be symmetric"):
        labels.split_by_spectrum(np.eye(4, k=1))
