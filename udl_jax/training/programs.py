"""The compiled programs of the training engine: scans over epochs and steps, and evaluation."""

import functools

import jax
import jax.numpy as jnp

from udl_jax.training.objectives import all_finite, is_sound, predict, rows_of, supervised, take_step
from udl_jax.training.records import Examples, History, Measures, State


@functools.partial(jax.jit, static_argnums=(0, 1))
def scan_epochs(recipe, guarded, state, train_data, test_data, order, draws):
    """Train and evaluate in one program; return state, history, and whether all steps were sound."""

    def report(variables):
        return _report(recipe, variables, train_data, test_data) if recipe.evaluates else None

    state, reports, losses = _scan(recipe, guarded, report, state, train_data, order, draws)
    history = reports if recipe.evaluates else History(Measures(losses.mean(axis=-1)), None)
    # A weight that is not finite stays so: it is enough to look at the last.
    return state, history, jnp.all(jnp.isfinite(losses)) & all_finite(state.variables)


@functools.partial(jax.jit, static_argnums=0)
def scan_weights(recipe, state, train_data, order, draws):
    """Train only; return state, the variables that are to be evaluated, and the loss of each step."""
    return _scan(recipe, False, lambda variables: variables, state, train_data, order, draws)


@functools.partial(jax.jit, static_argnums=0)
def report_epochs(recipe, passed, train_data, test_data):
    """Evaluate the variables that :func:`scan_weights` passed."""
    return jax.lax.map(lambda variables: _report(recipe, variables, train_data, test_data), passed)


def _scan(recipe, guarded, report, state, train_data, order, draws):
    """Scan over epochs; return state, reports of every ``evaluation.every`` epochs, and all steps' losses."""

    def epoch(state, plan):
        indices, drawn = plan
        # Gathering an epoch's batches at once is cheaper than a gather in each step.
        batches = jax.tree.map(lambda rows: rows[indices], train_data)
        numbers = jnp.arange(indices.shape[0], dtype=jnp.int32)
        step = functools.partial(_step, recipe, guarded)
        state, losses = jax.lax.scan(step, state, (numbers, batches, drawn))
        return state._replace(epoch=state.epoch + 1), losses

    def reported_epoch(state, plan):
        state, losses = epoch(state, plan)
        return state, (report(state.variables), losses)

    def stretch(state, plan):
        state, losses = jax.lax.scan(epoch, state, plan)
        return state, (report(state.variables), losses)

    every = recipe.evaluation.every
    if not recipe.evaluates:
        state, losses = jax.lax.scan(epoch, state, (order, draws))
        return state, None, losses
    if every == 1:
        state, (reports, losses) = jax.lax.scan(reported_epoch, state, (order, draws))
        return state, reports, losses
    plan = jax.tree.map(lambda leaf: leaf.reshape(-1, every, *leaf.shape[1:]), (order, draws))
    state, (reports, losses) = jax.lax.scan(stretch, state, plan)
    return state, reports, losses.reshape(-1, losses.shape[-1])


def _step(recipe, guarded, state, plan):
    number, batch, drawn = plan
    minimised = recipe.objective or supervised(recipe.loss)

    def objective(params):
        return minimised(recipe.model, {**state.variables, "params": params}, batch, drawn)

    step = take_step(recipe.optimiser, objective, state.variables["params"], state.optimiser)
    variables = {**state.variables, "params": step.params, **step.extra}
    if not guarded:
        return state._replace(variables=variables, optimiser=step.optimiser), step.loss

    sound = is_sound(step, state.optimiser)
    healthy = sound & (state.failed_at[0] < 0)
    variables, optimiser = jax.tree.map(
        lambda new, old: jnp.where(healthy, new, old),
        (variables, step.optimiser),
        (state.variables, state.optimiser),
    )
    first_failure = ~sound & (state.failed_at[0] < 0)
    failed_at = jnp.where(first_failure, jnp.stack([state.epoch, number]), state.failed_at)
    return State(variables, optimiser, state.epoch, failed_at), step.loss


def _report(recipe, variables, train_data, test_data):
    rows = recipe.evaluation.rows
    if rows is not None:
        chosen = slice(rows) if isinstance(rows, int) else jnp.array(rows)
        train_data = jax.tree.map(lambda leaf: leaf[chosen], train_data)
    return History(*(evaluate(recipe, variables, examples) for examples in (train_data, test_data)))


def evaluate(recipe, variables, examples):
    """Measure loss and error on examples, as many at a time as ``recipe.evaluation`` allows."""
    if examples is None:
        return None
    batch = recipe.evaluation.batch or rows_of(examples)
    if recipe.measure is None:
        outputs = _in_batches(lambda part: predict(recipe.model, variables, part.x), examples, batch)
        error = None if recipe.error is None else recipe.error(outputs, examples.y)
        return Measures(recipe.loss(outputs, examples.y), error)

    def measured(part):
        # As one row for each example of the part, so that the mean over all weighs a last, shorter part rightly.
        found = recipe.measure(recipe.model, variables, part)
        return jax.tree.map(lambda mean: jnp.broadcast_to(mean, (rows_of(part),)), found)

    return jax.tree.map(jnp.mean, _in_batches(measured, examples, batch))


def _in_batches(function, examples: Examples, batch: int):
    """Apply ``function`` to ``batch`` rows at a time, one after the other, and join what it returns."""
    rows = rows_of(examples)
    whole = rows - rows % batch
    if whole == batch == rows:
        return function(examples)
    joined = []
    if whole:
        parts = jax.tree.map(lambda leaf: leaf[:whole].reshape(-1, batch, *leaf.shape[1:]), examples)
        mapped = jax.lax.map(function, parts)
        joined.append(jax.tree.map(lambda leaf: leaf.reshape(whole, *leaf.shape[2:]), mapped))
    if whole < rows:
        joined.append(function(jax.tree.map(lambda leaf: leaf[whole:], examples)))
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *joined)
