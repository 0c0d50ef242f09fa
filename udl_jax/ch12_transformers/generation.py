"""Writing: a language model's tokens one after another, each read once and remembered."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, PyTree, Shaped

from udl_jax._annotations import as_key
from udl_jax._checks import count, is_traced, number, values
from udl_jax.ch12_transformers.decoding import temper
from udl_jax.ch12_transformers.language_model import LanguageModel, empty_memory, precision_of
from udl_jax.ch12_transformers.strategies import Sampling


class Generated(NamedTuple):
    """What a model wrote.

    Attributes
    ----------
    ids
        The prompt and the new tokens.
    log_probabilities
        Of each new token under the model, before the strategy cut the distribution.
    kept
        From how many tokens the strategy drew.
    """

    ids: Int[Array, "*batch total"]
    log_probabilities: Float[Array, "*batch length"]
    kept: Int[Array, "*batch length"]


def generate(
    model: LanguageModel,
    variables: Mapping[str, PyTree],
    prompt: Shaped[Array | np.ndarray, "..."] | Sequence,
    length: int,
    strategy: Sampling,
    uniforms: Shaped[Array | np.ndarray, "..."],
    *,
    temperature: float | Float[Array, ""] = 1.0,
) -> Generated:
    """Continue prompts: a single scan, which reads each token once and keeps its keys and values.

    Parameters
    ----------
    model
        Static.
    variables
        Its variables; they decide the precision.
    prompt
        Tokens to begin with, in a row; several rows are several prompts.
    length
        How many tokens to write; static.
    strategy
        How each is chosen, such as :class:`udl_jax.ch12_transformers.strategies.TopK`; static.
    uniforms
        Uniform draws in [0, 1), one for each new token of each prompt: of the shape (length,) or (prompts, length).
    temperature
        See :func:`udl_jax.ch12_transformers.decoding.temper`.

    Returns
    -------
    Generated
        Tokens, and how probable they were.

    Raises
    ------
    ValueError
        If the prompt is empty, has tokens that the model does not know, or is with the new tokens longer than
        the model's context; if ``length`` is less than 1, or the draws do not fit.

    References
    ----------
    Prince (2023), section 12.7.3; notebook 12.4.

    Examples
    --------
    >>> from udl_jax.ch12_transformers.language_model import Config
    >>> from udl_jax.ch12_transformers.strategies import Greedy
    >>> model = LanguageModel(Config(vocabulary=5, context=8, width=4, layers=1, heads=1))
    >>> variables = model.init(jax.random.key(0), jnp.zeros((1, 1), int))
    >>> generate(model, variables, jnp.array([1, 2]), 3, Greedy(), jnp.zeros(3)).ids.shape
    (5,)
    """
    prompt = check_prompt(model, prompt, count("length", length))
    number("temperature", temperature, above=0)
    uniforms = jnp.asarray(uniforms, precision_of(variables))
    if uniforms.shape != (*prompt.shape[:-1], length):
        raise ValueError(
            f"uniforms must have one draw for each new token, {(*prompt.shape[:-1], length)}, got {uniforms.shape}"
        )
    values("uniforms", uniforms, lambda u: (u >= 0) & (u < 1), "in [0, 1)")
    if prompt.ndim == 1:
        found = _generate(model, strategy, variables, prompt[None], uniforms[None], temperature)
        return jax.tree.map(lambda leaf: leaf[0], found)
    return _generate(model, strategy, variables, prompt, uniforms, temperature)


def sample_continuations(
    key: Key[Array, ""],
    model: LanguageModel,
    variables: Mapping[str, PyTree],
    prompt: Shaped[Array | np.ndarray, "..."] | Sequence,
    length: int,
    strategy: Sampling,
    *,
    samples: int = 1,
    temperature: float | Float[Array, ""] = 1.0,
) -> Generated:
    """Draw uniforms for several continuations of one prompt, and :func:`generate` them side by side.

    Parameters
    ----------
    key
        Decides the draws.
    model, variables, prompt, length, strategy, temperature
        As in :func:`generate`.
    samples
        How many continuations.

    Returns
    -------
    Generated
        A row for each.

    Raises
    ------
    ValueError
        As :func:`generate`; also if ``samples`` is less than 1, or there are several prompts.
    """
    prompt = jnp.asarray(prompt)
    if prompt.ndim != 1:
        raise ValueError(f"prompt must be one row of tokens, got the shape {prompt.shape}")
    shape = (count("samples", samples), count("length", length))
    uniforms = jax.random.uniform(as_key("key", key), shape, precision_of(variables))
    prompts = jnp.tile(prompt, (samples, 1))
    return generate(model, variables, prompts, length, strategy, uniforms, temperature=temperature)


@functools.partial(jax.jit, static_argnums=(0, 3))
def generate_by_rereading(
    model: LanguageModel, variables: Mapping[str, PyTree], prompt: Int[Array, "batch tokens"], length: int
) -> Int[Array, "batch total"]:
    """Continue prompts greedily, and read the whole text anew for every token, as the notebook does.

    It is here to be compared with :func:`generate`, which remembers.

    Parameters
    ----------
    model, length
        As in :func:`generate`; static.
    variables, prompt
        As in :func:`generate`.

    Returns
    -------
    Int[Array, "batch total"]
        The prompt and the new tokens.
    """
    begin = prompt.shape[1]
    text = jnp.pad(prompt, ((0, 0), (0, length)))

    def step(place, text):
        logits = model.apply(variables, text)[:, place - 1]
        return text.at[:, place].set(jnp.argmax(logits, axis=-1).astype(text.dtype))

    return jax.lax.fori_loop(begin, begin + length, step, text)


def check_prompt(model: LanguageModel, prompt: Any, length: int, least: int = 1) -> Int[Array, "..."]:
    """Return a prompt as an array; refuse one that is empty, unknown or, with ``length`` new tokens, too long."""
    if not np.size(prompt):
        raise ValueError("prompt is empty: there must be a token to begin with")
    prompt, config = jnp.asarray(prompt), model.config
    if not jnp.issubdtype(prompt.dtype, jnp.integer):
        raise TypeError(f"prompt must hold numbers of tokens, that is integers, got {prompt.dtype}")
    if not least <= prompt.ndim <= 2:
        raise ValueError(f"prompt must be a row of tokens, or several, got the shape {prompt.shape}")
    total = prompt.shape[-1] + length
    if total > config.context:
        raise ValueError(
            f"prompt of {prompt.shape[-1]} tokens and {length} new ones exceed the model's context of {config.context}"
        )
    known = f"tokens in 0..{config.vocabulary - 1}"
    if not is_traced(prompt):
        values("prompt", prompt, lambda ids: (ids >= 0) & (ids < config.vocabulary), known)
    return prompt.astype(jnp.int32)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _generate(model, strategy, variables, prompt, uniforms, temperature):
    memory = empty_memory(
        model.config, len(prompt), precision_of(variables), prompt.shape[1] + uniforms.shape[1]
    )

    def extend(tokens, memory):
        return model.apply(variables, tokens, memory, method="extend")

    def step(carry, uniform):
        logits, memory = carry
        probabilities = temper(logits, temperature)
        token = strategy.choose(probabilities, uniform)
        kept = jnp.sum(strategy.cut(probabilities) > 0, axis=-1)
        likely = jnp.take_along_axis(jax.nn.log_softmax(logits), token[:, None], axis=-1)[:, 0]
        return extend(token[:, None], memory), (token, likely, kept)

    _, found = jax.lax.scan(step, extend(prompt, memory), uniforms.T)
    token, likely, kept = (leaf.T for leaf in found)
    return Generated(jnp.concatenate([prompt, token], axis=1), likely, kept)
