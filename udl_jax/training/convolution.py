"""Convolution and pooling for training on CPUs: matrix products, where XLA's own convolution is slow inside a scan.

:class:`Conv` is Flax's layer of that name with another way to compute on a CPU, and :func:`max_pool` and
:func:`mean_pool` are Flax's functions of one image size: windows that lie side by side.
"""

import functools
import math
import typing
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

_Pads = tuple[tuple[int, int], ...]


def conv_general_dilated(
    lhs: Float[Array | np.ndarray, "batch *space inputs"],
    rhs: Float[Array | np.ndarray, "*window depth outputs"],
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    feature_group_count: int = 1,
    precision: Any = None,
) -> Float[Array, "batch *out outputs"]:
    """Compute what :func:`jax.lax.conv_general_dilated` does for rows of signals or images; Flax calls it so.

    On a CPU, all windows are written down as the columns of one matrix, which the kernels then multiply. In
    memory, channels come first and examples last, so that what is copied lies together; the transpositions
    from one layer to the next cancel. Elsewhere it is JAX's own convolution. Which of the two, is decided
    when the program is compiled for its platform.

    Parameters
    ----------
    lhs
        Signals or images, channels last.
    rhs
        Kernels, with an axis for each one of ``*space``, and as deep as the input has channels.
    window_strides, padding
        As in JAX: padding is ``"VALID"``, ``"SAME"``, ``"SAME_LOWER"``, or pairs (before, after).
    rhs_dilation
        Distance between the positions that neighbouring weights look at; 1 by default.
    lhs_dilation, dimension_numbers, feature_group_count
        As Flax's layer hands them over. Nothing but the usual is possible: no dilation of the input, channels
        last, one group.
    precision
        Of the product, as in JAX.

    Returns
    -------
    Float[Array, "batch *out outputs"]
        Of length ``(n + pads - dilation * (k - 1) - 1) // stride + 1`` along each axis of space.

    Raises
    ------
    ValueError
        If there are neither one nor two axes of space, shapes do not fit, a stride or dilation is less than 1,
        or the windows are wider than the padded input.
    NotImplementedError
        If groups, a dilation of the input, or another order of the axes is asked for: use ``nn.Conv`` then.

    References
    ----------
    Prince (2023), section 10.2.3 for stride, kernel size and dilation.

    Examples
    --------
    >>> x, average = jnp.arange(6.0).reshape(1, 6, 1), jnp.full((3, 1, 1), 1 / 3)
    >>> conv_general_dilated(x, average, [1], "VALID").ravel()
    Array([1., 2., 3., 4.], dtype=float32)
    """
    lhs, rhs, strides = jnp.asarray(lhs), jnp.asarray(rhs), tuple(window_strides)
    dilation = tuple(rhs_dilation) if rhs_dilation is not None else (1,) * len(strides)
    _check_options(lhs.ndim, lhs_dilation, dimension_numbers, feature_group_count)
    _check_shapes(lhs.shape, rhs.shape, strides, dilation)
    pads = _pads(lhs.shape[1:-1], rhs.shape, strides, padding, dilation)
    settings = {"strides": strides, "pads": pads, "dilation": dilation, "precision": precision}
    return jax.lax.platform_dependent(
        lhs,
        rhs,
        cpu=functools.partial(by_patches, **settings),
        default=functools.partial(by_lax, **settings),
    )


@typing.no_type_check  # Flax annotates an argument by a protocol that cannot be checked at run time
class Conv(nn.Conv):
    """Flax's ``nn.Conv`` for signals and images, faster to train on a CPU.

    Names, shapes, initialisers and arguments are those of ``nn.Conv``, so weights of the one are weights of the
    other. There are no groups. See ``conv_general_dilated`` beside it for how it computes.

    References
    ----------
    Prince (2023), section 10.2, equation 10.3, and section 10.3, equation 10.6.

    Examples
    --------
    >>> layer = Conv(10, kernel_size=(5, 5), padding="VALID")
    >>> images = jnp.ones((2, 28, 28, 1))
    >>> variables = layer.init(jax.random.key(0), images)
    >>> jax.tree.map(jnp.shape, variables)
    {'params': {'bias': (10,), 'kernel': (5, 5, 1, 10)}}
    >>> layer.apply(variables, images).shape
    (2, 24, 24, 10)
    """

    conv_general_dilated: Callable[..., Array] = conv_general_dilated


