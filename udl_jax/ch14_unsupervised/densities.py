"""Three densities that are simple enough to be written down: models for the measures to be tried on."""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float, Int, Key

from udl_jax._annotations import checked
from udl_jax._checks import count, number, values

Data = Float[Array | np.ndarray, "examples dimensions"]


class Gaussian(NamedTuple):
    """A Gaussian, or several with shares.

    Attributes
    ----------
    mean
        Of each component.
    root
        Lower triangular root of each covariance matrix.
    log_share
        Logarithm of each component's share; they add up to one.
    """

    mean: Float[Array, "components dimensions"]
    root: Float[Array, "components dimensions dimensions"]
    log_share: Float[Array, " components"]


@checked
def fit_gaussians(
    x: Data, labels: Int[Array | np.ndarray, " examples"] | None = None, floor: float = 1e-2
) -> Gaussian:
    """Fit a Gaussian to data, or one to each class.

    Parameters
    ----------
    x
        Data, a row each.
    labels
        The class of each example; None for one Gaussian. It must have values: their largest is the number of components.
    floor
        Added to the diagonal of each covariance matrix, so that dimensions which never change have a density.

    Returns
    -------
    Gaussian
        Means, roots of the covariances, and shares.

    Raises
    ------
    ValueError
        If ``floor`` is not positive, x is not finite, or a class between 0 and the largest label has no examples.

    References
    ----------
    Prince (2023), section 5.3 (Gaussian likelihood); section 17.1.1 (mixtures).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(1000, 2)) + np.array([3.0, 2.0])
    >>> fit_gaussians(x).mean.round(1)
    Array([[3., 2.]], dtype=float32)
    """
    floor = number("floor", floor, above=0.0)
    values("x", x, np.isfinite, "finite")
    groups = np.zeros(len(x), int) if labels is None else np.asarray(labels)
    numbers = np.bincount(groups)
    if not numbers.all():
        raise ValueError(
            f"labels must have examples of every class up to the largest, got none of {np.argmin(numbers)}"
        )
    # Groups of unequal size are filled up, with rows that count nothing: one program fits all.
    rows = np.zeros((len(numbers), numbers.max()), int)
    counts = np.arange(numbers.max()) < numbers[:, None]
    rows[counts] = np.argsort(groups, kind="stable")
    means, roots = _fit_each(x, rows, counts.astype(x.dtype), jnp.asarray(floor, x.dtype))
    return Gaussian(means, roots, jnp.log(jnp.asarray(numbers / len(x))).astype(x.dtype))


@jax.jit
def _fit_each(x, rows, counts, floor):
    def fit(group):
        own, counts = x[group[0]], group[1]
        mean = counts @ own / counts.sum()
        centred = (own - mean) * counts[:, None]
        covariance = centred.T @ centred / counts.sum() + floor * jnp.eye(x.shape[1], dtype=x.dtype)
        return mean, jnp.linalg.cholesky(covariance)

    return jax.lax.map(fit, (rows, counts))


@checked
def log_density(model: Gaussian, x: Data) -> Float[Array, " examples"]:
    """Compute the logarithm of the density of a Gaussian, or of a mixture of them, at each row of ``x``.

    Examples
    --------
    >>> standard = Gaussian(jnp.zeros((1, 2)), jnp.eye(2)[None], jnp.zeros(1))
    >>> print(f"{log_density(standard, jnp.zeros((1, 2)))[0]:.4f}")
    -1.8379
    """
    values("model.root", model.root, _have_positive_diagonals, "triangular, with a diagonal above 0")

    def component(mean, root):
        white = solve_triangular(root, (x - mean).T, lower=True)
        return -0.5 * (white**2).sum(axis=0) - jnp.log(jnp.diagonal(root)).sum()

    each = jax.vmap(component)(model.mean, model.root)
    constant = 0.5 * x.shape[1] * math.log(2 * math.pi)
    return logsumexp(each + model.log_share[:, None], axis=0) - constant


@checked
def sample_gaussians(
    key: Key[Array, ""], model: Gaussian, number_of: int
) -> Float[Array, "samples dimensions"]:
    """Draw samples from a Gaussian or a mixture.

    Examples
    --------
    >>> standard = Gaussian(jnp.zeros((1, 2)), jnp.eye(2)[None], jnp.zeros(1))
    >>> sample_gaussians(jax.random.key(0), standard, 5).shape
    (5, 2)
    """
    return _sample(key, model, count("number_of", number_of))


@functools.partial(jax.jit, static_argnums=2)
def _sample(key, model, number_of):
    for_component, for_noise = jax.random.split(key)
    chosen = jax.random.categorical(for_component, model.log_share, shape=(number_of,))
    noise = jax.random.normal(for_noise, (number_of, model.mean.shape[1]), model.mean.dtype)
    sample = lambda noise, component: model.mean[component] + model.root[component] @ noise  # noqa: E731
    return jax.lax.map(lambda pair: sample(*pair), (noise, chosen), batch_size=50)


@checked
def kernel_log_density(
    x: Data, centres: Float[Array | np.ndarray, "centres dimensions"], bandwidth: float
) -> Float[Array, " examples"]:
    """Compute the log density of a kernel density estimate: a round Gaussian on each of the data, all of one width.

    Parameters
    ----------
    x
        Where the density is wanted.
    centres
        The data.
    bandwidth
        Standard deviation of the Gaussians.

    Returns
    -------
    Float[Array, " examples"]
        Natural logarithms.

    Raises
    ------
    ValueError
        If ``bandwidth`` is not positive, or the dimensions differ.

    Examples
    --------
    >>> print(f"{kernel_log_density(np.zeros((1, 1)), np.zeros((1, 1)), 1.0)[0]:.4f}")
    -0.9189
    """
    return _kernel_log_density(x, centres, jnp.asarray(number("bandwidth", bandwidth, above=0.0), x.dtype))


@jax.jit
def _kernel_log_density(x, centres, scale):
    each = lambda row: logsumexp(-0.5 * (((row - centres) / scale) ** 2).sum(axis=1))  # noqa: E731
    constant = x.shape[1] * (0.5 * math.log(2 * math.pi) + jnp.log(scale)) + math.log(len(centres))
    return jax.lax.map(each, x) - constant


def _have_positive_diagonals(roots):
    return (np.diagonal(roots, axis1=-2, axis2=-1) > 0).all(axis=-1)
