import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch13_graphs import graph_layers as layers
from udl_jax.ch13_graphs.adjacency import normalise, to_edges

RNG = np.random.default_rng(0)
MAKERS = [
    functools.partial(layers.GraphConvolution, 4),
    functools.partial(layers.GraphAttention, 4, heads=3),
    functools.partial(layers.GraphAttention, 4, heads=2, concatenate=False, dynamic=True),
]


def random_graph(nodes=9, share=0.3):
    links = np.triu(RNG.random((nodes, nodes)) < share, 1)
    links[2] = links[:, 2] = False
    return RNG.normal(size=(nodes, 5)), (links | links.T).astype(float)


def started(model, h, links, seed=0):
    """Draw variables, biases too, in double precision."""
    variables = jax.jit(model.init)(jax.random.key(seed), h, links)
    return jax.tree.map(lambda leaf: jnp.asarray(RNG.normal(size=leaf.shape)), variables)


@pytest.mark.parametrize("make", MAKERS)
def test_edges_and_matrices_agree_in_value_and_gradient(make):
    with jax.enable_x64(True):
        model, (h, links) = make(), random_graph()
        variables = started(model, h, links)

        @jax.jit
        def both(variables, h):
            edges = to_edges(links, 45)  # some places stay empty
            dense = lambda v, h: (model.apply(v, h, links) ** 3).sum()  # noqa: E731
            sparse = lambda v, h: (model.apply(v, h, *edges, method=model.on_edges) ** 3).sum()  # noqa: E731
            slopes = (jax.grad(f, (0, 1))(variables, h) for f in (dense, sparse))
            outputs = (
                model.apply(variables, h, links),
                model.apply(variables, h, *edges, method=model.on_edges),
            )
            return outputs, tuple(slopes)

        for dense, sparse in both(variables, h):
            for ours, theirs in zip(jax.tree.leaves(dense), jax.tree.leaves(sparse), strict=True):
                assert np.isfinite(ours).all()
                np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("make", MAKERS)
def test_renaming_nodes_renames_outputs_and_loops_change_nothing(make):
    with jax.enable_x64(True):
        model, (h, links) = make(), random_graph()
        variables = started(model, h, links)
        apply = jax.jit(model.apply)
        whole = apply(variables, h, links)
        for _ in range(5):
            p = RNG.permutation(9)
            renamed = apply(variables, h[p], links[p][:, p])
            np.testing.assert_allclose(renamed, whole[p], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(apply(variables, h, links + np.eye(9)), whole, rtol=1e-12)


def test_convolution_is_the_formula():
    with jax.enable_x64(True):
        model, (h, links) = layers.GraphConvolution(4), random_graph()
        variables = started(model, h, links)
        omega, beta = variables["params"]["map"]["kernel"], variables["params"]["bias"]
        expected = normalise(links + np.eye(9)) @ h @ omega + beta
        np.testing.assert_allclose(model.apply(variables, h, links), expected, rtol=1e-12)


def test_attention_sums_to_one_and_is_zero_off_the_graph():
    with jax.enable_x64(True):
        for dynamic in (False, True):
            model, (h, links) = layers.GraphAttention(4, heads=3, dynamic=dynamic), random_graph()
            found = np.asarray(model.apply(started(model, h, links), h, links, method=model.attention))
            assert found.shape == (3, 9, 9)
            np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-12)
            assert (found[:, (links + np.eye(9)) == 0] == 0).all()


def test_only_dynamic_attention_ranks_differently_for_different_nodes():
    h, everybody = RNG.normal(size=(12, 5)), np.ones((12, 12))
    numbers = []
    with jax.enable_x64(True):
        for dynamic in (False, True):
            model = layers.GraphAttention(8, dynamic=dynamic)
            found = model.apply(started(model, h, everybody), h, everybody, method=model.attention)[0]
            numbers.append(len({tuple(row) for row in np.argsort(found, axis=1).tolist()}))
    assert numbers[0] == 1
    assert numbers[1] > 1


def test_heads_stand_side_by_side_or_are_averaged():
    with jax.enable_x64(True):
        h, links = random_graph()
        apart, together = (
            layers.GraphAttention(4, heads=2),
            layers.GraphAttention(4, heads=2, concatenate=False),
        )
        params = started(apart, h, links)["params"] | {"bias": jnp.zeros(8)}
        side_by_side = apart.apply({"params": params}, h, links)
        mean = together.apply({"params": params | {"bias": jnp.zeros(4)}}, h, links)
        np.testing.assert_allclose(mean, side_by_side.reshape(9, 2, 4).mean(1), rtol=1e-12)


def test_softmax_on_edges_of_nodes_without_edges():
    scores = jnp.array([1e4, 1e4, 3.0, 0.0])
    weights = layers.softmax_on_edges(scores, np.array([1, 1, 3, 4]), 4)
    np.testing.assert_allclose(weights, [0.5, 0.5, 1.0, 0.0])
    slope = jax.grad(lambda s: (layers.softmax_on_edges(s, np.array([1, 1, 3, 4]), 4) ** 2).sum())(scores)
    assert np.isfinite(slope).all()


def test_bad_input_is_told():
    h, links = random_graph()
    with pytest.raises(ValueError, match="receivers must be nodes 0 to 8, or 9 for no edge, got 12"):
        layers.edges_with_loops(np.array([0]), np.array([12]), 9)
    with pytest.raises(ValueError, match="heads must be at least 1, got 0"):
        layers.GraphAttention(4, heads=0).init(jax.random.key(0), h, links)
    with pytest.raises(ValueError, match="features must be at least 1, got 0"):
        layers.GraphConvolution(0).init(jax.random.key(0), h, links)
    with pytest.raises(ValueError, match="receivers must have the shape"):
        layers.softmax_on_edges(np.ones(3), np.array([0, 1]), 2)
