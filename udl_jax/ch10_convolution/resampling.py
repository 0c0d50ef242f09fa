"""Make images smaller and larger: subsampling, pooling, duplication, unpooling, interpolation."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Num

from udl_jax import _checks
from udl_jax._annotations import checked

Image = Num[Array, "height width *channels"]


@checked
def downsample(x: Image, factor: int = 2) -> Num[Array, "out_height out_width *channels"]:
    """Keep the first of every ``factor`` rows and columns.

    Parameters
    ----------
    x
        An image.
    factor
        How many pixels become one, along both axes; static under ``jit``.

    Returns
    -------
    Num[Array, "out_height out_width *channels"]
        The smaller image; sizes that do not divide are rounded up.

    Raises
    ------
    ValueError
        If ``factor`` is less than 1, or the image has no rows and columns.
    TypeError
        If ``factor`` is no integer.

    References
    ----------
    Prince (2023), section 10.4.1, figure 10.11a; notebook 10.4.

    Examples
    --------
    >>> downsample(jnp.array([[1, 3, 5, 3], [6, 2, 0, 8]]))
    Array([[1, 5]], dtype=int32)
    """
    _checks.count("factor", factor)
    return x[::factor, ::factor]


@checked
def max_pool(x: Image, factor: int = 2) -> Num[Array, "out_height out_width *channels"]:
    """Keep the largest pixel of each block of ``factor`` rows and columns.

    Parameters
    ----------
    x, factor
        As in :func:`downsample`.

    Returns
    -------
    Num[Array, "out_height out_width *channels"]
        The smaller image; rows and columns at the end that fill no block are left out.

    Raises
    ------
    ValueError, TypeError
        As :func:`downsample`; also if not one block fits.

    References
    ----------
    Prince (2023), section 10.4.1, figure 10.11b; notebook 10.4.

    Examples
    --------
    >>> max_pool(jnp.array([[1, 3, 5, 3], [6, 2, 0, 8]]))
    Array([[6, 8]], dtype=int32)
    """
    _check_blocks(x, factor)
    return _blocks(x, factor).max(axis=(1, 3))


@checked
def mean_pool(x: Image, factor: int = 2) -> Num[Array, "out_height out_width *channels"]:
    """Average each block of ``factor`` rows and columns.

    Whole numbers are averaged as floats, so that bytes, of which four may sum to more than 255, do not overflow.

    Parameters
    ----------
    x, factor
        As in :func:`downsample`.

    Returns
    -------
    Num[Array, "out_height out_width *channels"]
        The smaller image; rows and columns at the end that fill no block are left out.

    Raises
    ------
    ValueError, TypeError
        As :func:`max_pool`.

    References
    ----------
    Prince (2023), section 10.4.1, figure 10.11c; notebook 10.4.

    Examples
    --------
    >>> mean_pool(jnp.array([[1, 3, 5, 3], [6, 2, 0, 8]]))
    Array([[3., 4.]], dtype=float32)
    """
    _check_blocks(x, factor)
    return _blocks(x, factor).mean(axis=(1, 3))


@checked
def duplicate(x: Image, factor: int = 2) -> Num[Array, "out_height out_width *channels"]:
    """Repeat every row and every column ``factor`` times.

    Parameters
    ----------
    x, factor
        As in :func:`downsample`.

    Returns
    -------
    Num[Array, "out_height out_width *channels"]
        The larger image.

    Raises
    ------
    ValueError, TypeError
        As :func:`downsample`.

    References
    ----------
    Prince (2023), section 10.4.2, figure 10.12a; notebook 10.4.

    Examples
    --------
    >>> duplicate(jnp.array([[6, 8]]))
    Array([[6, 6, 8, 8],
           [6, 6, 8, 8]], dtype=int32)
    """
    _checks.count("factor", factor)
    return jnp.repeat(jnp.repeat(x, factor, axis=0), factor, axis=1)


@checked
def max_unpool(
    x: Image, before: Num[Array, "rows columns *channels_before"], factor: int = 2
) -> Num[Array, "out_height out_width *channels"]:
    """Put each pixel where max pooling found its largest one, and zeros elsewhere.

    Where several pixels of a block are the largest, the pixel goes to the first of them, row by row.

    Parameters
    ----------
    x
        A small image, usually one that came from pooling.
    before
        The image before it was pooled: its blocks tell the places.
    factor
        As in :func:`max_pool`.

    Returns
    -------
    Num[Array, "out_height out_width *channels"]
        An image of ``factor`` times as many rows and columns as ``x`` has.

    Raises
    ------
    ValueError, TypeError
        As :func:`downsample`; also if the sizes of ``x`` and ``before`` do not fit.

    References
    ----------
    Prince (2023), section 10.4.2, figure 10.12b; notebook 10.4.

    Examples
    --------
    >>> max_unpool(jnp.array([[6, 8]]), jnp.array([[1, 3, 5, 3], [6, 2, 0, 8]]))
    Array([[0, 0, 0, 0],
           [6, 0, 0, 8]], dtype=int32)
    """
    _checks.count("factor", factor)
    whole = (before.shape[0] // factor, before.shape[1] // factor, *before.shape[2:])
    if x.shape != whole:
        raise ValueError(f"before must be {factor} times as large as x, got {before.shape} for {x.shape}")
    blocks = _blocks(before, factor)
    order = np.arange(factor * factor).reshape(1, factor, 1, factor, *(1,) * (x.ndim - 2))
    largest = blocks == blocks.max(axis=(1, 3), keepdims=True)
    first = jnp.where(largest, order, factor * factor).min(axis=(1, 3), keepdims=True)
    placed = jnp.where(order == first, x[:, None, :, None], jnp.zeros((), x.dtype))
    return placed.reshape(x.shape[0] * factor, x.shape[1] * factor, *x.shape[2:])


@checked
def bilinear(x: Image, *, round_up: bool = True) -> Num[Array, "out_height out_width *channels"]:
    """Double rows and columns; between two pixels goes their mean, between four the mean of the four.

    Beyond the last row and column the image counts as zero, which darkens the new last row and column.

    Parameters
    ----------
    x
        An image. Whole numbers are turned into floats.
    round_up
        Whether to round the means, though no pixel that was there before, up to whole numbers, as notebook 10.4
        does; static under ``jit``.

    Returns
    -------
    Num[Array, "out_height out_width *channels"]
        The larger image.

    Raises
    ------
    ValueError
        If the image has no rows and columns.

    References
    ----------
    Prince (2023), section 10.4.2, figure 10.12c; notebook 10.4.

    Examples
    --------
    >>> bilinear(jnp.array([[6.0, 8.0], [8.0, 4.0]]))
    Array([[6., 7., 8., 4.],
           [7., 7., 6., 3.],
           [8., 6., 4., 2.],
           [4., 3., 2., 1.]], dtype=float32)
    """
    x = x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(jnp.result_type(float))
    padded = jnp.pad(x, ((0, 1), (0, 1), *((0, 0),) * (x.ndim - 2)))
    here, right, below, across = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    means = jnp.stack([(here + right) / 2, (here + below) / 2, (here + right + below + across) / 4])
    beside, under, between = jnp.ceil(means) if round_up else means
    rows = [jnp.stack(pair, axis=2) for pair in ((here, beside), (under, between))]
    return jnp.stack(rows, axis=1).reshape(2 * x.shape[0], 2 * x.shape[1], *x.shape[2:])


def _blocks(x, factor):
    """Cut an image into blocks: the axes (rows of blocks, rows, columns of blocks, columns, channels)."""
    rows, columns = (size // factor for size in x.shape[:2])
    x = x[: rows * factor, : columns * factor]
    return x.reshape(rows, factor, columns, factor, *x.shape[2:])


def _check_blocks(x, factor):
    if min(x.shape[:2]) < _checks.count("factor", factor):
        raise ValueError(f"x must have rows and columns, at least {factor} of each, got the shape {x.shape}")
