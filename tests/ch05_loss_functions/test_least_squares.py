import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax import training
from udl_jax.ch05_loss_functions import distributions, sweeps
from udl_jax.ch05_loss_functions import least_squares as ls
from udl_jax.data import toy

X, Y = toy.univariate_regression_points()
THETA = jnp.array([[0.3, -1.0], [-1.0, 1.8], [-0.5, 0.65]])
PHI = jnp.array([[0.1, -2.0, -1.0, 7.0]])
OFFSETS = jnp.linspace(0, 1, 101)


def naive_loss(y, mean, deviation):
    return distributions.naive_negative_log_likelihood(ls.normal_density(y, mean, deviation))


@jax.jit
def sweep(deviation):
    return ls.sweep_offset(THETA, PHI, OFFSETS, X[:, None], Y, deviation)


def test_density_integrates_to_one_and_is_highest_at_the_mean():
    y = jnp.linspace(-20, 20, 4001)
    density = ls.normal_density(y, jnp.array(1.0), 1.7)
    np.testing.assert_allclose(density.sum() * 0.01, 1, rtol=1e-5)
    assert abs(y[jnp.argmax(density)] - 1) < 0.005


def test_density_does_not_mind_the_side():
    y, mean = jnp.linspace(0, 5, 11), jnp.array(0.5)
    np.testing.assert_allclose(
        ls.normal_density(mean + y, mean, 0.8), ls.normal_density(mean - y, mean, 0.8), rtol=1e-5
    )


def test_naive_and_safe_loss_agree_where_both_are_safe():
    mean = jnp.zeros(20)
    loss = ls.negative_log_likelihood(Y, mean, 0.3)
    np.testing.assert_allclose(naive_loss(Y, mean, 0.3), loss, rtol=1e-5)
    likelihood = distributions.likelihood(ls.normal_density(Y, mean, 0.3))
    np.testing.assert_allclose(-jnp.log(likelihood), loss, rtol=1e-5)


@pytest.mark.parametrize("precision, far", [("float32", 15.0), ("float64", 40.0)])
def test_naive_loss_underflows_where_the_safe_one_does_not(precision, far):
    with jax.enable_x64(True):
        y, mean = jnp.array([far], precision), jnp.zeros(1, precision)
        naive, slope = jax.jit(jax.value_and_grad(naive_loss, 1))(y, mean, 1.0)
        assert jnp.isposinf(naive)
        assert jnp.isnan(slope[0])
        safe, slope = jax.jit(jax.value_and_grad(ls.negative_log_likelihood, 1))(y, mean, 1.0)
        np.testing.assert_allclose(safe, far**2 / 2 + np.log(2 * np.pi) / 2, rtol=1e-6)
        np.testing.assert_allclose(slope, -far, rtol=1e-6)


def test_likelihood_underflows_with_more_data():
    y = jnp.tile(Y, 20)
    assert distributions.likelihood(ls.normal_density(y, jnp.zeros(400), 1.0)) == 0
    expected = 20 * ls.negative_log_likelihood(Y, jnp.zeros(20), 1.0)
    np.testing.assert_allclose(ls.negative_log_likelihood(y, jnp.zeros(400), 1.0), expected, rtol=1e-5)


def test_loss_is_the_sum_of_squares_scaled_and_shifted():
    mean, sigma = jnp.linspace(-1, 1, 20), 0.4
    constant = 20 * np.log(sigma * np.sqrt(2 * np.pi))
    expected = training.squared_error(mean, Y) / (2 * sigma**2) + constant
    np.testing.assert_allclose(ls.negative_log_likelihood(Y, mean, sigma), expected, rtol=1e-5)


def test_gradient_is_that_of_the_squares_over_twice_the_variance():
    mean, sigma = jnp.linspace(-1, 1, 20), 0.4
    slope = jax.grad(ls.negative_log_likelihood, 1)(Y, mean, sigma)
    np.testing.assert_allclose(slope, (mean - Y) / sigma**2, rtol=1e-5)


def test_best_deviation_is_where_the_gradient_vanishes():
    mean = jnp.linspace(-1, 1, 20)
    best = ls.best_deviation(Y, mean)
    np.testing.assert_allclose(jax.grad(ls.negative_log_likelihood, 2)(Y, mean, best), 0, atol=1e-4)


@pytest.mark.parametrize("deviation", [0.1, 0.2, 2.0])
def test_all_criteria_choose_the_same_offset_whatever_the_deviation(deviation):
    swept = sweep(deviation)
    best = sweeps.best(OFFSETS, sweep(0.5).sum_of_squares)
    assert best == sweeps.best(OFFSETS, swept.sum_of_squares)
    assert best == sweeps.best(OFFSETS, swept.negative_log_likelihood)
    if deviation == 0.2:  # with 0.1 and 2.0 the largest likelihoods are about 1e-20
        assert best == sweeps.best(OFFSETS, -swept.likelihood)


def test_sweep_over_deviations_finds_the_closed_form_and_leaves_the_squares():
    deviations = jnp.linspace(0.1, 0.6, 501)
    swept = ls.sweep_deviation(THETA, PHI, deviations, X[:, None], Y)
    mean = sweeps.outputs_at_offsets(THETA, PHI, PHI[:, 0], X[:, None])[0, :, 0]
    best = sweeps.best(deviations, swept.negative_log_likelihood)
    np.testing.assert_allclose(best, ls.best_deviation(Y, mean), atol=1e-3)
    assert jnp.ptp(swept.sum_of_squares) == 0


@pytest.mark.parametrize("deviation", [0.0, -1.0, float("nan")])
@pytest.mark.parametrize("function", [ls.normal_density, ls.negative_log_likelihood])
def test_deviation_out_of_range_is_told(function, deviation):
    with pytest.raises(ValueError, match=f"deviation must be positive, got {deviation}"):
        function(Y, Y, deviation)


def test_deviation_out_of_range_is_told_in_a_sweep():
    with pytest.raises(ValueError, match=r"deviations must be positive, got 0\.0"):
        ls.sweep_deviation(THETA, PHI, jnp.array([0.1, 0.0]), X[:, None], Y)
