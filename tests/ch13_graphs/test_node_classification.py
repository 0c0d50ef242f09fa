import jax
import numpy as np
import optax
import pytest

from udl_jax.ch13_graphs import node_classification as nodes

CLUB = nodes.karate_club()
A, X = np.asarray(CLUB.adjacency), np.eye(34, dtype=np.float32)
ENDS = np.array([0, 33])
OPTIMISER = optax.chain(optax.add_decayed_weights(5e-4), optax.adam(0.01))


def trained(model, labelled, labels, number, every=0, steps=200):
    recipe = nodes.node_recipe(model, X, A, OPTIMISER, every)
    start = nodes.draw_networks(jax.random.key(0), model, X, A, number)
    variables, history = nodes.train_nodes(recipe, start, labelled, labels, steps)
    scores = jax.jit(jax.vmap(lambda v: model.apply(v, X, A)))(variables)
    return np.asarray(scores).argmax(-1), history


def test_club():
    np.testing.assert_array_equal(A, A.T)
    assert not A.diagonal().any()
    assert A.sum() == 2 * 78
    np.testing.assert_array_equal(np.asarray(CLUB.faction)[ENDS], [0, 1])
    assert np.bincount(CLUB.community).tolist() == [13, 12, 4, 5]


@pytest.mark.parametrize(("model", "least"), [(nodes.GCN(), 32), (nodes.GAT(), 31)], ids=["GCN", "GAT"])
def test_two_labels_are_enough_for_the_club(model, least):
    found, _ = trained(model, ENDS, CLUB.faction, number=50)
    right = (found == np.asarray(CLUB.faction)).sum(1)
    assert np.median(right) >= least
    assert (found[:, ENDS] == [0, 1]).all()


def test_training_sees_the_labels_of_labelled_nodes_only():
    faction = np.asarray(CLUB.faction)
    other = np.where(np.isin(np.arange(34), ENDS), faction, 1 - faction)
    with_truth, history = trained(nodes.GCN(), ENDS, faction, number=2, every=20, steps=40)
    with_lies, reversed_history = trained(nodes.GCN(), ENDS, other, number=2, every=20, steps=40)
    np.testing.assert_array_equal(with_truth, with_lies)
    np.testing.assert_allclose(history.test.error, 100 - reversed_history.test.error, rtol=1e-5)
    assert history.train.loss.shape == (2, 2)
    assert (history.train.loss[:, -1] < history.train.loss[:, 0]).all()


@pytest.mark.parametrize("model", [nodes.GCN(hidden=4, layers=3), nodes.GAT(features=3, heads=2)])
def test_renaming_nodes_renames_scores(model):
    with jax.enable_x64(True):
        x = np.random.default_rng(0).normal(size=(34, 3))
        variables = jax.jit(model.init)(jax.random.key(0), x, A)
        variables = jax.tree.map(lambda leaf: leaf.astype("float64"), variables)
        apply = jax.jit(model.apply)
        p = np.random.default_rng(1).permutation(34)
        scores = apply(variables, x, A)
        np.testing.assert_allclose(apply(variables, x[p], A[p][:, p]), scores[p], rtol=1e-12, atol=1e-12)


def test_attention_of_a_trained_network_stays_on_the_graph():
    model = nodes.GAT()
    variables = jax.jit(model.init)(jax.random.key(0), X, A)
    weights = np.asarray(model.apply(variables, X, A, method=model.attention))
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    assert (weights[:, (A + np.eye(34)) == 0] == 0).all()


def test_bad_input_is_told():
    recipe = nodes.node_recipe(nodes.GCN(), X, A, OPTIMISER)
    start = nodes.draw_networks(jax.random.key(0), nodes.GCN(), X, A, 1)
    for labelled, told in (
        (np.array([0, 34]), "labelled must be nodes 0 to 33, got 34"),
        (np.array([0, 0]), "labelled must name each node once"),
        (np.array([], int), "labelled must name at least one node"),
        (np.arange(34), "labelled must leave nodes to test on, got all 34"),
    ):
        with pytest.raises(ValueError, match=told):
            nodes.train_nodes(recipe, start, labelled, CLUB.faction, 3)
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        nodes.train_nodes(recipe, start, ENDS, CLUB.faction, 0)
    with pytest.raises(ValueError, match="number must be at least 1, got 0"):
        nodes.draw_networks(jax.random.key(0), nodes.GCN(), X, A, 0)
    with pytest.raises(ValueError, match="labels must be classes 0 to 1, got 5"):
        nodes.train_nodes(recipe, start, ENDS, CLUB.faction + 5, 3)
