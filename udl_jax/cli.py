"""The ``udl-jax`` command: what is there, where it stands in the book, and a page's script run headless."""

import ast
import itertools
import os
import runpy
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import TracebackType

import click

from udl_jax import __version__, _compiled, book

_PACKAGE = Path(__file__).parent

# An installed wheel carries the scripts inside the package; in a clone they stand beside it.
GALLERIES = (_PACKAGE / "_gallery", _PACKAGE.parent / "gallery")


class _RecordNumber(click.ParamType):
    """The number of a notebook or a model on the command line, ``8.1`` or ``8_1``, ``17.A``."""

    name = "number"

    def convert(
        self, value: str | book.Record, param: click.Parameter | None, ctx: click.Context | None
    ) -> book.Record:
        if isinstance(value, book.Record):
            return value
        try:
            return book.find(value)
        except book.UnknownNotebook as error:
            self.fail(str(error), param, ctx)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="udl-jax")
def main() -> None:
    """Browse and run udl_jax, the JAX companion to Understanding Deep Learning."""


@main.command("list")
@click.option("--done", is_flag=True, help="Leave out what is only planned.")
def list_records(done: bool) -> None:
    """List notebooks and models by chapter, each marked done or planned."""
    for chapter in book.CHAPTERS:
        records = [record for record in book.records_of(chapter) if record.done or not done]
        if records:
            click.secho(f"Chapter {chapter.number}: {chapter.title}", bold=True)
        for record in records:
            click.echo(f"  {record.number:<6}{_status(record):<9}{record.title}")
    click.echo(f"{_finished(book.NOTEBOOKS)} notebooks are done.")
    if book.MODELS:
        click.echo(f"{_finished(book.MODELS)} models, which have no notebook, are done.")


@main.command()
@click.argument("record", metavar="NUMBER", type=_RecordNumber())
def info(record: book.Record) -> None:
    """Show what the notebook or model of NUMBER (such as 8.1) is about and where its rooms are."""
    click.secho(f"{record.number} {record.title}", bold=True)
    rows = {
        "chapter": f"{record.chapter.number}, {record.chapter.title}",
        "status": _status(record),
        "sections": ", ".join(record.sections),
        "figures": ", ".join(record.figures),
        "equations": ", ".join(record.equations),
        "library": record.library,
        "gallery": record.gallery,
        "tests": record.tests,
    }
    if isinstance(record, book.Notebook):
        rows |= {"framework": record.framework, "parity": record.parity, "notebook": record.url}
    elif record.witness:
        rows |= {"witness": record.witness, "parity": record.parity}
    for name, value in rows.items():
        if value:
            click.echo(f"  {name:<11}{value}")
    if record.done:
        click.echo()
        click.secho(record.dotted, bold=True)
        contents = _contents(record.path)
        width = max(map(len, contents), default=0)
        for name, summary in contents.items():
            click.echo(f"  {name:<{width}}  {summary}".rstrip())


@main.command()
@click.argument("record", metavar="NUMBER", type=_RecordNumber())
@click.option(
    "--scale",
    type=click.Choice(["quick", "book"]),
    default="quick",
    show_default=True,
    help="Run the page's short setting, or the book's own, which may take hours.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the figures go.  [default: udl-jax-NUMBER]",
)
def run(record: book.Record, scale: str, out: Path | None) -> None:
    """Run the gallery script of NUMBER (such as 8.1, or 17.A) and save the figures that it shows."""
    if not record.done:
        raise click.UsageError(f"{record.number}, {record.title}, is planned but not done yet")
    script = _gallery_script(record)
    out = out or Path(f"udl-jax-{record.number}")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.FileError(str(out), error.strerror) from error
    os.environ["UDL_SCALE"] = scale
    os.environ.update(_compiled.environment())  # before the script imports JAX
    try:
        with _arguments(script), _shown_figures_saved(out, record.slug):
            runpy.run_path(str(script), run_name="__main__")
    except Exception as error:
        traceback.print_exception(error.with_traceback(_from_script(error.__traceback__, script)))
        raise click.exceptions.Exit(1) from error


def _status(record: book.Record) -> str:
    return "done" if record.done else "planned"


def _finished(records: Sequence[book.Record]) -> str:
    return f"{sum(record.done for record in records)} of {len(records)}"


def _contents(path: Path) -> dict[str, str]:
    """Return the public functions and classes of a module, with the first line of their docstrings.

    The module is read, not imported: that would start JAX.
    """
    definitions = ast.FunctionDef | ast.ClassDef
    return {
        node.name: (ast.get_docstring(node) or "").partition("\n")[0]
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, definitions) and not node.name.startswith("_")
    }


def _gallery_script(record: book.Record) -> Path:
    """Return the gallery script of a notebook or model in this installation."""
    inside = PurePosixPath(record.gallery).relative_to("gallery")
    for gallery in GALLERIES:
        if (gallery / inside).is_file():
            return gallery / inside
    places = " nor in ".join(map(str, GALLERIES))
    raise click.ClickException(f"the gallery script {inside} is neither in {places}")


@contextmanager
def _arguments(script: Path) -> Iterator[None]:
    """Let the script see the command line that it would see on its own."""
    ours, sys.argv = sys.argv, [str(script)]
    try:
        yield
    finally:
        sys.argv = ours


@contextmanager
def _shown_figures_saved(out: Path, prefix: str) -> Iterator[None]:
    """Make ``plt.show`` save the open figures as numbered PNG files, print their paths and close them."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 (slow, and only needed here)

    plt.switch_backend("Agg")
    numbers = itertools.count(1)

    def save(*args, **kwargs):
        for figure in map(plt.figure, plt.get_fignums()):
            path = out / f"{prefix}_{next(numbers):02d}.png"
            figure.canvas.draw()  # an animation puts its first frame there now, not when it is saved
            figure.savefig(path, dpi=150)
            plt.close(figure)
            click.echo(path)

    show, plt.show = plt.show, save
    try:
        yield
    finally:
        plt.show = show
        plt.close("all")


def _from_script(trace: TracebackType | None, script: Path) -> TracebackType | None:
    """Drop the frames above the script, which are ours and ``runpy``'s."""
    while trace and trace.tb_frame.f_code.co_filename != str(script):
        trace = trace.tb_next
    return trace
