"""Two more answers to why the loan was refused: what each input contributed, and what would have to change."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch21_ethics.explainability import Predict

#: With more inputs than these there are too many subsets.
MOST_INPUTS = 16


class Counterfactual(NamedTuple):
    """A point at which the decision would have been another.

    Attributes
    ----------
    x
        The point; where the walk ended, if it did not get there.
    score
        What the black box says there.
    reached
        Whether the score has reached the target.
    steps
        How many steps were made.
    """

    x: Float[Array, " inputs"]
    score: Float[Array, ""]
    reached: Bool[Array, ""]
    steps: Int[Array, ""]


@checked
def shapley(
    predict: Predict, x: Float[Array, " inputs"], background: Float[Array, "people inputs"]
) -> Float[Array, " inputs"]:
    r"""Share out to the inputs by how much a score differs from the average one: exact Shapley values.

    Parameters
    ----------
    predict
        The black box.
    x
        The point that is explained.
    background
        Points that stand for the population: inputs that are not yet known take their values from them.

    Returns
    -------
    Float[Array, " inputs"]
        :math:`\phi_k = \sum_{S \not\ni k} \frac{|S|!\,(n-|S|-1)!}{n!}\bigl(v[S \cup k] - v[S]\bigr)`, where
        :math:`v[S]` is the mean score if the inputs in :math:`S` are those of the point. They add up to the score
        minus the mean score of the background.

    Raises
    ------
    ValueError
        If there are more than 16 inputs, since each of all their subsets is tried, or points have another length.

    References
    ----------
    Prince (2023), section 21.1.4; Lundberg and Lee (2017).

    Examples
    --------
    >>> print(shapley(lambda x: x[..., 0] * x[..., 1], [1.0, 1.0], [[0.0, 0.0]]))
    [0.5 0.5]
    """
    inputs = len(x)
    if inputs > MOST_INPUTS:
        raise ValueError(
            f"x must have at most {MOST_INPUTS} inputs for all subsets to be tried, got {inputs}"
        )
    subsets = (np.arange(2**inputs)[:, None] >> np.arange(inputs)) % 2 == 1

    def worth(known):
        scores = predict(jnp.where(known, x, background))
        _checks.shape_of("predict's scores", scores, (len(background),), "one number for each point")
        return jnp.mean(scores)

    values = jax.vmap(worth)(subsets)
    return jnp.asarray(_shapley_weights(subsets), values.dtype) @ values


@checked
def counterfactual(
    predict: Predict,
    x: Float[Array, " inputs"],
    target: float = 0.0,
    changeable: Bool[Array, " inputs"] | None = None,
    step: float = 0.005,
    most_steps: int = 1000,
    low: float = 0.0,
    high: float = 1.0,
) -> Counterfactual:
    """Walk up the score's gradient from a point until the score reaches a target.

    Steps have a fixed length, and the last one ends where the score, taken as linear on it, meets the target. Inputs stay
    within bounds. A walk ends early where nothing that may change has a slope, such as where a clip binds.

    Parameters
    ----------
    predict
        The black box.
    x
        The point to start from.
    target
        Which score to reach from below. At or above it the point is returned as it is.
    changeable
        Which inputs may change; by default all.
    step
        Length of a step, positive.
    most_steps
        After how many to give up.
    low, high
        Bounds of all inputs.

    Returns
    -------
    Counterfactual
        Where the walk has ended, and whether it has reached the target.

    Raises
    ------
    ValueError
        If ``step`` is not positive, the bounds are not in order, or the point lies outside them.

    References
    ----------
    Prince (2023), section 21.1.4; Wachter et al. (2018).

    Examples
    --------
    >>> found = counterfactual(lambda x: 4 * x[..., 0] + 3 * x[..., 1] - 2.5, [0.0, 0.0])
    >>> [f"{float(value):.3f}" for value in (*found.x, found.score)], bool(found.reached)
    (['0.400', '0.300', '0.000'], True)
    """
    target, step = _checks.number("target", target), _checks.number("step", step, above=0)
    low, high = _checks.number("low", low), _checks.number("high", high)
    _checks.count("most_steps", most_steps)
    _check_bounds(x, low, high)
    target, step, low, high = (jnp.asarray(number, x.dtype) for number in (target, step, low, high))
    free = jnp.ones_like(x) if changeable is None else changeable.astype(x.dtype)

    def is_underway(state):
        _, score, moves, _ = state
        return (score < target - slack) & moves

    def walk(state):
        x, score, _, steps = state
        ahead = _direction(predict, x, free, low, high)
        there = jnp.clip(x + step * ahead, low, high)
        risen = _one(predict, there) - score
        part = jnp.where(risen > target - score, (target - score) / jnp.where(risen > 0, risen, 1), 1)
        there = jnp.where(part < 1, x + part * (there - x), there)
        return there, _one(predict, there), jnp.any(ahead != 0), steps + 1

    first = _one(predict, x)
    slack = 100 * jnp.finfo(x.dtype).eps * jnp.maximum(1, jnp.abs(first - target))
    state = (x, first, jnp.array(True), jnp.array(0))

    def walk_on(state, _):  # a scan, so that one can differentiate by where the walk began
        return jax.lax.cond(is_underway(state), walk, lambda state: state, state), None

    (x, score, _, steps), _ = jax.lax.scan(walk_on, state, length=most_steps)
    return Counterfactual(x, score, score >= target - slack, steps)


def _direction(predict, x, free, low, high):
    """Return the direction of steepest ascent within bounds, of length one; zero where there is none."""
    slopes = jax.grad(lambda x: jnp.asarray(predict(x)).reshape(()))(x) * free
    slopes = jnp.where(((x <= low) & (slopes < 0)) | ((x >= high) & (slopes > 0)), 0, slopes)
    length = jnp.sqrt(jnp.sum(slopes**2))
    return slopes / jnp.where(length > 0, length, 1)


def _one(predict, x):
    return _checks.scalar("predict", predict(x))


def _check_bounds(x, low, high):
    if _checks.is_traced((low, high)):
        return
    if low >= high:
        raise ValueError(f"low must be less than high, got {low} and {high}")
    _checks.values("x", x, lambda found: (found >= low) & (found <= high), f"between {low} and {high}")


def _shapley_weights(subsets):
    """Put the factor of each subset's worth in each input's value, positive where the input belongs to the subset."""
    inputs = subsets.shape[1]
    sizes = subsets.sum(axis=1)
    chances = [1 / (inputs * math.comb(inputs - 1, size)) for size in range(inputs)]
    chances = np.array([*chances, 0.0])
    return np.where(subsets, chances[sizes - 1][:, None], -chances[sizes][:, None]).T
