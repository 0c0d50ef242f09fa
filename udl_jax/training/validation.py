"""Tell bad input in the caller's words, before anything is compiled.

Checks look at values, so they pass over arrays that are being traced (inside ``jax.jit`` or ``jax.vmap``).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree, Shaped

from udl_jax._checks import count, is_traced
from udl_jax.training.losses import cross_entropy, describe_bad_labels, percent_wrong
from udl_jax.training.objectives import predict, rows_of
from udl_jax.training.records import Examples, Recipe, State


def check(
    recipe: Recipe,
    state: State,
    train_data: Examples,
    test_data: Examples | None,
    order: Shaped[Array | np.ndarray, "..."],
    draws: PyTree,
) -> None:
    """Raise the ``ValueError``s of :func:`udl_jax.training.train`."""
    for name, examples in (("training", train_data), ("test", test_data)):
        if examples is not None:
            check_examples(examples, name)
            check_targets(recipe, state, examples, name)
    rows = rows_of(train_data)
    check_order(order, rows)
    check_draws(draws, order)
    check_evaluation(recipe, test_data, rows, len(order))
    if recipe.objective is not None:
        check_objective(recipe, state, train_data, order, draws)


def check_examples(examples: Examples, name: str) -> None:
    """Raise ``ValueError`` if ``examples`` are none, of unequal number, or have NaN among the inputs."""
    inputs, targets = jax.tree.leaves(examples.x), jax.tree.leaves(examples.y)
    if not inputs or any(np.ndim(leaf) == 0 for leaf in inputs + targets):
        raise ValueError(f"{name} data must be arrays with a row for each example")
    counts, target_counts = ({len(leaf) for leaf in leaves} for leaves in (inputs, targets))
    if len(counts) > 1 or len(target_counts) > 1 or (targets and counts != target_counts):
        found = "{} inputs but {} targets".format(*(_listed(c) for c in (counts, target_counts)))
        raise ValueError(f"{name} data have {found}")
    if counts == {0}:
        raise ValueError(f"{name} data are empty: there is nothing to learn from")
    if is_traced(examples):
        return
    for leaf in inputs:
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            bad = np.isnan(np.asarray(leaf)).reshape(len(leaf), -1).any(1)
            if bad.any():
                raise ValueError(f"{name} inputs contain NaN, first in example {bad.argmax()}")


def _listed(counts):
    return " and ".join(map(str, sorted(counts))) or "no"


def check_targets(recipe: Recipe, state: State, examples: Examples, name: str) -> None:
    """Raise ``ValueError`` if supervised learning lacks targets, or labels do not number the outputs' columns."""
    if recipe.objective is not None:
        return
    if examples.y is None:
        raise ValueError(f"{name} data have no targets y, which the loss compares the outputs with")
    outputs = jax.tree.leaves(predict.eval_shape(recipe.model, state.variables, examples.x))
    labels = jax.tree.leaves(examples.y)
    if len(outputs) != 1 or len(labels) != 1 or outputs[0].ndim == 0:
        return
    (output,), (label,) = outputs, labels
    are_labels = recipe.loss is cross_entropy or recipe.error is percent_wrong
    if are_labels and label.shape != output.shape[:-1]:
        raise ValueError(
            f"{name} labels must have the shape of the outputs without the classes, {output.shape[:-1]}, "
            f"got {label.shape}"
        )
    counted = jnp.issubdtype(label.dtype, jnp.integer) and output.ndim == label.ndim + 1
    if (are_labels or counted) and not is_traced(label):
        wrong = describe_bad_labels(np.asarray(label), output.shape[-1])
        if wrong:
            raise ValueError(f"{name} {wrong}")


def check_order(order: Shaped[Array | np.ndarray, "..."], examples: int) -> None:
    """Raise ``ValueError`` if ``order`` is not an (epochs, steps, batch) array of indices of examples."""
    if order.ndim != 3 or 0 in order.shape:
        raise ValueError(f"order must have the axes (epochs, steps, batch), none empty, got {order.shape}")
    if not jnp.issubdtype(order.dtype, jnp.integer):
        raise ValueError(f"order must hold indices, that is integers, got {order.dtype}")
    if is_traced(order):
        return
    # NumPy, since JAX would trace even a constant when this runs inside jit.
    concrete = np.asarray(order)
    low, high = int(concrete.min()), int(concrete.max())
    if low < 0 or high >= examples:
        raise ValueError(f"order must hold indices in 0..{examples - 1}, got values from {low} to {high}")


def check_draws(draws: PyTree, order: Shaped[Array | np.ndarray, "..."]) -> None:
    """Raise ``ValueError`` if there is not one draw for each step of ``order``, or of each of several orders."""
    axes = order.shape[:-1]
    for leaf in jax.tree.leaves(draws):
        if leaf.shape[: len(axes)] != axes:
            raise ValueError(f"draws must have the leading axes of order, {axes}, got {leaf.shape}")


def check_evaluation(recipe: Recipe, test_data: Examples | None, rows: int, epochs: int) -> None:
    """Raise ``ValueError`` if what ``recipe.evaluation`` asks for cannot be had from these data and epochs."""
    evaluation = recipe.evaluation
    if test_data is not None and not recipe.evaluates:
        why = (
            "evaluation is every=0, never"
            if evaluation.every == 0
            else "the objective comes without a measure"
        )
        raise ValueError(f"test data are never looked at, since {why}: leave them out (None)")
    if evaluation.every and epochs % evaluation.every:
        raise ValueError(f"evaluation every {evaluation.every} epochs does not divide {epochs} epochs")
    if evaluation.rows is not None:
        last = evaluation.rows - 1 if isinstance(evaluation.rows, int) else max(evaluation.rows)
        if last >= rows:
            raise ValueError(f"evaluation.rows names example {last}, but there are {rows} training examples")


def check_chunk(recipe: Recipe, chunk: int) -> int:
    """Return ``chunk``; raise ``ValueError`` if it is not positive, or would end between two evaluations."""
    every, chunk = recipe.evaluation.every, count("chunk", chunk)
    if every and chunk % every:
        raise ValueError(f"chunk must be a multiple of the {every} epochs between evaluations, got {chunk}")
    return chunk


def check_objective(recipe, state, train_data, order, draws) -> None:
    """Raise ``TypeError`` if ``recipe.objective`` does not return a scalar and collections that can be carried."""
    size = order.shape[-1]

    def look(variables, examples, draws):
        batch = jax.tree.map(lambda leaf: jnp.zeros((size, *leaf.shape[1:]), leaf.dtype), examples)
        return recipe.objective(recipe.model, variables, batch, jax.tree.map(lambda leaf: leaf[0, 0], draws))

    returned = jax.eval_shape(look, state.variables, train_data, draws)
    if not (isinstance(returned, tuple) and len(returned) == 2):
        raise TypeError(f"objective must return a pair, loss and collections ({{}} for none), got {returned}")
    loss, collections = returned
    if getattr(loss, "shape", None) != ():
        raise TypeError(f"objective must return a scalar loss, got {loss}")
    unknown = set(collections) - set(state.variables) | ({"params"} & set(collections))
    if unknown:
        raise TypeError(
            f"objective returned collections that the model's variables have not: {sorted(unknown)}"
        )


def is_tracing() -> bool:
    """Tell whether this runs inside ``jit``, where even a computation with constants gives no value."""
    return isinstance(jnp.zeros(()), jax.core.Tracer)
