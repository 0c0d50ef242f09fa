"""Run the book's notebooks and record their arrays.

This module runs in the notebooks' own environment (NumPy 1.26 and torch, no JAX)::

    python -m parity.notebooks --book PATH [--out DIR] [8_1 ...]

``PATH`` is a checkout of the repository ``udlbook/udlbook``. Notebooks are read at :data:`BOOK_COMMIT`
out of git's store, so neither the branch nor the state of the work tree matters.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import importlib.util
import io
import json
import platform
import re
import subprocess
import sys
import tempfile
import types
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from parity.completions import Completion, Take
from udl_jax import book as catalogue

BOOK_COMMIT = "a8fe82b5e155cb4f42415d2461ffa23224b1173b"
RECORDED = Path(__file__).parent / "recorded"


class Answer(NamedTuple):
    """A number that the completed notebook prints beside the one its author expects."""

    cell: int
    printed: str
    expected: str


class Recording(NamedTuple):
    """What running one notebook gave: arrays by name, the author's answers, and the source's hash."""

    arrays: dict[str, np.ndarray]
    answers: list[Answer]
    sha256: str


class NotebookError(Exception):
    """A notebook that cannot be read or run, or that prints another answer than its author."""


class Namespace(dict):
    """A notebook's variables, also readable as attributes."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the notebook has no variable {name!r}") from None


def read_source(book: Path, source: str) -> bytes:
    """Read one notebook at the pinned commit from a checkout, or from a bare clone, of the book."""
    git = ["git", "-C", str(book), "-c", f"safe.directory={book.resolve()}"]
    found = subprocess.run(
        [*git, "show", f"{BOOK_COMMIT}:Notebooks/{source}"], capture_output=True, check=False
    )
    if found.returncode:
        raise NotebookError(
            f"{book} has no Notebooks/{source} at commit {BOOK_COMMIT[:7]}. It must be a git clone of "
            f"udlbook/udlbook that contains this commit; git says: {found.stderr.decode().strip()}"
        )
    return found.stdout


def load_completion(slug: str) -> Completion | None:
    """Import the completion of notebook ``slug``, say ``"8_1"``, or return None if there is none yet."""
    name = f"parity.completions.ch{int(slug.split('_', maxsplit=1)[0]):02d}"
    if importlib.util.find_spec(name) is None:
        return None
    module = importlib.import_module(name)
    found = (c for c in vars(module).values() if isinstance(c, Completion) and c.slug == slug)
    return next(found, None)


def completed() -> list[str]:
    """List the slugs of all notebooks that have a completion, in the book's order."""
    return [n.slug for n in catalogue.NOTEBOOKS if load_completion(n.slug)]


class _FillGaps(ast.NodeTransformer):
    """Point assignments to gap names at our values, and constants at the dtype of the take."""

    def __init__(self, names, dtype):
        self.names = names
        self.dtype = dtype

    def visit_Assign(self, node):
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in self.names:
            node.value = ast.parse(f"__gap_{target.id}()", mode="eval").body
            return node
        return self.generic_visit(node)

    def visit_FunctionDef(self, node):
        return node if self.dtype == "float32" else self.generic_visit(node)

    def visit_Constant(self, node):
        return ast.Constant(self.dtype) if node.value == "float32" else node

    def visit_Attribute(self, node):
        self.generic_visit(node)
        if node.attr == "float32":
            node.attr = self.dtype
        return node


def _bind(function, namespace):
    """Give a completion's function the notebook's variables as its globals."""
    if not isinstance(function, types.FunctionType):
        return function
    return types.FunctionType(function.__code__, namespace, function.__name__, function.__defaults__)


def _run_cell(text: str, gaps: dict[str, Any], take: Take, namespace: Namespace) -> None:
    """Run a cell statement by statement, so that a filled function is there for the next statement."""
    lines = ("" if re.match(r"\s*[%!]", line) else line for line in text.splitlines())
    tree = _FillGaps(gaps, take.dtype).visit(ast.parse("\n".join(lines)))
    ours = {name: _bind(function, namespace) for name, function in gaps.items()}
    namespace.update({f"__gap_{name}": function for name, function in ours.items()})
    unused = set(gaps)
    for statement in tree.body:
        unused -= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        module = ast.fix_missing_locations(ast.Module([statement], type_ignores=[]))
        exec(compile(module, "<notebook>", "exec"), namespace)
        if isinstance(statement, ast.FunctionDef | ast.ClassDef) and statement.name in ours:
            namespace[statement.name] = ours[statement.name]
            unused.discard(statement.name)
    if unused:
        raise NotebookError(f"the cell has no gap named {', '.join(sorted(unused))}")


_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_LABELLED = re.compile(rf"(?P<label>[A-Za-z][^=:,]*?)\s*[=:]\s*(?P<number>{_NUMBER})")
_EXPECTED = re.compile(r"true|truth|correct|expected|should be", re.IGNORECASE)


