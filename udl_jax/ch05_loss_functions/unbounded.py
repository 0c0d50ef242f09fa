"""Distributions of real numbers and vectors: regression, robust, multimodal and multivariate."""

from math import isqrt
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy import stats
from jaxtyping import Array, Float

from udl_jax.ch05_loss_functions.outputs import columns, positive


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
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Normal":
        """Take the first of two outputs as the mean, and the second made positive as the deviation."""
        mean, deviation = columns(outputs, 2, "normal")
        return cls(mean, positive(deviation))

    def log_density(self, y: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the density at ``y``."""
        return stats.norm.logpdf(y, self.mean, self.deviation)


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
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Laplace":
        """Take the first of two outputs as the location, and the second made positive as the scale."""
        location, scale = columns(outputs, 2, "Laplace")
        return cls(location, positive(scale))

    def log_density(self, y: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the density at ``y``."""
        return stats.laplace.logpdf(y, self.location, self.scale)


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
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "StudentT":
        """Take location, scale and degrees of freedom (always more than 1) off three outputs."""
        location, scale, freedom = columns(outputs, 3, "t")
        return cls(location, positive(scale), 1 + positive(freedom))

    def log_density(self, y: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the density at ``y``."""
        return stats.t.logpdf(y, self.freedom, self.location, self.scale)


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
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "GaussianMixture":
        """Take three outputs for each component: all weights before the softmax, all means, all deviations."""
        width = outputs.shape[-1]
        if width == 0 or width % 3:
            raise ValueError(f"a mixture of Gaussians takes 3 outputs a component, got {width}")
        weights, means, deviations = jnp.split(outputs, 3, axis=-1)
        return cls(jax.nn.log_softmax(weights), means, positive(deviations))

    def log_density(self, y: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the density at ``y``, with the components added by log-sum-exp."""
        each = stats.norm.logpdf(y[..., None], self.means, self.deviations)
        return jax.nn.logsumexp(self.log_weights + each, axis=-1)


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
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "MultivariateNormal":
        r"""Take :math:`D` outputs as the mean, the next :math:`D` made positive as the diagonal, the rest below it."""
        width = outputs.shape[-1]
        size = (isqrt(9 + 8 * width) - 3) // 2
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
        return jnp.linalg.inv(jnp.swapaxes(self.factor, -1, -2) @ self.factor)

    def log_density(self, y: Float[Array, "*batch size"]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the density at ``y``."""
        # jax.scipy.stats.multivariate_normal would take the covariance and factor it anew.
        whitened = jnp.einsum("...ij,...j->...i", self.factor, y - self.mean)
        volume = jnp.log(jnp.diagonal(self.factor, axis1=-2, axis2=-1))
        return jnp.sum(stats.norm.logpdf(whitened) + volume, axis=-1)
