"""Notebook 18.4: DDIM, and DDIM in fewer steps."""

import functools

import jax
import numpy as np
import pytest

from udl_jax.ch18_diffusion import diffusion_families as families
from udl_jax.ch18_diffusion import mixture
from udl_jax.ch18_diffusion import reparameterized_model as model

BETA = 0.01511


def test_whole_run(reference, agrees, stream):
    book, numbers = reference("18_4"), stream(0)
    x = mixture.sample(mixture.four_bumps(), *numbers.data(100_000))
    agrees(x[::5000], book["x_train"], kind="draws", quantity="some of the 100,000 training samples")
    tables = jax.jit(model.fit_tables)(x, numbers.normal(100, 100_000), BETA)
    agrees(tables.values[::9], book["tables"], kind="draws", quantity="every ninth table")
    guess = model.table_model(tables)
    for name, steps, sigma in (("quiet", 100, 0.001), ("quick", 20, 0.11)):
        times = tuple(families.even_times(steps, 100).tolist())
        sample = jax.jit(functools.partial(families.sample_ddim, times=times, shift=1))
        path = sample(guess, *numbers.reverse(steps, 100_000), BETA, sigma)
        told = f"{steps} steps, sigma {sigma}"
        every = 10 if steps == 100 else 1
        agrees(
            path[::every, :200], book[f"{name}/paths"], kind="draws", quantity=f"200 of 100,000 paths, {told}"
        )
        counts = np.histogram(path[0], np.arange(-3, 3.05, 0.05))[0]
        agrees(counts, book[f"{name}/counts"], kind="draws", quantity=f"histogram of 100,000 samples, {told}")


@pytest.fixture
def few(stream):
    numbers = stream(3)
    x = mixture.sample(mixture.four_bumps(), *numbers.data(400))
    return x, model.fit_tables(x, numbers.normal(30, 400), 0.08), numbers


def test_elsewhere(reference, agrees, few):
    book, (x, tables, numbers) = reference("18_4").under("elsewhere"), few
    agrees(x, book["x"], kind="draws", quantity="400 training samples, another seed")
    agrees(tables.values[::3], book["tables"], kind="draws", quantity="ten of 30 tables, beta 0.08")
    guess = model.table_model(tables)
    for sigma in (0.0, 0.25):
        path = families.sample_ddim(guess, *numbers.reverse(30, 200), 0.08, sigma, shift=1)
        quantity = f"200 paths, beta 0.08, sigma {sigma}"
        agrees(path[::5], book[f"every_{sigma}"], kind="draws", quantity=f"{quantity}, 30 steps")
        times = families.even_times(6, 30)
        path = families.sample_ddim(guess, *numbers.reverse(6, 200), 0.08, sigma, times, shift=1)
        agrees(path, book[f"few_{sigma}"], kind="draws", quantity=f"{quantity}, 6 steps")