def find_answers(cell: int, printed: str) -> list[Answer]:
    """Find the lines that print a number beside the author's, as "Your Loss = 7.07, True value = 7.07"."""
    answers = []
    for line in printed.splitlines():
        pairs = [(_EXPECTED.search(m["label"]) is not None, m["number"]) for m in _LABELLED.finditer(line)]
        expected = [number for is_truth, number in pairs if is_truth]
        ours = [number for is_truth, number in pairs if not is_truth]
        if expected and ours:
            answers += [Answer(cell, ours[-1], truth) for truth in expected]
    return answers


def is_reproduced(answer: Answer) -> bool:
    """Tell whether the printed number is the expected one, to the decimals that the coarser one has."""
    if "e" in (answer.printed + answer.expected).lower():
        return bool(np.isclose(float(answer.printed), float(answer.expected), rtol=1e-5))
    decimals = min(len(n.partition(".")[2]) for n in (answer.printed, answer.expected))
    apart = abs(float(answer.printed) - float(answer.expected))
    return apart <= 0.5000001 * 10.0**-decimals


def run(source: bytes, completion: Completion, take: Take) -> tuple[dict[str, np.ndarray], list[Answer]]:
    """Execute one take of a notebook in an empty folder and collect what its completion records."""
    from parity.taps import TorchTap, headless  # noqa: PLC0415  (imports matplotlib)

    namespace = Namespace(__name__="__main__", take=take)
    arrays, answers = {}, []
    np.random.seed(take.seed)  # noqa: NPY002  (what the notebooks draw from)
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.chdir(stack.enter_context(tempfile.TemporaryDirectory())))
        stack.enter_context(headless())
        if catalogue.find(completion.number).framework == "torch":
            namespace["tap"] = stack.enter_context(TorchTap(take))
        for number, cell in enumerate(json.loads(source)["cells"]):
            if cell["cell_type"] != "code":
                continue
            screen = io.StringIO()
            with contextlib.redirect_stdout(screen):
                if number in completion.replaced:
                    _bind(completion.replaced[number], namespace)()
                else:
                    _run_cell("".join(cell["source"]), completion.gaps.get(number, {}), take, namespace)
            answers += find_answers(number, screen.getvalue())
            if number in completion.records:
                taken = _bind(completion.records[number], namespace)()
                arrays |= {name: np.array(value) for name, value in taken.items()}
    return arrays, answers


def record(book: Path, slug: str) -> Recording:
    """Run every take of notebook ``slug`` and check the answers that its author prints."""
    completion = load_completion(slug)
    if completion is None:
        raise NotebookError(f"notebook {slug} has no completion under parity/completions")
    source = read_source(book, catalogue.find(slug.replace("_", ".")).source)
    arrays: dict[str, np.ndarray] = {}
    answers: list[Answer] = []
    for take in completion.takes:
        taken, said = run(source, completion, take)
        arrays |= {f"{take.name}/{name}" if take.name else name: a for name, a in taken.items()}
        answers = answers or said
    wrong = [a for a in answers if not is_reproduced(a)]
    if wrong:
        raise NotebookError(f"notebook {slug} prints other answers than its author's: {wrong}")
    return Recording(arrays, answers, hashlib.sha256(source).hexdigest())


def save(recording: Recording, slug: str, folder: Path) -> None:
    """Write the arrays to ``slug.npz`` and their provenance to ``manifest.json`` beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / f"{slug}.npz", **recording.arrays)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text()) if path.exists() else {"notebooks": {}}
    manifest["book_commit"] = BOOK_COMMIT
    manifest["notebooks"][slug] = {
        "sha256": recording.sha256,
        "versions": _versions(),
        "answers": [a._asdict() for a in recording.answers],
    }
    order = [n.slug for n in catalogue.NOTEBOOKS]
    manifest["notebooks"] = dict(sorted(manifest["notebooks"].items(), key=lambda kv: order.index(kv[0])))
    path.write_text(json.dumps(manifest, indent=1) + "\n")


def _versions():
    modules = {name: sys.modules.get(name) for name in ("numpy", "torch", "scipy", "mnist1d")}
    found = {name: getattr(module, "__version__", None) for name, module in modules.items() if module}
    return {"python": platform.python_version()} | {k: str(v) for k, v in found.items() if v}


def main(argv: list[str] | None = None) -> None:
    """Record notebooks from a checkout of the book."""
    parser = argparse.ArgumentParser(prog="python -m parity.notebooks", description=main.__doc__)
    parser.add_argument("--book", type=Path, required=True, help="a git clone of udlbook/udlbook")
    parser.add_argument("--out", type=Path, default=RECORDED, help="folder of the recordings")
    parser.add_argument("slugs", nargs="*", metavar="8_1", help="notebooks (default: all completed)")
    args = parser.parse_args(argv)
    for slug in args.slugs or completed():
        recording = record(args.book, slug)
        save(recording, slug, args.out)
        print(f"{slug}: {len(recording.arrays)} arrays, {len(recording.answers)} printed answers reproduced")


if __name__ == "__main__":
    main()
