"""MNIST-1D: the ten digits as noisy signals of length 40, and a cache that keeps them."""

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import math
import numbers
import os
import pathlib
import random
import types
import uuid
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
import platformdirs
from jaxtyping import Array, Float, Int

_CLASSES = 10
_CACHE_FORMAT = 1


class Mnist1d(NamedTuple):
    """Signals and their labels, in the order in which the generator shuffled them.

    Attributes
    ----------
    x_train, x_test
        Training and test signals. Together they have mean 0 and variance 1.
    y_train, y_test
        The digit, 0 to 9, that each signal is made from.
    """

    x_train: Float[Array, "train length"]
    y_train: Int[Array, " train"]
    x_test: Float[Array, "test length"]
    y_test: Int[Array, " test"]


def load_mnist1d(
    *,
    num_samples: int = 5000,
    train_split: float = 0.8,
    template_len: int = 12,
    padding: tuple[int, int] | list = (36, 60),
    scale_coeff: float = 0.4,
    max_translation: int = 48,
    corr_noise_scale: float = 0.25,
    iid_noise_scale: float = 0.02,
    shear_scale: float = 0.75,
    shuffle_seq: bool = False,
    final_seq_length: int = 40,
    seed: int = 42,
) -> Mnist1d:
    """Load the MNIST-1D data set; the first call with the same settings makes it and keeps it.

    Arguments, defaults and data are those of the ``mnist1d`` package. The data are kept in
    :func:`cache_directory`, in double precision.

    Parameters
    ----------
    num_samples
        Number of training and test signals together, rounded down to a multiple of ten.
    train_split
        Fraction of the signals that goes to the training set, strictly between 0 and 1.
    template_len
        With the largest padding added to it, the length to which a padded digit is stretched.
    padding
        Fewest and most zeros that are appended to a digit.
    scale_coeff
        Width of the interval around 1 from which a signal's amplitude is drawn.
    max_translation
        A signal is rolled by a number of positions, from 0 up, that stays below this one.
    corr_noise_scale
        Standard deviation, before it is smoothed, of the noise that fills the padding.
    iid_noise_scale
        Standard deviation of the noise that is added at every position.
    shear_scale
        Width of the interval around 0 from which the slope added to a signal is drawn.
    shuffle_seq
        Whether to permute the positions, all signals in the same way.
    final_seq_length
        Length of the finished signals.
    seed
        Seed of the generator. The global states of ``numpy.random`` and ``random``, which the
        generator draws from, are put back afterwards.

    Returns
    -------
    Mnist1d
        By default 4,000 training and 1,000 test examples of length 40, in JAX's default
        floating-point type.

    Raises
    ------
    ValueError
        If an argument has a value that the generator cannot work with, or if ``train_split``
        leaves one of the two sets empty.

    Warns
    -----
    RuntimeWarning
        If the cached file is damaged (the data are made anew) or cannot be written.

    References
    ----------
    Prince (2023), section 8.1, figure 8.1; notebooks 8.1 and, with more samples, 8.3. Greydanus
    and Kobak (2024), *Scaling down deep learning with MNIST-1D*, https://arxiv.org/abs/2011.14439.

    Examples
    --------
    >>> data = load_mnist1d(num_samples=100, train_split=0.7)
    >>> data.x_train.shape, data.y_train.shape, data.x_test.shape, data.y_test.shape
    ((70, 40), (70,), (30, 40), (30,))
    """
    settings = _Settings(
        num_samples=num_samples,
        train_split=train_split,
        template_len=template_len,
        padding=padding,
        scale_coeff=scale_coeff,
        max_translation=max_translation,
        corr_noise_scale=corr_noise_scale,
        iid_noise_scale=iid_noise_scale,
        shear_scale=shear_scale,
        shuffle_seq=shuffle_seq,
        final_seq_length=final_seq_length,
        seed=seed,
    )
    file = settings.cache_file
    arrays = _read(file, settings)
    if arrays is None:
        arrays = _generate(settings)
        _write(file, settings, arrays)
    # Unlike jnp.asarray, device_put compiles nothing.
    return jax.device_put(Mnist1d(**arrays))


