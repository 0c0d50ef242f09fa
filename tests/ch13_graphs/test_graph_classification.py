import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from udl_jax import training
from udl_jax.ch13_graphs import graph_classification as gc
from udl_jax.ch13_graphs.adjacency import from_edges
from udl_jax.ch13_graphs.message_passing import Graph, batch_graphs

RNG = np.random.default_rng(0)
WEIGHTS = gc.draw_weights(jax.random.key(0), features=118, width=20, layers=3, scale=gc.he_scale(20))


def random_graph(nodes, share=0.4, features=3):
    links = np.triu(RNG.random((nodes, nodes)) < share, 1)
    return Graph(RNG.normal(size=(nodes, features)), (links | links.T).astype(float))


def test_molecules_are_what_chemistry_says():
    for molecule, atoms, degrees in ((gc.ETHANOL, "C2 H6 O1", 16), (gc.PROPANOL, "C3 H8 O1", 22)):
        counts = " ".join(f"{element}{molecule.atoms.count(element)}" for element in ("C", "H", "O"))
        assert counts == atoms
        graph = gc.encode_molecule(molecule)
        assert graph.adjacency.sum() == degrees
        valence = np.asarray(graph.adjacency.sum(1)).astype(int)
        assert all(valence[k] == {"H": 1, "C": 4, "O": 2}[atom] for k, atom in enumerate(molecule.atoms))
        assert nx.is_connected(nx.from_numpy_array(np.asarray(graph.adjacency)))


def test_elements_stand_at_their_numbers():
    assert len(gc.ELEMENTS) == len(set(gc.ELEMENTS)) == 118
    numbers = {
        "H": 1,
        "C": 6,
        "N": 7,
        "O": 8,
        "Na": 11,
        "Fe": 26,
        "Ag": 47,
        "Xe": 54,
        "Au": 79,
        "U": 92,
        "Og": 118,
    }
    for element, number in numbers.items():
        assert gc.ELEMENTS[number - 1] == element


def test_layer_is_the_books_equation_with_rows_for_columns():
    with jax.enable_x64(True):
        h, links = random_graph(6)
        omega, beta = RNG.normal(size=(3, 4)), RNG.normal(size=4)
        columns = np.maximum(beta[:, None] + omega.T @ h.T @ (links + np.eye(6)), 0)
        np.testing.assert_allclose(gc.layer(h, links, omega, beta), columns.T, rtol=1e-12)


def test_numbering_of_nodes_does_not_matter():
    with jax.enable_x64(True):
        nodes, links = gc.encode_molecule(gc.PROPANOL)
        weights = jax.tree.map(lambda w: w.astype("float64"), WEIGHTS)
        classify = jax.jit(gc.classify)
        whole = classify(weights, nodes, links)
        for _ in range(10):
            p = RNG.permutation(12)
            renamed = classify(weights, nodes[p], links[p][:, p])
            np.testing.assert_allclose(renamed.logit, whole.logit, rtol=1e-12)
            np.testing.assert_allclose(renamed.hidden, whole.hidden[:, p], rtol=1e-12)


def test_node_hears_from_as_far_as_there_are_layers():
    """A chain: what the first node has reaches the fourth in three layers, and no other beyond."""
    chain = from_edges([(k, k + 1) for k in range(5)], 6, dtype=np.float32)
    weights = gc.draw_weights(jax.random.key(1), features=2, width=50, layers=3, scale=gc.he_scale(50))
    nodes = jnp.ones((6, 2))
    slope = jax.jit(jax.jacobian(lambda x: gc.classify(weights, x, chain).hidden[-1].sum(1)))(nodes)
    reached = np.abs(slope).sum(-1) > 0
    np.testing.assert_array_equal(reached, np.abs(np.subtract.outer(range(6), range(6))) <= 3)


def test_draws_follow_sizes_key_and_scale():
    one, two = (gc.draw_weights(jax.random.key(k), 5, 40, 4) for k in (0, 1))
    assert [w.shape for w in one] == [(5, 40), (40,), (3, 40, 40), (3, 40), (40,), ()]
    assert not np.array_equal(one.omegas, two.omegas)
    np.testing.assert_allclose(one.omegas.std(), 2 / 40, rtol=0.05)
    np.testing.assert_allclose(one.omega_out.std(), 1, rtol=0.5)


@pytest.fixture(scope="module")
def batch():
    return [random_graph(n) for n in (2, 5, 3, 4)]


@pytest.mark.parametrize(("aggregation", "residual"), [("sum", False), ("max", True)])
def test_padding_never_leaks(batch, aggregation, residual):
    with jax.enable_x64(True):
        model = gc.GraphNetwork(questions=2, width=8, aggregation=aggregation, residual=residual)
        tight, wide = batch_graphs(batch), batch_graphs(batch, size=9)
        variables = training.initialise(model, jax.random.key(0), tight)
        scores = training.predict(model, variables, tight)
        np.testing.assert_allclose(training.predict(model, variables, wide), scores, rtol=1e-12)
        alone = training.predict(model, variables, batch_graphs(batch[1:2]))
        np.testing.assert_allclose(alone[0], scores[1], rtol=1e-12, atol=1e-14)
        rubbish = wide._replace(nodes=jnp.where(wide.is_node[..., None], wide.nodes, 1e3))
        np.testing.assert_allclose(training.predict(model, variables, rubbish), scores, rtol=1e-12)


def test_message_passing_cannot_tell_a_hexagon_from_two_triangles():
    hexagon = from_edges([(k, (k + 1) % 6) for k in range(6)], 6)
    triangles = from_edges([(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5)], 6)
    both = batch_graphs([Graph(np.ones((6, 1)), a) for a in (hexagon, triangles)])
    for aggregation in ("sum", "mean", "symmetric", "max"):
        model = gc.GraphNetwork(questions=3, aggregation=aggregation)
        scores = training.predict(model, training.initialise(model, jax.random.key(0), both), both)
        np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)


def test_bad_input_is_told():
    with pytest.raises(ValueError, match="atoms must be symbols of elements such as 'H' or 'He', got 'h'"):
        gc.encode_molecule(gc.Molecule(("C", "h"), ((0, 1),)))
    with pytest.raises(ValueError, match=r"edges must join nodes 0 to 1, got \(0, 2\)"):
        gc.encode_molecule(gc.Molecule(("C", "H"), ((0, 2),)))
    nodes, links = gc.encode_molecule(gc.ETHANOL)
    with pytest.raises(ValueError, match="adjacency must have the shape"):
        gc.classify(WEIGHTS, nodes, links[:8, :8])
    with pytest.raises(ValueError, match="omega must have the shape"):
        gc.classify(WEIGHTS, nodes[:, :100], links)
    with pytest.raises(ValueError, match="layers must be at least 1, got 0"):
        gc.draw_weights(jax.random.key(0), 5, 5, 0)
    with pytest.raises(ValueError, match="scale must not be negative"):
        gc.draw_weights(jax.random.key(0), 5, 5, 1, scale=-1.0)
    empty = batch_graphs([random_graph(3)])._replace(is_node=np.zeros((1, 3), bool))
    with pytest.raises(ValueError, match="is_node must be at least one in each graph"):
        gc.GraphNetwork().init(jax.random.key(0), empty)
    with pytest.raises(ValueError, match="aggregation must be one of"):
        gc.GraphNetwork(aggregation="median").init(jax.random.key(0), batch_graphs([random_graph(3)]))
