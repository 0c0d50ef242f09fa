"""Time workloads: the book's way, the way a PyTorch expert would take, and ours.

::

    python -m parity.speed [WORKLOAD ...] [--rounds 7] [--fresh] [--json docs/speed_report.json]

All sides do the same work on the same data in single precision. *Cold* is a whole process, from its start to its end,
that does the work once, with nothing in JAX's cache of compiled programs. *Warm* is doing it again, with another seed,
in a process that has done it before. The sides take turns, so that a machine that slows down slows all. The report is
written after each workload; without ``--fresh``, those that it has are not measured again.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import statistics
import tempfile
import time
from importlib import metadata
from pathlib import Path
from types import ModuleType

import numpy as np

from parity.speed import workloads
from parity.speed.worker import Worker, time_cold

SIDES = {"book": "PyTorch, as the book writes it", "tuned": "PyTorch, tuned", "ours": "udl_jax"}
NAMES = [module.name for module in pkgutil.iter_modules(workloads.__path__)]


def best_threads(workload: str, side: str, data: Path) -> int | None:
    """Find the number of threads with which a PyTorch side runs fastest here; None for ours."""
    if side == "ours":
        return None
    seconds = {}
    for threads in sorted({1, os.cpu_count() or 1}):
        worker = Worker(workload, side, data, threads)
        worker.run(0)
        seconds[threads] = worker.run(1)["seconds"]
        worker.close()
    return min(seconds, key=seconds.get)


def label(module: ModuleType, side: str) -> str:
    """Say in words what a side is; a workload whose notebook is not written in PyTorch has words of its own."""
    return getattr(module, "LABELS", SIDES).get(side, SIDES[side])


def measure(workload: str, rounds: int, data: Path) -> dict:
    """Run all sides of a workload in turn; return its entry of the report."""
    module = importlib.import_module(f"parity.speed.workloads.{workload}")
    sides = [side for side in SIDES if hasattr(module, side)]
    threaded = getattr(module, "USES_TORCH", True)
    threads = {side: best_threads(workload, side, data) if threaded else None for side in sides}
    cold = {side: [] for side in sides}
    for seed in range(min(rounds, 5)):
        for side in sides:
            cold[side].append(time_cold(workload, side, data, threads[side], seed))
    workers = {side: Worker(workload, side, data, threads[side]) for side in sides}
    for worker in workers.values():
        worker.run(0)
    answers = {side: [] for side in sides}
    for seed in range(1, rounds + 1):
        for side, worker in workers.items():
            answers[side].append(worker.run(seed))
    for worker in workers.values():
        worker.close()
    warm = {side: [answer["seconds"] for answer in answers[side]] for side in sides}
    rate = multiply_rate()
    rows = [
        {
            "side": side,
            "label": label(module, side),
            "threads": threads[side],
            "cold_s": _median(cold[side]),
            "warm_s": _median(warm[side]),
            "us_per_step": _median(warm[side]) / module.STEPS * 1e6,
            "of_multiply_rate": _share(module, _median(warm[side]), rate),
            "result": _median([answer["result"] for answer in answers[side]]),
        }
        for side in sides
    ]
    ratios = {
        label(module, side): {
            "cold": _ratio(cold[side], cold["ours"]),
            "warm": _ratio(warm[side], warm["ours"]),
        }
        for side in sides
        if side != "ours"
    }
    return {
        "title": module.TITLE,
        "setting": module.SETTING,
        "rounds": rounds,
        "gflops": rate,
        "rows": rows,
        "ratios": ratios,
    }


def _share(module, seconds, rate):
    """Say which share of the rate of multiplication is reached, where the work is multiplication of matrices."""
    flops = getattr(module, "FLOPS", None)
    return None if flops is None else flops * module.STEPS / seconds / 1e9 / rate


def _median(values):
    return float(f"{statistics.median(values):.4g}")


def _ratio(theirs, ours):
    return _median([b / o for b, o in zip(theirs, ours, strict=True)])


def multiply_rate(size: int = 100, seconds: float = 0.3) -> float:
    """Measure how fast one core multiplies two single-precision matrices here, in 10^9 operations a second."""
    a = np.ones((size, size), np.float32)
    best, end = np.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(50):
            a @ a
        best = min(best, (time.perf_counter() - start) / 50)
    return float(f"{2 * size**3 / best / 1e9:.3g}")


def show(entry: dict) -> None:
    """Print one workload as a table."""
    print(f"\n{entry['title']}: {entry['setting']}; medians of {entry['rounds']} rounds")
    print(f"{'':34}{'cold':>9}{'warm':>10}{'a step':>13}{'of matmul':>11}{'result':>10}")
    for row in entry["rows"]:
        share = "" if row["of_multiply_rate"] is None else f"{row['of_multiply_rate']:.0%}"
        print(
            f"{row['label']:34}{row['cold_s']:7.2f} s{row['warm_s']:8.3f} s{row['us_per_step']:10.4g} us"
            f"{share:>10} {row['result']:9.4g}"
        )
    for other, ratio in entry["ratios"].items():
        print(f"  {ratio['cold']:.1f} times faster cold and {ratio['warm']:.1f} warm than {other}")


def main() -> None:
    """Measure, print and write the report."""
    parser = argparse.ArgumentParser(prog="python -m parity.speed", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=7, help="times that each side runs warm")
    parser.add_argument("--fresh", action="store_true", help="measure again what the report has")
    parser.add_argument("--json", type=Path, default=Path("docs/speed_report.json"))
    args = parser.parse_args()
    unknown = sorted(set(args.names) - set(NAMES))
    if unknown:
        parser.error(f"there is no workload {', '.join(unknown)}; there are {', '.join(NAMES)}")
    report = json.loads(args.json.read_text()) if args.json.exists() else {}
    report = {
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "jax": metadata.version("jax"),
        "torch": metadata.version("torch"),
        "workloads": report.get("workloads", {}),
    }
    os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"  # or a second cold start would be none
    with tempfile.TemporaryDirectory() as folder:
        for name in args.names or NAMES:
            if args.fresh or args.names or name not in report["workloads"]:
                data = Path(folder) / f"{name}.npz"
                np.savez(data, **importlib.import_module(f"parity.speed.workloads.{name}").data())
                report["workloads"][name] = measure(name, args.rounds, data)
                args.json.write_text(json.dumps(report, indent=1) + "\n")
            show(report["workloads"][name])


if __name__ == "__main__":
    main()
