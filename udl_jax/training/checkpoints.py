"""Long computations in chunks: a progress bar, and checkpoints from which a killed run resumes."""

import functools
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jaxtyping import PyTree
from tqdm import tqdm

from udl_jax._checks import is_traced


def run_in_chunks(
    run: Callable[[PyTree, int, int], tuple[PyTree, PyTree]],
    state: PyTree,
    total: int,
    *,
    chunk: int,
    directory: str | Path | None,
    fingerprint: str,
    progress: bool,
    unit: str,
    headline: Callable[[PyTree], Any],
    axis: int = 0,
    rows: tuple[int, int] | None = None,
) -> tuple[PyTree, PyTree]:
    """Call ``run`` for one chunk after another, each from where the last one ended.

    Parameters
    ----------
    run
        ``run(state, begin, end)`` returns the new state, and a history of numbers along ``axis``.
    state
        Where it begins, a tree of arrays.
    total
        Epochs or steps in all.
    chunk
        How many of them go in one call.
    directory
        Where state and history are saved after each chunk; None saves nothing.
    fingerprint
        Stands for all that decides the result, see :func:`fingerprint_of`.
    progress, unit, headline
        Whether to show a bar, what it counts, and which numbers of the history it shows the last of as loss.
    axis
        Along which the histories of chunks are joined.
    rows
        How many rows of the leading axis are kept in the directory, and to how many they are filled up by copies of the
        last when they are read back; None for all.

    Returns
    -------
    PyTree
        The state at the end.
    PyTree
        The whole history.

    Raises
    ------
    ValueError
        If ``directory`` has the checkpoints of another computation.
    """
    with _open_store(directory, fingerprint) as store:
        done, histories = 0, []
        if store is not None and (saved := store.latest_step()) is not None:
            done = saved
            shapes = jax.eval_shape(functools.partial(run, begin=0, end=done), state)
            state, history = _restore(store, done, shapes, rows)
            histories.append(history)
        with tqdm(total=total, initial=done, unit=unit, disable=not progress) as bar:
            while done < total:
                end = min(done + chunk, total)
                state, history = run(state, begin=done, end=end)
                histories.append(history)
                if store is not None:
                    _save(store, end, state, _join(histories, axis), rows)
                if progress:
                    bar.set_postfix(loss=f"{float(headline(history)[-1]):.4g}")
                bar.update(end - done)
                done = end
    return state, _join(histories, axis)


def fingerprint_of(program: str, *arguments: Any) -> str:
    """Hash all that decides a result: the program, and the arrays it is given with their shapes and dtypes.

    Parameters
    ----------
    program
        The program as text. Taken from ``jax.jit(f).lower(...).as_text()``, it holds the model, the objective, the
        optimiser and all their numbers.
    arguments
        Trees of arrays, keys included.

    Returns
    -------
    str
        Hexadecimal digits.

    Raises
    ------
    TypeError
        If an array is being traced.
    """
    if is_traced(arguments):
        raise TypeError("what is kept in a directory must have values: call this outside jit and vmap")
    # Addresses of Python objects, which callbacks leave in the text, are others in each process.
    digest = hashlib.sha256(re.sub(r"0x[0-9a-fA-F]+|\b\d{12,}\b", "", program).encode())
    digest.update(str(jax.tree.structure(arguments)).encode())
    for leaf in jax.tree.leaves(arguments):
        array = _data(leaf)
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _join(histories: list[PyTree], axis: int) -> PyTree:
    return jax.tree.map(lambda *parts: jnp.concatenate(parts, axis=axis), *histories)


@contextmanager
def _open_store(directory: str | Path | None, fingerprint: str) -> Iterator:
    """Open the checkpoint manager of ``directory``, after a look whether it belongs to this computation."""
    if directory is None:
        yield None
        return
    import orbax.checkpoint as ocp  # noqa: PLC0415  (half a second, which only long trainings need)

    directory = Path(directory).expanduser().absolute()
    mark = directory / "training.sha256"
    if jax.process_index() == 0:
        directory.mkdir(parents=True, exist_ok=True)
        if not mark.exists():
            mark.write_text(fingerprint)
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("the directory's mark is written")
    if mark.read_text() != fingerprint:
        raise ValueError(
            f"directory {directory} holds the checkpoints of another training (other data, initial "
            "weights, order, draws, model, optimiser, loss or version of JAX): choose an empty one, or delete it"
        )
    options = ocp.CheckpointManagerOptions(max_to_keep=2, enable_async_checkpointing=False)
    with ocp.CheckpointManager(directory / "checkpoints", options=options) as manager:
        yield manager


def _save(store, done: int, state: PyTree, history: PyTree, rows: tuple[int, int] | None) -> None:
    """Save what every process has whole, as NumPy arrays: any number of processes can read them."""
    import orbax.checkpoint as ocp  # noqa: PLC0415

    kept = slice(None) if rows is None else slice(rows[0])
    tree = jax.tree.map(lambda leaf: _data(leaf)[kept] if rows else _data(leaf), _plain(state, history))
    store.save(done, args=ocp.args.StandardSave(tree))


def _restore(
    store, done: int, shapes: tuple[PyTree, PyTree], rows: tuple[int, int] | None
) -> tuple[PyTree, PyTree]:
    import orbax.checkpoint as ocp  # noqa: PLC0415

    def describe(leaf):
        data = jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf
        return np.zeros((rows[0], *data.shape[1:]) if rows else data.shape, data.dtype)

    def revive(saved, leaf):
        if rows:
            saved = np.concatenate([saved, np.repeat(saved[-1:], rows[1] - rows[0], axis=0)])
        return jax.random.wrap_key_data(jnp.asarray(saved)) if _is_key(leaf) else jax.device_put(saved)

    wanted = _plain(*shapes)
    saved = store.restore(done, args=ocp.args.StandardRestore(jax.tree.map(describe, wanted)))
    revived = jax.tree.map(revive, saved, wanted)
    state, history = shapes
    return type(state)(**revived["state"]), type(history)(**revived["history"])


def _is_key(leaf):
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _data(leaf):
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _plain(state, history):
    return {"state": state._asdict(), "history": history._asdict()}
