import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

from udl_jax.ch18_diffusion import encoder, mixture

BOOK = mixture.four_bumps()


def test_samples_have_the_mean_and_the_variance_of_the_mixture():
    x = mixture.draw(jax.random.key(0), 200_000)
    weights = np.exp(BOOK.log_weights)
    mean = weights @ BOOK.means
    variance = weights @ (BOOK.deviations**2 + BOOK.means**2) - mean**2
    assert abs(x.mean() - mean) < 5 * np.sqrt(variance / len(x))
    assert abs(x.var() - variance) < 0.02
    assert mixture.histogram_distance(BOOK, x) < 0.025


def test_uniform_numbers_pick_the_component_at_whose_cumulative_weight_they_lie():
    edges = np.array([0, 0.19999, 0.20001, 0.49999, 0.50001, 0.84999, 0.85001, 0.99999], np.float32)
    chosen = mixture.sample(BOOK, edges, np.zeros(8, np.float32))
    np.testing.assert_array_equal(chosen, np.repeat(BOOK.means, 2))


def test_diffused_mixture_is_the_distribution_of_diffused_samples():
    x = mixture.draw(jax.random.key(1), 100_000)
    z = encoder.sample_diffusion(jax.random.key(2), x, 0.05, 15)[-1]
    assert mixture.histogram_distance(mixture.diffused(BOOK, 15, 0.05), z) < 0.03
    assert mixture.histogram_distance(BOOK, z) > 0.3


def test_diffused_mixture_ends_as_a_standard_normal():
    late = mixture.diffused(BOOK, 2000, 0.05)
    np.testing.assert_allclose(late.means, 0, atol=1e-6)
    np.testing.assert_allclose(late.deviations, 1, rtol=1e-6)


def test_expected_noise_is_the_average_of_the_noise_that_led_there():
    key = jax.random.key(3)
    x, noise = mixture.draw(key, 400_000), jax.random.normal(key, (400_000,))
    mean, deviation = encoder.diffusion_kernel(x, 20, 0.02)
    z = mean + deviation * noise
    for place in (-1.2, 0.1, 0.9):
        near = jnp.abs(z - place) < 0.05
        found = jnp.sum(noise * near) / jnp.sum(near)
        assert abs(found - mixture.expected_noise(BOOK, 0.02, jnp.array(place), 20)) < 0.05


def test_expected_noise_is_the_slope_of_the_log_density():
    z = np.linspace(-3, 3, 25, dtype=np.float32)
    deviation = encoder.diffusion_kernel(0.0, 12, 0.03)[1]
    slope = jax.vmap(jax.grad(mixture.diffused(BOOK, 12, 0.03).log_density))(z)
    np.testing.assert_allclose(
        mixture.expected_noise(BOOK, 0.03, z, 12), -deviation * slope, rtol=1e-3, atol=1e-3
    )


def test_expected_noise_is_finite_far_out_and_at_the_start():
    far = mixture.expected_noise(BOOK, 0.01, jnp.array([-40.0, 40.0]), 5)
    assert jnp.all(jnp.isfinite(far))
    np.testing.assert_array_equal(mixture.expected_noise(BOOK, 0.01, jnp.array([0.3]), 0), 0)


def test_mixture_integrates_to_one():
    total, _ = integrate.quad(lambda x: float(jnp.exp(BOOK.log_density(jnp.array(x)))), -4, 4, limit=100)
    assert abs(total - 1) < 1e-3


def test_histogram_distance_is_two_for_samples_where_nothing_should_be():
    nowhere = mixture.make_mixture([1.0], [0.0], [0.01])
    assert mixture.histogram_distance(nowhere, jnp.full(7, 2.02)) == pytest.approx(2)
    assert mixture.histogram_distance(nowhere, jnp.full(7, 99.0)) == pytest.approx(2)


def test_dtype_follows_the_draws():
    with jax.enable_x64(True):
        u = np.array([0.1, 0.9])
        assert mixture.sample(mixture.four_bumps(), u, u).dtype == np.float64
        assert mixture.sample(mixture.four_bumps(), u, u.astype(np.float32)).dtype == np.float32
        z = np.zeros(3, np.float32)
        assert mixture.expected_noise(mixture.four_bumps(), 0.1, z, 4).dtype == np.float32


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (([0.5, 0.6], [0, 1], [1, 1]), "weights must be numbers that add up to one"),
        (([-0.5, 1.5], [0, 1], [1, 1]), "weights must be positive, got -0.5"),
        (([0.5, 0.5], [0, 1, 2], [1, 1]), "means must have the shape"),
        (([0.5, 0.5], [0, 1], [1, 0]), "deviations must be positive and finite, got 0"),
        (([0.5, 0.5], [0, np.inf], [1, 1]), "means must be finite"),
    ],
)
def test_impossible_mixtures_are_told(arguments, told):
    with pytest.raises(ValueError, match=told):
        mixture.make_mixture(*(np.array(part, np.float32) for part in arguments))


def test_other_bad_input_is_told():
    with pytest.raises(ValueError, match=r"uniforms must be in \[0, 1\), got 1"):
        mixture.sample(BOOK, np.array([1.0]), np.array([0.0]))
    with pytest.raises(ValueError, match="noise must have the shape"):
        mixture.sample(BOOK, np.array([0.5]), np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="count must be at least 1"):
        mixture.draw(jax.random.key(0), 0)
    with pytest.raises(ValueError, match="width must be positive"):
        mixture.histogram_distance(BOOK, jnp.zeros(3), 0.0)
