import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from udl_jax.ch13_graphs import adjacency as graphs

TRIANGLE_AND_TAIL = graphs.from_edges([(0, 1), (1, 2), (0, 2), (2, 3)], 5)


def test_edges_and_matrix_are_made_of_each_other():
    senders, receivers = graphs.to_edges(TRIANGLE_AND_TAIL)
    assert len(senders) == 8
    again = graphs.from_edges(np.stack([senders, receivers], axis=1), 5, directed=True)
    np.testing.assert_array_equal(again, TRIANGLE_AND_TAIL)


def test_edge_given_twice_or_both_ways_is_one_edge():
    twice = graphs.from_edges([(0, 1), (1, 0), (0, 1)], 2)
    np.testing.assert_array_equal(twice, [[0, 1], [1, 0]])


def test_directed_edges_lead_from_row_to_column():
    np.testing.assert_array_equal(graphs.from_edges([(0, 1)], 2, directed=True), [[0, 1], [0, 0]])


def test_graph_without_edges():
    np.testing.assert_array_equal(graphs.from_edges([], 3), np.zeros((3, 3)))
    assert graphs.to_edges(np.zeros((3, 3), int)).senders.shape == (0,)


def test_edges_of_a_fixed_number_under_jit():
    listed = jax.jit(graphs.to_edges, static_argnums=1)(TRIANGLE_AND_TAIL, 10)
    np.testing.assert_array_equal(listed.senders[:8], graphs.to_edges(TRIANGLE_AND_TAIL).senders)
    np.testing.assert_array_equal(np.stack(listed)[:, 8:], 5)


@pytest.mark.parametrize("kind", ["symmetric", "mean"])
def test_normalised_weights_are_those_of_the_degrees(kind):
    ours = graphs.normalise(TRIANGLE_AND_TAIL, kind)
    degrees = np.asarray(TRIANGLE_AND_TAIL).sum(1)
    for m in range(5):
        for n in range(5):
            per = degrees[m] if kind == "mean" else np.sqrt(degrees[m] * degrees[n])
            expected = TRIANGLE_AND_TAIL[m, n] / per if per else 0
            np.testing.assert_allclose(ours[m, n], expected, rtol=1e-6)


def test_means_sum_to_one_and_eigenvalues_stay_within_one():
    links = nx.to_numpy_array(nx.karate_club_graph(), weight=None)
    np.testing.assert_allclose(graphs.normalise(links, "mean").sum(1), 1, rtol=1e-6)
    eigenvalues = np.linalg.eigvalsh(graphs.normalise(links, "symmetric"))
    np.testing.assert_allclose(eigenvalues.max(), 1, rtol=1e-5)
    assert eigenvalues.min() > -1


@pytest.mark.parametrize("kind", ["symmetric", "mean"])
def test_node_without_neighbours_has_zeros_and_finite_gradients(kind):
    links = TRIANGLE_AND_TAIL.astype(jnp.float32)
    np.testing.assert_array_equal(graphs.normalise(links, kind)[4], 0)
    slope = jax.grad(lambda a: graphs.normalise(a, kind).sum())(links)
    assert np.isfinite(slope).all()


def test_dtype_follows_the_matrix():
    with jax.enable_x64(True):
        for dtype in (np.float32, np.float64):
            assert graphs.normalise(np.asarray(TRIANGLE_AND_TAIL, dtype)).dtype == dtype


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        ([(0, 3)], r"edges must join nodes 0 to 2, got \(0, 3\)"),
        ([(0, 1), (-1, 2)], r"edges must join nodes 0 to 2, got \(-1, 2\)"),
        ([(0, 1, 2)], r"edges must be pairs of nodes, got the shape \(1, 3\)"),
        ([0, 1], r"edges must be pairs of nodes, got the shape \(2,\)"),
    ],
)
def test_edges_to_nowhere_are_told(edges, told):
    with pytest.raises(ValueError, match=told):
        graphs.from_edges(edges, 3)


def test_other_bad_input_is_told():
    with pytest.raises(TypeError, match="edges must be pairs of integers, got float64"):
        graphs.from_edges([(0.0, 1.0)], 2)
    with pytest.raises(ValueError, match="nodes must be at least 1, got 0"):
        graphs.from_edges([], 0)
    with pytest.raises(ValueError, match="size must be at least the number of edges, 8, got 7"):
        graphs.to_edges(TRIANGLE_AND_TAIL, 7)
    with pytest.raises(TypeError, match="to_edges without a size cannot run under jit"):
        jax.jit(graphs.to_edges)(TRIANGLE_AND_TAIL)
    with pytest.raises(ValueError, match="kind must be one of 'symmetric', 'mean', got 'row'"):
        graphs.normalise(TRIANGLE_AND_TAIL, "row")
    with pytest.raises(ValueError, match=r"adjacency must be symmetric, but entries \(0, 1\) and \(1, 0\)"):
        graphs.normalise(np.array([[0, 1], [0, 0]]))
    with pytest.raises(ValueError, match=r"adjacency must be free of negative entries, got -1"):
        graphs.normalise(np.array([[0, -1], [-1, 0]]))
    with pytest.raises(ValueError, match=r"adjacency must be finite, got nan"):
        graphs.normalise(np.full((2, 2), np.nan))
