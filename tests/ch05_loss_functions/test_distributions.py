import functools
import itertools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from udl_jax.ch05_loss_functions import distributions as d

# A number of outputs, and an observation, for each distribution of the table.
CASES = {
    d.Normal: (2, 1.5),
    d.Laplace: (2, 1.5),
    d.StudentT: (3, 1.5),
    d.GaussianMixture: (6, 1.5),
    d.Exponential: (1, 1.5),
    d.Gamma: (2, 1.5),
    d.Beta: (2, 0.3),
    d.MultivariateNormal: (5, [1.5, -2.0]),
    d.VonMises: (2, 1.5),
    d.Bernoulli: (1, 1),
    d.Categorical: (4, 2),
    d.Poisson: (1, 3),
    d.PlackettLuce: (4, [2, 0, 3, 1]),
}
EACH = pytest.mark.parametrize("cls", CASES, ids=lambda cls: cls.__name__)


def test_table_has_each_distribution_once():
    listed = [cls for row in d.TABLE for cls in row.distributions]
    assert len(d.TABLE) == 11
    assert sorted(cls.__name__ for cls in listed) == sorted(cls.__name__ for cls in CASES)


def corners(cls):
    width, _ = CASES[cls]
    return np.array(list(itertools.product([-1e4, -50, 0, 1e4], repeat=width)), "float32")


@functools.cache
def measure(cls):
    _, y = CASES[cls]
    y = jnp.tile(jnp.array(y), (len(corners(cls)), *[1] * np.ndim(y)))

    @jax.jit
    def losses_and_gradients(outputs):
        losses, pull_back = jax.vjp(lambda outputs: -cls.from_outputs(outputs).log_density(y), outputs)
        return losses, pull_back(jnp.ones_like(losses))[0]

    return losses_and_gradients


@EACH
def test_loss_and_gradient_are_finite_at_extreme_outputs(cls):
    losses, gradients = measure(cls)(corners(cls))
    assert jnp.all(jnp.isfinite(losses))
    assert jnp.all(jnp.isfinite(gradients))


@EACH
def test_loss_falls_against_its_gradient(cls):
    outputs = np.random.default_rng(0).normal(size=corners(cls).shape).astype("float32")
    losses, gradients = measure(cls)(outputs)
    lower, _ = measure(cls)(outputs - 1e-2 * gradients / jnp.linalg.norm(gradients, axis=1, keepdims=True))
    assert jnp.mean(lower < losses) > 0.99  # a few begin at the bottom


def test_loss_is_minus_the_log_likelihood():
    y = jnp.array([0.3, -1.0, 2.0])
    distribution = d.Laplace(jnp.array([0.0, 1.0, 2.0]), jnp.array([0.5, 1.0, 2.0]))
    densities = jnp.exp(distribution.log_density(y))
    loss = d.negative_log_likelihood(distribution, y)
    np.testing.assert_allclose(-jnp.log(d.likelihood(densities)), loss, rtol=1e-5)
    np.testing.assert_allclose(d.naive_negative_log_likelihood(densities), loss, rtol=1e-5)


@pytest.mark.parametrize(
    "cls, y", [(d.Normal, jnp.zeros((5, 1))), (d.Normal, jnp.zeros(4)), (d.Poisson, jnp.ones((5, 5)))]
)
def test_shape_that_would_be_broadcast_is_told(cls, y):
    distribution = cls(*jnp.ones((len(cls._fields), 5)))
    with pytest.raises(ValueError, match=rf"y of shape .* does not fit {cls.__name__} .* \(5,\)"):
        d.negative_log_likelihood(distribution, y)


def test_one_distribution_serves_all_observations():
    y = jnp.array([1.0, 2.0, 4.0])
    together = d.Normal(jnp.array(0.0), jnp.array(2.0))
    each = d.Normal(jnp.zeros(3), jnp.full(3, 2.0))
    assert d.negative_log_likelihood(together, y) == d.negative_log_likelihood(each, y)


