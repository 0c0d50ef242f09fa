"""A residual network of which only a part is trained: masks decide which parameters are zero and stay so."""

import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Key, PyTree

from udl_jax import _checks, training
from udl_jax._annotations import as_key
from udl_jax.ch10_convolution.descent import pytorch_uniform
from udl_jax.ch20_why_it_works.pruning import check_fractions, masked
from udl_jax.data.mnist1d import Mnist1d
from udl_jax.training.validation import check_examples

Params = Mapping[str, Mapping[str, Float[Array, "..."]]]


@dataclasses.dataclass(frozen=True)
class Settings:
    """Network, training and schedule of pruning; the defaults are the book's.

    Parameters
    ----------
    hidden
        Units of both hidden layers.
    sparsities
        Which fraction of each layer's parameters is dropped, round by round; they may not fall.
    updates
        Steps of Adam in each round.
    every
        Evaluate after the first step, and then after every so many more.
    prune_at
        How many steps after the first the weights are taken by which the next round prunes; a multiple of ``every``.
        The book evaluates to the end, but prunes by weights of two thirds of the way.
    batch
        Examples in a batch. Batches come in the order of the data, again and again.
    rate
        Learning rate of Adam.
    classes
        Number of outputs.

    Raises
    ------
    ValueError
        If a sparsity lies outside [0, 1], they fall, a number is too small, or ``prune_at`` is no evaluation.
    TypeError
        If a count is no integer.

    References
    ----------
    Prince (2023), section 20.5.1; notebook 20.3.
    """

    hidden: int = 500
    sparsities: Sequence[float] = tuple(np.linspace(0, 1, 100).tolist())
    updates: int = 1502
    every: int = 100
    prune_at: int = 1000
    batch: int = 100
    rate: float = 0.02
    classes: int = 10

    def __post_init__(self):
        for name in ("hidden", "updates", "every", "batch", "classes"):
            _checks.count(name, getattr(self, name))
        _checks.number("rate", self.rate, above=0)
        sparsities = tuple(float(s) for s in np.atleast_1d(np.asarray(self.sparsities, float)))
        if not sparsities:
            raise ValueError("sparsities must name a round at least, got none")
        check_fractions("sparsities", sparsities)
        if any(b < a for a, b in itertools.pairwise(sparsities)):
            raise ValueError(f"sparsities must not fall from round to round, got {sparsities}")
        object.__setattr__(self, "sparsities", sparsities)  # a list could not be hashed
        prune_at = _checks.count("prune_at", self.prune_at, least=0)
        if prune_at % self.every or prune_at >= self.updates:
            raise ValueError(
                f"prune_at must be a multiple of the {self.every} steps between evaluations, and below the "
                f"{self.updates} updates, got {prune_at}"
            )

    @property
    def evaluated(self) -> np.ndarray:
        """After how many steps beyond the first the network is evaluated."""
        return np.arange(0, self.updates, self.every)


BOOK = Settings()


class ResidualMlp(nn.Module):
    """Two hidden layers, the second of which adds to the first what it makes of it; then the outputs.

    Parameters are ``linear_0``, ``linear_1`` and ``linear_2``, in the dtype of the inputs; they start as PyTorch's do.

    Parameters
    ----------
    hidden, classes
        As in :class:`Settings`.

    Examples
    --------
    >>> network = ResidualMlp(hidden=500)
    >>> variables = network.init(jax.random.key(0), jnp.zeros((1, 40)))
    >>> sum(leaf.size for leaf in jax.tree.leaves(variables))
    276010
    """

    hidden: int = 500
    classes: int = 10

    @nn.compact
    def __call__(self, x: Float[Array, "batch inputs"]) -> Float[Array, "batch classes"]:
        """Compute the scores of the classes."""

        def linear(number, units, x):
            draw = pytorch_uniform(x.shape[-1])
            options = {
                "param_dtype": x.dtype,
                "dot_general": training.dot_general,
                "name": f"linear_{number}",
            }
            return nn.Dense(units, kernel_init=draw, bias_init=draw, **options)(x)

        h = jax.nn.relu(linear(0, self.hidden, x))
        h = h + jax.nn.relu(linear(1, self.hidden, h))
        return linear(2, self.classes, h)


