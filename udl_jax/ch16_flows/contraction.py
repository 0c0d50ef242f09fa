"""Contractions: functions that bring points closer together, and so have one fixed point, which is easy to find."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Num

from udl_jax._annotations import checked
from udl_jax._checks import count, like, number


class FixedPoint(NamedTuple):
    """What an iteration arrived at.

    Attributes
    ----------
    z
        The last point.
    iterations
        How often the function was applied.
    converged
        Whether the last step was no longer than asked. Without it, ``z`` means nothing.
    """

    z: Float[Array, "*shape"]
    iterations: Int[Array, ""]
    converged: Bool[Array, ""]


@checked
def wavy_line(
    z: Float[Array | np.ndarray, "*shape"],
    offset: Num[Array, ""] | float,
    slope: Num[Array, ""] | float,
    ripple: Num[Array, ""] | float,
) -> Float[Array, "*shape"]:
    """Evaluate the function of the notebook: a straight line with a ripple.

    The notebook's four have (offset, slope, ripple) = (0.3, 0.5, 0.02), (0.7, -0.6, 0.03), (-0.2, 1.5, 0.1) and
    (-0.3, 0.5, 0.02).

    Parameters
    ----------
    z
        Where.
    offset, slope
        Of the line.
    ripple
        Height of the sine wave on it, of which 15 radians go by as ``z`` grows by 1.

    Returns
    -------
    Float[Array, "*shape"]
        Values; the slope lies within 15 times the ripple of the line's.

    References
    ----------
    Notebook 16.3.

    Examples
    --------
    >>> print(f"{wavy_line(jnp.array(1.0), offset=0.3, slope=0.5, ripple=0.02):.4f}")
    0.8130
    """
    offset, slope, ripple = (like(number("a setting", part), z) for part in (offset, slope, ripple))
    return offset + slope * z + ripple * jnp.sin(15 * z)


@checked
def follow(
    function: Callable, start: Float[Array | np.ndarray, "*shape"], iterations: int = 20
) -> Float[Array, "points *shape"]:
    """Apply a function again and again, and keep all points.

    Parameters
    ----------
    function
        From points to points of the same shape.
    start
        Where to begin.
    iterations
        How often to apply it; static under ``jit``.

    Returns
    -------
    Float[Array, "points *shape"]
        The start, and the point after each application.

    Raises
    ------
    ValueError
        If ``iterations`` is negative.

    References
    ----------
    Prince (2023), section 16.3.7, figure 16.9a; notebook 16.3.

    Examples
    --------
    >>> print(follow(lambda z: z / 2, jnp.array(1.0), 3))
    [1.    0.5   0.25  0.125]
    """
    iterations = count("iterations", iterations, least=0)
    _, path = jax.lax.scan(lambda z, _: (function(z), z), start, length=iterations + 1)
    return path


@checked
def solve(
    function: Callable,
    start: Float[Array | np.ndarray, "*shape"],
    tolerance: Num[Array, ""] | float = 1e-6,
    iterations: int = 100,
) -> FixedPoint:
    r"""Find the point that a contraction leaves where it is.

    The result can be differentiated by anything that the function depends on, in either mode, though the loop
    that finds it cannot. At a fixed point :math:`z = \text{f}[z,\phi]`, and so by the implicit function theorem
    :math:`\partial z/\partial\phi = (1-\partial \text{f}/\partial z)^{-1}\,\partial \text{f}/\partial\phi`. How
    it was found does not matter.

    Parameters
    ----------
    function
        From a point to a point of the same shape. For many points, ``jax.vmap`` this function.
    start
        Where to begin.
    tolerance
        When to stop: the length of a step, at most, in any coordinate.
    iterations
        How often to apply the function at most; static under ``jit``.

    Returns
    -------
    FixedPoint
        The point; ``converged`` is False if the steps did not become short enough, as with a function that is no contraction.

    Raises
    ------
    ValueError
        If ``tolerance`` is not positive, or ``iterations`` less than 1.

    References
    ----------
    Prince (2023), section 16.3.7, equation 16.20, figure 16.9.

    Examples
    --------
    >>> found = solve(jnp.cos, jnp.array(1.0))
    >>> print(f"{found.z:.5f}", found.converged)
    0.73908 True
    """
    tolerance = like(number("tolerance", tolerance, above=0.0), start)
    iterations = count("iterations", iterations)

    def iterate(_, start):
        def goes_on(carry):
            _, step, done = carry
            return (step > tolerance) & (done < iterations)

        def apply(carry):
            z, _, done = carry
            new = function(z)
            return new, jnp.max(jnp.abs(new - z)), done + 1

        first = (start, jnp.array(jnp.inf, start.dtype), jnp.zeros((), start.dtype))
        z, step, done = jax.lax.while_loop(goes_on, apply, first)
        return z, (done, step)  # floats both: custom_root has no derivatives for others

    def solve_linear(linear, right):
        matrix = jax.jacobian(lambda z: linear(z.reshape(right.shape)).ravel())(jnp.zeros_like(right.ravel()))
        return jnp.linalg.solve(matrix, right.ravel()).reshape(right.shape)

    z, (done, step) = jax.lax.custom_root(
        lambda z: z - function(z), start, iterate, solve_linear, has_aux=True
    )
    return FixedPoint(z, done.astype(int), step <= tolerance)


@checked
def invert_residual(
    function: Callable,
    y: Float[Array | np.ndarray, "*shape"],
    start: Float[Array | np.ndarray, "*shape"] | None = None,
    tolerance: Num[Array, ""] | float = 1e-6,
    iterations: int = 100,
) -> FixedPoint:
    r"""Undo a residual layer: find the input :math:`z` of :math:`y = z + \text{f}[z]`.

    If :math:`\text{f}` is a contraction, so is :math:`y - \text{f}[z]`, whose fixed point this is.

    Parameters
    ----------
    function
        :math:`\text{f}`, from a point to a point of the same shape.
    y
        What came out of the layer.
    start
        Where to begin; by default at ``y``.
    tolerance, iterations
        As for :func:`solve`.

    Returns
    -------
    FixedPoint
        The input.

    Raises
    ------
    ValueError
        If ``start`` has another shape than ``y``, or as for :func:`solve`.

    References
    ----------
    Prince (2023), section 16.3.7, equation 16.21, figure 16.9c.

    Examples
    --------
    >>> found = invert_residual(lambda z: 0.5 * jnp.sin(z), jnp.array(1.0))
    >>> print(f"{found.z + 0.5 * jnp.sin(found.z):.4f}")
    1.0000
    """
    return solve(lambda z: y - function(z), y if start is None else start, tolerance, iterations)
