"""Notebook 11.2: two residual blocks of 100 units on MNIST-1D, evaluated after each epoch."""

from parity.speed import supervised

TITLE = "11.2 Residual network"
SETTING = "40-100-10 with two residual blocks of 100, 20 of 100 epochs of 40 steps, batch 100, evaluation after each epoch"
STEPS = 20 * 40
FLOPS = supervised.dense_flops((40, 100, 100, 100, 10), batch=100)


def data():
    """Make the data set."""
    from udl_jax.data.mnist1d import load_mnist1d

    return supervised.arrays(load_mnist1d())


def _plan(arrays):
    from torch import nn

    from parity.speed.torch_ways import Plan, he_uniform

    class Block(nn.Module):
        """Add to the input what a linear layer makes of its positive part."""

        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(100, 100)

        def forward(self, h):
            return h + self.linear(h.relu())

    def network():
        layers = nn.Linear(40, 100), Block(), Block(), nn.Linear(100, 10)
        return nn.Sequential(*layers).apply(he_uniform)

    return Plan(network, arrays, rate=0.05, momentum=0.9, batch=100, epochs=20)


book, tuned = supervised.sides(_plan)


def ours(arrays):
    """Train with the library."""
    import dataclasses

    import jax

    from udl_jax.ch11_residual_networks import residual_network
    from udl_jax.data.mnist1d import Mnist1d

    examples, whole = jax.device_put(Mnist1d(**arrays)), residual_network.BOOK
    settings = dataclasses.replace(whole, descent=dataclasses.replace(whole.descent, epochs=20))

    def run(seed):
        fit = residual_network.train_network(jax.random.key(seed), examples, settings)
        return supervised.last_test_error(fit.history)

    return run
