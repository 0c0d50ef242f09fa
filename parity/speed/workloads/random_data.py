"""Notebook 20.1: four hidden layers of 300 units on MNIST-1D, one of its three trainings."""

from parity.speed import supervised

TITLE = "20.1 Random data"
SETTING = "40-300-300-300-300-10, 20 of 60 epochs of 40 steps, batch 100, evaluation after each epoch"
WIDTHS = (40, 300, 300, 300, 300, 10)
EPOCHS = 20
STEPS = EPOCHS * 40
FLOPS = supervised.dense_flops(WIDTHS, batch=100)


def data():
    """Make the data set."""
    from udl_jax.data.mnist1d import load_mnist1d

    return supervised.arrays(load_mnist1d())


def _plan(arrays):
    from parity.speed.torch_ways import Plan, fully_connected

    return Plan(fully_connected(*WIDTHS), arrays, rate=0.02, momentum=0.9, batch=100, epochs=EPOCHS)


book, tuned = supervised.sides(_plan)


def ours(arrays):
    """Train with the library."""
    import dataclasses

    import jax

    from udl_jax.ch08_performance import mnist1d
    from udl_jax.ch20_why_it_works import random_data
    from udl_jax.data.mnist1d import Mnist1d

    examples = jax.device_put(Mnist1d(**arrays))
    settings = dataclasses.replace(random_data.BOOK, epochs=EPOCHS)

    def run(seed):
        fit = mnist1d.train_network(jax.random.key(seed), examples, settings)
        return supervised.last_test_error(fit.history)

    return run
