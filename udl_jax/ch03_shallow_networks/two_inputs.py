"""Shallow ReLU networks with two inputs: the polygons on which they are linear, found and counted.

The network itself is :func:`udl_jax.ch03_shallow_networks.shallow_network.stages`, which takes any number
of inputs and outputs. What counts patterns here does so too.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from udl_jax._annotations import checked
from udl_jax._checks import is_traced, values
from udl_jax.ch03_shallow_networks.shallow_network import preactivate


@checked
def grid(x1: Float[Array, " columns"], x2: Float[Array, " rows"]) -> Float[Array, "rows columns 2"]:
    """Combine each ``x1`` with each ``x2``.

    Parameters
    ----------
    x1, x2
        Values of the first input (the grid's columns) and of the second (its rows).

    Returns
    -------
    Float[Array, "rows columns 2"]
        Inputs for a network, one for each place of the grid.

    Examples
    --------
    >>> grid(jnp.array([0.0, 1.0]), jnp.array([5.0]))
    Array([[[0., 5.],
            [1., 5.]]], dtype=float32)
    """
    return jnp.stack(jnp.meshgrid(x1, x2), axis=-1)


@checked
def activation_patterns(
    theta: Float[Array, "hidden intercept_and_slopes"], x: Float[Array, "*batch inputs"]
) -> Bool[Array, "*batch hidden"]:
    """Tell which hidden units are active at each input.

    Inputs with the same pattern lie in the same region, on which a ReLU network is linear.

    Parameters
    ----------
    theta
        Intercept and slopes of each hidden unit.
    x
        Inputs, one row each.

    Returns
    -------
    Bool[Array, "*batch hidden"]
        Whether the pre-activation is positive.

    Raises
    ------
    ValueError
        If ``theta`` does not fit the number of inputs.

    References
    ----------
    Prince (2023), section 3.3, figure 3.8.

    Examples
    --------
    >>> theta = jnp.array([[0.0, 1.0], [1.0, -1.0]])
    >>> activation_patterns(theta, jnp.array([[0.5], [2.0]]))
    Array([[ True,  True],
           [ True, False]], dtype=bool)
    """
    preactivations = preactivate(theta, x)
    values("theta and x", preactivations, lambda f: ~np.isnan(f), "numbers")
    return preactivations > 0


@checked
def sort_patterns(patterns: Bool[Array, "*batch hidden"]) -> Bool[Array, "samples hidden"]:
    """Sort patterns as words are sorted: by the first unit, then by the second, and so on.

    Parameters
    ----------
    patterns
        From :func:`activation_patterns`, for any number of hidden units.

    Returns
    -------
    Bool[Array, "samples hidden"]
        The same patterns, equal ones next to each other.

    Raises
    ------
    ValueError
        If there are no patterns.

    Examples
    --------
    >>> sort_patterns(jnp.array([[True, False], [False, True], [True, False]]))
    Array([[False,  True],
           [ True, False],
           [ True, False]], dtype=bool)
    """
    # Bits are packed into bytes, so that the sort compares one key for eight units.
    packed = jnp.packbits(patterns.reshape(-1, patterns.shape[-1]), axis=1)
    ordered = jnp.stack(jax.lax.sort(tuple(packed.T), num_keys=packed.shape[1]), axis=1)
    return jnp.unpackbits(ordered, axis=1, count=patterns.shape[-1]).astype(bool)


@checked
def count_patterns(patterns: Bool[Array, "*batch hidden"]) -> Int[Array, ""]:
    """Count how many different patterns there are.

    Parameters
    ----------
    patterns
        From :func:`activation_patterns`, for any number of hidden units.

    Returns
    -------
    Int[Array, ""]
        The regions that have been met. That is all of them, or fewer if some region had no input in it.

    Raises
    ------
    ValueError
        If there are no patterns.

    References
    ----------
    Prince (2023), section 3.3, figure 3.8.

    Examples
    --------
    >>> count_patterns(jnp.array([[True, False], [True, True], [True, False]]))
    Array(2, dtype=int32)
    """
    ordered = sort_patterns(patterns)
    return 1 + jnp.sum(jnp.any(ordered[1:] != ordered[:-1], axis=1))


@checked
def number_patterns(patterns: Bool[Array, "*batch hidden"]) -> Int[Array, "*batch"]:
    r"""Give each pattern a number, for a map of the regions.

    Parameters
    ----------
    patterns
        From :func:`activation_patterns`, for 31 hidden units at most.

    Returns
    -------
    Int[Array, "*batch"]
        :math:`\sum_d 2^{d-1}` over the active units :math:`d`, counted from 1.

    Raises
    ------
    ValueError
        If there are more than 31 units.

    Examples
    --------
    >>> number_patterns(jnp.array([[True, False, True], [False, True, False]]))
    Array([5, 2], dtype=int32)
    """
    hidden = patterns.shape[-1]
    if hidden > 31:
        raise ValueError(f"patterns can be numbered for 31 hidden units at most, got {hidden}")
    return jnp.sum(patterns << jnp.arange(hidden), axis=-1)


@checked
def linear_piece(
    theta: Float[Array, "hidden intercept_and_slopes"],
    phi: Float[Array, "outputs offset_and_weights"],
    pattern: Bool[Array, "*batch units"],
) -> Float[Array, "*batch outputs intercept_and_slopes"]:
    """Compute the linear function that a ReLU network is where its hidden units have this pattern.

    Parameters
    ----------
    theta, phi
        The network, as in :func:`udl_jax.ch03_shallow_networks.shallow_network.stages`.
    pattern
        Which hidden units are active.

    Returns
    -------
    Float[Array, "*batch outputs intercept_and_slopes"]
        For each output its intercept, and then its slope along each input.

    Raises
    ------
    ValueError
        If ``theta``, ``phi`` and ``pattern`` are not for the same number of hidden units.

    References
    ----------
    Prince (2023), section 3.3, figure 3.8.

    Examples
    --------
    >>> theta, phi = jnp.array([[0.5, 1.0], [1.0, -1.0]]), jnp.array([[3.0, 1.0, 2.0]])
    >>> linear_piece(theta, phi, jnp.array([True, False]))
    Array([[3.5, 1. ]], dtype=float32)
    """
    hidden = (len(theta), phi.shape[1] - 1, pattern.shape[-1])
    if len(set(hidden)) != 1:
        raise ValueError(
            f"theta, phi and pattern must be for the same number of hidden units, got {hidden[0]}, "
            f"{hidden[1]} and {hidden[2]}"
        )
    pieces = (phi[:, 1:] * pattern[..., None, :]) @ theta
    return pieces.at[..., 0].add(phi[:, 0])


@checked
def count_polygons(
    theta: Float[Array, "hidden intercept_and_slopes"], box: Float[Array, "inputs ends"] | None = None
) -> Int[Array, ""]:
    """Count the regions into which the hidden units' lines cut the plane, or a box, without a grid.

    Each line cuts one region more than it crosses other lines. This holds for lines in general position:
    no two the same, and no three through one point.

    Parameters
    ----------
    theta
        Intercept and two slopes of each hidden unit, whose line is where its pre-activation is zero.
    box
        Lowest and highest value of the first input, and below them those of the second. None is the whole
        plane.

    Returns
    -------
    Int[Array, ""]
        One, plus the lines that pass through the box, plus their crossings inside it.

    Raises
    ------
    ValueError
        If ``theta`` is not for two inputs or not finite, the shape of ``box`` is not (2, 2), or it holds nothing.

    References
    ----------
    Prince (2023), section 3.3, figure 3.8.

    Examples
    --------
    >>> cross = jnp.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    >>> count_polygons(cross)
    Array(4, dtype=int32)
    >>> count_polygons(cross, jnp.array([[1.0, 2.0], [-1.0, 1.0]]))
    Array(2, dtype=int32)
    """
    if theta.shape[1] != 3:
        raise ValueError(f"theta must have 3 columns, an intercept and two slopes, got {theta.shape[1]}")
    if box is not None and box.shape != (2, 2):
        raise ValueError(f"box must have the shape (2, 2), two ends for each input, got {box.shape}")
    values("theta", theta, np.isfinite, "finite")
    if box is not None and not is_traced(box) and not np.all(np.asarray(box)[:, 0] < np.asarray(box)[:, 1]):
        raise ValueError(f"box must have its lowest values before its highest, got {box.tolist()}")
    one, other = (theta[units] for units in jnp.triu_indices(len(theta), k=1))
    determinant, is_crossing = _determinant(one, other)
    if box is None:
        return 1 + jnp.sum(jnp.any(theta[:, 1:] != 0, axis=1)) + jnp.sum(is_crossing)
    at_corners = preactivate(theta, grid(*box).reshape(4, 2))
    passes = (at_corners.min(0) < 0) & (at_corners.max(0) > 0)
    crossing = jnp.cross(one, other)[:, 1:] / jnp.where(is_crossing, determinant, 1)[:, None]
    is_inside = jnp.all((box[:, 0] < crossing) & (crossing < box[:, 1]), axis=1)
    return 1 + jnp.sum(passes) + jnp.sum(is_crossing & is_inside)


def _determinant(one, other):
    """Return the determinant of two units' slopes, and whether it is more than rounding: lines that cross."""
    left, right = one[:, 1] * other[:, 2], one[:, 2] * other[:, 1]
    rounding = 4 * jnp.finfo(left.dtype).eps * (jnp.abs(left) + jnp.abs(right))
    return left - right, jnp.abs(left - right) > rounding