def by_patches(
    x: Float[Array, "batch *space inputs"],
    kernel: Float[Array, "*window inputs outputs"],
    *,
    strides: tuple[int, ...],
    pads: _Pads,
    dilation: tuple[int, ...],
    precision: Any = None,
) -> Float[Array, "batch *out outputs"]:
    """Convolve by one product of matrices, the way for CPUs; see :func:`conv_general_dilated`."""
    x = jnp.moveaxis(x, (-1, 0), (0, -1))
    if any(map(any, pads)):
        x = jax.lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *((*pair, 0) for pair in pads), (0, 0, 0)])
    channels, *space, batch = x.shape
    out = []
    # One axis after the other: two rounds of a few large copies, and back again, instead of one of many small ones.
    for axis, (k, stride, d) in reversed([*enumerate(zip(kernel.shape, strides, dilation))]):
        out.insert(0, (space[axis] - d * (k - 1) - 1) // stride + 1)
        ends = [(i * d, i * d + (out[0] - 1) * stride + 1) for i in range(k)]
        windows = [jax.lax.slice_in_dim(x, *pair, stride, axis=1 + axis) for pair in ends]
        tail = math.prod(out) * batch
        if axis == 0:
            windows = [window.reshape(channels, tail) for window in windows]
        channels *= k
        x = jnp.concatenate(windows).reshape(channels, *space[:axis], tail)
    weights = kernel.reshape(channels, kernel.shape[-1])
    y = jnp.matmul(weights.T, x, precision=precision)
    return jnp.moveaxis(y.reshape(kernel.shape[-1], *out, batch), (0, -1), (-1, 0))


def by_lax(
    x: Float[Array, "batch *space inputs"],
    kernel: Float[Array, "*window inputs outputs"],
    *,
    strides: tuple[int, ...],
    pads: _Pads,
    dilation: tuple[int, ...],
    precision: Any = None,
) -> Float[Array, "batch *out outputs"]:
    """Convolve by JAX's own convolution, the way for accelerators; see :func:`conv_general_dilated`."""
    names = "HW"[: len(strides)]
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        strides,
        pads,
        rhs_dilation=dilation,
        dimension_numbers=(f"N{names}C", f"{names}IO", f"N{names}C"),
        precision=precision,
    )


def max_pool(
    x: Float[Array | np.ndarray, "batch *space channels"], window: Sequence[int]
) -> Float[Array, "batch *out channels"]:
    """Take the maximum of each window; the windows lie side by side.

    It is Flax's ``nn.max_pool(x, window, strides=window)``: places at the end that fill no window are left out,
    and among equals the gradient goes to the first one, row by row. A NaN in a window is its maximum.

    Parameters
    ----------
    x
        Signals or images, channels last.
    window
        Size of the windows along each axis of space.

    Returns
    -------
    Float[Array, "batch *out channels"]
        One number for each window and channel.

    Raises
    ------
    ValueError
        If ``window`` does not have a size for each axis of space, or one is less than 1 or does not fit.

    References
    ----------
    Prince (2023), section 10.4.1, figure 10.11b.

    Examples
    --------
    >>> max_pool(jnp.arange(6.0).reshape(1, 6, 1), (2,)).ravel()
    Array([1., 3., 5.], dtype=float32)
    """
    return _pool(x, window, _larger)


