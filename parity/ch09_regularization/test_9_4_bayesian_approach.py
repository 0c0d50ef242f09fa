"""Notebook 9.4: the Bayesian approach. The notebook's parameters end with the bias, ours begin with it."""

import jax
import jax.numpy as jnp
import pytest

from udl_jax.ch08_performance import simplified_network as network
from udl_jax.ch09_regularization import bayesian_approach as bayes


def bias_first(array, *axes):
    return jnp.roll(array, 1, axes)


def beliefs(book):
    return bayes.posterior(book["x_data"], book["y_data"], 5)


def test_posterior(reference, agrees):
    book = reference("9_4")
    ours, (mean, covariance) = beliefs(book), bayes.posterior_by_inverse(book["x_data"], book["y_data"], 5)
    theirs = bias_first(book["mean"], 0), bias_first(book["covariance"], 0, 1)
    agrees(ours.mean, theirs[0], kind="draws", quantity="mean of the posterior")
    agrees(ours.covariance, theirs[1], kind="draws", quantity="covariance of the posterior")
    agrees(mean, theirs[0], kind="draws", quantity="mean, by the inverse")
    agrees(covariance, theirs[1], kind="draws", quantity="covariance, by the inverse")
    said = network.predict(ours.mean, book["x_model"])
    agrees(said, book["mean_model"], kind="draws", quantity="mean model")


def test_samples(reference, agrees):
    book = reference("9_4")
    phi = bayes.sample(beliefs(book), book["normals"])
    agrees(phi, bias_first(book["samples"], 1), kind="draws", quantity="two samples of the posterior")
    models = jax.vmap(network.predict, (0, None))(phi, book["x_model"])
    agrees(models, book["sampled_models"], kind="draws", quantity="two sampled models")


def test_predictions(reference, agrees):
    book = reference("9_4")
    ours = bayes.predict(beliefs(book), book["x_model"])
    agrees(ours.mean, book["predicted/mean"], kind="draws", quantity="predictive mean")
    deviation = jnp.sqrt(ours.variance)
    agrees(deviation, book["predicted/deviation"], kind="draws", quantity="predictive deviation")


@pytest.mark.parametrize("name", "abcd")
def test_elsewhere(reference, agrees, name):
    book = reference("9_4")
    taken = book.under(f"elsewhere_{name}")
    units, noise, prior = taken["settings"].tolist()
    ours = bayes.posterior(book["x_data"], book["y_data"], int(units), noise, prior)
    where = f"{units:.0f} units, noise {noise}, prior {prior}"
    agrees(ours.mean, bias_first(taken["mean"], 0), kind="draws", quantity=f"mean, {where}")
    covariance = bias_first(taken["covariance"], 0, 1)
    agrees(ours.covariance, covariance, kind="draws", quantity=f"covariance, {where}")
    predicted = jnp.stack(bayes.predict(ours, book["x_model"][::9]))
    agrees(predicted, taken["predicted"], kind="draws", quantity=f"predictions, {where}")
