import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from udl_jax.ch13_graphs import graph_representation as graphs
from udl_jax.ch13_graphs.adjacency import from_edges

GRAPH = from_edges(graphs.FIGURE_13_4, 8)
RNG = np.random.default_rng(0)


def random_graph(nodes, share):
    links = np.triu(RNG.random((nodes, nodes)) < share, 1)
    return (links | links.T).astype(np.int32)


def walks_by_hand(adjacency, start, length):
    """List all walks of a length, one step at a time."""
    walks = [(start,)]
    for _ in range(length):
        walks = [(*walk, int(n)) for walk in walks for n in np.flatnonzero(adjacency[walk[-1]])]
    return walks


def test_counts_are_those_of_listed_walks():
    adjacency = random_graph(6, 0.5)
    for length in range(5):
        counts = np.zeros((6, 6), int)
        for start in range(6):
            for walk in walks_by_hand(adjacency, start, length):
                counts[start, walk[-1]] += 1
        np.testing.assert_array_equal(graphs.walk_counts(adjacency, length), counts)


def test_walks_compose():
    ours = graphs.walk_counts(GRAPH, 7)
    np.testing.assert_array_equal(ours, graphs.walk_counts(GRAPH, 3) @ graphs.walk_counts(GRAPH, 4))


def test_walks_from_a_node_are_a_row_of_all_counts():
    for start in range(8):
        ours = graphs.walks_from(GRAPH, np.eye(8, dtype=int)[start], 5)
        theirs = [graphs.walk_counts(GRAPH, length)[start] for length in range(6)]
        np.testing.assert_array_equal(ours, theirs)


