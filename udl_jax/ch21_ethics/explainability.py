"""Look into a black box: vary one input or two, or put a linear model in its place near a point."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch21_ethics.bias_mitigation import check_rising

#: What is to be explained: a function of points, in rows, to one number for each. Static under ``jit``.
Predict = Callable[[Float[Array, "*batch inputs"]], Float[Array, "*batch"]]


class LinearFit(NamedTuple):
    """A linear model that stands for a black box near a point.

    Attributes
    ----------
    intercept
        What it predicts where all inputs are zero.
    slopes
        By how much its prediction rises with each input.
    explained
        Share of the (weighted) variance of the samples' scores that it explains, known as R squared.
    """

    intercept: Float[Array, ""]
    slopes: Float[Array, " inputs"]
    explained: Float[Array, ""]


@checked
def individual_expectation(
    predict: Predict, x: Float[Array, "*batch inputs"], k: int, grid: Float[Array, " places"]
) -> Float[Array, "*batch places"]:
    """Compute what the black box says if one input had other values: individual conditional expectation.

    Parameters
    ----------
    predict
        The black box.
    x
        Points.
    k
        Which input to vary, from 0; negative numbers count from the end.
    grid
        Its values, rising.

    Returns
    -------
    Float[Array, "*batch places"]
        A curve for each point.

    Raises
    ------
    ValueError
        If there is no such input, or the grid does not rise.

    References
    ----------
    Prince (2023), section 21.1.4; Goldstein et al. (2015); notebook 21.2.

    Examples
    --------
    >>> print(individual_expectation(lambda x: x[..., 0] * x[..., 1], [5.0, 2.0], 0, [0.0, 0.5, 1.0]))
    [0. 1. 2.]
    """
    k = _check_input("k", k, x)
    check_rising("grid", grid)
    return _predict(predict, jnp.repeat(x[..., None, :], len(grid), axis=-2).at[..., k].set(grid))


@checked
def partial_dependence(
    predict: Predict, background: Float[Array, "people inputs"], k: int, grid: Float[Array, " places"]
) -> Float[Array, " places"]:
    """Average the curves of :func:`individual_expectation` over many points.

    Parameters
    ----------
    predict, k, grid
        As for :func:`individual_expectation`.
    background
        Points that stand for the population.

    Returns
    -------
    Float[Array, " places"]
        The mean score at each value of the input. Where inputs depend on each other it averages over points that
        do not occur.

    Raises
    ------
    ValueError
        If there is no such input, or the grid does not rise.

    References
    ----------
    Prince (2023), section 21.1.4; Friedman (2001).

    Examples
    --------
    >>> people = jnp.array([[0.0, 1.0], [0.0, -1.0]])
    >>> print(partial_dependence(lambda x: x[..., 0] * x[..., 1], people, 0, [0.0, 0.5, 1.0]))
    [0. 0. 0.]
    """
    return jnp.mean(individual_expectation(predict, background, k, grid), axis=0)


@checked
def slice_2d(
    predict: Predict,
    x: Float[Array, " inputs"],
    across: int,
    up: int,
    grid: Float[Array, " places"],
) -> Float[Array, "places places"]:
    """Compute scores in a plane through a point.

    Parameters
    ----------
    predict
        The black box.
    x
        The point: two of its values do not matter.
    across, up
        Which inputs to vary along columns and along rows, from 0; negative numbers count from the end.
    grid
        Values of both, rising.

    Returns
    -------
    Float[Array, "places places"]
        Scores: rows are values of ``up``, columns those of ``across``.

    Raises
    ------
    ValueError
        If there is no such input, both are the same, or the grid does not rise.

    References
    ----------
    Prince (2023), section 21.1.4, figure 21.3; notebook 21.2.

    Examples
    --------
    >>> print(slice_2d(lambda x: x[..., 0] + 10 * x[..., 1], [5.0, 5.0], 0, 1, [0.0, 1.0]))
    [[ 0.  1.]
     [10. 11.]]
    """
    across, up = _check_input("across", across, x), _check_input("up", up, x)
    if across == up:
        raise ValueError(f"across and up must be two inputs, got {across} twice")
    check_rising("grid", grid)
    points = jnp.broadcast_to(x, (len(grid), len(grid), len(x)))
    points = points.at[..., across].set(grid[None, :]).at[..., up].set(grid[:, None])
    return _predict(predict, points)


@checked
def lime(
    predict: Predict,
    x: Float[Array, " inputs"],
    noise: Float[Array, "samples inputs"],
    weights: Float[Array, " samples"] | None = None,
) -> LinearFit:
    r"""Fit a linear model to the black box around a point (LIME): least squares of scores on inputs.

    Parameters
    ----------
    predict
        The black box.
    x
        The point.
    noise
        Where samples lie, seen from the point: more of them than inputs.
    weights
        How much each counts, at least zero; by default all the same, as in the notebook.

    Returns
    -------
    LinearFit
        The :math:`\beta_0` and :math:`\boldsymbol\phi` that minimise
        :math:`\sum_i w_i\bigl(\text{f}[\mathbf{x}_i] - \beta_0 - \boldsymbol\phi^T\mathbf{x}_i\bigr)^2`.

    Raises
    ------
    ValueError
        If there are not more samples than inputs, a weight is negative, or samples that count do not differ in all
        inputs, so that the slopes are not known.

    References
    ----------
    Prince (2023), section 21.1.4, figure 21.3; Ribeiro et al. (2016); notebook 21.2.

    Examples
    --------
    >>> fit = lime(lambda x: 3 * x[..., 0] + 1, [2.0], [[-0.1], [0.0], [0.1]])
    >>> print(f"{fit.intercept:.3f} {fit.slopes[0]:.3f} {fit.explained:.3f}")
    1.000 3.000 1.000
    """
    weights = jnp.ones_like(noise[:, 0]) if weights is None else weights
    _checks.values(
        "weights", weights, lambda found: np.isfinite(found) & (found >= 0), "finite and at least 0"
    )
    if len(noise) <= len(x):
        raise ValueError(f"noise must have more samples than there are inputs, {len(x)}, got {len(noise)}")
    points = x + noise
    apart = points - x  # what is left of the noise after rounding
    _check_spread(apart, weights)
    shares = weights / jnp.sum(weights)
    heights = _predict(predict, points)
    middle, level = shares @ apart, shares @ heights
    centred, heights = apart - middle, heights - level
    scale, roots = jnp.sqrt(shares @ centred**2), jnp.sqrt(shares)
    q, r = jnp.linalg.qr(roots[:, None] * centred / scale)
    slopes = jax.scipy.linalg.solve_triangular(r, q.T @ (roots * heights)) / scale
    left, spread = shares @ (heights - centred @ slopes) ** 2, shares @ heights**2
    varies = spread > (10 * jnp.finfo(x.dtype).eps * level) ** 2  # else all that varies is rounding
    explained = jnp.where(varies, 1 - left / jnp.where(varies, spread, 1), 1)
    return LinearFit(level - slopes @ (x + middle), slopes, explained)


@checked
def proximity(noise: Float[Array, "*samples inputs"], width: float) -> Float[Array, "*samples"]:
    r"""Weight samples by how near they are: :math:`\exp[-|\boldsymbol\epsilon|^2/\text{width}^2]`, LIME's kernel.

    Weights are relative to the nearest sample's, so that they do not all vanish where all samples are far away.
    """
    width = _checks.like(_checks.number("width", width, above=0), noise)
    squares = jnp.sum((noise / width) ** 2, axis=-1)
    return jnp.exp(jnp.min(squares) - squares)


@checked
def sample_lime(
    key: Key[Array, ""],
    predict: Predict,
    x: Float[Array, " inputs"],
    samples: int = 100,
    radius: float = 0.05,
    width: float | None = None,
) -> LinearFit:
    """Draw noise from -``radius`` to ``radius`` in each input and fit :func:`lime`, weighted if there is a ``width``."""
    _checks.count("samples", samples)
    radius = _checks.like(_checks.number("radius", radius, above=0), x)
    noise = radius * jax.random.uniform(key, (samples, len(x)), x.dtype, -1, 1)
    return lime(predict, x, noise, None if width is None else proximity(noise, width))


def _predict(predict, points):
    scores = predict(points)
    _checks.shape_of("predict's scores", scores, points.shape[:-1], "one number for each point")
    return scores


def _check_input(name, k, x):
    if not -x.shape[-1] <= k < x.shape[-1]:
        raise ValueError(f"{name} must be one of the inputs 0 to {x.shape[-1] - 1}, got {k}")
    return k % x.shape[-1]


def _check_spread(apart, weights):
    if _checks.is_traced((apart, weights)):
        return
    counted = np.asarray(apart)[np.asarray(weights) > 0]
    spread = counted - counted.mean(axis=0) if len(counted) else counted
    scale = abs(spread).max(axis=0, initial=0)
    if not scale.all() or np.linalg.matrix_rank(spread / scale) < apart.shape[1]:
        raise ValueError(
            "noise must differ from sample to sample in every input, and in no fixed proportion, after it was added to x"
        )
