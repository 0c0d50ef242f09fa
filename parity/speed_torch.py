"""One side of the speed comparison: notebook 8.1's training the way the book goes about it, in PyTorch."""

import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from parity.speed import serve


def main(path: str) -> None:
    """Load the data once and train for each seed that comes in."""
    with np.load(path) as stored:
        x, x_test = (torch.tensor(stored[name].astype(np.float32)) for name in ("x_train", "x_test"))
        y, y_test = (torch.tensor(stored[name].astype(np.int64)) for name in ("y_train", "y_test"))

    def initialise(layer):
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def train(seed):
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Linear(40, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 10)
        )
        network.apply(initialise)
        cross_entropy = nn.CrossEntropyLoss()
        sgd = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
        halving = torch.optim.lr_scheduler.StepLR(sgd, step_size=10, gamma=0.5)
        batches = DataLoader(TensorDataset(x, y), batch_size=100, shuffle=True)
        history = np.zeros((50, 4))
        for epoch in range(50):
            for inputs, labels in batches:
                sgd.zero_grad()
                cross_entropy(network(inputs), labels).backward()
                sgd.step()
            history[epoch] = *measure(network, x, y), *measure(network, x_test, y_test)
            halving.step()
        return history[-1, 3]

    def measure(network, inputs, labels):
        # Like the book, without torch.no_grad.
        outputs = network(inputs)
        loss = nn.CrossEntropyLoss()(outputs, labels).item()
        _, predicted = torch.max(outputs.data, 1)
        return loss, 100 - 100 * (predicted == labels).float().sum().item() / len(labels)

    serve(train)


if __name__ == "__main__":
    main(sys.argv[1])
