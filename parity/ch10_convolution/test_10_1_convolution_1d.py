"""Notebook 10.1: convolution of a signal."""

import jax.numpy as jnp
import pytest

from udl_jax.ch10_convolution import convolution_1d

THIRDS, FIFTHS, EDGES = (jnp.array(w) for w in ([0.33] * 3, [0.2] * 5, [-0.5, 0.0, 0.5]))
SETTINGS = {
    "smoothed": (THIRDS, {}),
    "differences": (EDGES, {}),
    "stride": (THIRDS, {"stride": 2}),
    "wide": (FIFTHS, {}),
    "dilated": (THIRDS, {"dilation": 2}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_convolution(reference, agrees, name):
    book = reference("10_1")
    omega, options = SETTINGS[name]
    ours = convolution_1d.convolve(book["x"], omega, **options)
    agrees(ours, book[name], kind="value", quantity=f"convolution, {name}")


def test_author_s_sums(reference):
    book = reference("10_1")
    sums = [
        float(convolution_1d.convolve(book["x"], omega, **options).sum())
        for omega, options in (SETTINGS["smoothed"], SETTINGS["wide"], SETTINGS["dilated"])
    ]
    assert [f"{total:3.3}" for total in sums] == ["71.1", "69.6", "68.3"]


def test_matrix(reference, agrees):
    book = reference("10_1")
    omega = book["omega"]
    matrix = convolution_1d.convolution_matrix(len(book["x"]), omega)
    agrees(matrix, book["matrix"], kind="value", quantity="matrix of a convolution")
    agrees(matrix @ book["x"], book["by_matrix"], kind="value", quantity="matrix times signal")
    once = convolution_1d.convolve(book["x"], omega)
    agrees(once, book["twice_first"], kind="value", quantity="convolution with weights -1, 0.5, -0.2")
    twice = convolution_1d.convolve(once, omega)
    agrees(twice, book["twice"], kind="value", quantity="the same, twice")
    agrees(
        matrix @ matrix @ book["x"], book["twice_by_matrix"], kind="value", quantity="square of the matrix"
    )


@pytest.mark.parametrize("length", [1, 2, 5, 40])
def test_elsewhere(reference, agrees, length):
    book = reference("10_1").under(f"elsewhere/{length}")
    ours = {
        "plain": convolution_1d.convolve(book["x"], book["three"]),
        "stride": convolution_1d.convolve(book["x"], book["three"], stride=2),
        "wide": convolution_1d.convolve(book["x"], book["five"]),
        "dilated": convolution_1d.convolve(book["x"], book["three"], dilation=2),
        "matrix": convolution_1d.convolution_matrix(length, book["three"]),
    }
    theirs = {name: book[name] for name in ours}
    agrees(ours, theirs, kind="value", quantity=f"all of it, on another signal of length {length}")
