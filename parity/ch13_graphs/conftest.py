"""torch_geometric, imported where it is needed: it takes seconds, and warns of what it is itself told is deprecated."""

import importlib
import warnings

import pytest


@pytest.fixture(scope="session")
def geometric():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("torch_geometric.datasets")
        return importlib.import_module("torch_geometric")
