import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch17_vaes import gradient_estimators as estimators
from udl_jax.ch17_vaes import reparameterization as trick

NOISE = jax.random.normal(jax.random.key(0), (500,))


def test_general_forms_are_the_notebooks():
    along = estimators.pathwise(trick.integrand, trick.sample_path)
    np.testing.assert_allclose(along(0.4, NOISE), trick.reparameterized_gradient(0.4, NOISE), rtol=1e-4)
    by_score = estimators.score_function(trick.integrand, trick.log_density)
    x = trick.sample_path(0.4, NOISE)
    np.testing.assert_allclose(by_score(0.4, x), trick.score_function_gradient(0.4, NOISE), rtol=1e-3)


def test_trees_of_parameters_have_trees_of_gradients():
    phi = {"mean": jnp.array(0.5), "log_deviation": jnp.array(0.1)}
    sampler = lambda phi, epsilon: phi["mean"] + jnp.exp(phi["log_deviation"]) * epsilon  # noqa: E731
    gradient = estimators.pathwise(jnp.square, sampler)(phi, NOISE)
    x = sampler(phi, NOISE)
    np.testing.assert_allclose(gradient["mean"], 2 * x.mean(), rtol=1e-4)
    np.testing.assert_allclose(gradient["log_deviation"], (2 * x * (x - 0.5)).mean(), rtol=1e-4)


def test_the_score_function_differentiates_what_has_no_slope():
    """The chance that a normal number of mean phi is positive has the normal density as its slope."""
    draws = 0.3 + jax.random.normal(jax.random.key(1), (400_000,))
    log_density = lambda x, phi: -((x - phi) ** 2) / 2  # noqa: E731
    slope = estimators.score_function(lambda x: jnp.where(x > 0, 1.0, 0.0), log_density)(0.3, draws)
    assert abs(slope - np.exp(-0.045) / np.sqrt(2 * np.pi)) < 0.01


def test_moments_are_exact_for_polynomials():
    mean, variance = estimators.moments(lambda phi, noise: phi * noise**2, 3.0)
    np.testing.assert_allclose([mean, variance], [3, 18], rtol=1e-4)


def test_moments_of_the_two_estimators():
    """Both have the exact mean; the ratio of their variances is what the notebook asks about."""
    slope = jax.grad(trick.exact_expectation)
    ratios = []
    for phi in (-1.0, 0.3, 1.0):
        along, by_score = (
            estimators.moments(way, phi) for way in (trick.path_derivative, trick.score_derivative)
        )
        np.testing.assert_allclose([along[0], by_score[0]], slope(phi), rtol=1e-3)
        ratios.append(by_score[1] / along[1])
    np.testing.assert_allclose(ratios, [8.3, 9.6, 8.3], rtol=0.01)


def test_measured_variances_are_those_of_quadrature():
    noise = jax.random.normal(jax.random.key(2), (2000, 1000))
    along = jax.vmap(lambda row: trick.reparameterized_gradient(0.3, row))(noise).var()
    by_score = jax.vmap(lambda row: trick.score_function_gradient(0.3, row))(noise).var()
    assert abs(by_score / along / 9.6 - 1) < 0.15


def test_estimates_of_any_number_of_draws_are_averages(monkeypatch):
    monkeypatch.setattr(estimators, "_CHUNK", 1000)
    key = jax.random.key(3)
    found = estimators.estimate(lambda phi, noise: jnp.stack([jnp.ones(()), jnp.mean(noise)]), key, 0.5, 3700)
    assert found[0] == pytest.approx(1)
    assert abs(found[1]) < 5 / np.sqrt(3700)
    mean = estimators.estimate(trick.expectation, key, 0.5, 400_000)
    assert abs(mean - trick.exact_expectation(0.5)) < 0.05


def test_estimates_follow_the_key():
    ways = [estimators.estimate(trick.expectation, jax.random.key(seed), 0.5, 5000) for seed in (0, 0, 1)]
    assert ways[0] == ways[1] != ways[2]


def test_bad_input_is_told():
    with pytest.raises(ValueError, match="draws must be at least 1, got 0"):
        estimators.estimate(trick.expectation, jax.random.key(0), 0.5, 0)
    with pytest.raises(TypeError, match="estimate cannot run under jit"):
        jax.jit(lambda phi: estimators.estimate(trick.expectation, jax.random.key(0), phi, 5))(0.5)
    with pytest.raises(TypeError, match="key must come from"):
        estimators.estimate(trick.expectation, 0, 0.5, 5)
    with pytest.raises(ValueError, match="nodes must be at least 1"):
        estimators.moments(trick.path_derivative, 0.3, 0)
    with pytest.raises(TypeError, match="per_draw must be a function"):
        estimators.moments(3.0, 0.3)
