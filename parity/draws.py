"""Small keys to torch's large draws, so that a recording need not hold what torch can draw again.

The recording has a seed of 64 bits where a permutation of thousands of examples would be, and the state of
torch's generator where tens of thousands of weights would be. Whoever draws again, checks some of the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def note_seeds() -> list[int]:
    """Note, from now on, the seed of every permutation in which torch visits data; the list grows.

    To be called by a completion, inside :class:`parity.taps.TorchTap`, whose end also ends this.
    """
    import torch  # noqa: PLC0415

    seeds: list[int] = []
    sampler = torch.utils.data.RandomSampler
    listener = sampler.__iter__

    def visit(self):
        before = torch.get_rng_state()
        seeds.append(int(torch.empty((), dtype=torch.int64).random_()))  # what the sampler is about to do
        torch.set_rng_state(before)
        return listener(self)

    sampler.__iter__ = visit
    return seeds


def visited(seeds: Sequence[int], examples: int) -> np.ndarray:
    """Draw the permutations of these seeds again: an array (epochs, examples)."""
    import torch  # noqa: PLC0415

    return np.array(
        [
            torch.randperm(examples, generator=torch.Generator().manual_seed(int(seed))).numpy()
            for seed in seeds
        ]
    )


def batches(seeds: Sequence[int], examples: int, batch: int) -> np.ndarray:
    """Cut :func:`visited` into batches: an array (epochs, steps, batch)."""
    order = visited(seeds, examples).astype(np.int32)
    return order.reshape(len(order), -1, batch)


def he_uniform(state: np.ndarray, shapes: Sequence[tuple[int, int]], dtype: str) -> list[np.ndarray]:
    """Draw the weights (out, in) of linear layers again, in He's way, from a state of torch's generator."""
    import torch  # noqa: PLC0415

    now = torch.get_rng_state()
    torch.set_rng_state(torch.tensor(np.asarray(state), dtype=torch.uint8))
    weights = [
        torch.nn.init.kaiming_uniform_(torch.empty(shape, dtype=getattr(torch, dtype))) for shape in shapes
    ]
    torch.set_rng_state(now)
    return [weight.numpy() for weight in weights]
