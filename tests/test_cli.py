"""The command line: what it prints, its exit codes, and a gallery script run for real."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from click.testing import CliRunner

import udl_jax
from udl_jax import book, cli

ROOT = Path(__file__).parents[1]
PNG = b"\x89PNG\r\n\x1a\n"

TWO_SHOWS = """
import os, sys
import matplotlib.pyplot as plt
assert __name__ == "__main__" and sys.argv[1:] == []
print("scale", os.environ["UDL_SCALE"])
plt.plot([1, 2])
plt.show()
plt.figure()
plt.figure()
plt.show(block=False)
"""


@pytest.fixture
def invoke():
    """Return a function that runs the command line in this process."""
    return lambda *args: CliRunner().invoke(cli.main, args)


@pytest.fixture
def python(monkeypatch):
    """Return a function that runs code in a new interpreter, which imports this udl_jax, and gives its output."""
    monkeypatch.setenv("PYTHONPATH", str(Path(udl_jax.__file__).parents[1]), prepend=os.pathsep)

    def execute(code, *args):
        command = [sys.executable, "-c", code, *args]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    return execute


@pytest.fixture
def stage(monkeypatch, tmp_path):
    """Return a function that makes 8.1 the only notebook that is done, with the given gallery script."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UDL_SCALE", "unset")
    monkeypatch.setattr(book.records, "_PACKAGE", tmp_path / "udl_jax")
    monkeypatch.setattr(cli, "GALLERIES", (tmp_path / "absent", tmp_path / "gallery"))

    def write(script, module='"""A module."""'):
        notebook = book.find("8.1")
        page = tmp_path / notebook.gallery
        for path, text in ((notebook.path, module), (page, script)):
            path.parent.mkdir(parents=True)
            path.write_text(text)
        return page

    return write


def test_list_has_every_notebook_under_its_chapter(invoke):
    result = invoke("list")
    lines = result.output.splitlines()
    assert result.exit_code == 0
    for notebook in book.NOTEBOOKS:
        (line,) = [line for line in lines if line.split()[:1] == [notebook.number]]
        assert line.endswith(notebook.title)
        headings = [other for other in lines[: lines.index(line)] if other.startswith("Chapter")]
        assert headings[-1] == f"Chapter {notebook.chapter.number}: {notebook.chapter.title}"


def test_list_marks_what_is_done(invoke, stage):
    stage("")
    lines = invoke("list").output.splitlines()
    assert sum(" planned " in line for line in lines) == len(book.RECORDS) - 1
    assert [line.split()[0] for line in lines if " done " in line and line.startswith("  ")] == ["8.1"]
    assert lines[-2] == "1 of 68 notebooks are done."
    assert lines[-1] == f"0 of {len(book.MODELS)} models, which have no notebook, are done."


def test_list_done_leaves_out_the_planned(invoke, stage):
    stage("")
    lines = invoke("list", "--done").output.splitlines()
    assert [line.split()[0] for line in lines] == ["Chapter", "8.1", "1", "0"]


def test_list_starts_without_jax(python):
    python(
        "import sys; from udl_jax.cli import main; main(['list'], standalone_mode=False);"
        "assert not {'jax', 'numpy', 'matplotlib'} & set(sys.modules)"
    )


@pytest.mark.parametrize("number", ["8.1", "8_1"])
def test_info_shows_references_and_addresses(invoke, number):
    result = invoke("info", number)
    notebook = book.find("8.1")
    assert result.exit_code == 0
    for expected in (
        "8.1 MNIST-1D performance",
        "8, Measuring performance",
        "7.8, 8.1, 8.2",
        "torch",
        notebook.library,
        notebook.gallery,
        notebook.parity,
        notebook.tests,
        notebook.url,
    ):
        assert expected in result.output


def test_info_lists_the_public_functions_of_a_module(invoke, stage):
    stage(
        "",
        'def fit(x):\n    """Fit it.\n\n    More."""\ndef _hidden(): pass\nclass Net:\n    """A net."""\ndef bare(): pass',
    )
    lines = [line.strip() for line in invoke("info", "8.1").output.splitlines()]
    assert lines[lines.index("udl_jax.ch08_performance.mnist1d") :] == [
        "udl_jax.ch08_performance.mnist1d",
        "fit   Fit it.",
        "Net   A net.",
        "bare",
    ]


def test_info_of_a_planned_notebook_lists_no_functions(invoke, stage):
    stage("")
    result = invoke("info", "9.1")
    assert result.exit_code == 0
    assert "planned" in result.output
    assert "udl_jax.ch09_regularization" not in result.output


