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
from jaxtyping import PyTree
from tqdm import tqdm


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
    headline: Callable[[PyTree], float],
) -> tuple[PyTree, PyTree]:
    """Call ``run`` for one chunk after another, each from where the last one ended.

    Parameters
    ----------
    run
        ``run(state, begin, end)`` returns the new state, and a history of numbers along the leading axis.
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
        Whether to show a bar, what it counts, and which number of the history it shows as loss.

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
            state, history = _restore(store, done, shapes)
            histories.append(history)
        with tqdm(total=total, initial=done, unit=unit, disable=not progress) as bar:
            while done < total:
                end = min(done + chunk, total)
                state, history = run(state, begin=done, end=end)
                histories.append(history)
                if store is not None:
                    _save(store, end, state, _join(histories))
                bar.set_postfix(loss=f"{float(headline(history)[-1]):.4g}")
                bar.update(end - done)
                done = end
    return state, _join(histories)


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
    """
    # Addresses of Python objects, which callbacks leave in the text, are others in each process.
    digest = hashlib.sha256(re.sub(r"0x[0-9a-fA-F]+|\b\d{12,}\b", "", program).encode())
    digest.update(str(jax.tree.structure(arguments)).encode())
    for leaf in jax.tree.leaves(arguments):
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        array = np.asarray(jax.random.key_data(leaf) if is_key else leaf)
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _join(histories: list[PyTree]) -> PyTree:
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *histories)


@contextmanager
def _open_store(directory: str | Path | None, fingerprint: str) -> Iterator:
    """Open the checkpoint manager of ``directory``, after a look whether it belongs to this computation."""
    if directory is None:
        yield None
        return
    import orbax.checkpoint as ocp  # noqa: PLC0415  (half a second, which only long trainings need)

    directory = Path(directory).expanduser().absolute()
    directory.mkdir(parents=True, exist_ok=True)
    mark = directory / "training.sha256"
    if not mark.exists():
        mark.write_text(fingerprint)
    if mark.read_text() != fingerprint:
        raise ValueError(
            f"directory {directory} holds the checkpoints of another training (other data, initial "
            "weights, order, draws, model, optimiser, loss or version of JAX): choose an empty one, or delete it"
        )
    options = ocp.CheckpointManagerOptions(max_to_keep=2, enable_async_checkpointing=False)
    with ocp.CheckpointManager(directory / "checkpoints", options=options) as manager:
        yield manager


def _save(store, done: int, state: PyTree, history: PyTree) -> None:
    import orbax.checkpoint as ocp  # noqa: PLC0415

    store.save(done, args=ocp.args.StandardSave(_plain(state, history)))


def _restore(store, done: int, shapes: tuple[PyTree, PyTree]) -> tuple[PyTree, PyTree]:
    import orbax.checkpoint as ocp  # noqa: PLC0415

    device = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    target = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device), _plain(*shapes)
    )
    saved = store.restore(done, args=ocp.args.StandardRestore(target))
    state, history = shapes
    return type(state)(**saved["state"]), type(history)(**saved["history"])


def _plain(state, history):
    return {"state": state._asdict(), "history": history._asdict()}
