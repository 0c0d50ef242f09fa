"""Convolution of images: one output pixel by its formula, all of them by ``vmap``, and by JAX's own routine."""

import functools
import operator
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from udl_jax._annotations import checked

Images = Float[Array, "batch height width inputs"]
Kernels = Float[Array, "kernel_height kernel_width depth outputs"]
#: One number for rows and columns, or one for each.
Pair = int | Sequence[int]


@checked
def output_pixel(
    image: Float[Array, "height width inputs"],
    kernel: Float[Array, "kernel_height kernel_width inputs"],
    row: Int[Array, ""] | int,
    column: Int[Array, ""] | int,
) -> Float[Array, ""]:
    r"""Compute one number of a convolution: a weighted sum over a window of the image and over its channels.

    Parameters
    ----------
    image
        One image, padded already.
    kernel
        The weights of one output channel.
    row, column
        The window's first row and column.

    Returns
    -------
    Float[Array, ""]
        :math:`\sum_m\sum_n\sum_c \omega_{mnc}\, x_{i+m-1,\, j+n-1,\, c}`.

    Raises
    ------
    ValueError
        If the kernel is larger than the image.

    References
    ----------
    Prince (2023), section 10.3, equation 10.6.

    Examples
    --------
    >>> image = jnp.arange(6.0).reshape(2, 3, 1)
    >>> output_pixel(image, jnp.ones((2, 2, 1)), 0, 1)
    Array(12., dtype=float32)
    """
    if any(size < k for size, k in zip(image.shape, kernel.shape)):
        raise ValueError(f"kernel must not be larger than the image, {image.shape}, got {kernel.shape}")
    window = jax.lax.dynamic_slice(image, (row, column, 0), kernel.shape)
    return jnp.sum(window * kernel)


@checked
def convolve(
    images: Images, kernels: Kernels, *, stride: Pair = 1, pad: Pair = 1
) -> Float[Array, "batch out_height out_width outputs"]:
    """Convolve images with kernels from first principles: :func:`output_pixel`, everywhere at once.

    Parameters
    ----------
    images
        A batch of images, channels last.
    kernels
        As deep as the images have channels; one for each output channel, along the last axis.
    stride
        Pixels from one window to the next, down and across; static under ``jit``.
    pad
        Rows and columns of zeros to add on every side; static under ``jit``.

    Returns
    -------
    Float[Array, "batch out_height out_width outputs"]
        Images of ``(height + 2 * pad - kernel_height) // stride + 1`` rows, columns likewise.

    Raises
    ------
    ValueError
        If kernels and images have other numbers of channels, a stride is less than 1, a pad negative, or the
        kernels are larger than the padded images.
    TypeError
        If a stride or pad is no integer.

    References
    ----------
    Prince (2023), section 10.3, equation 10.6, figures 10.9 and 10.10; notebook 10.3.

    Examples
    --------
    >>> images, kernels = jnp.ones((1, 3, 3, 1)), jnp.ones((3, 3, 1, 1))
    >>> convolve(images, kernels)[0, :, :, 0]
    Array([[4., 6., 4.],
           [6., 9., 6.],
           [4., 6., 4.]], dtype=float32)
    """
    strides, pads = _check(images.shape, kernels.shape, stride, pad)
    padded = jnp.pad(images, ((0, 0), *((p, p) for p in pads), (0, 0)))
    rows, columns = (
        np.arange(0, size - k + 1, step)
        for size, k, step in zip(padded.shape[1:3], kernels.shape[:2], strides)
    )
    one_image = functools.reduce(
        lambda function, axes: jax.vmap(function, *axes),
        [
            ((None, 3, None, None), 0),  # all output channels of one place
            ((None, None, None, 0), 0),  # all places of one row
            ((None, None, 0, None), 0),  # all rows
            ((0, None, None, None), 0),  # all images
        ],
        output_pixel,
    )
    return one_image(padded, kernels, rows, columns)


@checked
def convolve_by_lax(
    images: Images, kernels: Kernels, *, stride: Pair = 1, pad: Pair = 1
) -> Float[Array, "batch out_height out_width outputs"]:
    """Do the same as :func:`convolve` by JAX's own routine, which is told the order of the axes.

    Examples
    --------
    >>> images, kernels = jnp.ones((1, 3, 3, 1)), jnp.ones((3, 3, 1, 1))
    >>> convolve_by_lax(images, kernels, stride=2)[0, :, :, 0]
    Array([[4., 4.],
           [4., 4.]], dtype=float32)
    """
    strides, pads = _check(images.shape, kernels.shape, stride, pad)
    return jax.lax.conv_general_dilated(
        images, kernels, strides, [(p, p) for p in pads], dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _check(images, kernels, stride, pad):
    """Spell stride and pad as pairs, and see that everything fits."""
    if kernels[2] != images[3]:
        raise ValueError(f"kernels are {kernels[2]} channels deep, but images have {images[3]}")
    strides, pads = _pair("stride", stride, 1), _pair("pad", pad, 0)
    for name, size, k, p in zip(("high", "wide"), images[1:3], kernels, pads):
        if size + 2 * p < k:
            raise ValueError(
                f"kernels are {k} pixels {name}, but images, with their pads, only {size + 2 * p}"
            )
    return strides, pads


def _pair(name, value, least):
    pair = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(pair) != 2 or min(map(operator.index, pair)) < least:
        raise ValueError(f"{name} must be one or two integers, none below {least}, got {value!r}")
    return pair
