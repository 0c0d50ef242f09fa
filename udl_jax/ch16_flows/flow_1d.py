"""Flows in one dimension: bend the line, and know the density of what comes out."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Num

from udl_jax._annotations import checked
from udl_jax._checks import count, is_traced, like, number, values

#: How often an interval can be halved before its ends are neighbours in double precision.
HALVINGS = 64


class Density(NamedTuple):
    """Places and the density there, per unit of ``x``."""

    x: Float[Array, " points"]
    density: Float[Array, " points"]


@checked
def base_density(
    z: Float[Array | np.ndarray, "*shape"],
    mean: Num[Array, ""] | float = 0.0,
    std: Num[Array, ""] | float = 1.0,
    pi: float = math.pi,
) -> Float[Array, "*shape"]:
    r"""Evaluate the normal density with which a flow begins.

    Parameters
    ----------
    z
        Latent variables.
    mean, std
        Mean and standard deviation, the latter positive.
    pi
        What stands for :math:`\pi`. The notebook has 3.1413, ``simplified_network.BOOK_PI`` of chapter 8, and so a
        density that is 0.005 % too large.

    Returns
    -------
    Float[Array, "*shape"]
        :math:`Pr(z)`.

    Raises
    ------
    ValueError
        If ``std`` is not positive.

    References
    ----------
    Prince (2023), section 16.1, figure 16.1.

    Examples
    --------
    >>> print(f"{base_density(jnp.array(0.0)):.4f}")
    0.3989
    """
    mean, std = like(number("mean", mean), z), like(number("std", std, above=0.0), z)
    return jnp.exp(-0.5 * ((z - mean) / std) ** 2) / (math.sqrt(2 * pi) * std)


@checked
def bend(z: Float[Array | np.ndarray, "*shape"]) -> Float[Array, "*shape"]:
    r"""Bend the line as the notebook does: a sigmoid in the middle, unbent towards -3 and 3.

    It rises everywhere, also beyond 3, and leaves -3 and 3 where they are.

    Parameters
    ----------
    z
        Latent variables.

    Returns
    -------
    Float[Array, "*shape"]
        :math:`x = (1-p)\,\bigl(6\,\text{sig}[1.5\,(z-0.25)]-3\bigr) + p\,z` with :math:`p = z^2/9`.

    References
    ----------
    Prince (2023), figures 16.1 to 16.3; notebook 16.1.

    Examples
    --------
    >>> [f"{x:.3f}" for x in bend(jnp.array([-3.0, 0.25, 3.0]))]
    ['-3.000', '0.002', '3.000']
    """
    share = z**2 / 9
    return (1 - share) * (6 * jax.nn.sigmoid(1.5 * (z - 0.25)) - 3) + share * z


@checked
def slope(function: Callable, z: Float[Array | np.ndarray, " points"]) -> Float[Array, " points"]:
    """Compute the derivative of a function of one number at many places.

    Parameters
    ----------
    function
        From a number to a number.
    z
        Where.

    Returns
    -------
    Float[Array, " points"]
        The derivatives.

    Examples
    --------
    >>> print(slope(jnp.square, jnp.array([1.0, 3.0])))
    [2. 6.]
    """
    return jax.vmap(jax.grad(function))(z)


@checked
def push_density(
    function: Callable, z: Float[Array | np.ndarray, " points"], base: Callable = base_density
) -> Density:
    r"""Carry a density over a function, from ``z`` to ``x = function(z)``.

    Where the function stretches, probability is thinned out; where it squeezes, it piles up.

    Parameters
    ----------
    function
        A function :math:`\text{f}` from a number to a number that rises everywhere, or falls everywhere.
    z
        Latent variables.
    base
        Their density.

    Returns
    -------
    Density
        :math:`x` and :math:`Pr(x) = |\partial \text{f}/\partial z|^{-1}\,Pr(z)`.

    Raises
    ------
    ValueError
        If the slope is zero somewhere in ``z``, or of either sign: then the function cannot be undone.

    References
    ----------
    Prince (2023), section 16.1.1, equation 16.1, figure 16.2.

    Examples
    --------
    >>> found = push_density(lambda z: 2 * z + 1, jnp.array([0.0]))
    >>> print(found.x, jnp.log(found.density).round(4))
    [1.] [-1.6121]
    """
    slopes = slope(function, z)
    if not is_traced(slopes):
        lowest, highest = float(jnp.min(slopes)), float(jnp.max(slopes))
        if not (lowest > 0 or highest < 0):
            raise ValueError(
                "function must rise everywhere or fall everywhere, to be undone: "
                f"between {float(jnp.min(z)):.4g} and {float(jnp.max(z)):.4g} its slope goes from {lowest:.4g} to {highest:.4g}"
            )
    return Density(jax.vmap(function)(z), base(z) / jnp.abs(slopes))


@checked
def inverse(
    function: Callable,
    x: Float[Array | np.ndarray, "*shape"],
    low: Num[Array, ""] | float = -10.0,
    high: Num[Array, ""] | float = 10.0,
) -> Float[Array, "*shape"]:
    r"""Undo a rising function by bisection, for all numbers at once.

    Halving goes on until no number fits between the ends. A last Newton step costs nothing and lends the result
    its derivatives: the slope of the inverse is one over the slope of the function, and so on by the implicit
    function theorem for whatever else the function depends on.

    Parameters
    ----------
    function
        From a number to a number, rising between ``low`` and ``high``.
    x
        What the function gave.
    low, high
        Where to look.

    Returns
    -------
    Float[Array, "*shape"]
        :math:`z` with :math:`\text{f}[z] = x`; NaN where there is none between ``low`` and ``high``.

    Raises
    ------
    ValueError
        If ``low`` is not below ``high``, or the function not lower there; or if an ``x`` that is not traced is
        outside of what the function gives between them.

    References
    ----------
    Prince (2023), section 16.1.2.

    Examples
    --------
    >>> print(f"{inverse(bend, bend(jnp.array(1.25))):.4f}")
    1.2500
    """
    low, high = (
        jnp.full(x.shape, number(name, end), x.dtype) for name, end in (("low", low), ("high", high))
    )
    mapped = jnp.vectorize(function)
    floor, roof = mapped(low), mapped(high)
    if not is_traced((floor, roof)):
        values("function", roof - floor, lambda gap: gap > 0, "higher at high than at low")
    reached = (x >= floor) & (x <= roof)
    if not is_traced(reached) and not bool(jnp.all(reached)):
        outside = np.asarray(x)[~np.asarray(reached)].ravel()[0]
        raise ValueError(f"x must be among what function gives between low and high, got {outside}")

    def halve(_, ends):
        low, high = ends
        middle = low + (high - low) / 2
        below = mapped(middle) < jax.lax.stop_gradient(x)
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    ends = jax.lax.stop_gradient((low, high))
    low, high = jax.lax.fori_loop(0, HALVINGS, halve, ends)
    z = jax.lax.stop_gradient(low + (high - low) / 2)
    rise = jnp.vectorize(jax.grad(function))(z)
    newton = (x - mapped(z)) / jax.lax.stop_gradient(jnp.where(rise > 0, rise, jnp.inf))
    return jnp.where(reached, z + newton, jnp.nan)


@checked
def log_density(
    function: Callable,
    x: Float[Array | np.ndarray, " points"],
    low: Num[Array, ""] | float = -10.0,
    high: Num[Array, ""] | float = 10.0,
) -> Float[Array, " points"]:
    r"""Evaluate the logarithm of a flow's density at given places: back to ``z`` first, then as above.

    Parameters
    ----------
    function, x, low, high
        As for :func:`inverse`.

    Returns
    -------
    Float[Array, " points"]
        :math:`\log Pr(z) - \log|\partial\text{f}/\partial z|` at :math:`z = \text{f}^{-1}[x]`, in nats.

    Raises
    ------
    ValueError
        As for :func:`inverse`.

    References
    ----------
    Prince (2023), section 16.1.3, equations 16.1 and 16.2.

    Examples
    --------
    >>> print(log_density(lambda z: 2 * z + 1, jnp.array([1.0])).round(4))
    [-1.6121]
    """
    z = inverse(function, x, low, high)
    return -0.5 * z**2 - 0.5 * math.log(2 * math.pi) - jnp.log(slope(function, z))


@checked
def sample_flow(key: Key[Array, ""], function: Callable, samples: int) -> Float[Array, "{samples}"]:
    """Draw standard normal latent variables and send them through the flow."""
    return jax.vmap(function)(jax.random.normal(key, (count("samples", samples),)))
