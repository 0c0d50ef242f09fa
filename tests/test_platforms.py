"""Every training lowers for platforms that are not here: nothing in it is bound to a device."""

import re

import jax
import jax.numpy as jnp
import pytest
from jax import export

from tests.main_programs import MAIN_PROGRAMS

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")
#: Calls that every platform knows or that JAX replaces: marks of sharding, and its own random numbers.
KNOWN_CALLS = re.compile(
    r"Sharding|SPMD|annotate_device_placement|cu_threefry2x32|hip_threefry2x32|shape_assertion"
)


@pytest.mark.parametrize("name", MAIN_PROGRAMS)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_main_program_lowers_for_every_platform(name, precision):
    with jax.enable_x64(precision == "float64"):
        function, arguments = MAIN_PROGRAMS[name](jnp.dtype(precision))
        shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), arguments)
        exported = export.export(jax.jit(function), platforms=PLATFORMS)(*shapes)
    assert exported.platforms == PLATFORMS
    text = exported.mlir_module()
    calls = set(re.findall(r"custom_call @([\w.$]+)", text))
    assert not {call for call in calls if not KNOWN_CALLS.search(call)}
    if precision == "float32":
        assert "f64" not in text


def test_programs_are_known_by_their_record():
    """A number of the catalogue, and perhaps a word."""
    from udl_jax import book  # noqa: PLC0415

    for name in MAIN_PROGRAMS:
        assert book.find(name.split()[0]).done
