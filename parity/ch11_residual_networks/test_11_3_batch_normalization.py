"""Notebook 11.3: batch normalization in residual networks."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from parity import draws, layout
from udl_jax import training
from udl_jax.ch08_performance.mnist1d import split
from udl_jax.ch11_residual_networks import batch_normalization, residual_network
from udl_jax.ch11_residual_networks.residual_network import Settings
from udl_jax.data.mnist1d import load_mnist1d

SHAPES = [(100, 40), *[(100, 100)] * 5, (10, 100)]
PRECISIONS = pytest.mark.parametrize("precision", ["float64", "float32"])
ONE_STEP = Settings(blocks=5, descent=residual_network.Descent(batch=200, epochs=1, decay_every=None))


def stack(parts):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *parts)


def in_flax(layers, norms=()):
    """Turn torch's (weight, bias) of linear layers, and of layers that normalize, into those of the network."""
    first, *blocks, last = (layout.dense(*layer) for layer in layers)
    params = {"linear": stack(blocks)}
    if norms:
        params["norm"] = stack([{"scale": jnp.asarray(a), "bias": jnp.asarray(b)} for a, b in norms])
    return {"first": first, "blocks": params, "last": last}


def fresh(units, dtype):
    """Running averages before the first batch."""
    shape = (5, units)
    return {"blocks": {"norm": {"mean": jnp.zeros(shape, dtype), "var": jnp.ones(shape, dtype)}}}


def data(precision):
    return [e._replace(x=e.x.astype(precision)) for e in split(load_mnist1d())]


def in_order(params, norms):
    """Return all parameters in the order and the shapes that torch has them in."""
    blocks = params["blocks"]
    layers = [
        params["first"],
        *({k: a[i] for k, a in blocks["linear"].items()} for i in range(5)),
        params["last"],
    ]
    found = [a for layer in layers for a in (layer["kernel"].T, layer["bias"])]
    if norms:
        found += [blocks["norm"][key][i] for i in range(5) for key in ("scale", "bias")]
    return found


@PRECISIONS
@pytest.mark.parametrize("name", ["without", "with"])
def test_one_step(reference, agrees, precision, name):
    book = reference("11_3").under(f"{precision}/{name}")
    weights = draws.he_uniform(np.asarray(book["state"]), SHAPES, precision)
    layers = [(w, np.zeros(len(w), precision)) for w in weights]
    norms = [(np.ones(100, precision), np.zeros(100, precision))] * 5 if name == "with" else []
    module = batch_normalization if name == "with" else residual_network
    recipe = module.make_recipe(ONE_STEP)
    variables = {"params": in_flax(layers, norms)}
    if norms:
        variables["batch_stats"] = fresh(100, precision)
    batch = draws.visited([int(book["seed"])], 4000)[0, :200].astype(np.int32)
    agrees(batch[:20], book["first_drawn"].astype(batch.dtype), kind="draws", quantity=f"the batch, {name}")

    examples, _ = data(precision)
    measured = residual_network.stream_variances(recipe.model, variables, examples.x[batch])
    what = f"variances at seven places, {name} normalization, {precision}"
    agrees(measured, book["variances"], kind="trajectory", quantity=what)
    state, _ = training.train(recipe, training.start(recipe, variables), examples, None, batch[None, None])
    after = in_order(state.variables["params"], bool(norms))
    ours = jnp.concatenate([jnp.ravel(a)[::97] for a in after])
    agrees(
        ours, book["parameters"], kind="trajectory", quantity=f"parameters after a step, {name}, {precision}"
    )
    if norms:
        ours = state.variables["batch_stats"]["blocks"]["norm"]
        theirs = {"mean": book["running_mean"], "var": book["running_var"]}
        agrees(ours, theirs, kind="trajectory", quantity=f"running averages after a step, {precision}")


@pytest.fixture(scope="module", params=["float64", "float32"])
def trained(request, reference):
    """Train as the recording does beyond the notebook: sixty steps in batches of fifty, twenty units wide."""
    precision = request.param
    book = reference("11_3").under(f"{precision}/trained")
    initial = [book[f"initial/{k}"] for k in range(24)]
    pairs = list(zip(initial[::2], initial[1::2], strict=True))
    settings = Settings(
        blocks=5, width=20, descent=residual_network.Descent(batch=50, epochs=6, decay_every=None)
    )
    recipe = batch_normalization.make_recipe(settings)
    variables = {"params": in_flax(pairs[:7], pairs[7:]), "batch_stats": fresh(20, precision)}
    order = book["order"].astype(jnp.int32)
    state, history = training.train(recipe, training.start(recipe, variables), *data(precision), order)
    return precision, book, recipe, variables, order, state, history


def test_evaluated_losses(agrees, trained):
    precision, book, *_, history = trained
    ours = jnp.stack([history.train.loss, history.test.loss])
    what = f"train and test loss in evaluation mode, 6 epochs, {precision}"
    agrees(ours, book["evaluated"], kind="trajectory", quantity=what)


def test_losses_of_all_steps(agrees, trained):
    precision, book, recipe, variables, order, *_ = trained
    # An epoch of one step each, whose own losses are reported.
    recipe = dataclasses.replace(recipe, evaluation=training.Evaluation(every=0))
    steps = order.reshape(60, 1, 50)
    _, history = training.train(recipe, training.start(recipe, variables), data(precision)[0], None, steps)
    what = f"loss in training mode, 60 steps, {precision}"
    agrees(history.train.loss, book["losses"], kind="trajectory", quantity=what)


def test_final_weights_and_averages(agrees, trained):
    precision, book, *_, state, _ = trained
    ours = in_order(state.variables["params"], True)
    theirs = [book[f"final/{k}"] for k in range(24)]
    agrees(ours, theirs, kind="trajectory", quantity=f"final weights of a training, {precision}")
    ours = state.variables["batch_stats"]["blocks"]["norm"]
    theirs = {"mean": book["running_mean"], "var": book["running_var"]}
    agrees(ours, theirs, kind="trajectory", quantity=f"running averages after a training, {precision}")
