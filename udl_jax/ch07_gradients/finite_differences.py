"""Derivatives from function values alone: slow and rough, and so a fair judge of the exact ones."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, ArrayLike, Float, PyTree

from udl_jax._annotations import checked
from udl_jax._checks import as_floats, is_traced, like, number, scalar


@checked
def move_each(
    function: Callable[[PyTree], Float[Array, ""]], parameters: PyTree, delta: Float[ArrayLike, ""]
) -> PyTree:
    """Evaluate a function once for each parameter, with that parameter moved by ``delta``.

    Parameters
    ----------
    function
        From parameters to one number; static under ``jit``.
    parameters
        Arrays, or any nest of arrays, of one floating dtype.
    delta
        How far one parameter is moved while the others stay.

    Returns
    -------
    PyTree
        The values, in the shape of ``parameters``: each stands where its parameter does.

    Examples
    --------
    >>> move_each(jnp.sum, jnp.array([1.0, 2.0]), 0.5)
    Array([3.5, 3.5], dtype=float32)
    """
    flat, unravel = ravel_pytree(_as_floats(parameters))
    if flat.size == 0:
        raise ValueError("parameters must not be empty: there is nothing to move")
    moves = like(delta, flat) * jnp.eye(flat.size, dtype=flat.dtype)
    return unravel(
        jax.vmap(lambda move: scalar("function", function(unravel(flat + move))))(moves).astype(flat.dtype)
    )


@checked
def finite_differences(
    function: Callable[[PyTree], Float[Array, ""]],
    parameters: PyTree,
    delta: Float[ArrayLike, ""],
    *,
    central: bool = False,
) -> PyTree:
    """Estimate the derivative with respect to every parameter from differences of the function.

    The error has two sources. The function's curvature costs a multiple of ``delta`` (of its square if
    ``central``), rounding costs a multiple of one over ``delta``; the best choice lies in between.

    Parameters
    ----------
    function
        From parameters to one number; static under ``jit``.
    parameters
        Arrays, or any nest of arrays, of one floating dtype.
    delta
        Distance over which the function's change is measured, not zero.
    central
        Move to both sides and divide by twice ``delta``, instead of to one side only as the book does;
        static under ``jit``.

    Returns
    -------
    PyTree
        Estimated derivatives, in the shape of ``parameters``.

    Raises
    ------
    ValueError
        If a concrete ``delta`` is zero, there are no parameters, or ``function`` does not return one number.

    References
    ----------
    Notebooks 7.1 and 7.2.

    Examples
    --------
    >>> square = lambda x: x**2
    >>> finite_differences(square, jnp.array(3.0), 0.5)
    Array(6.5, dtype=float32)
    >>> finite_differences(square, jnp.array(3.0), 0.5, central=True)
    Array(6., dtype=float32)
    """
    delta = number("delta", delta)
    if not is_traced(delta) and delta == 0:
        raise ValueError(f"delta must not be zero, got {delta}")
    parameters = _as_floats(parameters)
    ahead = move_each(function, parameters, delta)
    if central:
        behind = move_each(function, parameters, -delta)
        return jax.tree.map(lambda a, b: (a - b) / like(2 * delta, a), ahead, behind)
    here = scalar("function", function(parameters))
    return jax.tree.map(lambda a: (a - here.astype(a.dtype)) / like(delta, a), ahead)


def _as_floats(parameters):
    return jax.tree.map(lambda leaf: as_floats("parameters", leaf), parameters)
