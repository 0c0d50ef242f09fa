"""Where JAX keeps compiled programs between runs of this project's pages, tests and commands.

Importing the library changes nothing: the command line and the automation put :func:`environment` into the
environment of what they start. It needs nothing but the standard library, so that both can read it.
"""

import hashlib
import os
import platform
import sys
import time
from pathlib import Path

#: The folder may grow to this size; what was not used for longest goes first.
LIMIT_BYTES = 2 * 2**30
#: What another process may be about to read stays.
SPARED_SECONDS = 3600


def environment() -> dict[str, str]:
    """Return the variables that make JAX keep every compiled program, however small, in the user's cache folder.

    A user's own choice wins: nothing is returned if ``JAX_COMPILATION_CACHE_DIR`` is set, or if
    ``JAX_ENABLE_COMPILATION_CACHE`` switches the cache off.
    """
    off = os.environ.get("JAX_ENABLE_COMPILATION_CACHE", "").lower() in {"0", "false", "no", "off"}
    if off or os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return {}
    folder = cache_folder() / "compiled" / _machine()
    prune(folder)
    return {
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def cache_folder() -> Path:
    """Return the folder for what can be made anew: ``UDL_JAX_CACHE``, or the user's cache folder."""
    chosen = os.environ.get("UDL_JAX_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(base) / "udl_jax" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "udl_jax"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "udl_jax"


def prune(folder: Path, limit: int = LIMIT_BYTES) -> None:
    """Delete the programs that were not used for longest, until the rest take at most ``limit`` bytes."""
    if not folder.is_dir():
        return
    entries = []
    for path in folder.iterdir():
        try:
            found = path.stat()
        except FileNotFoundError:  # another process prunes as well
            continue
        entries.append((max(found.st_atime, found.st_mtime), found.st_size, path))
    size = sum(entry[1] for entry in entries)
    for used, bytes_, path in sorted(entries):
        if size <= limit or time.time() - used < SPARED_SECONDS:
            return
        path.unlink(missing_ok=True)
        size -= bytes_


def _machine() -> str:
    """Name the kind of processor: a program compiled for another one may use instructions that this one lacks."""
    described = [platform.machine(), platform.processor()]
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        described += sorted({line for line in lines if line.startswith(("flags", "model name", "Features"))})
    except OSError:
        pass  # only Linux has the file; elsewhere a home folder is seldom shared by machines of two kinds
    return hashlib.sha256("\n".join(described).encode()).hexdigest()[:16]
