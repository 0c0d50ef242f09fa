"""What the networks of chapters 10 and 11 share: how they are trained, and PyTorch's first weights of a convolution."""

import dataclasses
import math
from collections.abc import Callable

import jax
import optax
from jaxtyping import Array

from udl_jax import training
from udl_jax._annotations import checked
from udl_jax._checks import count, number


@dataclasses.dataclass(frozen=True)
class Descent:
    """Stochastic gradient descent with momentum, and a learning rate that falls in steps.

    Parameters
    ----------
    rate
        Learning rate at the start.
    momentum
        Momentum.
    decay_every
        Epochs after which the rate is multiplied by ``decay``, again and again; None for never.
    decay
        The factor.
    batch, remainder
        Examples in a batch, and what happens if they do not divide, see :func:`udl_jax.training.draw_order`.
    epochs
        Passes through the training data.

    Raises
    ------
    ValueError
        If a number is out of range; the message names it.
    TypeError
        If a count is no integer.

    Examples
    --------
    >>> Descent(epochs=40).steps(examples=4000)
    40
    """

    rate: float = 0.05
    momentum: float = 0.9
    decay_every: int | None = 20
    decay: float = 0.5
    batch: int = 100
    epochs: int = 100
    remainder: str | None = None

    def __post_init__(self):
        for name in ("batch", "epochs"):
            count(name, getattr(self, name))
        if self.decay_every is not None:
            count("decay_every", self.decay_every)
        number("rate", self.rate, above=0)
        number("decay", self.decay, above=0)
        number("momentum", self.momentum, least=0, below=1)

    def steps(self, examples: int) -> int:
        """Count the steps of an epoch.

        Raises
        ------
        ValueError
            If a batch is larger than the data.
        """
        if self.batch > examples:
            raise ValueError(
                f"a batch of {self.batch} is larger than the data, which have {examples} examples"
            )
        whole, rest = divmod(examples, self.batch)
        return whole + bool(rest and self.remainder != "drop")

    def optimiser(self, examples: int) -> optax.GradientTransformation:
        """Make the Optax transformation; in the precision of the parameters, which an exponential decay would not be."""
        rate = self.rate
        if self.decay_every is not None:
            steps = self.decay_every * self.steps(examples)
            times = range(1, -(-self.epochs // self.decay_every))
            rate = optax.piecewise_constant_schedule(rate, {steps * k: self.decay for k in times})
        # On all weights as one vector, the update is a few operations instead of a few for each layer.
        return optax.flatten(optax.sgd(rate, momentum=self.momentum or None))

    @property
    def loops(self) -> dict:
        """Arguments of :func:`udl_jax.training.fit` that say how often and in which batches."""
        return {"epochs": self.epochs, "batch": self.batch, "remainder": self.remainder}


@checked
def pytorch_uniform(inputs: int) -> Callable[..., Array]:
    r"""Make the initialiser that PyTorch uses unless told otherwise: uniform within one over the root of the inputs.

    Notebooks 10.2 and 10.5 give He's initialisation to the linear layers only, so their convolutions start so,
    weights and biases.

    Parameters
    ----------
    inputs
        How many numbers go into one output: the kernel's places times the channels.

    Returns
    -------
    Callable
        Initialiser, to be called with a key, a shape and a dtype.

    Examples
    --------
    >>> pytorch_uniform(4)(jax.random.key(0), (100,)).max() <= 0.5
    Array(True, dtype=bool)
    """
    bound = 1 / math.sqrt(count("inputs", inputs))

    def draw(key, shape, dtype=float, **_):
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return draw


@checked
def convolution(features: int, kernel_size: tuple[int, ...], inputs: int, **options) -> training.Conv:
    """Make a convolutional layer without padding that starts as PyTorch's does.

    Parameters
    ----------
    features, kernel_size
        Output channels, and the kernel's size along each axis.
    inputs
        Input channels.
    options
        For :class:`udl_jax.training.Conv`.

    Returns
    -------
    training.Conv
        The layer.
    """
    draw = pytorch_uniform(math.prod(kernel_size) * inputs)
    settings = {"padding": "VALID", "kernel_init": draw, "bias_init": draw} | options
    return training.Conv(features, kernel_size, **settings)
