"""The linear pieces of a ReLU network with one input, in exact arithmetic.

The output of such a network is a chain of straight pieces. Where they join follows from the parameters
alone: on each piece of what a layer is fed, the pre-activation of a hidden unit is a straight line, and
where that crosses zero, the unit switches on or off. Floating point could not tell joints that coincide from
joints that all but do, nor a slope that cancels from a small one. So everything here is computed with
fractions, and that is why it runs outside JAX: results are exact, and their number depends on the values.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from udl_jax._checks import counts, refuse_traced
from udl_jax.ch04_deep_networks.layers import Layer, check_layers

Line = tuple[Fraction, Fraction]


class LinearPieces(NamedTuple):
    """A piecewise linear function over an interval, exactly.

    Attributes
    ----------
    joints
        Where the slope of an output changes, in rising order.
    lines
        For each piece, from left to right, intercept and slope of each output.
    """

    joints: tuple[Fraction, ...]
    lines: tuple[tuple[Line, ...], ...]


def linear_pieces(*networks: Sequence[Layer], low: float = -math.inf, high: float = math.inf) -> LinearPieces:
    """Find the pieces of a ReLU network with one input, or of several networks one after the other.

    Every parameter is read as the shortest decimal number that stands for it (0.67, not the binary
    fraction next to it), and nothing is rounded from there on. Under ``jit`` this cannot be traced.

    Parameters
    ----------
    networks
        Layers of each network, with a ReLU between each two. Between networks there is none. The
        first has one input, each other takes what the one before it gives.
    low, high
        The open interval of inputs that counts; all inputs by default.

    Returns
    -------
    LinearPieces
        The joints inside the interval, and the straight line of each piece.

    Raises
    ------
    ValueError
        If the interval is empty, a layer does not fit the one before it, or a parameter is not finite.

    References
    ----------
    Prince (2023), sections 4.1 and 4.2, figures 4.1 and 4.5; notebook 4.1.

    Examples
    --------
    >>> hat = [Layer(np.zeros(2), np.array([[1.0], [-1.0]])), Layer(np.ones(1), np.array([[-0.1, -0.3]]))]
    >>> pieces = linear_pieces(hat, hat)
    >>> [str(joint) for joint in pieces.joints]
    ['-10/3', '0', '10']
    >>> [str(slope) for ((_, slope),) in pieces.lines]
    ['9/100', '-3/100', '1/100', '-3/100']
    """
    refuse_traced("linear_pieces", (networks, low, high), "how many pieces there are depends on values")
    if not low < high:
        raise ValueError(f"low must lie below high, got {low} and {high}")
    edges, lines = [_exact(low), _exact(high)], [[(Fraction(0), Fraction(1))]]
    outputs = 1
    for layers in networks:
        check_layers(layers, outputs)
        outputs = len(layers[-1].beta)
        for k, layer in enumerate(layers):
            if k > 0:
                edges, lines = _rectify(edges, lines)
            beta, omega = _exact_layer(layer)
            lines = [_combine(beta, omega, piece) for piece in lines]
    return _join(edges, lines)


def count_regions(*networks: Sequence[Layer], low: float = -math.inf, high: float = math.inf) -> int:
    """Count the linear regions of a ReLU network with one input, exactly.

    Parameters, errors and references are those of :func:`linear_pieces`.

    Returns
    -------
    int
        One more than there are joints in the interval.

    Examples
    --------
    >>> bend = [Layer(np.zeros(1), np.ones((1, 1))), Layer(np.zeros(1), np.ones((1, 1)))]
    >>> count_regions(bend), count_regions(bend, low=0.0, high=1.0)
    (2, 1)
    """
    return len(linear_pieces(*networks, low=low, high=high).lines)


def most_regions(hidden: Sequence[int]) -> int:
    """Compute the largest number of linear regions that a ReLU network with one input can have.

    A layer of D units cuts each piece of what it is fed at most D times.

    Parameters
    ----------
    hidden
        Width of each hidden layer.

    Returns
    -------
    int
        The product of all widths, each plus 1.

    References
    ----------
    Prince (2023), section 4.5.2, figure 4.7.

    Examples
    --------
    >>> most_regions([3, 3])
    16
    """
    return math.prod(width + 1 for width in counts("hidden", hidden, least=0))


def _exact(number):
    """Read a number as the decimal that it is printed as; infinities stay what they are."""
    if isinstance(number, Fraction) or math.isinf(number):
        return number
    return Fraction(str(number))


def _exact_layer(layer: Layer) -> tuple[list[Fraction], list[list[Fraction]]]:
    """Turn the arrays of a layer into nested lists of fractions."""
    arrays = [np.asarray(array) for array in layer]
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("the parameters of a network must be finite")
    beta, omega = arrays
    return [_exact(b) for b in beta], [[_exact(w) for w in row] for row in omega]


def _combine(beta: list[Fraction], omega: list[list[Fraction]], piece: Sequence[Line]) -> list[Line]:
    """Apply a linear layer to the straight lines of one piece."""
    return [
        (
            b + sum(w * intercept for w, (intercept, _) in zip(row, piece)),
            sum(w * slope for w, (_, slope) in zip(row, piece)),
        )
        for b, row in zip(beta, omega)
    ]


def _rectify(edges: list, lines: list[list[Line]]) -> tuple[list, list[list[Line]]]:
    """Cut each piece where a pre-activation crosses zero inside it, and clip the lines at zero."""
    new_edges, new_lines = [edges[0]], []
    for (start, end), piece in zip(pairwise(edges), lines):
        zeros = {-intercept / slope for intercept, slope in piece if slope != 0}
        stops = [*sorted(zero for zero in zeros if start < zero < end), end]
        for left, right in pairwise([start, *stops]):
            x = _between(left, right)
            new_lines.append([(a, b) if a + b * x > 0 else (Fraction(0), Fraction(0)) for a, b in piece])
        new_edges += stops
    return new_edges, new_lines


def _between(left, right) -> Fraction:
    """Choose a number inside an interval, one or both of whose ends may be infinite."""
    if math.isinf(left):
        return Fraction(0) if math.isinf(right) else right - 1
    return left + 1 if math.isinf(right) else (left + right) / 2


def _join(edges: list, lines: list[list[Line]]) -> LinearPieces:
    """Leave out the edges where nothing bends: there the lines left and right are the same."""
    bends = [k for k in range(1, len(lines)) if lines[k] != lines[k - 1]]
    return LinearPieces(
        joints=tuple(edges[k] for k in bends), lines=tuple(tuple(lines[k]) for k in (0, *bends))
    )
