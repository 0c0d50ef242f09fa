"""The two fixtures of every parity test: ``reference`` and ``agrees``."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from parity import agreement, notebooks

jax.config.update("jax_enable_x64", True)  # the book's NumPy computes in double precision

ROOT = Path(__file__).parents[1]
CHECKS = pytest.StashKey[list]()


def pytest_addoption(parser):
    group = parser.getgroup("parity")
    group.addoption("--book", type=Path, help="run the notebooks of this clone of udlbook/udlbook afresh")
    group.addoption("--book-python", default=sys.executable, help="Python of the notebooks' environment")
    group.addoption("--report", type=Path, help="write the measured errors to this JSON file")


def pytest_configure(config):
    config.addinivalue_line("markers", "live: needs a clone of the book's repository, --book PATH")
    config.stash[CHECKS] = []


def pytest_collection_modifyitems(config, items):
    """Leave out what needs a clone of the book, unless there is one."""
    if config.getoption("--book"):
        return
    live = [item for item in items if item.get_closest_marker("live")]
    config.hook.pytest_deselected(items=live)
    items[:] = [item for item in items if item not in live]


def pytest_sessionfinish(session, exitstatus):
    path = session.config.getoption("--report")
    if path and exitstatus == pytest.ExitCode.OK:
        path.write_text(json.dumps(_report(session.config.stash[CHECKS]), indent=1) + "\n")


def pytest_terminal_summary(terminalreporter, config):
    checks = config.stash[CHECKS]
    terminalreporter.write_line(f"{len(checks)} quantities compared with the book's")


def _report(checks):
    manifest = json.loads((notebooks.RECORDED / "manifest.json").read_text())
    versions = {"python": platform.python_version(), "jax": jax.__version__, "numpy": np.__version__}
    theirs = {k: v for entry in manifest["notebooks"].values() for k, v in entry["versions"].items()}
    return {
        "environment": versions,
        "book_environment": theirs,
        "book_commit": notebooks.BOOK_COMMIT,
        "checks": checks,
    }


class Reference(Mapping):
    """The arrays of one notebook: floats as JAX arrays, text as NumPy has it, scalars as Python's."""

    def __init__(self, path: Path):
        with np.load(path, allow_pickle=False) as stored:
            self._arrays = dict(stored)

    def __getitem__(self, name: str):
        array = self._arrays[name]
        if array.dtype.kind in "US":
            return array
        return jnp.asarray(array)

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def under(self, prefix: str) -> dict[str, jax.Array]:
        """Return the arrays of one take, or of one group, without their prefix."""
        start = f"{prefix}/"
        return {name.removeprefix(start): self[name] for name in self if name.startswith(start)}


@pytest.fixture(autouse=True, scope="module")
def _programs_are_forgotten():
    """Drop compiled programs after each module: those of a whole session would take many gigabytes."""
    yield
    jax.clear_caches()


@pytest.fixture(scope="session")
def live_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="session")
def record_live(request, live_folder):
    """Run a notebook of the checkout given by ``--book``, in the notebooks' environment, once a session."""
    book, python = request.config.getoption("--book"), request.config.getoption("--book-python")

    def record(slug: str) -> Path:
        path = live_folder / f"{slug}.npz"
        if not path.exists():
            command = [python, "-m", "parity.notebooks", "--book", book.resolve(), "--out", live_folder, slug]
            subprocess.run(command, cwd=ROOT, check=True)
        return path

    return record


@pytest.fixture(scope="session")
def reference(request, record_live):
    """Give the arrays of a notebook: the recording, or a live execution with ``--book``."""

    def load(slug: str) -> Reference:
        if request.config.getoption("--book"):
            return Reference(record_live(slug))
        return Reference(notebooks.RECORDED / f"{slug}.npz")

    return load


@pytest.fixture
def agrees(request):
    """Assert that ours agrees with theirs, and put the measured error on the report."""
    slug = re.match(r"test_(\d+_(\d+|[A-Z]))_", request.path.name)

    def check(ours, theirs, *, kind: str, quantity: str, twin=None):
        found = agreement.compare(ours, theirs, kind, twin)
        test = request.node.nodeid
        entry = {"notebook": slug[1].replace("_", "."), "quantity": quantity, "test": test}
        error = float(f"{found.max_error:.1e}")
        entry |= found._asdict() | {"max_error": error, "passed": found.passed}
        request.config.stash[CHECKS].append(entry)
        assert found.passed, f"{quantity}: error {found.max_error:.2e}, tolerance {found.tolerance:.0e}"

    return check
