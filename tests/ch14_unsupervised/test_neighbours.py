import jax
import numpy as np
import pytest

from udl_jax.ch14_unsupervised import neighbours

RNG = np.random.default_rng(0)
REAL = RNG.normal(size=(80, 3)).astype(np.float32)


def test_roles_of_the_sets_exchange_precision_and_recall():
    made = (0.5 * RNG.normal(size=(60, 3)) + 0.4).astype(np.float32)
    one, two = neighbours.precision_recall(REAL, made, 3), neighbours.precision_recall(made, REAL, 3)
    np.testing.assert_allclose((one.precision, one.recall), (two.recall, two.precision), rtol=1e-6)


def test_far_samples_and_copies():
    far = REAL + 100
    assert neighbours.precision_recall(REAL, far) == (0, 0)
    assert neighbours.density_coverage(REAL, far) == (0, 0)
    copies = neighbours.precision_recall(REAL, REAL)
    assert copies == (1, 1)
    assert neighbours.density_coverage(REAL, REAL).coverage == 1
    np.testing.assert_array_equal(neighbours.nearest_distances(REAL, REAL), 0)


def test_half_of_the_data_is_precise_but_has_not_all():
    half = REAL[REAL[:, 0] > 0]
    found = neighbours.precision_recall(REAL, half, 3)
    assert found.precision == 1
    assert found.recall < 0.8


def test_order_moves_and_turns_change_nothing():
    made = RNG.normal(size=(50, 3))
    turn, _ = np.linalg.qr(RNG.normal(size=(3, 3)))
    with jax.enable_x64(True):
        for function in (neighbours.precision_recall, neighbours.density_coverage):
            first = function(REAL.astype(float), made, 4)
            moved = [
                x @ turn + 3 for x in (REAL.astype(float)[RNG.permutation(80)], made[RNG.permutation(50)])
            ]
            np.testing.assert_allclose(function(*moved, 4), first, rtol=1e-10)


def test_same_distribution_covers_as_expected():
    a, b = RNG.normal(size=(2, 1500, 4))
    found = neighbours.density_coverage(a, b, 3)
    np.testing.assert_allclose(found.coverage, 1 - 2.0**-3, atol=0.05)
    np.testing.assert_allclose(found.density, 1, atol=0.1)


def test_one_outlier_spoils_precision_but_not_density():
    """A real sample far from all has a ball that holds what nobody would call realistic."""
    outlier = np.concatenate([REAL, [[30.0, 0, 0]]])
    between = RNG.normal(size=(40, 3)) + np.array([12.0, 0, 0])
    assert neighbours.precision_recall(outlier, between, 3).precision > 0.9
    assert neighbours.density_coverage(outlier, between, 3).density < 0.5


def test_distances_to_the_nearest():
    made = RNG.normal(size=(7, 3)).astype(np.float32)
    expected = np.linalg.norm(made[:, None] - REAL, axis=-1).min(1)
    np.testing.assert_allclose(neighbours.nearest_distances(made, REAL), expected, rtol=1e-5)


def test_dtype_and_jit():
    with jax.enable_x64(True):
        for dtype in (np.float32, np.float64):
            found = jax.jit(neighbours.precision_recall, static_argnums=2)(
                REAL.astype(dtype), REAL.astype(dtype), 2
            )
            assert {leaf.dtype for leaf in found} == {np.dtype(dtype)}
            assert {
                leaf.dtype for leaf in neighbours.density_coverage(REAL.astype(dtype), REAL.astype(dtype))
            } == {np.dtype(dtype)}


@pytest.mark.parametrize("function", [neighbours.precision_recall, neighbours.density_coverage])
def test_bad_input_is_told(function):
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        function(REAL, REAL, 0)
    with pytest.raises(ValueError, match="k must be less than the number of samples in real, 80, got 80"):
        function(REAL, REAL, 80)
    with pytest.raises(
        ValueError, match=r"made must have the shape \(made, features\), where .*features is 3 as in real"
    ):
        function(REAL, REAL[:, :2])
    with pytest.raises(ValueError, match="made must be finite"):
        function(REAL, np.full((9, 3), np.inf))
    with pytest.raises(TypeError, match="k must be"):
        function(REAL, REAL, 2.5)
