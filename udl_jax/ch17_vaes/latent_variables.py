r"""A latent variable model: a number that nobody sees decides where a point is, and noise blurs it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import stats
from jaxtyping import Array, Float, Key, Num

from udl_jax import _checks
from udl_jax._annotations import checked

#: Maps latent variables, one each, to the means of points in the plane.
Decoder = Callable[[Float[Array, " latents"]], Float[Array, "latents 2"]]


@checked
def latent_to_mean(z: Float[Array, "*latents"]) -> Float[Array, "*latents 2"]:
    r"""Map the latent variable to the place in the plane around which the data lie.

    Parameters
    ----------
    z
        Latent variables.

    Returns
    -------
    Float[Array, "*latents 2"]
        :math:`\mathbf{f}[z]` with :math:`x_1 = \frac12 e^{\sin[2 + 3.675z]}` and :math:`x_2 = \cos[2 + 2.85z]`. The
        notebook's text has a sine for :math:`x_2`, its code the cosine, as here.

    References
    ----------
    Prince (2023), section 17.2, figure 17.2; notebook 17.1.

    Examples
    --------
    >>> print(latent_to_mean(jnp.array(0.0)))
    [ 1.24...  -0.416...]
    """
    return jnp.stack([jnp.exp(jnp.sin(2 + 3.675 * z)) / 2, jnp.cos(2 + 2.85 * z)], axis=-1)


@checked
def log_prior(z: Float[Array, "*latents"]) -> Float[Array, "*latents"]:
    """Compute the logarithm of the standard normal density of the latent variable."""
    return stats.norm.logpdf(z)


@checked
def log_likelihood(
    x: Float[Array, "*points 2"],
    z: Float[Array, " latents"],
    sigma_sq: Num[Array, ""] | float = 0.04,
    decoder: Decoder = latent_to_mean,
) -> Float[Array, "*points latents"]:
    r"""Compute how well each latent variable explains each point.

    Parameters
    ----------
    x
        Points in the plane.
    z
        Latent variables.
    sigma_sq
        Variance :math:`\sigma^2` of the noise in each direction, positive.
    decoder
        Maps latent variables to means; by default :func:`latent_to_mean`. Static under ``jit``.

    Returns
    -------
    Float[Array, "*points latents"]
        :math:`\log Pr(\mathbf{x}|z) = \log \text{Norm}_{\mathbf{x}}[\mathbf{f}[z], \sigma^2\mathbf{I}]`.

    Raises
    ------
    ValueError
        If ``sigma_sq`` is not positive, or points do not lie in a plane.

    References
    ----------
    Prince (2023), section 17.2, equation 17.5.

    Examples
    --------
    >>> at_mean = log_likelihood(latent_to_mean(jnp.array([1.8])), jnp.array([1.8]))
    >>> print(f"{jnp.exp(at_mean[0, 0]):.4f}")  # 1 / (2 pi 0.04)
    3.9789
    """
    sigma_sq = _variance(sigma_sq, x)
    apart = x[..., None, :] - _means(decoder, z)
    return -jnp.sum(apart**2, axis=-1) / (2 * sigma_sq) - jnp.log(2 * jnp.pi * sigma_sq)


@checked
def log_density(
    x: Float[Array, "*points 2"],
    z: Float[Array, " latents"],
    sigma_sq: Num[Array, ""] | float = 0.04,
    decoder: Decoder = latent_to_mean,
) -> Float[Array, "*points"]:
    r"""Compute the logarithm of the density of points, with the latent variable summed out on a grid.

    Parameters
    ----------
    x
        Points in the plane.
    z
        Equally spaced latent variables in rising order, wide and dense enough to stand for all.
    sigma_sq, decoder
        As for :func:`log_likelihood`.

    Returns
    -------
    Float[Array, "*points"]
        :math:`\log \sum_z Pr(\mathbf{x}|z)\,Pr(z)\,\Delta z`, also where the density itself is too small a number.

    Raises
    ------
    ValueError
        If ``sigma_sq`` is not positive, or ``z`` is not equally spaced.

    References
    ----------
    Prince (2023), section 17.2, equation 17.6.

    Examples
    --------
    >>> z = jnp.arange(-4, 4, 0.01)
    >>> print(f"{log_density(jnp.array([9.0, 9.0]), z):.0f}")
    -1538
    """
    joint = log_likelihood(x, z, sigma_sq, decoder) + log_prior(z)
    return jax.nn.logsumexp(joint, axis=-1) + jnp.log(grid_spacing("z", z))


@checked
def marginal_density(
    x1: Float[Array, " columns"],
    x2: Float[Array, " rows"],
    z: Float[Array, " latents"],
    sigma_sq: Num[Array, ""] | float = 0.04,
    decoder: Decoder = latent_to_mean,
) -> Float[Array, "rows columns"]:
    r"""Compute the density of all points of a mesh, as one product of matrices.

    Noise that is the same in all directions is a product of what it is in each. So the sum over latent variables of
    (density of :math:`x_2`) times (density of :math:`x_1`) times prior is a matrix product.

    Parameters
    ----------
    x1, x2
        Coordinates of the mesh's columns and rows.
    z
        Equally spaced latent variables in rising order.
    sigma_sq, decoder
        As for :func:`log_likelihood`.

    Returns
    -------
    Float[Array, "rows columns"]
        :math:`Pr(\mathbf{x}) \approx \sum_z Pr(\mathbf{x}|z)\,Pr(z)\,\Delta z`.

    Raises
    ------
    ValueError
        If ``sigma_sq`` is not positive, or ``z`` is not equally spaced.

    References
    ----------
    Prince (2023), section 17.2, equation 17.6, figure 17.3.

    Examples
    --------
    >>> axis = jnp.arange(-3, 3, 0.05)
    >>> density = marginal_density(axis, axis, jnp.arange(-4, 4, 0.01))
    >>> print(f"{density.sum() * 0.05**2:.3f}")
    1.000
    """
    deviation = jnp.sqrt(_variance(sigma_sq, z))
    means = _means(decoder, z)
    columns = stats.norm.pdf(x1, means[:, :1], deviation)
    rows = stats.norm.pdf(x2, means[:, 1:], deviation)
    return (rows * (jnp.exp(log_prior(z)) * grid_spacing("z", z))[:, None]).T @ columns


@checked
def decode(
    z: Float[Array, " samples"],
    noise: Float[Array, "samples 2"],
    sigma_sq: Num[Array, ""] | float = 0.04,
    decoder: Decoder = latent_to_mean,
) -> Float[Array, "samples 2"]:
    r"""Turn draws into points: a latent variable for the place, two numbers for the noise around it.

    Parameters
    ----------
    z
        Standard normal draws, taken for latent variables.
    noise
        Standard normal draws, two for each.
    sigma_sq, decoder
        As for :func:`log_likelihood`.

    Returns
    -------
    Float[Array, "samples 2"]
        :math:`\mathbf{f}[z] + \sigma\boldsymbol\epsilon`. To draw first the one and then the other is called ancestral
        sampling.

    Raises
    ------
    ValueError
        If there is not a pair of noise for each latent variable, or ``sigma_sq`` is not positive.

    References
    ----------
    Prince (2023), section 17.2.1, figure 17.3.

    Examples
    --------
    >>> points = decode(jnp.zeros(1), jnp.array([[1.0, -1.0]]))
    >>> [f"{float(value):.3f}" for value in points[0]]
    ['1.441', '-0.616']
    """
    return _means(decoder, z) + jnp.sqrt(_variance(sigma_sq, z)) * noise


@checked
def sample(
    key: Key[Array, ""], count: int, sigma_sq: Num[Array, ""] | float = 0.04
) -> Float[Array, "{count} 2"]:
    """Draw latent variables and noise, and :func:`decode` them."""
    draws = jax.random.normal(key, (_checks.count("count", count), 3))
    return decode(draws[:, 0], draws[:, 1:], sigma_sq)


@checked
def posterior(
    x: Float[Array, "*points 2"],
    z: Float[Array, " latents"],
    sigma_sq: Num[Array, ""] | float = 0.04,
    decoder: Decoder = latent_to_mean,
) -> Float[Array, "*points latents"]:
    r"""Compute how probable each latent variable of a grid is, given a point.

    Parameters
    ----------
    x, sigma_sq, decoder
        As for :func:`log_likelihood`.
    z
        Equally spaced latent variables in rising order.

    Returns
    -------
    Float[Array, "*points latents"]
        :math:`Pr(z|\mathbf{x}) \propto Pr(\mathbf{x}|z)\,Pr(z)`, with sum one for each point, as in the notebook. For a
        density, divide by the distance of two neighbours on the grid.

    Raises
    ------
    ValueError
        If ``sigma_sq`` is not positive, or ``z`` is not equally spaced.

    References
    ----------
    Prince (2023), section 17.5, equation 17.19; notebook 17.1.

    Examples
    --------
    >>> beliefs = posterior(jnp.array([90.0, -0.9]), jnp.arange(-3, 3, 0.01))
    >>> print(f"{beliefs.sum():.3f}")
    1.000
    """
    grid_spacing("z", z)
    return jax.nn.softmax(log_likelihood(x, z, sigma_sq, decoder) + log_prior(z), axis=-1)


def _means(decoder, z):
    means = decoder(z)
    _checks.shape_of("decoder's means", means, (*z.shape, 2), "one point for each latent variable")
    return means


def _variance(sigma_sq, like):
    return jnp.asarray(_checks.like(_checks.number("sigma_sq", sigma_sq, above=0), like), like.dtype)


def grid_spacing(name: str, grid: Float[Array, " places"]) -> Float[Array, ""]:
    """Return the distance of neighbours on a grid; refuse what is no grid by name."""
    if len(grid) < 2:
        raise ValueError(f"{name} must have two places at least, got {len(grid)}")
    _checks.values(name, grid[None], _are_spaced, "equally spaced and rising")
    return (grid[-1] - grid[0]) / (len(grid) - 1)


def _are_spaced(rows):
    gaps = np.diff(rows)
    return ((gaps > 0) & (abs(gaps - gaps[:, :1]) < 1e-2 * gaps[:, :1] + 1e-12)).all(axis=1)
