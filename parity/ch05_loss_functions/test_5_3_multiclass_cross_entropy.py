"""Notebook 5.3: multiclass cross-entropy loss."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from parity import layout
from udl_jax.ch03_shallow_networks.shallow_network import stages
from udl_jax.ch05_loss_functions import distributions, sweeps
from udl_jax.ch05_loss_functions import multiclass_cross_entropy as mce
from udl_jax.data import toy


def test_data(book, agrees):
    x, y = toy.multiclass_classification_points()
    agrees(x, book["x"], kind="value", quantity="inputs of the 20 points")
    agrees(y, book["y"], kind="value", quantity="labels of the 20 points")


def test_model(book, agrees, network):
    outputs = stages(*network, book["x_model"][:, None]).output
    agrees(
        outputs, layout.rows(book["outputs"]), kind="value", quantity="outputs at the notebook's parameters"
    )
    agrees(mce.softmax(outputs), layout.rows(book["lambdas"]), kind="value", quantity="their softmax")


def test_softmax(book, agrees_each):
    there = book.under("elsewhere")
    ours = mce.softmax(layout.rows(there["z"]))
    theirs = layout.rows(there["softmax"])
    agrees_each(ours, theirs, kind="value", quantity="softmax of 30 x 6 random outputs")


def test_probabilities(book, agrees):
    ours = mce.categorical_probability(jnp.arange(3), jnp.tile(jnp.array([0.2, 0.5, 0.3]), (3, 1)))
    agrees(ours, book["probabilities"], kind="value", quantity="probabilities, printed as 0.2, 0.5 and 0.3")
    there = book.under("elsewhere")
    ours = mce.categorical_probability(there["picked"], layout.rows(there["softmax"]))
    agrees(ours, there["probabilities"], kind="value", quantity="probability of 30 random labels")


def test_losses(book, agrees, network):
    y, outputs = book["y"], stages(*network, book["x"][:, None]).output
    chances = mce.categorical_probability(y, mce.softmax(outputs))
    chance = distributions.likelihood(chances)
    naive = distributions.naive_negative_log_likelihood(chances)
    loss = mce.cross_entropy(outputs, y)
    agrees(chance, book["likelihood"], kind="value", quantity="likelihood, printed as 0.000000041")
    agrees(loss, book["nll"], kind="value", quantity="negative log-likelihood, printed as 17.015457867")
    agrees(naive, book["nll"], kind="value", quantity="negative log-likelihood, naive form")


def test_losses_elsewhere(book, agrees, agrees_each):
    there = book.under("elsewhere")
    outputs = jax.vmap(lambda theta, phi: stages(theta, phi, book["x"][:, None]).output)
    outputs = outputs(there["hidden"], there["out"])
    chances = jax.vmap(mce.categorical_probability, (None, 0))(there["labels"], mce.softmax(outputs))
    chances = jax.vmap(distributions.likelihood)(chances)
    losses = jax.vmap(mce.cross_entropy, (0, None))(outputs, there["labels"])
    agrees_each(chances, there["likelihoods"], kind="value", quantity="likelihood of 10 networks, 4 classes")
    agrees(losses, there["nlls"], kind="value", quantity="negative log-likelihood of 10 networks, 4 classes")


@pytest.mark.parametrize("criterion", sweeps.Sweep._fields)
def test_sweep(book, agrees, agrees_each, network, criterion):
    swept = mce.sweep_offset(*network, book["offsets"], book["x"][:, None], book["y"])
    name, ours = criterion.replace("_", " "), getattr(swept, criterion)
    agrees_each(ours, book[f"offset/{criterion}"], kind="value", quantity=f"{name} at 80 offsets")
    best = sweeps.best(book["offsets"], -ours if criterion == "likelihood" else ours)
    agrees(best, book["offset/best"], kind="value", quantity=f"best offset by {name}")


def test_sweep_elsewhere(book, agrees, agrees_each):
    there = book.under("elsewhere")
    network = there["hidden"][0], there["out"][0]
    chances, losses = mce.sweep_offset(
        *network, there["offsets"], book["x"][:, None], there["labels"], unit=2
    )
    agrees_each(chances, there["swept_likelihoods"], kind="value", quantity="likelihood, another network")
    agrees(losses, there["swept_nlls"], kind="value", quantity="negative log-likelihood, another network")


def test_models_along_the_sweep(book, agrees, network):
    offsets = np.append(book["offsets"][::20], book["offset/best"])
    models = mce.softmax(sweeps.outputs_at_offsets(*network, offsets, book["x_model"][:, None]))
    theirs = jnp.moveaxis(book["offset/models"], 1, 2)
    agrees(models[:-1], theirs, kind="value", quantity="probabilities at every 20th offset")
    best = layout.rows(book["offset/best_model"])
    agrees(models[-1], best, kind="value", quantity="probabilities at the best offset")
