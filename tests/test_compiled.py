"""The cache of compiled programs."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from udl_jax import _compiled

PROGRAM = "import jax, jax.numpy as jnp; print(jax.jit(lambda x: jnp.sin(x) + 1)(2.0))"


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    for name in ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UDL_JAX_CACHE", str(tmp_path))


def run():
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(
        command, env=os.environ | _compiled.environment(), check=True, capture_output=True, text=True
    )


def test_programs_are_kept_and_found_again(tmp_path):
    first = run()
    (folder,) = (tmp_path / "compiled").iterdir()
    kept = {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.name.endswith("-cache")}
    assert kept
    assert run().stdout == first.stdout
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir() if path in kept} == kept


def test_damaged_program_is_compiled_anew(tmp_path):
    first = run()
    (folder,) = (tmp_path / "compiled").iterdir()
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert run().stdout == first.stdout


def test_users_own_choices_win(monkeypatch):
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "false")
    assert _compiled.environment() == {}
    monkeypatch.delenv("JAX_ENABLE_COMPILATION_CACHE")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/elsewhere")
    assert _compiled.environment() == {}


def test_folder_stays_below_its_limit_and_spares_what_is_in_use(tmp_path):
    now = time.time()
    for hours, name in enumerate(["young", "old", "older", "oldest"]):
        (tmp_path / name).write_bytes(bytes(10))
        os.utime(tmp_path / name, (now - 7200 * hours,) * 2)
    _compiled.prune(tmp_path, limit=20)
    assert {path.name for path in tmp_path.iterdir()} == {"young", "old"}
    _compiled.prune(tmp_path, limit=0)
    assert {path.name for path in tmp_path.iterdir()} == {"young"}


def test_home_folder_is_the_default(monkeypatch):
    monkeypatch.delenv("UDL_JAX_CACHE")
    monkeypatch.setenv("UDL_JAX_CACHE", "~/kept")
    assert _compiled.cache_folder() == Path.home() / "kept"


def test_importing_the_library_sets_nothing():
    script = (
        "import jax, udl_jax.training, udl_jax.cli, udl_jax.ch08_performance.mnist1d\n"
        "print(jax.config.jax_compilation_cache_dir)"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    printed = subprocess.run([sys.executable, "-c", script], env=environ, check=True, capture_output=True)
    assert printed.stdout.strip() == b"None"
