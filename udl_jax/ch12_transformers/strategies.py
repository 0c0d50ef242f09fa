"""Decoding strategies that a model can be given: each cuts the distribution down, to one token or to a few, then draws.

They are settings, frozen and hashable, so that two equal ones compile once.
"""

import dataclasses

import jax
from jaxtyping import Array, Float, Int

from udl_jax._checks import count, values
from udl_jax.ch12_transformers.decoding import draw_token, keep_nucleus, keep_top_k, kth_most_likely


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Draw from the whole distribution."""

    def cut(self, probabilities: Float[Array, "*batch vocabulary"]) -> Float[Array, "*batch vocabulary"]:
        """Return the distribution from which the token is drawn."""
        return probabilities

    def choose(
        self, probabilities: Float[Array, "*batch vocabulary"], uniform: Float[Array, "*batch"]
    ) -> Int[Array, "*batch"]:
        """Choose a token, given a uniform draw."""
        return draw_token(self.cut(probabilities), uniform)


@dataclasses.dataclass(frozen=True)
class KthMostLikely(Sampling):
    """Take the token that has ``k`` more likely ones before it, see :func:`kth_most_likely`."""

    k: int

    def __post_init__(self):
        count("k", self.k, least=0)

    def cut(self, probabilities):
        """Return a distribution that is certain of the one token."""
        chosen = kth_most_likely(probabilities, self.k)
        return jax.nn.one_hot(chosen, probabilities.shape[-1], dtype=probabilities.dtype)

    def choose(self, probabilities, uniform):
        """Choose the token; the draw does not matter."""
        return kth_most_likely(probabilities, self.k)


@dataclasses.dataclass(frozen=True)
class Greedy(KthMostLikely):
    """Take the most likely token."""

    k: int = dataclasses.field(default=0, init=False)


@dataclasses.dataclass(frozen=True)
class TopK(Sampling):
    """Draw from the ``k`` most likely tokens, see :func:`keep_top_k`."""

    k: int = 20

    def __post_init__(self):
        count("k", self.k)

    def cut(self, probabilities):
        """Return the distribution from which the token is drawn."""
        return keep_top_k(probabilities, self.k)


@dataclasses.dataclass(frozen=True)
class Nucleus(Sampling):
    """Draw from the most likely tokens that together exceed ``threshold``, see :func:`keep_nucleus`."""

    threshold: float = 0.25

    def __post_init__(self):
        values("threshold", self.threshold, lambda t: (t >= 0) & (t <= 1), "in [0, 1]")

    def cut(self, probabilities):
        """Return the distribution from which the token is drawn."""
        return keep_nucleus(probabilities, self.threshold)
