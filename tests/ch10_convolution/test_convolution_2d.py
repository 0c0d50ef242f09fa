import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax import training
from udl_jax.ch10_convolution import convolution_2d

IMAGES = jax.random.normal(jax.random.key(0), (2, 6, 7, 3))
KERNELS = jax.random.normal(jax.random.key(1), (3, 2, 3, 4))
WAYS = pytest.mark.parametrize("way", [convolution_2d.convolve, convolution_2d.convolve_by_lax])


def assert_near(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def by_loops(images, kernels, strides, pads):
    """Sum over everything, one number after the other."""
    padded = np.pad(images, ((0, 0), (pads[0],) * 2, (pads[1],) * 2, (0, 0)))
    high, wide = kernels.shape[:2]
    rows, columns = ((padded.shape[1 + i] - kernels.shape[i]) // strides[i] + 1 for i in (0, 1))
    out = np.zeros((len(images), rows, columns, kernels.shape[3]))
    for i, j in np.ndindex(rows, columns):
        top, left = i * strides[0], j * strides[1]
        window = padded[:, top : top + high, left : left + wide]
        out[:, i, j] = np.tensordot(window, kernels, axes=3)
    return out


@WAYS
@pytest.mark.parametrize(
    ("stride", "pad"), [(1, 1), (2, 0), (3, 2), ((1, 3), (0, 2)), ([2, 1], [1, 0])], ids=str
)
def test_all_pixels_are_sums_over_their_windows(way, stride, pad):
    pairs = [tuple(v) if not isinstance(v, int) else (v, v) for v in (stride, pad)]
    expected = by_loops(np.asarray(IMAGES), np.asarray(KERNELS), *pairs)
    assert_near(way(IMAGES, KERNELS, stride=stride, pad=pad), expected)


def test_both_ways_have_the_same_gradients():
    def total(way):
        return lambda images, kernels: jnp.sum(jnp.sin(way(images, kernels, stride=2)))

    ours, theirs = (
        jax.grad(total(way), (0, 1))(IMAGES, KERNELS)
        for way in (convolution_2d.convolve, convolution_2d.convolve_by_lax)
    )
    jax.tree.map(assert_near, ours, theirs)


def test_the_layer_that_trains_does_the_same():
    layer = training.Conv(4, (3, 2), padding=1, strides=2, use_bias=False)
    ours = convolution_2d.convolve(IMAGES, KERNELS, stride=2)
    assert_near(ours, layer.apply({"params": {"kernel": KERNELS}}, IMAGES))


def test_one_pixel_is_one_of_all():
    padded = jnp.pad(IMAGES, ((0, 0), (1, 1), (1, 1), (0, 0)))
    pixel = convolution_2d.output_pixel(padded[1], KERNELS[..., 3], 2, 4)
    assert_near(pixel, convolution_2d.convolve(IMAGES, KERNELS)[1, 2, 4, 3])


@WAYS
def test_a_kernel_of_one_pixel_mixes_channels(way):
    assert_near(way(IMAGES, KERNELS[:1, :1], pad=0), IMAGES @ KERNELS[0, 0])


@WAYS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_precision_is_that_of_the_inputs(way, dtype):
    with jax.enable_x64(True):
        images, kernels = (np.asarray(a, dtype) for a in (IMAGES, KERNELS))
        assert jax.jit(way)(images, kernels).dtype == dtype


@WAYS
@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((2, 6, 7, 2), {}, "kernels are 3 channels deep, but images have 2"),
        ((2, 2, 7, 3), {"pad": 0}, "kernels are 3 pixels high, but images, with their pads, only 2"),
        ((2, 6, 1, 3), {"pad": 0}, "kernels are 2 pixels wide, but images, with their pads, only 1"),
        ((2, 6, 7, 3), {"stride": 0}, "stride must be one or two integers, none below 1, got 0"),
        ((2, 6, 7, 3), {"pad": (0, -1)}, r"pad must be one or two integers, none below 0, got \(0, -1\)"),
        ((2, 6, 7, 3), {"stride": (1, 1, 1)}, "stride must be one or two integers"),
    ],
)
def test_what_does_not_fit_is_told(way, shape, options, message):
    with pytest.raises(ValueError, match=message):
        way(np.ones(shape), np.ones((3, 2, 3, 4)), **options)


def test_a_stride_that_is_no_integer_is_told():
    with pytest.raises(TypeError):
        convolution_2d.convolve(IMAGES, KERNELS, stride=(1.5, 1.5))
