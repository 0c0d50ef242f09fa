"""Deep networks in matrix form, and the fully connected network that later chapters train."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Key

from udl_jax._annotations import checked
from udl_jax._checks import count, counts
from udl_jax.ch03_shallow_networks.shallow_network import Activation
from udl_jax.ch04_deep_networks.layers import Layer, as_layers, check_layers, to_layers
from udl_jax.training import dot_general


class Stages(NamedTuple):
    """What a deep network computes, in the order in which it does.

    Attributes
    ----------
    preactivations, activations
        What goes into each hidden unit and what comes out, an array for each hidden layer.
    output
        What the last layer makes of the last hidden units.
    """

    preactivations: tuple[Float[Array, "..."], ...]
    activations: tuple[Float[Array, "..."], ...]
    output: Float[Array, "..."]


@checked
def stages(
    layers: Sequence[Layer], x: Float[Array, "*batch inputs"], activation: Activation = jax.nn.relu
) -> Stages:
    r"""Run a network of any depth in matrix form and keep every hidden layer.

    Parameters
    ----------
    layers
        Offsets and weights, :math:`\boldsymbol\beta_k, \boldsymbol\Omega_k` for :math:`k = 0, \dots, K`.
    x
        Inputs, one row each. (The book's examples are columns.)
    activation
        Applied to each element of the pre-activations. Static under ``jit``.

    Returns
    -------
    Stages
        Pre-activations and activations of the :math:`K` hidden layers, and the output.

    Raises
    ------
    ValueError
        If there is no layer, or one that does not fit the layer before it.

    References
    ----------
    Prince (2023), section 4.4, equations 4.15 and 4.16, figure 4.6.

    Examples
    --------
    >>> first = Layer(jnp.array([0.0, -1.0]), jnp.array([[1.0], [1.0]]))
    >>> second = Layer(jnp.array([0.5]), jnp.array([[1.0, -2.0]]))
    >>> found = stages([first, second], jnp.array([[0.5], [2.0]]))
    >>> found.activations[0]
    Array([[0.5, 0. ],
           [2. , 1. ]], dtype=float32)
    >>> found.output
    Array([[1. ],
           [0.5]], dtype=float32)
    """
    layers = as_layers(layers, x.shape[-1])
    preactivations, activations = [], [x]
    for beta, omega in layers:
        preactivations.append(beta + activations[-1] @ omega.T)
        activations.append(activation(preactivations[-1]))
    *preactivations, output = preactivations
    return Stages(tuple(preactivations), tuple(activations[1:-1]), output)


def fold(first: Sequence[Layer], second: Sequence[Layer]) -> tuple[Layer, ...]:
    r"""Fold two networks, the second fed by the first, into one network.

    No activation stands between the last layer of the one and the first of the other, so these two
    merge into a single linear layer.

    Parameters
    ----------
    first, second
        The networks' layers.

    Returns
    -------
    tuple of Layers
        One layer fewer than the two networks have together.

    Raises
    ------
    ValueError
        If the second network does not take as many inputs as the first has outputs.

    References
    ----------
    Prince (2023), section 4.2, equations 4.5 and 4.6.

    Examples
    --------
    >>> double = [Layer(jnp.array([1.0]), jnp.array([[2.0]]))]
    >>> fold(double, double)
    (Layer(beta=Array([3.], dtype=float32), omega=Array([[4.]], dtype=float32)),)
    """
    check_layers(first, np.shape(first[0][1])[-1] if first else 0)
    *before, outgoing = as_layers(first, np.shape(first[0][1])[-1])
    incoming, *after = as_layers(second, len(outgoing.beta))
    merged = Layer(incoming.beta + incoming.omega @ outgoing.beta, incoming.omega @ outgoing.omega)
    return (*before, merged, *after)


def count_parameters(inputs: int, widths: Sequence[int]) -> int:
    """Count the offsets and weights of a fully connected network.

    Parameters
    ----------
    inputs
        Number of inputs.
    widths
        Width of each layer after the input: the hidden layers, then the outputs.

    Returns
    -------
    int
        Number of parameters.

    References
    ----------
    Prince (2023), sections 4.4.1 and 4.5.2.

    Examples
    --------
    >>> count_parameters(4, (5, 2, 4, 1))
    54
    """
    inputs, widths = count("inputs", inputs), counts("widths", widths)
    return sum(width * (1 + before) for before, width in zip((inputs, *widths), widths))


@checked
def sample_layers(key: Key[Array, ""], inputs: int, widths: Sequence[int]) -> tuple[Layer, ...]:
    """Draw a network of given widths with standard normal offsets and weights.

    Parameters
    ----------
    key
        Decides the draws.
    inputs
        Number of inputs; static.
    widths
        Width of each layer after the input; static.

    Returns
    -------
    tuple of Layers
        A layer for each width.

    Raises
    ------
    ValueError
        If there are no widths, or a number is less than 1.
    """
    inputs, widths = count("inputs", inputs), counts("widths", widths, length=1)
    shapes = [(width, 1 + before) for before, width in zip((inputs, *widths), widths)]
    ends = list(itertools.accumulate(math.prod(shape) for shape in shapes))
    draws = jnp.split(jax.random.normal(key, (ends[-1],)), ends[:-1])
    return to_layers(*(part.reshape(shape) for part, shape in zip(draws, shapes)))


def to_flax(layers: Sequence[Layer]) -> dict[str, dict[str, dict[str, Float[Array, "..."]]]]:
    """Turn offsets and weights into the variables of a :class:`DeepNetwork`, whose kernels have columns for rows.

    Examples
    --------
    >>> layer = Layer(jnp.zeros(2), jnp.ones((2, 3)))
    >>> jax.tree.map(jnp.shape, to_flax([layer]))
    {'params': {'layer_0': {'bias': (2,), 'kernel': (3, 2)}}}
    """
    return {
        "params": {f"layer_{k}": {"kernel": omega.T, "bias": beta} for k, (beta, omega) in enumerate(layers)}
    }


def from_flax(variables: Mapping[str, Mapping]) -> tuple[Layer, ...]:
    """Turn the variables of a :class:`DeepNetwork` into offsets and weights; undoes :func:`to_flax`."""
    parameters = variables["params"]
    ordered = (parameters[f"layer_{k}"] for k in range(len(parameters)))
    return tuple(Layer(layer["bias"], layer["kernel"].T) for layer in ordered)


class DeepNetwork(nn.Module):
    """Fully connected network: linear layers with an activation between them, none after the last.

    Parameters are ``layer_0`` to ``layer_K``, each with a ``kernel`` (in, out) and a ``bias`` (out,).
    They have the dtype of the input.

    Parameters
    ----------
    widths
        Width of each layer after the input: the hidden layers, then the outputs.
    activation
        Applied to the pre-activations of every hidden layer.
    kernel_init
        Initialiser of the weights; He's, uniform, by default. Biases start at zero.

    References
    ----------
    Prince (2023), section 4.4, equation 4.15, figure 4.6.

    Examples
    --------
    >>> network = DeepNetwork(widths=(100, 100, 10))
    >>> variables = network.init(jax.random.key(0), jax.numpy.zeros((1, 40)))
    >>> variables["params"]["layer_0"]["kernel"].shape
    (40, 100)
    """

    widths: tuple[int, ...]
    activation: Callable[[Array], Array] = jax.nn.relu
    kernel_init: Callable = nn.initializers.he_uniform()

    @nn.compact
    @checked
    def __call__(self, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        """Compute the outputs, one row for each input."""
        for k, width in enumerate(counts("widths", self.widths, length=1)):
            options = {"kernel_init": self.kernel_init, "param_dtype": x.dtype, "dot_general": dot_general}
            dense = nn.Dense(width, **options, name=f"layer_{k}")
            x = dense(x if k == 0 else self.activation(x))
        return x