def test_no_likelihood_but_a_loss_for_a_thousand_observations():
    y = jnp.zeros(1000)
    normals = d.Normal(y, jnp.full(1000, 3.0))
    assert d.likelihood(jnp.exp(normals.log_density(y))) == 0
    np.testing.assert_allclose(
        d.negative_log_likelihood(normals, y), 1000 * np.log(3 * np.sqrt(2 * np.pi)), rtol=1e-5
    )


def powers(low, high, size=60, seed=0):
    return 10.0 ** np.random.default_rng(seed).uniform(low, high, size)


NORMAL_DRAWS = np.random.default_rng(1).normal(size=60)
WIDE, CENTRES, SHAPES, OTHERS = (powers(-12, 12, seed=seed) for seed in (2, 3, 4, 5))
COUNTS = np.round(powers(0, 7, seed=6))
ANGLES = np.random.default_rng(7).uniform(-9, 9, 60)
PROPORTIONS = np.random.default_rng(8).uniform(1e-6, 1 - 1e-6, 60)
SHARES = SHAPES / (SHAPES + OTHERS)
BASES = NORMAL_DRAWS * powers(-3, 9)


def log_t(y, location, scale, freedom):
    half, z = (freedom + 1) / 2, (y - location) / scale
    gammas = mpmath.loggamma(half) - mpmath.loggamma(freedom / 2)
    return (
        gammas - mpmath.log(freedom * mpmath.pi) / 2 - mpmath.log(scale) - half * mpmath.log1p(z**2 / freedom)
    )


def log_gamma(y, shape, rate):
    return shape * mpmath.log(rate) + (shape - 1) * mpmath.log(y) - rate * y - mpmath.loggamma(shape)


def log_beta(y, a, b):
    gammas = mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b)
    return (a - 1) * mpmath.log(y) + (b - 1) * mpmath.log1p(-y) - gammas


def log_normal(y, mean, deviation):
    return -(((y - mean) / deviation) ** 2) / 2 - mpmath.log(deviation * mpmath.sqrt(2 * mpmath.pi))


def log_von_mises(y, direction, concentration):
    bessel = mpmath.besseli(0, concentration, maxterms=10**6)
    return concentration * mpmath.cos(y - direction) - mpmath.log(2 * mpmath.pi * bessel)


def log_sum(*scores):
    return max(scores) + mpmath.log(sum(mpmath.exp(score - max(scores)) for score in scores))


