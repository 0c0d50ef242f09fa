import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax.ch13_graphs import block_model, sampled_training

GRAPH = block_model.draw_block_graph(jax.random.key(0), (15, 15), within=0.4, between=0.05, noise=1.0)
TABLE = sampled_training.list_neighbours(GRAPH.adjacency)
PLACES = TABLE.neighbours.shape[1]
MODEL = sampled_training.SampledNetwork(classes=2, width=8)


@pytest.fixture(scope="module")
def variables():
    return jax.jit(MODEL.init)(jax.random.key(1), GRAPH.nodes, GRAPH.adjacency)


def test_table_lists_each_neighbour_once():
    for node in range(30):
        found = np.asarray(TABLE.neighbours[node])[np.asarray(TABLE.is_neighbour[node])]
        np.testing.assert_array_equal(np.sort(found), np.flatnonzero(GRAPH.adjacency[node]))
    assert int(GRAPH.adjacency.sum(1).max()) == PLACES


def test_tree_with_room_for_all_gives_the_whole_graphs_scores(variables):
    tree = sampled_training.draw_tree(jax.random.key(2), TABLE, jnp.arange(30), PLACES)
    ours = MODEL.apply(variables, GRAPH.nodes, tree, method=MODEL.on_tree)
    np.testing.assert_allclose(ours, MODEL.apply(variables, GRAPH.nodes, GRAPH.adjacency), atol=1e-5)


def test_tree_holds_neighbours_of_neighbours():
    tree = sampled_training.draw_tree(jax.random.key(3), TABLE, jnp.array([4, 20]), 3)
    links = np.asarray(GRAPH.adjacency)
    for root, children, is_child, below, is_below in zip(*map(np.asarray, tree)):
        assert links[root, children[is_child]].all()
        assert is_child.sum() == min(3, links[root].sum())
        for child, there, grandchildren, is_there in zip(children, is_child, below, is_below):
            assert links[child, grandchildren[is_there]].all()
            assert is_there.sum() == (min(3, links[child].sum()) if there else 0)
    touched = np.flatnonzero(sampled_training.nodes_of(tree, 30))
    assert {4, 20} <= set(touched.tolist())
    assert len(touched) <= 2 * (1 + 3 + 9)


def test_node_without_neighbours_is_scored_by_itself(variables):
    alone = sampled_training.list_neighbours(np.zeros((30, 30)))
    tree = sampled_training.draw_tree(jax.random.key(0), alone, jnp.arange(30), 1)
    ours = MODEL.apply(variables, GRAPH.nodes, tree, method=MODEL.on_tree)
    theirs = MODEL.apply(variables, GRAPH.nodes, jnp.zeros((30, 30)))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert sampled_training.nodes_of(tree, 30).sum() == 30


def test_training_on_samples_lowers_the_loss(variables):
    objective = sampled_training.sampled_objective(GRAPH.nodes, TABLE, 2)
    recipe = training.Recipe(
        MODEL, optax.adam(0.02), objective=objective, evaluation=training.Evaluation(every=0)
    )
    order = np.stack([np.random.default_rng(e).permutation(30).reshape(3, 10) for e in range(15)])
    keys = jax.random.split(jax.random.key(4), order.shape[:2])
    examples = training.Examples(jnp.arange(30), GRAPH.labels)
    _, history = training.train(recipe, training.start(recipe, variables), examples, None, order, keys)
    assert history.train.loss[-3:].mean() < 0.7 * history.train.loss[0]


def test_bad_input_is_told():
    with pytest.raises(
        ValueError, match=f"n must be at most the largest number of neighbours, {PLACES}, got {PLACES + 1}"
    ):
        sampled_training.draw_tree(jax.random.key(0), TABLE, jnp.arange(2), PLACES + 1)
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        sampled_training.draw_tree(jax.random.key(0), TABLE, jnp.arange(2), 0)
    with pytest.raises(TypeError, match="list_neighbours cannot run under jit"):
        jax.jit(sampled_training.list_neighbours)(GRAPH.adjacency)
