"""Notebook 8.1: two hidden layers of 100 units on MNIST-1D, evaluated after each epoch."""

from parity.speed import supervised

TITLE = "8.1 MNIST-1D"
SETTING = "40-100-100-10, 50 epochs of 40 steps, batch 100, evaluation after each epoch"
STEPS = 50 * 40
FLOPS = supervised.dense_flops((40, 100, 100, 10), batch=100)


def data():
    """Make the data set."""
    from udl_jax.data.mnist1d import load_mnist1d

    return supervised.arrays(load_mnist1d())


def _plan(arrays):
    from parity.speed.torch_ways import Plan, fully_connected

    network = fully_connected(40, 100, 100, 10)
    return Plan(network, arrays, rate=0.05, momentum=0.9, batch=100, epochs=50, decay_every=10)


book, tuned = supervised.sides(_plan)


def ours(arrays):
    """Train with the library."""
    import jax

    from udl_jax.ch08_performance import mnist1d
    from udl_jax.data.mnist1d import Mnist1d

    examples = jax.device_put(Mnist1d(**arrays))
    return lambda seed: supervised.last_test_error(
        mnist1d.train_network(jax.random.key(seed), examples).history
    )