# For each distribution its class, observations, parameters from one extreme to the other, and the exact logarithm.
EXTREMES = {
    "Normal": (
        lambda y, m, s: d.Normal(m, s).log_density(y),
        log_normal,
        CENTRES + WIDE * NORMAL_DRAWS,
        CENTRES,
        WIDE,
    ),
    "Laplace": (
        lambda y, m, b: d.Laplace(m, b).log_density(y),
        lambda y, m, b: -abs(y - m) / b - mpmath.log(2 * b),
        CENTRES + WIDE * NORMAL_DRAWS,
        CENTRES,
        WIDE,
    ),
    "StudentT": (
        lambda y, m, s, v: d.StudentT(m, s, v).log_density(y),
        log_t,
        CENTRES + WIDE * NORMAL_DRAWS * powers(-3, 3),
        CENTRES,
        WIDE,
        powers(-6, 12, seed=9),
    ),
    "Mixture": (
        lambda y, w, m, s, v: d.GaussianMixture(
            *(jnp.stack(p, -1) for p in ((w, w), (m, m), (s, v)))
        ).log_density(y),
        lambda y, w, m, s, v: w + log_sum(log_normal(y, m, s), log_normal(y, m, v)),
        CENTRES + WIDE * NORMAL_DRAWS,
        -powers(-3, 3),
        CENTRES,
        WIDE,
        WIDE * powers(-2, 2),
    ),
    "Exponential": (
        lambda y, r: d.Exponential(r).log_density(y),
        lambda y, r: mpmath.log(r) - r * y,
        powers(-2, 1) / WIDE,
        WIDE,
    ),
    "Gamma": (
        lambda y, a, b: d.Gamma(a, b).log_density(y),
        log_gamma,
        SHAPES / WIDE * (1 + 0.1 * NORMAL_DRAWS / np.sqrt(1 + SHAPES)) ** 2,
        SHAPES,
        WIDE,
    ),
    "Beta": (
        lambda y, a, b: d.Beta(a, b).log_density(y),
        log_beta,
        np.where(np.arange(60) % 2, PROPORTIONS, np.clip(SHARES, 1e-6, 1 - 1e-6)),
        SHAPES,
        OTHERS,
    ),
    "Normal in two dimensions": (
        lambda y, z, p, q, r: d.MultivariateNormal(
            jnp.zeros((60, 2), y.dtype), jnp.stack([jnp.stack([p, 0 * p], -1), jnp.stack([q, r], -1)], -2)
        ).log_density(jnp.stack([y, z], -1)),
        lambda y, z, p, q, r: log_normal(p * y, 0, 1) + log_normal(q * y + r * z, 0, 1) + mpmath.log(p * r),
        NORMAL_DRAWS / WIDE,
        NORMAL_DRAWS[::-1] / WIDE,
        WIDE,
        WIDE * NORMAL_DRAWS * powers(-2, 2),
        WIDE * powers(-2, 2),
    ),
    "VonMises": (
        lambda y, m, k: d.VonMises(m, k).log_density(y),
        log_von_mises,
        ANGLES + 1e-2 * NORMAL_DRAWS,
        ANGLES,
        powers(-6, 3.5),
    ),
    "Bernoulli": (
        lambda y, z: d.Bernoulli(z).log_density(y),
        lambda y, z: -mpmath.log1p(mpmath.exp(-z if y else z)),
        (NORMAL_DRAWS > 0).astype(float),
        BASES,
    ),
    "Categorical": (
        lambda y, a, b, c: d.Categorical(jnp.stack([a, b, c], -1)).log_density(y),
        lambda y, *scores: scores[int(y)] - log_sum(*scores),
        np.arange(60.0) % 3,
        BASES,
        BASES + NORMAL_DRAWS[::-1],
        BASES - ANGLES,
    ),
    "Poisson": (
        lambda y, r: d.Poisson(r).log_density(y),
        lambda y, r: y * mpmath.log(r) - r - mpmath.loggamma(y + 1),
        COUNTS,
        COUNTS * (1 + NORMAL_DRAWS / np.sqrt(10 * COUNTS)) ** 2,
    ),
    "PlackettLuce": (
        lambda a, b, c: d.PlackettLuce(jnp.stack([a, b, c], -1)).log_density(
            jnp.tile(jnp.arange(3), (60, 1))
        ),
        lambda a, b, c: a - log_sum(a, b, c) + b - log_sum(b, c),
        BASES,
        BASES + NORMAL_DRAWS[::-1],
        BASES - ANGLES,
    ),
}


def test_every_distribution_is_tried_at_extremes():
    assert len(EXTREMES) == len(CASES)


