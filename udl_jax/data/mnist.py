"""MNIST: ten thousand handwritten digits that come with the package, or all seventy thousand."""

import contextlib
import gzip
import hashlib
import logging
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from udl_jax._annotations import checked
from udl_jax._checks import like, number, one_of
from udl_jax.data.mnist1d import cache_directory

SIZES = ("10k", "full")
#: Where the full data set may be had, in the order in which they are asked.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
#: The files of the full data set, as they are packed, and their SHA-256.
FILES = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
_SHIPPED, _SHIPPED_TO_TRAIN = Path(__file__).with_name("mnist_10k.npz"), 8000
_SIDE, _CLASSES = 28, 10
#: First four bytes of an IDX file, and what such a file holds.
_MAGIC = {"images": 2051, "labels": 2049}
#: More digits than any file has: a header that promises more is not believed.
_MOST = 1_000_000


class Mnist(NamedTuple):
    """Digits and their labels.

    Attributes
    ----------
    x_train, x_test
        Images: 28 by 28 pixels, one channel, from 0 (background) to 1.
    y_train, y_test
        The digits that they show.
    """

    x_train: Float[Array, "train 28 28 1"]
    y_train: Int[Array, " train"]
    x_test: Float[Array, "test 28 28 1"]
    y_test: Int[Array, " test"]


def load_mnist(
    size: str = "10k",
    *,
    folder: str | Path | None = None,
    mirrors: Sequence[str] = MIRRORS,
    progress: bool = True,
) -> Mnist:
    """Load MNIST: the part that ships with the package, or the full data set.

    Parameters
    ----------
    size
        ``"10k"`` is 8,000 digits to train on and 2,000 to test on, and needs no network. ``"full"`` is the usual
        60,000 and 10,000, which the first call downloads (11 MB) and keeps.
    folder
        For ``"full"``: a folder that holds the four IDX files already, packed (``.gz``) or not. Nothing is
        downloaded then.
    mirrors
        Addresses to download from; the next one is asked if one fails.
    progress
        Show a bar for each file that is downloaded.

    Returns
    -------
    Mnist
        Images and labels, in JAX's default floating-point and integer types.

    Raises
    ------
    ValueError
        If ``size`` is neither, if there is a ``folder`` for ``"10k"``, or if a file does not hold what its name
        says; the message names it.
    FileNotFoundError
        If a file is missing in ``folder``.
    ConnectionError
        If no mirror has a file with the right content. The message says what was tried.

    References
    ----------
    Prince (2023), section 10.5.1; figure 15.15a; notebook 10.5. LeCun, Cortes and Burges, *The MNIST database of
    handwritten digits*.

    Examples
    --------
    >>> data = load_mnist()
    >>> data.x_train.shape, data.y_test.shape
    ((8000, 28, 28, 1), (2000,))
    """
    one_of("size", size, SIZES)
    if size == "10k":
        if folder is not None:
            raise ValueError("a folder goes with size='full': the 10,000 digits come with the package")
        with np.load(_SHIPPED, allow_pickle=False) as stored:
            images, labels = stored["images"], stored["labels"]
        cut = _SHIPPED_TO_TRAIN
        return _to_jax(images[:cut], labels[:cut], images[cut:], labels[cut:])
    folder = _download(mirrors, progress) if folder is None else Path(folder).expanduser()
    return _to_jax(*_read_set(folder, "train"), *_read_set(folder, "t10k"))


@checked
def standardize(
    x: Float[Array | np.ndarray, "*shape"], mean: float = 0.1307, deviation: float = 0.3081
) -> Float[Array, "*shape"]:
    """Shift and scale pixels so that their mean is 0 and their standard deviation 1.

    Parameters
    ----------
    x
        Pixels from 0 to 1.
    mean, deviation
        Of the pixels; by default those of the full training set, which notebook 10.5 takes.

    Returns
    -------
    Float[Array, "*shape"]
        The pixels, in the precision of ``x``.

    Raises
    ------
    ValueError
        If ``deviation`` is not positive.

    Examples
    --------
    >>> standardize(jnp.array([0.1307, 0.4388]))
    Array([0., 1.], dtype=float32)
    """
    mean, deviation = number("mean", mean), number("deviation", deviation, above=0)
    return (x - like(mean, x)) / like(deviation, x)


def _to_jax(x_train, y_train, x_test, y_test):
    real, whole = jnp.result_type(float), jnp.result_type(int)
    images = ((x[..., None] / np.array(255, real)).astype(real) for x in (x_train, x_test))
    labels = (y.astype(whole) for y in (y_train, y_test))
    (x_train, x_test), (y_train, y_test) = images, labels
    return jax.device_put(Mnist(x_train, y_train, x_test, y_test))


