"""Pruning: which of a network's parameters survive, as masks whose number of zeros may be traced."""

from collections.abc import Iterable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, ArrayLike, Bool, Float, Int, Num

from udl_jax import _checks
from udl_jax._annotations import checked

#: Parameters, or masks of them, layer by layer.
Layers = Mapping[str, Mapping[str, Array]]


def check_fractions(name: str, fractions: Iterable[float]) -> None:
    """Raise ``ValueError`` unless all fractions lie in [0, 1]."""
    for fraction in fractions:
        if not 0 <= fraction <= 1:
            raise ValueError(f"{name} must lie in [0, 1], got {fraction}")


def count_dropped(size: int, fraction: Num[ArrayLike, ""]) -> int:
    """Count how many of ``size`` numbers a fraction of them is, rounded down.

    The product is one of double precision, as in the notebook: 0.29 of 100 are 28.

    Raises
    ------
    ValueError
        If ``fraction`` lies outside [0, 1], or ``size`` is less than 1.
    TypeError
        If one of them is being traced: the count is what may be.

    Examples
    --------
    >>> count_dropped(5, 0.4), count_dropped(100, 0.29)
    (2, 28)
    """
    if _checks.is_traced(fraction):
        raise TypeError("fraction must be known before anything is compiled: trace the count instead")
    check_fractions("fraction", [_checks.as_number("fraction", fraction)])
    return int(float(fraction) * _checks.count("size", size))


@checked
def drop_smallest(scores: Float[Array, " weights"], dropped: Int[ArrayLike, ""]) -> Bool[Array, " weights"]:
    """Mask the smallest scores: False for ``dropped`` of them, of equal ones the first, and True for the others.

    How many may be a traced number, so one compiled program serves all sparsities.

    Examples
    --------
    >>> drop_smallest(jnp.array([5.0, 6.0, 0.0, 1.0, 7.0]), 2).astype(int)
    Array([1, 1, 0, 0, 1], dtype=int32)
    """
    _checks.values(
        "dropped", dropped, lambda n: (n >= 0) & (n <= scores.size), f"a count up to {scores.size}"
    )
    survives = jnp.arange(scores.size) >= dropped
    return jnp.zeros(scores.size, bool).at[jnp.argsort(scores)].set(survives)


@checked
def magnitude_mask(
    weights: Float[Array | np.ndarray, " weights"], fraction: Num[ArrayLike, ""]
) -> Bool[Array, " weights"]:
    """Mask the given fraction of the weights, those of the smallest absolute values.

    Raises
    ------
    ValueError
        As :func:`count_dropped`; also if ``weights`` are empty or have more axes than one.

    References
    ----------
    Prince (2023), section 20.5.1; notebook 20.3.

    Examples
    --------
    >>> magnitude_mask(jnp.array([5.0, -6.0, 0.0, 1.0, 7.0]), 0.4).astype(int)
    Array([1, 1, 0, 0, 1], dtype=int32)
    """
    return drop_smallest(jnp.abs(weights), count_dropped(weights.size, fraction))


def layer_masks(scores: Layers, dropped: Int[Array | np.ndarray, " layers"]) -> dict[str, dict[str, Array]]:
    """Mask the smallest scores of each layer, its weights and biases together; see :func:`drop_smallest`.

    Parameters
    ----------
    scores
        A number for each parameter, layer by layer.
    dropped
        How many to drop in each layer, in the alphabetical order of the layers' names.

    Returns
    -------
    dict[str, dict[str, Array]]
        Booleans in the shapes of the parameters.

    Raises
    ------
    ValueError
        If there is not one count for each layer, or a count exceeds the layer's parameters.

    Examples
    --------
    >>> scores = {"linear_0": {"kernel": jnp.array([[3.0, 1.0]]), "bias": jnp.array([2.0, 9.0])}}
    >>> layer_masks(scores, jnp.array([2]))["linear_0"]["kernel"].tolist()
    [[True, False]]
    """
    if np.shape(dropped) != (len(scores),):
        raise ValueError(
            f"dropped must be a count for each of the {len(scores)} layers, got the shape {np.shape(dropped)}"
        )
    masks = {}
    for place, name in enumerate(sorted(scores)):
        vector, restore = ravel_pytree(scores[name])
        kept = drop_smallest(vector, dropped[place])
        masks[name] = jax.tree.map(lambda leaf: leaf.astype(bool), restore(kept.astype(vector.dtype)))
    return masks


def masked(params: Layers, masks: Layers) -> dict[str, dict[str, Array]]:
    """Put zeros where the masks are False; what stood there has no effect, and no gradient.

    Raises
    ------
    ValueError
        If the masks are not of the parameters' names and shapes.

    Examples
    --------
    >>> masked({"linear_0": {"bias": jnp.array([3.0, jnp.nan])}}, {"linear_0": {"bias": jnp.array([True, False])}})
    {'linear_0': {'bias': Array([3., 0.], dtype=float32)}}
    """
    ours, theirs = (jax.tree.map(jnp.shape, dict(tree)) for tree in (params, masks))
    if ours != theirs:
        raise ValueError(f"masks must have the names and shapes of the parameters, {ours}, got {theirs}")
    return jax.tree.map(lambda p, m: jnp.where(m, p, 0), dict(params), dict(masks))
