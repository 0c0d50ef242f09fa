import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch12_transformers.beam_search import beam_search, book_beam_search
from udl_jax.ch12_transformers.generation import generate
from udl_jax.ch12_transformers.language_model import Config, LanguageModel
from udl_jax.ch12_transformers.strategies import Greedy

MODEL = LanguageModel(Config(vocabulary=5, context=24, width=8, layers=2, heads=2))
VARIABLES = jax.tree.map(
    lambda leaf: leaf + 0.5 * jax.random.normal(jax.random.key(leaf.size), leaf.shape),
    MODEL.init(jax.random.key(0), jnp.zeros((1, 1), int)),
)
PROMPT = jnp.array([3, 1])


def log_probability(ids):
    """Add up the log-probabilities of the new tokens of each text."""
    likely = jax.nn.log_softmax(MODEL.apply(VARIABLES, ids[:, :-1]))[:, 1:]
    return jnp.take_along_axis(likely, ids[:, 2:, None], axis=-1)[..., 0].sum(axis=-1)


def test_as_many_beams_as_texts_is_exhaustive_search():
    every = np.array(list(itertools.product(range(5), repeat=4)))
    texts = jnp.concatenate([jnp.tile(PROMPT, (625, 1)), every], axis=1)
    scores = log_probability(texts)
    order = jnp.argsort(-scores)
    found = beam_search(MODEL, VARIABLES, PROMPT, beams=625, length=4)
    np.testing.assert_allclose(found.log_probability, scores[order], rtol=1e-4)
    np.testing.assert_array_equal(found.ids[:20], texts[order][:20])


def test_one_beam_is_greedy():
    found = beam_search(MODEL, VARIABLES, PROMPT, beams=1, length=8)
    greedy = generate(MODEL, VARIABLES, PROMPT, 8, Greedy(), jnp.zeros(8))
    np.testing.assert_array_equal(found.ids[0], greedy.ids)
    np.testing.assert_allclose(found.log_probability[0], greedy.log_probabilities.sum(), rtol=1e-4)


@pytest.mark.parametrize("beams", [2, 5, 9])
def test_scores_are_those_of_the_texts(beams):
    found = beam_search(MODEL, VARIABLES, PROMPT, beams, length=6)
    np.testing.assert_allclose(found.log_probability, log_probability(found.ids), rtol=1e-4)
    assert jnp.all(jnp.diff(found.log_probability) <= 0)
    assert len({tuple(row.tolist()) for row in found.ids}) == beams


def test_enough_beams_are_no_worse_than_greedy():
    greedy = beam_search(MODEL, VARIABLES, PROMPT, beams=1, length=4).log_probability[0]
    assert beam_search(MODEL, VARIABLES, PROMPT, beams=125, length=4).log_probability[0] >= greedy - 1e-5


def test_trace_leads_to_the_texts():
    found = beam_search(MODEL, VARIABLES, PROMPT, beams=3, length=6)
    for beam in range(3):
        here, text = beam, []
        for step in reversed(range(6)):
            text.append(int(found.trace.tokens[step, here]))
            here = int(found.trace.parents[step, here])
        assert text[::-1] == found.ids[beam, 2:].tolist()
    np.testing.assert_array_equal(found.trace.log_probabilities[-1], found.log_probability)


def test_beams_without_a_text_are_impossible():
    found = beam_search(MODEL, VARIABLES, PROMPT, beams=7, length=1)
    assert jnp.isfinite(found.log_probability[:5]).all()
    assert jnp.all(found.log_probability[5:] == -jnp.inf)


def test_one_beam_of_the_book_is_greedy():
    found = book_beam_search(MODEL, VARIABLES, PROMPT, beams=1, length=6)
    np.testing.assert_array_equal(found.ids, beam_search(MODEL, VARIABLES, PROMPT, 1, 6).ids)


def test_beams_of_the_book_are_unequally_long():
    found = book_beam_search(MODEL, VARIABLES, PROMPT, beams=3, length=5)
    assert found.ids.shape == (3, 2 + 1 + 4 * 3)
    for ids, length, score in zip(found.ids, found.lengths, found.log_probability):
        assert jnp.all(ids[length:] == -1)
        assert jnp.all(ids[:length] >= 0)
        assert 7 <= length <= 15
        np.testing.assert_allclose(score, log_probability(ids[None, :length])[0], rtol=1e-4)


@pytest.mark.parametrize(
    ("prompt", "beams", "length", "match"),
    [
        ([], 2, 3, "prompt is empty"),
        ([5], 2, 3, r"prompt must be tokens in 0\.\.4, got 5"),
        ([1], 0, 3, "beams must be at least 1, got 0"),
        ([1], 2, 0, "length must be at least 1, got 0"),
        ([[1]], 2, 3, "prompt must be one row of tokens"),
        ([1], 2, 24, "exceed the model's context of 24"),
    ],
)
def test_bad_input_is_told(prompt, beams, length, match):
    for search in (beam_search, book_beam_search):
        with pytest.raises(ValueError, match=match):
            search(MODEL, VARIABLES, prompt, beams, length)


def test_more_beams_than_tokens_are_told_where_they_cannot_be():
    with pytest.raises(ValueError, match="beams must not exceed the 5 tokens, got 6"):
        book_beam_search(MODEL, VARIABLES, PROMPT, 6, 2)