def mean_pool(
    x: Float[Array | np.ndarray, "batch *space channels"], window: Sequence[int]
) -> Float[Array, "batch *out channels"]:
    """Take the mean of each window; the windows lie side by side.

    It is Flax's ``nn.avg_pool(x, window, strides=window)``. Arguments and errors are those of :func:`max_pool`.

    References
    ----------
    Prince (2023), section 10.4.1, figure 10.11c.

    Examples
    --------
    >>> mean_pool(jnp.arange(6.0).reshape(1, 6, 1), (2,)).ravel()
    Array([0.5, 2.5, 4.5], dtype=float32)
    """
    return _pool(x, window, jnp.add) / math.prod(window)


def _pool(x, window, combine):
    """Reduce windows along one axis of space after the other, in the layout of :func:`by_patches`."""
    x, window = jnp.asarray(x), tuple(window)
    if x.ndim != len(window) + 2:
        raise ValueError(f"window must have a size for each of {x.ndim - 2} axes of space, got {window}")
    for size, k in zip(x.shape[1:-1], window):
        if not 1 <= k <= size:
            raise ValueError(f"window must have sizes from 1 up to {x.shape[1:-1]}, got {window}")
    x = jnp.moveaxis(x, (-1, 0), (0, -1))
    for axis, k in reversed([*enumerate(window, 1)]):
        whole = jax.lax.slice_in_dim(x, 0, x.shape[axis] // k * k, axis=axis)
        parts = whole.reshape(*x.shape[:axis], x.shape[axis] // k, k, *x.shape[axis + 1 :])
        pieces = [jax.lax.index_in_dim(parts, i, axis + 1, keepdims=False) for i in range(k)]
        x = functools.reduce(combine, pieces)
    return jnp.moveaxis(x, (0, -1), (-1, 0))


def _larger(a, b):
    # Not `maximum`, which shares the gradient among equals.
    return jnp.where((a >= b) | jnp.isnan(a), a, b)


def _check_options(axes, lhs_dilation, dimension_numbers, groups):
    """Refuse what one product of matrices cannot do."""
    if groups != 1:
        raise NotImplementedError(
            f"convolution in groups is not available here, got {groups}: use flax.linen.Conv"
        )
    if any(d != 1 for d in lhs_dilation or ()):
        raise NotImplementedError("dilation of the input is not available here: use flax.linen.Conv")
    rows, kernels = (0, axes - 1, *range(1, axes - 1)), (axes - 1, axes - 2, *range(axes - 2))
    if dimension_numbers not in (None, jax.lax.ConvDimensionNumbers(rows, kernels, rows)):
        raise NotImplementedError("axes must be (batch, *space, channels) and (*window, inputs, outputs)")


def _check_shapes(shape, kernel, strides, dilation):
    axes = len(shape) - 2
    if axes not in (1, 2) or len(kernel) != len(shape):
        raise ValueError(
            f"convolution is of signals or images by kernels with as many axes, got {shape} and {kernel}"
        )
    if shape[-1] != kernel[-2]:
        raise ValueError(f"kernels look at {kernel[-2]} channels, but the input has {shape[-1]}")
    for name, numbers in (("strides", strides), ("dilation", dilation)):
        if len(numbers) != axes or min(numbers) < 1:
            raise ValueError(f"{name} must be {axes} numbers from 1 up, got {numbers}")


def _pads(space, kernel, strides, padding, dilation):
    """Spell padding as pairs, and see that a window fits."""
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    names = ("VALID", "SAME", "SAME_LOWER")
    if isinstance(padding, str):
        if padding.upper() not in names:
            raise ValueError(f"padding must be one of {', '.join(names)}, or pairs, got {padding!r}")
        padding = jax.lax.padtype_to_pads(space, reach, strides, padding.upper())
    pads = tuple(map(tuple, padding))
    if [len(pair) for pair in pads] != [2] * len(space):
        raise ValueError(f"padding must be a pair for each of {len(space)} axes of space, got {pads}")
    for axis, (size, pair, width) in enumerate(zip(space, pads, reach), 1):
        if size + sum(pair) < width:
            raise ValueError(
                f"windows are {width} wide along axis {axis}, which has {size} places and pads {pair}"
            )
    return pads
