r"""Binary cross-entropy: a Bernoulli distribution whose parameter is the sigmoid of the network's output."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from udl_jax._annotations import checked
from udl_jax._checks import values
from udl_jax.ch05_loss_functions import distributions, sweeps
from udl_jax.ch05_loss_functions.discrete import Bernoulli


@checked
def sigmoid(outputs: Float[Array, "*any"]) -> Float[Array, "*any"]:
    r"""Map real numbers to (0, 1) by the logistic sigmoid, written out.

    In finite precision large outputs give exactly 1, and the logarithm of what is missing to 1 is lost.

    Parameters
    ----------
    outputs
        Network outputs :math:`z`.

    Returns
    -------
    Float[Array, "*any"]
        :math:`1 / (1 + e^{-z})`.

    References
    ----------
    Prince (2023), section 5.4, equation 5.18, figure 5.7.

    Examples
    --------
    >>> sigmoid(jnp.array([0.0, 100.0]))
    Array([0.5, 1. ], dtype=float32)
    """
    return _sigmoid(outputs)


@jax.custom_jvp
def _sigmoid(z):
    return 1 / (1 + jnp.exp(-z))


# The chain rule would divide infinity by infinity where the exponential overflows.
_sigmoid.defjvps(lambda dz, value, z: value * _sigmoid(-z) * dz)


@checked
def bernoulli_probability(
    y: Num[Array, "*batch"], probability: Float[Array, "*batch"]
) -> Float[Array, "*batch"]:
    r"""Compute the probability of a label in the one formula that does for both.

    Parameters
    ----------
    y
        Labels 0 and 1.
    probability
        Probability :math:`\lambda` of label 1.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`(1 - \lambda)^{1 - y} \lambda^y`.

    Raises
    ------
    ValueError
        If a concrete label is neither 0 nor 1, or the shapes differ.

    References
    ----------
    Prince (2023), section 5.4, equation 5.17, figure 5.6.

    Examples
    --------
    >>> bernoulli_probability(jnp.array([0, 1]), jnp.array([0.2, 0.2]))
    Array([0.8, 0.2], dtype=float32)
    """
    values("y", y, lambda y: (y == 0) | (y == 1), "0 or 1")
    y = y.astype(jnp.int32)  # powers of zero have derivatives where exponents are integers
    return (1 - probability) ** (1 - y) * probability**y


@checked
def binary_cross_entropy(outputs: Float[Array, " batch"], y: Num[Array, " batch"]) -> Float[Array, ""]:
    r"""Compute the loss from the network's outputs, with sigmoid and logarithm taken together.

    Parameters
    ----------
    outputs
        Network outputs :math:`z`, before the sigmoid.
    y
        Labels 0 and 1.

    Returns
    -------
    Float[Array, ""]
        The negative log-likelihood in nats; a sum, not a mean. Its gradient is :math:`\lambda - y`.

    Raises
    ------
    ValueError
        If a concrete label is neither 0 nor 1.

    References
    ----------
    Prince (2023), section 5.4, equation 5.20.

    Examples
    --------
    >>> outputs, y = jnp.array([100.0]), jnp.array([0])
    >>> print(distributions.naive_negative_log_likelihood(bernoulli_probability(y, sigmoid(outputs))))
    inf
    >>> print(binary_cross_entropy(outputs, y))
    100.0
    """
    return distributions.negative_log_likelihood(Bernoulli(outputs), y)


@checked
def sweep_offset(
    theta: Float[Array, "hidden intercept_and_slopes"],
    phi: Float[Array, "1 offset_and_weights"],
    offsets: Float[Array, " values"],
    x: Float[Array, "batch inputs"],
    y: Num[Array, " batch"],
) -> sweeps.Sweep:
    r"""Turn the network's offset :math:`\beta_1` and watch likelihood and loss.

    Parameters
    ----------
    theta, phi
        The network, as in :func:`udl_jax.ch03_shallow_networks.shallow_network.stages`, with one output.
    offsets
        Values of the offset; that in ``phi`` is not used.
    x, y
        Inputs, one row each, and labels.

    Returns
    -------
    udl_jax.ch05_loss_functions.sweeps.Sweep
        Likelihood and negative log-likelihood at each offset.

    Raises
    ------
    ValueError
        If a concrete label is neither 0 nor 1.

    References
    ----------
    Prince (2023), section 5.4; notebook 5.2.
    """
    outputs = sweeps.outputs_at_offsets(theta, phi, offsets, x)
    return sweeps.sweep(Bernoulli.from_outputs(outputs), y)
