"""The Bayesian approach: not one set of parameters, but how probable each one is, and what all together predict."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, ArrayLike, Float, Key, Num

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch08_performance.simplified_network import design_matrix


class Posterior(NamedTuple):
    r"""A normal distribution over the parameters, the bias first.

    Attributes
    ----------
    mean
        The most probable parameters.
    cholesky
        The Cholesky factor of the precision, lower triangular: :math:`\mathbf{L}\mathbf{L}^T` is the inverse of
        the covariance.
    """

    mean: Float[Array, " parameters"]
    cholesky: Float[Array, "parameters parameters"]

    @property
    def covariance(self) -> Float[Array, "parameters parameters"]:
        """The covariance of the parameters."""
        inverse = solve_triangular(self.cholesky, jnp.eye(len(self.mean), dtype=self.mean.dtype), lower=True)
        return inverse.T @ inverse


class Prediction(NamedTuple):
    """Mean and variance of a normal distribution for each input."""

    mean: Float[Array, " points"]
    variance: Float[Array, " points"]


@checked(may_be_empty=("x", "y"))
def posterior(
    x: Float[Array, " examples"],
    y: Float[Array, " examples"],
    hidden: int,
    noise_variance: Num[ArrayLike, ""] = 0.09,
    prior_variance: Num[ArrayLike, ""] = 1000.0,
) -> Posterior:
    r"""Compute how probable the parameters of the network of figure 8.4 are, given the data.

    The precision, :math:`\mathbf{H}\mathbf{H}^T/\sigma^2 + \mathbf{I}/\sigma_p^2`, is never formed: its Cholesky factor is what
    a QR decomposition of the rows :math:`[\mathbf{H}^T/\sigma;\ \mathbf{I}/\sigma_p]` leaves, with twice as many correct digits.

    Parameters
    ----------
    x, y
        Training pairs; none of them leaves the prior as it is.
    hidden
        Number of hidden units; static under ``jit``.
    noise_variance
        Variance :math:`\sigma^2` of the outputs, positive.
    prior_variance
        Variance :math:`\sigma_p^2` of each parameter before any data are seen, positive.

    Returns
    -------
    Posterior
        Mean, and Cholesky factor of the precision.

    Raises
    ------
    ValueError
        If ``x`` and ``y`` differ in length, ``hidden`` is less than 1, or a variance is not positive.

    References
    ----------
    Prince (2023), section 9.3.5, equation 9.11, figure 9.11; notebook 9.4.

    Examples
    --------
    >>> beliefs = posterior(jnp.array([0.5]), jnp.array([2.0]), hidden=1, noise_variance=1.0, prior_variance=1.0)
    >>> [f"{value:.3f}" for value in beliefs.mean]
    ['0.889', '0.444']
    """
    noise_variance, prior_variance = _variances(x.dtype, noise_variance, prior_variance)
    matrix = design_matrix(x, hidden)
    sigma, prior_sigma = jnp.sqrt(noise_variance), jnp.sqrt(prior_variance)
    rows = jnp.concatenate([matrix / sigma, jnp.eye(hidden + 1, dtype=matrix.dtype) / prior_sigma])
    targets = jnp.concatenate([y / sigma, jnp.zeros(hidden + 1, matrix.dtype)])
    q, r = jnp.linalg.qr(rows)
    mean = solve_triangular(r, q.T @ targets)
    return Posterior(mean, (r * jnp.where(jnp.diag(r) < 0, -1, 1)[:, None]).T)


@checked(may_be_empty=("x", "y"))
def posterior_by_inverse(
    x: Float[Array, " examples"],
    y: Float[Array, " examples"],
    hidden: int,
    noise_variance: Num[ArrayLike, ""] = 0.09,
    prior_variance: Num[ArrayLike, ""] = 1000.0,
) -> tuple[Float[Array, " parameters"], Float[Array, "parameters parameters"]]:
    """Compute mean and covariance of :func:`posterior` as the formula says, by inverting a matrix.

    The notebook does so. It loses twice as many digits as :func:`posterior`, which are most of those that single
    precision has if the prior is wide and the network large.

    Parameters
    ----------
    x, y, hidden, noise_variance, prior_variance
        As in :func:`posterior`.

    Returns
    -------
    Float[Array, " parameters"]
        The most probable parameters, the bias first.
    Float[Array, "parameters parameters"]
        Their covariance.

    Raises
    ------
    ValueError
        As :func:`posterior`.
    """
    noise_variance, prior_variance = _variances(x.dtype, noise_variance, prior_variance)
    matrix = design_matrix(x, hidden)
    precision = matrix.T @ matrix / noise_variance + jnp.eye(hidden + 1, dtype=matrix.dtype) / prior_variance
    covariance = jnp.linalg.inv(precision)
    return covariance @ (matrix.T @ y) / noise_variance, covariance


@checked
def sample(
    beliefs: Posterior, normals: Float[Array, "*samples parameters"]
) -> Float[Array, "*samples parameters"]:
    r"""Turn standard normal draws into parameters drawn from the posterior.

    Parameters
    ----------
    beliefs
        From :func:`posterior`.
    normals
        Standard normal draws, as many in a row as there are parameters.

    Returns
    -------
    Float[Array, "*samples parameters"]
        :math:`\boldsymbol\mu + \mathbf{L}^{-T}\mathbf{z}`.

    Raises
    ------
    ValueError
        If the rows of ``normals`` do not have one number for each parameter.

    References
    ----------
    Prince (2023), figure 9.11a-c; notebook 9.4.
    """
    parameters = len(beliefs.mean)
    if normals.shape[-1] != parameters:
        raise ValueError(f"normals must have {parameters} numbers in a row, got the shape {normals.shape}")
    flat = jnp.reshape(normals, (-1, parameters))
    return beliefs.mean + solve_triangular(beliefs.cholesky, flat.T, lower=True, trans=1).T.reshape(
        normals.shape
    )


@checked
def draw_samples(key: Key[Array, ""], beliefs: Posterior, count: int) -> Float[Array, "{count} parameters"]:
    """Draw parameters from the posterior; see :func:`sample`."""
    return sample(beliefs, jax.random.normal(key, (count, len(beliefs.mean)), beliefs.mean.dtype))


@checked
def predict(
    beliefs: Posterior, x: Float[Array, " points"], noise_variance: Num[ArrayLike, ""] = 0.0
) -> Prediction:
    r"""Predict outputs by all parameters, each weighted by how probable it is.

    Parameters
    ----------
    beliefs
        From :func:`posterior`.
    x
        New inputs.
    noise_variance
        Variance of new outputs around the function, not negative. With 0, as in the notebook, the prediction is for the
        function itself; the integral of equation 9.12 predicts a new output, whose noise comes on top.

    Returns
    -------
    Prediction
        Mean and variance for each input.

    Raises
    ------
    ValueError
        If ``noise_variance`` is negative.

    References
    ----------
    Prince (2023), section 9.3.5, equation 9.12, figure 9.11d-f; notebook 9.4.
    """
    noise_variance = _checks.like(_checks.number("noise_variance", noise_variance, least=0.0), x)
    matrix = design_matrix(x, len(beliefs.mean) - 1)
    spread = solve_triangular(beliefs.cholesky, matrix.T, lower=True)
    return Prediction(matrix @ beliefs.mean, jnp.sum(spread**2, axis=0) + noise_variance)


def _variances(dtype, noise_variance, prior_variance):
    """Check both variances and give them the dtype of the data."""
    values = {"noise_variance": noise_variance, "prior_variance": prior_variance}
    return [jnp.asarray(_checks.number(name, value, above=0.0), dtype) for name, value in values.items()]
