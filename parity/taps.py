"""Listen to a running notebook: no windows, and torch's draws and first weights on record."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np

from parity.completions import Take


@contextlib.contextmanager
def headless():
    """Let pictures be drawn and thrown away."""
    import matplotlib  # noqa: PLC0415

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    shown = plt.show
    plt.show = lambda *args, **kwargs: plt.close("all")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        plt.show = shown
        plt.close("all")


class TorchTap:
    """Note, while open, the order in which torch visits the data and the weights it starts from.

    Attributes
    ----------
    order
        Indices of the examples as visited, an array for each epoch.
    initial
        The parameters just before the first epoch, in the order in which the optimiser has them.
    parameters
        The live parameters themselves.
    """

    def __init__(self, take: Take):
        self.take = take
        self.order: list[np.ndarray] = []
        self.initial: list[np.ndarray] = []
        self.parameters: list = []
        self._undo = contextlib.ExitStack()

    def __enter__(self):
        import torch  # noqa: PLC0415

        torch.manual_seed(self.take.seed)
        torch.set_num_threads(
            1
        )  # or the order of sums, and with it the rounding, depends on the machine's cores
        torch.set_default_dtype(getattr(torch, self.take.dtype))
        self._undo.callback(torch.set_default_dtype, torch.float32)
        self._patch(torch.optim.Optimizer, "add_param_group", self._meet_parameters)
        self._patch(torch.utils.data.RandomSampler, "__iter__", self._visit)
        return self

    def __exit__(self, *exception):
        self._undo.close()

    def weights(self) -> list[np.ndarray]:
        """Copy the parameters as they are now."""
        return [p.detach().numpy().copy() for p in self.parameters]

    def _patch(self, owner, name, listener):
        original = getattr(owner, name)
        setattr(owner, name, lambda *args: listener(original, *args))
        self._undo.callback(setattr, owner, name, original)

    def _meet_parameters(self, original, optimiser, group):
        original(optimiser, group)
        self.parameters += optimiser.param_groups[-1]["params"]

    def _visit(self, original, sampler):
        if not self.initial:
            self.initial = self.weights()
            if self.take.twin:
                self._move_by_one_ulp()
        visited = list(original(sampler))
        self.order.append(np.array(visited))
        return iter(visited)

    def _move_by_one_ulp(self):
        for parameter in self.parameters:
            moved = np.nextafter(parameter.detach().numpy(), np.inf)
            parameter.data = type(parameter.data)(moved)