def cache_directory() -> pathlib.Path:
    """Return the directory where data sets are kept between runs.

    Returns
    -------
    pathlib.Path
        The environment variable ``UDL_JAX_CACHE`` if it is set, else the user's cache directory.

    Examples
    --------
    >>> from unittest import mock
    >>> with mock.patch.dict("os.environ", UDL_JAX_CACHE="scratch"):
    ...     print(cache_directory())
    scratch
    """
    chosen = os.environ.get("UDL_JAX_CACHE") or platformdirs.user_cache_dir("udl_jax")
    return pathlib.Path(chosen).expanduser()


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Settings:
    """The generator's arguments, checked, and what follows from them."""

    num_samples: int
    train_split: float
    template_len: int
    padding: tuple[int, int] | list
    scale_coeff: float
    max_translation: int
    corr_noise_scale: float
    iid_noise_scale: float
    shear_scale: float
    shuffle_seq: bool
    final_seq_length: int
    seed: int

    def __post_init__(self):
        least = {"num_samples": _CLASSES, "template_len": 2, "max_translation": 1, "final_seq_length": 1}
        for name, low in least.items():
            value = getattr(self, name)
            if not (_is_integer(value) and value >= low):
                raise ValueError(f"{name} must be an integer not below {low}, got {value!r}")
        for name in ("scale_coeff", "corr_noise_scale", "iid_noise_scale", "shear_scale"):
            value = getattr(self, name)
            if not (isinstance(value, numbers.Real) and 0 <= value < math.inf):
                raise ValueError(f"{name} must be a finite number not below 0, got {value!r}")
        if not (_is_integer(self.seed) and 0 <= self.seed < 2**32):
            raise ValueError(f"seed must be an integer in [0, 2**32), got {self.seed!r}")
        if not isinstance(self.shuffle_seq, bool | np.bool):
            raise ValueError(f"shuffle_seq must be True or False, got {self.shuffle_seq!r}")
        if not (isinstance(self.padding, tuple | list) and _is_interval(self.padding)):
            raise ValueError(
                f"padding must be two integers (low, high) with 0 <= low <= high, got {self.padding!r}"
            )
        if not (isinstance(self.train_split, numbers.Real) and 0 < self.train_split < 1):
            raise ValueError(f"train_split must lie strictly between 0 and 1, got {self.train_split!r}")
        if 0 in self.counts:
            raise ValueError(
                f"train_split={self.train_split!r} parts num_samples={self.num_samples} into {self.counts}; "
                "both training and test set need at least one"
            )

    @property
    def counts(self) -> tuple[int, int]:
        """Number of training and of test examples, rounded as the generator rounds."""
        total = _CLASSES * (self.num_samples // _CLASSES)
        train = int(total * float(self.train_split))
        return train, total - train

    @property
    def layout(self) -> dict[str, tuple]:
        """Shape and type of each array."""
        (train, test), length = self.counts, self.final_seq_length
        return {
            "x_train": ((train, length), np.float64),
            "y_train": ((train,), np.int64),
            "x_test": ((test, length), np.float64),
            "y_test": ((test,), np.int64),
        }

    @property
    def description(self) -> str:
        """All that the data depend on, as text."""
        made_by = {"format": _CACHE_FORMAT, "mnist1d": importlib.metadata.version("mnist1d")}
        # NumPy's scalars, which JSON does not know, are written as the Python numbers that they equal.
        return json.dumps(made_by | dataclasses.asdict(self), sort_keys=True, default=np.generic.item)

    @property
    def cache_file(self) -> pathlib.Path:
        """Where the data set is kept."""
        digest = hashlib.sha256(self.description.encode()).hexdigest()[:16]
        return cache_directory() / f"mnist1d-{digest}.npz"


def _is_interval(bounds) -> bool:
    return len(bounds) == 2 and all(map(_is_integer, bounds)) and 0 <= bounds[0] <= bounds[1]


def _is_integer(value) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _generate(settings: _Settings) -> dict[str, np.ndarray]:
    # Imported here because it takes a second, which loading from the cache should not pay.
    from mnist1d.data import make_dataset  # noqa: PLC0415

    # Read back from the description: what the file's name does not tell cannot reach the data.
    arguments = types.SimpleNamespace(**json.loads(settings.description))
    with _global_random_states_kept():
        made = make_dataset(arguments)
    return {"x_train": made["x"], "y_train": made["y"], "x_test": made["x_test"], "y_test": made["y_test"]}


@contextlib.contextmanager
def _global_random_states_kept() -> Iterator[None]:
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)


def _read(file: pathlib.Path, settings: _Settings) -> dict[str, np.ndarray] | None:
    """Return the arrays in ``file``; None where there is no such file or, with a warning, no sound one."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            if archive["description"].item() != settings.description:
                raise ValueError("it was made with other settings")
            arrays = {name: archive[name] for name in Mnist1d._fields}
        if {name: (array.shape, array.dtype) for name, array in arrays.items()} != settings.layout:
            raise ValueError("its arrays have other shapes or types")
    except (FileNotFoundError, NotADirectoryError):
        return None
    # A damaged archive fails in zipfile, zlib, struct, NumPy's header parser, an allocation, ...
    except Exception as error:
        message = f"the cached data set {file} cannot be used and is made anew: {error!r}"
        warnings.warn(message, RuntimeWarning, stacklevel=3)
        return None
    return arrays


def _write(file: pathlib.Path, settings: _Settings, arrays: dict[str, np.ndarray]) -> None:
    """Put the arrays into ``file`` in one step, so that no other process ever sees half of it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(f".{uuid.uuid4().hex}.tmp")
        try:
            with temporary.open("xb") as stream:
                np.savez(stream, description=settings.description, **arrays)
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        message = f"the data set cannot be kept in {file}, so it will be made anew next time: {error!r}"
        warnings.warn(message, RuntimeWarning, stacklevel=3)
