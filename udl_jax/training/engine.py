"""The core of the training engine: it trains over a given batch order and evaluates the weights on the way."""

import functools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PyTree

from udl_jax._checks import is_traced
from udl_jax.training.programs import report_epochs, scan_epochs, scan_weights
from udl_jax.training.records import Examples, History, Measures, Recipe, State
from udl_jax.training.validation import check, is_tracing

#: Into how many pieces of equal length a training is cut at most, to evaluate one beside the next ...
PIECES = 10
#: How many bytes of weights may wait for their evaluation.
WAITING_BYTES = 2**28


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
    order: Int[Array | np.ndarray, "epochs steps batch"],
    draws: PyTree = None,
) -> tuple[State, History]:
    """Train over the batches that ``order`` names, and evaluate after every epoch, or as the recipe says.

    Nothing is drawn here, so the result is a function of the arguments alone. ``recipe`` is static; the
    function may itself be jitted or vmapped, and is then one program, evaluation included. Called directly,
    it is two, the scan over epochs and steps and the evaluation of the weights that it leaves behind, so
    that the one goes on while the other looks back.

    A step whose loss, gradient or new weights are not finite is not taken, nor is any after it: the result
    keeps the last good state and says in ``failed_at`` where it stopped.

    Memory. Besides data and state, a step takes what the objective keeps of one batch. Evaluation takes what
    the model makes of ``recipe.evaluation.batch`` examples, and the outputs of all; with a ``measure``, not
    even these. Called directly, the weights of past epochs wait for their evaluation: up to 256 MiB of them, or
    those of two epochs.

    Parameters
    ----------
    recipe
        Model, optimiser, and what is minimised and reported.
    state
        From :func:`start`, or from an earlier call that this one continues.
    train_data, test_data
        Examples to learn from, and to be tested on (or None).
    order
        Indices into ``train_data``: which examples make up each batch.
    draws
        What the objective is to find random in each step: a tree of arrays, or of keys, with the leading axes
        (epochs, steps). In supervised learning a key for each step, for dropout. None if nothing is random.

    Returns
    -------
    State
        After the last epoch.
    History
        Loss and error after each evaluated epoch.

    Raises
    ------
    ValueError
        If data are empty, have NaN inputs or lengths that differ, if labels or ``order`` are out of
        range, if ``draws`` do not match ``order``, or if the recipe's evaluation does not suit data and epochs.
    TypeError
        If the recipe's objective returns something else than a scalar and the model's collections.

    References
    ----------
    Prince (2023), chapter 6 (fitting models) and section 8.1.
    """
    check(recipe, state, train_data, test_data, order, draws)
    return run_epochs(train_epochs, recipe, state, train_data, test_data, order, draws)


def run_epochs(program, recipe, state, *arguments):
    """Call ``program`` without guards against failing steps, and with them only if a step did fail.

    The guards cost a fifth of the time that a small network's step takes. Under a transformation nobody
    can look whether a step failed, so there the guarded program runs at once.
    """
    blind = is_traced((state, arguments)) or is_tracing()
    if not blind and np.all(np.asarray(state.failed_at) < 0):
        *results, sound = program(recipe, False, state, *arguments)
        if np.all(np.asarray(sound)):
            return tuple(results)
    *results, _ = program(recipe, True, state, *arguments)
    return tuple(results)


def train_epochs(recipe, guarded, state, train_data, test_data, order, draws):
    """Do the work of :func:`train`, without its checks; tell also whether all steps were sound.

    Without guards, a second thread evaluates one piece of the training while the next is under way. JAX
    takes what one thread asks for in turn, and what two ask for at the same time.
    """
    if guarded:
        return scan_epochs(recipe, guarded, state, train_data, test_data, order, draws)
    order, losses, reports = np.asarray(order), [], []
    if not recipe.evaluates:
        state, _, loss = scan_weights(recipe, state, train_data, order, draws)
        losses = np.asarray(loss)
        history = History(Measures(losses.mean(axis=-1)), None)
        return state, jax.device_put(history), _are_finite((losses, state.variables))

    length, waiting = _cut(len(order), recipe.evaluation.every, state.variables)
    # Lowered by this thread, since settings such as jax.enable_x64 are the thread's own.
    stacked = functools.partial(_stacked, length // recipe.evaluation.every)
    lowered = report_epochs.lower(recipe, jax.tree.map(stacked, state.variables), train_data, test_data)
    with ThreadPoolExecutor(max_workers=1) as second:
        program = second.submit(lowered.compile)

        def report(passed):
            return jax.device_get(program.result()(passed, train_data, test_data))

        for begin in range(0, len(order), length):
            piece = slice(begin, begin + length)
            drawn = jax.tree.map(lambda leaf, piece=piece: leaf[piece], draws)
            state, passed, loss = scan_weights(recipe, state, train_data, order[piece], drawn)
            reports.append(second.submit(report, passed))
            losses.append(loss)
            if len(reports) >= waiting:
                reports[-waiting].result()
    history = jax.tree.map(lambda *parts: np.concatenate(parts), *(part.result() for part in reports))
    return state, jax.device_put(history), _are_finite((losses, state.variables))


def _cut(epochs, every, variables):
    """Choose how many epochs go between two hand-overs of weights, and how many hand-overs may wait."""
    evaluated = epochs // every
    divisors = [count for count in range(1, evaluated + 1) if evaluated % count == 0]
    pieces = max(count for count in divisors if count <= PIECES)
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(variables))
    while 2 * size * (evaluated // pieces) > WAITING_BYTES and pieces < evaluated:
        pieces = min(count for count in divisors if count > pieces)
    kept = evaluated // pieces
    return kept * every, max(2, WAITING_BYTES // max(1, size * kept))


def _stacked(length, leaf):
    """Describe ``length`` arrays like ``leaf`` as one, where they will be."""
    sharding = leaf.sharding if getattr(leaf, "committed", False) else None
    return jax.ShapeDtypeStruct((length, *leaf.shape), leaf.dtype, sharding=sharding)


def _are_finite(tree):
    # NumPy looks, since a program that did would take long to compile. A weight that is not finite stays so.
    leaves = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    return all(np.isfinite(leaf).all() for leaf in jax.device_get(leaves))
