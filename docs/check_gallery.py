"""Hold the built gallery to its budgets: programs compiled, figures and size of each page. Times are only told.

Run ``python docs/check_gallery.py`` after a build; options change the budgets.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

DOCS = Path(__file__).parent
BUILD = DOCS / "_build"


def seconds() -> dict[str, float]:
    """Read how long each script ran in the last build; 0 for those that it did not run again."""
    cases = ElementTree.parse(BUILD / "gallery.xml").iter("testcase")
    return {Path(case.get("classname", "")).stem: float(case.get("time", 0)) for case in cases}


def pages() -> list[Path]:
    """List the built pages."""
    return sorted((BUILD / "html" / "gallery").glob("*/plot_*.html"))


def megabytes() -> dict[str, float]:
    """Measure the pages as HTML, into which animations are written."""
    return {page.stem: page.stat().st_size / 1e6 for page in pages()}


def programs() -> dict[str, float]:
    """Read how many programs JAX compiled for each script."""
    counts = {path.stem: json.loads(path.read_text()) for path in (BUILD / "programs").glob("*.json")}
    return {page.stem: counts[page.stem] for page in pages()}


def figures() -> dict[str, float]:
    """Count the figures and animations of each page."""
    shown = re.compile(r'<img src="[^"]*/sphx_glr_plot_\w+_\d{3}\.png"|class="animation"')
    return {page.stem: len(shown.findall(page.read_text())) for page in pages()}


def excesses(measured: dict[str, float], most: float, unit: str, least: float = 0) -> Iterator[str]:
    """Name what lies outside its budget."""
    for name, value in sorted(measured.items()):
        if value > most:
            yield f"{name}: {value:.4g} {unit}, allowed are {most:g}"
        if value < least:
            yield f"{name}: {value:.4g} {unit}, expected are at least {least:g}"


def main() -> None:
    """Print the pages that cost most; exit with 1 if any is outside its budget."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--programs", type=float, default=150)
    parser.add_argument("--figures", type=float, default=16)
    parser.add_argument("--megabytes", type=float, default=3)
    options = parser.parse_args()
    table = (
        (seconds(), "s", None, 0),
        (programs(), "programs", options.programs, 0),
        (figures(), "figures", options.figures, 1),
        (megabytes(), "MB", options.megabytes, 0),
    )
    found = []
    for measured, unit, most, least in table:
        for name in sorted(measured, key=measured.__getitem__, reverse=True)[:5]:
            print(f"{measured[name]:8.1f} {unit:9} {name}")
        if most is not None:
            found += excesses(measured, most, unit, least)
    sys.exit("\n".join(["over budget:", *found]) if found else 0)


if __name__ == "__main__":
    main()
