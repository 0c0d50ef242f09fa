"""Write the stub inventories with which the site builds without a network.

Each stub lists the public names of an installed package and where its own documentation describes them.
Run ``python docs/make_inventories.py`` after raising the version of a package, and commit the result.
"""

import importlib
import importlib.metadata
import inspect
import platform
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "_inventories"
NAMES = {
    "python": "Python",
    "jax": "JAX",
    "flax": "Flax",
    "optax": "Optax",
    "numpy": "NumPy",
    "matplotlib": "Matplotlib",
}


class Entry(NamedTuple):
    """One line of an inventory: a Python object, its kind, and its address below the site's root."""

    name: str
    kind: str
    address: str


def kind_of(thing: Any) -> str:
    """Name the directive by which Sphinx would document ``thing``."""
    if inspect.isclass(thing):
        return "exception" if issubclass(thing, BaseException) else "class"
    return "function" if callable(thing) else "data"


def public_names(space: ModuleType | type) -> Iterator[tuple[str, Any]]:
    """Give the names that a module or class offers, without submodules and what it imports from elsewhere."""
    listed = getattr(space, "__all__", None)
    root = (getattr(space, "__module__", None) or space.__name__).partition(".")[0]
    for name in sorted(listed or dir(space)):
        thing = getattr(space, name, None)
        source = (getattr(thing, "__module__", None) or root).partition(".")[0]
        own = listed or source == root or inspect.isclass(space)
        if own and not name.startswith("_") and not inspect.ismodule(thing):
            yield name, thing


def describe(modules: list[str], address: Callable[[str, str, Any], str]) -> Iterator[Entry]:
    """Make the entries of ``modules``; ``address(module, name, thing)`` tells the page without its anchor."""
    for dotted in modules:
        yield Entry(dotted, "module", address(dotted, "index", None))
        for name, thing in public_names(importlib.import_module(dotted)):
            full = f"{dotted}.{name}"
            yield Entry(full, kind_of(thing), f"{address(dotted, name, thing)}#{full}")


def describe_methods(cls: type, name: str, address: Callable[[str], str]) -> Iterator[Entry]:
    """Make the entries of a class's methods; ``address(full name)`` tells the page."""
    for method, thing in public_names(cls):
        full = f"{name}.{method}"
        yield Entry(full, "method" if callable(thing) else "property", f"{address(full)}#{full}")


def python() -> Iterator[Entry]:
    """Describe the built-in names and the parts of the standard library that signatures speak of."""
    constants, in_stdtypes = (
        {"None", "True", "False"},
        {"str", "list", "tuple", "dict", "set", "range", "bytes"},
    )
    for name, thing in public_names(importlib.import_module("builtins")):
        kind = kind_of(thing)
        page = "exceptions" if kind == "exception" else "stdtypes" if name in in_stdtypes else "functions"
        if name not in constants:
            yield Entry(name, kind, f"library/{page}.html#{name}")
    for name in sorted(constants):
        yield Entry(name, "data", f"library/constants.html#{name}")
    modules = (
        "collections collections.abc contextlib dataclasses enum fractions functools itertools json math"
    )
    modules += " operator os pathlib random re types typing warnings"
    for entry in describe(modules.split(), lambda module, name, thing: f"library/{module}.html"):
        in_typing = entry.name.startswith("typing.") and entry.name[7].isupper()
        yield (
            entry._replace(kind="class") if in_typing else entry
        )  # NamedTuple is a function that poses as one


def jax() -> Iterator[Entry]:
    """Describe JAX: a page for every name."""
    modules = "jax jax.debug jax.lax jax.nn jax.nn.initializers jax.numpy jax.numpy.fft jax.numpy.linalg"
    modules += " jax.profiler jax.random jax.scipy.linalg jax.scipy.special jax.scipy.stats.norm jax.sharding"
    modules += " jax.tree jax.tree_util jax.typing"
    yield from describe(modules.split(), lambda module, name, thing: f"_autosummary/{module}.{name}.html")
    from jax import Array  # noqa: PLC0415

    for name, kind in {"jax.numpy.ndarray.at": "property", "jax.typing.ArrayLike": "data"}.items():
        yield Entry(name, kind, f"_autosummary/{name}.html#{name}")
    yield from describe_methods(Array, "jax.Array", lambda full: f"_autosummary/{full}.html")


