"""The small data sets that the book's notebooks write out number by number."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Points(NamedTuple):
    """Pairs of one input and one output.

    Attributes
    ----------
    x
        Inputs, in the order in which the book lists them.
    y
        Outputs: real numbers for regression, class labels from 0 up for classification.
    """

    x: Float[Array, " points"]
    y: Float[Array, " points"] | Int[Array, " points"]


# fmt: off
_UNIT_INTERVAL_INPUTS = (
    0.09291784, 0.46809093, 0.93089486, 0.67612654, 0.73441752,
    0.86847339, 0.49873225, 0.51083168, 0.18343972, 0.99380898,
    0.27840809, 0.38028817, 0.12055708, 0.56715537, 0.92005746,
    0.77072270, 0.85278176, 0.05315950, 0.87168699, 0.58858043,
)
# fmt: on


def linear_regression_points() -> Points:
    """Return the 12 points that chapter 2 fits with a line.

    Returns
    -------
    Points
        Inputs in [0, 2], in rising order, and real outputs.

    References
    ----------
    Prince (2023), figures 2.2 and 6.1; notebooks 2.1 and 6.2.

    Examples
    --------
    >>> x, y = linear_regression_points()
    >>> x.shape, y.shape
    ((12,), (12,))
    """
    # fmt: off
    x = (0.03, 0.19, 0.34, 0.46, 0.78, 0.81,
         1.08, 1.18, 1.39, 1.60, 1.65, 1.90)
    y = (0.67, 0.85, 1.05, 1.00, 1.40, 1.50,
         1.30, 1.54, 1.55, 1.68, 1.73, 1.60)
    # fmt: on
    return Points(jnp.array(x), jnp.array(y))


def shallow_network_points() -> Points:
    """Return the 20 points that chapter 3 fits with a shallow network of three hidden units.

    Returns
    -------
    Points
        Inputs in [0, 1] and real outputs.

    References
    ----------
    Prince (2023), section 3.1; notebook 3.1.

    Examples
    --------
    >>> x, y = shallow_network_points()
    >>> x.shape, y.shape
    ((20,), (20,))
    """
    # fmt: off
    y = (
        -0.15934537, 0.18195445, 0.45127015, 0.13921448, 0.09366691,
        0.30567674, 0.37229117, 0.40716968, -0.08131792, 0.41187806,
        0.36943738, 0.39943270, 0.01906257, 0.35820410, 0.45256496,
        -0.01831210, 0.02957665, -0.24354444, 0.14803884, 0.26824970,
    )
    # fmt: on
    return Points(jnp.array(_UNIT_INTERVAL_INPUTS), jnp.array(y))


def univariate_regression_points() -> Points:
    """Return the 20 points that chapter 5 fits by maximum likelihood.

    The inputs are those of :func:`shallow_network_points`. Nine of the outputs are not: they lie
    0.1 or 0.2 away, and one of them a whole unit.

    Returns
    -------
    Points
        Inputs in [0, 1] and real outputs.

    References
    ----------
    Prince (2023), section 5.3, figures 5.4 and 5.5; notebook 5.1.

    Examples
    --------
    >>> x, y = univariate_regression_points()
    >>> int((y != shallow_network_points().y).sum())
    9
    """
    # fmt: off
    y = (
        -0.25934537, 0.18195445, 0.65127015, 0.13921448, 0.09366691,
        0.30567674, 0.37229117, 0.20716968, -0.08131792, 0.51187806,
        0.16943738, 0.39943270, 0.01906257, 0.55820410, 0.45256496,
        -0.11831210, 0.02957665, -1.24354444, 0.24803884, 0.26824970,
    )
    # fmt: on
    return Points(jnp.array(_UNIT_INTERVAL_INPUTS), jnp.array(y))


def binary_classification_points() -> Points:
    """Return the 20 points that chapter 5 sorts into two classes.

    Returns
    -------
    Points
        The inputs of :func:`shallow_network_points`, and labels 0 and 1.

    References
    ----------
    Prince (2023), section 5.4, figure 5.8; notebook 5.2.

    Examples
    --------
    >>> binary_classification_points().y.tolist()
    [0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1]
    """
    y = (0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1)
    return Points(jnp.array(_UNIT_INTERVAL_INPUTS), jnp.array(y))


def multiclass_classification_points() -> Points:
    """Return the 20 points that chapter 5 sorts into three classes.

    Returns
    -------
    Points
        The inputs of :func:`shallow_network_points`, and labels 0, 1 and 2.

    References
    ----------
    Prince (2023), section 5.5, figure 5.10; notebook 5.3.

    Examples
    --------
    >>> multiclass_classification_points().y.tolist()
    [2, 0, 1, 2, 1, 0, 0, 2, 2, 0, 2, 0, 2, 0, 1, 2, 1, 2, 1, 0]
    """
    y = (2, 0, 1, 2, 1, 0, 0, 2, 2, 0, 2, 0, 2, 0, 1, 2, 1, 2, 1, 0)
    return Points(jnp.array(_UNIT_INTERVAL_INPUTS), jnp.array(y))


def gabor_points() -> Points:
    """Return the 30 points that chapter 6 fits with the Gabor model.

    Returns
    -------
    Points
        Inputs in [-15, 15] and real outputs, four significant digits each.

    References
    ----------
    Prince (2023), section 6.1.2, figure 6.3; notebooks 6.3 and 6.4.

    Examples
    --------
    >>> x, y = gabor_points()
    >>> x.shape, y.shape
    ((30,), (30,))
    """
    # fmt: off
    x = (
        -1.920, -14.22, 1.490, -1.940, -2.389, -5.090,
        -8.861, 3.578, -6.010, -6.995, 3.634, 0.8743,
        -10.96, 0.4073, -9.467, 8.560, 10.62, -0.1729,
        10.40, -12.61, 0.1574, -13.04, -2.156, -12.10,
        -11.19, 2.902, -8.220, -11.79, -8.391, -4.505,
    )
    y = (
        -1.051, -0.02482, 0.8896, -0.4943, -0.9371, 0.4306,
        0.009577, -0.07944, 0.1624, -0.2682, -0.3129, 0.8303,
        -0.02365, 0.5098, -0.2777, 0.3367, 0.1927, -0.2222,
        0.06352, 0.006888, 0.03224, 0.01091, -0.5706, -0.05258,
        -0.03666, 0.1709, -0.04805, 0.2008, -0.1904, 0.5952,
    )
    # fmt: on
    return Points(jnp.array(x), jnp.array(y))
