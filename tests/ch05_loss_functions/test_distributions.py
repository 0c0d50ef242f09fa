import functools
import itertools

import jax
import jax.numpy as jnp
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
