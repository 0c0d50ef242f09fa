"""One of several processes that train together; test_processes.py starts them.

::

    python process.py TASK PORT NUMBER PROCESSES FOLDER
"""

import os
import sys
from pathlib import Path

task, port, number, count, folder = sys.argv[1], *map(int, sys.argv[2:5]), Path(sys.argv[5])
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402

jax.config.update("jax_enable_x64", True)
if count > 1:
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(f"127.0.0.1:{port}", count, number, heartbeat_timeout_seconds=15)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402

from udl_jax import training  # noqa: E402
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork  # noqa: E402
from udl_jax.training import checkpoints  # noqa: E402

RECIPE = training.Recipe(DeepNetwork((8, 2)), optax.adam(0.01))
REPLICAS, EPOCHS = 6, 6
x = jax.random.normal(jax.random.key(0), (24, 3))
data = training.Examples(x, (x[:, 0] > 0).astype(int))
keys = jax.random.split(jax.random.key(2), REPLICAS)
orders = jnp.stack([training.draw_order(key, 24, EPOCHS, 8) for key in keys])
states = jax.vmap(lambda key: training.start(RECIPE, RECIPE.model.init(key, x)))(keys)
first = jax.tree.map(lambda leaf: leaf[0], states)


def die_after(chunks):
    """End process 1 like a killed one, once it has done this many chunks."""
    work, done = checkpoints._save, []

    def save(*args):
        work(*args)
        done.append(args)
        if len(done) == chunks and number == 1:
            os._exit(9)

    checkpoints._save = save


def run():
    if task.startswith("replicas"):
        settings = {"chunk": 2, "directory": folder / "replicas"} if "kept" in task else {}
        if "killed" in task:
            die_after(1)
        if "own" in task:
            settings["whole"] = False
        return training.train_replicas(RECIPE, states, data, data, orders, **settings)
    if "killed" in task:
        die_after(1)
    directory = folder / "batches" if "kept" in task else None
    return training.train_in_chunks(
        RECIPE, first, data, data, orders[0], chunk=2, directory=directory, progress=False, share_batches=True
    )


state, history = run()
leaves = jax.tree.leaves((state.variables, history))
here = training.replicas_here(REPLICAS)
np.savez(folder / f"{task}_{count}_{number}.npz", *map(np.asarray, leaves), here=[here.start, here.stop])
