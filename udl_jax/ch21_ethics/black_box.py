"""A function of four inputs that nobody understands, in the place of a network that decides about loans."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from udl_jax import _checks
from udl_jax._annotations import checked

#: Scores are clipped to this many on either side.
LIMIT = 10.0
#: How many times the notebook adds something on the way from one bump to the next.
STEPS_PER_BUMP = 100


class BlackBox(NamedTuple):
    """Bumps in the space of inputs.

    Attributes
    ----------
    means
        Where the bumps are.
    deviations
        How wide each is in each direction, positive: its height falls to 1/e at this distance.
    values
        How high they are.
    """

    means: Float[Array, "bumps inputs"]
    deviations: Float[Array, "bumps inputs"]
    values: Float[Array, " bumps"]


@checked
def black_box(
    places: Float[Array, "bumps inputs"],
    widths: Float[Array, "bumps inputs"],
    heights: Float[Array, " bumps"],
) -> BlackBox:
    """Make a black box of draws.

    Parameters
    ----------
    places, widths
        Uniform draws between 0 and 1.
    heights
        Standard normal draws, for two bumps or more.

    Returns
    -------
    BlackBox
        With deviations from 0.1 to 1.1, and values whose mean is zero.

    Raises
    ------
    ValueError
        If widths lie outside [0, 1], shapes differ, or there is only one bump.

    References
    ----------
    Prince (2023), section 21.1.4, figure 21.3; notebook 21.2.

    Examples
    --------
    >>> model = black_box(jnp.zeros((2, 1)), jnp.full((2, 1), 0.5), [5.0, -5.0])
    >>> print(model.deviations[:, 0], model.values)
    [0.6 0.6] [ 0.5 -0.5]
    """
    _checks.values("widths", widths, lambda found: (found >= 0) & (found <= 1), "draws between 0 and 1")
    values = heights / 10
    model = BlackBox(places, widths + 0.1, values - jnp.mean(values))
    _check_model(model)
    return model


@checked
def sample_black_box(key: Key[Array, ""], bumps: int = 10, inputs: int = 4) -> BlackBox:
    """Draw bumps, and make a :func:`black_box` of them."""
    _checks.count("bumps", bumps, least=2)
    _checks.count("inputs", inputs)
    at, width, height = jax.random.split(key, 3)
    uniform = jax.random.uniform(at, (bumps, inputs)), jax.random.uniform(width, (bumps, inputs))
    return black_box(*uniform, jax.random.normal(height, (bumps,)))


def book_black_box() -> BlackBox:
    """Make the notebook's black box, of the numbers that NumPy's legacy generator gives for seed 3, for ever the same.

    References
    ----------
    Prince (2023), section 21.1.4, figure 21.3; notebook 21.2.

    Examples
    --------
    >>> print(f"{score(book_black_box(), [0.3, 0.8, 0.6, 0.3]):.3f}")
    -3.288
    """
    generator = np.random.RandomState(3)
    places, widths = (generator.uniform(size=(4, 10)).T for _ in range(2))
    return black_box(*(jnp.asarray(draws) for draws in (places, widths, generator.normal(size=10))))


@checked
def bumps(model: BlackBox, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch bumps"]:
    r"""Compute the height of each bump at each point.

    Parameters
    ----------
    model
        The black box.
    x
        Points.

    Returns
    -------
    Float[Array, "*batch bumps"]
        :math:`v_i \exp\bigl[-\sum_k (x_k - \mu_{ik})^2 / \sigma_{ik}^2\bigr]`, without the usual factor of one half.

    Raises
    ------
    ValueError
        If points have another number of inputs than the black box, or a deviation is not positive.

    References
    ----------
    Notebook 21.2.

    Examples
    --------
    >>> print(bumps(BlackBox(jnp.zeros((2, 1)), jnp.ones((2, 1)), jnp.array([3.0, -1.0])), [[0.0], [1.0]]))
    [[ 3.    -1.   ]
     [ 1.1...  -0.367...]]
    """
    means, deviations, values = _check_model(model)
    _checks.shape_of("x", x, (*x.shape[:-1], means.shape[1]), "points of the black box")
    means, deviations, values = (array.astype(x.dtype) for array in (means, deviations, values))
    apart = (x[..., None, :] - means) / deviations
    return values * jnp.exp(-jnp.sum(apart**2, axis=-1))


@checked
def score(model: BlackBox, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch"]:
    r"""Compute the score of points: below zero the loan is refused.

    The notebook walks from each bump to the next in a hundred steps, adds what it finds there, and clips the sum after
    each step. As long as no sum on the way is clipped, this is one weighted sum of the bumps. But sums on the way
    are clipped, and then what was cut off is missing from the rest; so the steps are made here, too, by
    ``jax.lax.scan``, while the bumps' heights are computed only once.

    Parameters
    ----------
    model
        The black box.
    x
        Points; the notebook's lie between 0 and 1.

    Returns
    -------
    Float[Array, "*batch"]
        Scores from -10 to 10. Where a clip binds their derivative has lost what was added before, and is zero where
        the last one does.

    Raises
    ------
    ValueError
        If points have another number of inputs than the black box, or a deviation is not positive.

    References
    ----------
    Prince (2023), section 21.1.4, figure 21.3; notebook 21.2. Its weights are swapped: what counts most at the
    beginning of a walk is the bump at its end.

    Examples
    --------
    >>> model = BlackBox(jnp.zeros((2, 1)), jnp.ones((2, 1)), jnp.array([-1.0, 3.0]))
    >>> [f"{height:.2f}" for height in score(model, [[0.0], [2.0]])]  # at 0 a clip binds, at 2 none does
    ['-2.00', '1.87']
    """
    return _walk(bumps(model, x))


@checked
def unclipped_score(model: BlackBox, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch"]:
    r"""Compute the same score as if nothing were clipped: one weighted sum of the bumps.

    Parameters
    ----------
    model, x
        As for :func:`score`.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`\sum_i w_i b_i[\mathbf{x}]`, with weights 49.5, 100, ..., 100, 50.5 for the notebook's steps.

    Raises
    ------
    ValueError
        As for :func:`score`.

    Examples
    --------
    >>> model = BlackBox(jnp.zeros((2, 1)), jnp.ones((2, 1)), jnp.array([-1.0, 3.0]))
    >>> [f"{height:.2f}" for height in unclipped_score(model, [[0.0], [2.0]])]
    ['102.00', '1.87']
    """
    heights = bumps(model, x)
    shares = jnp.asarray(_shares(heights.shape[-1]), x.dtype)
    first, second = jnp.sum(shares, axis=1), jnp.sum(1 - shares, axis=1)
    return heights[..., :-1] @ first + heights[..., 1:] @ second


@jax.jit
def _walk(heights: Float[Array, "*batch bumps"]) -> Float[Array, "*batch"]:
    """Add up what is found on the way, and clip after each step."""
    heights = jnp.moveaxis(heights, -1, 0)

    def pass_on(total, leg):
        first, second, shares = leg

        def add(total, share):
            return jnp.clip(total + share * first + (1 - share) * second, -LIMIT, LIMIT), None

        return jax.lax.scan(add, total, shares, unroll=10)[0], None

    shares = jnp.asarray(_shares(len(heights)), heights.dtype)
    return jax.lax.scan(pass_on, jnp.zeros_like(heights[0]), (heights[:-1], heights[1:], shares))[0]


def _shares(bumps: int) -> np.ndarray:
    """Give the first bump's share at each step between it and the next, a row for each: NumPy's, as the notebook's."""
    times = np.arange(0, bumps - 1, 1 / STEPS_PER_BUMP).reshape(bumps - 1, STEPS_PER_BUMP)
    return times - np.arange(bumps - 1)[:, None]


def _check_model(model):
    means, deviations, values = (jnp.asarray(array) for array in model)
    _checks.shape_of("model.deviations", deviations, means.shape, "the means")
    _checks.shape_of("model.values", values, means.shape[:1], "the bumps")
    if means.ndim != 2 or len(means) < 2:
        raise ValueError(f"model.means must have two bumps at least, in rows, got the shape {means.shape}")
    _checks.values("model.deviations", deviations, lambda found: found > 0, "positive")
    return means, deviations, values
