"""Notebook 15.2: the Wasserstein distance, also against POT and, in other places, against linear programmes."""

import jax.numpy as jnp
import numpy as np
import ot
import pytest

from udl_jax.ch15_gans import divergences, wasserstein


def describe(p, q):
    both = [divergences.kl_divergence(p, q), divergences.kl_divergence(q, p)]
    return jnp.stack([*both, divergences.js_divergence(p, q)])


def places(count):
    return jnp.arange(count) / (count - 1)


def test_distance(reference, agrees):
    book = reference("15_2")
    p, q = book["p"], book["q"]
    agrees(wasserstein.distance_1d(p, q), book["distance"], kind="value", quantity="Wasserstein distance")
    f = wasserstein.dual_potential(p, q)
    agrees(p @ f - q @ f, book["distance"], kind="value", quantity="the dual problem's optimum")
    assert f"{book['distance']:.11f}" == f"{0.15148578811369506:.11f}"


def test_matrices(reference, agrees):
    book = reference("15_2")
    cost = wasserstein.distance_matrix(places(10))
    agrees(cost, book["cost"], kind="value", quantity="distances between bins")
    sums = wasserstein.constraint_matrix(10, 10)
    agrees(sums, book["constraints"], kind="value", quantity="matrix of the constraints")
    plan = wasserstein.monotone_plan(book["p"], book["q"])
    totals = jnp.concatenate([book["p"], book["q"]])
    agrees(sums @ plan.ravel(), totals, kind="value", quantity="row and column sums of our plan")
    agrees(sums @ book["plan"].ravel(), totals, kind="value", quantity="the same of the notebook's plan")
    agrees(jnp.sum(plan * cost), book["distance"], kind="value", quantity="cost of our plan")


def test_divergences(reference, agrees):
    book = reference("15_2")
    ours = describe(book["p"], book["q"])
    agrees(ours, book["divergences"], kind="value", quantity="KL both ways, Jensen-Shannon")
    assert ours[0] == jnp.inf


@pytest.mark.parametrize(("n", "m"), [(3, 3), (7, 7), (20, 20)])
def test_elsewhere(reference, agrees, n, m):
    book = reference("15_2").under(f"elsewhere_{n}_{m}")
    pairs = [(pair[:n], pair[n:]) for pair in book["pairs"]]
    quantity = f"ten pairs of distributions over {n} bins"
    ours = jnp.stack([wasserstein.distance_1d(p, q) for p, q in pairs])
    agrees(ours, book["distances"], kind="value", quantity=quantity)
    ours = jnp.stack([describe(p, q) for p, q in pairs])
    agrees(ours, book["divergences"], kind="value", quantity=f"divergences, {quantity}")


def test_bins_of_different_number(reference, agrees):
    book = reference("15_2").under("elsewhere_6_13")
    cost = wasserstein.distance_matrix(places(6), places(13))
    ours = jnp.stack(
        [jnp.sum(cost * wasserstein.monotone_plan(pair[:6], pair[6:])) for pair in book["pairs"]]
    )
    agrees(ours, book["distances"], kind="value", quantity="ten pairs over 6 and 13 bins")


def test_pot(reference, agrees):
    """Python Optimal Transport: a network simplex for the plan, its own closed form for the line."""
    book = reference("15_2")
    p, q = np.asarray(book["p"]), np.asarray(book["q"])
    ours = wasserstein.distance_1d(p, q)
    cost, x = np.asarray(book["cost"]), np.arange(10) / 9
    agrees(ours, ot.emd2(p, q, cost), kind="witness", quantity="distance, POT's network simplex")
    agrees(
        ours, ot.emd2_1d(x, x, p, q, metric="euclidean"), kind="witness", quantity="distance, POT on a line"
    )
    draws = np.random.default_rng(1).normal(size=(2, 500))
    theirs = ot.wasserstein_1d(*draws)
    agrees(
        wasserstein.sample_distance(*draws), theirs, kind="witness", quantity="distance of 500 samples, POT"
    )
