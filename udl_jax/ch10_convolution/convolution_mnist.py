"""A convolutional network on MNIST: two convolutions, two poolings, dropout of whole channels."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from udl_jax import training
from udl_jax._annotations import checked
from udl_jax._checks import count, number
from udl_jax.ch10_convolution.descent import Descent, convolution
from udl_jax.data.mnist import Mnist, standardize

#: How many images go through the network at a time when it is evaluated.
EVALUATED_AT_ONCE = 500
#: The book's way to train it.
DESCENT = Descent(rate=0.01, momentum=0.5, decay_every=None, batch=64, epochs=3)


@dataclasses.dataclass(frozen=True)
class Settings:
    """The network and its training; the defaults are the book's.

    Parameters
    ----------
    channels
        Output channels of the two convolutions.
    kernel_size
        Of both.
    hidden
        Units of the hidden layer that follows.
    classes
        Number of outputs.
    dropout
        Probability that a channel of the second convolution is dropped in a step of training.
    descent
        How the network is trained.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If a count is no integer.

    References
    ----------
    Prince (2023), section 10.3; notebook 10.5.
    """

    channels: tuple[int, int] = (10, 20)
    kernel_size: int = 5
    hidden: int = 50
    classes: int = 10
    dropout: float = 0.5
    descent: Descent = DESCENT

    def __post_init__(self):
        first, second = self.channels
        object.__setattr__(self, "channels", (count("channels[0]", first), count("channels[1]", second)))
        for name in ("kernel_size", "hidden", "classes"):
            count(name, getattr(self, name))
        number("dropout", self.dropout, least=0, below=1)


BOOK = Settings()


class Stages(NamedTuple):
    """What the network makes of images, stage by stage.

    Attributes
    ----------
    first, second
        After each convolution, its pooling and its ReLU.
    hidden
        The hidden units.
    output
        Scores of the classes; their softmax are probabilities.
    """

    first: Float[Array, "batch height width channels"]
    second: Float[Array, "batch height width channels"]
    hidden: Float[Array, "batch units"]
    output: Float[Array, "batch classes"]


class DigitNetwork(nn.Module):
    """Convolution, max pooling and ReLU, twice; then a hidden layer and the outputs.

    Parameters are ``conv_0``, ``conv_1``, ``linear_0`` and ``linear_1``, in the dtype of the images.

    Parameters
    ----------
    channels, kernel_size, hidden, classes, dropout
        As in :class:`Settings`.

    Examples
    --------
    >>> network = DigitNetwork()
    >>> variables = network.init(jax.random.key(0), jnp.zeros((1, 28, 28, 1)))
    >>> sum(leaf.size for leaf in jax.tree.leaves(variables))
    21840
    """

    channels: tuple[int, int] = (10, 20)
    kernel_size: int = 5
    hidden: int = 50
    classes: int = 10
    dropout: float = 0.5

    def __call__(
        self,
        x: Float[Array, "batch height width inputs"],
        train: bool = False,
        keep: Bool[Array | np.ndarray, "batch channels"] | None = None,
    ) -> Float[Array, "batch classes"]:
        """Compute the scores of the classes, one row for each image.

        With ``train``, channels are dropped: those that ``keep`` does not name, or, if it is None, those that the
        stream ``dropout`` draws.
        """
        return self.stages(x, train, keep).output

    @nn.compact
    def stages(
        self,
        x: Float[Array, "batch height width inputs"],
        train: bool = False,
        keep: Bool[Array | np.ndarray, "batch channels"] | None = None,
    ) -> Stages:
        """Do what calling the network does, and return all stages."""
        size = (self.kernel_size, self.kernel_size)
        options = {"param_dtype": x.dtype}
        convolve = [
            convolution(channels, size, inputs, name=f"conv_{k}", **options)
            for k, (channels, inputs) in enumerate(zip(self.channels, (x.shape[-1], self.channels[0])))
        ]
        first = jax.nn.relu(training.max_pool(convolve[0](x), (2, 2)))
        second = convolve[1](first)
        if train and keep is None:
            # All pixels of a channel share their fate, as in PyTorch's Dropout2d.
            second = nn.Dropout(self.dropout, broadcast_dims=(1, 2), deterministic=False)(second)
        elif train:
            second = jnp.where(jnp.asarray(keep)[:, None, None], second / (1 - self.dropout), 0)
        second = jax.nn.relu(training.max_pool(second, (2, 2)))
        options |= {"kernel_init": nn.initializers.he_uniform(), "dot_general": training.dot_general}
        flat = second.reshape(len(second), -1)
        hidden = jax.nn.relu(nn.Dense(self.hidden, name="linear_0", **options)(flat))
        return Stages(first, second, hidden, nn.Dense(self.classes, name="linear_1", **options)(hidden))


def split(data: Mnist) -> tuple[training.Examples, training.Examples]:
    """Return training and test examples for the training engine, with standardized pixels."""
    return (
        training.Examples(standardize(data.x_train), data.y_train),
        training.Examples(standardize(data.x_test), data.y_test),
    )


def masked_loss(
    model: DigitNetwork,
    variables: Mapping[str, PyTree],
    batch: training.Examples,
    keep: Bool[Array, "batch channels"],
) -> tuple[Float[Array, ""], dict]:
    """Compute the cross-entropy of a batch with given channels dropped: an objective whose draws are the masks."""
    return training.cross_entropy(model.apply(variables, batch.x, True, keep), batch.y), {}


def make_recipe(settings: Settings = BOOK, *, examples: int = 8000, masks: bool = False) -> training.Recipe:
    """Make the recipe: network, stochastic gradient descent with momentum, cross-entropy.

    Parameters
    ----------
    settings
        Network and training.
    examples
        Number of training examples.
    masks
        Whether the draws of a step are masks of kept channels, (batch, channels), instead of a key.

    Returns
    -------
    training.Recipe
        For :func:`udl_jax.training.train`. Equal settings give an equal one, so it is compiled once.

    Raises
    ------
    ValueError
        If a batch is larger than the data.
    """
    network = DigitNetwork(
        settings.channels, settings.kernel_size, settings.hidden, settings.classes, settings.dropout
    )
    return _recipe(network, settings.descent, examples, masks)


@functools.cache
def _recipe(network, descent, examples, masks):
    evaluation = training.Evaluation(batch=EVALUATED_AT_ONCE)
    options = {"objective": masked_loss, "measure": _measure} if masks else {}
    return training.Recipe(network, descent.optimiser(examples), evaluation=evaluation, **options)


def _measure(model, variables, examples):
    scores = model.apply(variables, examples.x)
    loss, error = (
        measure(scores, examples.y) for measure in (training.cross_entropy, training.percent_wrong)
    )
    return training.Measures(loss, error)


@checked
def train_network(key: Key[Array, ""], data: Mnist, settings: Settings = BOOK) -> training.Fit:
    """Train once; everything random comes from ``key``.

    Parameters
    ----------
    key
        Decides initial weights, batch order and dropout.
    data
        From :func:`udl_jax.data.mnist.load_mnist`.
    settings
        Network and training.

    Returns
    -------
    training.Fit
        Final weights, and per epoch the loss in nats and the error in percent, both without dropout.

    Raises
    ------
    ValueError
        As :func:`make_recipe`; also if a batch does not divide the data, and no remainder is told.

    References
    ----------
    Prince (2023), section 10.3; notebook 10.5.
    """
    recipe = make_recipe(settings, examples=len(data.x_train))
    return training.fit(key, recipe, *split(data), **settings.descent.loops, dropout=settings.dropout > 0)


@checked
def train_seeds(keys: Key[Array, " seeds"], data: Mnist, settings: Settings = BOOK) -> training.Fit:
    """Train once for each key, all at the same time; see :func:`train_network`."""
    recipe = make_recipe(settings, examples=len(data.x_train))
    dropout = settings.dropout > 0
    return training.fit_replicas(keys, recipe, *split(data), **settings.descent.loops, dropout=dropout)


@checked
def most_confusing(
    scores: Float[Array, "images classes"],
    labels: Int[Array, " images"],
    number: int = 10,
) -> tuple[Int[Array, " {number}"], Float[Array, " {number}"]]:
    """Find the images to whose right class the network gives the least probability.

    Parameters
    ----------
    scores
        The network's outputs.
    labels
        The right classes.
    number
        How many to find; static under ``jit``.

    Returns
    -------
    Int[Array, " number"]
        Their places, the most confusing first.
    Float[Array, " number"]
        The probabilities.

    Raises
    ------
    ValueError
        If there are fewer images.

    Examples
    --------
    >>> scores = jnp.array([[9.0, 0.0], [0.0, 9.0], [0.0, 0.0]])
    >>> most_confusing(scores, jnp.array([0, 0, 0]), number=2)[0]
    Array([1, 2], dtype=int32)
    """
    if not 1 <= number <= len(scores):
        raise ValueError(f"number must lie in 1..{len(scores)}, the number of images, got {number}")
    right = jnp.take_along_axis(jax.nn.softmax(scores), labels[:, None], axis=1)[:, 0]
    worst = jnp.argsort(right)[:number]
    return worst, right[worst]
