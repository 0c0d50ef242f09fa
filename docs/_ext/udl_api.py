"""The API reference: a page for each public module of udl_jax, found by walking the package."""

import functools
import importlib
import inspect
import pkgutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.ext.autosummary.generate import generate_autosummary_docs
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.typing import ExtensionMetadata

from udl_jax import book

PACKAGE = "udl_jax"
#: Modules for the command line, which `run.rst` describes.
UNLISTED = {"udl_jax.cli"}
FOLDER = Path("api", "generated")
ROOMS = FOLDER / "rooms.inc"


def children(package: str) -> list[str]:
    """List the public modules directly inside ``package``."""
    found = pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}.")
    names = (module.name for module in found if not module.name.rpartition(".")[2].startswith("_"))
    return sorted(name for name in names if name not in UNLISTED)


def speaks_for_itself(name: str) -> bool:
    """Tell whether a module is documented on one page: a plain module, or a package with ``__all__``."""
    module = importlib.import_module(name)
    return not hasattr(module, "__path__") or any(
        not inspect.ismodule(getattr(module, member)) for member in getattr(module, "__all__", [])
    )


def pages_below(name: str) -> list[str]:
    """List the modules at or below ``name`` that get a page."""
    if speaks_for_itself(name):
        return [name]
    return [page for child in children(name) for page in pages_below(child)]


@functools.cache
def all_pages() -> tuple[str, ...]:
    """List every module that gets a page, in the order of its name."""
    return tuple(page for child in children(PACKAGE) for page in pages_below(child))


def names_in_order() -> dict[str, list[str]]:
    """List the names that each page's module defines or imports, in the order of the source."""
    order = {}
    for page in all_pages():
        analyzer = ModuleAnalyzer.for_module(page)
        analyzer.analyze()
        order[page] = list(analyzer.tagorder)
    return order


def rooms() -> dict[str, list[str]]:
    """Group the children of the package: what all chapters share, and each chapter by its title."""
    chapters = {chapter.package: f"Chapter {chapter.number}: {chapter.title}" for chapter in book.CHAPTERS}
    groups: dict[str, list[str]] = {"Shared by all chapters": []}
    for child in children(PACKAGE):
        title = chapters.get(child.rpartition(".")[2], "Shared by all chapters")
        groups.setdefault(title, []).append(child)
    return {title: names for title, names in groups.items() if any(pages_below(name) for name in names)}


def describe_room(title: str, names: list[str]) -> list[str]:
    """Write the section of one room: a target for references to its packages, and a table of modules."""
    lines = [title, "-" * len(title), ""]
    for name in names:
        if not speaks_for_itself(name):
            lines += [f".. py:module:: {name}", ""]
    lines += [f".. currentmodule:: {PACKAGE}", "", ".. autosummary::", "   :toctree: generated", ""]
    pages = [page.removeprefix(f"{PACKAGE}.") for name in names for page in pages_below(name)]
    return [*lines, *(f"   ~{page}" for page in pages), ""]


def write_pages(app: Sphinx) -> None:
    """Write the index of rooms, and have autosummary write the page of every module in it."""
    target = app.srcdir / ROOMS
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(line for room in rooms().items() for line in describe_room(*room)))
    written = generate_autosummary_docs([str(target)], output_dir=target.parent, app=app)
    for stale in set(target.parent.glob("*.rst")) - {Path(page) for page in written}:
        stale.unlink()


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
