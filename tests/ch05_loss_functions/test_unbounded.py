import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from udl_jax.ch05_loss_functions.unbounded import (
    GaussianMixture,
    Laplace,
    MultivariateNormal,
    Normal,
    StudentT,
)

RNG = np.random.default_rng(0)
Y = RNG.normal(scale=3, size=40)
LOCATION, SCALE, FREEDOM = RNG.normal(size=40), RNG.uniform(0.1, 5, size=40), RNG.uniform(1, 20, size=40)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


@jax.jit
def log_density(distribution, y):
    return distribution.log_density(y)


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (Normal(LOCATION, SCALE), stats.norm(LOCATION, SCALE)),
        (Laplace(LOCATION, SCALE), stats.laplace(LOCATION, SCALE)),
        (StudentT(LOCATION, SCALE, FREEDOM), stats.t(FREEDOM, LOCATION, SCALE)),
    ],
    ids=lambda case: type(case).__name__,
)
def test_density_is_that_of_scipy(ours, theirs):
    np.testing.assert_allclose(log_density(ours, Y), theirs.logpdf(Y), rtol=1e-11)


def test_mixture_is_the_weighted_sum_of_scipys_normals():
    mixture = GaussianMixture.from_outputs(jnp.asarray(RNG.normal(size=(40, 9))))
    each = stats.norm.pdf(Y[:, None], mixture.means, mixture.deviations)
    theirs = np.log(np.sum(np.exp(mixture.log_weights) * each, axis=1))
    np.testing.assert_allclose(log_density(mixture, Y), theirs, rtol=1e-11)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_multivariate_density_is_that_of_scipy(size):
    outputs = jnp.asarray(RNG.normal(size=(6, size * (size + 3) // 2)))
    normals = jax.jit(MultivariateNormal.from_outputs)(outputs)
    y = RNG.normal(size=(6, size))
    theirs = [
        stats.multivariate_normal(*case).logpdf(v)
        for *case, v in zip(normals.mean, jax.jit(MultivariateNormal.covariance)(normals), y)
    ]
    np.testing.assert_allclose(log_density(normals, y), theirs, rtol=1e-9)


@pytest.mark.parametrize("cls, width", [(Normal, 2), (Laplace, 2), (StudentT, 3), (GaussianMixture, 6)])
def test_density_integrates_to_one(cls, width):
    distribution = cls.from_outputs(jnp.asarray(RNG.normal(size=width)) + 2)
    quantiles = (jnp.arange(20_000) + 0.5) / 20_000
    y = jnp.tan(jnp.pi * (quantiles - 0.5))  # evenly spread over a Cauchy distribution
    densities = log_density(jax.tree.map(lambda p: jnp.broadcast_to(p, (len(y), *p.shape)), distribution), y)
    np.testing.assert_allclose(jnp.mean(jnp.exp(densities) * jnp.pi * (1 + y**2)), 1, rtol=1e-6)


def test_t_lies_between_cauchy_and_normal():
    y, zero, one = jnp.linspace(-4, 4, 30), jnp.array(0.0), jnp.array(1.0)
    cauchy, normal = StudentT(zero, one, one), StudentT(zero, one, jnp.array(1e7))
    np.testing.assert_allclose(log_density(cauchy, y), stats.cauchy.logpdf(y), rtol=1e-12)
    np.testing.assert_allclose(log_density(normal, y), stats.norm.logpdf(y), rtol=1e-5)


def test_outlier_pulls_less_on_laplace_and_hardly_on_t():
    def pull(distribution, *scales):
        return abs(jax.grad(lambda at: log_density(distribution(at, *scales), jnp.array(100.0)))(0.0))

    one = jnp.array(1.0)
    assert pull(Normal, one) == 100
    assert pull(Laplace, one) == 1
    assert pull(StudentT, one, one) < 0.03


def test_mixture_does_not_mind_the_order_of_its_components():
    outputs = jnp.asarray(RNG.normal(size=(3, 4)))
    y = jnp.array(0.7)
    shuffled = outputs[:, jnp.array([2, 0, 3, 1])]
    densities = [log_density(GaussianMixture.from_outputs(o.ravel()), y) for o in (outputs, shuffled)]
    np.testing.assert_allclose(*densities, rtol=1e-12)


def test_mixture_of_one_is_normal():
    mixture = GaussianMixture.from_outputs(jnp.array([5.0, 0.3, -1.0]))
    normal = Normal.from_outputs(jnp.array([0.3, -1.0]))
    y = jnp.array(2.0)
    np.testing.assert_allclose(log_density(mixture, y), log_density(normal, y), rtol=1e-12)


def test_mixture_knows_what_its_summed_densities_no_longer_do():
    far = jnp.array(1000.0)
    mixture = GaussianMixture(jnp.log(jnp.array([0.5, 0.5])), jnp.array([0.0, 1.0]), jnp.ones(2))
    densities = jnp.exp(stats.norm.logpdf(far, mixture.means, mixture.deviations))
    assert jnp.isneginf(jnp.log(0.5 * densities.sum()))
    np.testing.assert_allclose(log_density(mixture, far), stats.norm.logpdf(999) + np.log(0.5), rtol=1e-12)


def test_multivariate_without_correlation_is_a_product_of_normals():
    mean, raw, y = jnp.asarray(RNG.normal(size=(3, 3)))
    together = jax.jit(MultivariateNormal.from_outputs)(jnp.concatenate([mean, raw, jnp.zeros(3)]))
    deviations = 1 / jnp.diagonal(together.factor)
    np.testing.assert_allclose(
        log_density(together, y), log_density(Normal(mean, deviations), y).sum(), rtol=1e-12
    )


@pytest.mark.parametrize("cls, width", [(Normal, 3), (Laplace, 1), (StudentT, 2)])
def test_wrong_number_of_outputs_is_told(cls, width):
    with pytest.raises(ValueError, match=f"outputs an example, got {width}"):
        cls.from_outputs(jnp.zeros((4, width)))


@pytest.mark.parametrize("width", [1, 4, 7])
def test_outputs_that_make_no_mixture_or_matrix_are_told(width):
    with pytest.raises(ValueError, match=f"3 outputs a component, got {width}"):
        GaussianMixture.from_outputs(jnp.zeros((4, width)))
    with pytest.raises(ValueError, match=rf"takes D \(D \+ 3\) / 2 outputs .* got {width}"):
        MultivariateNormal.from_outputs(jnp.zeros((4, width)))


@pytest.mark.parametrize("cls", [Normal, GaussianMixture, MultivariateNormal])
def test_no_outputs_are_told(cls):
    with pytest.raises(ValueError, match=r"outputs must not be empty, got the shape \(4, 0\)"):
        cls.from_outputs(jnp.zeros((4, 0)))
