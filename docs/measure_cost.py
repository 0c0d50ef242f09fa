"""Measure what each gallery page costs, in a process of its own: CPU seconds, compiled programs, memory, figures.

::

    python docs/measure_cost.py [8.1 ...]

Prints a table and writes ``docs/cost_report.json``, from which the site takes it. With numbers, only these pages
are measured anew.
"""

import json
import os
import platform
import resource
import runpy
import subprocess
import sys
from importlib import metadata
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
REPORT = DOCS / "cost_report.json"


def measure(script: Path) -> dict[str, float]:
    """Run a page in a new process and return what it cost."""
    command = [sys.executable, str(Path(__file__)), "--page", str(script)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return json.loads(output.splitlines()[-1])


def run_page(script: str) -> None:
    """Run a page here, as sphinx-gallery would, and print its cost."""
    import matplotlib.pyplot as plt  # noqa: PLC0415
    from jax import monitoring  # noqa: PLC0415

    compiled, figures = 0, 0

    def listen(event, duration, **details):
        nonlocal compiled
        compiled += event == "/jax/core/compile/backend_compile_duration"

    def show(*args, **kwargs):
        nonlocal figures
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
            figures += 1
        plt.close("all")

    monitoring.register_event_duration_secs_listener(listen)
    plt.switch_backend("Agg")
    plt.show = show
    sys.argv = [script]
    runpy.run_path(script, run_name="__main__")
    used = resource.getrusage(resource.RUSAGE_SELF)
    cost = {
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "programs": compiled,
        "peak_mb": round(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6),
        "figures": figures,
    }
    print(json.dumps(cost))


def main() -> None:
    """Measure the pages named on the command line, or all."""
    from udl_jax import book  # noqa: PLC0415

    if sys.argv[1:2] == ["--page"]:
        run_page(sys.argv[2])
        return
    asked = {book.find(number).number for number in sys.argv[1:]}
    report = json.loads(REPORT.read_text()) if asked and REPORT.exists() else {}
    pages = report.get("pages", {})
    print(f"{'page':8}{'CPU':>9}{'programs':>10}{'memory':>10}{'figures':>9}")
    for record in book.RECORDS:
        if record.done and (not asked or record.number in asked):
            cost = pages[record.number] = measure(ROOT / record.gallery)
            print(
                f"{record.number:8}{cost['cpu_s']:7.1f} s{cost['programs']:10}{cost['peak_mb']:7} MB{cost['figures']:9}",
                flush=True,
            )
    order = [record.number for record in book.RECORDS]
    report = {
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}, {platform.system()}",
        "jax": metadata.version("jax"),
        "cache": "warm" if os.environ.get("JAX_COMPILATION_CACHE_DIR") else "none",
        "pages": dict(sorted(pages.items(), key=lambda item: order.index(item[0]))),
    }
    total = sum(cost["cpu_s"] for cost in pages.values())
    print(f"{len(pages)} pages, {total:.0f} CPU seconds")
    REPORT.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
