import jax
import numpy as np
import pytest

from udl_jax.ch13_graphs import block_model


def test_groups_are_joined_as_often_as_asked():
    graph = block_model.draw_block_graph(jax.random.key(0), (150, 150), within=0.2, between=0.03, noise=0.5)
    links, labels = np.asarray(graph.adjacency), np.asarray(graph.labels)
    np.testing.assert_array_equal(links, links.T)
    assert not links.diagonal().any()
    same = labels[:, None] == labels
    apart = ~np.eye(300, dtype=bool)
    np.testing.assert_allclose(links[same & apart].mean(), 0.2, atol=0.01)
    np.testing.assert_allclose(links[~same].mean(), 0.03, atol=0.005)
    np.testing.assert_allclose((graph.nodes - np.eye(2)[labels]).std(), 0.5, atol=0.05)
    np.testing.assert_array_equal(np.bincount(labels), [150, 150])


def test_certain_and_impossible_edges():
    uniforms = np.random.default_rng(0).random((6, 6))
    labels = np.array([0, 1, 0, 1, 0, 1])
    links = block_model.join_blocks(uniforms, labels, within=1.0, between=0.0)
    np.testing.assert_array_equal(links, (labels[:, None] == labels) & ~np.eye(6, dtype=bool))
    assert not np.asarray(block_model.join_blocks(uniforms, labels, 0.0, 0.0)).any()


def test_bad_input_is_told():
    with pytest.raises(ValueError, match=r"within must be a probability, got 1\.5"):
        block_model.draw_block_graph(jax.random.key(0), (3, 3), 1.5, 0.1, 1.0)
    with pytest.raises(ValueError, match=r"between must be a probability, got -0\.1"):
        block_model.draw_block_graph(jax.random.key(0), (3, 3), 0.5, -0.1, 1.0)
    with pytest.raises(ValueError, match="noise must not be negative"):
        block_model.draw_block_graph(jax.random.key(0), (3, 3), 0.5, 0.1, -1.0)
    with pytest.raises(ValueError, match="sizes"):
        block_model.draw_block_graph(jax.random.key(0), (), 0.5, 0.1, 1.0)
    with pytest.raises(ValueError, match=r"labels must have the shape \(nodes\)"):
        block_model.join_blocks(np.ones((3, 3)), np.zeros(2, int), 0.5, 0.5)
