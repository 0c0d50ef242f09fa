import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch17_vaes import reparameterization as trick

NOISE = jax.random.normal(jax.random.key(0), (1000,))
PHIS = (-1.3, -0.1, 0.3, 1.1)


@pytest.mark.parametrize("phi", PHIS)
def test_gradient_along_the_path_is_jaxs(phi):
    np.testing.assert_allclose(
        trick.reparameterized_gradient(phi, NOISE), jax.grad(trick.expectation)(phi, NOISE), rtol=1e-4
    )


@pytest.mark.parametrize("phi", PHIS)
def test_score_is_jaxs(phi):
    x = np.linspace(-4, 4, 30, dtype=np.float32)
    by_jax = jax.vmap(jax.grad(trick.log_density, argnums=1), in_axes=(0, None))(x, phi)
    np.testing.assert_allclose(trick.d_log_density(x, phi), by_jax, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("phi", PHIS)
def test_all_estimators_estimate_the_exact_values(phi):
    noise = jax.random.normal(jax.random.key(1), (200_000,))
    slope = jax.grad(trick.exact_expectation)(phi)
    estimates = (
        (trick.integrand(trick.sample_path(phi, noise)), trick.exact_expectation(phi)),
        (trick.path_derivative(phi, noise), slope),
        (trick.score_derivative(phi, noise), slope),
        (trick.score_derivative(phi, noise, trick.exact_expectation(phi)), slope),
    )
    for each, exact in estimates:
        assert abs(each.mean() - exact) < 5 * each.std() / np.sqrt(noise.size)


def test_antithetic_draws_of_the_score_without_a_function_cancel():
    """The score is zero on average, so a baseline changes nothing in the long run."""
    shift = trick.score_function_gradient(0.3, NOISE) - trick.score_function_gradient(0.3, NOISE, 5.0)
    np.testing.assert_allclose(
        shift, 5 * trick.d_log_density(trick.sample_path(0.3, NOISE), 0.3).mean(), rtol=1e-3
    )


def test_exact_values():
    """By hand: mean 0, deviation 1 at phi 0, where the sine is zero on average."""
    assert trick.exact_expectation(0.0) == 1
    np.testing.assert_allclose(trick.exact_expectation(0.5), 2.765933, rtol=1e-6)
    np.testing.assert_allclose(trick.exact_expectation(-0.1), 0.818068, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(trick.exact_expectation)(0.5), 5.728164, rtol=1e-6)


def test_dtype_follows_the_draws_and_jit_and_vmap_work():
    assert trick.sample_path(0.5, np.zeros(3, np.float16)).dtype == np.float16
    assert trick.expectation(np.float64(0.5), np.zeros(3, np.float32)).dtype == np.float32
    with jax.enable_x64(True):
        assert trick.reparameterized_gradient(0.5, np.zeros(3)).dtype == np.float64
    many = jax.jit(jax.vmap(trick.score_function_gradient, in_axes=(0, None)))(jnp.array(PHIS), NOISE)
    np.testing.assert_allclose(many, [trick.score_function_gradient(phi, NOISE) for phi in PHIS], rtol=1e-4)


def test_bad_input_is_told():
    for phi in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="phi must be"):
            trick.expectation(phi, NOISE)
    with pytest.raises(ValueError, match="phi must be"):
        trick.expectation(jnp.zeros(3), NOISE)
    with pytest.raises(ValueError, match="noise must have the shape"):
        trick.reparameterized_gradient(0.1, NOISE[None])
    with pytest.raises(ValueError, match="noise must not be empty"):
        trick.expectation(0.1, jnp.zeros(0))
    with pytest.raises(ValueError, match="baseline must be"):
        trick.score_function_gradient(0.1, NOISE, float("nan"))
