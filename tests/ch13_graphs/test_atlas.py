import networkx as nx
import numpy as np
import pytest

from udl_jax.ch13_graphs import atlas


def test_answers_are_those_of_the_graphs():
    graphs, answers = atlas.small_graphs()
    for k in range(0, 1249, 97):
        size = int(graphs.is_node[k].sum())
        graph = nx.from_numpy_array(np.asarray(graphs.adjacency[k, :size, :size]))
        expected = nx.is_connected(graph), any(nx.triangles(graph).values()), nx.is_bipartite(graph)
        assert answers[k].tolist() == [*map(int, expected)]
        np.testing.assert_allclose(graphs.nodes[k, :size, 1], [d / 6 for _, d in graph.degree], rtol=1e-6)


def test_graphs_have_three_to_seven_nodes():
    sizes = np.asarray(atlas.small_graphs().graphs.is_node.sum(1))
    assert np.bincount(sizes).tolist() == [0, 0, 0, 4, 11, 34, 156, 1044]


def test_third_closed_walks_tell_triangles():
    graphs, answers = atlas.small_graphs(closed_walks=4)
    assert graphs.nodes.shape[-1] == 4
    np.testing.assert_array_equal(np.asarray(graphs.nodes[..., 2]).sum(1) > 0, answers[:, 1] == 1)


def test_too_few_walks_are_told():
    with pytest.raises(ValueError, match="closed_walks must be at least 2, got 1"):
        atlas.small_graphs(1)
