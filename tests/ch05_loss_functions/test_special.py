"""Against fifty digits: what is left when large numbers have been taken out on paper."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from udl_jax.ch05_loss_functions import special

RNG = np.random.default_rng(0)
POSITIVE = np.concatenate(
    [10.0 ** RNG.uniform(-20, 20, 60), RNG.uniform(0.5, 12, 40), [1, 2, 7.999, 8, 8.001]]
)
TOLERANCE = {"float32": 1e-6, "float64": 1e-13}
mpmath.mp.dps = 50


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


@pytest.fixture(params=["float32", "float64"])
def precision(request):
    return request.param


def assert_close(found, exact, precision):
    """Compare relative to the value, or to one where the value is smaller."""
    for ours, theirs in zip(np.asarray(found), exact, strict=True):
        assert abs(mpmath.mpf(float(ours)) - theirs) <= TOLERANCE[precision] * max(1, abs(theirs))


def exactly(function, *arrays):
    return [function(*map(mpmath.mpf, map(float, numbers))) for numbers in zip(*arrays)]


def test_stirling_error(precision):
    x = POSITIVE.astype(precision)
    whole = mpmath.log(2 * mpmath.pi) / 2
    exact = exactly(lambda x: mpmath.loggamma(x) - (x - 0.5) * mpmath.log(x) + x - whole, x)
    assert_close(special.stirling_error(x), exact, precision)


def test_half_step_of_log_gamma(precision):
    x = POSITIVE.astype(precision)
    exact = exactly(lambda x: mpmath.loggamma(x + 0.5) - mpmath.loggamma(x) - mpmath.log(x) / 2, x)
    assert_close(special.log_gamma_half_step(x), exact, precision)
    assert special.log_gamma_half_step(jnp.array(jnp.inf)) == 0


def test_deviance_close_to_the_mean_and_far(precision):
    x = (POSITIVE[:60] ** 0.7).astype(precision)
    time = (1 + RNG.normal(size=60) / np.sqrt(x)).astype(precision) ** 2
    mean, rest = special.multiply_exactly(jnp.asarray(x), jnp.asarray(time))
    found = special.deviance(x, x, time, (mean - x) + rest)
    exact = exactly(lambda x, t: x * mpmath.log(1 / t) + x * t - x, x, time)
    assert_close(found, exact, precision)
    assert (found >= 0).all()


def test_scaled_bessel_function_and_its_derivative(precision):
    x = np.array([0, 1e-6, 0.5, 8, 99, 101, 1e3, 1e4], precision)
    zero, one = (exactly(lambda x, n=n: mpmath.besseli(n, x), x) for n in (0, 1))
    exact = [mpmath.log(i) - mpmath.mpf(float(at)) for i, at in zip(zero, x)]
    assert_close(special.log_scaled_bessel(x), exact, precision)
    slopes = jax.vmap(jax.grad(special.log_scaled_bessel))(jnp.asarray(x))
    assert_close(slopes, [i_1 / i_0 - 1 for i_0, i_1 in zip(zero, one)], precision)


@pytest.mark.parametrize(
    "operation, exact",
    [(special.add_exactly, lambda a, b: a + b), (special.multiply_exactly, lambda a, b: a * b)],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_nothing_is_lost(operation, exact, compiled, precision):
    a, b = (10 * RNG.normal(size=(2, 200))).astype(precision)
    found, rest = (jax.jit(operation) if compiled else operation)(jnp.asarray(a), jnp.asarray(b))
    both = exactly(lambda x, y: x + y, found, rest)
    assert both == exactly(exact, a, b)


def test_log_softmax_of_infinite_scores():
    scores = jnp.array([[jnp.inf, jnp.inf, 0.0], [-jnp.inf, 0.0, 0.0], [1e12, 1e12 + 1, 0.0]])
    expected = [
        [np.log(0.5), np.log(0.5), -np.inf],
        [-np.inf, np.log(0.5), np.log(0.5)],
        [-1.3132616875, -0.3132616875, -1e12],
    ]
    np.testing.assert_allclose(special.log_softmax(scores), expected, rtol=1e-9)
    gradient = jax.grad(lambda row: special.log_softmax(row)[0])(scores[0])
    assert jnp.isfinite(gradient).all()


def test_equal_infinities_differ_by_nothing():
    inf = jnp.inf
    found = special.difference(jnp.array([inf, -inf, inf, 3.0]), jnp.array([inf, -inf, 1.0, 1.0]))
    np.testing.assert_array_equal(found, [0, 0, inf, 2])
