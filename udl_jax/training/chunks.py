"""Long trainings in chunks of epochs, with a progress bar and checkpoints to resume from."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key
from tqdm import tqdm

from udl_jax.training.engine import check, run_epochs, train_epochs
from udl_jax.training.records import History, Recipe, State
from udl_jax.training.validation import Examples


def train_in_chunks(
    recipe: Recipe,
    state: State,
    train_data: Examples,
    test_data: Examples | None,
    order: Int[Array, "epochs steps batch"],
    keys: Key[Array, "epochs steps"] | None = None,
    *,
    chunk: int,
    directory: str | Path | None = None,
    progress: bool = True,
) -> tuple[State, History]:
    """Do what :func:`train` does, ``chunk`` epochs at a time, and get the identical result.

    With a ``directory``, state and history are saved after each chunk. The same call, made again after
    the process was killed, goes on from the last chunk that was saved.

    Parameters
    ----------
    recipe, state, train_data, test_data, order, keys
        As in :func:`train`.
    chunk
        Epochs between two updates of the bar and two checkpoints. A last chunk of another length is
        compiled anew, so let ``chunk`` divide the number of epochs.
    directory
        Where checkpoints go; made if it does not exist. None saves nothing.
    progress
        Show a bar with the latest training loss.

    Returns
    -------
    State
        After the last epoch.
    History
        Loss and error after each epoch.

    Raises
    ------
    ValueError
        As :func:`train`; also if ``chunk`` is not positive, or if ``directory`` has the checkpoints of
        another training.
    """
    check(recipe, state, train_data, test_data, order, keys)
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1 epoch, got {chunk}")
    epochs = len(order)

    def run(state, done, end):
        part_keys = None if keys is None else keys[done:end]
        return run_epochs(train_epochs, recipe, state, train_data, test_data, order[done:end], part_keys)

    with _open_store(directory, _fingerprint(recipe, state, train_data, test_data, order, keys)) as store:
        done, histories = 0, []
        if store is not None and (saved := store.latest_step()) is not None:
            done = saved
            state, history = _restore(store, done, jax.eval_shape(lambda state: run(state, 0, done), state))
            histories.append(history)
        with tqdm(total=epochs, initial=done, unit="epoch", disable=not progress) as bar:
            while done < epochs:
                end = min(done + chunk, epochs)
                state, history = run(state, done, end)
                histories.append(history)
                if store is not None:
                    _save(store, end, state, _join(histories))
                bar.set_postfix(loss=f"{float(history.train.loss[-1]):.4g}")
                bar.update(end - done)
                done = end
    return state, _join(histories)


def _join(histories: list[History]) -> History:
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *histories)


def _fingerprint(recipe: Recipe, *arguments) -> str:
    """Hash all that decides the result, as far as it can be told: the arrays, and the model's settings."""
    digest = hashlib.sha256(repr(recipe.model).encode())
    for leaf in jax.tree.leaves(arguments):
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        digest.update(np.asarray(jax.random.key_data(leaf) if is_key else leaf).tobytes())
    return digest.hexdigest()


@contextmanager
def _open_store(directory: str | Path | None, fingerprint: str) -> Iterator:
    """Open the checkpoint manager of ``directory``, after a look whether it belongs to this training."""
    if directory is None:
        yield None
        return
    import orbax.checkpoint as ocp  # noqa: PLC0415  (half a second, which only long trainings need)

    directory = Path(directory).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    mark = directory / "training.sha256"
    if not mark.exists():
        mark.write_text(fingerprint)
    if mark.read_text() != fingerprint:
        raise ValueError(
            f"directory {directory} holds the checkpoints of another training (other data, initial "
            "weights, order or model): choose an empty one, or delete it"
        )
    options = ocp.CheckpointManagerOptions(max_to_keep=2, enable_async_checkpointing=False)
    with ocp.CheckpointManager(directory / "checkpoints", options=options) as manager:
        yield manager


def _save(store, epoch: int, state: State, history: History) -> None:
    import orbax.checkpoint as ocp  # noqa: PLC0415

    store.save(epoch, args=ocp.args.StandardSave({"state": state._asdict(), "history": history._asdict()}))


def _restore(store, epoch: int, shapes: tuple[State, History]) -> tuple[State, History]:
    import orbax.checkpoint as ocp  # noqa: PLC0415

    state, history = shapes
    device = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    target = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device),
        {"state": state._asdict(), "history": history._asdict()},
    )
    saved = store.restore(epoch, args=ocp.args.StandardRestore(target))
    return State(**saved["state"]), History(**saved["history"])
