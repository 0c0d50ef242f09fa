"""What workloads that train on inputs and labels have in common. Nothing here imports torch before it is needed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

Way = Callable[[Mapping[str, np.ndarray]], Callable[[int], float]]


def sides(plan: Callable[[Mapping[str, np.ndarray]], Any]) -> tuple[Way, Way]:
    """Make a workload's ``book`` and ``tuned`` of what makes its :class:`parity.speed.torch_ways.Plan`."""

    def book(data):
        from parity.speed.torch_ways import in_the_books_way

        return in_the_books_way(plan(data))

    def tuned(data):
        from parity.speed.torch_ways import in_an_experts_way

        return in_an_experts_way(plan(data))

    return book, tuned


def arrays(examples: NamedTuple) -> dict[str, np.ndarray]:
    """Turn a data set's arrays into NumPy's, by name."""
    return {name: np.asarray(array) for name, array in examples._asdict().items()}


def last_test_error(history: NamedTuple) -> np.ndarray:
    """Wait for the whole history of a training, and return the test error that it ends with."""
    import jax

    return jax.tree.map(np.asarray, history).test.error[-1]


def dense_flops(widths: tuple[int, ...], batch: int) -> int:
    """Count operations of a step: two for a weight and an example forward, four backward, but for the inputs' gradient."""
    pairs = [rows * columns for rows, columns in itertools.pairwise(widths)]
    return batch * (6 * sum(pairs) - 2 * pairs[0])
