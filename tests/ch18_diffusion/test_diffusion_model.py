import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch18_diffusion import diffusion_model as model
from udl_jax.ch18_diffusion import encoder, mixture, schedules

X = mixture.draw(jax.random.key(0), 20_000)
TABLES = model.draw_tables(jax.random.key(1), X, 0.05, 30)


def density(z, mean, deviation):
    return np.exp(-(((z - mean) / deviation) ** 2) / 2) / deviation


@pytest.mark.parametrize("beta", [0.2, np.array([0.1, 0.3, 0.2, 0.4, 0.25], np.float32)], ids=["one", "each"])
def test_conditional_is_what_bayes_rule_makes_of_two_steps(beta):
    """Divide the product of the way to t - 1 and of the step to t by its sum over z_{t-1}."""
    before = np.linspace(-6, 6, 4001)
    x, z, t = 0.7, -0.4, 4
    step = beta if np.ndim(beta) == 0 else beta[t - 1]
    product = density(before, *encoder.diffusion_kernel(x, t - 1, beta))
    product = product * density(z, np.sqrt(1 - step) * before, np.sqrt(step))
    product = product / product.sum()
    mean, deviation = model.conditional_diffusion(x, z, t, beta)
    np.testing.assert_allclose(mean, product @ before, rtol=1e-4)
    np.testing.assert_allclose(deviation**2, product @ before**2 - (product @ before) ** 2, rtol=1e-3)


def test_one_step_before_the_first_stand_the_data():
    z, before = model.data_pairs(X, jnp.ones_like(X), jnp.ones_like(X), 1, 0.05)
    np.testing.assert_allclose(before, X, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(z, np.sqrt(0.95) * X + np.sqrt(0.05), rtol=1e-4, atol=1e-5)


def test_pairs_are_distributed_as_two_steps_of_the_forward_process():
    noise = jax.random.normal(jax.random.key(2), (2, len(X)))
    z, before = model.data_pairs(X, *noise, 12, 0.05)
    path = encoder.sample_diffusion(jax.random.key(3), X, 0.05, 12)
    assert mixture.histogram_distance(mixture.diffused(mixture.four_bumps(), 11, 0.05), before) < 0.08
    ours, theirs = np.cov(z, before), np.cov(path[12], path[11])
    np.testing.assert_allclose(ours, theirs, atol=0.05)


def test_samples_resemble_the_data_far_more_than_where_they_started():
    path = model.draw_samples(jax.random.key(4), TABLES, 20_000, np.sqrt(0.05), last_noise=False)
    assert path.shape == (31, 20_000)
    book = mixture.four_bumps()
    at_start, at_end = (mixture.histogram_distance(book, path[t]) for t in (30, 0))
    assert at_end < 0.4
    assert at_start > 0.5


def test_noise_at_the_very_last_step_blurs_the_samples():
    start, noise = jnp.zeros(50), jax.random.normal(jax.random.key(5), (30, 50))
    with_noise, without = (
        model.sample(TABLES, start, noise, 0.3, last_noise=last_noise) for last_noise in (True, False)
    )
    np.testing.assert_array_equal(with_noise[1:], without[1:])
    np.testing.assert_allclose(with_noise[0] - without[0], 0.3 * noise[0], rtol=1e-4, atol=1e-6)


def test_without_noise_every_step_is_the_prediction():
    path = model.sample(TABLES, jnp.array([-1.0, 0.5]), jnp.zeros((30, 2)), 0.0)
    for t in (1, 17, 30):
        np.testing.assert_allclose(path[t - 1], model.predict(TABLES, path[t], t), rtol=1e-6)


def test_tables_take_the_place_of_steps_in_their_order():
    noise = jax.random.normal(jax.random.key(6), (2, 30, len(X)))
    some = model.fit_tables(X, noise[0, :7], noise[1, :7], 0.05)
    every = model.fit_tables(X, *noise, 0.05)
    np.testing.assert_allclose(some.values, every.values[:7], rtol=1e-4, atol=1e-5)


def test_dtype_follows_the_inputs_and_jit_changes_nothing():
    with jax.enable_x64(True):
        x = np.linspace(-2, 2, 100)
        noise = np.random.default_rng(0).normal(size=(2, 5, 100))
        tables = model.fit_tables(x, *noise, 0.1)
        assert tables.values.dtype == np.float64
        path = model.sample(tables, noise[0, 0], noise[1], 0.1)
        assert path.dtype == np.float64
        np.testing.assert_allclose(
            jax.jit(model.sample)(tables, noise[0, 0], noise[1], 0.1), path, rtol=1e-12
        )
    z = np.zeros(3, np.float32)
    assert model.conditional_diffusion(z, z, 3, schedules.cosine(5))[0].dtype == np.float32


def test_bad_input_is_told():
    z = jnp.zeros(3)
    with pytest.raises(ValueError, match="z must have the shape"):
        model.conditional_diffusion(z, jnp.zeros((3, 1)), 2, 0.1)
    with pytest.raises(ValueError, match="t must be at least 1, got 0"):
        model.conditional_diffusion(z, z, 0, 0.1)
    with pytest.raises(ValueError, match="beta must lie strictly between 0 and 1"):
        model.conditional_diffusion(z, z, 1, 1.5)
    with pytest.raises(ValueError, match="t must be a whole number up to the 30 steps"):
        model.predict(TABLES, z, 31)
    with pytest.raises(ValueError, match="sigma must not be negative"):
        model.sample(TABLES, z, jnp.zeros((30, 3)), -0.1)
    with pytest.raises(ValueError, match="noise must have one row for each of 30 tables, got 29"):
        model.sample(TABLES, z, jnp.zeros((29, 3)), 0.1)
    with pytest.raises(ValueError, match="noise_before must have the shape"):
        model.fit_tables(z, jnp.zeros((4, 3)), jnp.zeros((5, 3)), 0.1)
    with pytest.raises(ValueError, match="noise must have one row for each of 2 steps, got 4"):
        model.fit_tables(z, jnp.zeros((4, 3)), jnp.zeros((4, 3)), np.array([0.1, 0.2]))
