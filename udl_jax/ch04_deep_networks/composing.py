"""Composing shallow networks: what comes out of one goes into the next, and pieces multiply."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from udl_jax._annotations import checked
from udl_jax._checks import as_floats, refuse_traced
from udl_jax.ch03_shallow_networks import shallow_network
from udl_jax.ch03_shallow_networks.shallow_network import Activation
from udl_jax.ch04_deep_networks import linear_pieces
from udl_jax.ch04_deep_networks.layers import Layer


class Shallow(NamedTuple):
    """The parameters of a shallow network.

    Attributes
    ----------
    theta
        A row for each hidden unit, intercept first.
    phi
        A row for each output, offset first.
    """

    theta: Float[Array, "hidden intercept_and_slopes"]
    phi: Float[Array, "outputs offset_and_weights"]


@checked
def compose(
    networks: Sequence[Shallow], x: Float[Array, "*batch inputs"], activation: Activation = jax.nn.relu
) -> Float[Array, "*batch outputs"]:
    """Feed the inputs to the first network, what comes out to the second, and so on.

    Parameters
    ----------
    networks
        The networks, in the order in which they run. Without any, the inputs come out as they are.
    x
        Inputs of the first network, one row each.
    activation
        Of every network. Static under ``jit``.

    Returns
    -------
    Float[Array, "*batch outputs"]
        Outputs of the last network.

    Raises
    ------
    ValueError
        If a network does not take as many inputs as the one before it has outputs.

    References
    ----------
    Prince (2023), section 4.1, equations 4.1 to 4.3, figure 4.1.

    Examples
    --------
    >>> fold = Shallow(jnp.array([[0.0, 1.0], [0.0, -1.0]]), jnp.array([[-1.0, 2.0, 2.0]]))
    >>> compose([fold, fold], jnp.array([[0.0], [0.25], [0.5]]))
    Array([[ 1.],
           [ 0.],
           [-1.]], dtype=float32)
    """
    for place, (theta, phi) in enumerate(map(_as_arrays, range(len(networks)), networks)):
        if theta.shape[1] != 1 + x.shape[-1]:
            raise ValueError(
                f"network {place} takes {theta.shape[1] - 1} inputs, but what goes into it has {x.shape[-1]} values"
            )
        x = shallow_network.stages(theta, phi, x, activation).output
    return x


def find_joints(networks: Sequence[Shallow], low: float, high: float) -> Float[Array, " joints"]:
    """Find all inputs at which the composition of ReLU networks bends, by exact arithmetic.

    Parameters
    ----------
    networks
        The networks, in the order in which they run; the first has one input. Not under ``jit``: how many
        joints there are depends on the values.
    low, high
        The interval of inputs that counts, without its ends.

    Returns
    -------
    Float[Array, " joints"]
        The joints in rising order, rounded only at the end.

    Raises
    ------
    ValueError
        As :func:`udl_jax.ch04_deep_networks.linear_pieces.linear_pieces`.

    References
    ----------
    Prince (2023), section 4.1, figure 4.1; notebook 4.1.

    Examples
    --------
    >>> fold = Shallow(jnp.array([[0.0, 1.0], [0.0, -1.0]]), jnp.array([[-1.0, 2.0, 2.0]]))
    >>> find_joints([fold, fold], -1.0, 1.0)
    Array([-0.5,  0. ,  0.5], dtype=float32)
    """
    joints = _exact_joints(networks, low, high)
    dtypes = [array.dtype for network in networks for array in network if hasattr(array, "dtype")]
    dtype = jnp.result_type(*map(jax.dtypes.canonicalize_dtype, dtypes), np.float16) if dtypes else float
    return jnp.array([float(joint) for joint in joints], dtype)


def count_regions(networks: Sequence[Shallow], low: float, high: float) -> int:
    """Count the linear regions of the composition of ReLU networks between two inputs, exactly.

    Parameters and errors are those of :func:`find_joints`.

    Returns
    -------
    int
        One more than there are joints.

    References
    ----------
    Prince (2023), section 4.1; notebook 4.1, whose last questions this answers.

    Examples
    --------
    >>> fold = Shallow(jnp.array([[0.0, 1.0], [0.0, -1.0]]), jnp.array([[-1.0, 2.0, 2.0]]))
    >>> [count_regions([fold] * copies, -1.0, 1.0) for copies in range(5)]
    [1, 2, 4, 8, 16]
    """
    return 1 + len(_exact_joints(networks, low, high))


def _exact_joints(networks, low, high):
    refuse_traced("the search for joints", (networks, low, high), "how many there are depends on values")
    pairs = [tuple(np.asarray(array) for array in network) for network in networks]
    for place, pair in enumerate(pairs):
        if len(pair) != 2 or any(array.ndim != 2 for array in pair):
            raise ValueError(
                f"network {place} must be two matrices, theta and phi, got {[a.shape for a in pair]}"
            )
    # Not as JAX's arrays, which would round what NumPy's hold.
    layers = [[Layer(matrix[:, 0], matrix[:, 1:]) for matrix in pair] for pair in pairs]
    return linear_pieces.linear_pieces(*layers, low=low, high=high).joints


def _as_arrays(place, network):
    theta, phi = network
    return as_floats(f"theta of network {place}", theta, 2), as_floats(f"phi of network {place}", phi, 2)
