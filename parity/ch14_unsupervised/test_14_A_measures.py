"""The measures beside scipy, prdc and closed forms, on samples that are drawn here."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from prdc import compute_prdc
from scipy import linalg, stats

from udl_jax.ch14_unsupervised import densities, measures

GENERATOR = np.random.default_rng(0)


def covariance(size, rank=None):
    root = GENERATOR.normal(size=(size, rank or 2 * size))
    return root @ root.T / root.shape[1]


def frechet_by_scipy(m, c, n, d):
    return ((m - n) ** 2).sum() + np.trace(c + d - 2 * linalg.sqrtm(c @ d).real)


@pytest.mark.parametrize("size", [1, 2, 10, 64])
def test_frechet_distance_of_gaussians(agrees, size):
    mean, other = GENERATOR.normal(size=(2, size))
    ours = measures.gaussian_frechet(mean, c := covariance(size), other, d := covariance(size))
    theirs = frechet_by_scipy(mean, c, other, d)
    agrees(ours, theirs, kind="witness", quantity=f"Frechet distance in {size} dimensions, scipy's sqrtm")


def test_frechet_distance_of_diagonal_gaussians(agrees):
    mean, other = GENERATOR.normal(size=(2, 50, 7))
    one, two = GENERATOR.uniform(0, 3, size=(2, 50, 7))
    ours = jax.vmap(lambda m, a, n, b: measures.gaussian_frechet(m, jnp.diag(a), n, jnp.diag(b)))(
        mean, one, other, two
    )
    theirs = ((mean - other) ** 2).sum(1) + ((np.sqrt(one) - np.sqrt(two)) ** 2).sum(1)
    agrees(
        ours,
        theirs,
        kind="witness",
        quantity="Frechet distance of 50 pairs of diagonal Gaussians, closed form",
    )


def test_frechet_distance_of_samples(agrees):
    a, b = GENERATOR.normal(size=(300, 8)), GENERATOR.gamma(2, size=(200, 8))
    theirs = frechet_by_scipy(a.mean(0), np.cov(a.T), b.mean(0), np.cov(b.T))
    agrees(
        measures.frechet_distance(a, b),
        theirs,
        kind="witness",
        quantity="Frechet distance of samples, scipy's sqrtm",
    )


def test_gradient_of_the_frechet_distance(agrees):
    """The map of optimal transport, here by scipy's roots."""
    c, d = covariance(6), covariance(6)
    zero = np.zeros(6)
    ours = jax.grad(measures.gaussian_frechet, (1, 3))(zero, c, zero, d)
    theirs = []
    for x, y in ((c, d), (d, c)):
        root = linalg.sqrtm(x)
        inverse = np.linalg.inv(root)
        theirs.append(np.eye(6) - inverse @ linalg.sqrtm(root @ y @ root) @ inverse)
    agrees(
        list(ours), theirs, kind="witness", quantity="gradient of the Frechet distance in both covariances"
    )


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_neighbours(agrees, k, shift):
    real, made = GENERATOR.normal(size=(250, 6)), 0.8 * GENERATOR.normal(size=(180, 6)) + shift
    theirs = compute_prdc(real_features=real, fake_features=made, nearest_k=k)
    ours = (
        measures.precision_recall(real, made, k)._asdict()
        | measures.density_coverage(real, made, k)._asdict()
    )
    for name, found in ours.items():
        agrees(
            found, np.float64(theirs[name]), kind="witness", quantity=f"{name}, k = {k}, shift {shift}: prdc"
        )


def test_inception_score(agrees):
    probabilities = GENERATOR.dirichlet(np.full(10, 0.3), size=500)
    theirs = np.exp(stats.entropy(probabilities, probabilities.mean(0, keepdims=True), axis=1).mean())
    ours = measures.inception_score(probabilities)
    agrees(ours, theirs, kind="witness", quantity="inception score, by scipy's relative entropies")


def test_log_densities(agrees):
    x = GENERATOR.normal(size=(400, 5)) @ GENERATOR.normal(size=(5, 5))
    labels, new = GENERATOR.integers(3, size=400), GENERATOR.normal(size=(50, 5))
    model = densities.fit_gaussians(x, labels, floor=0.1)
    theirs = np.zeros(50)
    for group in range(3):
        own = x[labels == group]
        spread = np.cov(own.T, bias=True) + 0.1 * np.eye(5)
        theirs += len(own) / 400 * stats.multivariate_normal(own.mean(0), spread).pdf(new)
    ours = densities.log_density(model, new)
    agrees(
        ours, np.log(theirs), kind="witness", quantity="log density of a mixture of three Gaussians, scipy"
    )
    bits = measures.log_likelihood(ours, 5, levels=256).bits_per_dimension
    expected = -np.log2(theirs / 256.0**5).mean() / 5
    agrees(bits, expected, kind="witness", quantity="bits per dimension of whole numbers from 0 to 255")


def test_kernel_density(agrees):
    centres, new = GENERATOR.normal(size=(300, 3)), GENERATOR.normal(size=(40, 3))
    kernel = stats.gaussian_kde(centres.T)
    kernel.set_bandwidth(1.0)
    white = np.linalg.cholesky(np.linalg.inv(kernel.covariance))  # scipy's kernel has the shape of the data
    ours = densities.kernel_log_density(new @ white, centres @ white, 1.0) + np.linalg.slogdet(white)[1]
    agrees(ours, np.log(kernel(new.T)), kind="witness", quantity="log density of a kernel estimate, scipy")
