"""A language model with a memory: GPT-2's architecture, in any size."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Integer, PyTree

from udl_jax._checks import count, one_of
from udl_jax.ch12_transformers.self_attention import causal_mask
from udl_jax.ch12_transformers.transformer import ACTIVATIONS, Memory, Stack, TransformerLayer, allowed


@dataclasses.dataclass(frozen=True)
class Config:
    """The size of a language model; the defaults are GPT-2's smallest.

    Parameters
    ----------
    vocabulary
        Number of tokens that it knows.
    context
        How many tokens it can look at.
    width
        Length of a token's vector.
    layers, heads
        Of the transformer; ``heads`` must divide ``width``.
    hidden
        Width of the hidden layers; None for four times ``width``.
    activation
        By the name that GPT-2's configuration files have for it, see
        ``ACTIVATIONS`` of ``udl_jax.ch12_transformers.transformer``.
    epsilon
        Added to the variance in layer normalisation.
    tied
        Use the embeddings of the tokens also as the weights of the outputs.
    scaled, by_layer
        Divide attention scores by the square root of a head's width; by the number of the layer.

    Raises
    ------
    ValueError
        If a number is less than 1, ``heads`` does not divide ``width``, or the activation is unknown.
    """

    vocabulary: int = 50257
    context: int = 1024
    width: int = 768
    layers: int = 12
    heads: int = 12
    hidden: int | None = None
    activation: str = "gelu_new"
    epsilon: float = 1e-5
    tied: bool = True
    scaled: bool = True
    by_layer: bool = False

    def __post_init__(self):
        for name in ("vocabulary", "context", "width", "layers", "heads"):
            count(name, getattr(self, name))
        if self.hidden is not None:
            count("hidden", self.hidden)
        if self.width % self.heads:
            raise ValueError(f"heads must divide width, {self.width}, got {self.heads}")
        one_of("activation", self.activation, ACTIVATIONS)


class LanguageModel(nn.Module):
    """Predict each next token from those before it.

    Parameters
    ----------
    config
        Its size.
    param_dtype
        Of initial parameters; None for JAX's default. What is computed has the precision of the parameters.

    References
    ----------
    Prince (2023), section 12.7.

    Examples
    --------
    >>> model = LanguageModel(Config(vocabulary=5, context=8, width=4, layers=2, heads=2))
    >>> tokens = jnp.array([[0, 3, 1]])
    >>> variables = model.init(jax.random.key(0), tokens)
    >>> model.apply(variables, tokens).shape
    (1, 3, 5)
    """

    config: Config
    param_dtype: Any = None

    def setup(self):
        """Make the parts."""
        config, dtype = self.config, self.param_dtype or jnp.result_type(float)
        scatter = nn.initializers.normal(0.1)
        settings = {"embedding_init": scatter, "param_dtype": dtype}
        self.tokens = nn.Embed(config.vocabulary, config.width, **settings)
        self.positions = nn.Embed(config.context, config.width, **settings)
        layer = TransformerLayer(
            config.heads,
            config.hidden,
            activation=ACTIVATIONS[config.activation],
            epsilon=config.epsilon,
            scaled=config.scaled,
            damping=1 / (2 * config.layers),  # so that a deep stack begins as a shallow one
            param_dtype=dtype,
        )
        self.stack = Stack(config.layers, layer, config.by_layer)
        self.norm = nn.LayerNorm(epsilon=config.epsilon, param_dtype=dtype)
        if not config.tied:
            self.outputs = nn.Dense(config.vocabulary, use_bias=False, param_dtype=dtype)

    def __call__(
        self, tokens: Integer[Array | np.ndarray, "*batch length"]
    ) -> Float[Array, "*batch length vocabulary"]:
        """Compute logits of the next token after each token, from all tokens up to it."""
        length = tokens.shape[-1]
        if length > self.config.context:
            raise ValueError(
                f"tokens must not be longer than the context of {self.config.context}, got {length}"
            )
        x = self.tokens(tokens) + self.positions(jnp.arange(length))
        x, _, _ = self.stack(x, causal_mask(length))
        return self._logits(x)

    def extend(
        self, tokens: Integer[Array | np.ndarray, "batch length"], memory: Memory
    ) -> tuple[Float[Array, "batch vocabulary"], Memory]:
        """Read more tokens; return logits of the token after the last one, and the memory of all.

        The caller sees to it that the memory has room: under ``jit`` nobody can look.
        """
        length, room = tokens.shape[-1], memory.keys.shape[-2]
        places = memory.length + jnp.arange(length)
        x = self.tokens(tokens) + self.positions(places)
        mask = allowed(memory.length, length, room)
        x, (keys, values), _ = self.stack(x, mask, (memory.keys, memory.values), memory.length)
        return self._logits(x[:, -1]), Memory(keys, values, memory.length + length)

    def _logits(self, x):
        x = self.norm(x)
        return self.tokens.attend(x) if self.config.tied else self.outputs(x)


def empty_memory(config: Config, batch: int, dtype: Any, room: int | None = None) -> Memory:
    """Make a memory for ``batch`` texts that has read nothing.

    Parameters
    ----------
    config
        The model's size.
    batch
        Number of texts.
    dtype
        Precision of the model's parameters.
    room
        For how many tokens; None for the whole context.

    Returns
    -------
    Memory
        All zeros.

    Raises
    ------
    ValueError
        If ``batch`` or ``room`` is less than 1, or ``room`` exceeds the context.
    """
    room = config.context if room is None else count("room", room)
    if room > config.context:
        raise ValueError(f"room must not exceed the context of {config.context}, got {room}")
    shape = (config.layers, count("batch", batch), config.heads, room, config.width // config.heads)
    return Memory(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype), jnp.zeros((), jnp.int32))


def precision_of(variables: Mapping[str, PyTree]) -> np.dtype:
    """Return the precision of a model's parameters."""
    return jnp.result_type(*jax.tree.leaves(variables["params"]))


def count_parameters(variables: Mapping[str, PyTree]) -> int:
    """Count a model's parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
