"""Notebook 18.2: tables that undo one step each."""

import jax
import numpy as np

from udl_jax.ch18_diffusion import diffusion_model, mixture

BETA, SIGMA = 0.01511, 0.12288


def test_conditionals(reference, agrees):
    book = reference("18_2").under("conditional")
    ours = jax.vmap(diffusion_model.conditional_diffusion)(book["x"], book["z"], book["t"], book["beta"])
    quantity = "of q(z_t-1 | z_t, x), 50 random settings"
    agrees(ours[0], book["means"], kind="value", quantity=f"means {quantity}")
    agrees(ours[1], book["deviations"], kind="value", quantity=f"deviations {quantity}")


def draw_training_noise(numbers, steps, count):
    """Draw as the notebook does: at the first step it needs no second noise, and draws none."""
    noise = numbers.normal(2 * steps - 1, count)
    return noise[[0, *range(1, 2 * steps - 1, 2)]], noise[[0, *range(2, 2 * steps - 1, 2)]]


def test_whole_run(reference, agrees, stream):
    book, numbers = reference("18_2"), stream(0)
    x = mixture.sample(mixture.four_bumps(), *numbers.data(100_000))
    agrees(x[::5000], book["x_train"], kind="draws", quantity="some of the 100,000 training samples")
    tables = jax.jit(diffusion_model.fit_tables)(x, *draw_training_noise(numbers, 100, 100_000), BETA)
    agrees(tables.values[::9], book["tables"], kind="draws", quantity="every ninth table")
    path = jax.jit(diffusion_model.sample)(tables, *numbers.reverse(100, 100_000), SIGMA)
    agrees(path[::10, :200], book["paths"], kind="draws", quantity="200 of 100,000 paths back")
    counts = np.histogram(path[0], np.arange(-3, 3.05, 0.05))[0]
    agrees(counts, book["counts"], kind="draws", quantity="histogram of the 100,000 samples")


def test_elsewhere(reference, agrees, stream):
    book, numbers = reference("18_2").under("elsewhere"), stream(1)
    x = mixture.sample(mixture.four_bumps(), *numbers.data(400))
    agrees(x, book["x"], kind="draws", quantity="400 training samples, another seed")
    tables = diffusion_model.fit_tables(x, *draw_training_noise(numbers, 20, 400), 0.08)
    agrees(tables.values, book["tables"], kind="draws", quantity="20 tables, beta 0.08")
    path = diffusion_model.sample(tables, *numbers.reverse(20, 300), 0.2)
    agrees(path[::2], book["samples"], kind="draws", quantity="300 paths of 20 steps, sigma 0.2")
