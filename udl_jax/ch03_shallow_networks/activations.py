"""Activation functions: those that notebook 3.4 puts into a network, and the family of figure 3.13."""

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from udl_jax._annotations import checked
from udl_jax._checks import like, scalar
from udl_jax.ch03_shallow_networks.shallow_network import Activation

Scalar = float | Float[Array, ""]


@checked
def sigmoid(z: Float[Array, "*batch"], slope: Scalar = 10.0) -> Float[Array, "*batch"]:
    r"""Compute the logistic sigmoid, by default as steep as in the notebook.

    Parameters
    ----------
    z
        Pre-activations.
    slope
        Factor before ``z``; the usual sigmoid has 1.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`1 / (1 + \exp(-\mathrm{slope} \cdot z))`, between 0 and 1.

    References
    ----------
    Prince (2023), section 3.1, figure 3.13a; the factor of 10 is notebook 3.4's.

    Examples
    --------
    >>> sigmoid(jnp.array([-100.0, 0.0, 100.0]))
    Array([0. , 0.5, 1. ], dtype=float32)
    """
    return jax.nn.sigmoid(_times(slope, z))


@checked
def heaviside(z: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Compute the step function, which is 1 at zero already. Its derivative is 0 everywhere.

    Parameters
    ----------
    z
        Pre-activations.

    Returns
    -------
    Float[Array, "*batch"]
        0 for negative ``z`` and 1 for all others; NaN stays NaN.

    References
    ----------
    Prince (2023), section 3.1; notebook 3.4.

    Examples
    --------
    >>> heaviside(jnp.array([-0.1, 0.0, 0.1]))
    Array([0., 1., 1.], dtype=float32)
    """
    return jnp.heaviside(z, 1.0)


@checked
def linear(z: Float[Array, "*batch"], a: Scalar = 0.0, b: Scalar = 1.0) -> Float[Array, "*batch"]:
    """Compute ``a + b * z``, with which a network is no more than one linear function.

    Parameters
    ----------
    z
        Pre-activations.
    a, b
        Intercept and slope.

    Returns
    -------
    Float[Array, "*batch"]
        ``a + b * z``.

    Examples
    --------
    >>> linear(jnp.array([0.0, 1.0]), a=0.5, b=-0.25)
    Array([0.5 , 0.25], dtype=float32)
    """
    return like(a, z) + like(b, z) * z


@checked
def linear_equivalent(
    theta: Float[Array, "hidden intercept_and_slopes"],
    phi: Float[Array, "outputs offset_and_weights"],
    a: Scalar = 0.0,
    b: Scalar = 1.0,
) -> Float[Array, "outputs intercept_and_slopes"]:
    """Compute the one linear function that a shallow network with :func:`linear` activation is.

    Parameters
    ----------
    theta, phi
        The network, as in :func:`udl_jax.ch03_shallow_networks.shallow_network.stages`.
    a, b
        Intercept and slope of the activation.

    Returns
    -------
    Float[Array, "outputs intercept_and_slopes"]
        For each output its intercept, and then its slope along each input.

    Raises
    ------
    ValueError
        If ``phi`` does not fit the number of hidden units.

    References
    ----------
    Prince (2023), problem 3.1; notebook 3.4.

    Examples
    --------
    >>> theta, phi = jnp.array([[0.5, 1.0], [1.0, -1.0]]), jnp.array([[3.0, 1.0, 2.0]])
    >>> linear_equivalent(theta, phi)
    Array([[ 5.5, -1. ]], dtype=float32)
    """
    if phi.shape[1] != 1 + len(theta):
        raise ValueError(f"phi must have 1 + {len(theta)} columns, got {phi.shape[1]}")
    after_activation = (like(b, theta) * theta).at[:, 0].add(like(a, theta))
    return (phi[:, 1:] @ after_activation).at[:, 0].add(phi[:, 0])


@checked
def swish(z: Float[Array, "*batch"], beta: Scalar = 1.0) -> Float[Array, "*batch"]:
    r"""Compute the swish, a ReLU whose joint is smoothed by a sigmoid.

    Parameters
    ----------
    z
        Pre-activations.
    beta
        Steepness of the sigmoid: at 0 the swish is ``z / 2``, at infinity the ReLU, and at 1 the SiLU.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`z / (1 + \exp(-\beta z))`.

    References
    ----------
    Prince (2023), figure 3.13f.

    Examples
    --------
    >>> swish(jnp.array([-1.0, 0.0, 1.0]), beta=0.0)
    Array([-0.5,  0. ,  0.5], dtype=float32)
    """
    gate = jax.nn.sigmoid(_times(beta, z))
    # A gate that is shut lets nothing through, not even minus infinity.
    return jnp.where(gate == 0, 0, z) * gate


def _times(slope, z):
    """Multiply, so that zero stays zero however steep the slope."""
    slope = like(slope, z)
    return jnp.where((z == 0) & jnp.isinf(slope), 0, slope) * z


@checked
def derivative(activation: Activation, z: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Differentiate an activation function at each element of ``z``.

    Parameters
    ----------
    activation
        Maps each element by itself. Static under ``jit``.
    z
        Where to differentiate.

    Returns
    -------
    Float[Array, "*batch"]
        The derivatives. At a joint it is what JAX takes there: 0 for the ReLU.

    Examples
    --------
    >>> derivative(jax.nn.relu, jnp.array([-1.0, 0.0, 1.0]))
    Array([0., 0., 1.], dtype=float32)
    """
    slopes = jax.vmap(jax.grad(lambda each: scalar("activation", activation(each))))(z.ravel())
    return slopes.reshape(z.shape)


#: The activation functions of figure 3.13, panel by panel, and two more in the last.
FAMILY: Mapping[str, Mapping[str, Callable[[Array], Array]]] = MappingProxyType(
    {
        "sigmoid shapes": {"logistic sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh},
        "leaky": {
            "leaky ReLU, 0.1": functools.partial(jax.nn.leaky_relu, negative_slope=0.1),
            "parametric ReLU, 0.25": functools.partial(jax.nn.leaky_relu, negative_slope=0.25),
        },
        "smooth": {
            "softplus": jax.nn.softplus,
            "GELU": functools.partial(jax.nn.gelu, approximate=False),
            "SiLU": jax.nn.silu,
        },
        "exponential": {
            "ELU, 0.5": functools.partial(jax.nn.elu, alpha=0.5),
            "ELU, 1": jax.nn.elu,
        },
        "scaled exponential": {"SELU": jax.nn.selu},
        "swish": {
            "swish, 0.4": functools.partial(swish, beta=0.4),
            "swish, 1.0": swish,
            "swish, 1.4": functools.partial(swish, beta=1.4),
            "hard swish": jax.nn.hard_swish,
        },
    }
)
