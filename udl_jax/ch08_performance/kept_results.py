"""Results of a long computation, kept one by one, so that it can be killed at any moment and made again."""

import hashlib
import os
import uuid
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np
from jaxtyping import ArrayLike


class KeptResults:
    """A folder with a file for each result, which belongs to one computation only.

    Parameters
    ----------
    directory
        The folder, made if it does not exist; ``~`` is the home folder.
    decides
        All that decides the results: texts, and arrays of any kind. The version of JAX belongs to it, too.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     KeptResults(folder, "squares").write("three", {"square": 9})
    ...     kept = KeptResults(folder, "squares").read("three")
    ...     missing = KeptResults(folder, "squares").read("four")
    >>> int(kept["square"]), missing
    (9, None)
    """

    def __init__(self, directory: str | Path, *decides: str | ArrayLike):
        self.folder = Path(directory).expanduser()
        self.folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(jax.__version__.encode())
        for part in decides:
            array = np.asarray(part)
            digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
        self.fingerprint = digest.hexdigest()

    def read(self, name: str) -> dict[str, np.ndarray] | None:
        """Return the result of this name, or None if there is none yet.

        Raises
        ------
        ValueError
            If it belongs to another computation.
        """
        path = self.folder / f"{name}.npz"
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
        if arrays.pop("fingerprint").item() != self.fingerprint:
            raise ValueError(
                f"directory {self.folder} holds results of another computation (other draws, data, settings or "
                "version of JAX): choose an empty one, or delete it"
            )
        return arrays

    def write(self, name: str, arrays: Mapping[str, ArrayLike]) -> None:
        """Keep a result in one step: a process that is killed leaves all of it, or nothing."""
        temporary = self.folder / f"{uuid.uuid4().hex}.tmp"
        with temporary.open("xb") as stream:
            np.savez(stream, fingerprint=self.fingerprint, **arrays)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self.folder / f"{name}.npz")