@pytest.mark.parametrize("precision, tolerance", [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("name", EXTREMES)
def test_log_density_is_exact_at_extreme_parameters(name, precision, tolerance):
    """Nothing cancels: relative to the value, or to one where the value is smaller."""
    compute, exact, *inputs = EXTREMES[name]
    with jax.enable_x64(True), mpmath.workdps(50):
        inputs = [values.astype(precision) for values in inputs]
        found = jax.jit(compute)(*inputs)
        assert found.dtype == precision
        expected = [exact(*map(mpmath.mpf, map(float, row))) for row in zip(*inputs)]
        errors = [
            abs(ours - theirs) / max(1, abs(theirs)) for ours, theirs in zip(map(float, found), expected)
        ]
    assert max(errors) < tolerance


@pytest.mark.parametrize(
    "distribution, y, expected",
    [
        (d.StudentT(0.0, 1.0, 1e5), 1.0, -1.41894),
        (d.StudentT(0.0, 1.0, np.inf), 1.0, -1.41894),
        (d.Poisson(1e5), 1e5, -6.67540),
        (d.Poisson(0.0), 0, 0.0),
        (d.VonMises(0.0, 1e6), 0.001, 5.48882),
        (d.Beta(9.0, 20.0), 0.5, -0.769718),
        (d.Bernoulli(np.inf), 1, 0.0),
        (d.Bernoulli(-np.inf), 1, -np.inf),
        (d.Categorical(np.array([np.inf, 0.0])), 0, 0.0),
        (d.Categorical(np.array([-np.inf, 0.0])), 0, -np.inf),
        (d.PlackettLuce(np.array([np.inf, 0.0, -np.inf])), [0, 1, 2], 0.0),
        (d.PlackettLuce(np.array([np.inf, np.inf, 1.0])), [0, 1, 2], np.log(0.5)),
    ],
    ids=str,
)
def test_known_values_and_infinite_scores(distribution, y, expected):
    np.testing.assert_allclose(distribution.log_density(y), expected, rtol=1e-5, atol=1e-5)
    traced = jax.jit(lambda distribution, y: distribution.log_density(y))(distribution, jnp.asarray(y))
    np.testing.assert_allclose(traced, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("integer", ["uint8", "int8", "uint32", "int32", "bool"])
def test_small_integers_count_as_large_ones_do(integer):
    y = np.array([0, 1, 1], integer)
    for distribution in (d.Categorical(np.zeros((3, 256), "float32")), d.Bernoulli(np.zeros(3, "float32"))):
        expected = distribution.log_density(y.astype("int32"))
        np.testing.assert_array_equal(distribution.log_density(y), expected)
        assert jnp.isfinite(expected).all()


@pytest.mark.parametrize(
    "distribution, y",
    [
        (d.Normal(np.zeros(4), np.ones(4)), np.zeros((4, 1))),
        (d.Normal(np.zeros(4), np.ones((4, 1))), np.zeros(4)),
        (d.Bernoulli(np.zeros((4, 1))), np.zeros(4, int)),
        (d.Categorical(np.zeros((4, 3))), np.zeros((4, 1), int)),
        (d.Categorical(np.zeros((4, 3))), np.zeros((1, 4), int)),
        (d.PlackettLuce(np.zeros((4, 3))), np.arange(4)),
        (d.MultivariateNormal(np.zeros((4, 2)), np.ones((4, 2, 2))), np.zeros((4, 1, 2))),
        (d.GaussianMixture(*np.ones((3, 4, 2))), np.zeros((4, 1))),
    ],
    ids=str,
)
def test_rows_and_columns_do_not_broadcast(distribution, y):
    with pytest.raises(ValueError, match=r"does not fit|y must be"):
        distribution.log_density(y)
    with pytest.raises(ValueError, match=r"does not fit|y must be"):
        jax.jit(lambda y: d.negative_log_likelihood(distribution, y))(y)


@pytest.mark.parametrize(
    "make, name",
    [
        (lambda: d.Normal(0.0, 0.0), "deviation"),
        (lambda: d.Laplace(0.0, -1.0), "scale"),
        (lambda: d.StudentT(0.0, 1.0, 0.0), "freedom"),
        (lambda: d.Exponential(-1.0), "rate"),
        (lambda: d.Gamma(0.0, 1.0), "shape"),
        (lambda: d.Beta(1.0, -2.0), "beta"),
        (lambda: d.VonMises(0.0, -1.0), "concentration"),
        (lambda: d.Poisson(-1.0), "rate"),
    ],
)
def test_parameters_that_make_no_distribution_are_told(make, name):
    with pytest.raises(ValueError, match=f"{name} of .* must"):
        make().log_density(0.5 if name != "rate" else 1)


def test_half_precision_is_computed_in_single_and_kept():
    for dtype in ("float16", "bfloat16"):
        found = d.StudentT(*(jnp.full(1, value, dtype) for value in (0, 1, 4000))).log_density(
            jnp.ones(1, dtype)
        )
        assert found.dtype == dtype
        np.testing.assert_allclose(found.astype("float32"), -1.419, rtol=5e-3)
