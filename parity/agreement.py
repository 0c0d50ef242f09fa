"""What it means that our numbers agree with the book's, or with a witness: five kinds, and one tolerance a kind."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np

#: Largest admissible :func:`relative_error` for each kind of agreement and precision.
TOLERANCES = {
    ("value", "float64"): 1e-10,
    ("draws", "float64"): 1e-9,
    ("trajectory", "float64"): 1e-10,
    ("trajectory", "float32"): 1e-3,
    ("witness", "float64"): 1e-10,
}
#: How many times further than its own twin a run that amplifies rounding may be from ours.
TWIN_FACTOR = 10.0
#: How many runs with different seeds a distribution needs on the book's side.
DISTRIBUTION_RUNS = 10


class Agreement(NamedTuple):
    """One comparison: how large the error was, and how large it might have been."""

    kind: str
    dtype: str
    max_error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Tell whether the error is within the tolerance (a NaN is not)."""
        return self.max_error <= self.tolerance


def relative_error(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Compute each element's error relative to the element, or to the array's root mean square if larger.

    The floor keeps elements that are zero but for rounding, such as the joint of a ReLU, comparable.
    Infinities and NaNs must stand at the same places.
    """
    special = ~np.isfinite(theirs)
    if not np.array_equal(ours[special], theirs[special], equal_nan=True):
        return np.full(theirs.shape, np.inf)
    ours, theirs = ours[~special], theirs[~special]
    apart = np.abs(ours - theirs)
    size = np.maximum(np.abs(theirs), np.sqrt(np.mean(theirs**2)) if theirs.size else 0.0)
    return np.divide(apart, size, out=np.where(apart == 0, 0.0, np.inf), where=size > 0)


def twin_error(ours: np.ndarray, theirs: np.ndarray, twin: np.ndarray) -> np.ndarray:
    """Measure our distance from a run in units of its own distance from its twin.

    The twin is the same run in the same framework with initial weights moved by one unit in the last
    place. Where training amplifies rounding, no two correct programs stay together for longer than the
    twins do, and none that is correct should part from them much sooner. Arrays have time along axis 0;
    the twin's distance counts as the largest so far, and never as less than a few units of rounding.
    """
    axes = tuple(range(1, theirs.ndim))
    apart = np.abs(ours - theirs).max(axis=axes)
    scale = np.maximum.accumulate(np.abs(twin - theirs).max(axis=axes))
    rounding = 4 * np.finfo(theirs.dtype).eps * np.abs(theirs).max(axis=axes)
    return apart / np.maximum(scale, rounding)


def compare(ours: Any, theirs: Any, kind: str, twin: Any = None) -> Agreement:
    """Compare two arrays, or two trees of arrays, in the way that ``kind`` asks."""
    if jax.tree.structure(ours) != jax.tree.structure(theirs):
        raise ValueError(f"ours is {jax.tree.structure(ours)}, theirs {jax.tree.structure(theirs)}")
    pairs = [
        (np.asarray(a), np.asarray(b))
        for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True)
    ]
    if kind == "distribution":
        return _compare_distributions(*pairs[0])
    for a, b in pairs:
        if a.shape != b.shape:
            raise ValueError(f"our shape is {a.shape}, theirs {b.shape}")
    dtype = _common_dtype(pairs)
    if not dtype:
        unequal = any(not np.array_equal(a, b) for a, b in pairs)
        return Agreement(kind, str(pairs[0][1].dtype), float(unequal), 0.0)
    if twin is not None:
        error = max(twin_error(a, b, np.asarray(c)).max() for (a, b), c in zip(pairs, jax.tree.leaves(twin)))
        return Agreement(f"{kind}, twin", dtype, float(error), TWIN_FACTOR)
    error = max(relative_error(a, b).max(initial=0.0) for a, b in pairs)
    return Agreement(kind, dtype, float(error), TOLERANCES[kind, dtype])


def _common_dtype(pairs):
    """Name the floating dtype that all arrays share; "" if the book's are integers, flags or text."""
    dtypes = {str(b.dtype) for _, b in pairs}
    if not any(np.issubdtype(b.dtype, np.floating) for _, b in pairs):
        return ""
    if dtypes != {str(a.dtype) for a, _ in pairs} or len(dtypes) != 1:
        raise TypeError(f"ours is {sorted({str(a.dtype) for a, _ in pairs})}, theirs {sorted(dtypes)}")
    return dtypes.pop()


def _compare_distributions(ours, theirs):
    """Place the mean of our runs within the spread of theirs: 0 is its centre, 1 its edge."""
    if theirs.size < DISTRIBUTION_RUNS or ours.size < DISTRIBUTION_RUNS:
        raise ValueError(f"a distribution needs {DISTRIBUTION_RUNS} runs, got {ours.size} and {theirs.size}")
    low, high = theirs.min(), theirs.max()
    offset = abs(ours.mean() - (low + high) / 2) / ((high - low) / 2)
    return Agreement("distribution", str(theirs.dtype), float(offset), 1.0)
