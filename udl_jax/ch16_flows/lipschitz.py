"""How much a function can stretch: what makes it a contraction, and how fast its iteration then must converge."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num

from udl_jax._annotations import checked
from udl_jax._checks import number, refuse_traced, values


@checked
def steepest_slope(function: Callable, z: Float[Array | np.ndarray, " points"]) -> Float[Array, ""]:
    r"""Find how steep a function of one number is at most at given points.

    Below 1 it is a contraction, as far as these points tell. The largest slope anywhere is the smallest
    :math:`\beta` of equation 16.20, the function's Lipschitz constant.

    Parameters
    ----------
    function
        From a number to a number.
    z
        Where to look.

    Returns
    -------
    Float[Array, ""]
        The largest absolute value of the derivative.

    References
    ----------
    Prince (2023), section 16.3.7, equation 16.20.

    Examples
    --------
    >>> print(f"{steepest_slope(jnp.cos, jnp.linspace(0, 1, 11)):.3f}")
    0.841
    """
    return jnp.max(jnp.abs(jax.vmap(jax.grad(function))(z)))


@checked
def check_contraction(function: Callable, z: Float[Array | np.ndarray, " points"]) -> None:
    """Raise ``ValueError`` if a function of one number is as steep as 1, or steeper, somewhere among given points.

    Parameters
    ----------
    function, z
        As for :func:`steepest_slope`.

    Raises
    ------
    ValueError
        If the function is no contraction.
    TypeError
        If it is being traced, so that nothing can be told.

    Examples
    --------
    >>> check_contraction(lambda z: 1.5 * z, jnp.linspace(0, 1, 3))
    Traceback (most recent call last):
        ...
    ValueError: function must be a contraction, with slopes between -1 and 1, got the slope 1.5 at 0
    """
    slopes = jax.vmap(jax.grad(function))(z)
    refuse_traced("check_contraction", slopes, "it needs values")
    worst = int(jnp.argmax(jnp.abs(jnp.where(jnp.isnan(slopes), jnp.inf, slopes))))
    if not abs(float(slopes[worst])) < 1:
        raise ValueError(
            "function must be a contraction, with slopes between -1 and 1, "
            f"got the slope {float(slopes[worst]):.4g} at {float(z[worst]):.4g}"
        )


@checked
def error_bound(
    beta: Num[Array, ""] | float,
    first_step: Num[Array, ""] | float,
    iterations: Num[Array | np.ndarray, "*shape"],
) -> Float[Array, "*shape"]:
    r"""Bound how far an iteration is from its fixed point, from its first step alone.

    Parameters
    ----------
    beta
        The contraction's :math:`\beta`, in [0, 1).
    first_step
        Length of the first step.
    iterations
        How often the function was applied.

    Returns
    -------
    Float[Array, "*shape"]
        :math:`\beta^n/(1-\beta)\cdot|z_1-z_0|`.

    Raises
    ------
    ValueError
        If ``beta`` is not in [0, 1), or ``first_step`` is negative.

    References
    ----------
    Prince (2023), section 16.3.7; the bound is Banach's.

    Examples
    --------
    >>> print(error_bound(0.5, 1.0, jnp.array([0, 1, 2])))
    [2.  1.  0.5]
    """
    beta, first_step = number("beta", beta, least=0.0, below=1.0), number("first_step", first_step, least=0.0)
    values("iterations", iterations, lambda n: n >= 0, "counts 0, 1, 2, ...")
    return jnp.asarray(beta) ** iterations / (1 - beta) * first_step
