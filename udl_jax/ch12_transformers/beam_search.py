"""Beam search: several half-written texts are kept, and the most probable continuations of all of them go on."""

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree, Shaped

from udl_jax._checks import count
from udl_jax.ch12_transformers.decoding import kth_most_likely
from udl_jax.ch12_transformers.generation import check_prompt
from udl_jax.ch12_transformers.language_model import LanguageModel, empty_memory, precision_of


class Trace(NamedTuple):
    """The beams after each step.

    Attributes
    ----------
    parents
        Which beam of the step before each one continues.
    tokens
        By which token.
    log_probabilities
        How probable each is so far.
    """

    parents: Int[Array, "length beams"]
    tokens: Int[Array, "length beams"]
    log_probabilities: Float[Array, "length beams"]


class Beams(NamedTuple):
    """What beam search found, the most probable text first.

    Attributes
    ----------
    ids
        The prompt and the new tokens of each beam.
    log_probability
        Of all new tokens together; minus infinity for beams that do not exist because there are not so many texts.
    trace
        How they came about.
    """

    ids: Int[Array, "beams total"]
    log_probability: Float[Array, " beams"]
    trace: Trace


class BookBeams(NamedTuple):
    """What the notebook's beam search found, in its order.

    Attributes
    ----------
    ids
        The prompt and the new tokens of each beam, with -1 behind the end of the shorter ones.
    lengths
        How many tokens, prompt included, each has.
    log_probability
        Of all new tokens together.
    """

    ids: Int[Array, "beams room"]
    lengths: Int[Array, " beams"]
    log_probability: Float[Array, " beams"]


def beam_search(
    model: LanguageModel,
    variables: Mapping[str, PyTree],
    prompt: Shaped[Array | np.ndarray, "..."] | Sequence,
    beams: int,
    length: int,
) -> Beams:
    """Look for the most probable continuation, with ``beams`` candidates at a time.

    Each step looks at all continuations of all candidates at once, so a candidate may have several successors, or none.

    Parameters
    ----------
    model
        Static.
    variables
        Its variables.
    prompt
        Tokens to begin with.
    beams
        How many candidates are kept; static. One is the greedy strategy; as many as there are texts is exhaustive search.
    length
        How many tokens to write; static.

    Returns
    -------
    Beams
        The candidates after the last step.

    Raises
    ------
    ValueError
        If a number is less than 1, or the prompt is empty, has unknown tokens or leaves no room in the context.

    References
    ----------
    Prince (2023), section 12.7.3; notebook 12.4.
    """
    prompt = check_prompt(model, prompt, count("length", length))
    if prompt.ndim != 1:
        raise ValueError(f"prompt must be one row of tokens, got the shape {prompt.shape}")
    return _search(model, count("beams", beams), length, variables, prompt)


def book_beam_search(
    model: LanguageModel,
    variables: Mapping[str, PyTree],
    prompt: Shaped[Array | np.ndarray, "..."] | Sequence,
    beams: int,
    length: int,
) -> BookBeams:
    """Search as notebook 12.4 does, where the continuations of a beam share one list of tokens.

    Continuation k is therefore not an alternative to continuations 0 to k-1: it is appended behind them. The hypotheses
    become unequally long, and choosing by their probability favours the short ones.

    Parameters
    ----------
    model, variables, prompt, beams, length
        As in :func:`beam_search`. The context must have room for ``1 + (length - 1) * beams`` new tokens, and there must
        be as many tokens as beams.

    Returns
    -------
    BookBeams
        The beams after the last step.

    Raises
    ------
    ValueError
        As :func:`beam_search`.
    """
    beams, length = count("beams", beams), count("length", length)
    prompt = check_prompt(model, prompt, 1 + (length - 1) * beams)
    if prompt.ndim != 1:
        raise ValueError(f"prompt must be one row of tokens, got the shape {prompt.shape}")
    if beams > model.config.vocabulary:
        raise ValueError(f"beams must not exceed the {model.config.vocabulary} tokens, got {beams}")
    return _search_as_book(model, beams, length, variables, prompt)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _search(model, beams, length, variables, prompt):
    dtype, vocabulary = precision_of(variables), model.config.vocabulary

    def extend(tokens, memory):
        return model.apply(variables, tokens, memory, method="extend")

    memory = empty_memory(model.config, 1, dtype, len(prompt) + length)
    logits, memory = extend(prompt[None], memory)
    every = memory._replace(
        keys=jnp.repeat(memory.keys, beams, 1), values=jnp.repeat(memory.values, beams, 1)
    )
    # At first there is one text; the other beams are impossible until it has continuations enough.
    scores = jnp.full(beams, -jnp.inf, dtype).at[0].set(0)
    texts = jnp.zeros((beams, length), jnp.int32)

    def step(carry, place):
        logits, memory, scores, texts = carry
        candidates = scores[:, None] + jax.nn.log_softmax(logits)
        scores, best = jax.lax.top_k(candidates.reshape(-1), beams)
        parents, tokens = jnp.divmod(best, vocabulary)
        texts = texts[parents].at[:, place].set(tokens)
        memory = memory._replace(keys=memory.keys[:, parents], values=memory.values[:, parents])
        logits, memory = extend(tokens[:, None], memory)
        return (logits, memory, scores, texts), Trace(parents, tokens, scores)

    begin = (jnp.repeat(logits, beams, 0), every, scores, texts)
    (_, _, scores, texts), trace = jax.lax.scan(step, begin, jnp.arange(length))
    ids = jnp.concatenate([jnp.tile(prompt, (beams, 1)), texts], axis=1)
    return Beams(ids, scores, trace)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _search_as_book(model, beams, length, variables, prompt):
    room = len(prompt) + 1 + (length - 1) * beams

    def look(texts, lengths):
        """Return probabilities of the token after each text."""
        logits = model.apply(variables, jnp.maximum(texts, 0))
        return jax.nn.softmax(jnp.take_along_axis(logits, lengths[:, None, None] - 1, axis=1)[:, 0])

    def append(texts, lengths, scores, probabilities, tokens):
        rows = jnp.arange(len(texts))
        likely = jnp.log(probabilities[rows, tokens])
        return texts.at[rows, lengths].set(tokens), lengths + 1, scores + likely

    texts = jnp.full((beams, room), -1, jnp.int32).at[:, : len(prompt)].set(prompt)
    lengths, scores = jnp.full(beams, len(prompt)), jnp.zeros(beams, precision_of(variables))
    probabilities = look(texts[:1], lengths[:1])[0]
    first = jax.lax.top_k(probabilities, beams)[1]
    start = append(texts, lengths, scores, jnp.tile(probabilities, (beams, 1)), first)

    def step(carry, _):
        snapshots = []
        for k in range(beams):
            texts, lengths, scores = carry
            probabilities = look(texts, lengths)
            carry = append(texts, lengths, scores, probabilities, kth_most_likely(probabilities, k))
            snapshots.append(carry)
        every = jax.tree.map(
            lambda *leaves: jnp.stack(leaves, 1).reshape(-1, *leaves[0].shape[1:]), *snapshots
        )
        best = jnp.argsort(-every[2], stable=True)[:beams]
        return jax.tree.map(lambda leaf: leaf[best], every), None

    (texts, lengths, scores), _ = jax.lax.scan(step, start, length=length - 1)
    return BookBeams(texts, lengths, scores)
