"""Time notebook 8.1's training: the book's PyTorch loop against ours, side by side.

::

    python -m parity.speed [--rounds 9] [--json docs/speed_report.json]

Both sides train the same network on the same data in single precision: 50 epochs of 40 steps, and after each
epoch loss and error on training and test data. *Cold* is a whole process, from its start to its end, that
trains once. *Warm* is another training in a process that has trained before, with a new seed. The two sides
take turns, so that a machine that slows down slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import numpy as np

STEPS = 50 * 40
SIDES = {"PyTorch, as the book writes it": "parity.speed_torch", "udl_jax": "parity.speed_jax"}
BOOK, OURS = SIDES


class Worker:
    """A process of one side that trains once for each seed it is sent, and tells how long it took."""

    def __init__(self, module: str, data: Path, environment: dict[str, str]):
        command = [sys.executable, "-m", module, str(data)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, env=os.environ | environment, **pipes)

    def train(self, seed: int) -> dict:
        """Train once; return ``seconds`` and final ``test_error``."""
        self._process.stdin.write(f"{seed}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process {self._process.args[2]} ended with {self._process.wait()}")
        return json.loads(answer)

    def close(self) -> None:
        """Let the process end."""
        self._process.stdin.close()
        self._process.wait()


def serve(train) -> None:
    """Run a side's loop: ``train(seed)`` returns the final test error in percent."""
    for line in sys.stdin:
        start = time.perf_counter()
        error = train(int(line))
        print(json.dumps({"seconds": time.perf_counter() - start, "test_error": error}), flush=True)


def time_cold(module: str, data: Path, environment: dict[str, str], seed: int) -> float:
    """Time a process that starts, trains once and ends."""
    start = time.perf_counter()
    worker = Worker(module, data, environment)
    worker.train(seed)
    worker.close()
    return time.perf_counter() - start


def best_torch_threads(data: Path) -> int:
    """Find the number of threads with which the book's loop runs fastest here."""
    seconds = {}
    for threads in (1, os.cpu_count() or 1):
        worker = Worker(SIDES[BOOK], data, {"OMP_NUM_THREADS": str(threads)})
        worker.train(0)
        seconds[threads] = worker.train(1)["seconds"]
        worker.close()
    return min(seconds, key=seconds.get)


def measure(rounds: int, data: Path) -> dict:
    """Run both sides in turn; return the report."""
    threads = best_torch_threads(data)
    environments = {BOOK: {"OMP_NUM_THREADS": str(threads)}, OURS: {}}
    cold = {name: [] for name in SIDES}
    for seed in range(rounds):
        for name, module in SIDES.items():
            cold[name].append(time_cold(module, data, environments[name], seed))

    workers = {name: Worker(module, data, environments[name]) for name, module in SIDES.items()}
    for worker in workers.values():
        worker.train(0)
    warm = {name: [] for name in SIDES}
    errors = {name: [] for name in SIDES}
    for seed in range(1, rounds + 1):
        for name, worker in workers.items():
            answer = worker.train(seed)
            warm[name].append(answer["seconds"])
            errors[name].append(answer["test_error"])
    for worker in workers.values():
        worker.close()
    return _report(rounds, threads, cold, warm, errors)


def _report(rounds, threads, cold, warm, errors):
    median = statistics.median
    rows = [
        {
            "name": name,
            "cold_s": round(median(cold[name]), 3),
            "warm_s": round(median(warm[name]), 3),
            "us_per_step": round(median(warm[name]) / STEPS * 1e6, 1),
            "test_error": round(median(errors[name]), 2),
        }
        for name in SIDES
    ]
    ratios = {
        kind: median(b / o for b, o in zip(times[BOOK], times[OURS], strict=True))
        for kind, times in (("cold", cold), ("warm", warm))
    }
    return {
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "jax": metadata.version("jax"),
        "torch": metadata.version("torch"),
        "notebook": "8.1",
        "setting": "40-100-100-10, 50 epochs of 40 steps, batch 100, float32, evaluation after each epoch; "
        f"torch with {threads} thread{'s' if threads > 1 else ''}, the faster choice here",
        "rounds": rounds,
        "rows": rows,
        "ratio": {kind: round(ratio, 2) for kind, ratio in ratios.items()},
    }


def show(report: dict) -> None:
    """Print the report as a table."""
    print(f"\n{report['setting']}\n{report['machine']}, medians of {report['rounds']} rounds\n")
    print(f"{'':34}{'cold':>9}{'warm':>9}{'a step':>12}{'test error':>12}")
    for row in report["rows"]:
        print(
            f"{row['name']:34}{row['cold_s']:7.2f} s{row['warm_s']:7.2f} s{row['us_per_step']:9.0f} us"
            f"{row['test_error']:10.1f} %"
        )
    print(f"{'times faster':34}{report['ratio']['cold']:9.1f}{report['ratio']['warm']:9.1f}")


def main() -> None:
    """Measure, print and write the report."""
    parser = argparse.ArgumentParser(prog="python -m parity.speed", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="times that each side runs, cold and warm")
    parser.add_argument("--json", type=Path, default=Path("docs/speed_report.json"))
    args = parser.parse_args()
    # Imported here since PyTorch's side imports this module too, and should not pay for JAX.
    from udl_jax.data.mnist1d import load_mnist1d  # noqa: PLC0415

    data = Path(os.environ.get("TMPDIR", "/tmp")) / f"udl_jax-speed-{os.getpid()}.npz"
    np.savez(data, **{name: np.asarray(array) for name, array in load_mnist1d()._asdict().items()})
    try:
        report = measure(args.rounds, data)
    finally:
        data.unlink()
    show(report)
    args.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
