"""Links out of the site: to other projects' references, with or without a network, and to the repository."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext import intersphinx
from sphinx.util.inventory import InventoryFile
from sphinx.util.typing import ExtensionMetadata

#: Where a package offers what it defines in modules whose names are its own business.
PUBLIC = {"flax": "flax.linen", "jax": "jax", "jaxlib": "jax", "optax": "optax"}


def repository_url(root: Path) -> str | None:
    """Read from ``pyproject.toml`` where the project is hosted; None if it does not say."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return project.get("urls", {}).get("Repository")


def add_stubs(app: Sphinx) -> None:
    """Add the names of the stub inventories that the projects' own inventories lack.

    Offline, intersphinx has loaded the stubs itself. Online, this keeps a page that moved elsewhere from
    breaking our build.
    """
    inventory = intersphinx.InventoryAdapter(app.env).main_inventory
    for name, (url, _) in app.config.intersphinx_mapping.values():
        stub = InventoryFile.loads((app.confdir / f"_inventories/{name}.inv").read_bytes(), uri=url)
        for kind, entries in stub.data.items():
            known = inventory.setdefault(kind, {})
            known.update({target: item for target, item in entries.items() if target not in known})


def public_names(target: str) -> Iterator[str]:
    """Guess under which public names an object with a private address is documented."""
    parts = target.split(".")
    if parts[0] in PUBLIC:
        yield f"{PUBLIC[parts[0]]}.{parts[-1]}"
    yield ".".join(part for part in parts if not part.startswith("_"))


def resolve_private(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.TextElement
) -> nodes.reference | None:
    """Resolve a reference such as ``jaxlib._jax.Array`` through the public name of the same object.

    Annotations refer to everything as a class; what the other project calls it does not matter here.
    """
    if node.get("refdomain") != "py":
        return None
    for name in public_names(node["reftarget"]):
        public = node.deepcopy()
        public["reftype"], public["reftarget"] = "obj", name
        if found := intersphinx.missing_reference(app, env, public, contnode):
            return found
    return None


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx, behind intersphinx."""
    app.connect("builder-inited", add_stubs, priority=900)
    app.connect("missing-reference", resolve_private, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
