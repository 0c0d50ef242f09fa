"""Notebook 16.1: normalizing flows in one dimension.

The notebook differentiates by central differences; its own function, evaluated beside the real line, gives the derivative exactly.
"""

import functools

import jax.numpy as jnp

from udl_jax.ch08_performance.simplified_network import BOOK_PI
from udl_jax.ch16_flows import flow_1d

base = functools.partial(flow_1d.base_density, pi=BOOK_PI)


def test_densities(reference, agrees):
    book = reference("16_1")
    z = book["z"]
    agrees(base(z), book["pr_z"], kind="value", quantity="density of z")
    agrees(flow_1d.slope(flow_1d.bend, z), book["df_exact"], kind="value", quantity="slope of the flow")
    carried = flow_1d.push_density(flow_1d.bend, z, base)
    agrees(carried.x, book["x"], kind="value", quantity="x over z from -3 to 3")
    agrees(carried.density, book["pr_x_exact"], kind="value", quantity="density of x")


def test_density_by_differences(reference, agrees):
    book = reference("16_1")
    z = book["z"]
    differences = (flow_1d.bend(z + 1e-4) - flow_1d.bend(z - 1e-4)) / 2e-4
    agrees(differences, book["df"], kind="value", quantity="slope by the notebook's differences")
    agrees(base(z) / differences, book["pr_x"], kind="value", quantity="density of x with these differences")


def test_samples(reference, agrees):
    book = reference("16_1")
    agrees(flow_1d.bend(book["drawn"]), book["samples"], kind="draws", quantity="20 samples of x")


def test_elsewhere(reference, agrees):
    book = reference("16_1").under("elsewhere")
    z = book["z"]
    agrees(flow_1d.bend(z), book["x"], kind="value", quantity="x at 100 other z from -5 to 5")
    agrees(flow_1d.slope(flow_1d.bend, z), book["df"], kind="value", quantity="slopes there")
    agrees(
        flow_1d.inverse(flow_1d.bend, book["x"]), z, kind="value", quantity="our inverse of the notebook's x"
    )
    densities = jnp.stack([base(z, *setting) for setting in book["settings"]])
    agrees(
        densities, book["pr_z"], kind="value", quantity="densities of z at three other means and deviations"
    )
