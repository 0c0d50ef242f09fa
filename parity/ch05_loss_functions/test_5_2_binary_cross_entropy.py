"""Notebook 5.2: binary cross-entropy loss."""

import jax
import numpy as np
import pytest

from udl_jax.ch03_shallow_networks.shallow_network import stages
from udl_jax.ch05_loss_functions import binary_cross_entropy as bce
from udl_jax.ch05_loss_functions import distributions, sweeps
from udl_jax.data import toy


def test_data(book, agrees):
    x, y = toy.binary_classification_points()
    agrees(x, book["x"], kind="value", quantity="inputs of the 20 points")
    agrees(y, book["y"], kind="value", quantity="labels of the 20 points")


def test_model(book, agrees, network):
    outputs = stages(*network, book["x_model"][:, None]).output[:, 0]
    agrees(outputs, book["outputs"][0], kind="value", quantity="outputs at the notebook's parameters")
    agrees(bce.sigmoid(outputs), book["lambdas"][0], kind="value", quantity="their sigmoid")


def test_sigmoid(book, agrees_each):
    there = book.under("elsewhere")
    ours = bce.sigmoid(there["z"])
    agrees_each(ours, there["sigmoid"], kind="value", quantity="sigmoid from -30 to 30")


def test_probabilities(book, agrees):
    ours = bce.bernoulli_probability(np.array([0, 1]), np.array([0.2, 0.2]))
    agrees(ours, book["probabilities"], kind="value", quantity="probabilities, printed as 0.8 and 0.2")
    there = book.under("elsewhere")
    ours = bce.bernoulli_probability(there["labels"], there["chances"])
    agrees(ours, there["probabilities"], kind="value", quantity="probability of 30 random labels")


def test_losses(book, agrees, network):
    y, outputs = book["y"], stages(*network, book["x"][:, None]).output[:, 0]
    chances = bce.bernoulli_probability(y, bce.sigmoid(outputs))
    chance = distributions.likelihood(chances)
    naive = distributions.naive_negative_log_likelihood(chances)
    loss = bce.binary_cross_entropy(outputs, y)
    agrees(chance, book["likelihood"], kind="value", quantity="likelihood, printed as 0.000070237")
    agrees(loss, book["nll"], kind="value", quantity="negative log-likelihood, printed as 9.563639387")
    agrees(naive, book["nll"], kind="value", quantity="negative log-likelihood, naive form")


def test_losses_elsewhere(book, agrees, agrees_each):
    there, y = book.under("elsewhere"), book["y"]
    outputs = jax.vmap(lambda theta, phi: stages(theta, phi, book["x"][:, None]).output[:, 0])
    outputs = outputs(there["hidden"], there["out"])
    chances = jax.vmap(bce.bernoulli_probability, (None, 0))(y, bce.sigmoid(outputs))
    chances = jax.vmap(distributions.likelihood)(chances)
    losses = jax.vmap(bce.binary_cross_entropy, (0, None))(outputs, y)
    agrees_each(chances, there["likelihoods"], kind="value", quantity="likelihood of 10 random networks")
    agrees(losses, there["nlls"], kind="value", quantity="negative log-likelihood of 10 random networks")


@pytest.mark.parametrize("criterion", sweeps.Sweep._fields)
def test_sweep(book, agrees, agrees_each, network, criterion):
    swept = bce.sweep_offset(*network, book["offsets"], book["x"][:, None], book["y"])
    name, ours = criterion.replace("_", " "), getattr(swept, criterion)
    agrees_each(ours, book[f"offset/{criterion}"], kind="value", quantity=f"{name} at 80 offsets")
    best = sweeps.best(book["offsets"], -ours if criterion == "likelihood" else ours)
    agrees(best, book["offset/best"], kind="value", quantity=f"best offset by {name}")


def test_sweep_elsewhere(book, agrees, agrees_each):
    there = book.under("elsewhere")
    network = there["hidden"][0], there["out"][0]
    swept = bce.sweep_offset(*network, there["offsets"], book["x"][:, None], book["y"])
    chances, losses = swept
    agrees_each(chances, there["swept_likelihoods"], kind="value", quantity="likelihood, another network")
    agrees(losses, there["swept_nlls"], kind="value", quantity="negative log-likelihood, another network")


def test_models_along_the_sweep(book, agrees, network):
    offsets = np.append(book["offsets"][::20], book["offset/best"])
    outputs = sweeps.outputs_at_offsets(*network, offsets, book["x_model"][:, None])[..., 0]
    models = bce.sigmoid(outputs)
    agrees(models[:-1], book["offset/models"], kind="value", quantity="probability at every 20th offset")
    agrees(models[-1], book["offset/best_model"], kind="value", quantity="probability at the best offset")
