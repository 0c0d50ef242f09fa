"""Supervised training in PyTorch, in the two ways that the table compares with."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Plan(NamedTuple):
    """What is trained, and how long; ``decay_every`` of 0 keeps the rate."""

    network: Callable[[], nn.Module]
    data: Mapping[str, np.ndarray]
    rate: float
    momentum: float
    batch: int
    epochs: int
    decay_every: int = 0
    decay: float = 0.5
    evaluated: bool = True


def tensors(data: Mapping[str, np.ndarray]) -> list[torch.Tensor]:
    """Turn inputs and labels, training and test, into tensors."""
    kinds = {"x_train": np.float32, "y_train": np.int64, "x_test": np.float32, "y_test": np.int64}
    return [torch.tensor(data[name].astype(kind)) for name, kind in kinds.items()]


def he_uniform(layer: nn.Module) -> None:
    """Initialise a linear layer as most of the book's notebooks do."""
    if isinstance(layer, nn.Linear):
        nn.init.kaiming_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)


def fully_connected(*widths: int) -> Callable[[], nn.Module]:
    """Return what builds and initialises a fully connected network of these widths, from inputs to outputs."""

    def build():
        layers = [nn.Linear(widths[0], widths[1])]
        for inputs, outputs in itertools.pairwise(widths[1:]):
            layers += [nn.ReLU(), nn.Linear(inputs, outputs)]
        return nn.Sequential(*layers).apply(he_uniform)

    return build


def in_the_books_way(plan: Plan) -> Callable[[int], float]:
    """Train with a ``DataLoader``, and evaluate without ``no_grad``, as the book's notebooks do."""
    x, y, x_test, y_test = tensors(plan.data)

    def run(seed):
        torch.manual_seed(seed)
        network = plan.network()
        cross_entropy = nn.CrossEntropyLoss()
        sgd = torch.optim.SGD(network.parameters(), lr=plan.rate, momentum=plan.momentum)
        schedule = torch.optim.lr_scheduler.StepLR(sgd, max(1, plan.decay_every), plan.decay)
        batches = DataLoader(TensorDataset(x, y), batch_size=plan.batch, shuffle=True)
        history = np.zeros((plan.epochs, 4))
        for epoch in range(plan.epochs):
            network.train()
            for inputs, labels in batches:
                sgd.zero_grad()
                cross_entropy(network(inputs), labels).backward()
                sgd.step()
            network.eval()
            if plan.evaluated or epoch == plan.epochs - 1:
                history[epoch] = *measure(network, x, y), *measure(network, x_test, y_test)
            if plan.decay_every:
                schedule.step()
        return history[-1, 3]

    return run


def in_an_experts_way(plan: Plan) -> Callable[[int], float]:
    """Train without a ``DataLoader``: a permutation an epoch, fused SGD, evaluation under ``no_grad``."""
    x, y, x_test, y_test = tensors(plan.data)
    cross_entropy = nn.functional.cross_entropy

    def run(seed):
        torch.manual_seed(seed)
        network = plan.network()
        sgd = torch.optim.SGD(network.parameters(), lr=plan.rate, momentum=plan.momentum, fused=True)
        history = np.zeros((plan.epochs, 4))
        for epoch in range(plan.epochs):
            network.train()
            order = torch.randperm(len(x))
            shuffled, labels = x[order], y[order]
            for begin in range(0, len(x) - len(x) % plan.batch, plan.batch):
                end = begin + plan.batch
                sgd.zero_grad(set_to_none=True)
                cross_entropy(network(shuffled[begin:end]), labels[begin:end]).backward()
                sgd.step()
            network.eval()
            if plan.evaluated or epoch == plan.epochs - 1:
                with torch.no_grad():
                    history[epoch] = *measure(network, x, y), *measure(network, x_test, y_test)
            if plan.decay_every and (epoch + 1) % plan.decay_every == 0:
                sgd.param_groups[0]["lr"] *= plan.decay
        return history[-1, 3]

    return run


def measure(network: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Compute loss and percent wrong."""
    outputs = network(inputs)
    loss = nn.functional.cross_entropy(outputs, labels).item()
    return loss, 100 * (outputs.argmax(1) != labels).float().mean().item()
