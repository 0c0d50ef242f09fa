"""Notebook 5.1: least squares loss."""

import jax
import numpy as np
import pytest

from udl_jax import training
from udl_jax.ch03_shallow_networks.shallow_network import stages
from udl_jax.ch05_loss_functions import distributions, least_squares, sweeps
from udl_jax.data import toy

SIGMA = 0.2


def test_data(book, agrees):
    agrees(toy.univariate_regression_points().x, book["x"], kind="value", quantity="inputs of the 20 points")
    agrees(toy.univariate_regression_points().y, book["y"], kind="value", quantity="outputs of the 20 points")


def test_model(book, agrees, network):
    curve = stages(*network, book["x_model"][:, None]).output[:, 0]
    agrees(curve, book["y_model"][0], kind="value", quantity="network at the notebook's parameters")


def test_density(book, agrees):
    density = least_squares.normal_density(*map(np.float64, (1, -1, 2.3)))
    agrees(density, book["density"], kind="value", quantity="density printed as 0.119")


@pytest.mark.parametrize(
    ("name", "mean", "deviation"),
    [("gauss", 0.0, 1.0), ("gauss_moved", 1.0, 1.0), ("gauss_wide", 0.0, 2.0), ("gauss_narrow", 0.0, 0.5)],
)
def test_density_curves(book, agrees, name, mean, deviation):
    curve = least_squares.normal_density(book["y_gauss"], np.float64(mean), deviation)
    quantity = f"density with mean {mean:.0f}, standard deviation {deviation:.1f}"
    agrees(curve, book[name], kind="value", quantity=quantity)


def test_density_elsewhere(book, agrees):
    there = book.under("elsewhere")
    ours = least_squares.normal_density(there["at"], there["means"], there["deviations"])
    agrees(ours, there["densities"], kind="value", quantity="density at 50 random settings")


def test_losses(book, agrees, network):
    y, mean = book["y"], stages(*network, book["x"][:, None]).output[:, 0]
    densities = least_squares.normal_density(y, mean, SIGMA)
    chance = distributions.likelihood(densities)
    loss = least_squares.negative_log_likelihood(y, mean, SIGMA)
    naive = distributions.naive_negative_log_likelihood(densities)
    squares = training.squared_error(mean, y)
    agrees(chance, book["likelihood"], kind="value", quantity="likelihood, printed as 0.000010624")
    agrees(loss, book["nll"], kind="value", quantity="negative log-likelihood, printed as 11.452419564")
    agrees(naive, book["nll"], kind="value", quantity="negative log-likelihood, naive form")
    agrees(squares, book["sum_of_squares"], kind="value", quantity="sum of squares, printed as 2.020992572")


def test_losses_elsewhere(book, agrees, agrees_each):
    there, y = book.under("elsewhere"), book["y"]
    means = jax.vmap(lambda theta, phi: stages(theta, phi, book["x"][:, None]).output[:, 0])
    means = means(there["hidden"], there["out"])
    densities = jax.vmap(least_squares.normal_density, (None, 0, 0))(y, means, there["sigmas"])
    chances = jax.vmap(distributions.likelihood)(densities)
    losses = jax.vmap(least_squares.negative_log_likelihood, (None, 0, 0))(y, means, there["sigmas"])
    squares = jax.vmap(training.squared_error, (0, None))(means, y)
    agrees_each(chances, there["likelihoods"], kind="value", quantity="likelihood of 10 random networks")
    agrees(losses, there["nlls"], kind="value", quantity="negative log-likelihood of 10 random networks")
    agrees(squares, there["sums"], kind="value", quantity="sum of squares of 10 random networks")


@pytest.mark.parametrize("criterion", least_squares.Sweep._fields)
def test_offset_sweep(book, agrees, agrees_each, network, criterion):
    swept = least_squares.sweep_offset(*network, book["offsets"], book["x"][:, None], book["y"], SIGMA)
    name, ours = criterion.replace("_", " "), getattr(swept, criterion)
    agrees_each(ours, book[f"offset/{criterion}"], kind="value", quantity=f"{name} at 100 offsets")
    loss = -ours if criterion == "likelihood" else ours
    best = sweeps.best(book["offsets"], loss)
    agrees(best, book["offset/best"], kind="value", quantity=f"best offset by {name}")


def test_offset_sweep_elsewhere(book, agrees, agrees_each):
    there = book.under("elsewhere")
    network = there["hidden"][0], there["out"][0]
    swept = least_squares.sweep_offset(*network, there["offsets"], book["x"][:, None], book["y"], 0.7)
    chances, losses = swept.likelihood, swept.negative_log_likelihood
    agrees_each(chances, there["swept_likelihoods"], kind="value", quantity="likelihood, another network")
    agrees(losses, there["swept_nlls"], kind="value", quantity="negative log-likelihood, another network")


def test_models_along_the_sweep(book, agrees, network):
    offsets = np.append(book["offsets"][::20], book["offset/best"])
    models = sweeps.outputs_at_offsets(*network, offsets, book["x_model"][:, None])[..., 0]
    agrees(models[:-1], book["offset/models"], kind="value", quantity="network at every 20th offset")
    agrees(models[-1], book["offset/best_model"][0], kind="value", quantity="network at the best offset")


@pytest.mark.parametrize("criterion", least_squares.Sweep._fields)
def test_deviation_sweep(book, agrees, agrees_each, network, criterion):
    theta, phi = network
    best_offset = phi.at[0, 0].set(0.27)
    swept = least_squares.sweep_deviation(
        theta, best_offset, book["deviations"], book["x"][:, None], book["y"]
    )
    name, ours = criterion.replace("_", " "), getattr(swept, criterion)
    agrees_each(ours, book[f"deviation/{criterion}"], kind="value", quantity=f"{name} at 80 deviations")
    if criterion != "sum_of_squares":
        best = sweeps.best(book["deviations"], -ours if criterion == "likelihood" else ours)
        agrees(best, book["deviation/best"], kind="value", quantity=f"best deviation by {name}")
