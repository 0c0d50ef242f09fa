"""Gradient descent on all examples at once, for trainings of very many steps."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp

from udl_jax._checks import count
from udl_jax.training.checkpoints import fingerprint_of, run_in_chunks
from udl_jax.training.engine import run_epochs
from udl_jax.training.objectives import all_finite, apply_gradient, forward, is_sound, rows_of
from udl_jax.training.records import Examples, Measures, Recipe, State
from udl_jax.training.validation import check_examples, check_targets


def train_full_batch(
    recipe: Recipe,
    state: State,
    data: Examples,
    steps: int,
    *,
    rows: int = 500,
    chunk: int | None = None,
    directory: str | Path | None = None,
    progress: bool = False,
) -> tuple[State, Measures]:
    """Take steps along the gradient of all examples, summed over pieces of ``rows`` of them.

    There is no order, so a million steps need no memory for one. Loss and error come from the pass that gives
    the gradient: entry t of the history belongs to the weights before step t.

    Parameters
    ----------
    recipe
        Model, optimiser, loss and error, or an objective that returns a mean over its batch and draws nothing.
        A ``loss`` whose attribute ``reduction`` is ``"sum"`` is a sum over examples, any other a mean.
    state
        From :func:`start`, or from an earlier call that this one continues.
    data
        Examples to learn from.
    steps
        How many steps to take.
    rows
        Examples in a piece. A last, shorter piece counts by the number of its examples. What the model makes of
        one piece is all the memory that a step takes beside data and state.
    chunk
        Steps between two updates of the bar and two checkpoints; None for all at once.
    directory
        Where checkpoints go, as in :func:`train_in_chunks`.
    progress
        Show a bar with the latest loss.

    Returns
    -------
    State
        After the last step; ``epoch`` counts steps, which are passes through the data.
    Measures
        Loss, and error if the recipe has one, of each step.

    Raises
    ------
    ValueError
        If data or labels are unsound as for :func:`train`; if ``steps``, ``rows`` or ``chunk`` is not positive;
        if the model has mutable collections, which would depend on how the examples are cut; or if ``directory``
        has the checkpoints of another training.

    References
    ----------
    Prince (2023), section 6.1 (gradient descent); notebook 20.2.
    """
    check_examples(data, "training")
    check_targets(recipe, state, data, "training")
    chunk = steps if chunk is None else chunk
    for name, number in (("steps", steps), ("rows", rows), ("chunk", chunk)):
        count(name, number)
    mutable = sorted(set(state.variables) - {"params"})
    if mutable:
        raise ValueError(
            f"the model has mutable collections {mutable}, which pieces of a batch cannot update"
        )
    rows = min(rows, rows_of(data))

    def run(state, begin, end):
        taken = end - begin
        program = functools.partial(_run_program, max(chunk, taken), rows)
        state, history = run_epochs(program, recipe, state, data, taken)
        return state, jax.tree.map(lambda leaf: leaf[:taken], history)

    fingerprint = ""
    if directory is not None:
        program = take_full_batches.lower(recipe, False, 1, rows, state, data, steps).as_text()
        fingerprint = fingerprint_of(program, state, data)
    return run_in_chunks(
        run,
        state,
        steps,
        chunk=chunk,
        directory=directory,
        fingerprint=fingerprint,
        progress=progress,
        unit="step",
        headline=lambda history: history.loss,
    )


def _run_program(room, rows, recipe, guarded, state, data, steps):
    return take_full_batches(recipe, guarded, room, rows, state, data, steps)


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def take_full_batches(recipe, guarded, room, rows, state, data, steps):
    """Take ``steps`` steps; return state, ``room`` for their measures, and whether all steps were sound.

    The number of steps is an argument, so that a last, shorter chunk is the same program, and rounds alike.
    """
    whole = rows_of(data) - rows_of(data) % rows
    pieces = jax.tree.map(lambda leaf: leaf[:whole].reshape(-1, rows, *leaf.shape[1:]), data)
    rest = jax.tree.map(lambda leaf: leaf[whole:], data) if whole < rows_of(data) else None

    def slope(params, piece):
        """Measure one piece, and its gradient, by what it adds to the whole."""
        share = rows_of(piece) / rows_of(data)
        added = functools.partial(_add_up, recipe, state.variables, piece, share)
        return jax.value_and_grad(added, has_aux=True)(params)

    def step(number, carry):
        state, history = carry
        params = state.variables["params"]
        total = slope(params, jax.tree.map(lambda leaf: leaf[0], pieces))
        if whole > rows:
            add = lambda total, piece: (jax.tree.map(jnp.add, total, slope(params, piece)), None)  # noqa: E731
            total, _ = jax.lax.scan(add, total, jax.tree.map(lambda leaf: leaf[1:], pieces))
        if rest is not None:
            total = jax.tree.map(jnp.add, total, slope(params, rest))
        (loss, error), gradient = total
        stepped = apply_gradient(recipe.optimiser, params, state.optimiser, gradient, loss, {})
        new = state._replace(
            variables={"params": stepped.params}, optimiser=stepped.optimiser, epoch=state.epoch + 1
        )
        if guarded:
            new = _refuse_if_unsound(new, state, is_sound(stepped, state.optimiser))
        note = lambda places, value: places.at[number].set(value)  # noqa: E731
        return new, jax.tree.map(note, history, Measures(loss, error))

    first = jax.tree.map(lambda leaf: leaf[:1], data)
    shapes = jax.eval_shape(slope, state.variables["params"], first)[0]
    history = jax.tree.map(lambda leaf: jnp.zeros(room, leaf.dtype), Measures(*shapes))
    state, history = jax.lax.fori_loop(0, steps, step, (state, history))
    return state, history, jnp.all(jnp.isfinite(history.loss)) & all_finite(state.variables)


def _add_up(recipe, variables, piece, share, params):
    variables = {**variables, "params": params}
    if recipe.objective is not None:
        loss, _ = recipe.objective(recipe.model, variables, piece, None)
        return loss * share, None
    outputs, _ = forward(recipe.model, variables, piece.x)
    error = None if recipe.error is None else recipe.error(outputs, piece.y) * share
    loss = recipe.loss(outputs, piece.y)
    return loss if getattr(recipe.loss, "reduction", "mean") == "sum" else loss * share, error


def _refuse_if_unsound(new, old, sound):
    healthy = sound & (old.failed_at[0] < 0)
    kept = jax.tree.map(
        lambda a, b: jnp.where(healthy, a, b), (new.variables, new.optimiser), (old.variables, old.optimiser)
    )
    first_failure = ~sound & (old.failed_at[0] < 0)
    failed_at = jnp.where(first_failure, jnp.stack([old.epoch, jnp.zeros_like(old.epoch)]), old.failed_at)
    return State(*kept, new.epoch, failed_at)
