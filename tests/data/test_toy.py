"""The points that the book prints: shapes, ranges, labels, and precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.data import toy

REGRESSION = [
    (toy.linear_regression_points, 12, (0, 2)),
    (toy.shallow_network_points, 20, (0, 1)),
    (toy.univariate_regression_points, 20, (0, 1)),
    (toy.gabor_points, 30, (-15, 15)),
]
CLASSIFICATION = [(toy.binary_classification_points, 2), (toy.multiclass_classification_points, 3)]
ALL = [points for points, *_ in REGRESSION + CLASSIFICATION]


@pytest.mark.parametrize(("points", "count", "interval"), REGRESSION)
def test_regression_points_are_pairs_within_their_interval(points, count, interval):
    x, y = points()
    low, high = interval
    assert x.shape == y.shape == (count,)
    assert low <= x.min() < x.max() <= high
    assert y.dtype == x.dtype


@pytest.mark.parametrize(("points", "classes"), CLASSIFICATION)
def test_labels_are_integers_and_every_class_occurs(points, classes):
    x, y = points()
    assert y.shape == x.shape
    assert jnp.issubdtype(y.dtype, jnp.integer)
    assert set(y.tolist()) == set(range(classes))


@pytest.mark.parametrize("points", ALL)
def test_no_input_occurs_twice(points):
    x, _ = points()
    assert len(set(x.tolist())) == x.size


def test_chapters_3_and_5_share_their_inputs():
    shared = toy.shallow_network_points().x
    for points in (toy.univariate_regression_points, *(points for points, _ in CLASSIFICATION)):
        np.testing.assert_array_equal(points().x, shared)


@pytest.mark.parametrize("points", ALL)
def test_dtype_is_the_default_one(points):
    assert points().x.dtype == jnp.zeros(()).dtype


def test_all_printed_digits_are_there_in_double_precision():
    with jax.enable_x64(True):
        assert toy.shallow_network_points().x[0].item() == 0.09291784
        assert toy.gabor_points().y[8].item() == 0.1624


def test_least_squares_line_leaves_the_small_loss_that_the_book_draws():
    x, y = toy.linear_regression_points()
    _, residual, *_ = np.polyfit(np.asarray(x, np.float64), np.asarray(y, np.float64), 1, full=True)
    assert 0.15 < residual.item() < 0.25
