"""What has to be added to the book's notebooks so that they run, one module a chapter.

The notebooks have gaps for the student. A :class:`Completion` fills those of one notebook with our
own code, keyed by the number of the cell, and says what to record on the way. Its functions run with
the notebook's variables as their globals, so they read like the notebook's own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Take:
    """One execution of a notebook.

    Parameters
    ----------
    name
        Prefix of what this take records, ``"name/quantity"``; none if empty.
    seed
        Given to torch's generator before the first cell, for notebooks that never seed it.
    dtype
        ``"float64"`` makes every torch tensor of the notebook double precision.
    twin
        Move the initial weights by one unit in the last place (see :func:`parity.agreement.twin_error`).
    exact
        False if the take amplifies rounding, so that another processor gives other numbers.
    """

    name: str = ""
    seed: int = 0
    dtype: str = "float32"
    twin: bool = False
    exact: bool = True


class Completion:
    """Our additions to one notebook, collected by its three decorators."""

    def __init__(self, number: str, takes: tuple[Take, ...] = (Take(),)):
        self.number = number
        self.takes = takes
        self.gaps: dict[int, dict[str, Any]] = {}
        self.replaced: dict[int, Callable] = {}
        self.records: dict[int, Callable] = {}

    @property
    def slug(self) -> str:
        """The number as file names have it, ``"8_1"``."""
        return self.number.replace(".", "_")

    def gap(self, cell: int):
        """Fill the gap that has the decorated function's name.

        Where the cell defines a function or class of that name, ours takes its place; where it assigns to
        that name, the value is what ours returns.
        """

        def fill(function):
            self.gaps.setdefault(cell, {})[function.__name__] = function
            return function

        return fill

    def instead(self, cell: int):
        """Run the decorated function in place of the whole cell."""
        return lambda function: self.replaced.setdefault(cell, function)

    def record(self, cell: int):
        """Record the arrays (a dict) that the decorated function returns after the cell."""
        return lambda function: self.records.setdefault(cell, function)
