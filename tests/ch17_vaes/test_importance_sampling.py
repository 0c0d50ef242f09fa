import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy import stats

from udl_jax.ch17_vaes import importance_sampling as sampling

NOISE = jax.random.normal(jax.random.key(0), (10_000, 40))
#: By quadrature: what is estimated, and the variance of one draw.
EXACT = {"near": (0.4315874, 0.1794), "far": (0.4316417, 5.743), "weighted": (0.4316417, 0.3117)}
WAYS = {
    "near": (sampling.near_function, 0.0),
    "far": (sampling.far_function, 0.0),
    "weighted": (sampling.far_function, 3.0),
}


@pytest.mark.parametrize("name", WAYS)
def test_mean_and_variance_are_those_of_quadrature(name):
    f, mean = WAYS[name]
    means, variances = sampling.estimator_spread(f, NOISE, (10, 40), mean)
    truth, variance = EXACT[name]
    for size, found, scatter in zip((10, 40), means, variances):
        assert abs(found - truth) < 5 * np.sqrt(variance / size / 10_000)
        assert abs(scatter * size / variance - 1) < 0.1


def test_weights_of_the_right_distribution_are_one():
    y = NOISE[0]
    log_p = stats.norm.logpdf(y)
    np.testing.assert_allclose(
        sampling.weighted_expectation(jnp.square, y, log_p, log_p),
        sampling.expectation(jnp.square, y),
        rtol=1e-6,
    )


def test_self_normalised_weights_may_have_any_factor():
    y, log_weights = NOISE[0], jnp.sin(NOISE[0])
    ours = [sampling.self_normalized(jnp.cos, y, log_weights + shift) for shift in (0.0, 300.0, -300.0)]
    np.testing.assert_allclose(ours, ours[0], rtol=1e-4)
    np.testing.assert_allclose(sampling.self_normalized(jnp.ones_like, y, log_weights), 1, rtol=1e-5)


def test_effective_sample_size_counts():
    assert sampling.effective_sample_size(jnp.full(17, -800.0)) == pytest.approx(17, rel=1e-4)
    ten_of_many = jnp.where(jnp.arange(100) < 10, 0.0, -1e4)
    assert sampling.effective_sample_size(ten_of_many) == pytest.approx(10, rel=1e-4)
    wide, narrow = (
        sampling.effective_sample_size(
            stats.norm.logpdf(d * NOISE[0]) - stats.norm.logpdf(d * NOISE[0], 0, d)
        )
        for d in (1.2, 0.4)
    )
    assert narrow < wide < 40


def test_log_mean_weight_never_overflows_and_grows_with_draws_on_average():
    np.testing.assert_allclose(sampling.log_mean_weight(jnp.array([800.0, 800.0])), 800)
    log_weights = 1.5 * NOISE
    bounds = [sampling.log_mean_weight(log_weights[:, :n]).mean() for n in (1, 4, 40)]
    assert bounds[0] < bounds[1] < bounds[2] < 1.5**2 / 2


def test_estimate_with_the_best_proposal_has_no_variance():
    """Where q is proportional to p times the function, every draw gives the same: here the function is exp(2y)."""
    estimates = sampling.normal_estimate(lambda y: jnp.exp(2 * y), NOISE[:, :1], mean=2.0)
    np.testing.assert_allclose(estimates, np.exp(2), rtol=1e-4)


def test_dtype_and_jit():
    assert sampling.normal_estimate(sampling.near_function, np.zeros(3, np.float16)).dtype == np.float16
    with jax.enable_x64(True):
        noise = np.zeros((2, 3))
        assert sampling.estimator_spread(sampling.near_function, noise, (1, 3))[0].dtype == np.float64
        assert sampling.sample_estimates(jax.random.key(0), jnp.square, 5, 2).dtype == np.float64
    jitted = jax.jit(sampling.estimator_spread, static_argnums=(0, 2))(sampling.far_function, NOISE, (1, 9))
    np.testing.assert_allclose(
        jitted, sampling.estimator_spread(sampling.far_function, NOISE, (1, 9)), rtol=1e-4
    )


def test_bad_input_is_told():
    y = NOISE[0]
    with pytest.raises(ValueError, match="log_p must have the shape"):
        sampling.weighted_expectation(jnp.square, y, y[:, None], y)
    with pytest.raises(ValueError, match="log_weights must have the shape"):
        sampling.self_normalized(jnp.square, y, y[:3])
    with pytest.raises(ValueError, match="deviation must be positive"):
        sampling.normal_estimate(jnp.square, y, 0.0, 0.0)
    with pytest.raises(ValueError, match="mean must be"):
        sampling.normal_estimate(jnp.square, y, float("nan"))
    with pytest.raises(ValueError, match="sizes must be at most the 40 draws of a row, got 41"):
        sampling.estimator_spread(jnp.square, NOISE, (1, 41))
    with pytest.raises(ValueError, match=r"sizes\[0\] must be at least 1"):
        sampling.estimator_spread(jnp.square, NOISE, (0,))
    with pytest.raises(ValueError, match="y must not be empty"):
        sampling.expectation(jnp.square, jnp.zeros(0))
    with pytest.raises(TypeError, match="f must be a function"):
        sampling.expectation(3.0, y)
    with pytest.raises(ValueError, match="estimates must be at least 1"):
        sampling.sample_estimates(jax.random.key(0), jnp.square, 0, 2)
