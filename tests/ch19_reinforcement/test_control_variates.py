import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import control_variates as cv


@pytest.fixture(scope="module")
def million():
    """Variances of a million estimates of five samples, as in the notebook, for several coefficients."""
    return cv.simulate(jax.random.key(0), 0.8, jnp.array([0.0, 1.0, 0.8]))


def test_variances_of_the_notebook(million):
    means, variances = million
    np.testing.assert_allclose(variances, [0.2, 0.08, 0.072], rtol=0.01)
    np.testing.assert_allclose(means, 0, atol=5 * np.sqrt(0.2 / 1e6))


@pytest.mark.parametrize("correlation", [-1.0, -0.5, 0.0, 0.3, 0.5, 0.9, 1.0])
def test_closed_form_is_what_simulations_give(correlation):
    coefficients = jnp.array([-1.0, 0.0, 0.4, 1.0, 2.0])
    _, found = cv.simulate(jax.random.key(1), correlation, coefficients, samples=3, estimates=100_000)
    exact = [cv.estimator_variance(3, correlation, float(c)) for c in coefficients]
    np.testing.assert_allclose(found, exact, rtol=0.03, atol=1e-6)


def test_coefficient_one_hurts_below_a_correlation_of_a_half():
    at = lambda correlation, c: float(cv.estimator_variance(5, correlation, c))  # noqa: E731
    assert at(0.4, 1.0) > at(0.4, 0.0)
    assert at(0.5, 1.0) == pytest.approx(at(0.5, 0.0))
    assert at(0.6, 1.0) < at(0.6, 0.0)
    for correlation in (-0.9, -0.2, 0.1, 0.4, 0.99):
        best = at(correlation, correlation)
        assert best <= min(at(correlation, c) for c in np.linspace(-2, 2, 41)) + 1e-9
        assert best == pytest.approx((1 - correlation**2) / 5)


def test_variables_have_the_moments_that_they_should():
    a, b = cv.sample_correlated(jax.random.key(2), (400, 500), -0.7)
    assert a.shape == b.shape == (400, 500)
    np.testing.assert_allclose(np.corrcoef(a.ravel(), b.ravel())[0, 1], -0.7, atol=0.005)
    np.testing.assert_allclose([a.std(), b.std()], 1, atol=0.01)
    np.testing.assert_allclose([a.mean(), b.mean()], 0, atol=0.01)


def test_best_coefficient_finds_the_slope_and_says_nothing_of_a_constant():
    a, b = cv.sample_correlated(jax.random.key(3), (200_000,), 0.8)
    assert cv.best_coefficient(5 * a + 2, 2 * b - 7) == pytest.approx(5 * 0.8 / 2, abs=0.02)
    assert cv.best_coefficient(a, jnp.full(a.shape, 3.0)) == 0
    assert cv.best_coefficient(a.reshape(100, -1), b.reshape(100, -1)).shape == (100,)


def test_a_coefficient_from_the_same_few_samples_costs_what_theory_says():
    a, b = cv.sample_correlated(jax.random.key(4), (200_000, 5), 0.8)
    found = cv.control_variate(a, b, cv.best_coefficient(a, b))
    assert abs(found.mean()) < 5 * np.sqrt(0.108 / 200_000)
    assert found.var() == pytest.approx(0.072 * (5 - 2) / (5 - 3), rel=0.03)  # Lavenberg and Welch (1981)


def test_known_mean_of_the_variate_is_used():
    a, b = cv.sample_correlated(jax.random.key(5), (100_000, 4), 0.9)
    moved = cv.control_variate(a, b + 3, 0.9, mean_b=3.0)
    np.testing.assert_allclose(moved, cv.control_variate(a, b, 0.9), atol=1e-5)
    each = cv.control_variate(a, b + 3, jnp.full(100_000, 0.9), jnp.full(100_000, 3.0))
    np.testing.assert_allclose(each, moved, atol=1e-5)


def test_edges():
    one = jnp.array([2.0])
    assert cv.control_variate(one, one, 0.0) == 2
    assert cv.control_variate(one, one) == 0
    for correlation in (-1.0, 1.0):
        np.testing.assert_array_equal(cv.correlated(one, jnp.array([9.0]), correlation)[1], correlation * one)


def test_dtype_follows_the_draws():
    for dtype in (np.float16, np.float32):
        a, b = cv.correlated(np.ones(3, dtype), np.ones(3, dtype), 0.5)
        assert (
            a.dtype == b.dtype == cv.control_variate(a, b).dtype == cv.best_coefficient(a, b).dtype == dtype
        )
    with jax.enable_x64(True):
        assert cv.sample_correlated(jax.random.key(0), (4,), 0.5)[1].dtype == np.float64
        assert cv.simulate(jax.random.key(0), 0.5, np.ones(2), estimates=9)[1].dtype == np.float64


def test_jit_vmap_and_grad():
    a, b = cv.sample_correlated(jax.random.key(6), (10, 50), 0.6)
    every = jax.jit(jax.vmap(cv.control_variate, in_axes=(None, None, 0)))(a, b, jnp.array([0.0, 0.6]))
    np.testing.assert_allclose(every[1], cv.control_variate(a, b, 0.6), rtol=1e-5)
    slope = jax.grad(lambda c: cv.estimator_variance(5, 0.6, c))
    assert slope(0.6) == pytest.approx(0, abs=1e-6)
    assert slope(1.0) > 0


@pytest.mark.parametrize("correlation", [1.2, -1.01, float("nan"), float("inf")])
def test_correlation_out_of_range_is_told(correlation):
    for call in (
        lambda: cv.correlated(jnp.ones(2), jnp.ones(2), correlation),
        lambda: cv.sample_correlated(jax.random.key(0), (2,), correlation),
        lambda: cv.estimator_variance(5, correlation),
        lambda: cv.simulate(jax.random.key(0), correlation, jnp.ones(1)),
    ):
        with pytest.raises(ValueError, match="correlation must be"):
            call()


def test_other_bad_input_is_told():
    with pytest.raises(ValueError, match=r"b must have the shape .* got \(3,\)"):
        cv.control_variate(jnp.ones(2), jnp.ones(3))
    with pytest.raises(
        ValueError, match=r"coefficient must be one number or have the shape \(4,\), got \(3,\)"
    ):
        cv.control_variate(jnp.ones((4, 3)), jnp.ones((4, 3)), jnp.ones(3))
    with pytest.raises(ValueError, match=r"mean_b must be one number or have the shape \(\), got \(2,\)"):
        cv.control_variate(jnp.ones(2), jnp.ones(2), 1.0, jnp.ones(2))
    with pytest.raises(ValueError, match="a must not be empty"):
        cv.control_variate(jnp.ones((4, 0)), jnp.ones((4, 0)))
    with pytest.raises(ValueError, match="samples must be at least 1, got 0"):
        cv.estimator_variance(0, 0.5)
    with pytest.raises(ValueError, match="deviation_b must not be negative, got -1"):
        cv.estimator_variance(5, 0.5, deviation_b=-1.0)
    with pytest.raises(TypeError, match="estimates must be an integer"):
        cv.simulate(jax.random.key(0), 0.5, jnp.ones(1), estimates=1.5)
    with pytest.raises(ValueError, match=r"shape\[1\] must be at least 1"):
        cv.sample_correlated(jax.random.key(0), (2, 0), 0.5)
