r"""Least squares as maximum likelihood: a normal distribution around the network's output."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from udl_jax import training
from udl_jax._annotations import checked
from udl_jax.ch03_shallow_networks.shallow_network import stages
from udl_jax.ch05_loss_functions import distributions, sweeps
from udl_jax.ch05_loss_functions.outputs import observe, require_positive
from udl_jax.ch05_loss_functions.unbounded import Normal


class Sweep(NamedTuple):
    """Three criteria of fit at each value of one parameter.

    Attributes
    ----------
    likelihood
        To be maximised.
    negative_log_likelihood
        To be minimised, in nats.
    sum_of_squares
        To be minimised, in squared units of the data.
    """

    likelihood: Float[Array, " values"]
    negative_log_likelihood: Float[Array, " values"]
    sum_of_squares: Float[Array, " values"]


@checked
def normal_density(
    y: Float[Array, "..."], mean: Float[Array, "..."], deviation: Float[Array, "..."] | float
) -> Float[Array, "..."]:
    r"""Evaluate the density of a normal distribution, written out.

    Far from the mean it is too small for any number format, and comes out as zero. Its logarithm,
    :meth:`udl_jax.ch05_loss_functions.unbounded.Normal.log_density`, does not.

    Parameters
    ----------
    y
        Where to evaluate it.
    mean
        :math:`\mu`.
    deviation
        Standard deviation :math:`\sigma`, positive.

    Returns
    -------
    Float[Array, "..."]
        The density, in units of one over those of ``y``.

    Raises
    ------
    ValueError
        If a concrete ``deviation`` is not positive, or ``mean`` or ``deviation`` is neither one number nor has
        the shape of ``y``.

    References
    ----------
    Prince (2023), section 5.3, equation 5.7, figure 5.3.

    Examples
    --------
    >>> print(f"{normal_density(jnp.array(1.0), jnp.array(-1.0), 2.3):.3f}")
    0.119
    """
    require_positive("deviation", deviation)
    (mean, deviation), y, dtype = observe(Normal(mean, deviation), y)
    # The quotient is squared, since the squares of small deviations are zero.
    density = jnp.exp(-(((y - mean) / deviation) ** 2) / 2) / deviation / math.sqrt(2 * math.pi)
    return density.astype(dtype)


@checked
def negative_log_likelihood(
    y: Float[Array, " batch"], mean: Float[Array, " batch"], deviation: Float[Array, "..."] | float
) -> Float[Array, ""]:
    """Add up the negative logarithms of the densities, with logarithm and exponential cancelled on paper.

    Parameters
    ----------
    y
        Observations.
    mean
        What the network predicts for each.
    deviation
        Standard deviation, one for all or one for each.

    Returns
    -------
    Float[Array, ""]
        The loss in nats.

    Raises
    ------
    ValueError
        If a concrete ``deviation`` is not positive.

    References
    ----------
    Prince (2023), section 5.3.1, equations 5.4 and 5.10.

    Examples
    --------
    >>> far, mean = jnp.array([100.0]), jnp.zeros(1)
    >>> print(distributions.naive_negative_log_likelihood(normal_density(far, mean, 1.0)))
    inf
    >>> print(f"{negative_log_likelihood(far, mean, 1.0):.1f}")
    5000.9
    """
    require_positive("deviation", deviation)
    return distributions.negative_log_likelihood(Normal(mean, deviation), y)


@checked
def best_deviation(y: Float[Array, " batch"], mean: Float[Array, " batch"]) -> Float[Array, ""]:
    r"""Solve for the constant standard deviation of greatest likelihood.

    Parameters
    ----------
    y
        Observations.
    mean
        What the network predicts for each.

    Returns
    -------
    Float[Array, ""]
        :math:`\hat\sigma`, the root of the mean squared error.

    References
    ----------
    Prince (2023), section 5.3.3, equation 5.13.

    Examples
    --------
    >>> best_deviation(jnp.array([3.0, -3.0]), jnp.zeros(2))
    Array(3., dtype=float32)
    """
    rest = y - mean
    # Squares of the parts of the largest neither over- nor underflow; without any, the root has no derivative.
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(rest)))
    is_exact = largest == 0
    parts = rest / jnp.where(is_exact, 1, largest)
    return largest * jnp.sqrt(jnp.where(is_exact, 1, jnp.mean(parts**2)))


@checked
def sweep_offset(
    theta: Float[Array, "hidden intercept_and_slopes"],
    phi: Float[Array, "1 offset_and_weights"],
    offsets: Float[Array, " values"],
    x: Float[Array, "batch inputs"],
    y: Float[Array, " batch"],
    deviation: Float[Array, ""] | float,
) -> Sweep:
    r"""Turn the network's offset :math:`\beta_1` and watch the three criteria.

    Parameters
    ----------
    theta, phi
        The network, as in :func:`udl_jax.ch03_shallow_networks.shallow_network.stages`, with one output.
    offsets
        Values of the offset; that in ``phi`` is not used.
    x, y
        Inputs, one row each, and outputs of the training pairs.
    deviation
        Standard deviation :math:`\sigma`.

    Returns
    -------
    Sweep
        Likelihood, negative log-likelihood and sum of squares at each offset.

    References
    ----------
    Prince (2023), section 5.3.1, figure 5.4; notebook 5.1.
    """
    means = sweeps.outputs_at_offsets(theta, phi, offsets, x)[..., 0]
    return jax.vmap(_criteria, (None, 0, None))(y, means, deviation)


@checked
def sweep_deviation(
    theta: Float[Array, "hidden intercept_and_slopes"],
    phi: Float[Array, "1 offset_and_weights"],
    deviations: Float[Array, " values"],
    x: Float[Array, "batch inputs"],
    y: Float[Array, " batch"],
) -> Sweep:
    r"""Turn the standard deviation :math:`\sigma` and watch the three criteria; the third does not move.

    Parameters
    ----------
    theta, phi
        The network, as in :func:`sweep_offset`.
    deviations
        Values of the standard deviation, positive.
    x, y
        Inputs, one row each, and outputs of the training pairs.

    Returns
    -------
    Sweep
        Likelihood, negative log-likelihood and sum of squares at each deviation.

    Raises
    ------
    ValueError
        If a concrete value of ``deviations`` is not positive.

    References
    ----------
    Prince (2023), section 5.3.3; notebook 5.1.
    """
    require_positive("deviations", deviations)
    mean = stages(theta, phi, x).output[..., 0]
    return jax.vmap(_criteria, (None, None, 0))(y, mean, deviations)


def _criteria(y, mean, deviation):
    return Sweep(
        distributions.likelihood(normal_density(y, mean, deviation)),
        negative_log_likelihood(y, mean, deviation),
        training.squared_error(mean, y),
    )
