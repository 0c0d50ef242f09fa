"""Deep networks in matrix form, and the fully connected network that later chapters train."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Key

from udl_jax.ch03_shallow_networks.shallow_network import Activation
from udl_jax.training import dot_general


class Layer(NamedTuple):
    """A linear layer; a network is a sequence of them, with an activation between each two.

    Attributes
    ----------
    beta
        The offsets.
    omega
        The weights, a row for each output as the book has them.
    """

    beta: Float[Array, " outputs"]
    omega: Float[Array, "outputs inputs"]


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
    check_layers(layers, x.shape[-1])
    preactivations, activations = [], [x]
    for beta, omega in layers:
        preactivations.append(beta + activations[-1] @ omega.T)
        activations.append(activation(preactivations[-1]))
    *preactivations, output = preactivations
    return Stages(tuple(preactivations), tuple(activations[1:-1]), output)


def check_layers(layers: Sequence[Layer], inputs: int) -> None:
    """Raise a ValueError unless the layers fit each other and the number of inputs."""
    if not layers:
        raise ValueError("a network needs one layer at least, got none")
    for k, (beta, omega) in enumerate(layers):
        rows, columns = omega.shape
        if rows != len(beta):
            raise ValueError(
                f"layer {k} needs a row of omega for each offset, got {rows} rows for {len(beta)}"
            )
        if columns != inputs:
            raise ValueError(
                f"layer {k} takes {columns} values, one for each column of omega, but {inputs} come in"
            )
        inputs = len(beta)


def to_layers(*matrices: Float[Array, "_ _"]) -> tuple[Layer, ...]:
    r"""Write a network in matrix form whose parameters keep their offsets in column 0.

    So do the shallow networks of chapter 3, with ``theta`` and ``phi``, and the network with two hidden
    layers of notebook 4.2, with ``theta``, ``psi`` and ``phi``.

    Parameters
    ----------
    matrices
        The parameters of each layer: a row for each unit, its offset and then its weights.

    Returns
    -------
    tuple of Layers
        The same numbers, offsets apart from weights.

    References
    ----------
    Prince (2023), section 4.4, equations 4.11 to 4.13; notebook 4.3.

    Examples
    --------
    >>> hidden, output = to_layers(jnp.array([[0.0, 1.0], [0.5, -1.0]]), jnp.array([[2.0, 3.0, 4.0]]))
    >>> hidden.beta, output.omega
    (Array([0. , 0.5], dtype=float32), Array([[3., 4.]], dtype=float32))
    """
    return tuple(Layer(matrix[:, 0], matrix[:, 1:]) for matrix in matrices)


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
    *before, outgoing = first
    incoming, *after = second
    check_layers(second, len(outgoing.beta))
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
    return sum(width * (1 + before) for before, width in zip((inputs, *widths), widths))


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
    """
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
    def __call__(self, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        """Compute the outputs, one row for each input."""
        for k, width in enumerate(self.widths):
            options = {"kernel_init": self.kernel_init, "param_dtype": x.dtype, "dot_general": dot_general}
            dense = nn.Dense(width, **options, name=f"layer_{k}")
            x = dense(x if k == 0 else self.activation(x))
        return x
