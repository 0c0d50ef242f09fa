"""Two CPU devices, so that what is shared out over devices is tested; before JAX wakes up."""

import os

import matplotlib
import pytest

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
matplotlib.use("Agg")


@pytest.fixture(autouse=True, scope="module")
def _programs_are_forgotten():
    """Drop compiled programs after each module: those of a whole session would take many gigabytes."""
    yield
    import jax  # noqa: PLC0415  (some modules see to it that JAX is not imported)

    jax.clear_caches()
