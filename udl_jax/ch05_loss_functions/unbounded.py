"""Distributions of real numbers and vectors: regression, robust, multimodal and multivariate."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num

from udl_jax._annotations import checked
from udl_jax._checks import values
from udl_jax.ch05_loss_functions.outputs import columns, observe, positive, require_parameters
from udl_jax.ch05_loss_functions.special import log_gamma_half_step, log_softmax

_HALF_LOG_TWO_PI = 0.9189385332046727


class Normal(NamedTuple):
    r"""Normal distribution of a real number, for univariate regression.

    Attributes
    ----------
    mean
        Mean :math:`\mu`.
    deviation
        Standard deviation :math:`\sigma`, positive.

    References
    ----------
    Prince (2023), section 5.3, equation 5.7, figures 5.3 to 5.5.

    Examples
    --------
    >>> normal = Normal(mean=jnp.array(-1.0), deviation=jnp.array(2.3))
    >>> print(f"{jnp.exp(normal.log_density(jnp.array(1.0))):.3f}")
    0.119
    """

    mean: Float[Array, "*batch"]
    deviation: Float[Array, "*batch"]

    @classmethod
    @checked
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Normal":
        """Take the first of two outputs as the mean, and the second made positive as the deviation."""
        mean, deviation = columns(outputs, 2, "normal")
        return cls(mean, positive(deviation))

    @checked
    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "..."]:
        """Compute the logarithm of the density at ``y``."""
        require_parameters(self, positive=("deviation",))
        (mean, deviation), y, dtype = observe(self, y)
        return _log_normal((y - mean) / deviation, deviation).astype(dtype)


class Laplace(NamedTuple):
    r"""Laplace distribution of a real number, for regression that outliers disturb less.

    Its negative log-likelihood grows with the absolute error, not with the square.

    Attributes
    ----------
    location
        Mean and median :math:`\mu`.
    scale
        Mean absolute distance :math:`b` from the location, positive.

    References
    ----------
    Prince (2023), section 5.6, figure 5.11.

    Examples
    --------
    >>> laplace = Laplace(location=jnp.zeros(2), scale=jnp.array([0.5, 0.5]))
    >>> laplace.log_density(jnp.array([1.0, -2.0]))
    Array([-2., -4.], dtype=float32)
    """

    location: Float[Array, "*batch"]
    scale: Float[Array, "*batch"]

    @classmethod
    @checked
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Laplace":
        """Take the first of two outputs as the location, and the second made positive as the scale."""
        location, scale = columns(outputs, 2, "Laplace")
        return cls(location, positive(scale))

    @checked
    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "..."]:
        """Compute the logarithm of the density at ``y``."""
        require_parameters(self, positive=("scale",))
        (location, scale), y, dtype = observe(self, y)
        return (-jnp.abs(y - location) / scale - jnp.log(scale) - math.log(2)).astype(dtype)


class StudentT(NamedTuple):
    r"""Student's t-distribution of a real number, for regression that hardly notices outliers.

    Attributes
    ----------
    location
        Median :math:`\mu`.
    scale
        Width :math:`\sigma`, positive.
    freedom
        Degrees of freedom :math:`\nu`: 1 gives the Cauchy distribution, more and more the normal one.

    References
    ----------
    Prince (2023), section 5.6, figure 5.11.

    Examples
    --------
    >>> cauchy = StudentT(location=jnp.array(0.0), scale=jnp.array(1.0), freedom=jnp.array(1.0))
    >>> print(f"{jnp.exp(cauchy.log_density(jnp.array(1.0))):.3f}")
    0.159
    """

    location: Float[Array, "*batch"]
    scale: Float[Array, "*batch"]
    freedom: Float[Array, "*batch"]

    @classmethod
    @checked
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "StudentT":
        """Take location, scale and degrees of freedom (always more than 1) off three outputs."""
        location, scale, freedom = columns(outputs, 3, "t")
        return cls(location, positive(scale), 1 + positive(freedom))

    @checked
    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "..."]:
        """Compute the logarithm of the density at ``y``."""
        require_parameters(self, positive=("scale", "freedom"))
        (location, scale, freedom), y, dtype = observe(self, y)
        peak = log_gamma_half_step(freedom / 2) - _HALF_LOG_TWO_PI - jnp.log(scale)
        return (peak - _log_tail(y - location, scale, freedom)).astype(dtype)


class GaussianMixture(NamedTuple):
    r"""Mixture of normal distributions of a real number, for regression with several answers.

    Attributes
    ----------
    log_weights
        Logarithms of the components' weights, which add up to one.
    means, deviations
        Of the components; the deviations are positive.

    References
    ----------
    Prince (2023), section 5.6, figure 5.11; problem 5.4, figure 5.14.

    Examples
    --------
    >>> mixture = GaussianMixture.from_outputs(jnp.array([0.0, 0.0, -5.0, 5.0, 1.0, 1.0]))
    >>> mixture.means
    Array([-5.,  5.], dtype=float32)
    """

    log_weights: Float[Array, "*batch components"]
    means: Float[Array, "*batch components"]
    deviations: Float[Array, "*batch components"]

    @classmethod
    @checked
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "GaussianMixture":
        """Take three outputs for each component: all weights before the softmax, all means, all deviations."""
        width = outputs.shape[-1]
        if width == 0 or width % 3:
            raise ValueError(f"a mixture of Gaussians takes 3 outputs a component, got {width}")
        weights, means, deviations = jnp.split(outputs, 3, axis=-1)
        return cls(log_softmax(weights), means, positive(deviations))

    @checked
    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "..."]:
        """Compute the logarithm of the density at ``y``, with the components added by log-sum-exp."""
        require_parameters(self, positive=("deviations",))
        (log_weights, means, deviations), y, dtype = observe(self, y, axes=(1, 1, 1))
        components = {parameter.shape[-1] for parameter in self}
        if len(components) > 1 or 0 in components:
            raise ValueError(f"log_weights, means and deviations must be as many, got {sorted(components)}")
        each = log_weights + _log_normal((y[..., None] - means) / deviations, deviations)
        return jax.nn.logsumexp(each, axis=-1).astype(dtype)


class MultivariateNormal(NamedTuple):
    r"""Normal distribution of a vector of :math:`D` real numbers, for multivariate regression.

    The network predicts a factor :math:`\mathbf{P}` of the precision, the inverse covariance
    :math:`\mathbf{P}^T \mathbf{P}`. Any lower triangle with a positive diagonal is one, and the density
    then takes no inversion and no division.

    Attributes
    ----------
    mean
        Mean vector.
    factor
        :math:`\mathbf{P}`.

    References
    ----------
    Prince (2023), section 5.6, figure 5.11; appendix C.3.2 for the density.

    Examples
    --------
    >>> normal = MultivariateNormal(jnp.zeros(2), 0.5 * jnp.eye(2))
    >>> normal.covariance()
    Array([[4., 0.],
           [0., 4.]], dtype=float32)
    """

    mean: Float[Array, "*batch size"]
    factor: Float[Array, "*batch size size"]

    @classmethod
    @checked
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "MultivariateNormal":
        r"""Take :math:`D` outputs as the mean, the next :math:`D` made positive as the diagonal, the rest below it."""
        width = outputs.shape[-1]
        size = (math.isqrt(9 + 8 * width) - 3) // 2
        if width == 0 or size * (size + 3) != 2 * width:
            raise ValueError(
                f"a normal distribution of D numbers takes D (D + 3) / 2 outputs (2, 5, 9, ...), got {width}"
            )
        mean, diagonal, below = jnp.split(outputs, [size, 2 * size], axis=-1)
        factor = jnp.zeros((*outputs.shape[:-1], size, size), outputs.dtype)
        factor = factor.at[..., *jnp.tril_indices(size, -1)].set(below)
        return cls(mean, factor.at[..., *jnp.diag_indices(size)].set(positive(diagonal)))

    def covariance(self) -> Float[Array, "*batch size size"]:
        """Compute the covariance matrix."""
        size = self.factor.shape[-1]
        identity = jnp.broadcast_to(jnp.eye(size, dtype=self.factor.dtype), self.factor.shape)
        inverse = jax.scipy.linalg.solve_triangular(self.factor, identity, lower=True)
        return inverse @ jnp.swapaxes(inverse, -1, -2)

    @checked
    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "..."]:
        """Compute the logarithm of the density at ``y``; ``ValueError`` if ``factor`` is not as described above."""
        (mean, factor), y, dtype = observe(self, y, axes=(1, 2), event=1)
        size = y.shape[-1]
        if mean.shape[-1] != size or factor.shape[-2:] != (size, size):
            raise ValueError(
                f"y of {size} numbers does not fit a mean of {mean.shape[-1]} and a factor of {factor.shape[-2:]}"
            )
        values("factor", factor, _is_lower, "a lower triangle with a positive diagonal")
        # jax.scipy.stats.multivariate_normal would take the covariance and factor it anew.
        whitened = jnp.einsum("...ij,...j->...i", factor, y - mean)
        diagonal = jnp.diagonal(factor, axis1=-2, axis2=-1)
        return jnp.sum(jnp.log(diagonal) - 0.5 * whitened**2 - _HALF_LOG_TWO_PI, axis=-1).astype(dtype)


def _log_normal(z, deviation):
    """Compute the logarithm of a normal density at so many standard deviations from the mean."""
    return -0.5 * z * z - jnp.log(deviation) - _HALF_LOG_TWO_PI


def _log_tail(distance, scale, freedom):
    """Compute by how much a t distribution is less dense at a distance from its centre; with any freedom."""
    z = distance / scale
    is_normal = jnp.isinf(freedom)
    freedom = jnp.where(is_normal, 1, freedom)
    root = jnp.abs(z) / jnp.sqrt(freedom)
    is_far = root > 1
    near, far = jnp.where(is_far, 0, root), jnp.where(is_far, root, 1)
    log_far = jnp.log(far) + 0.5 * jnp.log1p(far**-2)
    # Where the quotient overflows, its logarithm does not.
    is_lost = jnp.isinf(root)
    log_lost = jnp.log(jnp.where(is_lost, jnp.abs(distance), 1)) - jnp.log(scale) - 0.5 * jnp.log(freedom)
    logarithm = jnp.where(is_far, 2 * jnp.where(is_lost, log_lost, log_far), jnp.log1p(near**2))
    return jnp.where(is_normal, 0.5 * z * z, 0.5 * (freedom + 1) * logarithm)


def _is_lower(factor):
    diagonal = np.diagonal(factor, axis1=-2, axis2=-1)
    return ~((diagonal <= 0).any(-1) | (np.triu(factor, 1) != 0).any((-2, -1)))
