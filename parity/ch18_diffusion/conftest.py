"""The notebooks' stream of random numbers, drawn again from its seed: too many to be stored."""

import numpy as np
import pytest


class Stream:
    """NumPy's legacy generator, as the notebooks use it."""

    def __init__(self, seed):
        self._generator = np.random.RandomState(seed)

    def normal(self, *shape):
        """Draw standard normal numbers."""
        return self._generator.standard_normal(shape)

    def data(self, count):
        """Draw what the notebooks need for samples of the data: uniform numbers, then normal ones."""
        return self._generator.random_sample(count), self.normal(count)

    def reverse(self, steps, count):
        """Draw where the notebooks' samplers start, and their noise, which they use up from the last step to the first."""
        return self.normal(count), self.normal(steps, count)[::-1]


@pytest.fixture
def stream():
    """Give a new stream for a seed."""
    return Stream
