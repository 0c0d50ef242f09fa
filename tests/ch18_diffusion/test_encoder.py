import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch18_diffusion import encoder, mixture, schedules


def test_variance_settles_at_one():
    path = encoder.sample_diffusion(jax.random.key(0), jnp.full(20_000, 2.0), beta=0.05, steps=200)
    assert path.shape == (201, 20_000)
    assert abs(path[-1].var() - 1) < 0.03
    assert abs(path[-1].mean()) < 0.03


@pytest.mark.parametrize("beta", [0.03, schedules.linear(0.01, 0.1, 30)], ids=["one", "each"])
def test_many_steps_are_one_jump(beta):
    path = encoder.sample_diffusion(jax.random.key(1), jnp.full(50_000, -2.0), beta, 30)
    for t in (1, 10, 30):
        mean, deviation = encoder.diffusion_kernel(-2.0, t, beta)
        assert abs(path[t].mean() - mean) < 5 * deviation / np.sqrt(50_000)
        assert abs(path[t].std() / deviation - 1) < 0.02


def test_without_noise_the_data_shrink():
    path = encoder.diffuse(np.array([1.0, -3.0]), 0.19, np.zeros((4, 2)))
    np.testing.assert_allclose(path, 0.9 ** np.arange(5)[:, None] * [1, -3], rtol=1e-6)


def test_data_may_have_any_shape():
    path = encoder.sample_diffusion(jax.random.key(0), jnp.ones((3, 2, 2)), 0.1, 5)
    assert path.shape == (6, 3, 2, 2)
    assert encoder.sample_diffusion(jax.random.key(0), jnp.array(1.0), 0.1, 5).shape == (6,)


def test_kernel_of_zero_steps_is_the_data():
    assert encoder.diffusion_kernel(1.5, 0, 0.1) == (1.5, 0)


def test_marginal_is_the_exact_mixture_but_for_what_leaves_the_grid():
    x = np.arange(-6, 6, 0.01, dtype=np.float32)
    for t in (0, 1, 20, 100):
        density = jnp.exp(mixture.four_bumps().log_density(x))
        exact = jnp.exp(mixture.diffused(mixture.four_bumps(), t, 0.015).log_density(x))
        np.testing.assert_allclose(encoder.marginal(x, density, t, 0.015), exact, atol=2e-3)


def test_dtype_follows_the_data():
    for dtype in (np.float16, np.float32):
        x = np.ones(3, dtype)
        assert encoder.diffuse(x, 0.1, np.zeros((2, 3), np.float32)).dtype == dtype
        assert all(part.dtype == dtype for part in encoder.diffusion_kernel(x, 2, 0.1))
    with jax.enable_x64(True):
        assert encoder.sample_diffusion(jax.random.key(0), np.ones(3), 0.1, 2).dtype == np.float64


def test_works_under_jit_with_beta_as_an_argument():
    x, noise = jnp.ones(4), jnp.ones((3, 4))
    np.testing.assert_allclose(
        jax.jit(encoder.diffuse)(x, 0.2, noise), encoder.diffuse(x, 0.2, noise), rtol=1e-6
    )
    jitted = jax.jit(encoder.diffusion_kernel)(x, 3, 0.2)
    np.testing.assert_allclose(jitted[0], encoder.diffusion_kernel(x, 3, 0.2)[0], rtol=1e-6)


def test_gradient_of_a_path_by_beta_is_finite():
    x, noise = jnp.ones(4), jax.random.normal(jax.random.key(0), (3, 4))
    slope = jax.grad(lambda beta: encoder.diffuse(x, beta, noise)[-1].sum())(0.2)
    around = [encoder.diffuse(x, beta, noise)[-1].sum() for beta in (0.19, 0.21)]
    np.testing.assert_allclose(slope, (around[1] - around[0]) / 0.02, rtol=0.02)


@pytest.mark.parametrize("beta", [0.0, 1.0, -0.1, float("nan")])
def test_beta_out_of_range_is_told(beta):
    with pytest.raises(ValueError, match="beta must lie strictly between 0 and 1"):
        encoder.diffuse(jnp.ones(2), beta, jnp.zeros((1, 2)))
    with pytest.raises(ValueError, match="beta must lie strictly between 0 and 1"):
        encoder.diffusion_kernel(1.0, 3, beta)


def test_other_bad_input_is_told():
    with pytest.raises(ValueError, match=r"noise must have the shape .*, got \(3, 1\)"):
        encoder.diffuse(jnp.ones(2), 0.1, jnp.zeros((3, 1)))
    with pytest.raises(ValueError, match="noise must have one row for each of 2 steps, got 3"):
        encoder.diffuse(jnp.ones(2), np.array([0.1, 0.2]), jnp.zeros((3, 2)))
    with pytest.raises(ValueError, match="x must be equally spaced and rising"):
        encoder.marginal(jnp.array([0.0, 1.0, 3.0]), jnp.ones(3), 2, 0.1)
    with pytest.raises(ValueError, match="x must have two places at least"):
        encoder.marginal(jnp.array([0.0]), jnp.ones(1), 2, 0.1)
    with pytest.raises(ValueError, match="density must have the shape"):
        encoder.marginal(jnp.arange(3.0), jnp.ones(4), 2, 0.1)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        encoder.sample_diffusion(jax.random.key(0), jnp.ones(2), 0.1, 0)
    with pytest.raises(ValueError, match="t must not be negative"):
        encoder.diffusion_kernel(1.0, -2, 0.1)
