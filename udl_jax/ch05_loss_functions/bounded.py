"""Distributions of real numbers with bounds: magnitudes, proportions and directions."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy import stats
from jaxtyping import Array, Float

from udl_jax.ch05_loss_functions.outputs import columns, positive, require


class Exponential(NamedTuple):
    r"""Exponential distribution of a number that is not negative, for magnitudes.

    Attributes
    ----------
    rate
        Rate :math:`\lambda`, positive: one over the mean.

    References
    ----------
    Prince (2023), section 5.6, figure 5.11.

    Examples
    --------
    >>> print(f"{Exponential(jnp.array(1.0)).log_density(jnp.array(3.0)):.3f}")
    -3.000
    """

    rate: Float[Array, "*batch"]

    @classmethod
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Exponential":
        """Take one output, made positive, as the rate."""
        (rate,) = columns(outputs, 1, "exponential")
        return cls(positive(rate))

    def log_density(self, y: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the density at ``y``; ``ValueError`` if a concrete ``y`` is negative."""
        require(y >= 0, y, "0 or more")
        return stats.expon.logpdf(y, scale=1 / self.rate)


class Gamma(NamedTuple):
    r"""Gamma distribution of a positive number, for magnitudes that keep away from zero, or crowd there.

    Attributes
    ----------
    shape
        Shape :math:`\alpha`, positive: 1 gives the exponential distribution.
    rate
        Rate :math:`\beta`, positive; the mean is :math:`\alpha / \beta`.

    References
    ----------
    Prince (2023), section 5.6, figure 5.11.

    Examples
    --------
    >>> print(f"{Gamma(jnp.array(1.0), jnp.array(1.0)).log_density(jnp.array(3.0)):.3f}")
    -3.000
    """

    shape: Float[Array, "*batch"]
    rate: Float[Array, "*batch"]

    @classmethod
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Gamma":
        """Take two outputs, made positive, as shape and rate."""
        shape, rate = columns(outputs, 2, "gamma")
        return cls(positive(shape), positive(rate))

    def log_density(self, y: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the density at ``y``; ``ValueError`` if a concrete ``y`` is not positive."""
        require(y > 0, y, "more than 0")
        return stats.gamma.logpdf(y, self.shape, scale=1 / self.rate)


class Beta(NamedTuple):
    r"""Beta distribution of a number between 0 and 1, for proportions.

    Attributes
    ----------
    alpha, beta
        Positive; the mean is :math:`\alpha / (\alpha + \beta)`, and the larger both are, the narrower
        the distribution.

    References
    ----------
    Prince (2023), section 5.6, figure 5.11.

    Examples
    --------
    >>> triangular = Beta(jnp.array(2.0), jnp.array(1.0))
    >>> print(f"{jnp.exp(triangular.log_density(jnp.array(0.3))):.3f}")
    0.600
    """

    alpha: Float[Array, "*batch"]
    beta: Float[Array, "*batch"]

    @classmethod
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Beta":
        """Take two outputs, made positive, as the two parameters."""
        alpha, beta = columns(outputs, 2, "beta")
        # In single precision the gradient of jax.scipy.special.betaln is NaN where both are below 3e-5.
        floor = jnp.sqrt(jnp.finfo(outputs.dtype).eps)
        return cls(positive(alpha) + floor, positive(beta) + floor)

    def log_density(self, y: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the density at ``y``; ``ValueError`` if a concrete ``y`` is not in (0, 1)."""
        require((y > 0) & (y < 1), y, "strictly between 0 and 1")
        return stats.beta.logpdf(y, self.alpha, self.beta)


class VonMises(NamedTuple):
    r"""Von Mises distribution of an angle in radians, for directions.

    Attributes
    ----------
    direction
        Mean direction :math:`\mu`, in radians; angles that differ by whole turns are the same.
    concentration
        :math:`\kappa`, positive: near 0 all directions are equally likely, and large ones make it a
        normal distribution of variance :math:`1 / \kappa`.

    References
    ----------
    Prince (2023), section 5.6, figure 5.11; problem 5.3, figure 5.13.

    Examples
    --------
    >>> wind = VonMises(jnp.zeros(2), jnp.ones(2))
    >>> print(wind.log_density(jnp.array([0.0, 2 * jnp.pi])))
    [-1.073... -1.073...]
    """

    direction: Float[Array, "*batch"]
    concentration: Float[Array, "*batch"]

    @classmethod
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "VonMises":
        """Take the first of two outputs as the direction, and the second made positive as the concentration."""
        direction, concentration = columns(outputs, 2, "von Mises")
        return cls(direction, positive(concentration))

    def log_density(self, y: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the density, over one turn, at ``y``."""
        return stats.vonmises.logpdf(y - self.direction, self.concentration)
