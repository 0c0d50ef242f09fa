"""The catalogue: one record for each notebook of the book, and where its four rooms stand; models beside them.

Documentation, command line and the completeness test read it; nothing repeats it.
"""

import re

from udl_jax.book.catalogue import MODELS, NOTEBOOKS
from udl_jax.book.chapters import CHAPTERS, Chapter
from udl_jax.book.records import Model, Notebook, Record

__all__ = [
    "CHAPTERS",
    "MODELS",
    "NOTEBOOKS",
    "RECORDS",
    "Chapter",
    "Model",
    "Notebook",
    "Record",
    "UnknownNotebook",
    "find",
    "records_of",
]


class UnknownNotebook(LookupError):  # noqa: N818
    """Raised when there is no notebook or model of that number; the message names the nearest ones."""


def records_of(chapter: Chapter) -> tuple[Record, ...]:
    """List what a chapter has: its notebooks in the book's order, then its models."""
    return tuple(record for record in (*NOTEBOOKS, *MODELS) if record.chapter is chapter)


#: All notebooks and models, chapter by chapter.
RECORDS: tuple[Record, ...] = tuple(record for chapter in CHAPTERS for record in records_of(chapter))


def find(number: str) -> Record:
    """Return the notebook, or the model, of this number.

    Parameters
    ----------
    number
        As the book writes it, ``"8.1"``, or as file names do, ``"8_1"``. Models have letters, ``"17.A"``.

    Raises
    ------
    UnknownNotebook
        If there is none.

    Examples
    --------
    >>> find("8_1").title
    'MNIST-1D performance'
    >>> find("8.9")
    Traceback (most recent call last):
        ...
    udl_jax.book.UnknownNotebook: the book has no notebook 8.9; the nearest are 8.2, 8.3 and 8.4
    """
    asked = number.strip().replace("_", ".").upper()
    for record in RECORDS:
        if record.number == asked:
            return record
    if not re.fullmatch(r"[0-9]{1,4}(\.([0-9]{1,4}|[A-Z]))?", asked):
        first, last = NOTEBOOKS[0].number, NOTEBOOKS[-1].number
        raise UnknownNotebook(f"{number!r} is not the number of a notebook; they run from {first} to {last}")
    *others, last = _nearest(asked)
    missing = f"there is no model {asked}" if asked[-1].isalpha() else f"the book has no notebook {asked}"
    raise UnknownNotebook(f"{missing}; the nearest are {', '.join(others)} and {last}")


def _nearest(number: str, count: int = 3) -> list[str]:
    """Return the ``count`` existing numbers closest to ``number``: by chapter first, then by place in it."""
    chapter, place = _place(number)

    def distance(record: Record) -> tuple[int, int]:
        its_chapter, its_place = _place(record.number)
        return abs(its_chapter - chapter), abs(its_place - place)

    nearest = sorted(RECORDS, key=distance)[:count]
    return [record.number for record in RECORDS if record in nearest]


def _place(number: str) -> tuple[int, int]:
    """Split ``"8.3"`` into ``(8, 3)``; a chapter's number alone stands for its first notebook, letters come last."""
    chapter, _, place = number.partition(".")
    if place.isalpha():
        return int(chapter), 10_000 + ord(place)
    return int(chapter), int(place or 1)
