import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch18_diffusion import schedules


def test_cosine_of_four_steps():
    """Values by hand from the formula; the last is 1 before it is limited."""
    betas = schedules.cosine(4)
    np.testing.assert_allclose(betas, [0.1529878, 0.4169581, 0.7078587, 0.999], rtol=2e-6)
    signals = [schedules.signal_and_noise(betas, t)[0] for t in range(5)]
    np.testing.assert_allclose(signals, [1, 0.8470122, 0.4938436, 0.1442721, 0.0001443], rtol=3e-4)


def test_cosine_grid_counts_steps_from_zero():
    fractions = np.linspace(0, 1, 51)
    f = np.cos((fractions + 0.008) / 1.008 * np.pi / 2) ** 2
    betas = schedules.cosine(50)
    signals = jax.vmap(lambda t: schedules.signal_and_noise(betas, t)[0])(jnp.arange(50))
    np.testing.assert_allclose(signals, f[:50] / f[0], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    "betas", [schedules.cosine(1000), schedules.linear(1e-4, 0.02, 1000)], ids=["cosine", "linear"]
)
def test_something_of_the_data_is_always_left_and_it_falls(betas):
    signal, noise = jax.vmap(lambda t: schedules.signal_and_noise(betas, t))(jnp.arange(1001))
    assert signal[0] == 1
    assert noise[0] == 0
    assert jnp.all((signal[1:] > 0) & (signal[1:] < 1))
    assert jnp.all(jnp.diff(signal) < 0)
    np.testing.assert_allclose(signal + noise, 1, rtol=1e-6)


def test_one_number_is_the_same_as_equal_numbers():
    many = schedules.linear(0.03, 0.03, 20)
    for t in (0, 1, 7, 20):
        np.testing.assert_allclose(
            schedules.signal_and_noise(many, t), schedules.signal_and_noise(0.03, t), rtol=1e-5, atol=1e-7
        )


def test_noise_after_one_step_is_beta_to_all_digits():
    for beta in (1e-6, 1e-3, 0.3):
        np.testing.assert_allclose(schedules.signal_and_noise(beta, 1)[1], beta, rtol=1e-6)


def test_gradient_is_finite_from_the_start():
    for t in (0, 1, 50):
        slopes = jax.grad(lambda beta: schedules.signal_and_noise(beta, t)[1])(0.02)  # noqa: B023
        np.testing.assert_allclose(slopes, t * 0.98 ** max(t - 1, 0), rtol=1e-5)


def test_works_under_jit_and_in_double_precision():
    ours = jax.jit(schedules.signal_and_noise)(0.02, 10)
    np.testing.assert_allclose(ours, schedules.signal_and_noise(0.02, 10), rtol=1e-6)
    with jax.enable_x64(True):
        betas = schedules.linear(0.01, 0.2, 30)
        signal, _ = schedules.signal_and_noise(betas, 30)
        np.testing.assert_allclose(signal, np.prod(1 - np.asarray(betas)), rtol=1e-13)


@pytest.mark.parametrize("beta", [0.0, 1.0, -0.1, float("nan"), 2])
def test_beta_out_of_range_is_told(beta):
    with pytest.raises(ValueError, match="beta must lie strictly between 0 and 1"):
        schedules.signal_and_noise(beta, 3)
    with pytest.raises(ValueError, match="beta must be strictly between 0 and 1 at every step"):
        schedules.signal_and_noise(np.array([0.1, beta]), 1)
    with pytest.raises(ValueError, match="last must lie strictly between 0 and 1"):
        schedules.linear(0.1, beta, 5)
    with pytest.raises(ValueError, match="largest must lie strictly between 0 and 1"):
        schedules.cosine(5, largest=beta)


def test_other_bad_input_is_told():
    with pytest.raises(ValueError, match="t must not be negative"):
        schedules.signal_and_noise(0.1, -1)
    with pytest.raises(ValueError, match="t must be a whole number up to the 2 steps of the schedule, got 3"):
        schedules.signal_and_noise(np.array([0.1, 0.2]), 3)
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        schedules.cosine(0)
    with pytest.raises(TypeError, match="steps must be an integer"):
        schedules.linear(0.1, 0.2, 2.5)
    with pytest.raises(ValueError, match="offset must not be negative"):
        schedules.cosine(5, offset=-0.1)
    with pytest.raises(ValueError, match="beta must have one number for each step, got none"):
        schedules.signal_and_noise(np.zeros(0), 0)
