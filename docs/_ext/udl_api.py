"""The API reference: a page for each public module of udl_jax, found by walking the package."""

import functools
import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from jax.typing import ArrayLike
from jaxtyping import PRNGKeyArray
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.autosummary.generate import generate_autosummary_docs
from sphinx.util.typing import ExtensionMetadata, stringify_annotation

from udl_jax import book

PACKAGE = "udl_jax"
#: Modules for the command line, which `run.rst` describes.
UNLISTED = {"udl_jax.cli"}
#: What signatures are rid of, and what stands there instead.
SHORT = {
    re.escape(stringify_annotation(ArrayLike, "smart")): "~jax.typing.ArrayLike",
    re.escape(stringify_annotation(PRNGKeyArray, "smart")): "~jaxtyping.PRNGKeyArray",
    r"~?(jax\.)?jaxlib\._jax\.Array": "~jax.Array",
    r"~?\bjaxtyping\.": "~jaxtyping.",
    r"\[ndarray": "[~numpy.ndarray",
    r"~jaxtyping\.(\w+)\[~jax\.Array, ('.*?')\] \| ~jaxtyping\.\1\[~numpy\.ndarray, \2\]": (
        r"~jaxtyping.\1[~jax.typing.ArrayLike, \2]"
    ),
    r"(, )?parent: ~flax\.linen\.module\.Module \|.*\)": ")",  # every Flax module has it, and a name
}
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


def rooms() -> dict[str, list[str]]:
    """Group the children of the package: what all chapters share, and each chapter by its title."""
    chapters = {chapter.package: f"Chapter {chapter.number}: {chapter.title}" for chapter in book.CHAPTERS}
    groups: dict[str, list[str]] = {"Shared by all chapters": []}
    for child in children(PACKAGE):
        title = chapters.get(child.rpartition(".")[2], "Shared by all chapters")
        groups.setdefault(title, []).append(child)
    return {title: names for title, names in groups.items() if any(pages_below(name) for name in names)}


def describe_room(title: str, names: list[str]) -> list[str]:
    """Write the section of one room: the packages' docstrings and a table of their modules."""
    lines = [title, "-" * len(title), ""]
    for name in names:
        if not speaks_for_itself(name):
            lines += [f".. automodule:: {name}", ""]
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


@functools.cache
def documented_names() -> dict[str, str]:
    """Map the place where an object is defined to the public module that documents it."""
    names = {}
    for page in all_pages():
        module = importlib.import_module(page)
        for name in getattr(module, "__all__", []):
            thing = getattr(module, name)
            if hasattr(thing, "__qualname__"):
                names[f"{thing.__module__}.{thing.__qualname__}"] = f"{page}.{name}"
    return names


def resolve_definition(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.TextElement
) -> nodes.reference | None:
    """Resolve ``udl_jax.training.engine.State`` as ``udl_jax.training.State``."""
    target = documented_names().get(node["reftarget"])
    if node.get("refdomain") != "py" or not target:
        return None
    return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, contnode)


def shorten(text: str) -> str:
    """Shorten a signature's annotations: ``Float[Array, "steps"]``, not the full names of both packages.

    Sphinx shows of ``~package.Name`` the last part only, and links it.
    """
    for pattern, short in SHORT.items():
        text = re.sub(pattern, short, text)
    return text


def shorten_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Shorten what autodoc is about to print."""
    return signature and shorten(signature), returns and shorten(returns)


def quote_returns(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Set the types in a docstring's Returns section as code, before numpydoc takes them for prose."""
    inside = False
    for i, line in enumerate(lines):
        if i + 1 < len(lines) and re.fullmatch("-{3,}", lines[i + 1]):
            inside = line in {"Returns", "Yields"}
        elif inside and re.match(r"[^\s`-]", line):
            lines[i] = "``" + re.sub(r'"\s+', '"', line) + "``"


def skip_field(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the fields of named tuples, dataclasses and Flax modules: the signature shows them."""
    here = app.env.current_document
    if what != "class" or not here.autodoc_class:
        return None
    cls = getattr(importlib.import_module(here.autodoc_module), here.autodoc_class)
    fields = {*getattr(cls, "_fields", ()), *getattr(cls, "__dataclass_fields__", ())}
    return True if name in fields else None


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-signature", shorten_signature)
    app.connect("autodoc-process-docstring", quote_returns, priority=400)
    app.connect("autodoc-skip-member", skip_field)
    app.connect("missing-reference", resolve_definition)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
