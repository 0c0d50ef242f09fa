"""Distributions of real numbers with bounds: magnitudes, proportions and directions."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from udl_jax._annotations import checked
from udl_jax.ch05_loss_functions.outputs import (
    columns,
    observe,
    positive,
    require,
    require_parameters,
    within_support,
)
from udl_jax.ch05_loss_functions.special import (
    add_exactly,
    deviance,
    log_scaled_bessel,
    multiply_exactly,
    stirling_error,
)

_LOG_TWO_PI = 1.8378770664093453


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
    @checked
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Exponential":
        """Take one output, made positive, as the rate."""
        (rate,) = columns(outputs, 1, "exponential")
        return cls(positive(rate))

    @checked
    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "..."]:
        """Compute the logarithm of the density at ``y``; ``ValueError`` if a concrete ``y`` is negative."""
        require(y >= 0, y, "0 or more")
        require_parameters(self, positive=("rate",))
        (rate,), y, dtype = observe(self, y)
        return within_support(y >= 0, y, jnp.log(rate) - rate * y).astype(dtype)


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
    @checked
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Gamma":
        """Take two outputs, made positive, as shape and rate."""
        shape, rate = columns(outputs, 2, "gamma")
        return cls(positive(shape), positive(rate))

    @checked
    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "..."]:
        """Compute the logarithm of the density at ``y``; ``ValueError`` if a concrete ``y`` is not positive."""
        require(y > 0, y, "more than 0")
        require_parameters(self, positive=("shape", "rate"))
        (shape, rate), y, dtype = observe(self, y)
        shape, rate, y = jnp.broadcast_arrays(shape, rate, y)
        holds, given, y = y > 0, y, jnp.where(y > 0, y, 1)
        # Terms that grow with the shape cancel on paper: what is left is a Poisson distribution's, at the shape.
        mean, rest = multiply_exactly(rate, y)
        apart = deviance(shape, rate, y, (mean - shape) + rest)
        peak = 0.5 * (jnp.log(shape) - _LOG_TWO_PI) - jnp.log(y) - stirling_error(shape)
        return within_support(holds, given, peak - apart).astype(dtype)


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
    @checked
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Beta":
        """Take two outputs, made positive, as the two parameters."""
        alpha, beta = columns(outputs, 2, "beta")
        # A distribution that is all but two points, at 0 and at 1, is nothing to start to learn from.
        floor = jnp.sqrt(jnp.finfo(outputs.dtype).eps)
        return cls(positive(alpha) + floor, positive(beta) + floor)

    @checked
    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "..."]:
        """Compute the logarithm of the density at ``y``; ``ValueError`` if a concrete ``y`` is not in (0, 1)."""
        require((y > 0) & (y < 1), y, "strictly between 0 and 1")
        require_parameters(self, positive=("alpha", "beta"))
        (alpha, beta), y, dtype = observe(self, y)
        alpha, beta, given = jnp.broadcast_arrays(alpha, beta, y)
        holds = (given > 0) & (given < 1)
        y = jnp.where(holds, given, 0.5)
        total, missing = alpha + beta, 1 - y
        excess = _excess(alpha, beta, y)
        apart = deviance(alpha, total, y, excess) + deviance(beta, total, missing, -excess)
        errors = stirling_error(total) - stirling_error(alpha) - stirling_error(beta)
        # The harmonic mean, so that it neither over- nor underflows.
        peak = 0.5 * (jnp.log(alpha / total) + jnp.log(beta) - _LOG_TWO_PI) - jnp.log(y) - jnp.log1p(-y)
        return within_support(holds, given, peak + errors - apart).astype(dtype)


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
    @checked
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "VonMises":
        """Take the first of two outputs as the direction, and the second made positive as the concentration."""
        direction, concentration = columns(outputs, 2, "von Mises")
        return cls(direction, positive(concentration))

    @checked
    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "..."]:
        """Compute the logarithm of the density, over one turn, at ``y``."""
        require_parameters(self, least_zero=("concentration",))
        (direction, concentration), y, dtype = observe(self, y)
        direction, concentration, y = jnp.broadcast_arrays(direction, concentration, y)
        turned, rest = add_exactly(y, -direction)
        sine = jnp.sin(turned / 2) + jnp.cos(turned / 2) * rest / 2
        # One minus the cosine, which close to the mean direction would lose its digits.
        apart = 2 * concentration * sine**2
        return (-apart - log_scaled_bessel(concentration) - _LOG_TWO_PI).astype(dtype)


def _excess(alpha, beta, y):
    """Compute by how much (alpha + beta) y exceeds alpha, with what rounding takes from products and sum."""
    one, one_rest = multiply_exactly(beta, y)
    other, other_rest = multiply_exactly(alpha, y)
    total, rest = add_exactly(one, other)
    return (total - alpha) + (rest + one_rest + other_rest)
