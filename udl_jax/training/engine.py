"""The core of the training engine: it trains over a given batch order and evaluates after every epoch."""

import functools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key, PyTree

from udl_jax.training import validation
from udl_jax.training.programs import predict, report_epochs, scan_epochs, scan_weights
from udl_jax.training.records import History, Recipe, State
from udl_jax.training.validation import Examples

#: Into how many pieces of equal length a training is cut at most, to evaluate one beside the next.
PIECES = 10


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

    Nothing is drawn here, so the result is a function of the arguments alone. ``recipe`` is static; the
    function may itself be jitted or vmapped, and is then one program, evaluation included. Called directly,
    it is two, the scan over epochs and steps and the evaluation of the weights that it leaves behind, so
    that the one goes on while the other looks back; each epoch's weights are kept until they are evaluated.

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
    return run_epochs(train_epochs, recipe, state, train_data, test_data, order, keys)


def run_epochs(program, recipe, state, *arguments):
    """Call ``program`` without guards against failing steps, and with them only if a step did fail.

    The guards cost a fifth of the time that a small network's step takes. Under a transformation nobody
    can look whether a step failed, so there the guarded program runs at once.
    """
    if not validation.is_traced((state, arguments)) and np.all(np.asarray(state.failed_at) < 0):
        *results, sound = program(recipe, False, state, *arguments)
        if np.all(np.asarray(sound)):
            return tuple(results)
    *results, _ = program(recipe, True, state, *arguments)
    return tuple(results)


def train_epochs(recipe, guarded, state, train_data, test_data, order, keys):
    """Do the work of :func:`train`, without its checks; tell also whether all steps were sound.

    Without guards, a second thread evaluates one piece of the training while the next is under way. JAX
    takes what one thread asks for in turn, and what two ask for at the same time.
    """
    if guarded:
        return scan_epochs(recipe, guarded, state, train_data, test_data, order, keys)
    pieces = max(count for count in range(1, PIECES + 1) if len(order) % count == 0)
    length = len(order) // pieces
    order, losses, reports = np.asarray(order), [], []
    # Lowered by this thread, since settings such as jax.enable_x64 are the thread's own.
    weights = jax.tree.map(functools.partial(_stacked, length), state.variables)
    lowered = report_epochs.lower(recipe, weights, train_data, test_data)
    with ThreadPoolExecutor(max_workers=1) as second:
        program = second.submit(lowered.compile)

        def report(passed):
            return jax.device_get(program.result()(passed, train_data, test_data))

        for begin in range(0, len(order), length):
            piece = slice(begin, begin + length)
            piece_keys = None if keys is None else keys[piece]
            state, passed, loss = scan_weights(recipe, state, train_data, order[piece], piece_keys)
            reports.append(second.submit(report, passed))
            losses.append(loss)
    history = jax.tree.map(lambda *parts: np.concatenate(parts), *(part.result() for part in reports))
    # NumPy looks, since a program that did would take long to compile. A weight that is not finite stays so.
    seen = jax.tree.leaves(jax.device_get((losses, state.variables)))
    return state, jax.device_put(history), all(np.isfinite(leaf).all() for leaf in seen)


def _stacked(length, leaf):
    """Describe ``length`` arrays like ``leaf`` as one, where they will be."""
    sharding = leaf.sharding if getattr(leaf, "committed", False) else None
    return jax.ShapeDtypeStruct((length, *leaf.shape), leaf.dtype, sharding=sharding)


def check(recipe, state, train_data, test_data, order, keys):
    """Raise the ``ValueError``s of :func:`train`."""
    shape = predict.eval_shape(recipe.model, state.variables, train_data.x)
    for name, examples in (("training", train_data), ("test", test_data)):
        if examples is not None:
            validation.check_examples(examples, name)
            validation.check_labels(examples.y, shape, name)
    validation.check_order(order, len(train_data.x))
    validation.check_keys(keys, order)
