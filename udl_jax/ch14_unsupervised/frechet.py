"""The Frechet distance of samples and of Gaussians, with a derivative."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from udl_jax._annotations import checked
from udl_jax._checks import is_traced, values

Samples = Float[Array | np.ndarray, "samples features"]


@checked
def frechet_distance(a: Samples, b: Float[Array | np.ndarray, "others features"]) -> Float[Array, ""]:
    """Compute the Frechet distance of two sets of samples, as if both were Gaussian.

    Its expectation depends on the numbers of samples: it is too large by an amount that falls like one over their number. Compare
    distances only if they are of equal numbers of samples and of the same features.

    Parameters
    ----------
    a, b
        Features of the samples; two at least of each.

    Returns
    -------
    Float[Array, ""]
        :func:`gaussian_frechet` of means and covariances, the latter with divisors one less than the numbers of samples.

    Raises
    ------
    ValueError
        If there are less than two samples, the numbers of features differ, or a feature is not finite.

    References
    ----------
    Prince (2023), section 14.3; Heusel et al. (2017), *GANs trained by a two time-scale update rule*.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(500, 3))
    >>> print(f"{frechet_distance(x, x + 2):.2f}")
    12.00
    """
    for name, x in (("a", a), ("b", b)):
        if len(x) < 2:
            raise ValueError(f"{name} must have at least two samples, got {len(x)}")
        values(name, x, np.isfinite, "finite")
    return _sample_frechet(a, b)


@checked
def gaussian_frechet(
    mean_a: Float[Array | np.ndarray, " features"],
    covariance_a: Float[Array | np.ndarray, "features features"],
    mean_b: Float[Array | np.ndarray, " features"],
    covariance_b: Float[Array | np.ndarray, "features features"],
) -> Float[Array, ""]:
    r"""Compute the Frechet distance (the squared 2-Wasserstein distance) of two Gaussians.

    Parameters
    ----------
    mean_a, covariance_a
        The one: mean and covariance matrix.
    mean_b, covariance_b
        The other.

    Returns
    -------
    Float[Array, ""]
        :math:`|\mathbf{m}-\mathbf{n}|^2 + \text{tr}\bigl[\mathbf{C}+\mathbf{D} -
        2(\mathbf{C}^{1/2}\mathbf{D}\,\mathbf{C}^{1/2})^{1/2}\bigr]`, not negative. Roots are found by ``eigh``. The
        derivative is the closed form of optimal transport, which is finite also where eigenvalues are equal, as that of
        ``eigh`` is not.

    Raises
    ------
    ValueError
        If shapes do not fit, or a covariance matrix is not symmetric and finite or has negative eigenvalues.

    References
    ----------
    Prince (2023), section 14.3.

    Examples
    --------
    >>> print(f"{gaussian_frechet(np.zeros(2), np.eye(2), np.array([3.0, 4.0]), 4 * np.eye(2)):.1f}")
    27.0
    """
    for name, matrix in (("covariance_a", covariance_a), ("covariance_b", covariance_b)):
        _check_covariance(name, matrix)
    return _gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b)


@jax.jit
def _sample_frechet(a, b):
    means = a.mean(axis=0), b.mean(axis=0)
    roots = [(x - mean) / (len(x) - 1) ** 0.5 for x, mean in zip((a, b), means)]
    if min(len(a), len(b)) > a.shape[1]:
        covariance_a, covariance_b = (root.T @ root for root in roots)
        return _gaussian_frechet(means[0], covariance_a, means[1], covariance_b)
    # So few samples make a singular covariance, in which the distance has no derivative; in the samples it has one.
    spread = sum((root**2).sum() for root in roots) - 2 * _nuclear_norm(roots[0] @ roots[1].T)
    return jnp.maximum(((means[0] - means[1]) ** 2).sum() + spread, 0)


@jax.custom_jvp
def _nuclear_norm(matrix):
    """Add up the singular values."""
    return jnp.linalg.svd(matrix, compute_uv=False).sum()


@_nuclear_norm.defjvp
def _nuclear_norm_jvp(primals, tangents):
    """The derivative leaves out singular values that are zero: those of centred samples stay so."""
    (matrix,), (dot,) = primals, tangents
    left, singular, right = jnp.linalg.svd(matrix, full_matrices=False)
    floor = jnp.finfo(matrix.dtype).eps * max(matrix.shape) * singular.max()
    return singular.sum(), jnp.sum(((left * (singular > floor)) @ right) * dot)


@jax.jit
def _gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b):
    spread = (
        jnp.trace(covariance_a) + jnp.trace(covariance_b) - 2 * _trace_of_root(covariance_a, covariance_b)
    )
    return jnp.maximum(((mean_a - mean_b) ** 2).sum() + spread, 0)


@jax.custom_jvp
def _trace_of_root(c, d):
    """Compute the trace of the root of C^(1/2) D C^(1/2)."""
    # The sum of singular values loses half as many digits as that of the roots of eigenvalues.
    return jnp.linalg.svd(_roots(c)[0] @ _roots(d)[0], compute_uv=False).sum()


@_trace_of_root.defjvp
def _trace_of_root_jvp(primals, tangents):
    """Half of the transport map of each Gaussian to the other is the derivative in its covariance."""
    (c, d), (c_dot, d_dot) = primals, tangents
    slopes = (jnp.sum(_transport(x, y) * dot) for x, y, dot in ((c, d, c_dot), (d, c, d_dot)))
    return _trace_of_root(c, d), sum(slopes) / 2


def _transport(c, d):
    """Compute the matrix that turns samples of a Gaussian with covariance C into such with covariance D."""
    root, inverse = _roots(c)
    middle, _ = _roots(root @ d @ root)
    return inverse @ middle @ inverse


def _roots(matrix):
    """Compute a root of a positive semi-definite matrix, and the pseudo-inverse of the root."""
    eigenvalues, vectors = jnp.linalg.eigh((matrix + matrix.T) / 2)
    floor = jnp.finfo(matrix.dtype).eps * len(matrix) * jnp.abs(eigenvalues).max()
    root = jnp.sqrt(jnp.where(eigenvalues > floor, eigenvalues, 0))
    inverse = jnp.where(eigenvalues > floor, 1 / jnp.where(eigenvalues > floor, root, 1), 0)
    return (vectors * root) @ vectors.T, (vectors * inverse) @ vectors.T


def _check_covariance(name, matrix):
    if is_traced(matrix):
        return
    found = np.asarray(matrix, np.double)
    values(name, found, np.isfinite, "finite")
    size = np.abs(found).max()
    if np.abs(found - found.T).max() > 1e-4 * size:
        raise ValueError(
            f"{name} must be symmetric, but differs from its transpose by {np.abs(found - found.T).max():g}"
        )
    if np.linalg.eigvalsh(found).min() < -1e-4 * size:
        raise ValueError(f"{name} must have no negative eigenvalue, got {np.linalg.eigvalsh(found).min():g}")
