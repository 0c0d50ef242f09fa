"""The core of the training engine: one compiled scan over epochs and steps."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from jaxtyping import Array, Float, Int, Key, PyTree

from udl_jax.training import validation
from udl_jax.training.losses import cross_entropy, percent_wrong
from udl_jax.training.validation import Examples


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


@functools.partial(jax.jit, static_argnums=0)
def start(recipe: Recipe, variables: Mapping[str, PyTree]) -> State:
    """Make the state from which training with ``recipe`` starts at ``variables``.

    Parameters
    ----------
    recipe
        What will be trained, and how.
    variables
        Initial Flax variables, as ``recipe.model.init`` returns them.

    Returns
    -------
    State
        Zero epochs done.
    """
    optimiser = recipe.optimiser.init(variables["params"])
    return State(dict(variables), optimiser, jnp.zeros((), jnp.int32), jnp.full(2, -1, jnp.int32))


def train(
    recipe: Recipe,
    state: State,
    train_data: Examples,
    test_data: Examples | None,
    order: Int[Array, "epochs steps batch"],
    keys: Key[Array, "..."] | None = None,
) -> tuple[State, History]:
    """Train over the batches that ``order`` names, and evaluate after every epoch.

    Nothing is drawn here, so the result is a function of the arguments alone. All epochs, evaluation
    included, are one compiled program. ``recipe`` is static; the function may itself be jitted or vmapped.

    A step whose loss or gradient is not finite is not taken, nor is any after it: the result keeps the
    last good state and says in ``failed_at`` where it stopped.

    Parameters
    ----------
    recipe
        Model, optimiser, loss and error.
    state
        From :func:`start`, or from an earlier call that this one continues.
    train_data, test_data
        Examples to learn from, and to be tested on (or None).
    order
        Indices into ``train_data``: which examples make up each batch.
    keys
        One key for each step, for dropout; None if the model draws nothing.

    Returns
    -------
    State
        After the last epoch.
    History
        Loss and error after each epoch.

    Raises
    ------
    ValueError
        If data are empty, have NaN inputs or lengths that differ, if labels or ``order`` are out of
        range, or if ``keys`` do not match ``order``.

    References
    ----------
    Prince (2023), chapter 6 (fitting models) and section 8.1.
    """
    check(recipe, state, train_data, test_data, order, keys)
    return run_epochs(scan_epochs, recipe, state, train_data, test_data, order, keys)


def run_epochs(program, recipe, *arguments):
    """Call ``program`` without guards against failing steps, and with them only if a step did fail.

    The guards cost a fifth of the time that a small network's step takes. Under a transformation nobody
    can look whether a step failed, so there the guarded program runs at once.
    """
    if not validation.is_traced(arguments):
        *results, sound = program(recipe, False, *arguments)
        if np.all(sound):
            return tuple(results)
    *results, _ = program(recipe, True, *arguments)
    return tuple(results)


@functools.partial(jax.jit, static_argnums=(0, 1))
def scan_epochs(recipe, guarded, state, train_data, test_data, order, keys):
    """Do the work of :func:`train`, without its checks; tell also whether all steps were sound."""

    def epoch(state, plan):
        indices, keys = plan
        # Gathering an epoch's batches at once is cheaper than a gather in each step.
        batches = jax.tree.map(lambda rows: rows[indices], train_data)
        numbers = jnp.arange(indices.shape[0], dtype=jnp.int32)
        step = functools.partial(_step, recipe, guarded)
        state, losses = jax.lax.scan(step, state, (numbers, batches, keys))
        history = History(_measure(recipe, state, train_data), _measure(recipe, state, test_data))
        return state._replace(epoch=state.epoch + 1), (history, jnp.all(jnp.isfinite(losses)))

    state, (history, finite_losses) = jax.lax.scan(epoch, state, (order, keys))
    # A weight that is not finite stays so: it is enough to look at the last.
    sound = jnp.all(finite_losses) & _all_finite(state.variables) & (state.failed_at[0] < 0)
    return state, history, sound


def _all_finite(tree):
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)]))


def _step(recipe, guarded, state, batch):
    number, (x, y), key = batch

    def objective(params):
        outputs, collections = forward(recipe.model, state.variables | {"params": params}, x, key)
        return recipe.loss(outputs, y), collections

    params = state.variables["params"]
    (loss, collections), gradient = jax.value_and_grad(objective, has_aux=True)(params)
    updates, optimiser = recipe.optimiser.update(gradient, state.optimiser, params)
    variables = {"params": optax.apply_updates(params, updates)} | collections
    if not guarded:
        return state._replace(variables=variables, optimiser=optimiser), loss

    finite = jnp.isfinite(loss) & _all_finite(gradient)
    healthy = finite & (state.failed_at[0] < 0)
    variables, optimiser = jax.tree.map(
        lambda new, old: jnp.where(healthy, new, old),
        (variables, optimiser),
        (state.variables, state.optimiser),
    )
    first_failure = ~finite & (state.failed_at[0] < 0)
    failed_at = jnp.where(first_failure, jnp.stack([state.epoch, number]), state.failed_at)
    return State(variables, optimiser, state.epoch, failed_at), loss


def forward(
    model: nn.Module, variables: Mapping[str, PyTree], x: Array, key: Key[Array, ""] | None
) -> tuple[PyTree, dict[str, PyTree]]:
    """Apply ``model`` as in a training step; return its outputs and its updated mutable collections."""
    rngs = {} if key is None else {"dropout": key}
    mutable = [name for name in variables if name != "params"]
    return model.apply(variables, x, rngs=rngs, mutable=mutable, **_mode(model, train=True))


def _measure(recipe, state, examples):
    if examples is None:
        return None
    outputs = _predict(recipe.model, state.variables, examples.x)
    error = None if recipe.error is None else recipe.error(outputs, examples.y)
    return Measures(recipe.loss(outputs, examples.y), error)


@functools.partial(jax.jit, static_argnums=0)
def _predict(model, variables, x):
    return model.apply(variables, x, **_mode(model, train=False))


def _mode(model: nn.Module, train: bool) -> dict[str, Any]:
    takes_train = "train" in inspect.signature(model.__call__).parameters
    return {"train": train} if takes_train else {}


def check(recipe, state, train_data, test_data, order, keys):
    """Raise the ``ValueError``s of :func:`train`."""
    one = jax.ShapeDtypeStruct((1, *train_data.x.shape[1:]), train_data.x.dtype)
    shape = _predict.eval_shape(recipe.model, state.variables, one)
    for name, examples in (("training", train_data), ("test", test_data)):
        if examples is not None:
            validation.check_examples(examples, name)
            validation.check_labels(examples.y, shape, name)
    validation.check_order(order, len(train_data.x))
    validation.check_keys(keys, order)
