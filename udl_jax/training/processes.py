"""Several processes on several machines, through JAX's own distributed runtime, and batches shared over devices.

Every process runs the same program on the same arguments, after ``jax.distributed.initialize()``; what it computes
for the others, and they for it, the functions here place and gather. In a single process they do nothing.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from udl_jax._checks import is_traced
from udl_jax.training.programs import scan_epochs
from udl_jax.training.validation import is_tracing


def place(tree: PyTree, sharding: NamedSharding) -> PyTree:
    """Make arrays that all processes hold alike into arrays shared over the devices of all."""
    return jax.tree.map(functools.partial(_place, sharding), tree)


def _place(sharding, leaf):
    if jax.process_count() == 1:
        return jax.device_put(leaf, sharding)
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(_place(sharding, jax.random.key_data(leaf)))
    whole = np.asarray(leaf)
    return jax.make_array_from_callback(whole.shape, sharding, lambda part: whole[part])


def gather(tree: PyTree) -> PyTree:
    """Give every process the whole of arrays that are shared over the devices of all, as NumPy arrays."""
    with telling_of_lost_processes():
        return jax.tree.map(_whole, tree)


def _whole(leaf):
    if leaf.is_fully_addressable or leaf.is_fully_replicated:
        return np.asarray(leaf)
    return multihost_utils.process_allgather(leaf, tiled=True)


def own_part(tree: PyTree) -> PyTree:
    """Give every process its own part, along the leading axis, of arrays that are shared over the devices of all."""

    def part(leaf):
        begin = lambda shard: shard.index[0].start or 0  # noqa: E731
        return np.concatenate(
            [np.asarray(shard.data) for shard in sorted(leaf.addressable_shards, key=begin)]
        )

    return jax.tree.map(part, tree)


@contextmanager
def telling_of_lost_processes() -> Iterator[None]:
    """Say in words that another process has gone, where the runtime speaks of sockets."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if jax.process_count() == 1:
            raise
        raise RuntimeError(
            f"process {jax.process_index()} of {jax.process_count()} lost another one while it waited for its part: "
            "see there what happened, and start the run again; with a directory it resumes from its last chunk"
        ) from error


def scan_sharded(recipe, guarded, state, train_data, test_data, order, draws):
    """Train with each batch shared over all devices; a program for :func:`udl_jax.training.engine.run_epochs`."""
    if is_tracing() or is_traced((state, order)):
        return scan_epochs(recipe, guarded, state, train_data, test_data, order, draws)
    mesh = Mesh(jax.devices(), ("batch",))
    everywhere = NamedSharding(mesh, PartitionSpec())
    by_batch = NamedSharding(mesh, PartitionSpec(None, None, "batch"))
    is_shared = lambda leaf: leaf.ndim > 2 and leaf.shape[2] == order.shape[2]  # noqa: E731
    arguments = place((state, train_data, test_data), everywhere)
    drawn = jax.tree.map(lambda leaf: _place(by_batch if is_shared(leaf) else everywhere, leaf), draws)
    with telling_of_lost_processes():
        results = _program(mesh)(recipe, guarded, *arguments, _place(by_batch, order), drawn)
        return jax.block_until_ready(results)


@functools.cache
def _program(mesh: Mesh) -> Callable[..., Any]:
    """Compile the training so that its results are whole on every device."""
    everywhere = NamedSharding(mesh, PartitionSpec())
    return jax.jit(scan_epochs.__wrapped__, static_argnums=(0, 1), out_shardings=everywhere)


def check_batch(batch: int) -> None:
    """Raise ``ValueError`` if a batch cannot be shared equally over all devices."""
    devices = len(jax.devices())
    if batch % devices:
        raise ValueError(f"a batch of {batch} examples cannot be shared equally over {devices} devices")
