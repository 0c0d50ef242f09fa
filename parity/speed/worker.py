"""A process of one side of a workload: it does the work once for each seed that it is sent, and tells how long it took.

::

    python -m parity.speed.worker WORKLOAD SIDE DATA

``DATA`` is an .npz file with the workload's arrays.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np


class Worker:
    """The other end of such a process."""

    def __init__(self, workload: str, side: str, data: Path, threads: int | None = None):
        command = [sys.executable, "-m", "parity.speed.worker", workload, side, str(data)]
        limits = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, env=os.environ | limits, **pipes)

    def run(self, seed: int) -> dict:
        """Do the work once; return ``seconds`` and ``result``."""
        self._process.stdin.write(f"{seed}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process {self._process.args[3:]} ended with {self._process.wait()}")
        return json.loads(answer)

    def close(self) -> None:
        """Let the process end."""
        self._process.stdin.close()
        self._process.wait()


def time_cold(workload: str, side: str, data: Path, threads: int | None, seed: int) -> float:
    """Time a process that starts, does the work once and ends."""
    start = time.perf_counter()
    worker = Worker(workload, side, data, threads)
    worker.run(seed)
    worker.close()
    return time.perf_counter() - start


def main(workload: str, side: str, path: str) -> None:
    """Serve seeds from standard input until it ends."""
    with np.load(path) as stored:
        data = dict(stored)
    run = getattr(importlib.import_module(f"parity.speed.workloads.{workload}"), side)(data)
    for line in sys.stdin:
        start = time.perf_counter()
        result = run(int(line))
        print(json.dumps({"seconds": time.perf_counter() - start, "result": float(result)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
