"""The catalogue, and the rule that every notebook which is done has all its rooms."""

import dataclasses
import re
from pathlib import Path

import pytest

from udl_jax import book
from udl_jax.book import CHAPTERS, MODELS, NOTEBOOKS, RECORDS

ROOT = Path(__file__).parents[1]
TREES = ("udl_jax", "gallery", "parity", "tests")
UNRECORDED = {"__init__.py", "GALLERY_HEADER.rst", "conftest.py"}


def place(number):
    return tuple(map(int, number.split(".")))


def notebooks_of(chapter):
    return [notebook for notebook in NOTEBOOKS if notebook.chapter is chapter]


def natural_order(number):
    """Put chapter 10 after chapter 9, and the appendices after the chapters."""
    return [(not part.isdigit(), part.zfill(3)) for part in number.split(".")]


def chapter_files():
    for tree in TREES:
        for path in (ROOT / tree).glob("ch[0-9][0-9]_*/**/*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def rooms(notebook):
    return notebook.library, notebook.gallery, notebook.parity, notebook.tests


def supporting_files():
    for chapter in CHAPTERS:
        for module in chapter.supporting:
            yield f"udl_jax/{chapter.package}/{module}.py"
            yield f"tests/{chapter.package}/test_{module}.py"


def test_every_notebook_of_the_book_is_recorded():
    counts = {chapter.number: len(notebooks_of(chapter)) for chapter in CHAPTERS}
    assert len(NOTEBOOKS) == 68
    assert list(counts) == list(range(1, 22))
    assert list(counts.values()) == [1, 1, 4, 3, 3, 5, 3, 4, 5, 5, 3, 4, 4, 0, 2, 3, 3, 4, 5, 4, 2]


def test_records_stand_in_the_order_of_the_book():
    numbers = [notebook.number for notebook in NOTEBOOKS]
    assert numbers == sorted(numbers, key=place)
    for chapter in CHAPTERS:
        places = [place(notebook.number)[1] for notebook in notebooks_of(chapter)]
        assert places == [*range(1, len(places) + 1)]


def test_models_are_lettered_in_their_chapter():
    for chapter in CHAPTERS:
        letters = [model.number for model in MODELS if model.chapter is chapter]
        assert letters == [f"{chapter.number}.{chr(ord('A') + place)}" for place in range(len(letters))]


def test_records_of_a_chapter_are_its_notebooks_then_its_models():
    assert sorted(record.number for record in RECORDS) == sorted(r.number for r in (*NOTEBOOKS, *MODELS))
    for chapter in CHAPTERS:
        kinds = [isinstance(record, book.Model) for record in book.records_of(chapter)]
        assert kinds == sorted(kinds)


@pytest.mark.parametrize(
    "attribute",
    [
        "number",
        "slug",
        "title",
        "library",
        "gallery",
        "parity",
        "tests",
        "recording",
        "dotted",
        "source",
        "url",
    ],
)
def test_no_two_notebooks_share(attribute):
    values = [getattr(notebook, attribute) for notebook in NOTEBOOKS]
    assert len(set(values)) == len(values)


def test_chapter_packages_carry_the_number_of_the_chapter():
    for chapter in CHAPTERS:
        assert re.fullmatch(rf"ch{chapter.number:02d}_[a-z_]+", chapter.package)


def test_addresses_and_sources_follow_from_number_and_module():
    for notebook in NOTEBOOKS:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", notebook.module)
        assert re.fullmatch(rf"Chap\d\d/{notebook.slug}_[A-Za-z0-9_]+\.ipynb", notebook.source)
        assert notebook.chapter.package.startswith(f"ch{notebook.source[4:6]}_")
        assert notebook.url.endswith(f"/Notebooks/{notebook.source}")
        assert notebook.library == notebook.dotted.replace(".", "/") + ".py"
        assert notebook.path == Path(book.__file__).parents[2] / notebook.library


def test_frameworks_are_the_two_that_the_book_uses():
    assert {notebook.framework for notebook in NOTEBOOKS} == {"numpy", "torch"}


@pytest.mark.parametrize("kind", ["sections", "figures", "equations"])
def test_references_are_numbers_of_the_book_in_its_order(kind):
    pattern = r"(\d+|[A-C])(\.\d+){1,2}" if kind == "sections" else r"\d+\.\d+"
    for record in RECORDS:
        references = getattr(record, kind)
        assert all(re.fullmatch(pattern, reference) for reference in references)
        assert list(references) == sorted(set(references), key=natural_order)


def test_records_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        NOTEBOOKS[0].title = "another"


def test_find_accepts_both_ways_of_writing_a_number():
    for record in RECORDS:
        for written in (record.number, record.slug, f" {record.number}\n", record.slug.lower()):
            assert book.find(written) is record


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("8.9", "8.2, 8.3 and 8.4"),
        ("8_9", "8.2, 8.3 and 8.4"),
        ("8", "8.1, 8.2 and 8.3"),
        ("8.0", "8.1, 8.2 and 8.3"),
        ("3.10", "3.2, 3.3 and 3.4"),
        ("14.1", "13.1, 14.A and 15.1"),
        ("0.1", "1.1, 2.1 and 3.1"),
        ("9999.1", "20.1, 21.1 and 21.2"),
    ],
)
def test_unknown_number_gets_the_nearest_ones(asked, nearest):
    with pytest.raises(book.UnknownNotebook, match=rf"the nearest are {re.escape(nearest)}$"):
        book.find(asked)


@pytest.mark.parametrize("asked", ["", "abc", "-8.1", "8.1.2", "8,1", "8.", "8.AB", "٨.١", "9" * 5000])
def test_text_that_is_no_number_is_told_the_range(asked):
    with pytest.raises(book.UnknownNotebook, match=r"they run from 1\.1 to 21\.2$"):
        book.find(asked)


def test_unknown_notebook_is_a_lookup_error():
    assert issubclass(book.UnknownNotebook, LookupError)


def test_done_follows_the_module_file(monkeypatch, tmp_path):
    monkeypatch.setattr(book.records, "_PACKAGE", tmp_path)
    notebook = book.find("8.1")
    assert not notebook.done
    notebook.path.parent.mkdir()
    notebook.path.touch()
    assert notebook.done


@pytest.mark.parametrize("notebook", [n for n in NOTEBOOKS if n.done], ids=lambda notebook: notebook.number)
def test_done_notebook_has_all_its_rooms(notebook):
    needed = (*rooms(notebook), notebook.recording)
    assert [address for address in needed if not (ROOT / address).is_file()] == []


@pytest.mark.parametrize("model", [m for m in MODELS if m.done], ids=lambda model: model.number)
def test_done_model_has_all_its_rooms(model):
    needed = [model.library, model.gallery, model.tests, *([model.parity] if model.witness else [])]
    assert [address for address in needed if not (ROOT / address).is_file()] == []


def test_supporting_modules_have_tests():
    assert [address for address in supporting_files() if not (ROOT / address).is_file()] == []


def test_no_file_of_a_chapter_is_without_a_record():
    recorded = {address for record in RECORDS for address in rooms(record)} | set(supporting_files())
    found = {path.relative_to(ROOT).as_posix() for path in chapter_files() if path.name not in UNRECORDED}
    assert sorted(found - recorded) == []


def test_no_chapter_folder_is_without_a_record():
    packages = {chapter.package for chapter in CHAPTERS}
    folders = {path.name for tree in TREES for path in (ROOT / tree).glob("ch[0-9][0-9]_*")}
    assert folders <= packages
