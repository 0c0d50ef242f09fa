"""Notebook 20.2: full-batch gradient descent of the network with four hidden layers."""

from parity.speed import supervised

TITLE = "20.2 Full-batch gradient descent"
SETTING = "40-63-63-63-63-10, 100 of the 200,000 steps, each along the gradient of all 4,000 examples"
STEPS = 100
WIDTHS = (40, 63, 63, 63, 63, 10)
FLOPS = supervised.dense_flops(WIDTHS, batch=4000)


def data():
    """Make the data set."""
    from udl_jax.data.mnist1d import load_mnist1d

    return supervised.arrays(load_mnist1d())


def _train(arrays, batches, **fused):
    """Return a training that takes its batches from what ``batches`` makes of inputs and labels."""
    import torch
    from torch import nn

    from parity.speed.torch_ways import fully_connected, tensors

    x, y, *_ = tensors(arrays)

    def run(seed):
        torch.manual_seed(seed)
        network = fully_connected(*WIDTHS)()
        sgd = torch.optim.SGD(network.parameters(), lr=0.0025, **fused)
        errors = torch.zeros(STEPS)
        loader = batches(x, y)
        for step in range(STEPS):
            for inputs, labels in loader:
                sgd.zero_grad()
                outputs = network(inputs)
                nn.functional.cross_entropy(outputs, labels).backward()
                sgd.step()
                errors[step] = 100 * (outputs.detach().argmax(1) != labels).float().mean()
        return errors[-1].item()

    return run


def book(arrays):
    """Train as the notebook does, with a ``DataLoader`` that gathers all examples anew for each step."""
    from torch.utils.data import DataLoader, TensorDataset

    return _train(arrays, lambda x, y: DataLoader(TensorDataset(x, y), batch_size=len(x)))


def tuned(arrays):
    """Train as a PyTorch expert would: the same tensors at every step, and a fused optimiser."""
    return _train(arrays, lambda x, y: [(x, y)], fused=True)


def ours(arrays):
    """Train with the library."""
    import jax
    import numpy as np

    from udl_jax.ch20_why_it_works import full_batch
    from udl_jax.data.mnist1d import Mnist1d

    examples = jax.device_put(Mnist1d(**arrays))
    settings = full_batch.book_settings(4, steps=STEPS)
    return lambda seed: np.asarray(
        full_batch.train_network(jax.random.key(seed), examples, settings).history.error
    )[-1]
