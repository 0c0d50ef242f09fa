import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch10_convolution import resampling

PHOTO = jax.random.normal(jax.random.key(0), (9, 8, 3))
SMALLER = pytest.mark.parametrize(
    "function", [resampling.downsample, resampling.max_pool, resampling.mean_pool]
)


@SMALLER
def test_channels_are_kept_apart(function):
    for channel in range(3):
        np.testing.assert_allclose(function(PHOTO)[..., channel], function(PHOTO[..., channel]), rtol=1e-5)


@SMALLER
def test_all_undo_duplication(function):
    np.testing.assert_allclose(function(resampling.duplicate(PHOTO, 3), 3), PHOTO, rtol=1e-6)


@SMALLER
def test_factor_1_changes_nothing(function):
    np.testing.assert_array_equal(function(PHOTO, 1), PHOTO)


def test_sizes_that_do_not_divide():
    assert resampling.downsample(PHOTO, 4).shape == (3, 2, 3)
    assert resampling.max_pool(PHOTO, 4).shape == resampling.mean_pool(PHOTO, 4).shape == (2, 2, 3)


def test_pooling_in_two_steps_is_pooling_in_one():
    for pool in (resampling.max_pool, resampling.mean_pool):
        np.testing.assert_allclose(pool(pool(PHOTO[:8])), pool(PHOTO[:8], 4), rtol=1e-5)


def test_bytes_are_averaged_without_overflow():
    bright = np.full((2, 2), 255, np.uint8)
    assert resampling.mean_pool(bright) == 255
    np.testing.assert_array_equal(resampling.bilinear(bright)[:2, :2], [[255, 255], [255, 255]])


def test_unpooled_pixels_are_where_the_largest_were():
    pooled = resampling.max_pool(PHOTO[:8])
    raised = resampling.max_unpool(pooled, PHOTO[:8])
    assert jnp.sum(raised != 0) == pooled.size
    np.testing.assert_array_equal(raised[raised != 0], PHOTO[:8][raised != 0])


def test_unpooling_undone_by_pooling_of_positive_pixels():
    x = jnp.abs(PHOTO[:8])
    np.testing.assert_array_equal(
        resampling.max_pool(resampling.max_unpool(resampling.max_pool(x), x)), resampling.max_pool(x)
    )


def test_among_equals_the_first_gets_the_pixel():
    raised = resampling.max_unpool(jnp.array([[7.0]]), jnp.array([[1.0, 2.0], [2.0, 2.0]]))
    np.testing.assert_array_equal(raised, [[0, 7], [0, 0]])


def test_unpooling_is_the_gradient_of_pooling():
    weights = jax.random.normal(jax.random.key(1), (4, 4, 3))
    gradient = jax.grad(lambda x: jnp.sum(weights * resampling.max_pool(x)))(PHOTO[:8])
    np.testing.assert_allclose(gradient, resampling.max_unpool(weights, PHOTO[:8]), rtol=1e-6)


def test_bilinear_interpolation_of_a_plane_is_the_plane():
    rows, columns = jnp.meshgrid(jnp.arange(4.0), jnp.arange(5.0), indexing="ij")
    fine = resampling.bilinear(3 * rows - 2 * columns + 1, round_up=False)
    rows, columns = jnp.meshgrid(jnp.arange(8) / 2, jnp.arange(10) / 2, indexing="ij")
    np.testing.assert_allclose(fine[:-1, :-1], (3 * rows - 2 * columns + 1)[:-1, :-1])


def test_bilinear_keeps_pixels_and_rounds_means_up():
    x = jnp.array([[0.25, 1.0], [2.0, 4.0]])
    np.testing.assert_array_equal(resampling.bilinear(x)[::2, ::2], x)
    np.testing.assert_array_equal(resampling.bilinear(x)[:2, :2], [[0.25, 1], [2, 2]])
    np.testing.assert_array_equal(
        resampling.bilinear(x, round_up=False)[:2, :2], [[0.25, 0.625], [1.125, 1.8125]]
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_precision_is_that_of_the_image(dtype):
    with jax.enable_x64(True):
        x = np.asarray(PHOTO[:8], dtype)
        small = resampling.max_pool(x)
        found = [small, resampling.downsample(x), resampling.mean_pool(x), resampling.duplicate(x)]
        found += [resampling.max_unpool(small, x), resampling.bilinear(x)]
        assert {a.dtype for a in found} == {np.dtype(dtype)}


@SMALLER
@pytest.mark.parametrize(
    ("shape", "factor", "message"),
    [
        ((0, 4), 2, r"x must not be empty, got the shape \(0, 4\)"),
        ((4,), 2, r"x must have the shape \(height, width, .*\), got \(4,\)"),
        ((4, 4), 0, "factor must be at least 1, got 0"),
    ],
)
def test_bad_input_is_told(function, shape, factor, message):
    with pytest.raises(ValueError, match=message):
        function(np.ones(shape), factor)


def test_blocks_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match=r"at least 3 of each, got the shape \(2, 4\)"):
        resampling.max_pool(np.ones((2, 4)), 3)


def test_images_that_do_not_fit_each_other_are_told():
    with pytest.raises(ValueError, match=r"2 times as large as x, got \(4, 6\) for \(2, 2\)"):
        resampling.max_unpool(np.ones((2, 2)), np.ones((4, 6)))
