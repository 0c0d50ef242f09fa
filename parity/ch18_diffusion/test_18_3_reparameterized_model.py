"""Notebook 18.3: tables that guess the noise."""

import jax
import numpy as np
import pytest

from udl_jax.ch18_diffusion import mixture
from udl_jax.ch18_diffusion import reparameterized_model as model

BETA, SIGMA = 0.01511, 0.12288


def test_whole_run(reference, agrees, stream):
    book, numbers = reference("18_3"), stream(0)
    x = mixture.sample(mixture.four_bumps(), *numbers.data(100_000))
    agrees(x[::5000], book["x_train"], kind="draws", quantity="some of the 100,000 training samples")
    tables = jax.jit(model.fit_tables)(x, numbers.normal(100, 100_000), BETA)
    agrees(tables.values[::9], book["tables"], kind="draws", quantity="every ninth table")
    path = jax.jit(model.sample)(model.table_model(tables), *numbers.reverse(100, 100_000), BETA, SIGMA)
    agrees(path[::10, :200], book["paths"], kind="draws", quantity="200 of 100,000 paths back")
    counts = np.histogram(path[0], np.arange(-3, 3.05, 0.05))[0]
    agrees(counts, book["counts"], kind="draws", quantity="histogram of the 100,000 samples")


@pytest.mark.parametrize(
    ("way", "trained_at", "sampled_at"), [("quirk", 0, 0), ("shift", 0, 1), ("consistent", 1, 0)]
)
def test_elsewhere(reference, agrees, stream, way, trained_at, sampled_at):
    book, numbers = reference("18_3").under(way), stream(2)
    told = f"models of time t - {1 - trained_at}, alpha of time t{' + 1' * sampled_at}"
    x = mixture.sample(mixture.four_bumps(), *numbers.data(400))
    agrees(x, book["x"], kind="draws", quantity=f"400 training samples; {told}")
    tables = model.fit_tables(x, numbers.normal(20, 400), 0.08, trained_at=trained_at)
    agrees(tables.values[::2], book["tables"], kind="draws", quantity=f"ten of 20 tables, beta 0.08; {told}")
    guess = model.table_model(tables)
    path = model.sample(guess, *numbers.reverse(20, 300), 0.08, 0.2, sampled_at=sampled_at)
    agrees(path[::4], book["samples"], kind="draws", quantity=f"300 paths of 20 steps, sigma 0.2; {told}")
