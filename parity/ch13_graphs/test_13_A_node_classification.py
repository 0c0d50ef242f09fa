"""Graph convolution and graph attention beside torch_geometric's, with the same weights: outputs and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from udl_jax.ch13_graphs import graph_layers, label_propagation
from udl_jax.ch13_graphs.adjacency import to_edges
from udl_jax.ch13_graphs.node_classification import GAT, GCN, karate_club

CLUB = karate_club()
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(34, 5))


def drawn(model, *arguments):
    """Draw all variables of a Flax module, biases too, in double precision."""
    shapes = jax.eval_shape(model.init, jax.random.key(0), *arguments)
    return jax.tree.map(lambda leaf: jnp.asarray(GENERATOR.normal(size=leaf.shape) / 2), shapes)["params"]


def fill(layer, weights):
    """Copy weights into a torch layer, by the names of its parameters."""
    named = dict(layer.double().named_parameters())
    assert set(named) == set(weights)
    with torch.no_grad():
        for name, values in weights.items():
            named[name].copy_(torch.tensor(np.asarray(values)).reshape(named[name].shape))
    return layer


def flat(kernel):
    """Turn a kernel (inputs, heads, features) into torch's (heads * features, inputs)."""
    return kernel.reshape(len(kernel), -1).T


def convolution(nn, params, inputs, outputs):
    weights = {"lin.weight": flat(params["map"]["kernel"]), "bias": params["bias"]}
    return fill(nn.GCNConv(inputs, outputs), weights)


def attention(nn, params, inputs, outputs, **settings):
    weights = {"lin.weight": flat(params["map"]["kernel"]), "bias": params["bias"]}
    weights |= {"att_src": params["sender"], "att_dst": params["receiver"]}
    return fill(nn.GATConv(inputs, outputs, **settings), weights)


def dynamic(nn, params, inputs, outputs, **settings):
    weights = {"att": params["score"], "bias": params["bias"]}
    for theirs, ours in (("lin_l", "map"), ("lin_r", "map_receiver")):
        kernel, bias = params[ours]["kernel"], params[ours].get("bias", 0)
        weights |= {f"{theirs}.weight": flat(kernel), f"{theirs}.bias": bias}
    return fill(nn.GATv2Conv(inputs, outputs, **settings), weights)


def compare(agrees, ours, theirs, quantity):
    """Compare outputs, and the gradients of the sum of their cubes in the inputs."""
    outputs, slope = jax.jit(lambda x: (ours(x), jax.grad(lambda x: (ours(x) ** 3).sum())(x)))(X)
    x = torch.tensor(X, requires_grad=True)
    found = theirs(x, torch.tensor(np.stack(to_edges(CLUB.adjacency)), dtype=torch.long))
    (found**3).sum().backward()
    agrees(outputs, found.detach().numpy(), kind="witness", quantity=f"{quantity}: outputs")
    agrees(slope, x.grad.numpy(), kind="witness", quantity=f"{quantity}: gradients")


@pytest.mark.parametrize("form", ["matrices", "edges"])
@pytest.mark.parametrize(
    ("ours", "theirs", "settings", "name"),
    [
        (graph_layers.GraphConvolution(4), convolution, {}, "GCNConv"),
        (graph_layers.GraphAttention(4), attention, {}, "GATConv"),
        (graph_layers.GraphAttention(4, heads=3), attention, {"heads": 3}, "GATConv, 3 heads"),
        (
            graph_layers.GraphAttention(4, heads=2, concatenate=False, slope=0.05),
            attention,
            {"heads": 2, "concat": False, "negative_slope": 0.05},
            "GATConv, mean of 2 heads",
        ),
        (graph_layers.GraphAttention(4, heads=2, dynamic=True), dynamic, {"heads": 2}, "GATv2Conv, 2 heads"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_layers(geometric, agrees, form, ours, theirs, settings, name):
    params = drawn(ours, X, CLUB.adjacency)
    edges = to_edges(CLUB.adjacency)
    if form == "matrices":
        layer = lambda x: ours.apply({"params": params}, x, CLUB.adjacency)  # noqa: E731
    else:
        layer = lambda x: ours.apply({"params": params}, x, *edges, method=ours.on_edges)  # noqa: E731
    compare(agrees, layer, theirs(geometric.nn, params, 5, 4, **settings), f"{name}, by {form}")


def test_networks(geometric, agrees):
    gcn, gat = GCN(classes=3, hidden=6), GAT(classes=3, features=4, heads=2)
    params = drawn(gcn, X, CLUB.adjacency)
    first, second = (
        convolution(geometric.nn, params["layer_0"], 5, 6),
        convolution(geometric.nn, params["readout"], 6, 3),
    )
    theirs = lambda x, edges: second(torch.relu(first(x, edges)), edges)  # noqa: E731
    compare(
        agrees, lambda x: gcn.apply({"params": params}, x, CLUB.adjacency), theirs, "two layers of GCNConv"
    )
    weights = drawn(gat, X, CLUB.adjacency)
    one = attention(geometric.nn, weights["layer_0"], 5, 4, heads=2)
    two = attention(geometric.nn, weights["readout"], 8, 3, heads=2, concat=False)
    theirs = lambda x, edges: two(torch.nn.functional.elu(one(x, edges)), edges)  # noqa: E731
    compare(
        agrees, lambda x: gat.apply({"params": weights}, x, CLUB.adjacency), theirs, "two layers of GATConv"
    )


def test_club(geometric, agrees):
    theirs = geometric.datasets.KarateClub()[0]
    edges = np.zeros((34, 34))
    edges[tuple(theirs.edge_index.numpy())] = 1
    agrees(CLUB.adjacency, edges, kind="witness", quantity="friendships of the karate club")
    agrees(CLUB.community, theirs.y.numpy(), kind="witness", quantity="communities of the karate club")


def test_label_propagation_is_absorption_of_a_walk(agrees):
    """The fundamental matrix of an absorbing Markov chain gives the same shares."""
    A, labels, held = np.asarray(CLUB.adjacency), np.asarray(CLUB.community), np.array([0, 4, 8, 24])
    free = np.setdiff1d(np.arange(34), held)
    walk = A / A.sum(1, keepdims=True)
    inner = np.linalg.inv(np.eye(30) - walk[np.ix_(free, free)])
    theirs = np.zeros((34, 4))
    theirs[held] = np.eye(4)[labels[held]]
    theirs[free] = inner @ walk[np.ix_(free, held)] @ np.eye(4)[labels[held]]
    ours = label_propagation.propagate_labels(A, held, labels, classes=4)
    agrees(ours, theirs, kind="witness", quantity="label propagation with four classes")
