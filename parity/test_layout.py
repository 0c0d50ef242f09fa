"""Layouts against live torch layers: forward, gradient, running statistics, optimiser steps."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from flax import linen as nn

from parity import layout
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork

DOUBLE = torch.float64


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-10, atol=1e-13)


def both(*shape):
    theirs = torch.randn(*shape, dtype=DOUBLE)
    return jnp.asarray(theirs.numpy()), theirs


def arrays(*tensors):
    return [tensor.detach().numpy().copy() for tensor in tensors]


def test_dense_forward_and_gradient():
    theirs, (x, torch_x) = torch.nn.Linear(5, 3, dtype=DOUBLE), both(7, 5)
    params = layout.dense(*arrays(theirs.weight, theirs.bias))
    apply = lambda params: nn.Dense(3).apply({"params": params}, x)  # noqa: E731
    close(apply(params), theirs(torch_x))

    theirs(torch_x).square().sum().backward()
    gradient = jax.grad(lambda params: jnp.sum(apply(params) ** 2))(params)
    expected = layout.dense(theirs.weight.grad.numpy(), theirs.bias.grad.numpy())
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10), gradient, expected)


@pytest.mark.parametrize("space", [(11,), (9, 8)])
@pytest.mark.parametrize("stride", [1, 2])
def test_conv_forward_and_gradient(space, stride):
    conv = {1: torch.nn.Conv1d, 2: torch.nn.Conv2d}[len(space)]
    theirs, (x, torch_x) = conv(2, 4, 3, stride=stride, padding=1, dtype=DOUBLE), both(5, 2, *space)
    flax = nn.Conv(4, (3,) * len(space), strides=stride, padding=1)
    params = layout.conv(*arrays(theirs.weight, theirs.bias))
    apply = lambda params: flax.apply({"params": params}, layout.images(x))  # noqa: E731
    output = theirs(torch_x)
    np.testing.assert_allclose(apply(params), layout.images(*arrays(output)), rtol=1e-10, atol=1e-13)

    output.square().sum().backward()
    gradient = jax.grad(lambda params: jnp.sum(apply(params) ** 2))(params)
    expected = layout.conv(theirs.weight.grad.numpy(), theirs.bias.grad.numpy())
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), gradient, expected)


def test_dense_after_flatten():
    theirs, (x, torch_x) = torch.nn.Linear(3 * 4 * 5, 6, dtype=DOUBLE), both(2, 3, 4, 5)
    params = layout.dense_after_flatten(*arrays(theirs.weight, theirs.bias), shape=(3, 4, 5))
    ours = nn.Dense(6).apply({"params": params}, layout.images(x).reshape(2, -1))
    close(ours, theirs(torch_x.flatten(1)))


def test_batch_norm_in_training_and_evaluation():
    theirs = torch.nn.BatchNorm1d(4, dtype=DOUBLE)
    torch.nn.init.normal_(theirs.weight)
    torch.nn.init.normal_(theirs.bias)
    batches = [both(9, 4) for _ in range(3)]
    params, statistics = layout.batch_norm(
        *arrays(theirs.weight, theirs.bias, theirs.running_mean, theirs.running_var)
    )
    for x, torch_x in batches:
        flax = nn.BatchNorm(use_running_average=False, momentum=layout.BATCH_NORM_MOMENTUM)
        variables = {"params": params, "batch_stats": statistics}
        ours, updated = flax.apply(variables, x, mutable=["batch_stats"])
        close(ours, theirs(torch_x))
        variance = updated["batch_stats"]["var"]
        corrected = layout.unbiased_running_variance(variance, statistics["var"], samples=9)
        statistics = {"mean": updated["batch_stats"]["mean"], "var": corrected}
    close(statistics["mean"], theirs.running_mean)
    close(statistics["var"], theirs.running_var)

    evaluated = nn.BatchNorm(use_running_average=True).apply(
        {"params": params, "batch_stats": statistics}, batches[0][0]
    )
    close(evaluated, theirs.eval()(batches[0][1]))


def test_channel_dropout_drops_whole_channels():
    x = jnp.ones((4, 6, 5, 3))
    dropout = nn.Dropout(0.5, broadcast_dims=layout.CHANNEL_DROPOUT_BROADCAST, deterministic=False)
    ours = dropout.apply({}, x, rngs={"dropout": jax.random.key(0)})
    theirs = torch.nn.Dropout2d(0.5)(torch.ones(4, 3, 6, 5))
    for channels in (ours, layout.images(theirs.numpy())):
        assert jnp.all(channels == channels[:, :1, :1])
        assert set(np.unique(channels)) == {0.0, 2.0}


def test_rows_turns_columns_into_examples():
    columns = jnp.arange(6.0).reshape(2, 3)
    assert layout.rows(columns).tolist() == [[0, 3], [1, 4], [2, 5]]


def test_deep_network_is_sequential():
    linear = lambda *sizes: torch.nn.Linear(*sizes, dtype=DOUBLE)  # noqa: E731
    theirs = torch.nn.Sequential(linear(4, 6), torch.nn.ReLU(), linear(6, 5), torch.nn.ReLU(), linear(5, 2))
    x, torch_x = both(8, 4)
    params = layout.deep_network(arrays(*theirs.parameters()))
    close(DeepNetwork((6, 5, 2)).apply({"params": params}, x), theirs(torch_x))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (optax.sgd(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
        (optax.sgd(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
        (
            optax.sgd(0.1, momentum=0.9, nesterov=True),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        ),
        (optax.adam(0.1), lambda p: torch.optim.Adam(p, lr=0.1)),
    ],
    ids=["sgd", "momentum", "nesterov", "adam"],
)
def test_optimiser_steps(ours, theirs):
    x, torch_x = both(6)
    torch_x.requires_grad_(True)
    optimiser, state = theirs([torch_x]), ours.init(x)
    for _ in range(20):
        optimiser.zero_grad()
        (torch_x**2 + torch.sin(3 * torch_x)).sum().backward()
        optimiser.step()
        updates, state = ours.update(jax.grad(lambda x: jnp.sum(x**2 + jnp.sin(3 * x)))(x), state, x)
        x = optax.apply_updates(x, updates)
    close(x, torch_x)
