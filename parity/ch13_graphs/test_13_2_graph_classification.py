"""Notebook 13.2: graph classification."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch13_graphs import graph_classification as graphs
from udl_jax.ch13_graphs.adjacency import to_edges
from udl_jax.ch13_graphs.graph_representation import permute
from udl_jax.ch13_graphs.message_passing import aggregate_edges


@pytest.fixture(scope="module")
def weights():
    """Draw the notebook's weights again, in its order: NumPy keeps this old generator as it was."""
    draw, scale = np.random.RandomState(1).normal, 2.0 / 200
    columns = []
    for inputs in (118, 200, 200):
        columns += [scale * draw(size=(200, inputs)), scale * draw(size=(200, 1))]
    columns += [draw(size=(1, 200)), draw(size=(1, 1))]
    return columns


@pytest.fixture(scope="module")
def params(weights):
    """Turn the notebook's columns into our rows."""
    omega_0, beta_0, omega_1, beta_1, omega_2, beta_2, omega_3, beta_3 = map(jnp.asarray, weights)
    return graphs.Weights(
        omega_0.T,
        beta_0[:, 0],
        jnp.stack([omega_1.T, omega_2.T]),
        jnp.stack([beta_1[:, 0], beta_2[:, 0]]),
        omega_3[0],
        beta_3[0, 0],
    )


@pytest.fixture
def he(params):
    """Scale the hidden layers by ten: He initialisation with its square root."""
    factor = graphs.he_scale(200) / (2 / 200)
    return graphs.Weights(*(factor * w for w in params[:4]), *params[4:])


def summed(passed):
    return jnp.append(passed.logit, passed.hidden.sum(axis=(1, 2)))


def test_molecule(reference, agrees):
    book, ours = reference("13_2"), graphs.encode_molecule(graphs.ETHANOL)
    agrees(ours.adjacency, book["adjacency"], kind="value", quantity="adjacency matrix of ethanol")
    agrees(ours.nodes, book["nodes"], kind="value", quantity="one-hot atoms of ethanol")


def test_weights_are_the_notebooks(reference, agrees, weights):
    book = reference("13_2").under("weights")
    agrees(np.array([w.sum() for w in weights]), book["sums"], kind="draws", quantity="sums of all weights")
    agrees(
        weights[4][-4:, -4:], book["corner"], kind="draws", quantity="a corner of the third layer's weights"
    )
    agrees(weights[6][0], book["out"], kind="draws", quantity="weights of the output")


def test_network(reference, agrees, params):
    book = reference("13_2")
    passed = graphs.classify(params, *graphs.encode_molecule(graphs.ETHANOL))
    agrees(
        passed.hidden.sum(axis=2),
        book["node_sums"],
        kind="value",
        quantity="hidden layers, summed over units",
    )
    agrees(
        passed.hidden.sum(axis=1),
        book["unit_sums"],
        kind="value",
        quantity="hidden layers, summed over nodes",
    )
    agrees(passed.logit, book["logit"], kind="value", quantity="logit of ethanol")
    agrees(passed.probability, book["f"], kind="value", quantity="probability of ethanol")
    assert f"{passed.probability:.6f}" == "0.310843"


def test_permuted(reference, agrees, params):
    book = reference("13_2").under("permuted")
    nodes, adjacency = graphs.encode_molecule(graphs.ETHANOL)
    order = book["order"]
    agrees(permute(adjacency, order), book["adjacency"], kind="value", quantity="permuted adjacency matrix")
    agrees(nodes[order], book["nodes"], kind="value", quantity="permuted atoms")
    passed = graphs.classify(params, nodes[order], permute(adjacency, order))
    agrees(passed.probability, book["f"], kind="value", quantity="probability after permutation")
    agrees(
        passed.hidden.sum(axis=2), book["node_sums"], kind="value", quantity="permuted hidden layers, summed"
    )


def test_propanol(reference, agrees, params, he):
    book, ours = reference("13_2").under("propanol"), graphs.encode_molecule(graphs.PROPANOL)
    agrees(ours.adjacency, book["adjacency"], kind="value", quantity="adjacency matrix of propanol")
    agrees(ours.nodes, book["nodes"], kind="value", quantity="one-hot atoms of propanol")
    for name, weights in (("book", params), ("he", he)):
        found = summed(graphs.classify(weights, *ours))
        agrees(found, book[name], kind="value", quantity=f"propanol, weights {name}: logit and hidden sums")


def test_ethanol_otherwise(reference, agrees, params, he):
    book, (nodes, links) = reference("13_2").under("ethanol"), graphs.encode_molecule(graphs.ETHANOL)
    found = summed(graphs.classify(he, nodes, links))
    agrees(found, book["he"], kind="value", quantity="ethanol, He initialisation: logit and hidden sums")
    found = summed(graphs.classify(params, nodes, 0 * links))
    agrees(found, book["no_edges"], kind="value", quantity="ethanol without bonds: logit and hidden sums")


def test_elsewhere(reference, agrees, he):
    taken = reference("13_2").under("elsewhere")
    nodes = jnp.pad(taken["nodes"], ((0, 0), (0, 0), (0, 114)))
    found = jax.vmap(lambda x, a: summed(graphs.classify(he, x, a)))(nodes, taken["adjacency"])
    agrees(
        found,
        taken["he"],
        kind="value",
        quantity="10 random graphs with real features: logit and hidden sums",
    )


def test_along_edges(reference, agrees, he):
    taken = reference("13_2").under("elsewhere")
    layers = ((he.omega_in, he.beta_in), *zip(he.omegas, he.betas))

    @jax.jit
    @jax.vmap
    def classify(x, adjacency):
        h, edges, sums = jnp.pad(x, ((0, 0), (0, 114))), to_edges(adjacency, 14 * 13), []
        for omega, beta in layers:
            h = jax.nn.relu(beta + (aggregate_edges(h, *edges) + h) @ omega)
            sums.append(h.sum())
        return jnp.stack([h.mean(axis=0) @ he.omega_out + he.beta_out, *sums])

    found = classify(taken["nodes"], taken["adjacency"])
    agrees(found, taken["he"], kind="value", quantity="the same along lists of edges")
