"""Convolution of a signal: by its formula, as a matrix, twice in a row, and turned round."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Num

from udl_jax import _checks
from udl_jax._annotations import checked

Signal = Num[Array, "*batch length"]
Kernel = Num[Array, " size"]


@checked
def convolve(x: Signal, omega: Kernel, *, stride: int = 1, dilation: int = 1) -> Num[Array, "*batch out"]:
    r"""Convolve a signal with a kernel; beyond its ends, the signal counts as zero.

    Each output is a weighted sum of inputs around one place:
    :math:`z_i = \sum_j \omega_j\, x_{si + d(j - c)}`, for stride :math:`s`, dilation :math:`d` and :math:`c` the
    middle of the kernel. With an even number of weights, the middle is the last one of the first half.

    Parameters
    ----------
    x
        The signal, along the last axis.
    omega
        The kernel's weights.
    stride
        Places from one output to the next; static under ``jit``.
    dilation
        Places from one weight to the next, so 1 means a kernel without gaps; static under ``jit``. (The first
        printing of the book counts from 0.)

    Returns
    -------
    Num[Array, "*batch out"]
        One number for every ``stride``-th place, that is, the length divided by ``stride``, rounded up.

    Raises
    ------
    ValueError
        If the signal or the kernel is empty, or ``stride`` or ``dilation`` is less than 1.
    TypeError
        If ``stride`` or ``dilation`` is no integer.

    References
    ----------
    Prince (2023), section 10.2, equation 10.3, figures 10.2 and 10.3; notebook 10.1.

    Examples
    --------
    >>> convolve(jnp.array([1.0, 2.0, 3.0, 4.0]), jnp.array([1.0, 1.0, 1.0]))
    Array([3., 6., 9., 7.], dtype=float32)
    >>> convolve(jnp.array([1.0, 2.0, 3.0, 4.0]), jnp.array([1.0, 1.0, 1.0]), stride=2)
    Array([3., 9.], dtype=float32)
    """
    _check(stride, dilation)
    places = _places(x.shape[-1], len(omega), stride, dilation)
    inside = (places >= 0) & (places < x.shape[-1])
    windows = jnp.where(inside, x[..., places.clip(0, x.shape[-1] - 1)], 0)
    return windows @ omega


@checked
def hidden_units(
    x: Signal, omega: Kernel, beta: Num[Array, ""] | float, *, stride: int = 1, dilation: int = 1
) -> Num[Array, "*batch out"]:
    r"""Compute a convolutional layer with one channel, :math:`h_i = \mathrm{a}[\beta + z_i]` with ReLUs.

    Parameters
    ----------
    x, omega, stride, dilation
        As in :func:`convolve`, which gives the :math:`z_i`.
    beta
        The offset, one for all units.

    Returns
    -------
    Num[Array, "*batch out"]
        The hidden units.

    References
    ----------
    Prince (2023), section 10.2.2, equation 10.3.

    Examples
    --------
    >>> hidden_units(jnp.array([1.0, 2.0, 3.0]), jnp.array([0.0, 1.0, 0.0]), -2.0)
    Array([0., 0., 1.], dtype=float32)
    """
    return jax.nn.relu(beta + convolve(x, omega, stride=stride, dilation=dilation))


@checked
def convolution_matrix(
    length: int, omega: Kernel, *, stride: int = 1, dilation: int = 1
) -> Num[Array, "out {length}"]:
    """Write :func:`convolve` as a matrix, which does the same to a signal by a product.

    Parameters
    ----------
    length
        Of the signals, at least 1; static under ``jit``.
    omega, stride, dilation
        As in :func:`convolve`.

    Returns
    -------
    Num[Array, "out {length}"]
        A row for each output: the weights in a few places, zeros elsewhere.

    Raises
    ------
    ValueError, TypeError
        As :func:`convolve`.

    References
    ----------
    Prince (2023), section 10.2.2, figure 10.4; notebook 10.1.

    Examples
    --------
    >>> convolution_matrix(3, jnp.array([1.0, 2.0, 3.0]))
    Array([[2., 3., 0.],
           [1., 2., 3.],
           [0., 1., 2.]], dtype=float32)
    """
    _checks.count("length", length)
    _check(stride, dilation)
    places = _places(length, len(omega), stride, dilation)
    spread = jnp.where(places[..., None] == np.arange(length), omega[:, None], 0)
    return jnp.sum(spread, axis=1, dtype=omega.dtype)


@checked
def compose(first: Num[Array, " size"], second: Num[Array, " more"]) -> Num[Array, " size+more-1"]:
    """Give the one kernel that does what two do, one after the other, where neither reaches over the ends.

    Near the ends the two differ, because in between everything beyond the ends is set to zero.

    Parameters
    ----------
    first, second
        Kernels with stride and dilation 1.

    Returns
    -------
    Num[Array, " size+more-1"]
        Their weights, convolved: one less than both have together.

    Raises
    ------
    ValueError
        If a kernel is empty.

    Examples
    --------
    >>> compose(jnp.array([1.0, 1.0]), jnp.array([1.0, 1.0]))
    Array([1., 2., 1.], dtype=float32)
    """
    # Row i is the first kernel, moved on by i places.
    return second @ jnp.stack([jnp.pad(first, (i, len(second) - 1 - i)) for i in range(len(second))])


@checked
def convolve_transposed(
    y: Signal, omega: Kernel, *, stride: int = 2, crop: int = 0
) -> Num[Array, "*batch longer"]:
    r"""Go the other way: each input spreads a copy of the kernel, and copies that overlap add up.

    This is what the transpose of a convolution's matrix does, the convolution taken without padding: from few
    numbers it makes many.

    Parameters
    ----------
    y
        The signal, along the last axis.
    omega
        The kernel's weights.
    stride
        Places from one copy to the next; static under ``jit``.
    crop
        Places to leave out at both ends, as many as the convolution pads; static under ``jit``.

    Returns
    -------
    Num[Array, "*batch longer"]
        Of length ``stride * (length - 1) + size - 2 * crop``.

    Raises
    ------
    ValueError
        If the signal or the kernel is empty, ``stride`` is less than 1, or ``crop`` is negative or leaves nothing.
    TypeError
        If ``stride`` or ``crop`` is no integer.

    References
    ----------
    Prince (2023), section 10.4.2, figure 10.13.

    Examples
    --------
    >>> convolve_transposed(jnp.array([1.0, 10.0]), jnp.array([1.0, 2.0, 3.0]))
    Array([ 1.,  2., 13., 20., 30.], dtype=float32)
    """
    _check(stride, 1)
    length = stride * (y.shape[-1] - 1) + len(omega)
    if not 0 <= crop <= (length - 1) // 2:
        raise ValueError(
            f"crop must leave something of {length} places, so lie in 0..{(length - 1) // 2}, got {crop}"
        )
    starts = np.arange(y.shape[-1])[:, None] * stride + np.arange(len(omega))
    copies = y[..., None] * omega
    spread = jnp.zeros((*y.shape[:-1], length), copies.dtype).at[..., starts].add(copies)
    return spread[..., crop : length - crop]


def _places(length, size, stride, dilation):
    """Return where each weight looks, for every output: before the start and after the end, too."""
    middles = np.arange(0, length, stride)
    return middles[:, None] + dilation * (np.arange(size) - (size - 1) // 2)


def _check(stride, dilation):
    _checks.count("stride", stride)
    _checks.count("dilation", dilation)
