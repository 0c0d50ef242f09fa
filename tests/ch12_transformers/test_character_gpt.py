import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax import training
from udl_jax.ch12_transformers import character_gpt as gpt
from udl_jax.ch12_transformers.ngrams import score_by_counting
from udl_jax.data.moby import load_moby, split_text

SMALL = gpt.Settings(width=16, layers=2, heads=2, context=16, batch=16, steps=60, warm_up=10, evaluations=2)
TEXT = np.tile(np.arange(7), 400)


def test_a_text_that_repeats_is_learnt():
    fit = gpt.train_characters(jax.random.key(0), TEXT[:2000], TEXT[2000:], SMALL)
    assert fit.history.test.loss.shape == (2,)
    assert fit.history.test.loss[-1] < 0.5 < np.log(7)
    model = gpt.make_recipe(SMALL, 7).model
    score = gpt.nats_per_character(model, fit.state.variables, TEXT[2000:])
    np.testing.assert_allclose(score, fit.history.test.loss[-1], rtol=0.1)


def test_training_in_chunks_gives_the_same(tmp_path):
    parts = gpt.prepare(jax.random.key(0), TEXT, 7, SMALL)
    recipe, state, examples, order = parts
    whole, _ = training.train(recipe, state, examples, None, order)
    chunked, _ = training.train_in_chunks(
        recipe, state, examples, None, order, chunk=1, directory=tmp_path, progress=False
    )
    jax.tree.map(np.testing.assert_array_equal, whole.variables, chunked.variables)


def test_nats_are_those_of_the_windows():
    model = gpt.make_recipe(SMALL, 7).model
    variables = training.initialise(model, jax.random.key(0), jnp.zeros((1, 16), int))
    text = TEXT[: 16 * 70 + 1]
    x, y = text[:-1].reshape(70, 16), text[1:].reshape(70, 16)
    expected = training.cross_entropy(model.apply(variables, x), y)
    np.testing.assert_allclose(gpt.nats_per_character(model, variables, text), expected, rtol=1e-5)


def test_shipped_weights_beat_counting():
    """The first tenth of the held-out text, against counts of up to three characters before each."""
    trained = gpt.load_trained()
    train, test = map(trained.alphabet.encode, split_text(load_moby()))
    score = gpt.nats_per_character(trained.model, trained.variables, test[:12_000])
    assert score < 1.5
    assert score < score_by_counting(train, test[:12_000], 3, 80).mean() - 0.1
    assert trained.history.test.loss[-1] < 1.5
    assert "Moby-Dick" in trained.provenance


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"context": 0}, "context must be at least 1"),
        ({"evaluations": 7}, "evaluations must divide steps, 300, got 7"),
    ],
)
def test_bad_settings_are_told(fields, match):
    with pytest.raises(ValueError, match=match):
        gpt.Settings(**fields)


def test_bad_texts_are_told():
    with pytest.raises(ValueError, match="test has characters beyond the 5 of train"):
        gpt.train_characters(jax.random.key(0), TEXT % 5, TEXT, SMALL)
    with pytest.raises(ValueError, match="longer than a window of 16"):
        gpt.train_characters(jax.random.key(0), TEXT[:9], TEXT, SMALL)
