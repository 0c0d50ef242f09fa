"""What the training engine is told, what it carries from step to step, and what it reports."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import optax
from flax import linen as nn
from jaxtyping import Array, Float, Int, PyTree, Shaped

from udl_jax.training.losses import cross_entropy, percent_wrong


class Examples(NamedTuple):
    """Inputs and what they should give, one row an example.

    Attributes
    ----------
    x
        Inputs: an array, or a tree of arrays, whose first axis numbers the examples.
    y
        Targets with the same first axis; None where an objective needs none.
    """

    x: PyTree[Shaped[Array, "examples ..."]]
    y: PyTree[Shaped[Array, "examples ..."]] | None = None


class Measures(NamedTuple):
    """Loss and error after each evaluated epoch; ``error`` is None if the recipe has none."""

    loss: Float[Array, "*epochs"]
    error: Float[Array, "*epochs"] | None = None


class History(NamedTuple):
    """Measures after each evaluated epoch on training and, where there are any, on test data."""

    train: Measures
    test: Measures | None


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """When training evaluates, on what, and how many examples at a time.

    Parameters
    ----------
    every
        Evaluate after every so many epochs; the number of epochs must be a multiple. 0 never evaluates: the
        history then holds the mean of the objective over the steps of each epoch, as training met it.
    batch
        How many examples go through the model at a time; None for all. It bounds the memory that evaluation
        takes, see :func:`udl_jax.training.train`.
    rows
        Which training examples are evaluated: the first so many, or those with these numbers; None for all.

    Raises
    ------
    ValueError
        If ``every`` is negative, ``batch`` is not positive, or ``rows`` names none.

    Examples
    --------
    >>> Evaluation(every=5, batch=250, rows=1000)
    Evaluation(every=5, batch=250, rows=1000)
    """

    every: int = 1
    batch: int | None = None
    rows: int | tuple[int, ...] | None = None

    def __post_init__(self):
        if self.every < 0:
            raise ValueError(f"every must be a number of epochs, or 0 for never, got {self.every}")
        if self.batch is not None and self.batch < 1:
            raise ValueError(f"batch must be at least 1 example, or None for all, got {self.batch}")
        named = (self.rows - 1,) if isinstance(self.rows, int) else self.rows
        if named is not None and min(named, default=-1) < 0:
            raise ValueError(f"rows must name examples, as a positive count or by number, got {self.rows}")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train: a model, an optimiser, and what is minimised and reported.

    A recipe is a static argument of compiled functions. Make it once and use it again: an equal recipe
    built around a new optimiser is compiled anew.

    Parameters
    ----------
    model
        Any Flax module. If its ``__call__`` has an argument ``train`` (or ``training``, ``is_training``), it gets
        True in training steps and False in evaluation; ``deterministic`` and ``use_running_average`` get the
        opposite.
    optimiser
        Any Optax transformation.
    loss
        Scalar function of outputs and targets that training minimises.
    error
        Scalar function of outputs and targets that is reported beside the loss, or None.
    objective
        What a step minimises where that is more than a loss of outputs and targets: a pure function
        ``objective(model, variables, batch, draws)`` that returns a scalar and the updated mutable collections
        (``{}`` if there are none). ``batch`` is an :class:`Examples` with a batch of rows, ``draws`` what
        :func:`udl_jax.training.train` was given for this step. None stands for ``supervised(loss)``; ``loss``
        and ``error`` are for that case alone.
    measure
        What evaluation reports for an ``objective``: a function ``measure(model, variables, examples)`` that
        returns :class:`Measures`, means over the examples it is given. Without it, an objective is reported as
        the mean over each epoch's steps, and there can be no test data.
    evaluation
        When to evaluate, on what, and how many examples at a time.

    Raises
    ------
    ValueError
        If there is a ``measure`` without an ``objective``.
    TypeError
        If the model has fields that cannot be hashed, such as lists or arrays.
    """

    model: nn.Module
    optimiser: optax.GradientTransformation
    loss: Callable[[Any, Any], Float[Array, ""]] = cross_entropy
    error: Callable[[Any, Any], Float[Array, ""]] | None = percent_wrong
    objective: Callable[..., tuple[Float[Array, ""], Mapping[str, PyTree]]] | None = None
    measure: Callable[[nn.Module, Mapping[str, PyTree], Examples], Measures] | None = None
    evaluation: Evaluation = Evaluation()

    def __post_init__(self):
        if self.measure is not None and self.objective is None:
            raise ValueError(
                "measure is for recipes with an objective; here loss and error are what is reported"
            )
        try:
            hash(self.model)
        except TypeError as error:
            raise TypeError(
                "model must be hashable, for it is a static argument: give its fields tuples for lists, as in "
                "nn.Sequential((...)), and pass arrays as inputs"
            ) from error

    @property
    def evaluates(self) -> bool:
        """Whether there is anything to evaluate besides the steps' own losses."""
        return self.evaluation.every > 0 and (self.objective is None or self.measure is not None)


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
        Epoch and step, counted from 0, whose loss, gradient or new weights were not finite; (-1, -1) while all
        is well.
    """

    variables: Mapping[str, PyTree]
    optimiser: PyTree
    epoch: Int[Array, ""]
    failed_at: Int[Array, "2"]
