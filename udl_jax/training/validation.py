"""Tell bad input in the caller's words, before anything is compiled.

Checks look at values, so they pass over arrays that are being traced (inside ``jax.jit`` or ``jax.vmap``).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PyTree, Shaped


class Examples(NamedTuple):
    """Inputs and what they should give, one row an example."""

    x: Shaped[Array, "examples *features"]
    y: Shaped[Array, "examples *targets"]


def check_examples(examples: Examples, name: str) -> None:
    """Raise ``ValueError`` if ``examples`` are none, of unequal number, or have NaN among the inputs."""
    x, y = examples
    if len(x) != len(y):
        raise ValueError(f"{name} data have {len(x)} inputs but {len(y)} targets")
    if len(x) == 0:
        raise ValueError(f"{name} data are empty: there is nothing to learn from")
    if is_traced(examples):
        return
    if (
        jnp.issubdtype(x.dtype, jnp.floating)
        and (bad := np.isnan(np.asarray(x)).reshape(len(x), -1).any(1)).any()
    ):
        raise ValueError(f"{name} inputs contain NaN, first in example {bad.argmax()}")


def check_labels(
    labels: Shaped[Array, "examples *targets"], outputs: PyTree[jax.ShapeDtypeStruct], name: str
) -> None:
    """Raise ``ValueError`` if integer ``labels`` do not number the columns of ``outputs``.

    Outputs have a column for each label if they are one array with one axis more than the labels.
    """
    if not jnp.issubdtype(labels.dtype, jnp.integer) or is_traced(labels):
        return
    leaves = jax.tree.leaves(outputs)
    if len(leaves) != 1 or leaves[0].ndim != labels.ndim + 1:
        return
    (low, high), classes = _range(labels), leaves[0].shape[-1]
    if low < 0 or high >= classes:
        raise ValueError(f"{name} labels must lie in 0..{classes - 1}, got values from {low} to {high}")


def check_order(order: Int[Array, "..."], examples: int) -> None:
    """Raise ``ValueError`` if ``order`` is not an (epochs, steps, batch) array of indices of examples."""
    if order.ndim != 3 or 0 in order.shape:
        raise ValueError(f"order must have the axes (epochs, steps, batch), none empty, got {order.shape}")
    if is_traced(order):
        return
    low, high = _range(order)
    if low < 0 or high >= examples:
        raise ValueError(f"order must hold indices in 0..{examples - 1}, got values from {low} to {high}")


def check_keys(keys: Any, order: Int[Array, "epochs steps batch"]) -> None:
    """Raise ``ValueError`` if there is not one key for each step of ``order``."""
    if keys is not None and keys.shape != order.shape[:2]:
        raise ValueError(f"keys must have the shape (epochs, steps) = {order.shape[:2]}, got {keys.shape}")


def _range(indices: Int[Array, "..."]) -> tuple[int, int]:
    # NumPy, since JAX would trace even a constant when this runs inside jit.
    concrete = np.asarray(indices)
    return int(concrete.min()), int(concrete.max())


def is_traced(tree: Any) -> bool:
    """Tell whether a JAX transformation is looking at the tree, so that it has no values yet."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree))
