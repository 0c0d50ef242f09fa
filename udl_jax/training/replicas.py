"""Many trainings at once: ``vmap`` over replicas, and a mesh of all devices to share them out."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Int, PyTree

from udl_jax.training.engine import run_epochs
from udl_jax.training.objectives import rows_of
from udl_jax.training.programs import scan_epochs
from udl_jax.training.records import Examples, History, Recipe, State
from udl_jax.training.validation import check, check_draws, check_order


def train_replicas(
    recipe: Recipe,
    states: State,
    train_data: Examples,
    test_data: Examples | None,
    orders: Int[Array | np.ndarray, "replicas epochs steps batch"],
    draws: PyTree = None,
) -> tuple[State, History]:
    """Run :func:`train` for many states and orders at once, shared out over all visible devices.

    The replicas may differ in initial weights, in batch order, and in hyper-parameters that the
    optimiser's state carries (``optax.inject_hyperparams``). Their data are the same.

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

    Returns
    -------
    State
        Final states, along a leading axis ``replicas``.
    History
        Loss and error with the axes (replicas, epochs).

    Raises
    ------
    ValueError
        As :func:`train`; also if the number of states is not that of the orders.
    """
    replicas = len(orders)
    if replicas == 0:
        raise ValueError("orders are none: there is nothing to train")
    if len(states.epoch) != replicas:
        raise ValueError(f"there are {len(states.epoch)} states but {replicas} orders")
    check_draws(draws, orders)
    check_order(orders.reshape(-1, *orders.shape[2:]), rows_of(train_data))
    first, order, drawn = jax.tree.map(lambda leaf: leaf[0], (states, orders, draws))
    check(recipe, first, train_data, test_data, order, drawn)

    devices = len(jax.devices())
    padding = -replicas % devices
    padded = jax.tree.map(lambda leaf: _repeat_last(leaf, padding), (states, orders, draws))
    results = run_epochs(_scan_replicas, recipe, *padded, train_data, test_data)
    return jax.tree.map(lambda leaf: leaf[:replicas], results)


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
