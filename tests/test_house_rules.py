"""Rules of the house that no linter knows."""

import ast
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = sorted((ROOT / "udl_jax").rglob("*.py"))
TESTS = sorted([*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "parity").rglob("test_*.py")])
GALLERY = sorted((ROOT / "gallery").rglob("plot_*.py"))
COMPARISONS = {"allclose", "array_equal", "isclose", "array_equiv", "is_close", "all", "any"}
ASSERTING = re.compile(r"assert|agrees|raises|warns|close$")


def name(path):
    return str(path.relative_to(ROOT))


def called(node):
    """Return the last part of the name of what a call calls."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


@pytest.mark.parametrize("path", TESTS, ids=name)
def test_no_comparison_is_thrown_away(path):
    thrown_away = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Expr)
        and (
            isinstance(node.value, ast.Compare)
            or (isinstance(node.value, ast.Call) and called(node.value) in COMPARISONS)
        )
    ]
    assert not thrown_away, f"lines {thrown_away} compare, but assert nothing"


def asserts(function, asserting=frozenset()):
    """Tell whether a function asserts: itself, by a helper, or by a subprocess that must not fail."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Attribute | ast.Name):
            mentioned = node.attr if isinstance(node, ast.Attribute) else node.id
            if ASSERTING.search(mentioned) or mentioned in asserting:
                return True
        if isinstance(node, ast.keyword) and node.arg == "check" and node.value.value is True:
            return True
    return False


@pytest.mark.parametrize("path", TESTS, ids=name)
def test_every_test_asserts(path):
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    helpers = {f.name for f in functions if not f.name.startswith("test_") and asserts(f)}
    idle = [f.name for f in functions if f.name.startswith("test_") and not asserts(f, helpers)]
    assert not idle


def imports(path):
    """Return the dotted names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def chapter(text):
    found = re.search(r"\bch(\d\d)_", text)
    return int(found[1]) if found else None


@pytest.mark.parametrize("path", LIBRARY, ids=name)
def test_imports_run_one_way(path):
    """A chapter may import earlier chapters, shared rooms import none; torch and the other trees stay out."""
    ours = chapter(name(path))
    for imported in imports(path):
        assert imported.split(".")[0] not in {"torch", "sphinx", "gallery", "parity", "tests"}
        theirs = chapter(imported)
        if theirs is not None:
            assert ours is not None, f"{imported} is a chapter, this is a shared room"
            assert theirs <= ours, f"{imported} is a later chapter"


@pytest.mark.parametrize("path", LIBRARY, ids=name)
def test_library_names_no_precision(path):
    """The dtype follows the inputs."""
    with path.open("rb") as file:
        named = [
            token.start[0]
            for token in tokenize.tokenize(file.readline)
            if token.type == tokenize.NAME and token.string == "float32"
        ]
    assert not named


@pytest.mark.parametrize("path", LIBRARY, ids=name)
def test_library_files_are_short(path):
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("path", GALLERY, ids=name)
def test_pages_open_with_their_number_and_are_short_essays(path):
    text = path.read_text()
    number = ".".join(path.name.split("_")[1:3])
    heading = ast.get_docstring(ast.parse(text)).splitlines()[0]
    assert heading.startswith(f"{number} ")
    assert 40 <= len(text.splitlines()) <= 220


@pytest.mark.parametrize("path", GALLERY, ids=name)
def test_pages_show_their_core(path):
    """A displayed equation, and of which place in the book the page speaks."""
    text = path.read_text()
    assert ".. math::" in text
    introduction = ast.get_docstring(ast.parse(text))
    assert re.search(r"\*In the book: .*(section|figure|equation|chapter|appendix)", introduction, re.DOTALL)


@pytest.mark.parametrize("path", GALLERY, ids=name)
def test_every_figure_has_a_text_of_its_own(path):
    text = path.read_text()
    texts = re.findall(r'^# sphinx_gallery_alt = "(.+)"$', text, re.MULTILINE)
    # The build counts figures against texts; animations are shown without a call.
    assert len(texts) >= len(re.findall(r"^plt\.show\(\)$", text, re.MULTILINE))
    assert len(set(texts)) == len(texts)
    assert all((len(alt) >= 20 and alt[0].isupper()) or not alt[0].isalpha() for alt in texts)


@pytest.mark.parametrize("path", GALLERY, ids=name)
def test_numbers_in_titles_are_computed(path):
    """A title that claims a measured number, one with two decimals or more, takes it from a variable."""
    measured = re.compile(r"(?<!figure )(?<!equation )(?<!section )(?<![\d.])\d+\.\d{2,}")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.keyword) and node.arg in {"title", "suptitle"}:
            typed = [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)]
            found = [text for text in typed if isinstance(text, str) and measured.search(text)]
            assert not found, f"line {node.value.lineno}: {found}"
