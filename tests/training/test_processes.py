"""Two processes of two fake devices each, on this machine, against one process."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("process.py")
#: Rather than wait for ever where something hangs; nothing here takes a tenth of it.
SECONDS = 300


def start(task, count, folder):
    """Run a task in so many processes; return their exit codes and what they wrote to stderr."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    commands = [
        [sys.executable, str(SCRIPT), task, str(port), str(number), str(count), str(folder)]
        for number in range(count)
    ]
    processes = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for command in commands
    ]
    errors = [process.communicate(timeout=SECONDS)[1] for process in processes]
    return [process.returncode for process in processes], errors


def results(task, count, folder):
    """Read what each process has got."""
    found = []
    for number in range(count):
        with np.load(folder / f"{task}_{count}_{number}.npz") as stored:
            names = [name for name in stored if name.startswith("arr_")]
            found.append(([stored[name] for name in names], range(*stored["here"])))
    return found


def run(task, count, folder):
    codes, errors = start(task, count, folder)
    assert codes == [0] * count, errors
    return results(task, count, folder)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The same trainings in one process."""
    folder = tmp_path_factory.mktemp("alone")
    return {task: run(task, 1, folder)[0][0] for task in ("replicas", "batches")}


def assert_equal(ours, theirs, rtol=0.0):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def test_replicas_are_shared_over_processes(alone, tmp_path):
    """Two processes of two devices train what one process trains, and each has all of it."""
    for ours, _ in run("replicas", 2, tmp_path):
        assert_equal(ours, alone["replicas"], rtol=1e-12)


def test_processes_may_keep_their_own_part(alone, tmp_path):
    parts = run("replicas_own", 2, tmp_path)
    assert [part[1] for part in parts] == [range(4), range(4, 6)]
    for ours, here in parts:
        assert_equal(ours, [leaf[here.start : here.stop] for leaf in alone["replicas"]], rtol=1e-12)


def test_batches_are_shared_over_processes(alone, tmp_path):
    for ours, _ in run("batches", 2, tmp_path):
        assert_equal(ours, alone["batches"], rtol=1e-10)


@pytest.mark.parametrize("task", ["replicas", "batches"])
def test_lost_process_is_told_and_the_run_resumes_in_another_number(alone, tmp_path, task):
    """One of two processes is killed after the first chunk; a single one goes on from there."""
    codes, errors = start(f"{task}_kept_killed", 2, tmp_path)
    assert codes[1] == 9
    assert codes[0] not in (0, 9)
    assert "lost another one" in errors[0] or "another task died" in errors[0], errors[0]
    kept = tmp_path / task / "checkpoints"
    assert sorted(path.name for path in kept.iterdir() if path.name.isdigit()) == ["2"]
    ((ours, _),) = run(f"{task}_kept", 1, tmp_path)
    assert_equal(ours, alone[task], rtol=1e-10)
