"""A network with two hidden layers, and how it clips and recombines what the first has made."""

from typing import NamedTuple

import jax
from jaxtyping import Array, Float

from udl_jax._annotations import checked
from udl_jax.ch03_shallow_networks import shallow_network
from udl_jax.ch03_shallow_networks.shallow_network import Activation


class Stages(NamedTuple):
    r"""What a network with two hidden layers computes, in the order in which it does.

    Attributes
    ----------
    first_preactivations, first_activations
        What goes into the units of the first hidden layer, and what comes out: :math:`h_1, h_2, \dots`
    preactivations
        What goes into the units of the second: joints at the same places in all of them (figure 4.5a-c).
    activations
        The same, clipped at zero: :math:`h'_1, h'_2, \dots` (figure 4.5d-f).
    weighted_activations
        What each of these adds to each output (figure 4.5g-i).
    output
        Their sums, with the offsets (figure 4.5j).
    """

    first_preactivations: Float[Array, "*batch hidden_1"]
    first_activations: Float[Array, "*batch hidden_1"]
    preactivations: Float[Array, "*batch hidden_2"]
    activations: Float[Array, "*batch hidden_2"]
    weighted_activations: Float[Array, "*batch outputs hidden_2"]
    output: Float[Array, "*batch outputs"]


@checked
def stages(
    theta: Float[Array, "hidden_1 intercept_and_slopes"],
    psi: Float[Array, "hidden_2 offset_and_weights_1"],
    phi: Float[Array, "outputs offset_and_weights_2"],
    x: Float[Array, "*batch inputs"],
    activation: Activation = jax.nn.relu,
) -> Stages:
    r"""Run a network with two hidden layers and keep everything it computes on the way.

    The second hidden layer and the output are a shallow network whose inputs are the first hidden units.

    Parameters
    ----------
    theta
        A row for each unit of the first hidden layer: intercept, then a slope along each input.
    psi
        A row for each unit of the second: offset, then a weight for each unit of the first.
    phi
        A row for each output: offset, then a weight for each unit of the second.
    x
        Inputs, one row each.
    activation
        Applied to each element of the pre-activations. Static under ``jit``.

    Returns
    -------
    Stages
        Pre-activations and activations of both layers, weighted activations, and output.

    Raises
    ------
    ValueError
        If ``theta`` does not fit the inputs, ``psi`` not ``theta``, or ``phi`` not ``psi``.

    References
    ----------
    Prince (2023), section 4.3, equations 4.7 to 4.9, figures 4.4 and 4.5.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> theta, psi, phi = jnp.array([[0.0, 1.0]]), jnp.array([[1.0, -2.0]]), jnp.array([[0.5, 3.0]])
    >>> found = stages(theta, psi, phi, jnp.array([[0.25], [2.0]]))
    >>> found.preactivations.ravel(), found.activations.ravel(), found.output.ravel()
    (Array([ 0.5, -3. ], dtype=float32),
     Array([0.5, 0. ], dtype=float32),
     Array([2. , 0.5], dtype=float32))
    """
    if psi.shape[1] != 1 + len(theta):
        raise ValueError(
            f"psi must have 1 + {len(theta)} columns, an offset and a weight for each unit of the first "
            f"hidden layer, got {psi.shape[1]}"
        )
    first = shallow_network.preactivate(theta, x)
    h = activation(first)
    return Stages(first, h, *shallow_network.stages(psi, phi, h, activation))
