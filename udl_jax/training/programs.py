"""The compiled programs of the training engine: scans over epochs and steps, and evaluation."""

import functools
import inspect
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from jaxtyping import Array, Key, PyTree

from udl_jax.training.records import History, Measures, State


@functools.partial(jax.jit, static_argnums=(0, 1))
def scan_epochs(recipe, guarded, state, train_data, test_data, order, keys):
    """Train and evaluate in one program; return state, history, and whether all steps were sound."""

    def report(variables):
        return _report(recipe, variables, train_data, test_data)

    state, history, losses = _scan(recipe, guarded, report, state, train_data, order, keys)
    # A weight that is not finite stays so: it is enough to look at the last.
    return state, history, jnp.all(jnp.isfinite(losses)) & _all_finite(state.variables)


@functools.partial(jax.jit, static_argnums=0)
def scan_weights(recipe, state, train_data, order, keys):
    """Train only; return state, the variables after each epoch, and the loss of each step."""
    return _scan(recipe, False, lambda variables: variables, state, train_data, order, keys)


@functools.partial(jax.jit, static_argnums=0)
def report_epochs(recipe, passed, train_data, test_data):
    """Evaluate the variables that :func:`scan_weights` passed."""
    return jax.lax.map(lambda variables: _report(recipe, variables, train_data, test_data), passed)


def _scan(recipe, guarded, report, state, train_data, order, keys):
    def epoch(state, plan):
        indices, keys = plan
        # Gathering an epoch's batches at once is cheaper than a gather in each step.
        batches = jax.tree.map(lambda rows: rows[indices], train_data)
        numbers = jnp.arange(indices.shape[0], dtype=jnp.int32)
        step = functools.partial(_step, recipe, guarded)
        state, losses = jax.lax.scan(step, state, (numbers, batches, keys))
        return state._replace(epoch=state.epoch + 1), (report(state.variables), losses)

    state, (reports, losses) = jax.lax.scan(epoch, state, (order, keys))
    return state, reports, losses


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


@functools.partial(jax.jit, static_argnums=0)
def predict(model, variables, x):
    """Apply ``model`` as in evaluation."""
    return model.apply(variables, x, **_mode(model, train=False))


def _mode(model: nn.Module, train: bool) -> dict[str, Any]:
    takes_train = "train" in inspect.signature(model.__call__).parameters
    return {"train": train} if takes_train else {}


def _report(recipe, variables, train_data, test_data):
    return History(*(_measure(recipe, variables, examples) for examples in (train_data, test_data)))


def _measure(recipe, variables, examples):
    if examples is None:
        return None
    outputs = predict(recipe.model, variables, examples.x)
    error = None if recipe.error is None else recipe.error(outputs, examples.y)
    return Measures(recipe.loss(outputs, examples.y), error)


def _all_finite(tree):
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)]))
