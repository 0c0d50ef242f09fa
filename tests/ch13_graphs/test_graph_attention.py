import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch13_graphs import graph_attention as attention
from udl_jax.ch13_graphs.adjacency import from_edges
from udl_jax.ch13_graphs.graph_representation import FIGURE_13_4

RNG = np.random.default_rng(0)
GRAPH = np.asarray(from_edges([*FIGURE_13_4, (8, 9)], 11))  # in pieces; node 10 is alone


def draws(*shapes):
    return [RNG.normal(size=shape) for shape in shapes]


def weights(features=3, width=4):
    return attention.AttentionWeights(*draws((features, width), (width,), (2 * width,)))


def dot_weights(features=3, width=4):
    return attention.DotWeights(*draws(*3 * ((features, width), (width,))))


LAYERS = [
    (attention.graph_attention, weights),
    (lambda x, p, a: attention.graph_attention(x, p, a, 0.2), weights),
    (attention.dot_product_graph_attention, dot_weights),
]


@pytest.mark.parametrize(("layer", "params"), LAYERS)
def test_rows_sum_to_one_on_the_graph_and_are_zero_off_it(layer, params):
    with jax.enable_x64(True):
        found = layer(10 * RNG.normal(size=(11, 3)), params(), GRAPH)
        np.testing.assert_allclose(found.weights.sum(1), 1, rtol=1e-12)
        assert (np.asarray(found.weights)[(GRAPH + np.eye(11)) == 0] == 0).all()
        assert found.weights[10, 10] == 1


@pytest.mark.parametrize(("layer", "params"), LAYERS)
def test_renaming_nodes_renames_outputs(layer, params):
    with jax.enable_x64(True):
        drawn, x = params(), RNG.normal(size=(11, 3))
        layer = jax.jit(layer)
        whole = layer(x, drawn, GRAPH)
        for _ in range(20):
            p = RNG.permutation(11)
            renamed = layer(x[p], drawn, GRAPH[p][:, p])
            np.testing.assert_allclose(renamed.output, whole.output[p], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("layer", "params"), LAYERS)
def test_output_depends_on_neighbours_alone(layer, params):
    drawn = params()
    outputs = lambda x: attention_values(layer(x, drawn, GRAPH))  # noqa: E731
    slope = np.asarray(jax.jit(jax.jacobian(outputs))(RNG.normal(size=(11, 3)).astype(np.float32)))
    assert np.isfinite(slope).all()
    depends = np.abs(slope).sum((1, 3)) > 0
    np.testing.assert_array_equal(depends, (GRAPH + np.eye(11)) > 0)


def attention_values(found):
    """Compute outputs before any ReLU, which hides what lies below zero."""
    return found.weights @ found.mapped


def test_scores_that_would_overflow_and_gradients():
    x = np.float32([[100, 0], [0, 100], [-100, 100]])
    params = attention.AttentionWeights(
        np.eye(2, dtype=np.float32), np.zeros(2, np.float32), np.ones(4, np.float32) * 5
    )
    chain = from_edges([(0, 1)], 3)
    loss = lambda p: attention.graph_attention(x, p, chain).output.sum()  # noqa: E731
    value, slope = jax.value_and_grad(loss)(params)
    assert np.isfinite(value)
    assert all(np.isfinite(leaf).all() for leaf in slope)


def test_half_precision_keeps_zeros_off_the_graph():
    x, params = RNG.normal(size=(11, 3)).astype(np.float16), [w.astype(np.float16) for w in weights()]
    found = attention.graph_attention(x, attention.AttentionWeights(*params), GRAPH)
    assert found.output.dtype == np.float16
    assert np.isfinite(found.output).all()
    assert (np.asarray(found.weights)[(GRAPH + np.eye(11)) == 0] == 0).all()


def test_node_that_may_listen_to_none_gets_zeros_and_finite_gradients():
    scores, joined = jnp.ones((2, 2)), np.array([[False, False], [True, True]])
    np.testing.assert_array_equal(attention.softmax_on_graph(scores, joined), [[0, 0], [0.5, 0.5]])
    slope = jax.grad(lambda s: (attention.softmax_on_graph(s, joined) ** 2).sum())(scores)
    assert np.isfinite(slope).all()


def test_softmax_ignores_a_constant_and_scores_off_the_graph():
    with jax.enable_x64(True):
        scores = RNG.normal(size=(11, 11))
        joined = np.asarray(attention.with_loops(GRAPH))
        expected = attention.softmax_on_graph(scores, joined)
        moved = np.where(joined, scores + 700, 1e6)
        np.testing.assert_allclose(attention.softmax_on_graph(moved, joined), expected, rtol=1e-10)


@pytest.mark.parametrize("slope", [0.0, 0.2, 1.0])
def test_attention_is_static(slope):
    """All nodes rank all others alike, up to the ties that the ReLU makes."""
    everybody = np.ones((11, 11), int)
    with jax.enable_x64(True):
        found = attention.graph_attention(RNG.normal(size=(11, 3)), weights(), everybody, slope)
        ranks = np.argsort(np.asarray(found.scores).max(0))
        assert (np.diff(np.asarray(found.scores)[:, ranks], axis=1) >= -1e-12).all()


def test_dot_product_attention_is_not_static():
    with jax.enable_x64(True):
        found = attention.dot_product_graph_attention(
            RNG.normal(size=(11, 3)), dot_weights(), np.ones((11, 11), int)
        )
        assert len({tuple(row) for row in np.argsort(found.scores, axis=1).tolist()}) > 5


def test_dtypes_follow_the_nodes_and_weights():
    with jax.enable_x64(True):
        for dtype in (np.float32, np.float64):
            params = attention.AttentionWeights(*(w.astype(dtype) for w in weights()))
            found = attention.graph_attention(np.ones((11, 3), dtype), params, GRAPH)
            assert {leaf.dtype for leaf in found} == {np.dtype(dtype)}


def test_draws():
    drawn = attention.draw_attention_weights(jax.random.key(0), 3, 5)
    assert [w.shape for w in drawn] == [(3, 5), (5,), (10,)]


def test_bad_input_is_told():
    x = np.ones((11, 3))
    with pytest.raises(ValueError, match=r"adjacency must have the shape \(nodes, nodes\)"):
        attention.graph_attention(x, weights(), GRAPH[:5, :5])
    with pytest.raises(ValueError, match="omega must have 3 rows, as x has columns"):
        attention.graph_attention(x, weights(features=4), GRAPH)
    with pytest.raises(ValueError, match=r"phi must have the shape \(8,\), twice the width, got \(4,\)"):
        attention.graph_attention(x, weights()._replace(phi=np.ones(4)), GRAPH)
    with pytest.raises(ValueError, match="omega must have 3 rows"):
        attention.graph_attention(x, weights()._replace(beta=np.ones((4, 1))), GRAPH)
    params = dot_weights()._replace(omega_k=np.ones((3, 2)), beta_k=np.ones(2))
    with pytest.raises(ValueError, match="omega_k must have the shape of omega_q, got 2 and 4 columns"):
        attention.dot_product_graph_attention(x, params, GRAPH)
    with pytest.raises(ValueError, match=r"slope must be .*number, got nan"):
        attention.graph_attention(x, weights(), GRAPH, float("nan"))
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        attention.draw_attention_weights(jax.random.key(0), 3, 0)
