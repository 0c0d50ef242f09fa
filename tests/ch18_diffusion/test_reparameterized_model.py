import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch18_diffusion import diffusion_model, encoder, mixture
from udl_jax.ch18_diffusion import reparameterized_model as model

BOOK = mixture.four_bumps()
BETA, STEPS = 0.05, 40
EXACT = mixture.exact_model(BOOK, BETA)


def test_reverse_mean_of_the_true_noise_is_the_mean_given_the_data():
    """Equation 18.15's mean, with the data written as sample and noise, is what algorithm 18.2 computes."""
    x, noise = jax.random.normal(jax.random.key(0), (2, 50))
    for t in (1, 2, 30):
        z, _ = model.noise_pairs(x, noise, t, BETA)
        mean, _ = diffusion_model.conditional_diffusion(x, z, t, BETA)
        np.testing.assert_allclose(model.reverse_mean(z, noise, t, BETA), mean, rtol=1e-3, atol=1e-4)


def test_pairs_are_the_diffusion_kernel():
    x = jnp.full(100_000, 1.3)
    z, noise = model.noise_pairs(x, jax.random.normal(jax.random.key(1), x.shape), 10, BETA)
    mean, deviation = encoder.diffusion_kernel(1.3, 10, BETA)
    assert abs(z.mean() - mean) < 0.02
    assert abs(z.std() - deviation) < 0.02
    np.testing.assert_allclose(z, mean + deviation * noise, rtol=1e-4, atol=1e-5)


def test_tables_learn_the_expected_noise():
    x = mixture.draw(jax.random.key(2), 200_000)
    tables = model.draw_tables(jax.random.key(3), x, BETA, 12, 60, trained_at=1)
    z = np.linspace(-1.95, 1.95, 40, dtype=np.float32)
    learned, exact = model.table_model(tables)(z, 12), EXACT(z, 12)
    assert np.abs(learned - exact).mean() < 0.05


def test_table_of_the_first_step_learns_nothing_at_the_notebooks_time():
    x = mixture.draw(jax.random.key(4), 50_000)
    tables = model.draw_tables(jax.random.key(5), x, BETA, 2, 60)
    full = np.abs(np.linspace(-3, 3, 60)) < 1
    assert np.abs(tables.values[0][full]).mean() < 0.1


def test_exact_denoiser_brings_the_data_back():
    noise = jax.random.normal(jax.random.key(6), (STEPS + 1, 50_000))
    distance = {}
    for last_noise in (True, False):
        path = model.sample(EXACT, noise[-1], noise[:-1], BETA, np.sqrt(BETA), last_noise=last_noise)
        distance[last_noise] = mixture.histogram_distance(BOOK, path[0])
    assert distance[False] < 0.21
    assert distance[False] < distance[True] < 0.4


def test_wrong_times_cost():
    x = mixture.draw(jax.random.key(7), 50_000)
    noise = jax.random.normal(jax.random.key(8), (STEPS + 1, 50_000))
    found = []
    for trained_at, sampled_at in ((0, 1), (0, 0), (1, 0)):
        tables = model.draw_tables(jax.random.key(9), x, BETA, STEPS, trained_at=trained_at)
        settings = {"sampled_at": sampled_at}
        path = model.sample(model.table_model(tables), noise[-1], noise[:-1], BETA, np.sqrt(BETA), **settings)
        found.append(mixture.histogram_distance(BOOK, path[0]))
    assert found[0] > found[1] > found[2]


def test_any_function_is_a_model_and_any_shape_is_a_sample():
    path = model.sample(lambda z, t: 0 * z, jnp.ones((2, 3)), jnp.zeros((4, 2, 3)), 0.19, 0.0)
    np.testing.assert_allclose(path[:, 0, 0], 0.9 ** -np.arange(4.0, -1, -1), rtol=1e-5)


def test_models_pass_through_jit_and_doubles_stay_doubles():
    with jax.enable_x64(True):
        exact = mixture.exact_model(mixture.four_bumps(), BETA)
        noise = np.random.default_rng(0).normal(size=(6, 10))
        path = model.sample(exact, noise[-1], noise[:-1], BETA, 0.1)
        assert path.dtype == np.float64
        np.testing.assert_allclose(
            jax.jit(model.sample)(exact, noise[-1], noise[:-1], BETA, 0.1), path, rtol=1e-9
        )


def test_bad_input_is_told():
    z = jnp.zeros(3)
    with pytest.raises(ValueError, match="trained_at must be 0 or 1, got 2"):
        model.fit_tables(z, jnp.zeros((4, 3)), 0.1, trained_at=2)
    with pytest.raises(ValueError, match="sampled_at must not be negative, got -1"):
        model.reverse_mean(z, z, 1, 0.1, sampled_at=-1)
    with pytest.raises(ValueError, match="predicted must have the shape"):
        model.reverse_mean(z, jnp.zeros((3, 1)), 1, 0.1)
    with pytest.raises(ValueError, match="t must be at least 1"):
        model.reverse_mean(z, z, 0, 0.1)
    with pytest.raises(TypeError, match="model must be a function"):
        model.sample(3.0, z, jnp.zeros((4, 3)), 0.1, 0.1)
    with pytest.raises(ValueError, match="sigma must not be negative"):
        model.sample(EXACT, z, jnp.zeros((4, 3)), 0.1, -1.0)
    with pytest.raises(ValueError, match="sampled_at must be 0 where the schedule ends"):
        model.sample(EXACT, z, jnp.zeros((2, 3)), np.array([0.1, 0.2]), 0.1, sampled_at=1)
    with pytest.raises(ValueError, match="beta must lie strictly between 0 and 1"):
        model.noise_pairs(z, z, 3, 0.0)
    with pytest.raises(ValueError, match="beta must lie strictly between 0 and 1"):
        mixture.exact_model(BOOK, 1.0)
