"""Notebook 10.2: three convolutions of 15 channels on MNIST-1D, evaluated after each epoch."""

from parity.speed import supervised

TITLE = "10.2 Convolution for MNIST-1D"
SETTING = "three convolutions of 15 channels, stride 2, 20 of 100 epochs of 40 steps, batch 100, evaluation after each epoch"
STEPS = 20 * 40
#: As for dense layers: each output of a convolution has its kernel's weights.
FLOPS = 100 * (6 * (19 * 15 * 3 + 9 * 15 * 45 + 4 * 15 * 45 + 60 * 10) - 2 * 19 * 15 * 3)


def data():
    """Make the data set."""
    from udl_jax.data.mnist1d import load_mnist1d

    return supervised.arrays(load_mnist1d())


def _plan(arrays):
    from torch import nn

    from parity.speed.torch_ways import Plan, he_uniform

    def network():
        convolutions = []
        for channels in (1, 15, 15):
            convolutions += [nn.Conv1d(channels, 15, kernel_size=3, stride=2), nn.ReLU()]
        layers = nn.Unflatten(1, (1, 40)), *convolutions, nn.Flatten(), nn.Linear(60, 10)
        return nn.Sequential(*layers).apply(he_uniform)

    return Plan(network, arrays, rate=0.05, momentum=0.9, batch=100, epochs=20)


book, tuned = supervised.sides(_plan)


def ours(arrays):
    """Train with the library."""
    import dataclasses

    import jax

    from udl_jax.ch10_convolution import convolution_mnist1d
    from udl_jax.data.mnist1d import Mnist1d

    examples, whole = jax.device_put(Mnist1d(**arrays)), convolution_mnist1d.BOOK
    settings = dataclasses.replace(whole, descent=dataclasses.replace(whole.descent, epochs=20))

    def run(seed):
        fit = convolution_mnist1d.train_network(jax.random.key(seed), examples, settings)
        return supervised.last_test_error(fit.history)

    return run
