"""Many trainings at once: ``vmap`` over replicas, and a mesh of all devices to share them out."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Int, PyTree

from udl_jax._checks import is_traced
from udl_jax.training import processes
from udl_jax.training.checkpoints import fingerprint_of, run_in_chunks
from udl_jax.training.engine import run_epochs
from udl_jax.training.objectives import rows_of
from udl_jax.training.programs import scan_epochs
from udl_jax.training.records import Examples, History, Recipe, State
from udl_jax.training.validation import check, check_chunk, check_draws, check_order, is_tracing


def train_replicas(
    recipe: Recipe,
    states: State,
    train_data: Examples,
    test_data: Examples | None,
    orders: Int[Array | np.ndarray, "replicas epochs steps batch"],
    draws: PyTree = None,
    *,
    whole: bool = True,
    chunk: int | None = None,
    directory: str | Path | None = None,
    progress: bool = False,
) -> tuple[State, History]:
    """Run :func:`train` for many states and orders at once, shared out over all visible devices.

    The replicas may differ in initial weights, in batch order, and in hyper-parameters that the
    optimiser's state carries (``optax.inject_hyperparams``). Their data are the same. After
    ``jax.distributed.initialize()``, the devices are those of all processes, each of which makes this call.

    Parameters
    ----------
    recipe
        Model, optimiser, and what is minimised and reported: static.
    states
        As from ``jax.vmap`` of :func:`start`: every array has a leading axis ``replicas``.
    train_data, test_data
        Shared by all replicas.
    orders
        A batch order for each replica.
    draws
        As in :func:`train`, with the leading axes (replicas, epochs, steps); or None.
    whole
        With several processes: whether each gets the results of all replicas, or only of those that it trained, which
        :func:`replicas_here` names.
    chunk, directory, progress
        As in :func:`train_in_chunks`; by default all epochs are one chunk. Several processes need a directory that all
        of them see, and may resume in another number; they need ``whole`` results.

    Returns
    -------
    State
        Final states, along a leading axis ``replicas``.
    History
        Loss and error with the axes (replicas, epochs).

    Raises
    ------
    ValueError
        As :func:`train_in_chunks`; also if the number of states is not that of the orders, or if parts are to be kept
        in a directory.
    RuntimeError
        If another process of the run ended before its part was done.
    """
    replicas = len(orders)
    if replicas == 0:
        raise ValueError("orders are none: there is nothing to train")
    if len(states.epoch) != replicas:
        raise ValueError(f"there are {len(states.epoch)} states but {replicas} orders")
    if directory is not None and not whole:
        raise ValueError("whole results are what is kept in a directory: leave out whole=False")
    check_draws(draws, orders)
    check_order(orders.reshape(-1, *orders.shape[2:]), rows_of(train_data))
    first, order, drawn = _first_of((states, orders, draws))
    check(recipe, first, train_data, test_data, order, drawn)
    epochs = orders.shape[1]
    chunk = check_chunk(recipe, epochs if chunk is None else chunk)
    padding = -replicas % len(jax.devices())
    states, orders, draws = jax.tree.map(lambda leaf: _repeat_last(leaf, padding), (states, orders, draws))

    def run(states, begin, end):
        part = jax.tree.map(lambda leaf: leaf[:, begin:end], (orders, draws))
        program = functools.partial(_run_replicas, whole)
        return run_epochs(program, recipe, states, *part, train_data, test_data)

    fingerprint = ""
    if directory is not None:
        # Without the copies that fill up the devices, so that another number of them may go on.
        one = scan_epochs.lower(recipe, False, first, train_data, test_data, order, drawn).as_text()
        given = jax.tree.map(lambda leaf: leaf[:replicas], (states, orders, draws))
        fingerprint = fingerprint_of(one, *given, train_data, test_data)
    results = run_in_chunks(
        run,
        states,
        epochs,
        chunk=chunk,
        directory=directory,
        fingerprint=fingerprint,
        progress=progress,
        unit="epoch",
        headline=lambda history: history.train.loss.mean(axis=0),
        axis=1,
        rows=(replicas, replicas + padding),
    )
    if jax.process_count() > 1 and not whole:
        here = len(replicas_here(replicas))
        return jax.tree.map(lambda leaf: leaf[:here], results)
    return jax.tree.map(lambda leaf: leaf[:replicas], results) if padding else results


@jax.jit
def _first_of(tree):
    """Take the first of all leaves, in one program instead of several for each leaf."""
    return jax.tree.map(lambda leaf: leaf[0], tree)


def replicas_here(replicas: int) -> range:
    """Tell which of ``replicas`` trainings this process runs.

    Examples
    --------
    >>> replicas_here(5)  # a single process runs all
    range(0, 5)
    """
    each = -(-replicas // len(jax.devices()))
    mine = [
        number for number, device in enumerate(jax.devices()) if device.process_index == jax.process_index()
    ]
    return range(min(each * mine[0], replicas), min(each * (mine[-1] + 1), replicas))


def _run_replicas(whole, recipe, guarded, states, orders, draws, train_data, test_data):
    """Place the replicas where they are trained, and gather what came of them, if there are several processes."""
    if jax.process_count() == 1 or is_tracing() or is_traced((states, orders)):
        return _scan_replicas(recipe, guarded, states, orders, draws, train_data, test_data)
    mesh = Mesh(jax.devices(), ("replicas",))
    shared, everywhere = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in (("replicas",), ()))
    arguments = processes.place((states, orders, draws), shared)
    data = processes.place((train_data, test_data), everywhere)
    *results, sound = _scan_replicas(recipe, guarded, *arguments, *data)
    return *(processes.gather(results) if whole else processes.own_part(results)), processes.gather(sound)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _scan_replicas(recipe, guarded, states, orders, draws, train_data, test_data):
    def share(states, orders, draws, train_data, test_data):
        def one(state, order, draws):
            return scan_epochs(recipe, guarded, state, train_data, test_data, order, draws)

        return jax.vmap(one)(states, orders, draws)

    split, whole = PartitionSpec("replicas"), PartitionSpec()
    mesh = Mesh(jax.devices(), ("replicas",))
    shared_out = jax.shard_map(
        share, mesh=mesh, in_specs=(split, split, split, whole, whole), out_specs=split, check_vma=False
    )
    return shared_out(states, orders, draws, train_data, test_data)


def _repeat_last(leaf, times):
    return leaf if times == 0 else jnp.concatenate([leaf, jnp.repeat(leaf[-1:], times, axis=0)])
