import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch17_vaes import elbo_terms


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_divergence_by_hand(dtype):
    """A sum over latent variables, the logarithm of a variance and not a deviation, and tiny variances."""
    with jax.enable_x64(dtype == np.float64):
        mean = np.array([[1, 0], [1, 0]], dtype)
        np.testing.assert_allclose(elbo_terms.gaussian_kl(mean, 0 * mean), 0.5)
        zero = np.zeros(1, dtype)
        np.testing.assert_allclose(elbo_terms.gaussian_kl(zero, zero + np.log(4)), 0.8068528, rtol=1e-6)
        narrow = elbo_terms.gaussian_kl(zero, zero - 200)
        np.testing.assert_allclose(narrow, 99.5, rtol=1e-6)
        assert narrow.dtype == dtype
        slope = jax.grad(lambda log_variance: elbo_terms.gaussian_kl(zero, log_variance))(
            jnp.asarray(zero - 200)
        )
        np.testing.assert_allclose(slope, -0.5, rtol=1e-6)


def test_divergence_near_zero_keeps_its_digits():
    """Half the squared log-variance over two, of which a difference of exponential and one would leave nothing."""
    small = elbo_terms.gaussian_kl(jnp.zeros(1), jnp.full(1, 1e-3))
    np.testing.assert_allclose(small, 1e-6 / 4, rtol=1e-2)


def test_likelihood_of_pixels_by_hand():
    logit = np.log(0.9 / 0.1)
    ours = elbo_terms.log_likelihood_of(jnp.array([1.0]), jnp.array([logit]))
    np.testing.assert_allclose(ours, -0.1053605, rtol=1e-5)
    for x, expected in ((0.0, -100.0), (1.0, 0.0)):
        np.testing.assert_allclose(
            elbo_terms.log_likelihood_of(jnp.array([x]), jnp.array([100.0])), expected, atol=1e-6
        )
    assert elbo_terms.log_likelihood_of(jnp.ones((3, 7)), jnp.zeros((3, 7))).shape == (3,)


def test_likelihood_with_a_variance_is_the_normal_density():
    ours = elbo_terms.log_likelihood_of(jnp.array([0.3, -0.2]), jnp.array([0.1, 0.1]), 0.04)
    exact = -(0.2**2 + 0.3**2) / 0.08 - np.log(2 * np.pi * 0.04)
    np.testing.assert_allclose(ours, exact, rtol=1e-5)


def test_bad_input_is_told():
    with pytest.raises(
        ValueError, match=r"x must be pixels in \[0, 1\], where there is no sigma_sq, got 255"
    ):
        elbo_terms.log_likelihood_of(jnp.array([255.0]), jnp.array([2.0]))
    with pytest.raises(ValueError, match="decoded must have the shape"):
        elbo_terms.log_likelihood_of(jnp.ones((2, 3)), jnp.ones((2, 1)))
    with pytest.raises(ValueError, match="sigma_sq must be positive"):
        elbo_terms.log_likelihood_of(jnp.ones(3), jnp.ones(3), 0.0)
    with pytest.raises(ValueError, match="log_variance must have the shape"):
        elbo_terms.gaussian_kl(jnp.ones((2, 3)), jnp.ones(3))
