"""Distributions of labels, counts and rankings. Their "density" is a probability."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.scipy import stats
from jaxtyping import Array, Float, Int, Num

from udl_jax.ch05_loss_functions.outputs import columns, positive, require


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
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Bernoulli":
        """Take one output as it is."""
        return cls(*columns(outputs, 1, "Bernoulli"))

    @property
    def probability(self) -> Float[Array, "*batch"]:
        r"""The probability :math:`\lambda` of label 1."""
        return jax.nn.sigmoid(self.logit)

    def log_density(self, y: Num[Array, "*batch"]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the probability of ``y``; ``ValueError`` if a concrete ``y`` is not 0 or 1."""
        require((y == 0) | (y == 1), y, "0 or 1")
        return -optax.sigmoid_binary_cross_entropy(self.logit, y.astype(self.logit.dtype))


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
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Categorical":
        """Take one output for each class, as they are."""
        return cls(outputs)

    @property
    def probabilities(self) -> Float[Array, "*batch classes"]:
        r"""The probability :math:`\lambda_k` of each label."""
        return jax.nn.softmax(self.logits)

    def log_density(self, y: Int[Array, "*batch"]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the probability of ``y``; ``ValueError`` if a concrete ``y`` is no label."""
        classes = self.logits.shape[-1]
        require((y >= 0) & (y < classes), y, f"labels 0 to {classes - 1}")
        return -optax.softmax_cross_entropy_with_integer_labels(self.logits, y)


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
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Poisson":
        """Take one output, made positive, as the rate."""
        (rate,) = columns(outputs, 1, "Poisson")
        return cls(positive(rate))

    def log_density(self, y: Num[Array, "*batch"]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the probability of ``y``; ``ValueError`` if a concrete ``y`` is no count."""
        require((y >= 0) & (y == jnp.round(y)), y, "counts 0, 1, 2, ...")
        return stats.poisson.logpmf(y, self.rate)


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
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "PlackettLuce":
        """Take one output for each item, as they are."""
        return cls(outputs)

    def log_density(self, y: Int[Array, "*batch items"]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the probability of ``y``, the items from first to last place.

        ``ValueError`` if a concrete ``y`` is not a permutation of 0, ..., K - 1.
        """
        items = jnp.arange(self.scores.shape[-1])
        require((jnp.sort(y) == items).all(-1), y, f"permutations of 0 to {items.size - 1}")
        ranked = jnp.take_along_axis(self.scores, y, axis=-1)
        rest = jax.lax.cumlogsumexp(ranked, axis=ranked.ndim - 1, reverse=True)
        return jnp.sum(ranked - rest, axis=-1)