def test_directed_walks_follow_arrows():
    arrows = from_edges([(0, 1), (1, 2)], 3, directed=True)
    np.testing.assert_array_equal(graphs.walk_counts(arrows, 2), [[0, 0, 1], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(graphs.distances(arrows), [[0, 1, 2], [-1, 0, 1], [-1, -1, 0]])


def test_closed_walks_are_sums_of_powers_of_eigenvalues():
    eigenvalues = np.linalg.eigvalsh(np.asarray(GRAPH, float))
    for length in range(8):
        expected = round(float((eigenvalues**length).sum()))
        assert np.trace(graphs.walk_counts(GRAPH, length)) == expected


def test_triangles_are_a_sixth_of_the_trace():
    for share in (0.1, 0.3, 0.6):
        adjacency = random_graph(12, share)
        triangles = sum(nx.triangles(nx.from_numpy_array(adjacency)).values()) // 3
        assert np.trace(graphs.walk_counts(adjacency, 3)) == 6 * triangles


@pytest.mark.parametrize("share", [0.0, 0.05, 0.1, 0.2, 0.5])
def test_distances_are_networkxs_also_of_graphs_in_pieces(share):
    distances = jax.jit(jax.vmap(graphs.distances))
    many = np.stack([random_graph(15, share) for _ in range(40)])
    for adjacency, ours in zip(many, distances(many)):
        expected = np.full((15, 15), graphs.UNREACHABLE)
        for start, lengths in nx.all_pairs_shortest_path_length(nx.from_numpy_array(adjacency)):
            expected[start, list(lengths)] = list(lengths.values())
        np.testing.assert_array_equal(ours, expected)


def test_distance_is_the_first_length_with_a_walk():
    distances = graphs.distances(GRAPH)
    counts = np.stack([graphs.walk_counts(GRAPH, length) for length in range(8)])
    np.testing.assert_array_equal(distances, (counts > 0).argmax(axis=0))


def test_long_chains_do_not_overflow():
    chain = from_edges([(n, n + 1) for n in range(199)], 200)
    assert graphs.distances(chain).max() == 199


def test_distances_count_edges_whatever_their_weight():
    weights = np.array([[0.0, 0.5, 0.0], [0.5, 0.0, -2.0], [0.0, -2.0, 0.0]], np.float32)
    np.testing.assert_array_equal(graphs.distances(weights), [[0, 1, 2], [1, 0, 1], [2, 1, 0]])


def test_renaming_nodes_renames_rows_and_columns():
    order = RNG.permutation(8)
    renamed = graphs.permute(GRAPH, order)
    P = np.eye(8, dtype=int)[:, order]
    np.testing.assert_array_equal(renamed, P.T @ np.asarray(GRAPH) @ P)
    np.testing.assert_array_equal(graphs.permute(renamed, np.argsort(order)), GRAPH)
    for function in (graphs.distances, lambda a: graphs.walk_counts(a, 4)):
        np.testing.assert_array_equal(function(renamed), np.asarray(function(GRAPH))[order][:, order])


def test_counts_that_would_not_fit_are_told():
    longest = graphs.longest_exact_walk(GRAPH, np.int32)
    exact = np.linalg.matrix_power(np.asarray(GRAPH, object), longest)
    np.testing.assert_array_equal(graphs.walk_counts(GRAPH, longest), exact.astype(np.int64))
    with pytest.raises(
        ValueError, match=rf"length must be smaller for counts of type int32, got {longest + 1}"
    ):
        graphs.walk_counts(GRAPH, longest + 1)
    with pytest.raises(ValueError, match="length must be smaller for counts of type int32, got 40"):
        graphs.walks_from(GRAPH, np.eye(8, dtype=int)[0], 40)
    with pytest.raises(ValueError, match="length must be smaller for counts of type float32, got 400"):
        graphs.walk_counts(GRAPH.astype(jnp.float32), 400)


def test_floats_are_exact_as_far_as_is_said():
    longest = graphs.longest_exact_walk(GRAPH, np.float32)
    for length, exact in ((longest, True), (longest + 1, False)):
        ours = np.asarray(graphs.walk_counts(GRAPH.astype(jnp.float32), length), np.float64)
        powers = np.linalg.matrix_power(np.asarray(GRAPH, object), length).astype(np.float64)
        assert (ours == powers).all() == exact


def test_graphs_whose_counts_never_grow():
    assert graphs.longest_exact_walk(np.array([[0, 1], [1, 0]]), most=50) == 50
    np.testing.assert_array_equal(graphs.walk_counts(np.array([[0, 1], [1, 0]]), 999), [[0, 1], [1, 0]])


def test_dtypes_are_kept_and_jit_gives_the_same():
    with jax.enable_x64(True):
        for dtype in (np.int32, np.int64, np.float32, np.float64):
            adjacency = np.asarray(GRAPH, dtype)
            assert graphs.walk_counts(adjacency, 3).dtype == dtype
            assert graphs.walks_from(adjacency, adjacency[0], 3).dtype == dtype
    counts = jax.jit(graphs.walk_counts, static_argnums=1)(GRAPH, 6)
    np.testing.assert_array_equal(counts, graphs.walk_counts(GRAPH, 6))


def test_weighted_walks_have_gradients():
    weights = GRAPH.astype(jnp.float32) / 3
    slope = jax.grad(lambda a: graphs.walk_counts(a, 3)[3, 7])(weights)
    assert np.isfinite(slope).all()
    assert np.abs(slope).max() > 0


@pytest.mark.parametrize("function", [graphs.distances, lambda a: graphs.walk_counts(a, 2)])
@pytest.mark.parametrize("shape", [(2, 3), (4,), (2, 2, 2), (0, 0)])
def test_matrix_that_is_not_square_is_told(function, shape):
    with pytest.raises(ValueError, match=r"adjacency must .* got .*\("):
        function(np.ones(shape))


def test_bad_input_is_told():
    with pytest.raises(ValueError, match="length must not be negative, got -1"):
        graphs.walk_counts(GRAPH, -1)
    with pytest.raises(TypeError, match=r"length must be .*integer"):
        graphs.walk_counts(GRAPH, 2.5)
    with pytest.raises(ValueError, match=r"start must have the shape \(nodes\)"):
        graphs.walks_from(GRAPH, np.ones(7), 2)
    with pytest.raises(ValueError, match=r"start must have the shape \(nodes\)"):
        graphs.walks_from(GRAPH, np.ones((8, 1)), 2)
    with pytest.raises(ValueError, match="order must be a permutation of 0 to 7"):
        graphs.permute(GRAPH, np.array([0, 1, 2, 3, 4, 5, 6, 6]))
    with pytest.raises(TypeError, match=r"longest_exact_walk cannot run under jit"):
        jax.jit(graphs.longest_exact_walk)(GRAPH)
