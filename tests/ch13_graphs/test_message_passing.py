import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch13_graphs import message_passing as passing
from udl_jax.ch13_graphs.adjacency import to_edges

RNG = np.random.default_rng(0)
KINDS = passing.AGGREGATIONS


def random_graph(nodes, share, features=3):
    links = np.triu(RNG.random((nodes, nodes)) < share, 1)
    return passing.Graph(RNG.normal(size=(nodes, features)), (links | links.T).astype(float))


@pytest.mark.parametrize("kind", KINDS)
def test_edges_and_matrices_agree_in_value_and_gradient(kind):
    with jax.enable_x64(True):
        h, links = random_graph(9, 0.3)
        links[3] = links[:, 3] = 0  # a node without neighbours

        @jax.jit
        def both(h):
            edges = to_edges(links, 40)  # some places stay empty
            dense = lambda h: (passing.aggregate(h, links, kind) ** 3).sum()  # noqa: E731
            sparse = lambda h: (passing.aggregate_edges(h, *edges, kind) ** 3).sum()  # noqa: E731
            arrays = passing.aggregate(h, links, kind), jax.grad(dense)(h)
            return arrays, (passing.aggregate_edges(h, *edges, kind), jax.grad(sparse)(h))

        for dense, sparse in zip(*both(h)):
            assert np.isfinite(sparse).all()
            np.testing.assert_allclose(sparse, dense, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_each_node_receives_what_its_neighbours_have(kind):
    with jax.enable_x64(True):
        h, links = random_graph(8, 0.4)
        degrees = links.sum(1)
        ours = passing.aggregate(h, links, kind)
        for node in range(8):
            others = np.flatnonzero(links[node])
            sent = h[others]
            if kind == "symmetric":
                sent = sent / np.sqrt(degrees[others] * degrees[node])[:, None]
            put_together = {"mean": np.mean, "max": np.max}.get(kind, np.sum)
            expected = put_together(sent, axis=0) if len(others) else np.zeros(3)
            np.testing.assert_allclose(ours[node], expected, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_directed_edges_agree_too(kind):
    with jax.enable_x64(True):
        h = RNG.normal(size=(7, 2))
        links = (RNG.random((7, 7)) < 0.3).astype(float)  # row n receives from column m
        receivers, senders = np.nonzero(links)
        ours = passing.aggregate_edges(h, senders, receivers, kind)
        np.testing.assert_allclose(ours, passing.aggregate(h, links, kind), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_renaming_nodes_renames_what_they_receive(kind):
    with jax.enable_x64(True):
        aggregate = jax.jit(lambda h, links: passing.aggregate(h, links, kind))
        for _ in range(20):
            h, links = random_graph(8, 0.3)
            p = RNG.permutation(8)
            renamed = aggregate(h[p], links[p][:, p])
            np.testing.assert_allclose(renamed, aggregate(h, links)[p], rtol=1e-12, atol=1e-12)


def test_empty_list_of_edges():
    none = np.zeros(0, int)
    for kind in KINDS:
        np.testing.assert_array_equal(passing.aggregate_edges(np.ones((3, 2)), none, none, kind), 0)


def test_batch_keeps_each_graph_and_adds_nothing():
    graphs = [random_graph(n, 0.4) for n in (3, 5, 4)]
    batch = passing.batch_graphs(graphs, size=6)
    assert batch.nodes.shape == (3, 6, 3)
    for k, (h, links) in enumerate(graphs):
        n = len(h)
        np.testing.assert_allclose(batch.nodes[k, :n], h, rtol=1e-6)
        np.testing.assert_array_equal(batch.adjacency[k, :n, :n], links)
        assert batch.adjacency[k].sum() == links.sum()
        assert not np.asarray(batch.nodes[k, n:]).any()
        np.testing.assert_array_equal(batch.is_node[k], np.arange(6) < n)


@pytest.mark.parametrize("kind", KINDS)
def test_union_is_the_graphs_one_by_one(kind):
    with jax.enable_x64(True):
        graphs = [random_graph(4, share) for share in (0.2, 0.5, 0.8)]
        union = passing.unite_graphs(graphs)
        ours = passing.aggregate_edges(union.nodes, *union.edges, kind)
        theirs = np.concatenate([passing.aggregate(*graph, kind) for graph in graphs])
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(union.graph_of, np.repeat(np.arange(3), 4))


def test_dtype_is_that_of_the_nodes():
    with jax.enable_x64(True):
        for dtype in (np.float32, np.float64):
            h, links = np.ones((3, 2), dtype), np.ones((3, 3), int)
            for kind in KINDS:
                assert passing.aggregate(h, links, kind).dtype == dtype
                assert passing.aggregate_edges(h, *to_edges(links), kind).dtype == dtype
            assert passing.batch_graphs([passing.Graph(h, links)]).adjacency.dtype == dtype


def test_bad_input_is_told():
    h, links = random_graph(4, 0.5)
    with pytest.raises(
        ValueError, match="kind must be one of 'sum', 'mean', 'symmetric', 'max', got 'median'"
    ):
        passing.aggregate(h, links, "median")
    with pytest.raises(ValueError, match=r"adjacency must have the shape \(nodes, nodes\)"):
        passing.aggregate(h, links[:3, :3])
    with pytest.raises(ValueError, match="receivers must be nodes 0 to 3, or 4 for no edge, got 5"):
        passing.aggregate_edges(h, np.array([0, 1]), np.array([1, 5]))
    with pytest.raises(ValueError, match="senders must be nodes 0 to 3, or 4 for no edge, got -1"):
        passing.aggregate_edges(h, np.array([0, -1]), np.array([1, 2]))
    with pytest.raises(ValueError, match="receivers must have the shape"):
        passing.aggregate_edges(h, np.array([0, 1]), np.array([1]))
    with pytest.raises(TypeError, match="senders must hold integers"):
        passing.aggregate_edges(h, np.array([0.0]), np.array([1]))


def test_graphs_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match="graphs must be at least one, got none"):
        passing.batch_graphs([])
    with pytest.raises(ValueError, match=r"graphs\[1\] must have rows of features and a square matrix"):
        passing.batch_graphs([random_graph(3, 0.5), passing.Graph(np.ones((3, 3)), np.ones((2, 2)))])
    with pytest.raises(ValueError, match=r"graphs\[1\] must have as many features as graphs\[0\], 3, got 2"):
        passing.unite_graphs([random_graph(3, 0.5), random_graph(3, 0.5, features=2)])
    with pytest.raises(ValueError, match="size must be at least the nodes of the largest graph, 5, got 4"):
        passing.batch_graphs([random_graph(5, 0.5)], size=4)


def test_everything_traces():
    h, links = random_graph(5, 0.5)
    batched = jax.jit(jax.vmap(lambda x: passing.aggregate(x, links, "max")))(jnp.stack([h, 2 * h]))
    np.testing.assert_allclose(batched[1], 2 * batched[0], rtol=1e-6)
