"""Directives that draw the site's tables and cards from the catalogue and the reports of parity, speed and cost.

``udl_jax.book`` says which notebooks there are, ``parity_report.json`` how far ours are from the book's,
``docs/speed_report.json`` how fast, ``docs/cost_report.json`` what each page costs. The RST that each directive stands
for is a template of the directive's name in ``_templates/catalogue``.
"""

import json
import math
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from docutils.parsers.rst.roles import CustomRole, generic_custom_role
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from sphinx.util.rst import escape
from sphinx.util.typing import ExtensionMetadata
from udl_api import all_pages

from udl_jax import book

ROOT = Path(book.__file__).parents[1]
PARITY_REPORT = ROOT / "parity_report.json"
SPEED_REPORT = ROOT / "docs" / "speed_report.json"
COST_REPORT = ROOT / "docs" / "cost_report.json"
KINDS = ("value", "draws", "trajectory", "distribution", "witness")
#: Where sphinx-gallery marks the beginning of a script's next cell.
CELL = ".. GENERATED FROM PYTHON SOURCE LINES"


class Check(NamedTuple):
    """One comparison with the book, as the parity report lists it."""

    notebook: str
    kind: str
    quantity: str
    dtype: str
    max_error: float
    tolerance: float
    passed: bool
    test: str

    @property
    def column(self) -> str:
        """The kind without its variant: "trajectory, twin" is a trajectory."""
        return self.kind.partition(",")[0]

    @property
    def exact(self) -> bool:
        """Tell whether nothing but equality would do."""
        return self.tolerance == 0

    @property
    def strain(self) -> float:
        """The error as a part of what is tolerated; infinite for an exact check that failed, or a NaN."""
        if self.exact:
            return 0.0 if self.passed else float("inf")
        return float("inf") if math.isnan(self.max_error) else self.max_error / self.tolerance


def read_report(path: Path) -> dict[str, Any]:
    """Read a report; empty if nobody has made it yet."""
    return json.loads(path.read_text()) if path.exists() else {}


def read_checks() -> dict[str, list[Check]]:
    """Read the parity report, and group its checks by notebook."""
    checks: dict[str, list[Check]] = {}
    for entry in read_report(PARITY_REPORT).get("checks", []):
        check = Check(**{field: entry[field] for field in Check._fields})
        checks.setdefault(check.notebook, []).append(check)
    return checks


def worst(checks: Iterable[Check]) -> list[Check]:
    """Pick the check nearest to its tolerance for each kind and precision; exact ones count if they are alone."""

    def group(check: Check) -> tuple[int, str, bool, bool]:
        return KINDS.index(check.column), check.kind, check.exact, check.dtype == "float32"

    picked = [max(found, key=lambda c: c.strain) for _, found in groupby(sorted(checks, key=group), group)]
    measured = {check.column for check in picked if not check.exact}
    return [check for check in picked if not check.exact or not check.passed or check.column not in measured]


def number(value: float) -> str:
    """Write an error or a tolerance in two digits: 3.1e-15, 0.42, 1."""
    return f"{value:.2g}".replace("e-0", "e-")


class Room(NamedTuple):
    """One notebook or model, with those of its addresses that this build of the site has."""

    record: book.Record
    page: str | None
    module: str | None
    checks: list[Check]

    @property
    def label(self) -> str:
        """The label of the notebook's section among the parity details."""
        return f"parity-{self.record.slug.replace('_', '-')}"

    @property
    def is_model(self) -> bool:
        """Tell whether it is a model, which has no notebook."""
        return isinstance(self.record, book.Model)

    @property
    def passed(self) -> int:
        """How many checks hold."""
        return sum(check.passed for check in self.checks)

    @property
    def references(self) -> str:
        """Where the book treats the subject, such as "sections 5.1, 5.3; figure 5.4"."""
        parts = []
        for noun in ("section", "figure", "equation"):
            numbers = getattr(self.record, f"{noun}s")
            if numbers:
                parts.append(f"{noun}{'s' * (len(numbers) > 1)} {', '.join(numbers)}")
        return "; ".join(parts)


def furnish(env: BuildEnvironment, record: book.Record, checks: dict[str, list[Check]]) -> Room:
    """Look up what the site has about one notebook or model."""
    page = Path(record.gallery).with_suffix("").as_posix()
    return Room(
        record=record,
        page=f"/{page}" if page in env.found_docs else None,
        module=record.dotted if record.dotted in all_pages() else None,
        checks=checks.get(record.number, []),
    )


class CatalogueDirective(SphinxDirective):
    """A directive that stands for a template of RST, filled from the catalogue and the reports."""

    def context(self) -> dict[str, Any]:
        """Give the template its variables."""
        checks = read_checks()
        chapters = {
            chapter: [furnish(self.env, record, checks) for record in book.records_of(chapter)]
            for chapter in book.CHAPTERS
            if book.records_of(chapter)
        }
        return {
            "chapters": chapters,
            "rooms": [room for rooms in chapters.values() for room in rooms],
            "kinds": KINDS,
            "parity": read_report(PARITY_REPORT),
            "speed": read_report(SPEED_REPORT),
            "cost": read_report(COST_REPORT),
        }

    def run(self) -> list[nodes.Node]:
        """Fill in the template that has the directive's name, and parse what it gives."""
        for path in (PARITY_REPORT, SPEED_REPORT, COST_REPORT):
            self.env.note_dependency(path)
        folders = [self.env.srcdir / folder / "catalogue" for folder in self.config.templates_path]
        templates = Environment(
            loader=FileSystemLoader(folders), trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
        )
        templates.filters |= {"rst": escape, "number": number, "worst": worst}
        text = templates.get_template(f"{self.name}.rst").render(self.context())
        return self.parse_text_to_nodes(text, allow_section_headings=True)


class NotebookCard(CatalogueDirective):
    """The card of one notebook or model, named by its number."""

    required_arguments = 1

    def context(self) -> dict[str, Any]:
        """Add the record of the argument."""
        record = book.find(self.arguments[0])
        return super().context() | {"room": furnish(self.env, record, read_checks())}


def add_card(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the card of its notebook or model behind the introduction of each gallery page."""
    record = next((r for r in book.RECORDS if r.gallery == f"{docname}.py"), None)
    if record:
        introduction, mark, cells = source[0].partition(CELL)
        source[0] = f"{introduction}.. notebook-card:: {record.number}\n\n{mark}{cells}"


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    tables = ("notebook-table", "parity-matrix", "parity-details", "speed-table", "cost-table")
    for name in ("gallery-by-chapter", *tables):
        app.add_directive(name, CatalogueDirective)
    app.add_directive("notebook-card", NotebookCard)
    for name in ("planned", "tolerance"):
        app.add_role(name, CustomRole(name, generic_custom_role, {"class": [f"udl-{name}"]}))
    app.connect("source-read", add_card)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
