"""Linear layers, of which networks in matrix form are made, and whether they fit each other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float

from udl_jax._annotations import checked
from udl_jax._checks import as_floats


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


def check_layers(layers: Sequence[Layer], inputs: int) -> None:
    """Raise a ValueError unless the layers fit each other and the number of inputs."""
    if not isinstance(layers, Sequence) or not all(
        isinstance(layer, tuple | list) and len(layer) == 2 for layer in layers
    ):
        raise TypeError("layers must be a sequence of pairs (beta, omega)")
    if not layers:
        raise ValueError("a network needs one layer at least, got none")
    for k, (beta, omega) in enumerate(layers):
        if np.ndim(beta) != 1 or np.ndim(omega) != 2 or np.size(omega) == 0:
            raise ValueError(
                f"layer {k} needs a vector beta and a matrix omega, got {np.shape(beta)}, {np.shape(omega)}"
            )
        rows, columns = np.shape(omega)
        if rows != len(beta):
            raise ValueError(
                f"layer {k} needs a row of omega for each offset, got {rows} rows for {len(beta)}"
            )
        if columns != inputs:
            raise ValueError(f"layer {k} takes {columns} values, the columns of omega, but {inputs} come in")
        inputs = len(beta)


def as_layers(layers: Sequence[Layer], inputs: int) -> tuple[Layer, ...]:
    """Return the layers as arrays of real numbers, if they fit each other and the number of inputs."""
    check_layers(layers, inputs)
    pairs = (
        (as_floats(f"beta of layer {k}", b), as_floats(f"omega of layer {k}", o))
        for k, (b, o) in enumerate(layers)
    )
    return tuple(Layer(*pair) for pair in pairs)


@checked
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
    >>> import jax.numpy as jnp
    >>> hidden, output = to_layers(jnp.array([[0.0, 1.0], [0.5, -1.0]]), jnp.array([[2.0, 3.0, 4.0]]))
    >>> hidden.beta, output.omega
    (Array([0. , 0.5], dtype=float32), Array([[3., 4.]], dtype=float32))
    """
    return tuple(Layer(matrix[:, 0], matrix[:, 1:]) for matrix in matrices)
