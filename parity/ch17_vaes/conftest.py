"""The notebooks' stream of random numbers, drawn again from a seed or from a state: too many to be stored."""

import numpy as np
import pytest


def legacy(seed=0, keys=None, place=None):
    """Make NumPy's legacy generator, as the notebooks use it, at its beginning or in the middle of its stream."""
    generator = np.random.RandomState(int(seed))
    if keys is not None:
        position, has_gauss, cached = (float(part) for part in place)
        keys = np.asarray(keys).astype(np.uint32)
        generator.set_state(("MT19937", keys, int(position), int(has_gauss), cached))
    return generator


@pytest.fixture
def stream():
    """Give a generator for a seed, or for the keys and the place of a state."""
    return legacy