@pytest.mark.parametrize("command", ["info", "run"])
@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("8.9", "the nearest are 8.2, 8.3 and 8.4"),
        ("abc", "they run from 1.1 to 21.2"),
        ("", "they run from"),
    ],
)
def test_unknown_notebook_exits_with_2(invoke, command, number, message):
    result = invoke(command, number)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_run_of_a_planned_notebook_exits_with_2(invoke, stage, tmp_path):
    stage("")
    result = invoke("run", "9.1")
    assert result.exit_code == 2
    assert "9.1, L2 regularization, is planned but not done yet" in result.output
    assert not list(tmp_path.glob("udl-jax-*"))


@pytest.mark.parametrize("number", ["8.1", "8_1"])
def test_run_saves_each_figure_that_is_shown(invoke, stage, tmp_path, number):
    stage(TWO_SHOWS)
    result = invoke("run", number)
    names = ["8_1_01.png", "8_1_02.png", "8_1_03.png"]
    assert result.exit_code == 0
    assert result.stdout.split() == ["scale", "quick", *(f"udl-jax-8.1/{name}" for name in names)]
    for name in names:
        assert (tmp_path / "udl-jax-8.1" / name).read_bytes().startswith(PNG)


def test_run_takes_scale_and_directory(invoke, stage, tmp_path):
    stage(TWO_SHOWS)
    result = invoke("run", "8.1", "--scale", "book", "--out", "a/b")
    assert result.stdout.startswith("scale book\n")
    assert len(list((tmp_path / "a" / "b").iterdir())) == 3


def test_run_leaves_matplotlib_and_arguments_as_they_were(invoke, stage):
    stage(TWO_SHOWS + "plt.figure()\n")
    before = plt.show, list(sys.argv)
    invoke("run", "8.1")
    assert (plt.show, sys.argv) == before
    assert plt.get_fignums() == []


def test_run_keeps_a_frame_of_an_animation(invoke, stage):
    stage(
        "import matplotlib.pyplot as plt\n"
        "from matplotlib.animation import FuncAnimation\n"
        "figure, axes = plt.subplots()\n"
        "(line,) = axes.plot([0, 1])\n"
        "film = FuncAnimation(figure, lambda i: line.set_ydata([0, i]), frames=3)\n"
        "plt.show()\n"
    )
    result = invoke("run", "8.1")
    assert result.stdout.split() == ["udl-jax-8.1/8_1_01.png"]


def test_failing_script_shows_its_own_traceback_and_exits_with_1(invoke, stage):
    page = stage(TWO_SHOWS + "def halve(n):\n    return n / 0\nhalve(1)\n")
    result = invoke("run", "8.1")
    assert result.exit_code == 1
    assert "ZeroDivisionError" in result.stderr
    assert result.stderr.count("File ") == 2
    assert str(page) in result.stderr
    assert "udl-jax-8.1/8_1_03.png" in result.stdout


def test_script_that_does_not_parse_exits_with_1(invoke, stage):
    page = stage("def\n")
    result = invoke("run", "8.1")
    assert result.exit_code == 1
    assert "SyntaxError" in result.stderr
    assert str(page) in result.stderr


def test_missing_script_is_told(invoke, stage, tmp_path):
    stage("").unlink()
    result = invoke("run", "8.1")
    assert result.exit_code == 1
    assert "ch08_performance/plot_8_1_mnist1d.py is neither in" in " ".join(result.output.split())


def test_directory_that_is_a_file_exits_with_2(invoke, stage, tmp_path):
    stage(TWO_SHOWS)
    (tmp_path / "taken").touch()
    assert invoke("run", "8.1", "--out", "taken").exit_code == 2


def test_version_is_the_package_s(invoke):
    assert invoke("--version").output == f"udl-jax, version {udl_jax.__version__}\n"


def test_run_works_in_a_process_of_its_own(python, stage, tmp_path):
    stage(TWO_SHOWS)
    output = python(
        "from pathlib import Path; from udl_jax import book, cli;"
        "book.records._PACKAGE = Path('udl_jax').resolve(); cli.GALLERIES = (Path('gallery'),); cli.main()",
        *("run", "8.1", "--scale", "book"),
    )
    first, *paths = output.splitlines()
    assert first == "scale book"
    assert [(tmp_path / path).read_bytes()[:8] for path in paths] == [PNG] * 3


def test_module_does_what_the_command_does():
    command = [sys.executable, "-m", "udl_jax", "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert listed == CliRunner().invoke(cli.main, ["list"]).output
