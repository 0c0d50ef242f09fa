"""A small convolutional network on MNIST-1D: an eighth of the weights of a fully connected one, and fewer errors."""

import dataclasses
import functools

import jax
from flax import linen as nn
from jaxtyping import Array, Float, Key

from udl_jax import training
from udl_jax._annotations import checked
from udl_jax._checks import count, counts
from udl_jax.ch08_performance.mnist1d import split
from udl_jax.ch10_convolution.descent import Descent, convolution
from udl_jax.data.mnist1d import Mnist1d

#: The book's way to train it.
DESCENT = Descent()


@dataclasses.dataclass(frozen=True)
class Settings:
    """The network and its training; the defaults are the book's.

    Parameters
    ----------
    channels
        Output channels of each convolution.
    kernel_size, stride
        Of all of them.
    classes
        Number of outputs.
    descent
        How the network is trained.

    Raises
    ------
    ValueError
        If a number is less than 1.
    TypeError
        If one is no integer.

    References
    ----------
    Prince (2023), section 10.2.7, figures 10.7 and 10.8.
    """

    channels: tuple[int, ...] = (15, 15, 15)
    kernel_size: int = 3
    stride: int = 2
    classes: int = 10
    descent: Descent = DESCENT

    def __post_init__(self):
        object.__setattr__(self, "channels", counts("channels", self.channels))
        for name in ("kernel_size", "stride", "classes"):
            count(name, getattr(self, name))


BOOK = Settings()


class ConvolutionalNetwork(nn.Module):
    """Convolutions without padding, each with a ReLU, and a linear layer on all that is left.

    Parameters are ``conv_0`` to ``conv_K`` and ``linear``, in the dtype of the input.

    Parameters
    ----------
    channels, kernel_size, stride, classes
        As in :class:`Settings`.

    References
    ----------
    Prince (2023), section 10.2.7, figure 10.7.

    Examples
    --------
    >>> network = ConvolutionalNetwork()
    >>> variables = network.init(jax.random.key(0), jax.numpy.zeros((1, 40)))
    >>> sum(leaf.size for leaf in jax.tree.leaves(variables))
    2050
    """

    channels: tuple[int, ...] = (15, 15, 15)
    kernel_size: int = 3
    stride: int = 2
    classes: int = 10

    def __call__(self, x: Float[Array, "batch length"]) -> Float[Array, "batch classes"]:
        """Compute the outputs, one row for each signal."""
        return self.layers(x)[-1]

    @nn.compact
    def layers(self, x: Float[Array, "batch length"]) -> list[Float[Array, "batch ..."]]:
        """Compute the hidden units after each convolution, (batch, places, channels), and the outputs."""
        found, h = [], x[..., None]
        for k, channels in enumerate(self.channels):
            options = {"strides": self.stride, "param_dtype": x.dtype, "name": f"conv_{k}"}
            h = jax.nn.relu(convolution(channels, (self.kernel_size,), h.shape[-1], **options)(h))
            found.append(h)
        options = {"kernel_init": nn.initializers.he_uniform(), "param_dtype": x.dtype}
        linear = nn.Dense(self.classes, **options, dot_general=training.dot_general, name="linear")
        return [*found, linear(h.reshape(len(h), -1))]


@functools.cache
def make_recipe(settings: Settings = BOOK, *, examples: int = 4000) -> training.Recipe:
    """Make the recipe: network, stochastic gradient descent with momentum, cross-entropy.

    Parameters
    ----------
    settings
        Network and training.
    examples
        Number of training examples, which decides how many steps an epoch has.

    Returns
    -------
    training.Recipe
        For :func:`udl_jax.training.train`. Equal settings give the same one, so it is compiled once.

    Raises
    ------
    ValueError
        If a batch is larger than the data.
    """
    network = ConvolutionalNetwork(settings.channels, settings.kernel_size, settings.stride, settings.classes)
    return training.Recipe(network, settings.descent.optimiser(examples))


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
        Network and training.

    Returns
    -------
    training.Fit
        Final weights, and per epoch the loss in nats and the error in percent.

    Raises
    ------
    ValueError
        As :func:`make_recipe`; also if a batch does not divide the data, and no remainder is told.

    References
    ----------
    Prince (2023), section 10.2.7, figure 10.8a; notebook 10.2.
    """
    recipe = make_recipe(settings, examples=len(data.x_train))
    return training.fit(key, recipe, *split(data), **settings.descent.loops)


@checked
def train_seeds(keys: Key[Array, " seeds"], data: Mnist1d, settings: Settings = BOOK) -> training.Fit:
    """Train once for each key, all at the same time; see :func:`train_network`."""
    recipe = make_recipe(settings, examples=len(data.x_train))
    return training.fit_replicas(keys, recipe, *split(data), **settings.descent.loops)
