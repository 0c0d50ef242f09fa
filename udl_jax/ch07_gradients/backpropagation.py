"""Backpropagation by hand through a fully connected network of any depth."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from udl_jax._annotations import checked
from udl_jax._checks import like, shape_of
from udl_jax.ch04_deep_networks.deep_network import stages
from udl_jax.ch04_deep_networks.layers import Layer, as_layers
from udl_jax.training.losses import squared_error


class Forward(NamedTuple):
    """All values of the forward pass, a row for each example.

    Attributes
    ----------
    f
        What layers 0 to K compute: the pre-activations of the K hidden layers, then the outputs.
    h
        What layers 0 to K are given: the inputs, then the activations of the K hidden layers.
    """

    f: tuple[Float[Array, "batch _"], ...]
    h: tuple[Float[Array, "batch _"], ...]


class Backward(NamedTuple):
    """All derivatives of the loss, in the shapes of what they belong to.

    Attributes
    ----------
    dl_df, dl_dh
        With respect to the values of :class:`Forward`, a row for each example.
    dl_dlayers
        With respect to the offsets and weights of each layer, summed over the examples.
    """

    dl_df: tuple[Float[Array, "batch _"], ...]
    dl_dh: tuple[Float[Array, "batch _"], ...]
    dl_dlayers: tuple[Layer, ...]


@checked
def indicator(f: Float[Array, "*shape"], at_zero: Float[ArrayLike, ""] = 0.0) -> Float[Array, "*shape"]:
    """Compute the ReLU's derivative: one where the pre-activation is positive, zero where it is negative.

    Parameters
    ----------
    f
        Pre-activations.
    at_zero
        What to say at the kink, where there is no derivative. Notebook 7.2 and ``jax.nn.relu`` say 0,
        notebook 7.3 says 1, ``jnp.maximum(f, 0)`` says 1/2.

    Returns
    -------
    Float[Array, "*shape"]
        0, 1 or ``at_zero``.

    References
    ----------
    Prince (2023), section 7.4, equation 7.25.

    Examples
    --------
    >>> indicator(jnp.array([-2.0, 0.0, 3.0]))
    Array([0., 0., 1.], dtype=float32)
    """
    return jnp.heaviside(f, like(at_zero, f))


@checked
def forward_pass(layers: Sequence[Layer], x: Float[Array, "batch inputs"]) -> Forward:
    """Run the network and keep what every layer is given and what it computes.

    Parameters
    ----------
    layers
        Offsets and weights, from the first hidden layer to the output.
    x
        Inputs, one row for each example.

    Returns
    -------
    Forward
        Pre-activations ``f`` and activations ``h``; ``f[-1]`` are the outputs.

    Raises
    ------
    ValueError
        If there is no layer, or one that does not fit the layer before it.

    References
    ----------
    Prince (2023), section 7.4, equation 7.17.

    Examples
    --------
    >>> double = Layer(beta=jnp.array([0.0]), omega=jnp.array([[2.0]]))
    >>> forward_pass([double, double], jnp.array([[1.0], [-1.0]])).f[-1]
    Array([[4.],
           [0.]], dtype=float32)
    """
    found = stages(layers, x)
    return Forward(f=(*found.preactivations, found.output), h=(x, *found.activations))


@checked
def backward_pass(
    layers: Sequence[Layer],
    forward: Forward,
    y: Float[Array, "batch outputs"],
    at_zero: Float[ArrayLike, ""] = 0.0,
) -> Backward:
    """Compute all derivatives of the least squares loss by hand, from the output back to the input.

    Parameters
    ----------
    layers
        As given to :func:`forward_pass`.
    forward
        What it returned.
    y
        Targets, one row for each example.
    at_zero
        Derivative of the ReLU at zero, see :func:`indicator`.

    Returns
    -------
    Backward
        Derivatives of the loss with respect to pre-activations, activations and parameters.

    Raises
    ------
    ValueError
        If ``y`` has another shape than the outputs.

    References
    ----------
    Prince (2023), section 7.4, equations 7.22, 7.23 and 7.25.

    Examples
    --------
    >>> layers = [Layer(beta=jnp.array([0.0]), omega=jnp.array([[2.0]]))]
    >>> forward = forward_pass(layers, jnp.array([[3.0]]))
    >>> backward_pass(layers, forward, y=jnp.array([[5.0]])).dl_dlayers[0].omega
    Array([[6.]], dtype=float32)
    """
    layers = as_layers(layers, forward.h[0].shape[-1])
    _check_targets(forward.f[-1], y)
    dl_df, dl_dh, dl_dlayers = [], [], []
    dl_df.append(2 * (forward.f[-1] - y))
    for k in reversed(range(len(layers))):
        dl_dlayers.append(Layer(beta=dl_df[-1].sum(0), omega=dl_df[-1].T @ forward.h[k]))
        dl_dh.append(dl_df[-1] @ layers[k].omega)
        if k > 0:
            dl_df.append(indicator(forward.f[k - 1], at_zero) * dl_dh[-1])
    return Backward(tuple(dl_df[::-1]), tuple(dl_dh[::-1]), tuple(dl_dlayers[::-1]))


@checked
def least_squares_loss(
    layers: Sequence[Layer], x: Float[Array, "batch inputs"], y: Float[Array, "batch outputs"]
) -> Float[Array, ""]:
    """Sum the squared differences between the network's outputs and the targets.

    Parameters
    ----------
    layers
        As given to :func:`forward_pass`.
    x, y
        Inputs and targets, one row for each example.

    Returns
    -------
    Float[Array, ""]
        The loss, summed over outputs and examples.

    Raises
    ------
    ValueError
        If there is no layer, one does not fit the layer before it, or ``y`` does not fit the outputs.

    Examples
    --------
    >>> layers = [Layer(beta=jnp.array([0.0]), omega=jnp.array([[2.0]]))]
    >>> least_squares_loss(layers, x=jnp.array([[3.0]]), y=jnp.array([[5.0]]))
    Array(1., dtype=float32)
    """
    outputs = forward_pass(layers, x).f[-1]
    _check_targets(outputs, y)
    return squared_error(outputs, y)


@checked
def derivatives_by_hand(
    layers: Sequence[Layer],
    x: Float[Array, "batch inputs"],
    y: Float[Array, "batch outputs"],
    at_zero: Float[ArrayLike, ""] = 0.0,
) -> Backward:
    """Go forward with :func:`forward_pass`, then back with :func:`backward_pass`."""
    return backward_pass(layers, forward_pass(layers, x), y, at_zero)


@checked
def automatic_derivatives(
    layers: Sequence[Layer], x: Float[Array, "batch inputs"], y: Float[Array, "batch outputs"]
) -> Backward:
    """Leave all derivatives to ``jax.grad``.

    It differentiates with respect to arguments only. A value on the way becomes an argument when the
    network is started there, in the middle.

    Parameters
    ----------
    layers
        As given to :func:`forward_pass`.
    x, y
        Inputs and targets, one row for each example.

    Returns
    -------
    Backward
        As from :func:`backward_pass` with the ReLU's derivative at zero taken as 0.

    Raises
    ------
    ValueError
        If there is no layer, one does not fit the layer before it, or ``y`` does not fit the outputs.
    """
    layers = as_layers(layers, x.shape[-1])
    f, h = forward_pass(layers, x)
    _check_targets(f[-1], y)

    def loss_after(k, f_k):
        rest = layers[k + 1 :]
        return least_squares_loss(rest, jax.nn.relu(f_k), y) if rest else squared_error(f_k, y)

    dl_df = tuple(jax.grad(partial(loss_after, k))(f_k) for k, f_k in enumerate(f))
    dl_dh = tuple(jax.grad(least_squares_loss, argnums=1)(layers[k:], h_k, y) for k, h_k in enumerate(h))
    return Backward(dl_df, dl_dh, jax.grad(least_squares_loss)(tuple(layers), x, y))


def _check_targets(outputs, y):
    shape_of("y", y, outputs.shape, "the outputs")
