"""A deep network whose hidden layers are equally wide, stacked, so that one scan goes through them all."""

import itertools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Key

from udl_jax._annotations import checked
from udl_jax._checks import as_floats, count, is_traced, shape_of
from udl_jax.ch07_gradients.backpropagation import indicator


class Weights(NamedTuple):
    """Weights of a network whose K hidden layers are equally wide; its biases are zero.

    Attributes
    ----------
    first
        From the inputs to the first hidden layer.
    hidden
        Between the hidden layers, stacked.
    last
        From the last hidden layer to the outputs.
    """

    first: Float[Array, "inputs width"]
    hidden: Float[Array, "layers-1 width width"]
    last: Float[Array, "width outputs"]


class Forward(NamedTuple):
    """Values of the forward pass.

    Attributes
    ----------
    f
        Pre-activations of the hidden layers.
    output
        What the network returns.
    """

    f: Float[Array, "layers batch width"]
    output: Float[Array, "batch outputs"]


class Backward(NamedTuple):
    """Derivatives of each example's own loss, hidden layer by hidden layer.

    Attributes
    ----------
    dl_df
        With respect to the pre-activations.
    dl_dh
        With respect to the activations.
    """

    dl_df: Float[Array, "layers batch width"]
    dl_dh: Float[Array, "layers batch width"]


@checked
def draw_weights(key: Key[Array, ""], layers: int, width: int, inputs: int = 1, outputs: int = 1) -> Weights:
    """Draw standard normal numbers for all weights of a network.

    Parameters
    ----------
    key
        Decides the draws.
    layers, width
        Number of hidden layers and of units in each; static under ``jit``.
    inputs, outputs
        Number of inputs and outputs; static under ``jit``.

    Returns
    -------
    Weights
        For :func:`scale`.

    Raises
    ------
    ValueError
        If a number is less than 1.

    Examples
    --------
    >>> draw_weights(jax.random.key(0), layers=50, width=80).hidden.shape
    (49, 80, 80)
    """
    for name, number in {"layers": layers, "width": width, "inputs": inputs, "outputs": outputs}.items():
        count(name, number)
    shapes = (inputs, width), (layers - 1, width, width), (width, outputs)
    ends = list(itertools.accumulate(math.prod(shape) for shape in shapes))
    # Three draws of three shapes would take three times as long to compile.
    draws = jnp.split(jax.random.normal(key, (ends[-1],)), ends[:-1])
    return Weights(*(part.reshape(shape) for part, shape in zip(draws, shapes)))


@checked
def scale(draws: Weights, sigma_sq: Float[ArrayLike, ""]) -> Weights:
    """Turn standard normal draws into weights of variance ``sigma_sq``.

    Parameters
    ----------
    draws
        Standard normal draws.
    sigma_sq
        Variance of the weights, not negative.

    Returns
    -------
    Weights
        The draws, times the square root of ``sigma_sq``.

    Raises
    ------
    ValueError
        If ``sigma_sq`` is negative (told only where its value is known, not under ``jit``).

    References
    ----------
    Prince (2023), section 7.5.
    """
    check_variance(sigma_sq)
    deviation = jnp.sqrt(sigma_sq)
    draws = Weights(*(as_floats(f"draws.{name}", array) for name, array in zip(Weights._fields, draws)))
    return jax.tree.map(lambda normal: normal * deviation.astype(normal.dtype), draws)


def as_weights(weights: Weights) -> Weights:
    """Return arrays of real numbers; ``ValueError`` if they do not fit each other."""
    first, hidden, last = (
        as_floats(f"weights.{name}", array, axes)
        for name, array, axes in zip(Weights._fields, weights, (2, 3, 2))
    )
    width = first.shape[1]
    if hidden.shape[1:] != (width, width) or last.shape[0] != width or 0 in first.shape + last.shape:
        raise ValueError(
            "weights must be (inputs, width), (layers-1, width, width) and (width, outputs), "
            f"got {first.shape}, {hidden.shape} and {last.shape}"
        )
    return Weights(first, hidden, last)


@checked
def forward_pass(weights: Weights, x: Float[Array, "batch inputs"]) -> Forward:
    """Run the network and keep the pre-activations of all hidden layers, in one scan over layers.

    Parameters
    ----------
    weights
        Of all layers.
    x
        Inputs, one row for each example.

    Returns
    -------
    Forward
        Pre-activations and outputs.

    Raises
    ------
    ValueError
        If ``x`` does not have as many columns as the first layer has inputs.

    References
    ----------
    Prince (2023), section 7.4, equation 7.17, with biases of zero.
    """
    weights = as_weights(weights)
    if x.shape[-1] != weights.first.shape[0]:
        raise ValueError(f"the first layer takes {weights.first.shape[0]} inputs, x has {x.shape[-1]}")

    def step(f, kernel):
        f = jax.nn.relu(f) @ kernel
        return f, f

    first = x @ weights.first
    f, others = jax.lax.scan(step, first, weights.hidden)
    return Forward(jnp.concatenate([first[None], others]), jax.nn.relu(f) @ weights.last)


@checked
def backward_pass(
    weights: Weights,
    forward: Forward,
    y: Float[Array, "batch outputs"],
    at_zero: Float[ArrayLike, ""] = 1.0,
) -> Backward:
    """Carry the derivatives of the least squares loss back through all hidden layers, in one scan.

    Parameters
    ----------
    weights
        As given to :func:`forward_pass`.
    forward
        What it returned.
    y
        Targets, one row for each example.
    at_zero
        The ReLU's derivative at zero; notebook 7.3 takes 1, unlike notebook 7.2. With biases of zero it
        counts: behind a layer whose units are all off, every pre-activation is exactly zero.

    Returns
    -------
    Backward
        Derivatives with respect to pre-activations and activations.

    Raises
    ------
    ValueError
        If ``y`` has another shape than the outputs.

    References
    ----------
    Prince (2023), section 7.4, equation 7.25.
    """
    weights = as_weights(weights)
    shape_of("y", y, forward.output.shape, "the outputs")

    def step(dl_df, layer):
        kernel, f = layer
        dl_dh = dl_df @ kernel.T
        dl_df = indicator(f, at_zero) * dl_dh
        return dl_df, (dl_df, dl_dh)

    dl_dh = 2 * (forward.output - y) @ weights.last.T
    dl_df = indicator(forward.f[-1], at_zero) * dl_dh
    _, others = jax.lax.scan(step, dl_df, (weights.hidden, forward.f[:-1]), reverse=True)
    return Backward(*(jnp.concatenate([a, b[None]]) for a, b in zip(others, (dl_df, dl_dh))))


def check_variance(sigma_sq: Float[ArrayLike, "*settings"]) -> None:
    """Raise a ValueError if a variance is negative, as far as its value is known."""
    if not is_traced(sigma_sq) and not np.all(np.asarray(sigma_sq) >= 0):
        raise ValueError(f"sigma_sq must not be negative, got {sigma_sq}")
