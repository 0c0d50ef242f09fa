import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from udl_jax.ch05_loss_functions.bounded import Beta, Exponential, Gamma, VonMises

RNG = np.random.default_rng(0)
ONE, OTHER = RNG.uniform(0.1, 6, size=(2, 40))
MAGNITUDES, PROPORTIONS, ANGLES = RNG.exponential(size=40), RNG.uniform(size=40), RNG.uniform(-9, 9, size=40)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


@jax.jit
def log_density(distribution, y):
    return distribution.log_density(y)


@pytest.mark.parametrize(
    "ours, theirs, y",
    [
        (Exponential(ONE), stats.expon(scale=1 / ONE), MAGNITUDES),
        (Gamma(ONE, OTHER), stats.gamma(ONE, scale=1 / OTHER), MAGNITUDES),
        (Beta(ONE, OTHER), stats.beta(ONE, OTHER), PROPORTIONS),
        (VonMises(ANGLES[::-1], OTHER), stats.vonmises(OTHER, loc=ANGLES[::-1]), ANGLES),
    ],
    ids=lambda case: type(case).__name__,
)
def test_density_is_that_of_scipy(ours, theirs, y):
    np.testing.assert_allclose(log_density(ours, y), theirs.logpdf(y), rtol=1e-11, atol=1e-12)


def test_gamma_of_shape_one_is_exponential():
    gamma, exponential = Gamma(jnp.ones(40), jnp.asarray(ONE)), Exponential(jnp.asarray(ONE))
    y = jnp.asarray(MAGNITUDES)
    np.testing.assert_allclose(log_density(gamma, y), log_density(exponential, y), rtol=1e-12)


def test_beta_is_mirrored_when_its_parameters_are_swapped():
    y = jnp.asarray(PROPORTIONS)
    np.testing.assert_allclose(
        log_density(Beta(ONE, OTHER), y), log_density(Beta(OTHER, ONE), 1 - y), rtol=1e-12, atol=1e-12
    )


def test_von_mises_takes_angles_modulo_whole_turns():
    wind = VonMises(jnp.array(3.0), jnp.array(2.5))
    y = jnp.asarray(ANGLES)
    np.testing.assert_allclose(log_density(wind, y), log_density(wind, y + 4 * jnp.pi), rtol=1e-11)


def test_von_mises_is_uniform_without_concentration_and_normal_with_much():
    y = jnp.linspace(-0.02, 0.02, 9)
    spread = VonMises.from_outputs(jnp.array([0.0, -100.0]))
    np.testing.assert_allclose(log_density(spread, 100 * y), -jnp.log(2 * jnp.pi), atol=1e-12)
    narrow = VonMises(jnp.array(0.0), jnp.array(1e4))
    np.testing.assert_allclose(log_density(narrow, y), stats.norm.logpdf(y, scale=0.01), atol=1e-3)


@pytest.mark.parametrize(
    "distribution, y, expected",
    [
        (Exponential(jnp.ones(2)), -0.5, "0 or more"),
        (Gamma(jnp.ones(2), jnp.ones(2)), 0.0, "more than 0"),
        (Beta(jnp.ones(2), jnp.ones(2)), 0.0, "strictly between 0 and 1"),
        (Beta(jnp.ones(2), jnp.ones(2)), 1.0, "strictly between 0 and 1"),
    ],
)
def test_impossible_observation_is_told(distribution, y, expected):
    with pytest.raises(ValueError, match=f"y must be {expected}, got {y}"):
        distribution.log_density(jnp.array([0.5, y]))