class Retrained(NamedTuple):
    """What one round of training gave.

    Attributes
    ----------
    kept
        The masked parameters after ``prune_at`` steps beyond the first.
    batch_loss
        Loss of each step, on its batch and before its update.
    history
        Loss in nats and error in percent at the evaluations, on all training and test data.
    """

    kept: PyTree[Float[Array, "..."]]
    batch_loss: Float[Array, "*lanes updates"]
    history: training.History


def draw_initial(
    key: Key[Array, ""] | Key[Array, " seeds"], data: Mnist1d, settings: Settings = BOOK
) -> dict[str, dict[str, Float[Array, "..."]]]:
    """Draw initial parameters for one key, or for several along a leading axis, in the precision of the data."""
    keys = as_key("key", key)
    network, x = ResidualMlp(settings.hidden, settings.classes), jnp.asarray(data.x_train[:1])

    def draw(key):
        return training.initialise(network, key, x)["params"]

    for _ in keys.shape:
        draw = jax.vmap(draw)
    return draw(keys)


def retrain(
    params: Params,
    masks: Mapping[str, Mapping[str, Bool[Array, "..."]]],
    train_data: training.Examples,
    test_data: training.Examples,
    settings: Settings = BOOK,
) -> Retrained:
    """Train what the masks leave of the parameters; a masked parameter is zero from beginning to end.

    In the notebook a step of Adam moves masked parameters too, and the next forward pass sets them back to zero. Here
    the masks are part of the loss, so they have no gradient; Adam treats each parameter for itself, so it is the same.

    Parameters
    ----------
    params, masks
        Parameters of :class:`ResidualMlp`, and booleans of their names and shapes.
    train_data, test_data
        As from :func:`udl_jax.ch08_performance.mnist1d.split`.
    settings
        How to train; its sparsities do not matter here. Static.

    Returns
    -------
    Retrained
        Weights for the next pruning, and losses and errors.

    Raises
    ------
    ValueError
        If data are empty or do not fit, ``settings.batch`` does not divide the training examples, or masks do not fit.
    """
    check_data(train_data, test_data, settings)
    masked(params, masks)
    return train_masked(settings, params, masks, train_data, test_data)


@functools.partial(jax.jit, static_argnums=0)
def train_masked(settings, params, masks, train_data, test_data):
    """Do the work of :func:`retrain`, without its checks."""
    network, adam = ResidualMlp(settings.hidden, settings.classes), optax.adam(settings.rate)
    x, y = train_data

    def apply(params, x):
        return network.apply({"params": masked(params, masks)}, x)

    def update(step, carry):
        params, moments, losses = carry
        begin = step * settings.batch % len(x)
        inputs, labels = (jax.lax.dynamic_slice_in_dim(a, begin, settings.batch) for a in (x, y))

        def objective(params):
            return training.cross_entropy(apply(params, inputs), labels), None

        done = training.take_step(adam, objective, params, moments)
        return done.params, done.optimiser, losses.at[step].set(done.loss)

    def measure(params, examples):
        scores = apply(params, examples.x)
        return training.Measures(
            training.cross_entropy(scores, examples.y), training.percent_wrong(scores, examples.y)
        )

    def stretch(carry, ends):
        carry, kept = carry
        carry = jax.lax.fori_loop(*ends, update, carry)
        kept = jax.tree.map(
            lambda new, old: jnp.where(ends[1] == settings.prune_at + 1, new, old), carry[0], kept
        )
        return (carry, kept), training.History(*(measure(carry[0], e) for e in (train_data, test_data)))

    params = masked(params, masks)
    carry = params, adam.init(params), jnp.zeros(settings.updates, x.dtype)
    evaluated = settings.evaluated
    ends = np.append(evaluated + 1, settings.updates)
    begins = np.append(0, ends[:-1])
    ((_, _, losses), kept), history = jax.lax.scan(stretch, (carry, params), (begins, ends))
    # The steps after the last evaluation are one stretch more, of which only the losses are reported.
    return Retrained(masked(kept, masks), losses, jax.tree.map(lambda leaf: leaf[: len(evaluated)], history))


def check_data(train_data: training.Examples, test_data: training.Examples, settings: Settings) -> None:
    """Raise what :func:`retrain` raises about data."""
    for name, examples in (("training", train_data), ("test", test_data)):
        check_examples(examples, name)
        if np.ndim(examples.x) != 2 or np.ndim(examples.y) != 1:
            raise ValueError(f"{name} data must be a row of inputs and a label for each example")
    if len(train_data.x) % settings.batch:
        raise ValueError(f"a batch of {settings.batch} does not divide {len(train_data.x)} training examples")
