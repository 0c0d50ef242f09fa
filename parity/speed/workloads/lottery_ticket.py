"""Notebook 20.3: one of the hundred retrainings of a pruned network."""

from parity.speed import supervised

TITLE = "20.3 Lottery tickets, one retraining"
SETTING = "40-500-500-10 with a residual layer, 301 of 1,502 steps of Adam, batch 100, all weights masked, four evaluations"
STEPS = 301
FLOPS = supervised.dense_flops((40, 500, 500, 10), batch=100)


def data():
    """Make the data set."""
    from udl_jax.data.mnist1d import load_mnist1d

    return supervised.arrays(load_mnist1d())


def _network():
    import torch
    from torch import nn

    class Masked(nn.Module):
        """A residual network whose parameters are multiplied by masks in each forward pass."""

        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(40, 500), nn.Linear(500, 500), nn.Linear(500, 10)])
            self.masks = [[torch.ones_like(p) for p in layer.parameters()] for layer in self.layers]

        def forward(self, x):
            one, two, three = (
                lambda h, layer=layer, masks=masks: nn.functional.linear(
                    h, layer.weight * masks[0], layer.bias * masks[1]
                )
                for layer, masks in zip(self.layers, self.masks)
            )
            h = one(x).relu()
            return three(h + two(h).relu())

    return Masked()


def _train(arrays, setting, **fused):
    import torch
    from torch import nn

    from parity.speed.torch_ways import measure, tensors

    x, y, x_test, y_test = tensors(arrays)

    def run(seed):
        torch.manual_seed(seed)
        network = _network()
        adam = torch.optim.Adam(network.parameters(), lr=0.02, **fused)
        error = 100.0
        for step in range(STEPS):
            begin = step * 100 % len(x)
            adam.zero_grad()
            nn.functional.cross_entropy(network(x[begin : begin + 100]), y[begin : begin + 100]).backward()
            adam.step()
            if step % 100 == 0:
                with setting():
                    _, error = measure(network, x_test, y_test)
        return error

    return run


def book(arrays):
    """Train as the notebook does."""
    import contextlib

    return _train(arrays, contextlib.nullcontext)


def tuned(arrays):
    """Train as a PyTorch expert would: a fused optimiser, and evaluation under ``no_grad``."""
    import torch

    return _train(arrays, torch.no_grad, fused=True)


def ours(arrays):
    """Train with the library."""
    import dataclasses

    import jax
    import numpy as np

    from udl_jax.ch08_performance import mnist1d
    from udl_jax.ch20_why_it_works import sparse_network
    from udl_jax.data.mnist1d import Mnist1d

    examples = jax.device_put(Mnist1d(**arrays))
    settings = dataclasses.replace(sparse_network.BOOK, updates=STEPS, prune_at=100)

    def run(seed):
        params = sparse_network.draw_initial(jax.random.key(seed), examples, settings)
        masks = jax.tree.map(lambda leaf: np.ones(leaf.shape, bool), params)
        found = sparse_network.retrain(params, masks, *mnist1d.split(examples), settings)
        return np.asarray(found.test.error)[-1]

    return run
