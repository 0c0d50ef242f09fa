"""How sharply a loss is curved, without its matrix of second derivatives."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PyTree

from udl_jax import _checks
from udl_jax._annotations import checked

#: Parameters of a model, or a direction among them.
Tree = PyTree[Float[Array | np.ndarray, "..."]]


@checked
def curve_along(
    loss: Callable[[PyTree], Float[Array, ""]],
    params: Tree,
    direction: Tree,
) -> PyTree[Float[Array, "..."]]:
    r"""Multiply a direction by the loss's Hessian, as the derivative of the gradient along it.

    Parameters
    ----------
    loss
        Scalar function of the parameters.
    params
        Where its curvature is asked for.
    direction
        A tree like ``params``.

    Returns
    -------
    PyTree[Float[Array, "..."]]
        :math:`\mathbf{H}\mathbf{v}`, a tree like ``params``.

    Examples
    --------
    >>> curve_along(lambda phi: phi[0] ** 2 * phi[1], jnp.array([1.0, 2.0]), jnp.array([1.0, 0.0]))
    Array([4., 2.], dtype=float32)
    """
    return jax.jvp(jax.grad(loss), (params,), (direction,))[1]


@checked
def sharpness(
    loss: Callable[[PyTree], Float[Array, ""]],
    params: Tree,
    start: Tree,
    iterations: int = 100,
) -> Float[Array, ""]:
    r"""Find the eigenvalue of the loss's Hessian that is largest in size, by power iteration.

    Gradient descent at the rate :math:`\alpha` is stable in a valley whose sharpness is below :math:`2/\alpha`.

    Parameters
    ----------
    loss
        Scalar function of the parameters.
    params
        Where its curvature is asked for.
    start
        A tree like ``params``, such as normal draws; it must not be zero, nor at right angles to the direction sought.
    iterations
        Products of the Hessian and a direction. The error falls by the square of the ratio of the two largest
        eigenvalues with each.

    Returns
    -------
    Float[Array, ""]
        The Rayleigh quotient :math:`\mathbf{v}^T\mathbf{H}\mathbf{v}` of the last unit direction; 0 for a loss that is flat.

    Raises
    ------
    ValueError
        If ``iterations`` is less than 1, or ``start`` is zero or no tree like ``params``.

    References
    ----------
    Prince (2023), section 20.3.2 (sharpness of minima).

    Examples
    --------
    >>> phi = jnp.array([0.0, 0.0])
    >>> found = sharpness(lambda phi: 2 * phi[0] ** 2 - 3 * phi[1] ** 2, phi, jnp.array([1.0, 1.0]))
    >>> f"{found:.3f}"
    '-6.000'
    """
    iterations = _checks.count("iterations", iterations)
    if jax.tree.map(jnp.shape, params) != jax.tree.map(jnp.shape, start):
        raise ValueError("start must be a tree of arrays with the shapes of params")
    length = optax.tree.norm(start)
    _checks.values("start", length, lambda norm: norm > 0, "a direction, not zero")

    def turn(direction, _):
        curved = curve_along(loss, params, direction)
        quotient = optax.tree.vdot(direction, curved)
        norm = optax.tree.norm(curved)
        return optax.tree.scale(jnp.where(norm > 0, 1 / jnp.where(norm > 0, norm, 1), 0), curved), quotient

    return jax.lax.scan(turn, optax.tree.scale(1 / length, start), length=iterations)[1][-1]


@checked
def along_line(
    loss: Callable[[PyTree], Float[Array, ""]],
    begin: Tree,
    end: Tree,
    places: Float[Array, " places"],
) -> Float[Array, " places"]:
    """Evaluate the loss at places on the straight line from ``begin`` (place 0) to ``end`` (place 1)."""
    point = functools.partial(jax.tree.map, lambda a, b, t: a + t * (b - a), begin, end)
    return jax.lax.map(lambda t: loss(point(jax.tree.map(lambda _: t, begin))), places)
