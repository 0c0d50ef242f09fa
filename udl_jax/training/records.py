"""What the training engine is told, what it carries from step to step, and what it reports."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import NamedTuple

import optax
from flax import linen as nn
from jaxtyping import Array, Float, Int, PyTree

from udl_jax.training.losses import cross_entropy, percent_wrong


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train: a model, an optimiser, and what counts as loss and as error.

    A recipe is a static argument of compiled functions. Make it once and use it again: an equal recipe
    built around a new optimiser is compiled anew.

    Parameters
    ----------
    model
        Any Flax module. If its ``__call__`` has an argument ``train``, it gets ``train=True`` in training
        steps and ``train=False`` in evaluation.
    optimiser
        Any Optax transformation.
    loss
        Scalar function of outputs and targets that training minimises.
    error
        Scalar function of outputs and targets that is reported beside the loss, or None.
    """

    model: nn.Module
    optimiser: optax.GradientTransformation
    loss: Callable[[Array, Array], Float[Array, ""]] = cross_entropy
    error: Callable[[Array, Array], Float[Array, ""]] | None = percent_wrong


class State(NamedTuple):
    """Everything that training carries from step to step.

    Attributes
    ----------
    variables
        Flax variables: ``params``, and mutable collections such as ``batch_stats`` where the model has them.
    optimiser
        State of the optimiser.
    epoch
        Epochs done so far.
    failed_at
        Epoch and step, counted from 0, whose loss or gradient was not finite; (-1, -1) while all is well.
    """

    variables: Mapping[str, PyTree]
    optimiser: PyTree
    epoch: Int[Array, ""]
    failed_at: Int[Array, "2"]


class Measures(NamedTuple):
    """Loss and error after each epoch; ``error`` is None if the recipe has none."""

    loss: Float[Array, "*epochs"]
    error: Float[Array, "*epochs"] | None


class History(NamedTuple):
    """Measures after each epoch on training and, where there are any, on test data."""

    train: Measures
    test: Measures | None
