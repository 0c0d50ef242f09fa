r"""Least squares as maximum likelihood: a normal distribution around the network's output."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from udl_jax import training
from udl_jax.ch03_shallow_networks.shallow_network import stages
from udl_jax.ch05_loss_functions import distributions, sweeps
from udl_jax.ch05_loss_functions.outputs import require_positive
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


def normal_density(
    y: Float[Array, "*batch"], mean: Float[Array, "..."], deviation: Float[Array, "..."] | float
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
        If a concrete ``deviation`` is not positive.

    References
    ----------
    Prince (2023), section 5.3, equation 5.7, figure 5.3.

    Examples
    --------
    >>> print(f"{normal_density(jnp.array(1.0), jnp.array(-1.0), 2.3):.3f}")
    0.119
    """
    require_positive("deviation", deviation)
    return jnp.exp(-((y - mean) ** 2) / (2 * deviation**2)) / (math.sqrt(2 * math.pi) * deviation)


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
    return jnp.sqrt(jnp.mean((y - mean) ** 2))


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
