"""The rules of agreement themselves: what they let pass, and what they do not."""

import jax.numpy as jnp
import numpy as np
import pytest

from parity import agreement

VALUES = np.random.default_rng(0).normal(size=50)


@pytest.mark.parametrize(
    ("kind", "dtype"), [("value", "f8"), ("draws", "f8"), ("trajectory", "f8"), ("trajectory", "f4")]
)
def test_tolerance_divides_good_from_bad(kind, dtype):
    theirs = VALUES.astype(dtype)
    tolerance = agreement.TOLERANCES[kind, theirs.dtype.name]
    assert agreement.compare((theirs * (1 + 0.5 * tolerance)).astype(dtype), theirs, kind).passed
    assert not agreement.compare((theirs * (1 + 2 * tolerance)).astype(dtype), theirs, kind).passed


def test_one_wrong_element_is_enough():
    ours = VALUES.copy()
    ours[17] += 1e-8
    assert not agreement.compare(ours, VALUES, "value").passed


def test_rounding_about_zero_is_no_error():
    theirs = np.array([1.0, 0.3 - 3 * 0.1, -2.0])
    assert theirs[1] != 0
    assert agreement.compare(np.array([1.0, 0.0, -2.0]), theirs, "value").passed


def test_integers_must_be_equal():
    assert agreement.compare(np.array([1, 2]), np.array([1, 2]), "value").max_error == 0
    assert not agreement.compare(np.array([1, 3]), np.array([1, 2]), "value").passed


def test_zeros_agree_with_zeros_alone():
    assert agreement.compare(np.zeros(3), np.zeros(3), "value").passed
    assert not agreement.compare(np.full(3, 1e-300), np.zeros(3), "value").passed


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_specials_must_stand_at_the_same_places(special):
    theirs = np.array([1.0, special, 2.0])
    assert agreement.compare(theirs.copy(), theirs, "value").passed
    assert not agreement.compare(np.array([special, 1.0, 2.0]), theirs, "value").passed
    assert not agreement.compare(np.array([1.0, 1.0, 2.0]), theirs, "value").passed
    assert not agreement.compare(theirs, np.array([1.0, 1.0, 2.0]), "value").passed


def test_shapes_precisions_and_trees_must_be_the_same():
    with pytest.raises(ValueError, match="our shape is"):
        agreement.compare(VALUES[None], VALUES, "value")
    with pytest.raises(TypeError, match=r"ours is .*float32"):
        agreement.compare(VALUES.astype("f4"), VALUES, "value")
    with pytest.raises(ValueError, match="ours is PyTreeDef"):
        agreement.compare({"a": VALUES}, {"b": VALUES}, "value")


def test_trees_report_their_worst_leaf():
    found = agreement.compare({"a": VALUES, "b": VALUES * (1 + 1e-12)}, {"a": VALUES, "b": VALUES}, "value")
    assert 5e-13 < found.max_error < 5e-12


def logistic_map(start, steps=60):
    x = [np.float64(start)]
    for _ in range(steps):
        x.append(4 * x[-1] * (1 - x[-1]))
    return np.array(x)


def test_twin_admits_chaos_and_nothing_else():
    """Two correct programs part as twins do; one with a small systematic error parts sooner."""
    start = 0.3
    theirs, twin = logistic_map(start), logistic_map(np.nextafter(start, 1))
    rounded_otherwise = logistic_map(np.nextafter(start, 0))
    assert not agreement.compare(rounded_otherwise, theirs, "trajectory").passed
    assert agreement.compare(rounded_otherwise, theirs, "trajectory", twin=twin).passed
    assert not agreement.compare(logistic_map(start + 1e-12), theirs, "trajectory", twin=twin).passed


def test_distribution_is_placed_within_the_spread():
    theirs = np.linspace(30.0, 34.0, 10)
    centre = agreement.compare(np.full(10, 32.0), theirs, "distribution")
    edge = agreement.compare(np.full(10, 34.0), theirs, "distribution")
    assert centre.max_error == 0
    np.testing.assert_allclose(edge.max_error, 1)
    assert not agreement.compare(np.full(10, 34.5), theirs, "distribution").passed


def test_distribution_needs_ten_runs():
    with pytest.raises(ValueError, match="a distribution needs 10 runs, got 10 and 9"):
        agreement.compare(VALUES[:10], VALUES[:9], "distribution")


def test_jax_arrays_are_compared_as_well():
    assert agreement.compare(jnp.asarray(VALUES), VALUES, "value").passed
