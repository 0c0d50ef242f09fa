"""Double descent: networks of many widths learn noisy labels by heart, and the widest do best after all."""

import dataclasses
import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key, Num
from tqdm import tqdm

from udl_jax import _checks, training
from udl_jax._annotations import as_key, checked
from udl_jax.ch08_performance import mnist1d
from udl_jax.ch08_performance.kept_results import KeptResults
from udl_jax.data.mnist1d import Mnist1d, load_mnist1d
from udl_jax.training.engine import run_epochs
from udl_jax.training.programs import scan_epochs
from udl_jax.training.validation import check

# fmt: off
#: The numbers of hidden units of notebook 8.3.
WIDTHS = (2, 4, 6, 8, 10, 14, 18, 22, 26, 30, 35, 40, 45, 50, 55, 60, 70, 80, 90, 100, 120, 140, 160, 180, 200,
          250, 300, 400)
# fmt: on


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is swept over, and how each network is trained; the defaults are the book's.

    Parameters
    ----------
    widths
        Numbers of units in each of two hidden layers, all different.
    epochs
        Passes through the training data.
    every
        Epochs between two evaluations; ``epochs`` must be a multiple.
    rate, momentum, batch, remainder
        As in :class:`udl_jax.ch08_performance.mnist1d.Settings`; the rate stays.

    Raises
    ------
    ValueError
        If there are no widths, two are equal, a number is too small, or ``every`` does not divide ``epochs``.

    References
    ----------
    Prince (2023), section 8.4, figure 8.10; notebook 8.3.
    """

    widths: Sequence[int] = WIDTHS
    epochs: int = 1000
    every: int = 100
    rate: float = 0.01
    momentum: float = 0.9
    batch: int = 100
    remainder: str | None = None

    def __post_init__(self):
        widths = _checks.counts("widths", self.widths, length=1)
        if len(set(widths)) < len(widths):
            raise ValueError(f"widths must all be different, got {self.widths}")
        object.__setattr__(self, "widths", widths)  # a list could not be hashed
        epochs, every = _checks.count("epochs", self.epochs), _checks.count("every", self.every)
        if epochs % every:
            raise ValueError(f"every must divide the {epochs} epochs, got {every}")
        self.of(widths[0])

    def of(self, width: int) -> mnist1d.Settings:
        """Return the settings of one network's training."""
        names = ("rate", "momentum", "batch", "epochs", "remainder")
        shared = {name: getattr(self, name) for name in names}
        return mnist1d.Settings(hidden=(width, width), decay_every=self.epochs, **shared)


BOOK = Settings()


class Curves(NamedTuple):
    """Errors of networks of all widths, from left to right in the order of their evaluations.

    Attributes
    ----------
    widths
        Hidden units in each layer.
    parameters
        Weights and biases of each network.
    train, test
        Loss in nats and error in percent, with the axes (widths, evaluations).
    diverged
        Whether a training met a number that was not finite.
    """

    widths: Int[np.ndarray, " widths"]
    parameters: Int[np.ndarray, " widths"]
    train: training.Measures
    test: training.Measures
    diverged: np.ndarray


@checked
def noisy_labels(
    labels: Int[Array, " examples"],
    coins: Float[Array, " examples"],
    digits: Float[Array, " examples"],
    rate: Num[ArrayLike, ""] = 0.15,
    classes: int = 10,
) -> Int[Array, " examples"]:
    """Replace some of the labels by random ones.

    Parameters
    ----------
    labels
        Labels from 0 up.
    coins
        Uniform in [0, 1): a label is replaced where this is below ``rate``.
    digits
        Uniform in [0, 1): which of the classes takes its place, the true one not excepted.
    rate
        Probability of a replacement, from 0 to 1. With ten classes, a tenth of the replacements changes nothing.
    classes
        Number of classes.

    Raises
    ------
    ValueError
        If the arrays differ in length, ``rate`` is not in [0, 1], or ``classes`` is less than 1.

    Examples
    --------
    >>> noisy_labels(jnp.array([7, 7, 7]), jnp.array([0.1, 0.2, 0.0]), jnp.array([0.35, 0.35, 0.79])).tolist()
    [3, 7, 7]
    """
    rate = _checks.number("rate", rate, least=0.0)
    _checks.values("rate", rate, lambda r: r <= 1, "at most 1")
    _checks.count("classes", classes)
    random = jnp.floor(digits * classes).astype(labels.dtype)
    return jnp.where(coins < rate, random, labels)


def load_data(key: Key[Array, ""], noise: float = 0.15, examples: int = 8000) -> Mnist1d:
    """Load MNIST-1D, half of it for training, and replace training labels as :func:`noisy_labels` does.

    Parameters
    ----------
    key
        Decides which labels are replaced with probability ``noise``, and by what.
    noise
        The ``rate`` of :func:`noisy_labels`.
    examples
        Number of training and test examples together; by default the book's.

    Returns
    -------
    Mnist1d
        Test labels are without noise.
    """
    data = load_mnist1d(num_samples=examples, train_split=0.5)
    coins, digits = jax.random.uniform(as_key("key", key), (2, len(data.y_train)))
    return data._replace(y_train=noisy_labels(data.y_train, coins, digits, noise))


