"""Notebook 16.3: contraction mappings."""

import functools

import jax
import jax.numpy as jnp
import pytest

from udl_jax.ch16_flows import contraction

SETTINGS = {
    "f": (0.3, 0.5, 0.02),
    "f2": (0.7, -0.6, 0.03),
    "f3": (-0.2, 1.5, 0.1),
    "f4": (-0.3, 0.5, 0.02),
}
STARTS = {"f": 0.2, "f2": 0.9, "f3": 0.7}


def function(name):
    offset, slope, ripple = SETTINGS[name]
    return functools.partial(contraction.wavy_line, offset=offset, slope=slope, ripple=ripple)


def orbits(function, starts):
    return jax.vmap(lambda start: contraction.follow(function, start))(starts)


@pytest.mark.parametrize("name", SETTINGS)
def test_functions(reference, agrees, name):
    book = reference("16_3")
    agrees(function(name)(book["grid"]), book[name], kind="value", quantity=f"{name} from -0.5 to 1.5")


@pytest.mark.parametrize("name", STARTS)
def test_orbits(reference, agrees, name):
    ours = contraction.follow(function(name), jnp.array(STARTS[name]))
    theirs = reference("16_3")[f"{name}/orbit"]
    agrees(ours, theirs, kind="value", quantity=f"20 iterations of {name}")
    agrees(ours / theirs, jnp.ones(21), kind="value", quantity=f"20 iterations of {name}, each by itself")


def test_inversion(reference, agrees):
    book = reference("16_3")
    f4 = function("f4")
    ours = contraction.follow(lambda z: 0.8 - f4(z), jnp.array(0.2))
    agrees(
        ours, book["f4/orbit"], kind="value", quantity="20 iterations towards the inverse of z + f4(z) at 0.8"
    )
    found = contraction.invert_residual(f4, jnp.array(0.8), jnp.array(0.2), tolerance=1e-300, iterations=20)
    agrees(
        found.z, book["f4/z"], kind="value", quantity="the same by the library's inverse, stopped after 20"
    )


@pytest.mark.parametrize("place", range(3))
def test_orbits_elsewhere(reference, agrees, place):
    book = reference("16_3").under("elsewhere")
    name = list(STARTS)[place]
    ours = orbits(function(name), book["starts"])
    agrees(ours, book["orbits"][place], kind="value", quantity=f"{name} from 12 other starts")


@pytest.mark.parametrize(("place", "name"), [(0, "f"), (1, "f4")])
def test_inversions_elsewhere(reference, agrees, place, name):
    book = reference("16_3").under("elsewhere")
    follow = lambda y, start: contraction.follow(lambda z: y - function(name)(z), start)  # noqa: E731
    ours = jax.vmap(follow)(book["targets"], book["starts"])
    agrees(ours, book["inversions"][place], kind="value", quantity=f"z + {name}(z) undone at 12 other y")
