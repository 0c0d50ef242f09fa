"""Notebook 3.3: the number of linear regions."""

import jax.numpy as jnp
import numpy as np

from udl_jax.ch03_shallow_networks import regions


def test_zaslavsky(reference, agrees):
    book = reference("3_3")
    ours = np.array([str(regions.max_regions(*map(int, size))) for size in book["sizes"]])
    agrees(ours, book["counts"], kind="value", quantity="numbers of regions with all digits, three printed")


def test_figure_3_9a(reference, agrees):
    book = reference("3_3")
    hidden = range(book["regions_a"].shape[1])
    exact = jnp.array([[float(regions.max_regions(int(d), h)) for h in hidden] for d in book["dims"]])
    agrees(exact, book["regions_a"], kind="value", quantity="curves of figure 3.9a, exact integers")
    logs = jnp.stack([regions.log_max_regions(int(d), jnp.array(hidden)) for d in book["dims"]])
    theirs = jnp.log(book["regions_a"])
    agrees(logs, theirs, kind="value", quantity="curves of figure 3.9a, logarithms")


def test_figure_3_9b(reference, agrees):
    book = reference("3_3")
    # The notebook leaves column 0 of both arrays empty.
    steps = jnp.arange(1, book["params"].shape[1])
    for row, inputs in enumerate(map(int, book["dims"])):
        hidden = jnp.floor(steps * 500 / inputs).astype(int)
        parameters = regions.parameter_count(inputs, hidden).astype(float)
        logs = regions.log_max_regions(inputs, hidden)
        theirs = jnp.log(book["regions_b"][row, 1:])
        agrees(
            parameters,
            book["params"][row, 1:],
            kind="value",
            quantity=f"parameters in figure 3.9b, {inputs} inputs",
        )
        agrees(logs, theirs, kind="value", quantity=f"log regions in figure 3.9b, {inputs} inputs")


def test_parameters(reference, agrees):
    book = reference("3_3")
    ours = [regions.parameter_count(*map(int, size)) for size in book["parameter_sizes"]]
    agrees(
        np.array(ours), book["parameters"], kind="value", quantity="numbers of parameters, one printed as 97"
    )
