"""Signatures and references as the source has them: ``Float[Array, "steps samples"]``, linked, not spelt out.

At run time an annotation such as ``Num[ArrayLike, ""]`` is a union of a dozen types with private names. So
signatures are read from the source; what a name in it means, its module's imports tell.
"""

import ast
import functools
import importlib
import inspect
import re
import textwrap
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.typing import ExtensionMetadata
from udl_api import all_pages

#: jaxtyping passes JAX's types on; they are documented where they come from.
ELSEWHERE = {"jaxtyping.Array": "jax.Array", "jaxtyping.ArrayLike": "jax.typing.ArrayLike"}


@functools.cache
def meanings(module: str) -> dict[str, str]:
    """Map the names in a module's source to the full names of what they stand for."""
    names = {}
    for node in ast.walk(ast.parse(inspect.getsource(importlib.import_module(module)))):
        match node:
            case ast.ImportFrom(module=origin, names=imported):
                names |= {name.asname or name.name: f"{origin}.{name.name}" for name in imported}
            case ast.Import(names=imported):
                names |= {name.asname: name.name for name in imported if name.asname}
            case ast.ClassDef(name=name) | ast.Assign(targets=[ast.Name(id=name)]):
                names[name] = f"{module}.{name}"
    return names


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


def meaning(module: str, name: str) -> str | None:
    """Tell the full name of what ``name`` stands for in a module's source; None for built-in names."""
    head, dot, rest = name.partition(".")
    if head not in meanings(module):
        return None
    full = meanings(module)[head] + dot + rest
    return ELSEWHERE.get(full) or documented_names().get(full, full)


@functools.cache
def undocumented_alias(full: str) -> ast.expr | None:
    """Give what stands behind an alias that no comment describes: it has no place on the site to link to."""
    module, _, name = full.rpartition(".")
    if not {module, module.rpartition(".")[0]} & set(
        all_pages()
    ):  # or the package that offers what it defines
        return None
    analyzer = ModuleAnalyzer.for_module(module)
    if ("", name) in analyzer.find_attr_docs():
        return None
    for node in ast.parse(analyzer.code).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                return FullNames(module).visit(value)
    return None


class FullNames(ast.NodeTransformer):
    """Replace each name in an annotation by its full name behind ``~``, of which Sphinx shows the last part."""

    def __init__(self, module: str):
        self.module = module

    def replace(self, node: ast.expr, name: str) -> ast.expr:
        """Make the node that stands for ``name``."""
        full = meaning(self.module, name)
        return undocumented_alias(full) or ast.Name(f"~{full}") if full else node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace a plain name."""
        return self.replace(node, node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Replace a dotted name as a whole."""
        return self.replace(node, ast.unparse(node))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Replace a class that is named before it exists, and trim shapes."""
        if not isinstance(node.value, str):
            return node
        if node.value[:1].isupper() and meaning(self.module, node.value):
            return self.replace(node, node.value)
        return ast.Constant(node.value.strip())


def annotation(module: str, node: ast.expr | None) -> str:
    """Write an annotation with full names."""
    return ast.unparse(FullNames(module).visit(node)) if node else ""


def definition(thing: Any) -> ast.FunctionDef | ast.ClassDef:
    """Parse the source of a function or class."""
    return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(thing)))).body[0]


def function_signature(function: Any, *, bound: bool) -> tuple[str, str]:
    """Write the arguments and the result of a function, without ``self`` if it is ``bound``."""
    module, node = function.__module__, definition(function)
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg) and argument.annotation:
            argument.annotation = FullNames(module).visit(argument.annotation)
    if bound:
        node.args.args.pop(0)
    return f"({ast.unparse(node.args)})", annotation(module, node.returns)


def class_signature(cls: type) -> str:
    """Write the fields of a named tuple, a dataclass or a Flax module as arguments, those of its bases first."""
    fields = {}
    for base in reversed(cls.__mro__):
        if base.__module__.partition(".")[0] == cls.__module__.partition(".")[0]:
            for node in definition(base).body:
                if isinstance(node, ast.AnnAssign):
                    default = f" = {ast.unparse(node.value)}" if node.value else ""
                    written = f"{node.target.id}: {annotation(base.__module__, node.annotation)}{default}"
                    fields[node.target.id] = written
    return f"({', '.join(fields.values())})"


def write_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Put the source's signature in place of what autodoc found out at run time."""
    if what in {"function", "method"}:
        static = isinstance(inspect.getattr_static(obj, "__self__", None), type)
        return function_signature(obj, bound=what == "method" and not static)
    if what == "class" and signature:
        return class_signature(obj), None
    return signature, returns


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
    own = {*getattr(cls, "_fields", ()), *getattr(cls, "__dataclass_fields__", ())}
    return True if name in own else None


def drop_aliases(app: Sphinx, doctree: nodes.document) -> None:
    """Drop what autodoc adds to a documented alias: what the alias is at run time."""
    for description in doctree.findall(addnodes.desc):
        for paragraph in list(description.findall(nodes.paragraph)):
            if description["objtype"] == "data" and paragraph.astext().startswith("alias of "):
                paragraph.parent.remove(paragraph)


def resolve_by_source(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, contnode: nodes.TextElement
) -> nodes.reference | None:
    """Resolve a reference by what its name means in the source, or by where its object is documented.

    In a docstring, ``DeepNetwork`` is the class that the module imports and ``nn.Module`` is Flax's;
    ``udl_jax.training.engine.State`` is documented as ``udl_jax.training.State``.
    """
    if node.get("refdomain") != "py":
        return None
    target, module = node["reftarget"], node.get("py:module")
    target = (module and meaning(module, target)) or documented_names().get(target, target)
    node["reftarget"] = target
    return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, contnode)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to Sphinx."""
    app.connect("autodoc-process-signature", write_signature)
    app.connect("autodoc-process-docstring", quote_returns, priority=400)
    app.connect("autodoc-skip-member", skip_field)
    app.connect("doctree-read", drop_aliases)
    app.connect("missing-reference", resolve_by_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
