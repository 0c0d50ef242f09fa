"""Full-batch gradient descent: four networks with as many parameters learn every example without any noise."""

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key

from udl_jax import _checks, training
from udl_jax._annotations import as_key
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork
from udl_jax.ch08_performance import mnist1d
from udl_jax.data.mnist1d import Mnist1d

#: Hidden units in each layer, by the number of hidden layers: all four networks have about 15,200 parameters.
WIDTHS = {1: 298, 2: 100, 3: 75, 4: 63}
#: Steps of the book's trainings, by the number of hidden layers.
BOOK_STEPS = {1: 500_000, 2: 200_000, 3: 200_000, 4: 200_000}


@dataclasses.dataclass(frozen=True)
class Settings:
    """A network and how it is trained; the defaults are those of the book's deepest network.

    Parameters
    ----------
    hidden
        Width of each hidden layer; :func:`book_settings` knows the book's.
    classes
        Number of outputs.
    rate
        Learning rate, which stays.
    steps
        Steps, each of them along the gradient of all examples.
    rows
        Examples that go through the network at a time, as in :func:`udl_jax.training.train_full_batch`.

    Raises
    ------
    ValueError
        If a number is not positive, or there is no hidden layer.

    References
    ----------
    Prince (2023), section 20.2.3, figure 20.2; notebook 20.2.
    """

    hidden: Sequence[int] = (63, 63, 63, 63)
    classes: int = 10
    rate: float = 0.0025
    steps: int = 200_000
    rows: int = 500

    def __post_init__(self):
        # A list could not be hashed.
        object.__setattr__(self, "hidden", _checks.counts("hidden", self.hidden, length=1))
        for name in ("classes", "steps", "rows"):
            _checks.count(name, getattr(self, name))
        if not self.rate > 0:
            raise ValueError(f"rate must be positive, got {self.rate}")


class Curves(NamedTuple):
    """What became of several networks, in the order of their settings.

    Attributes
    ----------
    states
        Each network after its last step.
    train
        For each network loss in nats and error in percent before every step: entry 0 belongs to the initial weights.
    test
        For each network loss and error on the test data after the last step.
    """

    states: tuple[training.State, ...]
    train: tuple[training.Measures, ...]
    test: tuple[training.Measures, ...]


def book_settings(layers: int, **changes: int | float) -> Settings:
    """Return the book's settings of the network with 1, 2, 3 or 4 hidden layers.

    Parameters
    ----------
    layers
        Number of hidden layers.
    changes
        Fields of :class:`Settings` that are to be others, such as ``steps=1000``.

    Raises
    ------
    ValueError
        If the book has no such network.

    Examples
    --------
    >>> book_settings(2, steps=1000)
    Settings(hidden=(100, 100), classes=10, rate=0.0025, steps=1000, rows=500)
    """
    if layers not in WIDTHS:
        raise ValueError(f"layers must be one of {', '.join(map(str, WIDTHS))}, got {layers!r}")
    return Settings(**{"hidden": (WIDTHS[layers],) * layers, "steps": BOOK_STEPS[layers]} | changes)


def count_parameters(hidden: Sequence[int], inputs: int = 40, classes: int = 10) -> int:
    """Count weights and biases of a network whose hidden layers have these widths.

    Examples
    --------
    >>> [count_parameters((width,) * layers) for layers, width in WIDTHS.items()]
    [15208, 15210, 15235, 15319]
    """
    widths = (inputs, *_checks.counts("hidden", hidden), classes)
    return sum((before + 1) * after for before, after in itertools.pairwise(widths))


@functools.cache
def make_recipe(settings: Settings) -> training.Recipe:
    """Make the recipe: a network of ReLUs, gradient descent without momentum, cross-entropy.

    Equal settings give the same one, so it is compiled once.
    """
    return training.Recipe(DeepNetwork((*settings.hidden, settings.classes)), optax.sgd(settings.rate))