def _read_set(folder, part):
    """Read images and labels of one part from ``folder``."""
    images = read_idx(_find(folder, f"{part}-images-idx3-ubyte"), "images")
    labels = read_idx(_find(folder, f"{part}-labels-idx1-ubyte"), "labels")
    if len(images) != len(labels):
        raise ValueError(
            f"{folder} has {len(images)} images in {part}-images-idx3-ubyte, but {len(labels)} labels in "
            f"{part}-labels-idx1-ubyte: are files of the two parts swapped?"
        )
    return images, labels


def _find(folder, name):
    for path in (folder / f"{name}.gz", folder / name, folder / name.replace("-idx", ".idx")):
        if path.is_file():
            return path
    raise FileNotFoundError(f"there is no file {name}, with or without .gz, in the folder {folder}")


def read_idx(path: str | Path, kind: str) -> np.ndarray:
    """Read a file of images or labels in the IDX format, packed by gzip or not.

    Parameters
    ----------
    path
        The file.
    kind
        ``"images"`` or ``"labels"``.

    Returns
    -------
    np.ndarray
        Bytes of shape (digits, 28, 28), or (digits,).

    Raises
    ------
    ValueError
        If the file is something else, too short, too long, or damaged.
    """
    one_of("kind", kind, _MAGIC)
    try:
        with _open(path) as stream:
            return _parse(stream, kind)
    except (OSError, EOFError, gzip.zlib.error, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{path} is not MNIST's file of {kind}: {error}") from error


@contextlib.contextmanager
def _open(path) -> Iterator[BinaryIO]:
    with Path(path).open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        yield gzip.GzipFile(fileobj=file) if packed else file


def _parse(stream, kind):
    """Read header and content; never more than the header promises, and little more than MNIST has."""
    header = stream.read(8)
    if len(header) < 8:
        raise ValueError(f"it ends after {len(header)} bytes, within its header")
    magic, digits = struct.unpack(">2I", header)
    if magic != _MAGIC[kind]:
        other = next((name for name, number in _MAGIC.items() if number == magic), None)
        held = f"it holds {other}; are two files swapped?" if other else f"it begins with {header!r}"
        raise ValueError(held)
    if not 0 < digits <= _MOST:
        raise ValueError(f"it promises {digits} digits")
    shape = (digits,)
    if kind == "images":
        sides = struct.unpack(">2I", stream.read(8).ljust(8, b"\0"))
        if sides != (_SIDE, _SIDE):
            raise ValueError(f"its images are {sides[0]} by {sides[1]} pixels, not {_SIDE} by {_SIDE}")
        shape = (digits, _SIDE, _SIDE)
    promised = int(np.prod(shape))
    content = stream.read(promised + 1)
    if len(content) != promised:
        found = f"ends after {len(content)} of them" if len(content) < promised else "goes on after them"
        raise ValueError(f"it promises {promised} bytes and {found}")
    array = np.frombuffer(content, np.uint8).reshape(shape)
    if kind == "labels" and array.max() >= _CLASSES:
        raise ValueError(f"it has a label {array.max()}, but there are {_CLASSES} digits")
    return array


def _download(mirrors, progress):
    """Fetch what is not there yet, and return the folder."""
    folder = cache_directory() / "mnist"
    for name, digest in FILES.items():
        path = folder / name
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            continue
        tried = []
        for mirror in mirrors:
            url = f"{mirror.rstrip('/')}/{name}"
            problem = _retrieve(url, digest, folder, name, progress)
            if problem is None:
                break
            tried.append(f"{url}: {problem}")
        else:
            path.unlink(missing_ok=True)  # an earlier one, that did not have the right content either
            raise ConnectionError(
                f"{name} could not be downloaded into {folder}. Tried:\n  "
                + "\n  ".join(tried or ["no mirrors"])
                + "\nload_mnist('10k') needs no network; load_mnist('full', folder=...) takes files from elsewhere."
            )
    return folder


def _retrieve(url, digest, folder, name, progress):
    """Download one file; return None, or what went wrong. What is not the right content is thrown away."""
    import pooch  # noqa: PLC0415  (only who downloads needs it)

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        downloader = pooch.HTTPDownloader(progressbar=progress, timeout=30)
        pooch.retrieve(url, f"sha256:{digest}", fname=name, path=folder, downloader=downloader)
    except Exception as error:  # pooch, requests and urllib3 have a tree of errors each
        return " ".join(str(error).split()) or type(error).__name__
    finally:
        logger.setLevel(level)
    return None