def flax() -> Iterator[Entry]:
    """Describe Flax's Linen, whose pages go by subject."""
    from flax import linen  # noqa: PLC0415

    pages = {
        "flax.linen.activation": "activation_functions",
        "flax.linen.initializers": "initializers",
        "flax.linen.module": "module",
        "flax.linen.recurrent": "layers",
        "flax.linen.transforms": "transformations",
    }
    layers = {
        name for name, thing in public_names(linen) if inspect.isclass(thing) and thing is not linen.Module
    }

    def address(module: str, name: str, thing: Any) -> str:
        if module != "flax.linen":
            return f"api_reference/{module}.html"
        page = pages.get(getattr(thing, "__module__", ""), "layers" if name in layers else "index")
        return f"api_reference/flax.linen/{page}.html"

    modules = [
        "flax.linen",
        "flax.linen.initializers",
        "flax.struct",
        "flax.traverse_util",
        "flax.serialization",
    ]
    yield from describe(modules, address)
    yield from describe_methods(
        linen.Module, "flax.linen.Module", lambda full: "api_reference/flax.linen/module.html"
    )


def optax() -> Iterator[Entry]:
    """Describe Optax, whose pages go by subject."""
    pages = {
        "alias": "optimizers",
        "losses": "losses",
        "schedules": "optimizer_schedules",
        "transform": "transformations",
        "update": "apply_updates",
    }

    def address(module: str, name: str, thing: Any) -> str:
        source = getattr(thing, "__module__", "") or ""
        return "api/" + next((page for word, page in pages.items() if word in source), "utilities") + ".html"

    yield from describe(["optax", "optax.losses", "optax.schedules"], address)


def numpy() -> Iterator[Entry]:
    """Describe NumPy: a page for every name."""
    from numpy.random import Generator  # noqa: PLC0415

    modules = ["numpy", "numpy.fft", "numpy.linalg", "numpy.random", "numpy.testing"]
    yield from describe(modules, lambda module, name, thing: f"reference/generated/{module}.{name}.html")
    yield from describe_methods(
        Generator, "numpy.random.Generator", lambda full: f"reference/random/generated/{full}.html"
    )


def matplotlib() -> Iterator[Entry]:
    """Describe the parts of Matplotlib that figures are made with: a page for every name."""
    from matplotlib.axes import Axes  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    modules = "animation axes cm colors figure gridspec pyplot ticker"
    yield from describe(
        [f"matplotlib.{name}" for name in modules.split()],
        lambda module, name, thing: f"api/_as_gen/{module}.{name}.html",
    )
    yield from describe_methods(Axes, "matplotlib.axes.Axes", lambda full: f"api/_as_gen/{full}.html")
    page = "api/_as_gen/matplotlib.figure.Figure.html"
    yield from describe_methods(Figure, "matplotlib.figure.Figure", lambda full: page)


def jaxtyping() -> Iterator[Entry]:
    """Describe jaxtyping's annotations, which its own documentation explains on two pages."""
    for name, _ in public_names(importlib.import_module("jaxtyping")):
        yield Entry(f"jaxtyping.{name}", "class", "api/array/")
    yield Entry("jaxtyping.PyTree", "class", "api/pytree/")


def write(project: str, entries: Iterator[Entry]) -> None:
    """Write one inventory in Sphinx's format, version 2."""
    lines = [f"{name} py:{kind} 1 {address} -\n" for name, kind, address in sorted(set(entries))]
    version = platform.python_version() if project == "python" else importlib.metadata.version(project)
    header = f"# Sphinx inventory version 2\n# Project: {NAMES.get(project, project)}\n# Version: {version}\n"
    header += "# The remainder of this file is compressed using zlib.\n"
    body = zlib.compress("".join(lines).encode(), 9)
    (FOLDER / f"{project}.inv").write_bytes(header.encode() + body)
    print(f"{project}: {len(lines)} names, {len(body) / 1024:.0f} KiB")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    warnings.simplefilter("ignore", DeprecationWarning)  # looking at a deprecated name is not using it
    for make in (python, jax, flax, optax, numpy, matplotlib, jaxtyping):
        write(make.__name__, make())
