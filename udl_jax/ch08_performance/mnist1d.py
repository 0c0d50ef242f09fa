"""A network with two hidden layers on MNIST-1D: how well it does on what it has not seen."""

import dataclasses
import functools
import itertools
from collections.abc import Sequence

import jax
import numpy as np
import optax
from jaxtyping import Array, Float, Key, PyTree

from udl_jax import training
from udl_jax._annotations import checked
from udl_jax._checks import refuse_traced
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork
from udl_jax.data.mnist1d import Mnist1d


@dataclasses.dataclass(frozen=True)
class Settings:
    """Hyper-parameters of the training; the defaults are the book's.

    Parameters
    ----------
    hidden
        Widths of the hidden layers, of which there may be one or more.
    classes
        Number of outputs.
    rate
        Learning rate at the start.
    momentum
        Momentum of stochastic gradient descent.
    decay_every
        Epochs after which the learning rate is multiplied by ``decay``, again and again.
    decay
        That factor; 1 keeps the rate.
    batch
        Examples in a batch.
    epochs
        Passes through the training data.
    remainder
        What happens when ``batch`` does not divide the examples, as in :func:`udl_jax.training.draw_order`.

    Raises
    ------
    ValueError
        If a width, ``classes``, ``decay_every``, ``batch`` or ``epochs`` is less than 1, or ``rate`` or
        ``decay`` is not positive.
    TypeError
        If ``hidden`` is a single number.

    References
    ----------
    Prince (2023), section 8.1, figure 8.2.
    """

    hidden: Sequence[int] = (100, 100)
    classes: int = 10
    rate: float = 0.05
    momentum: float = 0.9
    decay_every: int = 10
    decay: float = 0.5
    batch: int = 100
    epochs: int = 50
    remainder: str | None = None

    def __post_init__(self):
        if isinstance(self.hidden, int):
            raise TypeError(
                f"hidden must be the widths of all hidden layers, as in (100, 100), got {self.hidden}"
            )
        object.__setattr__(self, "hidden", tuple(self.hidden))  # a list could not be hashed
        counts = {f"hidden[{i}]": width for i, width in enumerate(self.hidden)}
        counts |= {name: getattr(self, name) for name in ("classes", "decay_every", "batch", "epochs")}
        for name, count in counts.items():
            if count < 1:
                raise ValueError(f"{name} must be at least 1, got {count}")
        for name in ("rate", "decay"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")


BOOK = Settings()


@functools.cache
def make_recipe(settings: Settings = BOOK, *, examples: int = 4000) -> training.Recipe:
    """Make the recipe: network, stochastic gradient descent with momentum, cross-entropy.

    The schedule is piecewise constant, which Optax computes in the precision of the parameters; its
    exponential decay would be computed in single precision throughout.

    Parameters
    ----------
    settings
        Hyper-parameters.
    examples
        Number of training examples, which decides how many steps an epoch has.

    Returns
    -------
    training.Recipe
        For :func:`udl_jax.training.train`. Equal settings give the same one, so it is compiled once.

    Raises
    ------
    ValueError
        If ``batch`` is larger than the number of examples.
    """
    if settings.batch > examples:
        raise ValueError(
            f"a batch of {settings.batch} is larger than the data, which have {examples} examples"
        )
    whole, rest = divmod(examples, settings.batch)
    steps = settings.decay_every * (whole + bool(rest and settings.remainder != "drop"))
    times = range(1, -(-settings.epochs // settings.decay_every))
    rate = optax.piecewise_constant_schedule(settings.rate, {steps * k: settings.decay for k in times})
    network = DeepNetwork((*settings.hidden, settings.classes))
    # On all weights as one vector, the update is a few operations instead of a few for each layer: faster to compile.
    return training.Recipe(network, optax.flatten(optax.sgd(rate, momentum=settings.momentum)))


def split(data: Mnist1d) -> tuple[training.Examples, training.Examples]:
    """Return training and test examples in the form that the training engine takes."""
    return training.Examples(data.x_train, data.y_train), training.Examples(data.x_test, data.y_test)


def he_uniform(
    draws: Float[Array | np.ndarray, " weights"], widths: tuple[int, ...]
) -> dict[str, dict[str, Float[Array | np.ndarray, "..."]]]:
    """Cut uniform draws into He-initialised parameters of a :class:`DeepNetwork`.

    Parameters
    ----------
    draws
        Uniform in [0, 1), one for each weight.
    widths
        Width of each layer, the inputs first; static.

    Returns
    -------
    dict[str, dict[str, Float[Array | np.ndarray, "..."]]]
        Parameters, NumPy's if the draws are: weights uniform with variance 2 / (number of inputs of their
        layer), biases zero.

    Raises
    ------
    ValueError
        If the number of draws is not that of the weights.

    References
    ----------
    Prince (2023), section 7.5, equation 7.32; figure 7.8 for the uniform form.
    """
    shapes = list(itertools.pairwise(widths))
    ends = np.cumsum([rows * columns for rows, columns in shapes])
    if len(draws) != ends[-1]:
        raise ValueError(f"a network with widths {widths} has {ends[-1]} weights, got {len(draws)} draws")
    return {
        f"layer_{k}": {
            "kernel": (2 * draws[end - rows * columns : end].reshape(rows, columns) - 1) * (6 / rows) ** 0.5,
            "bias": np.zeros(columns, draws.dtype),
        }
        for k, ((rows, columns), end) in enumerate(zip(shapes, ends, strict=True))
    }


@checked
def draw_variables(
    key: Key[Array, ""], data: Mnist1d, settings: Settings = BOOK
) -> dict[str, PyTree[Float[Array, "..."]]]:
    """Draw initial variables of the network in the precision of the data; see :func:`he_uniform`.

    As in :func:`udl_jax.training.draw_order`, the key's bits seed a NumPy generator: to compile JAX's own
    generator would take longer than the whole training.
    """
    refuse_traced("draw_variables", key, "its draws come from a NumPy generator, which a key's bits seed")
    widths = (data.x_train.shape[1], *settings.hidden, settings.classes)
    weights = sum(rows * columns for rows, columns in itertools.pairwise(widths))
    # The order is drawn from the same key, so the weights take another stream of it.
    generator = np.random.default_rng([*np.asarray(jax.random.key_data(key)), 1])
    draws = generator.random(weights).astype(data.x_train.dtype)
    return {"params": jax.device_put(he_uniform(draws, widths))}


@checked
def train_network(key: Key[Array, ""], data: Mnist1d, settings: Settings = BOOK) -> training.Fit:
    """Train once, from weights and in a batch order drawn from ``key``.

    Parameters
    ----------
    key
        Decides initial weights and batch order.
    data
        From :func:`udl_jax.data.mnist1d.load_mnist1d`.
    settings
        Hyper-parameters.

    Returns
    -------
    training.Fit
        Final weights, and per epoch the loss in nats and the error in percent.

    References
    ----------
    Prince (2023), section 8.1, figure 8.2; notebook 8.1.
    """
    recipe = make_recipe(settings, examples=len(data.x_train))
    state = training.start(recipe, draw_variables(key, data, settings))
    order = training.draw_order(key, len(data.x_train), settings.epochs, settings.batch, settings.remainder)
    return training.Fit(*training.train(recipe, state, *split(data), order))


@checked
def train_seeds(keys: Key[Array, " seeds"], data: Mnist1d, settings: Settings = BOOK) -> training.Fit:
    """Train once for each key, all at the same time.

    Parameters
    ----------
    keys
        One for each training.
    data, settings
        As in :func:`train_network`.

    Returns
    -------
    training.Fit
        As from :func:`train_network`, along a leading axis ``seeds``.

    Raises
    ------
    ValueError
        If there are no keys.
    """
    recipe = make_recipe(settings, examples=len(data.x_train))
    variables = [draw_variables(key, data, settings) for key in keys]
    # NumPy stacks: JAX would compile a program for each shape.
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *variables)
    states = jax.jit(jax.vmap(functools.partial(training.start, recipe)))(stacked)
    counts = len(data.x_train), settings.epochs, settings.batch, settings.remainder
    orders = np.stack([training.draw_order(key, *counts) for key in keys])
    return training.Fit(*training.train_replicas(recipe, states, *split(data), orders))
