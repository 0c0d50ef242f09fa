"""What the catalogue knows of a notebook, or of a model without one, and where their rooms stand."""

from dataclasses import dataclass
from pathlib import Path

from udl_jax.book.chapters import CHAPTERS, Chapter

_PACKAGE = Path(__file__).parents[1]
_NOTEBOOKS_ON_GITHUB = "https://github.com/udlbook/udlbook/blob/main/Notebooks"


@dataclass(frozen=True)
class Record:
    """What has a page: a notebook of the book, or a model.

    Addresses are POSIX paths relative to the root of the repository.

    Parameters
    ----------
    number
        Chapter, and place in the chapter: a number for notebooks, ``"8.1"``, a letter for models, ``"17.A"``.
    title
        The title that the notebook opens with, or the model's name.
    module
        The library module, named after the subject.
    """

    number: str
    title: str
    module: str

    @property
    def chapter(self) -> Chapter:
        """The chapter that it belongs to."""
        return CHAPTERS[int(self.number.split(".")[0]) - 1]

    @property
    def slug(self) -> str:
        """The number as it stands in file names, such as ``"8_1"``."""
        return self.number.replace(".", "_")

    @property
    def library(self) -> str:
        """The address of the computation."""
        return f"udl_jax/{self.chapter.package}/{self.module}.py"

    @property
    def gallery(self) -> str:
        """The address of the page."""
        return f"gallery/{self.chapter.package}/plot_{self.slug}_{self.module}.py"

    @property
    def parity(self) -> str:
        """The address of the comparison with the book's own code, or with a model's witness."""
        return f"parity/{self.chapter.package}/test_{self.slug}_{self.module}.py"

    @property
    def tests(self) -> str:
        """The address of the property tests."""
        return f"tests/{self.chapter.package}/test_{self.module}.py"

    @property
    def dotted(self) -> str:
        """The library module's import name."""
        return f"udl_jax.{self.chapter.package}.{self.module}"

    @property
    def path(self) -> Path:
        """The library module's file in this installation, whether or not it exists yet."""
        return _PACKAGE / self.chapter.package / f"{self.module}.py"

    @property
    def done(self) -> bool:
        """Whether the library module exists."""
        return self.path.is_file()


@dataclass(frozen=True)
class Notebook(Record):
    """A notebook of the book.

    Parameters
    ----------
    number, title, module
        As in :class:`Record`.
    file
        The notebook's file name, without number and extension.
    sections, figures, equations
        Numbers in the book (MIT Press, 2023) of what the notebook works on or refers to.
    framework
        What the notebook computes with: ``"numpy"`` or ``"torch"``.

    Examples
    --------
    >>> from udl_jax.book import find
    >>> notebook = find("8.1")
    >>> notebook.library
    'udl_jax/ch08_performance/mnist1d.py'
    >>> notebook.gallery
    'gallery/ch08_performance/plot_8_1_mnist1d.py'
    """

    file: str
    sections: tuple[str, ...]
    figures: tuple[str, ...]
    equations: tuple[str, ...]
    framework: str = "numpy"

    @property
    def recording(self) -> str:
        """The address of the arrays that the book's own code computed."""
        return f"parity/recorded/{self.slug}.npz"

    @property
    def source(self) -> str:
        """The notebook's path under ``Notebooks/`` in the book's repository."""
        return f"Chap{self.chapter.number:02d}/{self.slug}_{self.file}.ipynb"

    @property
    def url(self) -> str:
        """The notebook's web page."""
        return f"{_NOTEBOOKS_ON_GITHUB}/{self.source}"

    @property
    def basis(self) -> str:
        """What it is, in a word or two."""
        return "PyTorch" if self.framework == "torch" else "NumPy"


@dataclass(frozen=True)
class Model(Record):
    """A model that a chapter is about, and for which the book has no notebook.

    It has library, page and tests. Instead of a notebook it may have a witness, another implementation or a
    closed form, that its file under ``parity/`` compares it with.

    Parameters
    ----------
    number, title, module
        As in :class:`Record`; the number is lettered, such as ``"17.A"``.
    sections, figures, equations
        Numbers in the book (MIT Press, 2023) of where it treats the model.
    witness
        What the model is compared with, such as ``"torch.nn.TransformerEncoderLayer"``; None if nothing.
    """

    sections: tuple[str, ...]
    figures: tuple[str, ...] = ()
    equations: tuple[str, ...] = ()
    witness: str | None = None
