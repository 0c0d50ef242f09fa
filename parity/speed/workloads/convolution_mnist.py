"""Notebook 10.5: the convolutional network for digits, evaluated after each epoch."""

from parity.speed import supervised

TITLE = "10.5 Convolution for MNIST"
SETTING = (
    "two 5 x 5 convolutions of 10 and 20 channels, 8,000 digits, one epoch of 125 steps, batch 64, with dropout, evaluation "
    "after the epoch"
)
STEPS = 125
#: As for dense layers: each output of a convolution has its kernel's weights.
FLOPS = 64 * (6 * (24 * 24 * 10 * 25 + 8 * 8 * 20 * 250 + 320 * 50 + 50 * 10) - 2 * 24 * 24 * 10 * 25)


def data():
    """Make the data set."""
    from udl_jax.data.mnist import load_mnist

    return supervised.arrays(load_mnist())


def _plan(arrays, layout=None):
    import torch
    from torch import nn

    from parity.speed.torch_ways import Plan, he_uniform

    def network():
        layers = (
            nn.Flatten(),
            nn.Unflatten(
                1, (1, 28, 28)
            ),  # the images have their channel last, which with a single one is the same
            nn.Conv2d(1, 10, kernel_size=5),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Conv2d(10, 20, kernel_size=5),
            nn.Dropout2d(),
            nn.MaxPool2d(2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(320, 50),
            nn.ReLU(),
            nn.Linear(50, 10),
        )
        return nn.Sequential(*layers).apply(he_uniform).to(memory_format=layout or torch.contiguous_format)

    # In NumPy: the library's own function would bring JAX into this process, whose start is part of the cold time.
    pixels = {name: (arrays[name] - 0.1307) / 0.3081 for name in ("x_train", "x_test")}
    return Plan(network, arrays | pixels, rate=0.01, momentum=0.5, batch=64, epochs=1)


book, _ = supervised.sides(_plan)


def tuned(arrays):
    """Train as a PyTorch expert would, with the layout of images that is faster on CPUs."""
    import torch

    from parity.speed.torch_ways import in_an_experts_way

    return in_an_experts_way(_plan(arrays, torch.channels_last))


def ours(arrays):
    """Train with the library."""
    import dataclasses

    import jax

    from udl_jax.ch10_convolution import convolution_mnist
    from udl_jax.data.mnist import Mnist

    examples = jax.device_put(Mnist(**arrays))
    book_settings = convolution_mnist.BOOK
    settings = dataclasses.replace(
        book_settings, descent=dataclasses.replace(book_settings.descent, epochs=1)
    )

    def run(seed):
        fit = convolution_mnist.train_network(jax.random.key(seed), examples, settings)
        return supervised.last_test_error(fit.history)

    return run
