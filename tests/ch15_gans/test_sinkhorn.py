import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch15_gans import sinkhorn, wasserstein

P = np.array([5, 3, 2, 1, 8, 7, 5, 9, 2, 1]) / 43
Q = np.array([4, 10, 1, 1, 4, 6, 3, 2, 0, 1]) / 32
PLACES = np.arange(10) / 9
solve = jax.jit(sinkhorn.sinkhorn, static_argnames="iterations")


@pytest.mark.parametrize("epsilon", [1.0, 0.1, 0.01, 0.001])
def test_plan_has_the_sums_it_should_and_costs_no_less_than_the_best(epsilon):
    with jax.enable_x64(True):
        found = solve(P, Q, wasserstein.distance_matrix(PLACES), epsilon, iterations=2000)
        best = float(wasserstein.distance_1d(P, Q))
    plan = np.asarray(found.plan)
    np.testing.assert_allclose(plan.sum(1), P, atol=1e-12)
    np.testing.assert_allclose(plan.sum(0), Q, atol=1e-12)
    assert (plan >= 0).all()
    assert best - 1e-12 <= float(found.cost) <= best + 2 * epsilon


def test_distance_is_approached():
    with jax.enable_x64(True):
        found = solve(P, Q, wasserstein.distance_matrix(PLACES), 1e-3, iterations=2000)
        assert 0 <= found.cost - wasserstein.distance_1d(P, Q) < 1e-3


def test_single_precision_stands_small_epsilons():
    p, q, places = (a.astype(np.float32) for a in (P, Q, PLACES))
    found = solve(p, q, wasserstein.distance_matrix(places), 1e-4, iterations=500)
    assert found.plan.dtype == "float32"
    np.testing.assert_allclose(found.cost, wasserstein.distance_1d(p, q), rtol=0.02)


def test_much_entropy_gives_the_independent_plan():
    found = solve(P, Q, wasserstein.distance_matrix(PLACES), 1e4, iterations=20)
    np.testing.assert_allclose(found.plan, np.outer(P, Q), atol=1e-5)


def test_stopping_too_early_is_visible():
    cost = wasserstein.distance_matrix(PLACES)
    early, late = (solve(P, Q, cost, 0.01, iterations=n).violation for n in (2, 1000))
    assert early > 100 * late


def test_gradient_is_finite_also_at_empty_bins_and_points_the_right_way():
    cost = wasserstein.distance_matrix(PLACES)
    p = np.array([0, 0.5, 0.5] + [0] * 7, np.float32)
    q = np.array([0] * 6 + [0.5, 0.5, 0, 0], np.float32)
    gradient = jax.grad(lambda p: solve(p, q, cost, 0.05, iterations=200).cost)(jnp.asarray(p))
    assert np.isfinite(gradient).all()
    assert gradient[2] < gradient[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((P * 2, Q, np.ones((10, 10)), 0.1), "p must sum to 1"),
        (
            (P, Q, np.ones((10, 9)), 0.1),
            r"cost must have the shape \(bins, others\), where .* got \(10, 9\)",
        ),
        ((P, Q, np.ones((10, 10)), 0.0), r"epsilon must be positive.* got 0\.0"),
        ((P, Q, np.ones((10, 10)), float("nan")), "epsilon must be positive.* got nan"),
        ((P, Q, np.ones((10, 10)), 0.1, 0), "iterations must be at least 1, got 0"),
    ],
)
def test_bad_input_is_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        sinkhorn.sinkhorn(*arguments)
