"""Hold the gallery to its budgets: the seconds that a script may run, and the size that a page may have.

Run ``python docs/check_gallery.py`` after a build; ``--seconds`` and ``--megabytes`` change the budgets.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

DOCS = Path(__file__).parent
BUILD = DOCS / "_build"


def seconds() -> dict[str, float]:
    """Read how long each script ran in the last build; 0 for those that it did not run again."""
    cases = ElementTree.parse(BUILD / "gallery.xml").iter("testcase")
    return {case.get("classname", ""): float(case.get("time", 0)) for case in cases}


def megabytes() -> dict[str, float]:
    """Measure the pages as HTML, into which animations are written."""
    pages = (BUILD / "html" / "gallery").glob("*/plot_*.html")
    return {page.stem: page.stat().st_size / 1e6 for page in pages}


def excesses(measured: dict[str, float], budget: float, unit: str) -> Iterator[str]:
    """Name what exceeds its budget."""
    for name, value in sorted(measured.items()):
        if value > budget:
            yield f"{name}: {value:.1f} {unit}, allowed are {budget:g}"


def main() -> None:
    """Print the slowest scripts and the largest pages; exit with 1 if any exceeds its budget."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--megabytes", type=float, default=3)
    options = parser.parse_args()
    times, sizes = seconds(), megabytes()
    for measured, unit in ((times, "s"), (sizes, "MB")):
        for name in sorted(measured, key=measured.__getitem__, reverse=True)[:5]:
            print(f"{measured[name]:8.1f} {unit}  {name}")
    found = [*excesses(times, options.seconds, "s"), *excesses(sizes, options.megabytes, "MB")]
    sys.exit("\n".join(["over budget:", *found]) if found else 0)


if __name__ == "__main__":
    main()