def train_network(
    key: Key[Array, ""],
    data: Mnist1d,
    settings: Settings = Settings(),
    *,
    directory: str | Path | None = None,
    chunk: int = 2000,
    progress: bool = False,
) -> training.Fit:
    """Train one network by full-batch gradient descent, from weights drawn from ``key``.

    Parameters
    ----------
    key
        Decides the initial weights, by He's uniform initialisation. There is nothing else to draw.
    data
        From :func:`udl_jax.data.mnist1d.load_mnist1d`.
    settings
        Network and training.
    directory
        Where a checkpoint is kept after each ``chunk`` steps; the same call, made again after the process was killed,
        goes on from the last one to the identical result. None keeps nothing.
    chunk
        Steps between two checkpoints.
    progress
        Show a bar with the latest loss.

    Returns
    -------
    training.Fit
        Final state, and loss in nats and error in percent of the training data before each step.

    Raises
    ------
    ValueError
        As :func:`udl_jax.training.train_full_batch`.

    References
    ----------
    Prince (2023), section 20.2.3, figure 20.2; notebook 20.2.
    """
    recipe = make_recipe(settings)
    start = mnist1d.Settings(hidden=settings.hidden, classes=settings.classes)
    state = training.start(recipe, mnist1d.draw_variables(as_key("key", key), data, start))
    examples, _ = mnist1d.split(data)
    steps = settings.steps
    kept = {"chunk": min(chunk, steps), "directory": directory, "progress": progress}
    return training.Fit(
        *training.train_full_batch(recipe, state, examples, steps, rows=settings.rows, **kept)
    )


def train_side_by_side(
    key: Key[Array, ""],
    data: Mnist1d,
    networks: Sequence[Settings],
    *,
    directory: str | Path | None = None,
    threads: int = 2,
    progress: bool = True,
) -> Curves:
    """Train several networks, as many at the same time as there are ``threads``, those with most steps first.

    Parameters
    ----------
    key
        Decides the initial weights of all.
    data
        From :func:`udl_jax.data.mnist1d.load_mnist1d`.
    networks
        One for each training; :func:`book_settings` gives the book's four.
    directory
        Where each network has a folder for its checkpoints, as in :func:`train_network`. None keeps nothing.
    threads
        How many networks are trained at the same time, a processor core each.
    progress
        Show a bar for each network.

    Returns
    -------
    Curves
        In the order of ``networks``; it does not depend on ``threads``.

    Raises
    ------
    ValueError
        If there are no networks, ``threads`` is less than 1, or as :func:`train_network`.
    """
    _checks.refuse_traced("train_side_by_side", (key, data), "it starts threads and may keep files")
    key, x64 = as_key("key", key), jax.config.jax_enable_x64
    if not networks:
        raise ValueError("networks are none: there is nothing to train")
    test = mnist1d.split(data)[1]

    def train(number):
        settings = networks[number]
        name = "_".join(map(str, settings.hidden))
        folder = None if directory is None else Path(directory).expanduser() / f"hidden_{name}"
        with jax.enable_x64(x64):  # a setting that each thread has for itself
            fit = train_network(key, data, settings, directory=folder, progress=progress)
            recipe = make_recipe(settings)
            outputs = training.predict(recipe.model, fit.state.variables, test.x)
            measured = training.Measures(recipe.loss(outputs, test.y), recipe.error(outputs, test.y))
            return jax.device_get((fit.state, fit.history, measured))

    order = sorted(range(len(networks)), key=lambda number: -networks[number].steps)
    with ThreadPoolExecutor(_checks.count("threads", threads)) as pool:
        futures = {pool.submit(train, number): number for number in order}
        results = {futures[future]: future.result() for future in as_completed(futures)}
    return Curves(*zip(*(results[number] for number in range(len(networks))), strict=True))


def log_spaced_steps(steps: int, points: int) -> Int[np.ndarray, " points"]:
    """Return at most ``points`` numbers of steps from 0 to ``steps - 1``, ever further apart: where a long curve is read.

    Examples
    --------
    >>> log_spaced_steps(1000, 7).tolist()
    [0, 2, 9, 31, 99, 315, 999]
    """
    _checks.count("points", points)
    spaced = np.geomspace(1, _checks.count("steps", steps), points)
    return np.unique(np.rint(spaced).astype(int)) - 1


def load_trained(layers: int) -> dict[str, dict[str, Float[np.ndarray, "..."]]]:
    """Load the weights that the recorded training of the book's length ended with.

    Parameters
    ----------
    layers
        Number of hidden layers of the network.

    Returns
    -------
    dict[str, dict[str, Float[np.ndarray, "..."]]]
        Parameters of the recipe's model, in single precision. :func:`udl_jax.data.full_scale.load_full_scale` of
        ``"full_batch"`` has the curves, and tells where both come from.

    Raises
    ------
    ValueError
        If the book has no such network.

    Examples
    --------
    >>> sorted(load_trained(1))
    ['layer_0', 'layer_1']
    """
    book_settings(layers)
    stored = resources.files("udl_jax.data").joinpath("recorded", "full_batch_weights.npz")
    with stored.open("rb") as file, np.load(file) as archive:
        parts = [name.split("/")[1:] for name in archive.files if name.startswith(f"{layers}/")]
        params: dict[str, dict[str, np.ndarray]] = {}
        for layer, part in parts:
            params.setdefault(layer, {})[part] = archive[f"{layers}/{layer}/{part}"]
    return params
