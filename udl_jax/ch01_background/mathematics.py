"""The mathematics that the book leans on: linear functions, and the bends of the curved ones."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from udl_jax._annotations import checked
from udl_jax._checks import like, shape_of


@checked
def linear_function(
    beta: Float[ArrayLike, ""], omega: Float[Array, " inputs"], *x: Float[Array, "..."]
) -> Float[Array, "..."]:
    r"""Evaluate a linear function of one, two, three or any number of inputs.

    Parameters
    ----------
    beta
        Offset, the value where all inputs are zero.
    omega
        One slope for each input.
    x
        The inputs, an array for each; their shapes broadcast, so that a row of :math:`x_1` and a column of
        :math:`x_2` make a grid.

    Returns
    -------
    Float[Array, "..."]
        :math:`\beta + \omega_1 x_1 + \omega_2 x_2 + \dots`, of the inputs' common shape.

    Raises
    ------
    ValueError
        If there is not one slope for each input, or if there are no inputs.

    References
    ----------
    Prince (2023), notebook 1.1; the same functions stand inside every hidden unit, equation 3.1.

    Examples
    --------
    >>> linear_function(10.0, jnp.array([-2.0]), jnp.array([0.0, 5.0]))
    Array([10.,  0.], dtype=float32)
    >>> linear_function(0.5, jnp.array([1.0, -1.0]), jnp.array([0.0, 1.0]), jnp.array([[0.0], [2.0]]))
    Array([[ 0.5,  1.5],
           [-1.5, -0.5]], dtype=float32)
    """
    if not x or omega.shape != (len(x),):
        raise ValueError(f"omega must have a slope for each input x, got {omega.size} for {len(x)}")
    try:
        jnp.broadcast_shapes(*(values.shape for values in x))
    except ValueError:
        raise ValueError(
            f"shapes of the inputs x do not broadcast: {[values.shape for values in x]}"
        ) from None
    return like(beta, omega, *x) + sum(slope * values for slope, values in zip(omega, x))


@checked
def linear_equations(
    beta: Float[Array, " outputs"], omega: Float[Array, "rows columns"], x: Float[Array, "*batch inputs"]
) -> Float[Array, "*batch outputs"]:
    r"""Evaluate several linear functions of the same inputs at once, in matrix form.

    Parameters
    ----------
    beta
        One offset for each output.
    omega
        The slopes: a row for each output, a column for each input.
    x
        The inputs; examples are rows.

    Returns
    -------
    Float[Array, "*batch outputs"]
        :math:`\boldsymbol\beta + \boldsymbol\Omega \mathbf{x}` for each row of ``x``.

    Raises
    ------
    ValueError
        If ``omega`` does not have a row for each offset and a column for each input.

    References
    ----------
    Prince (2023), notebook 1.1; appendix B.3; the layers of equation 4.15 are of this form.

    Examples
    --------
    >>> linear_equations(jnp.array([0.5, 0.0]), jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([1.0, 1.0]))
    Array([3.5, 7. ], dtype=float32)
    """
    expected = beta.shape + x.shape[-1:]
    if omega.shape != expected:
        raise ValueError(f"omega must have the shape {expected} (outputs, inputs), got {omega.shape}")
    return beta + x @ omega.T


@checked
def line_through_intercepts(
    on_x_axis: Float[Array, ""], on_y_axis: Float[Array, ""]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""Find the line that crosses the axes at two given places.

    Parameters
    ----------
    on_x_axis
        Where the line crosses the x axis, not zero. At zero the result is not finite.
    on_y_axis
        Where it crosses the y axis.

    Returns
    -------
    beta, omega
        Offset and slope.

    References
    ----------
    Prince (2023), notebook 1.1, which asks for the line through 5 and 10.

    Examples
    --------
    >>> line_through_intercepts(5.0, 10.0)
    (Array(10., dtype=float32), Array(-2., dtype=float32))
    """
    return on_y_axis, -on_y_axis / on_x_axis


@checked
def second_derivative(
    f: Callable[[Float[Array, ""]], Float[Array, ""]], x: Float[Array, "*batch"]
) -> Float[Array, "*batch"]:
    """Differentiate a function of one number twice, with ``jax.grad`` of ``jax.grad``.

    Parameters
    ----------
    f
        A function of one number; static under ``jit``.
    x
        Where to evaluate its second derivative.

    Returns
    -------
    Float[Array, "*batch"]
        The second derivative at each ``x``.

    References
    ----------
    Prince (2023), appendix B.1.2.

    Examples
    --------
    >>> second_derivative(lambda x: x**3, jnp.array([0.0, 1.0, 2.0]))
    Array([ 0.,  6., 12.], dtype=float32)
    """
    return jnp.vectorize(jax.grad(jax.grad(f)))(x)


@checked
def is_convex(
    f: Callable[[Float[Array, ""]], Float[Array, ""]], x: Float[Array, "*batch"]
) -> Bool[Array, ""]:
    """Tell whether the second derivative is nowhere negative among the points ``x``.

    It may be zero: a straight line is convex and concave at once. For "concave", ask this of ``-f``.

    Parameters
    ----------
    f
        A function of one number that can be differentiated twice; static under ``jit``.
    x
        Where to look.

    Returns
    -------
    Bool[Array, ""]
        True if ``f`` bends upward, or not at all, at every point.

    References
    ----------
    Prince (2023), appendix B.1.2; section 6.1 on what convexity is good for.

    Examples
    --------
    >>> is_convex(jnp.exp, jnp.linspace(-5, 5, 11)), is_convex(jnp.log, jnp.linspace(1, 5, 11))
    (Array(True, dtype=bool), Array(False, dtype=bool))
    """
    return jnp.all(second_derivative(f, x) >= 0)


@checked
def chord_gap(
    f: Callable[[Float[Array, "..."]], Float[Array, "..."]],
    a: Float[Array, "*batch"],
    b: Float[Array, "*batch"],
    t: Float[Array, "*batch"],
) -> Float[Array, "*batch"]:
    """Measure how far the straight line between two points of a function lies above the function.

    This is the definition behind :func:`is_convex`: never negative for a convex function, never positive
    for a concave one, and it asks for no derivative.

    Parameters
    ----------
    f
        The function, which takes arrays.
    a, b
        The chord's ends.
    t
        How far along the chord to look, 0 at ``a`` and 1 at ``b``.

    Returns
    -------
    Float[Array, "*batch"]
        The chord's height minus the function's.

    References
    ----------
    Prince (2023), notebook 1.1; appendix B.1.2.

    Examples
    --------
    >>> chord_gap(jnp.square, jnp.array([0.0]), jnp.array([2.0]), jnp.array([0.5]))
    Array([1.], dtype=float32)
    """
    heights = [f(a), f(b), f((1 - t) * a + t * b)]
    for height in heights:
        shape_of("what f returns", height, a.shape, "its argument")
    return (1 - t) * heights[0] + t * heights[1] - heights[2]
