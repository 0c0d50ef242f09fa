"""How the variance of the first weights decides whether signals survive a deep network, both ways."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, ArrayLike, Float

from udl_jax._annotations import checked
from udl_jax._checks import count, like, one_of, values
from udl_jax.ch07_gradients.backpropagation import indicator
from udl_jax.ch07_gradients.stacked_network import (
    Weights,
    as_weights,
    backward_pass,
    check_variance,
    forward_pass,
    scale,
)


class Variances(NamedTuple):
    """Variance over the units of a layer and all examples, for each hidden layer from the first to the last.

    Attributes
    ----------
    h
        Of the activations.
    dl_df
        Of the loss's derivatives with respect to the pre-activations.
    dl_dh
        Of the loss's derivatives with respect to the activations.
    """

    h: Float[Array, "*settings layers"]
    dl_df: Float[Array, "*settings layers"]
    dl_dh: Float[Array, "*settings layers"]


@checked
def variances(
    draws: Weights,
    sigma_sq: Float[ArrayLike, ""],
    x: Float[Array, "batch inputs"],
    y: Float[Array, "batch outputs"],
    at_zero: Float[ArrayLike, ""] = 1.0,
) -> Variances:
    """Measure activations and gradients, layer by layer, of one network at one variance of its weights.

    Parameters
    ----------
    draws
        Standard normal draws.
    sigma_sq
        Variance of the weights.
    x, y
        Inputs and targets, one row for each example.
    at_zero
        The ReLU's derivative at zero, see :func:`~udl_jax.ch07_gradients.stacked_network.backward_pass`.

    Returns
    -------
    Variances
        One number for each hidden layer and quantity. In single precision they overflow where the signal
        explodes: 50 layers of 80 units with weights of variance 1 need double precision.

    Raises
    ------
    ValueError
        If ``sigma_sq`` is negative, or ``x`` or ``y`` does not fit the network.

    References
    ----------
    Prince (2023), section 7.5, figure 7.7; notebook 7.3.

    Examples
    --------
    >>> from udl_jax.ch07_gradients.stacked_network import draw_weights
    >>> draws = draw_weights(jax.random.key(0), layers=3, width=8)
    >>> variances(draws, 0.25, x=jnp.ones((5, 1)), y=jnp.zeros((5, 1))).h.shape
    (3,)
    """
    check_variance(sigma_sq)
    draws = as_weights(draws)
    return _variances(draws, jnp.asarray(sigma_sq, draws.first.dtype), x, y, like(at_zero, x))


@jax.custom_jvp
def _variances(draws, sigma_sq, x, y, at_zero):
    weights = scale(draws, sigma_sq)
    forward = forward_pass(weights, x)
    backward = backward_pass(weights, forward, y, at_zero)
    return Variances(*(jnp.var(a, axis=(1, 2)) for a in (jax.nn.relu(forward.f), *backward)))


@_variances.defjvp
def _(primals, tangents):
    """Differentiate, also where the variance of the weights is zero and their size, its root, has no derivative."""
    draws, sigma_sq, x, y, at_zero = primals
    is_zero = sigma_sq == 0
    safe = draws, jnp.where(is_zero, 1, sigma_sq), x, y, at_zero
    _, slopes = jax.jvp(_variances.fun, safe, tangents)
    at_start = jax.tree.map(lambda slope: slope * tangents[1], _slopes_from_zero(draws, x, y))
    return _variances(*primals), jax.tree.map(lambda a, b: jnp.where(is_zero, a, b), at_start, slopes)


def _slopes_from_zero(draws, x, y):
    """Compute how variances rise from zero: all but those of the layer next to inputs or targets do so more slowly."""
    first = jax.nn.relu(x @ draws.first)
    # Which units are active does not depend on the size of the weights; He's keeps numbers within range.
    last = forward_pass(scale(draws, he_variance(draws.first.shape[1])), x).f[-1]
    dl_dh = -2 * y @ draws.last.T
    layers = len(draws.hidden) + 1
    return Variances(
        jnp.zeros(layers, first.dtype).at[0].set(jnp.var(first)),
        jnp.zeros(layers, dl_dh.dtype).at[-1].set(jnp.var(indicator(last) * dl_dh)),
        jnp.zeros(layers, dl_dh.dtype).at[-1].set(jnp.var(dl_dh)),
    )


@checked
def sweep(
    draws: Weights,
    sigma_sq: Float[Array, " variances"],
    x: Float[Array, "batch inputs"],
    y: Float[Array, "batch outputs"],
    at_zero: Float[ArrayLike, ""] = 1.0,
) -> Variances:
    """Measure :func:`variances` of many networks, each at many variances of its weights.

    Parameters
    ----------
    draws
        Standard normal draws, with a leading axis ``seeds`` on each array.
    sigma_sq
        Variances of the weights.
    x, y
        Inputs and targets, the same for all.
    at_zero
        The ReLU's derivative at zero, see :func:`~udl_jax.ch07_gradients.stacked_network.backward_pass`.

    Returns
    -------
    Variances
        Arrays of shape (variances, seeds, layers).

    Raises
    ------
    ValueError
        If an entry of ``sigma_sq`` is negative, or ``x`` or ``y`` does not fit the network.

    References
    ----------
    Prince (2023), section 7.5, figure 7.7.
    """
    check_variance(sigma_sq)
    at_zero = like(at_zero, x)
    over_seeds = jax.vmap(variances, (0, None, None, None, None))
    return jax.vmap(over_seeds, (None, 0, None, None, None))(draws, sigma_sq, x, y, at_zero)


@checked
def growth(by_layer: Float[Array, "*settings layers"]) -> Float[Array, "*settings"]:
    r"""Compute the factor by which a variance grows from one layer to the next.

    Parameters
    ----------
    by_layer
        Variances, all positive, for two layers at least.

    Returns
    -------
    Float[Array, "*settings"]
        The geometric mean of the factors, going from the first layer to the last. On average it is
        :math:`D\sigma^2/2` for activations; for gradients, which run the other way, one over that.

    Raises
    ------
    ValueError
        If there are fewer than two layers.

    References
    ----------
    Prince (2023), section 7.5.1.

    Examples
    --------
    >>> growth(jnp.array([1.0, 3.0, 4.0]))
    Array(2., dtype=float32)
    """
    values("by_layer", by_layer, lambda by_layer: ~(by_layer < 0), "0 or more")
    layers = by_layer.shape[-1]
    if layers < 2:
        raise ValueError(f"growth needs two layers at least, got {layers}")
    return jnp.exp((jnp.log(by_layer[..., -1]) - jnp.log(by_layer[..., 0])) / (layers - 1))


def he_variance(width: int) -> float:
    """Return the variance of the weights that keeps the signal's: two over the number of units.

    Parameters
    ----------
    width
        Units of the layer that the weights come from (forward pass) or go to (backward pass).

    Returns
    -------
    float
        The variance.

    Raises
    ------
    ValueError
        If ``width`` is less than 1.

    References
    ----------
    Prince (2023), section 7.5, equations 7.32 and 7.33.

    Examples
    --------
    >>> he_variance(80)
    0.025
    """
    return 2 / count("width", width)


def he_initializer(keep: str = "forward") -> Callable:
    """Return the book's initialiser for the kernels of Flax layers: normal, mean zero, He's variance.

    Flax's own ``he_normal`` has the same variance but cuts the normal distribution off at two standard
    deviations; ``he_uniform``, the same variance again, is what torch calls ``kaiming_uniform_``.

    Parameters
    ----------
    keep
        Which variance to keep: ``"forward"`` that of the activations, two over the number of inputs;
        ``"backward"`` that of the gradients, two over the number of outputs; ``"both"`` the compromise,
        two over the mean of the two numbers.

    Returns
    -------
    Callable
        Initialiser, to be called with a key, a shape (inputs, outputs) and a dtype.

    Raises
    ------
    ValueError
        If ``keep`` is none of the three.

    References
    ----------
    Prince (2023), section 7.5, equations 7.32 and 7.33; for the compromise section 7.5.3.

    Examples
    --------
    >>> he_initializer()(jax.random.key(0), (400, 400)).var().round(4)
    Array(0.005, dtype=float32)
    """
    modes = {"forward": "fan_in", "backward": "fan_out", "both": "fan_avg"}
    one_of("keep", keep, modes)
    return nn.initializers.variance_scaling(2.0, modes[keep], "normal")
