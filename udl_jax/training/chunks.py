"""Long trainings in chunks of epochs, with a progress bar and checkpoints to resume from."""

from pathlib import Path

import jax
import numpy as np
from jaxtyping import Array, Int, PyTree

from udl_jax.training import processes
from udl_jax.training.checkpoints import fingerprint_of, run_in_chunks
from udl_jax.training.engine import run_epochs, train_epochs
from udl_jax.training.programs import scan_epochs
from udl_jax.training.records import Examples, History, Recipe, State
from udl_jax.training.validation import check, check_chunk


def train_in_chunks(
    recipe: Recipe,
    state: State,
    train_data: Examples,
    test_data: Examples | None,
    order: Int[Array | np.ndarray, "epochs steps batch"],
    draws: PyTree = None,
    *,
    chunk: int | None = None,
    directory: str | Path | None = None,
    progress: bool = True,
    share_batches: bool = False,
) -> tuple[State, History]:
    """Do what :func:`train` does, ``chunk`` epochs at a time, and get the identical result.

    With a ``directory``, state and history are saved after each chunk. The same call, made again after
    the process was killed, goes on from the last chunk that was saved.

    Parameters
    ----------
    recipe, state, train_data, test_data, order, draws
        As in :func:`train`.
    chunk
        Epochs between two updates of the bar and two checkpoints; a multiple of ``recipe.evaluation.every``, or None
        for all at once. A last chunk of another length is compiled anew, so let ``chunk`` divide the number of epochs.
    directory
        Where checkpoints go; made if it does not exist, ``~`` is the home folder. None saves nothing.
    progress
        Show a bar with the latest training loss.
    share_batches
        Share the examples of each batch out over all visible devices, after ``jax.distributed.initialize()`` those of
        all processes, each of which makes this call. For large models; the sums over a batch are rounded otherwise, so
        the result is the same only up to rounding. A directory must be one that all processes see.

    Returns
    -------
    State
        After the last epoch.
    History
        Loss and error after each evaluated epoch.

    Raises
    ------
    ValueError
        As :func:`train`; also if ``chunk`` is not positive or no multiple of ``recipe.evaluation.every``, or if
        ``directory`` has the checkpoints of another training: one with other data, initial weights, order,
        draws, model, optimiser, loss or evaluation, or under another version of JAX; or if a batch cannot be shared
        equally.
    TypeError
        As :func:`train`.
    RuntimeError
        If another process of the run ended before its part was done.
    """
    check(recipe, state, train_data, test_data, order, draws)
    chunk = check_chunk(recipe, len(order) if chunk is None else chunk)
    if share_batches:
        processes.check_batch(order.shape[-1])
    program = processes.scan_sharded if share_batches else train_epochs

    def run(state, begin, end):
        part = slice(begin, end)
        drawn = jax.tree.map(lambda leaf: leaf[part], draws)
        return run_epochs(program, recipe, state, train_data, test_data, order[part], drawn)

    arrays = state, train_data, test_data, order, draws
    fingerprint = ""
    if directory is not None:
        text = scan_epochs.lower(recipe, False, *arrays).as_text()
        fingerprint = fingerprint_of(text, *arrays)
    return run_in_chunks(
        run,
        state,
        len(order),
        chunk=chunk,
        directory=directory,
        fingerprint=fingerprint,
        progress=progress,
        unit="epoch",
        headline=lambda history: history.train.loss,
    )
