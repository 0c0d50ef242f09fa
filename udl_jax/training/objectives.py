"""What a step minimises, and one step of it: the pieces of which every training is made."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Key, PyTree

from udl_jax.training.records import Examples

#: Arguments by which a Flax module may be told that it is being trained, and those that mean the opposite.
TRAINING_ARGUMENTS = ("train", "training", "is_training")
EVALUATION_ARGUMENTS = ("deterministic", "use_running_average")


class Stepped(NamedTuple):
    """What one step gave.

    Attributes
    ----------
    params, optimiser
        After the step.
    loss
        The objective before the step.
    extra
        What the objective returned beside the loss.
    gradient
        The gradient that the step followed.
    """

    params: PyTree
    optimiser: PyTree
    loss: Float[Array, ""]
    extra: Any
    gradient: PyTree


def take_step(
    optimiser: optax.GradientTransformation,
    objective: Callable[[PyTree], tuple[Float[Array, ""], Any]],
    params: PyTree,
    state: PyTree,
) -> Stepped:
    """Take one step of gradient descent, as every training here does; games of two players take two.

    Parameters
    ----------
    optimiser
        An Optax transformation.
    objective
        Function of the parameters alone that returns a scalar, and whatever else is wanted from the same pass.
    params, state
        Parameters, and the optimiser's state for them.

    Returns
    -------
    Stepped
        New parameters and state, whether sound or not; see :func:`is_sound`.

    Examples
    --------
    >>> sgd = optax.sgd(0.1)
    >>> step = take_step(sgd, lambda w: ((w - 3) ** 2, None), jnp.array(1.0), sgd.init(jnp.array(1.0)))
    >>> print(f"{step.params:.1f}, {step.loss:.1f}")
    1.4, 4.0
    """
    (loss, extra), gradient = jax.value_and_grad(objective, has_aux=True)(params)
    return apply_gradient(optimiser, params, state, gradient, loss, extra)


def apply_gradient(
    optimiser: optax.GradientTransformation,
    params: PyTree,
    state: PyTree,
    gradient: PyTree,
    loss: Float[Array, ""],
    extra: Any,
) -> Stepped:
    """Finish a step whose gradient is there already."""
    updates, stepped = optimiser.update(gradient, state, params)
    return Stepped(optax.apply_updates(params, updates), stepped, loss, extra, gradient)


def is_sound(step: Stepped, state: PyTree) -> Bool[Array, ""]:
    """Tell whether loss and gradient of a step are finite, and all that it made.

    Parameters
    ----------
    step
        From :func:`take_step`.
    state
        The optimiser's state before it: what was not finite there, on purpose, need not become so.

    Returns
    -------
    Bool[Array, ""]
        False for a step that should be refused.
    """
    found = all_finite((step.loss, step.gradient, step.params, step.extra))
    return found & _stays_finite(step.optimiser, state)


def supervised(loss: Callable[[Any, Any], Float[Array, ""]]) -> Callable[..., tuple[Float[Array, ""], dict]]:
    """Make the objective of supervised learning: a loss of a model's outputs and the targets.

    Parameters
    ----------
    loss
        Scalar function of outputs and targets, such as :func:`udl_jax.training.cross_entropy`.

    Returns
    -------
    Callable
        ``objective(model, variables, batch, draws)``. The draws of a step are None, a key for dropout, or a
        dictionary with a key for each of the model's streams of random numbers.
    """
    return functools.partial(_supervised, loss)


def _supervised(loss, model, variables, batch, draws):
    outputs, collections = forward(model, variables, batch.x, draws)
    return loss(outputs, batch.y), collections


def forward(
    model: nn.Module,
    variables: Mapping[str, PyTree],
    x: PyTree,
    draws: Key[Array, ""] | Mapping[str, Key[Array, ""]] | None = None,
) -> tuple[PyTree, dict[str, PyTree]]:
    """Apply ``model`` as in a training step.

    Parameters
    ----------
    model, variables
        A Flax module and its variables.
    x
        Inputs.
    draws
        None, a key for dropout, or a dictionary with a key for each stream.

    Returns
    -------
    PyTree
        The outputs.
    dict[str, PyTree]
        The updated mutable collections. One that grew, because the model sows into it, is left as it was:
        a training carries what keeps its shape.
    """
    streams = {} if draws is None else draws if isinstance(draws, Mapping) else {"dropout": draws}
    mutable = [name for name in variables if name != "params"]
    model, mode = in_mode(model, train=True)
    outputs, updated = model.apply(variables, x, rngs=streams, mutable=mutable, **mode)
    kept = {
        name: updated[name] if name in updated and _alike(updated[name], variables[name]) else variables[name]
        for name in mutable
    }
    return outputs, kept


@functools.partial(jax.jit, static_argnums=0)
def predict(model: nn.Module, variables: Mapping[str, PyTree], x: PyTree) -> PyTree:
    """Apply ``model`` as in evaluation."""
    model, mode = in_mode(model, train=False)
    return model.apply(variables, x, **mode)


@functools.partial(jax.jit, static_argnums=0)
def initialise(model: nn.Module, key: Key[Array, ""], x: PyTree) -> dict[str, PyTree]:
    """Draw a model's initial variables, without the collections that it sows into.

    Parameters
    ----------
    model
        A Flax module: static, so equal modules are compiled once.
    key
        Decides the draws.
    x
        Inputs, a few rows of them.

    Returns
    -------
    dict[str, PyTree]
        What training carries: ``params``, and mutable collections that keep their shape.
    """
    in_training, mode = in_mode(model, train=False)
    variables = in_training.init(key, x, **mode)

    def again(variables):
        # The stream of parameters stands in for every other that the model may ask for.
        in_training, mode = in_mode(model, train=True)
        mutable = [name for name in variables if name != "params"]
        return in_training.apply(variables, x, rngs={"params": key, "dropout": key}, mutable=mutable, **mode)[
            1
        ]

    updated = jax.eval_shape(again, variables) if len(variables) > 1 else {}
    return {
        name: leaf
        for name, leaf in variables.items()
        if name == "params" or (name in updated and _alike(updated[name], leaf))
    }


def in_mode(model: nn.Module, train: bool) -> tuple[nn.Module, dict[str, bool]]:
    """Tell a model whether it is being trained, in the way that it can be told.

    Returns
    -------
    nn.Module
        The model; with another field, if it has one for this and its ``__call__`` has no argument.
    dict[str, bool]
        Arguments for its ``__call__``.
    """
    arguments = inspect.signature(model.__call__).parameters
    fields = {field.name for field in dataclasses.fields(model)}
    values = dict.fromkeys(TRAINING_ARGUMENTS, train) | dict.fromkeys(EVALUATION_ARGUMENTS, not train)
    mode = {name: value for name, value in values.items() if name in arguments}
    told = {name: value for name, value in values.items() if name in fields and name not in arguments}
    return (model.clone(**told) if told else model), mode


def all_finite(tree: PyTree) -> Bool[Array, ""]:
    """Tell whether all real and complex numbers in a tree are finite; keys and integers always are."""
    looked_at = [jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree) if _is_inexact(leaf)]
    return jnp.all(jnp.stack(looked_at)) if looked_at else jnp.array(True)


def _stays_finite(new, old):
    kept = [
        jnp.all(jnp.isfinite(after) | ~jnp.isfinite(before))
        for after, before in zip(jax.tree.leaves(new), jax.tree.leaves(old), strict=True)
        if _is_inexact(after)
    ]
    return jnp.all(jnp.stack(kept)) if kept else jnp.array(True)


def _is_inexact(leaf):
    return jnp.issubdtype(jnp.result_type(leaf), jnp.inexact)


def _alike(ours, theirs):
    def describe(tree):
        return jax.tree.map(lambda leaf: (jnp.shape(leaf), jnp.result_type(leaf)), tree)

    return describe(ours) == describe(theirs)


def rows_of(examples: Examples) -> int:
    """Count the examples."""
    return jax.tree.leaves(examples)[0].shape[0]
