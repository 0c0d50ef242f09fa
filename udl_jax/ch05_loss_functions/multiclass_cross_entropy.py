r"""Multiclass cross-entropy: a categorical distribution whose parameters are the softmax of the outputs."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from udl_jax._annotations import checked
from udl_jax._checks import values
from udl_jax.ch05_loss_functions import distributions, sweeps
from udl_jax.ch05_loss_functions.discrete import Categorical, is_label, pick


@checked
def softmax(outputs: Float[Array, "*batch classes"]) -> Float[Array, "*batch classes"]:
    r"""Map rows of real numbers to rows of probabilities, written out.

    In finite precision an output of 100 (in float64, of 1000) has an infinite exponential, and the result
    is NaN. ``jax.nn.softmax`` subtracts the largest output first.

    Parameters
    ----------
    outputs
        Network outputs :math:`z_k`, a row for each example.

    Returns
    -------
    Float[Array, "*batch classes"]
        :math:`e^{z_k} / \sum_j e^{z_j}`.

    References
    ----------
    Prince (2023), section 5.5, equation 5.22.

    Examples
    --------
    >>> softmax(jnp.array([0.0, 0.0]))
    Array([0.5, 0.5], dtype=float32)
    >>> softmax(jnp.array([100.0, 0.0]))
    Array([nan,  0.], dtype=float32)
    """
    exponentials = jnp.exp(outputs)
    return exponentials / jnp.sum(exponentials, axis=-1, keepdims=True)


@checked
def categorical_probability(
    y: Num[Array, "*batch"], probabilities: Float[Array, "*batch classes"]
) -> Float[Array, "*batch"]:
    r"""Pick the probability of each label out of its row.

    Parameters
    ----------
    y
        Labels, from 0 up.
    probabilities
        Probabilities :math:`\lambda_k` of all classes, a row for each example.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`\lambda_y`; NaN under ``jit`` where a label has no probability.

    Raises
    ------
    ValueError
        If a concrete label has no probability, or there is not one label for each row.

    References
    ----------
    Prince (2023), section 5.5, equation 5.21, figure 5.9.

    Examples
    --------
    >>> categorical_probability(jnp.array(2), jnp.array([0.2, 0.5, 0.3]))
    Array(0.3, dtype=float32)
    """
    classes = probabilities.shape[-1]
    values("y", y, lambda y: is_label(y, classes), f"labels 0 to {classes - 1}")
    return pick(probabilities, y)


@checked
def cross_entropy(outputs: Float[Array, "batch classes"], y: Num[Array, " batch"]) -> Float[Array, ""]:
    r"""Compute the loss from the network's outputs, with softmax and logarithm taken together: log-sum-exp.

    Parameters
    ----------
    outputs
        Network outputs :math:`z_k`, before the softmax.
    y
        Labels, from 0 up.

    Returns
    -------
    Float[Array, ""]
        The negative log-likelihood in nats: a sum, as in the book.
        :func:`udl_jax.training.cross_entropy` is the mean. Its gradient is :math:`\lambda_k`, less 1 for
        the class that is right.

    Raises
    ------
    ValueError
        If a concrete label has no output.

    References
    ----------
    Prince (2023), section 5.5, equation 5.24.

    Examples
    --------
    >>> outputs, y = jnp.array([[100.0, 0.0, 0.0]]), jnp.array([0])
    >>> print(distributions.naive_negative_log_likelihood(categorical_probability(y, softmax(outputs))))
    nan
    >>> print(cross_entropy(outputs, y))
    0.0
    """
    return distributions.negative_log_likelihood(Categorical(outputs), y)


@checked
def sweep_offset(
    theta: Float[Array, "hidden intercept_and_slopes"],
    phi: Float[Array, "classes offset_and_weights"],
    offsets: Float[Array, " values"],
    x: Float[Array, "batch inputs"],
    y: Num[Array, " batch"],
    *,
    unit: int = 0,
) -> sweeps.Sweep:
    r"""Turn the offset of one class and watch likelihood and loss.

    Parameters
    ----------
    theta, phi
        The network, as in :func:`udl_jax.ch03_shallow_networks.shallow_network.stages`, with an output for
        each class.
    offsets
        Values of the offset; that in ``phi`` is not used.
    x, y
        Inputs, one row each, and labels.
    unit
        The class whose offset is turned; static under ``jit``.

    Returns
    -------
    udl_jax.ch05_loss_functions.sweeps.Sweep
        Likelihood and negative log-likelihood at each offset.

    Raises
    ------
    ValueError
        If the network has no output ``unit``, or none for a concrete label.

    References
    ----------
    Prince (2023), section 5.5; notebook 5.3.
    """
    outputs = sweeps.outputs_at_offsets(theta, phi, offsets, x, unit=unit)
    return sweeps.sweep(Categorical.from_outputs(outputs), y)
