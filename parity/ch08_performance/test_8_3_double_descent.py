"""Notebook 8.3: double descent.

Trajectories: all 1,000 epochs for a width of 10, and the first 100 for widths of 2, 6 and 45; the steps are the same.
"""

import functools
import random

import jax.numpy as jnp
import numpy as np
import pytest

from parity import draws, layout
from udl_jax import training
from udl_jax.ch08_performance import double_descent as descent
from udl_jax.ch08_performance import mnist1d
from udl_jax.data.mnist1d import load_mnist1d

WIDTHS = {10: "long", 2: "short", 6: "short", 45: "short"}


def draw_noise(examples):
    """Draw as the notebook does after the data, whose making has seeded Python's generator with 42."""
    generator = random.Random(42)
    coins, digits = np.ones(examples), np.zeros(examples)
    for number in range(examples):
        coins[number] = generator.random()
        if coins[number] < 0.15:
            digits[number] = generator.random()
    return coins, digits


@pytest.fixture(scope="module")
def data(reference):
    clean = load_mnist1d(num_samples=8000, train_split=0.5)
    return clean._replace(y_train=descent.noisy_labels(clean.y_train, *draw_noise(4000)))


@pytest.fixture(scope="module")
def trained(reference, data):
    """Train from the book's initial weights and in its batch order."""

    @functools.cache
    def train(width):
        book = reference("8_3").under(WIDTHS[width]) | reference("8_3").under(f"{WIDTHS[width]}/{width}")
        order = draws.batches(book["seeds"].tolist(), 4000, 100)
        settings = descent.Settings(widths=(width,), epochs=len(order), every=1)
        recipe = mnist1d.make_recipe(settings.of(width))
        state = training.start(recipe, {"params": in_flax(book, "initial")})
        return book, training.train(recipe, state, *mnist1d.split(data), order)

    return train


def in_flax(take, group):
    return layout.deep_network([take[f"{group}/{i}"] for i in range(6)])


def test_data(reference, agrees, data):
    book = reference("8_3").under("long")
    agrees(data.x_train[::100], book["x_train"], kind="value", quantity="training inputs, every 100th")
    agrees(data.x_test[::100], book["x_test"], kind="value", quantity="test inputs, every 100th")
    means = jnp.concatenate([data.x_train, data.x_test]).mean(0)
    agrees(means, book["column_means"], kind="value", quantity="means of all 40 columns")
    agrees(data.y_train, book["y_train"], kind="draws", quantity="noisy training labels")
    agrees(data.y_test, book["y_test"], kind="value", quantity="test labels")


def test_parameters(reference, agrees):
    for take in ("long", "short"):
        book = reference("8_3").under(take)
        ours = [descent.count_parameters(width) for width in book["widths"].tolist()]
        agrees(
            jnp.array(ours), book["parameters"], kind="value", quantity=f"number of parameters, {take} run"
        )


@pytest.mark.parametrize("width", WIDTHS)
def test_losses(agrees, trained, width):
    book, (_, history) = trained(width)
    for part in ("train", "test"):
        loss, theirs = getattr(history, part).loss, book[f"{part}_loss"]
        agrees(loss, theirs, kind="trajectory", quantity=f"{part} loss, width {width}, {len(theirs)} epochs")


@pytest.mark.parametrize("width", WIDTHS)
def test_final_weights_and_errors(agrees, trained, width):
    book, (state, history) = trained(width)
    ours, theirs = state.variables["params"], in_flax(book, "final")
    agrees(ours, theirs, kind="trajectory", quantity=f"final weights, width {width}")
    for part in ("train", "test"):
        wrong, wrong_there = (
            jnp.rint(error * 40).astype(int)
            for error in (getattr(history, part).error[-1], book[f"{part}_error"])
        )
        agrees(wrong, wrong_there, kind="trajectory", quantity=f"number of {part} errors, width {width}")


def test_whole_percents(reference):
    """The notebook keeps its errors in an array of integers, which cuts their decimals off."""
    book = reference("8_3").under("short")
    for part in ("train", "test"):
        errors = [book[f"{width}/{part}_error"] for width in (2, 6, 45)]
        assert book[f"whole_{part}_error"].tolist() == np.floor(errors).tolist()
