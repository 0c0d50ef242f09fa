"""Notebook 8.4: high-dimensional spaces."""

import jax.numpy as jnp
import numpy as np
import pytest

from parity import layout
from udl_jax.ch08_performance import high_dimensions as spaces

DIMENSIONS = (2, 100, 1000)


@pytest.fixture(scope="module")
def points():
    """Draw the points as the notebook does: seed 0, one data set after the other."""
    random = np.random.RandomState(0)
    return {n: random.normal(size=(n, 1000)) for n in DIMENSIONS}


@pytest.mark.parametrize("dimensions", DIMENSIONS)
def test_distances(reference, agrees, points, dimensions):
    book, ours = reference("8_4"), points[dimensions]
    agrees(ours[:2, ::50], book[f"{dimensions}/points"], kind="draws", quantity=f"points, {dimensions}")
    found = spaces.distance_range(layout.rows(ours))
    measured = jnp.stack([*found, found.ratio])
    for value, theirs, name in zip(measured, book[f"{dimensions}"], ("smallest", "largest", "ratio")):
        agrees(value, theirs, kind="draws", quantity=f"{name} distance, {dimensions} dimensions")


def test_distances_elsewhere(reference, agrees):
    book = reference("8_4")
    found = []
    for seed, dimensions, count in book["elsewhere/settings"].tolist():
        drawn = np.random.RandomState(seed).uniform(-9, 9, size=(dimensions, count))
        distances = spaces.distance_range(layout.rows(drawn))
        found.append([*distances, distances.ratio])
    agrees(
        jnp.array(found).T, book["elsewhere"].T, kind="draws", quantity="distances, 4 other sets of points"
    )


def test_volumes(reference, agrees):
    book = reference("8_4").under("volume")
    for diameter, theirs in zip(book["diameters"], reference("8_4")["volume"]):
        logarithm = spaces.log_volume_of_hypersphere(book["dimensions"], diameter)
        quantity = f"log volume, 1 to 300 dimensions, diameter {diameter:.1f}"
        agrees(logarithm, jnp.log(theirs), kind="value", quantity=quantity)
        # Volumes of one array span hundreds of powers of ten, so each is compared with its own size.
        ratio = spaces.volume_of_hypersphere(book["dimensions"], diameter) / theirs
        agrees(ratio, jnp.ones(300), kind="value", quantity=f"volume, diameter {diameter:.1f}")


def test_shells(reference, agrees):
    book = reference("8_4")
    ours = spaces.shell_proportion(book["volume/dimensions"])
    agrees(ours, book["shell"], kind="value", quantity="volume in the outer 1 %, 1 to 300 dimensions")
