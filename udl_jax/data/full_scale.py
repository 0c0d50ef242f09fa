"""Results that take long: recorded once at the book's full settings, and shipped with the package."""

import json
from importlib import resources
from typing import Any

import numpy as np


def load_full_scale(name: str) -> dict[str, Any]:
    """Load a recorded result.

    Parameters
    ----------
    name
        Such as ``"double_descent"``.

    Returns
    -------
    dict
        Numbers as NumPy arrays, and under ``"provenance"`` where they come from: what was run, on which machine, with
        which versions, and how long it took.

    Raises
    ------
    ValueError
        If nothing of this name was recorded; the message says what was.

    Examples
    --------
    >>> found = load_full_scale("double_descent")
    >>> found["test_error"].shape[1:]  # for each seed: widths, evaluations
    (28, 10)
    >>> sorted(found["provenance"])
    ['cpu_seconds', 'date', 'machine', 'run', 'versions', 'wall_seconds']
    """
    folder = resources.files("udl_jax.data") / "recorded"
    names = sorted(
        path.name.removesuffix(".json") for path in folder.iterdir() if path.name.endswith(".json")
    )
    if name not in names:
        raise ValueError(f"name must be one of {', '.join(map(repr, names))}, got {name!r}")
    stored = json.loads((folder / f"{name}.json").read_text())
    return {key: np.array(value) if isinstance(value, list) else value for key, value in stored.items()}
