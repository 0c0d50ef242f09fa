"""Noise, bias and variance: what the error of a model is made of, and how its capacity trades one for another."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Num

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch08_performance.simplified_network import Data, fit, predict


class Parts(NamedTuple):
    """What the expected squared error is made of, averaged over the inputs.

    Attributes
    ----------
    variance
        Squared distance of the fitted models from their mean.
    bias
        Squared distance of the mean model from the truth.
    noise
        Variance of the outputs around the truth, which no model can avoid.
    """

    variance: Float[Array, "*sweep"]
    bias: Float[Array, "*sweep"]
    noise: Float[Array, "*sweep"]

    @property
    def total(self) -> Float[Array, "*sweep"]:
        """Expected squared error: the sum of the three."""
        return self.variance + self.bias + self.noise


@checked
def refit(
    data: Data,
    x_model: Float[Array, " points"],
    hidden: Int[ArrayLike, ""],
    columns: int | None = None,
) -> Float[Array, "sets points"]:
    """Fit one network to each of many data sets, all at once, and run each on the same inputs.

    Parameters
    ----------
    data
        Data sets along the leading axis.
    x_model
        Inputs to run the fitted networks on.
    hidden, columns
        As in :func:`~udl_jax.ch08_performance.simplified_network.design_matrix`.

    Returns
    -------
    Float[Array, "sets points"]
        One fitted function in each row.

    Raises
    ------
    ValueError
        As :func:`~udl_jax.ch08_performance.simplified_network.fit`; also if ``data`` do not have two axes.
    """
    if data.x.ndim != 2:
        raise ValueError(f"data must have the axes (sets, examples), got the shape {data.x.shape}")

    def one(x, y):
        return predict(fit(x, y, hidden, columns), x_model, hidden)

    return jax.vmap(one)(*data)


@checked
def sweep(
    data: Data, x_model: Float[Array, " points"], capacities: Sequence[int]
) -> Float[Array, "capacities sets points"]:
    """Fit networks of several sizes, each to data sets of its own, all at once.

    Parameters
    ----------
    data
        Data sets with the axes (capacities, sets, examples).
    x_model
        Inputs to run the fitted networks on.
    capacities
        Numbers of hidden units; static.

    Returns
    -------
    Float[Array, "capacities sets points"]
        The fitted functions.

    Raises
    ------
    ValueError
        As :func:`~udl_jax.ch08_performance.simplified_network.fit`; also if the leading axis of ``data`` is
        not as long as ``capacities``.

    References
    ----------
    Prince (2023), section 8.3, figure 8.9; notebook 8.2.
    """
    capacities = np.array(_checks.counts("capacities", capacities, length=1))
    if data.x.ndim != 3 or len(data.x) != len(capacities):
        raise ValueError(
            f"data must have the axes (capacities, sets, examples), the first of length {len(capacities)}, "
            f"got the shape {data.x.shape}"
        )
    columns = int(capacities.max()) + 1
    return jax.vmap(lambda sets, hidden: refit(sets, x_model, hidden, columns))(data, capacities)


@checked
def decompose(
    predictions: Float[Array, "*sweep sets points"],
    truth: Float[Array, " points"],
    noise: Num[ArrayLike, ""] = 0.0,
) -> Parts:
    r"""Part the expected squared error of a model into variance, bias and noise.

    Parameters
    ----------
    predictions
        What models fitted to different data sets say, with the axes (..., sets, points).
    truth
        The mean of the outputs at the same inputs.
    noise
        Standard deviation of the outputs around it.

    Returns
    -------
    Parts
        The terms of equation 8.7, averaged over the inputs. Variances divide by the number of models, so
        variance and bias add up to the mean squared distance from the truth.

    Raises
    ------
    ValueError
        If ``predictions`` and ``truth`` do not have the same number of points, or ``noise`` is negative.

    References
    ----------
    Prince (2023), section 8.2, equation 8.7, figure 8.9; notebook 8.2.

    Examples
    --------
    >>> parts = decompose(jnp.array([[1.0], [3.0]]), jnp.array([2.5]), noise=0.5)
    >>> [float(part) for part in parts]
    [1.0, 0.25, 0.25]
    """
    noise = _checks.number("noise", noise, least=0.0)
    mean = jnp.mean(predictions, axis=-2)
    variance = jnp.mean(jnp.var(predictions, axis=-2), axis=-1)
    bias = jnp.mean((mean - truth) ** 2, axis=-1)
    return Parts(variance, bias, jnp.full_like(bias, noise**2))
