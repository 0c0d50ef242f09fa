"""Augmentation: shifted and scaled copies of MNIST-1D's signals teach a network what does not matter."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from udl_jax import _checks, training
from udl_jax._annotations import checked
from udl_jax.ch08_performance import mnist1d
from udl_jax.data.mnist1d import Mnist1d

#: What notebook 9.5 trains. It makes a scheduler that would halve the rate every ten epochs, but never steps it.
BOOK = mnist1d.Settings(hidden=(200, 200), decay=1.0)
#: Between which numbers the notebook draws the factors.
SCALES = (0.8, 1.2)


class Draws(NamedTuple):
    """What is random in augmentation: which signals are copied, and how each copy is changed.

    Attributes
    ----------
    indices
        Numbers of the signals that are copied.
    shifts
        Positions by which each copy is rolled towards its end.
    factors
        What each copy is multiplied by.
    """

    indices: Int[Array, " copies"]
    shifts: Int[Array, " copies"]
    factors: Float[Array, " copies"]


@checked
def augment(
    x: Float[Array, "batch length"], shifts: Int[Array, " batch"], factors: Float[Array, " batch"]
) -> Float[Array, "batch length"]:
    """Roll each signal by so many positions, and multiply it by a factor.

    Parameters
    ----------
    x
        Signals, one in each row.
    shifts
        Positions; what leaves a signal at its end comes back at its beginning. Any integers will do.
    factors
        One for each signal.

    Returns
    -------
    Float[Array, "batch length"]
        The new signals.

    Raises
    ------
    ValueError
        If there is not one shift and one factor for each signal.

    References
    ----------
    Prince (2023), section 9.3.8; notebook 9.5.

    Examples
    --------
    >>> augment(jnp.array([[1.0, 2.0, 3.0]]), jnp.array([1]), jnp.array([10.0]))
    Array([[30., 10., 20.]], dtype=float32)
    """
    length = x.shape[1]
    sources = (np.arange(length) - shifts[:, None]) % length
    return jnp.take_along_axis(x, sources, axis=1) * factors[:, None]


def augment_data(data: Mnist1d, draws: Draws) -> Mnist1d:
    """Append changed copies to the training signals, with the labels of what they are copied from.

    Parameters
    ----------
    data
        From :func:`udl_jax.data.mnist1d.load_mnist1d`.
    draws
        From :func:`draw`, or from elsewhere.

    Returns
    -------
    Mnist1d
        The original training signals, then the copies; the test signals as they were.

    Raises
    ------
    ValueError
        If the draws differ in length, or name signals that are not there.

    References
    ----------
    Prince (2023), section 9.3.8; notebook 9.5.
    """
    examples = len(data.x_train)
    within = f"in 0..{examples - 1}"
    _checks.values("indices", draws.indices, lambda i: (i >= 0) & (i < examples), within)
    copies = augment(data.x_train[draws.indices], draws.shifts, draws.factors)
    labels = data.y_train[draws.indices]
    return data._replace(
        x_train=jnp.concatenate([data.x_train, copies]), y_train=jnp.concatenate([data.y_train, labels])
    )


def draw(
    key: Key[Array, ""], data: Mnist1d, copies: int = 4000, scales: tuple[float, float] = SCALES
) -> Draws:
    """Draw what :func:`augment_data` needs.

    Parameters
    ----------
    key
        Decides the draws.
    data
        What will be augmented.
    copies
        Number of copies.
    scales
        Smallest and largest factor; two equal ones scale all signals alike.

    Returns
    -------
    Draws
        Any signal may be copied several times, and rolled by any number of positions.

    Raises
    ------
    ValueError
        If ``copies`` is less than 1, or ``scales`` are not in rising order.
    """
    _checks.count("copies", copies)
    low, high = (_checks.number(f"scales[{k}]", scale) for k, scale in enumerate(scales))
    if low > high:
        raise ValueError(f"scales must be in rising order, got {scales}")
    examples, length = data.x_train.shape
    key_index, key_shift, key_scale = jax.random.split(key, 3)
    return Draws(
        jax.random.randint(key_index, (copies,), 0, examples),
        jax.random.randint(key_shift, (copies,), 0, length),
        jax.random.uniform(key_scale, (copies,), data.x_train.dtype, low, high),
    )


def changing_objective(model, variables, batch: training.Examples, draws: Draws):
    """Compute the cross-entropy of a batch that is changed anew each time; an objective for the training engine.

    Parameters
    ----------
    model, variables, batch
        As :class:`udl_jax.training.Recipe` hands them to its ``objective``.
    draws
        Shifts and factors for the signals of the batch; ``indices`` are not looked at.

    Returns
    -------
    loss : Float[Array, ""]
        Mean cross-entropy in nats.
    collections : dict
        The model's updated mutable collections.
    """
    changed = batch._replace(x=augment(batch.x, draws.shifts, draws.factors))
    return training.supervised(training.cross_entropy)(model, variables, changed, None)


def measure(model, variables, examples: training.Examples) -> training.Measures:
    """Measure cross-entropy and percent wrong on examples as they are, for :func:`changing_objective`."""
    outputs = model.apply(variables, examples.x)
    return training.Measures(
        training.cross_entropy(outputs, examples.y), training.percent_wrong(outputs, examples.y)
    )


def train_on_changing_data(
    key: Key[Array, ""],
    data: Mnist1d,
    settings: mnist1d.Settings = BOOK,
    scales: tuple[float, float] = SCALES,
) -> training.Fit:
    """Train on signals that are shifted and scaled anew whenever they are visited.

    Parameters
    ----------
    key
        Decides initial weights, batch order and changes.
    data
        The original signals.
    settings
        How to train.
    scales
        As in :func:`draw`.

    Returns
    -------
    training.Fit
        As from :func:`udl_jax.ch08_performance.mnist1d.train_network`; training loss and error are those of the
        original signals.

    References
    ----------
    Prince (2023), section 9.3.8.
    """
    recipe = _changing_recipe(settings, len(data.x_train))
    state = training.start(recipe, mnist1d.draw_variables(key, data, settings))
    counts = settings.epochs, settings.batch, settings.remainder
    order = training.draw_order(key, len(data.x_train), *counts)
    drawn = draw(jax.random.fold_in(key, 1), data, order.size, scales)
    draws = jax.tree.map(lambda leaf: leaf.reshape(order.shape), drawn)
    return training.Fit(*training.train(recipe, state, *mnist1d.split(data), order, draws))


@functools.cache
def _changing_recipe(settings, examples):
    supervised = mnist1d.make_recipe(settings, examples=examples)
    return training.Recipe(
        supervised.model, supervised.optimiser, objective=changing_objective, measure=measure
    )
