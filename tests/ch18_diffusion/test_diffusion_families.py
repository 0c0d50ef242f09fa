import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch18_diffusion import diffusion_families as families
from udl_jax.ch18_diffusion import diffusion_model, mixture, schedules
from udl_jax.ch18_diffusion import reparameterized_model as reparameterized

BOOK = mixture.four_bumps()
BETA = 0.05
EXACT = mixture.exact_model(BOOK, BETA)


def signal(t):
    return float(schedules.signal_and_noise(BETA, t)[0])


def test_step_with_the_true_noise_lands_on_the_same_data_and_noise():
    x, noise = jax.random.normal(jax.random.key(0), (2, 20))
    z, _ = reparameterized.noise_pairs(x, noise, 30, BETA)
    for t in (0, 3, 29, 45):
        landed = families.ddim_step(z, noise, signal(30), signal(t))
        np.testing.assert_allclose(
            landed, reparameterized.noise_pairs(x, noise, t, BETA)[0], rtol=1e-3, atol=1e-3
        )


def test_step_with_the_posterior_deviation_is_the_step_of_the_diffusion_model():
    z, guess, noise = jax.random.normal(jax.random.key(1), (3, 20))
    for t in (2, 17):
        sigma = diffusion_model.conditional_diffusion(z, z, t, BETA)[1]
        ours = families.ddim_step(z, guess, signal(t), signal(t - 1), sigma, noise)
        theirs = reparameterized.reverse_mean(z, guess, t, BETA) + sigma * noise
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_more_fresh_noise_than_there_is_room_for_leaves_out_the_guess():
    step = functools.partial(families.ddim_step, jnp.ones(2), jnp.ones(2), 0.9, 0.99)
    landed = step(0.3, jnp.zeros(2))
    np.testing.assert_allclose(landed, np.sqrt(0.99) * (1 - np.sqrt(0.1)) / np.sqrt(0.9), rtol=1e-5)
    slope = jax.grad(lambda sigma: step(sigma, jnp.ones(2)).sum())
    assert np.isfinite(slope(0.3))
    assert np.isfinite(slope(0.1))


def test_without_noise_the_way_is_determined_and_leads_back():
    x = mixture.draw(jax.random.key(2), 200)
    times = range(0, 81)
    there = families.encode_ddim(EXACT, x, BETA, times)
    back = families.sample_ddim(EXACT, there[-1], None, BETA, times=times)
    assert np.median(np.abs(back[0] - x)) < 0.1
    coarse = families.encode_ddim(EXACT, x, BETA, range(0, 81, 10))
    coarse_back = families.sample_ddim(EXACT, coarse[-1], None, BETA, times=range(0, 81, 10))
    assert np.abs(back[0] - x).mean() < np.abs(coarse_back[0] - x).mean()


def test_fewer_steps_cost():
    start = jax.random.normal(jax.random.key(3), (50_000,))
    found = [
        mixture.histogram_distance(
            BOOK,
            families.sample_ddim(EXACT, start, None, BETA, times=families.even_times(steps, 80))[0],
        )
        for steps in (80, 16, 4)
    ]
    assert found[0] < found[1] < found[2]
    assert found[0] < 0.3


def test_last_step_adds_the_noise_of_its_row():
    noise = jax.random.normal(jax.random.key(4), (5, 30))
    quiet = noise.at[0].set(0)
    ours, theirs = (families.sample_ddim(EXACT, noise[-1], n, BETA, 0.05) for n in (noise, quiet))
    np.testing.assert_array_equal(ours[1:], theirs[1:])
    np.testing.assert_allclose(ours[0] - theirs[0], 0.05 * noise[0], rtol=1e-3, atol=1e-6)


def test_even_times():
    assert families.even_times(20, 100).tolist() == list(range(0, 101, 5))
    assert families.even_times(3, 3).tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="steps must be at most the 5 that there are, got 6"):
        families.even_times(6, 5)


def test_schedule_of_many_betas_and_jit_and_doubles():
    with jax.enable_x64(True):
        betas = schedules.linear(0.01, 0.1, 12)
        exact = mixture.exact_model(mixture.four_bumps(), betas)
        start = np.random.default_rng(0).normal(size=9)
        sample = functools.partial(families.sample_ddim, times=(0, 1, 6, 12))
        path = sample(exact, start, None, betas)
        assert path.dtype == np.float64
        np.testing.assert_allclose(jax.jit(sample)(exact, start, None, betas), path, rtol=1e-9)


def test_bad_input_is_told():
    z, noise = jnp.zeros(3), jnp.zeros((4, 3))
    with pytest.raises(ValueError, match=r"signal must be positive"):
        families.ddim_step(z, z, 0.0, 0.5)
    with pytest.raises(ValueError, match=r"signal_next must lie in \(0, 1\], got 1.5"):
        families.ddim_step(z, z, 0.5, 1.5)
    with pytest.raises(ValueError, match="sigma must not be negative"):
        families.ddim_step(z, z, 0.5, 0.6, -0.1)
    with pytest.raises(ValueError, match="predicted must have the shape"):
        families.ddim_step(z, jnp.zeros((3, 1)), 0.5, 0.6)
    with pytest.raises(ValueError, match="noise must be given unless sigma is known to be 0"):
        families.sample_ddim(EXACT, z, None, BETA, 0.1, (0, 1))
    with pytest.raises(ValueError, match="times must be given where there is no noise"):
        families.sample_ddim(EXACT, z, None, BETA)
    with pytest.raises(ValueError, match=r"times must rise from 0, got \[1, 3\]"):
        families.sample_ddim(EXACT, z, None, BETA, times=(1, 3))
    with pytest.raises(ValueError, match="noise must have one row for each of 2 steps, got 4"):
        families.sample_ddim(EXACT, z, noise, BETA, 0.1, (0, 1, 2))
    with pytest.raises(ValueError, match="times must end by the 2 steps of the schedule, got 3"):
        families.sample_ddim(EXACT, z, None, np.array([0.1, 0.2]), times=(0, 3))
    with pytest.raises(ValueError, match="shift must be 0 or 1"):
        families.sample_ddim(EXACT, z, noise, BETA, 0.1, shift=3)
    with pytest.raises(TypeError, match="model must be a function"):
        families.sample_ddim(None, z, noise, BETA)
