"""Run every notebook that the built site offers for download, each in a folder outside the clone."""

import argparse
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

BUILD = Path(__file__).parent / "_build" / "html" / "_downloads"


def main() -> None:
    """Run them all, or those whose names contain one of the given words; exit with 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="parts of file names, such as plot_8_1")
    words = parser.parse_args().words
    found = sorted(BUILD.glob("*/plot_*.ipynb"), key=lambda path: path.name)
    chosen = [path for path in found if not words or any(word in path.name for word in words)]
    if not chosen:
        sys.exit(f"there are no such notebooks under {BUILD}: build the site first, with nox -s docs")
    failed = []
    for path in chosen:
        notebook = nbformat.read(path, as_version=4)
        raw = [cell for cell in notebook.cells if cell.cell_type == "markdown" and ":func:`" in cell.source]
        with tempfile.TemporaryDirectory() as folder:
            client = NotebookClient(notebook, timeout=None, resources={"metadata": {"path": folder}})
            try:
                client.execute()
            except CellExecutionError as error:
                failed.append(f"{path.name}: {error.ename}: {error.evalue}")
        if raw:
            failed.append(f"{path.name}: a raw role in a text cell")
        print(
            f"{'failed' if failed and failed[-1].startswith(path.name) else 'ran':7}{path.name}", flush=True
        )
    print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed")
    sys.exit("\n".join(failed) if failed else 0)


if __name__ == "__main__":
    main()
