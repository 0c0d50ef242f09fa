"""Notebook 21.2: explainability."""

import functools

import jax
import jax.numpy as jnp
import pytest

from udl_jax.ch21_ethics import black_box, explainability

predict = functools.partial(black_box.score, black_box.book_black_box())


def test_black_box(reference, agrees):
    book, model = reference("21_2"), black_box.book_black_box()
    theirs = (book["means"].T, book["deviations"].T, book["values"])
    agrees(tuple(model), theirs, kind="draws", quantity="means, deviations and values of ten bumps")


def test_scores(reference, agrees):
    book = reference("21_2")
    agrees(predict(book["probes"].T), book["scores"], kind="value", quantity="scores of 300 points")
    agrees(predict(book["x"]), book["score"], kind="value", quantity="score of the loan that is refused")
    other = book.under("other")
    model = black_box.BlackBox(other["means"].T, other["deviations"].T, other["values"])
    scores = black_box.score(model, book["probes"].T)
    agrees(scores, other["scores"], kind="value", quantity="scores of 300 points by another black box")


@pytest.mark.parametrize(
    ("name", "x", "across", "up"),
    [("first", (0.0, 0.0, 0.2, 0.9), 0, 1), ("second", (0.3, 0.0, 0.2, 0.0), 1, 3)],
)
def test_slices(reference, agrees, name, x, across, up):
    book = reference("21_2")
    grid = book["grid"][::20]
    ours = explainability.slice_2d(predict, jnp.array(x), across, up, grid)
    agrees(ours, book[f"slices/{name}"], kind="value", quantity=f"the {name} slice, 50 by 50")


def test_individual_expectation(reference, agrees):
    book = reference("21_2")
    ours = [explainability.individual_expectation(predict, book["x"], k, book["grid"]) for k in range(4)]
    agrees(jnp.stack(ours), book["ice"], kind="value", quantity="four ICE curves at 1,000 places each")


def test_lime(reference, agrees):
    book = reference("21_2")
    x, noise = book["x"], book["lime/noise"]
    agrees(predict(x + noise), book["lime/scores"], kind="draws", quantity="scores of 100 samples")
    fit = explainability.lime(predict, x, noise)
    agrees(fit.slopes, book["lime/slopes"], kind="draws", quantity="slopes of the linear model")
    agrees(fit.intercept, book["lime/intercept"], kind="draws", quantity="intercept of the linear model")


def test_lime_elsewhere(reference, agrees):
    book = reference("21_2").under("other")
    fits = jax.vmap(functools.partial(explainability.lime, predict))(book["x"], book["noise"])
    ours = jnp.column_stack([fits.intercept, fits.slopes])
    agrees(ours, book["fits"], kind="draws", quantity="linear models at three other points, radius 0.2")