def count_parameters(width: int, inputs: int = 40, classes: int = 10) -> int:
    """Count weights and biases of a network with two hidden layers of ``width`` units.

    Examples
    --------
    >>> count_parameters(100)
    15210
    """
    return (inputs + 1) * width + (width + 1) * width + (width + 1) * classes


def train_width(key: Key[Array, ""], data: Mnist1d, width: int, settings: Settings = BOOK) -> training.Fit:
    """Train one network of a sweep, from weights and in a batch order that ``key`` and ``width`` decide.

    Parameters
    ----------
    key, data, settings
        As in :func:`sweep`.
    width
        Hidden units in each layer.

    Returns
    -------
    training.Fit
        Final state, and loss and error at each evaluation.

    Raises
    ------
    ValueError
        As :func:`udl_jax.training.train`.
    """
    key, of_width = jax.random.fold_in(as_key("key", key), _checks.count("width", width)), settings.of(width)
    recipe = mnist1d.make_recipe(of_width, examples=len(data.x_train))
    recipe = dataclasses.replace(recipe, evaluation=training.Evaluation(every=settings.every))
    state = training.start(recipe, mnist1d.draw_variables(key, data, of_width))
    counts = len(data.x_train), settings.epochs, settings.batch, settings.remainder
    plan = *mnist1d.split(data), training.draw_order(key, *counts), None
    check(recipe, state, *plan)
    return training.Fit(*run_epochs(_on_one_core, recipe, state, *plan))


def _on_one_core(recipe, guarded, *arguments):
    return _single_threaded(recipe, guarded)(*arguments)


@functools.cache
def _single_threaded(recipe, guarded):
    """Compile a training for one thread: widths that run side by side must not wait for each other's threads."""
    return jax.jit(
        functools.partial(scan_epochs, recipe, guarded),
        compiler_options={"xla_cpu_multi_thread_eigen": False},
    )


def sweep(
    key: Key[Array, ""],
    data: Mnist1d,
    settings: Settings = BOOK,
    *,
    directory: str | Path | None = None,
    threads: int = 2,
    progress: bool = True,
) -> Curves:
    """Train a network of each width, the widest first, several side by side.

    Each width has programs of its own, and nothing of what they do is shared; so as many Python threads as there are
    processor cores compile them and run them at the same time.

    Parameters
    ----------
    key
        Decides initial weights and batch orders.
    data
        From :func:`load_data`.
    settings
        Widths, and how to train.
    directory
        Where the result of each width is kept as soon as it is there. The same call, made again after the process
        was killed, trains only what is missing, and returns the identical curves. None keeps nothing.
    threads
        How many widths are trained at the same time.
    progress
        Show a bar.

    Returns
    -------
    Curves
        In the order of ``settings.widths``; it does not depend on ``threads``.

    Raises
    ------
    ValueError
        As :func:`train_width`; also if ``threads`` is less than 1, or ``directory`` has results of another sweep.
    """
    _checks.refuse_traced("sweep", (key, data), "it starts threads and may keep files")
    key, x64 = as_key("key", key), jax.config.jax_enable_x64
    trained = dataclasses.replace(settings, widths=(1,))  # another choice of widths may share their results
    kept = (
        None if directory is None else KeptResults(directory, repr(trained), jax.random.key_data(key), *data)
    )

    def measure(width):
        found = None if kept is None else kept.read(f"width_{width:05d}")
        if found is None:
            with jax.enable_x64(x64):  # a setting that each thread has for itself
                fit = train_width(key, data, width, settings)
                train, test = jax.device_get(fit.history)
            found = {"train_loss": train.loss, "train_error": train.error, "test_loss": test.loss}
            found |= {"test_error": test.error, "diverged": np.any(fit.state.failed_at >= 0)}
            if kept is not None:
                kept.write(f"width_{width:05d}", found)
        return found

    with ThreadPoolExecutor(_checks.count("threads", threads)) as pool:
        futures = {pool.submit(measure, width): width for width in sorted(settings.widths, reverse=True)}
        try:
            bar = tqdm(as_completed(futures), total=len(futures), unit="width", disable=not progress)
            results = {futures[future]: future.result() for future in bar}
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    joined = {
        name: np.stack([results[width][name] for width in settings.widths])
        for name in results[settings.widths[0]]
    }
    train, test = (
        training.Measures(joined[f"{part}_loss"], joined[f"{part}_error"]) for part in ("train", "test")
    )
    sizes = [count_parameters(w, data.x_train.shape[1], mnist1d.BOOK.classes) for w in settings.widths]
    return Curves(np.array(settings.widths), np.array(sizes), train, test, joined["diverged"])
