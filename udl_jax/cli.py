"""The ``udl-jax`` command: what is there, where it stands in the book, and a gallery script run headless."""

import ast
import itertools
import os
import runpy
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import TracebackType

import click

from udl_jax import __version__, book

_PACKAGE = Path(__file__).parent

# An installed wheel carries the scripts inside the package; in a clone they stand beside it.
GALLERIES = (_PACKAGE / "_gallery", _PACKAGE.parent / "gallery")


class _NotebookNumber(click.ParamType):
    """A notebook's number on the command line, ``8.1`` or ``8_1``."""

    name = "number"

    def convert(
        self, value: str | book.Notebook, param: click.Parameter | None, ctx: click.Context | None
    ) -> book.Notebook:
        if isinstance(value, book.Notebook):
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
@click.option("--done", is_flag=True, help="Leave out the notebooks that are only planned.")
def list_notebooks(done: bool) -> None:
    """List the notebooks by chapter, each marked done or planned."""
    for chapter in book.CHAPTERS:
        notebooks = [notebook for notebook in chapter.notebooks if notebook.done or not done]
        if notebooks:
            click.secho(f"Chapter {chapter.number}: {chapter.title}", bold=True)
        for notebook in notebooks:
            click.echo(f"  {notebook.number:<6}{_status(notebook):<9}{notebook.title}")
    finished = sum(notebook.done for notebook in book.NOTEBOOKS)
    click.echo(f"{finished} of {len(book.NOTEBOOKS)} notebooks are done.")


@main.command()
@click.argument("notebook", type=_NotebookNumber())
def info(notebook: book.Notebook) -> None:
    """Show what NOTEBOOK (a number such as 8.1) is about and where its four rooms are."""
    click.secho(f"{notebook.number} {notebook.title}", bold=True)
    rows = {
        "chapter": f"{notebook.chapter.number}, {notebook.chapter.title}",
        "status": _status(notebook),
        "sections": ", ".join(notebook.sections),
        "figures": ", ".join(notebook.figures),
        "equations": ", ".join(notebook.equations),
        "framework": notebook.framework,
        "library": notebook.library,
        "gallery": notebook.gallery,
        "parity": notebook.parity,
        "tests": notebook.tests,
        "notebook": notebook.url,
    }
    for name, value in rows.items():
        if value:
            click.echo(f"  {name:<11}{value}")
    if notebook.done:
        click.echo()
        click.secho(notebook.dotted, bold=True)
        contents = _contents(notebook.path)
        width = max(map(len, contents), default=0)
        for name, summary in contents.items():
            click.echo(f"  {name:<{width}}  {summary}".rstrip())


@main.command()
@click.argument("notebook", type=_NotebookNumber())
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
def run(notebook: book.Notebook, scale: str, out: Path | None) -> None:
    """Run the gallery script of NOTEBOOK (a number such as 8.1) and save the figures that it shows."""
    if not notebook.done:
        raise click.UsageError(f"notebook {notebook.number}, {notebook.title}, is planned but not done yet")
    script = _gallery_script(notebook)
    out = out or Path(f"udl-jax-{notebook.number}")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.FileError(str(out), error.strerror) from error
    os.environ["UDL_SCALE"] = scale
    try:
        with _arguments(script), _shown_figures_saved(out, notebook.slug):
            runpy.run_path(str(script), run_name="__main__")
    except Exception as error:
        traceback.print_exception(error.with_traceback(_from_script(error.__traceback__, script)))
        raise click.exceptions.Exit(1) from error


def _status(notebook: book.Notebook) -> str:
    return "done" if notebook.done else "planned"


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


def _gallery_script(notebook: book.Notebook) -> Path:
    """Return the notebook's gallery script in this installation."""
    inside = PurePosixPath(notebook.gallery).relative_to("gallery")
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
