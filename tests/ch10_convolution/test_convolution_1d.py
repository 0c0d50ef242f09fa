import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udl_jax import training
from udl_jax.ch10_convolution import convolution_1d

X = jax.random.normal(jax.random.key(0), (12,))
OMEGA = jnp.array([-1.0, 0.5, -0.2])
SETTINGS = [(1, 1), (2, 1), (1, 2), (3, 2), (20, 1), (1, 20)]


def assert_near(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("stride", "dilation"), SETTINGS)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_matrix_does_what_convolution_does(stride, dilation, size):
    omega = jax.random.normal(jax.random.key(size), (size,))
    matrix = convolution_1d.convolution_matrix(len(X), omega, stride=stride, dilation=dilation)
    ours = convolution_1d.convolve(X, omega, stride=stride, dilation=dilation)
    assert matrix.shape == (-(-len(X) // stride), len(X))
    assert_near(matrix @ X, ours)


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_flax_s_layer_does_the_same(size, dilation):
    omega = jax.random.normal(jax.random.key(size), (size,))
    layer = training.Conv(1, (size,), kernel_dilation=dilation, use_bias=False)
    theirs = layer.apply({"params": {"kernel": omega[:, None, None]}}, X[None, :, None])
    assert_near(convolution_1d.convolve(X, omega, dilation=dilation), theirs[0, :, 0])


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_stride_leaves_places_out(stride):
    every = convolution_1d.convolve(X, OMEGA)
    np.testing.assert_array_equal(convolution_1d.convolve(X, OMEGA, stride=stride), every[::stride])


def test_dilated_kernel_is_one_with_gaps():
    spread = jnp.array([-1.0, 0.0, 0.0, 0.5, 0.0, 0.0, -0.2])
    assert_near(convolution_1d.convolve(X, OMEGA, dilation=3), convolution_1d.convolve(X, spread))


def test_a_moved_signal_is_convolved_to_a_moved_result():
    moved = jnp.pad(X, (3, 5))
    ours = convolution_1d.convolve(moved, OMEGA)
    assert_near(ours[4:14], convolution_1d.convolve(X, OMEGA)[1:11])


@given(st.integers(1, 6), st.integers(1, 6))
@settings(max_examples=12, deadline=None)
def test_two_convolutions_are_one_away_from_the_ends(sizes, more):
    first = np.linspace(-1, 2, sizes).astype("float32")
    second = np.linspace(1, -2, more).astype("float32")
    both = np.convolve(np.asarray(X), np.convolve(first, second)[::-1], mode="valid")
    composed = convolution_1d.compose(first, second)
    assert_near(np.convolve(np.asarray(X), np.asarray(composed)[::-1], mode="valid"), both)


def test_twice_differs_from_the_composed_kernel_at_the_ends_only():
    twice = convolution_1d.convolve(convolution_1d.convolve(X, OMEGA), OMEGA)
    once = convolution_1d.convolve(X, convolution_1d.compose(OMEGA, OMEGA))
    assert_near(twice[1:-1], once[1:-1])
    assert abs(twice[0] - once[0]) > 1e-3
    assert abs(twice[-1] - once[-1]) > 1e-3


def test_hidden_units_are_rectified_with_one_offset():
    ours = convolution_1d.hidden_units(X, OMEGA, 0.3, stride=2)
    assert_near(ours, np.maximum(0, 0.3 + convolution_1d.convolve(X, OMEGA)[::2]))


@pytest.mark.parametrize(("crop", "expected"), [(0, [1, 2, 13, 20, 30]), (1, [2, 13, 20]), (2, [13])])
def test_transposed_convolution_adds_scaled_kernels(crop, expected):
    found = convolution_1d.convolve_transposed(np.array([1.0, 10.0]), np.array([1.0, 2.0, 3.0]), crop=crop)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_transposed_convolution_is_the_transpose(stride):
    def valid(x):
        return convolution_1d.convolve(x, OMEGA)[1:-1:stride]

    length = stride * 4 + 3
    x, y = (jax.random.normal(jax.random.key(i), (n,)) for i, n in enumerate((length, 5)))
    turned = convolution_1d.convolve_transposed(y, OMEGA, stride=stride)
    assert_near(turned, jax.linear_transpose(valid, x)(y)[0])
    assert_near(jnp.dot(valid(x), y), jnp.dot(x, turned))


def test_axes_before_the_signal_are_kept():
    many = jnp.stack([X, 2 * X])[None]
    assert convolution_1d.convolve(many, OMEGA, stride=5).shape == (1, 2, 3)
    assert convolution_1d.convolve_transposed(many, OMEGA).shape == (1, 2, 25)
    assert_near(convolution_1d.convolve(many, OMEGA)[0, 1], 2 * convolution_1d.convolve(X, OMEGA))


@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_precision_is_that_of_the_inputs(dtype):
    with jax.enable_x64(True):
        x, omega = np.arange(5, dtype=dtype), np.arange(3, dtype=dtype)
        for found in (
            jax.jit(convolution_1d.convolve)(x, omega),
            convolution_1d.convolution_matrix(5, omega),
            convolution_1d.compose(omega, omega),
            convolution_1d.convolve_transposed(x, omega),
        ):
            assert found.dtype == dtype


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((np.ones(0), np.ones(3)), {}, ValueError, r"x must not be empty, got the shape \(0,\)"),
        ((np.ones(3), np.ones(0)), {}, ValueError, r"omega must not be empty, got the shape \(0,\)"),
        ((np.ones(3), np.ones(3)), {"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ((np.ones(3), np.ones(3)), {"dilation": -1}, ValueError, "dilation must be at least 1, got -1"),
        ((np.ones(3), np.ones(3)), {"dilation": 1.5}, TypeError, "dilation must be an integer"),
        ((np.ones(3), np.ones((3, 1))), {}, ValueError, r"omega must have the shape \(size\)"),
    ],
)
def test_bad_input_is_told(arguments, options, error, message):
    with pytest.raises(error, match=message):
        convolution_1d.convolve(*arguments, **options)


def test_bad_matrices_and_crops_are_told():
    with pytest.raises(ValueError, match="length must be at least 1, got 0"):
        convolution_1d.convolution_matrix(0, OMEGA)
    with pytest.raises(ValueError, match=r"crop must leave something of 5 places, so lie in 0\.\.2, got 3"):
        convolution_1d.convolve_transposed(np.ones(2), OMEGA, crop=3)
    with pytest.raises(ValueError, match="got -1"):
        convolution_1d.convolve_transposed(np.ones(2), OMEGA, crop=-1)
    with pytest.raises(ValueError, match="second must not be empty"):
        convolution_1d.compose(OMEGA, np.ones(0))
