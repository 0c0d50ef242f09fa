"""Distributions of labels, counts and rankings. Their "density" is a probability."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Num

from udl_jax._annotations import checked
from udl_jax.ch05_loss_functions.outputs import (
    columns,
    observe,
    positive,
    require,
    require_parameters,
    within_support,
)
from udl_jax.ch05_loss_functions.special import deviance, difference, log_softmax, stirling_error

_LOG_TWO_PI = 1.8378770664093453


class Bernoulli(NamedTuple):
    r"""Bernoulli distribution of a label 0 or 1, for binary classification.

    Attributes
    ----------
    logit
        Network output before the sigmoid: the logarithm of the odds of label 1.

    References
    ----------
    Prince (2023), section 5.4, equations 5.16 to 5.20, figures 5.6 to 5.8.

    Examples
    --------
    >>> coin = Bernoulli(jnp.array(0.0))
    >>> print(f"{coin.probability:.3f}")
    0.500
    """

    logit: Float[Array, "*batch"]

    @classmethod
    @checked
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Bernoulli":
        """Take one output as it is."""
        return cls(*columns(outputs, 1, "Bernoulli"))

    @property
    def probability(self) -> Float[Array, "*batch"]:
        r"""The probability :math:`\lambda` of label 1."""
        return jax.nn.sigmoid(self.logit)

    @checked
    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "..."]:
        """Compute the logarithm of the probability of ``y``; ``ValueError`` if a concrete ``y`` is not 0 or 1."""
        require((y == 0) | (y == 1), y, "0 or 1")
        (logit,), y, dtype = observe(self, y)
        log_probability = jax.nn.log_sigmoid(jnp.where(y == 0, -logit, logit))
        return within_support((y == 0) | (y == 1), y, log_probability).astype(dtype)


class Categorical(NamedTuple):
    r"""Categorical distribution of a label 0, 1, ..., K - 1, for multiclass classification.

    Attributes
    ----------
    logits
        Network outputs before the softmax.

    References
    ----------
    Prince (2023), section 5.5, equations 5.21 to 5.24, figures 5.9 and 5.10.

    Examples
    --------
    >>> fair = Categorical(jnp.zeros(4))
    >>> fair.probabilities
    Array([0.25, 0.25, 0.25, 0.25], dtype=float32)
    """

    logits: Float[Array, "*batch classes"]

    @classmethod
    @checked
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Categorical":
        """Take one output for each class, as they are."""
        return cls(outputs)

    @property
    def probabilities(self) -> Float[Array, "*batch classes"]:
        r"""The probability :math:`\lambda_k` of each label."""
        return jnp.exp(log_softmax(self.logits))

    @checked
    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "..."]:
        """Compute the logarithm of the probability of ``y``; ``ValueError`` if a concrete ``y`` is no label."""
        (logits,), labels, dtype = observe(self, y, axes=(1,), integers=True)
        require(is_label(labels, logits.shape[-1]), labels, f"labels 0 to {logits.shape[-1] - 1}")
        chosen = pick(log_softmax(logits), labels)
        return within_support(is_label(labels, logits.shape[-1]), labels, chosen).astype(dtype)


def is_label(y: Num[Array | np.ndarray, "*batch"], classes: int) -> Bool[Array | np.ndarray, "*batch"]:
    """Tell which numbers are those of classes, counted from 0."""
    return (y >= 0) & (y < classes) & (y % 1 == 0)


@checked
def pick(rows: Float[Array, "..."], labels: Num[Array, "..."]) -> Float[Array, "..."]:
    """Take the entry of each row that its label numbers; NaN where there is none, as can be told under ``jit``, too."""
    classes = rows.shape[-1]
    places = jnp.where(is_label(labels, classes), labels, classes).astype(np.int32)
    shape = jnp.broadcast_shapes(rows.shape[:-1], places.shape)
    rows, places = jnp.broadcast_to(rows, (*shape, classes)), jnp.broadcast_to(places, shape)
    return jnp.take_along_axis(rows, places[..., None], axis=-1, mode="fill", fill_value=jnp.nan)[..., 0]


class Poisson(NamedTuple):
    r"""Poisson distribution of a count 0, 1, 2, ..., for numbers of events.

    Attributes
    ----------
    rate
        Expected number :math:`\lambda`, positive.

    References
    ----------
    Prince (2023), section 5.6, figure 5.11; problem 5.6, figure 5.15.

    Examples
    --------
    >>> print(f"{Poisson(jnp.array(2.0)).log_density(jnp.array(0)):.3f}")
    -2.000
    """

    rate: Float[Array, "*batch"]

    @classmethod
    @checked
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Poisson":
        """Take one output, made positive, as the rate."""
        (rate,) = columns(outputs, 1, "Poisson")
        return cls(positive(rate))

    @checked
    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "..."]:
        """Compute the logarithm of the probability of ``y``; ``ValueError`` if a concrete ``y`` is no count."""
        require((y >= 0) & (y % 1 == 0), y, "counts 0, 1, 2, ...")
        require_parameters(self, least_zero=("rate",))
        (rate,), counts, dtype = observe(self, y, integers=True)
        count = counts.astype(rate.dtype)
        # An integer with more digits than a floating-point number has keeps what its conversion would round off.
        rest = (counts - count.astype(counts.dtype)).astype(rate.dtype)
        rate, count, rest = jnp.broadcast_arrays(rate, count, rest)
        is_count = (count >= 0) & (count % 1 == 0)
        is_zero = (count == 0) | ~is_count
        some, its_rate = jnp.where(is_zero, 1, count), jnp.where(is_zero, 1, rate)
        apart = deviance(some, its_rate, jnp.ones_like(its_rate), (its_rate - some) - rest)
        others = -0.5 * (jnp.log(some) + _LOG_TWO_PI) - stirling_error(some) - apart
        return within_support(is_count, count, jnp.where(is_zero, -rate, others)).astype(dtype)


class PlackettLuce(NamedTuple):
    r"""Plackett-Luce distribution of the rankings of K items, for learning to rank.

    Items are drawn without replacement, each time by a softmax over the scores of those that are left.

    Attributes
    ----------
    scores
        One network output for each item; the difference of two is the logarithm of their odds.

    References
    ----------
    Prince (2023), section 5.6, figure 5.11.

    Examples
    --------
    >>> undecided = PlackettLuce(jnp.zeros(3))
    >>> print(f"{jnp.exp(undecided.log_density(jnp.array([2, 0, 1]))):.3f}")
    0.167
    """

    scores: Float[Array, "*batch items"]

    @classmethod
    @checked
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "PlackettLuce":
        """Take one output for each item, as they are."""
        return cls(outputs)

    @checked
    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "..."]:
        """Compute the logarithm of the probability of ``y``, the items from first to last place.

        ``ValueError`` if a concrete ``y`` is not a permutation of 0, ..., K - 1.
        """
        (scores,), places, dtype = observe(self, y, axes=(1,), event=1, integers=True)
        items = jnp.arange(scores.shape[-1])
        if places.shape[-1] != items.size:
            raise ValueError(f"y must be permutations of 0 to {items.size - 1}, got {places.shape[-1]} items")
        is_ranking = (jnp.sort(places) == items).all(-1)
        require(is_ranking, places, f"permutations of 0 to {items.size - 1}")
        ranked = pick(jnp.broadcast_to(scores, places.shape)[..., None, :], places)
        # How much larger the scores that are left are together than that of the item drawn: never less than zero.
        largest, added = jax.lax.associative_scan(
            _join, (ranked, jnp.ones_like(ranked)), reverse=True, axis=ranked.ndim - 1
        )
        log_probability = -jnp.sum(difference(largest, ranked) + jnp.log(added), axis=-1)
        return jnp.where(is_ranking, log_probability, -jnp.inf).astype(dtype)


def _join(one, other):
    """Join two sums of exponentials, each written as its largest exponent and a factor, without overflow."""
    (largest_1, added_1), (largest_2, added_2) = one, other
    largest = jax.lax.stop_gradient(jnp.maximum(largest_1, largest_2))
    parts = (
        added * jnp.exp(difference(part, largest))
        for part, added in ((largest_1, added_1), (largest_2, added_2))
    )
    return largest, sum(parts)
