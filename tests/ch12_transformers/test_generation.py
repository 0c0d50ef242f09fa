import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch12_transformers import generation
from udl_jax.ch12_transformers.generation import generate, generate_by_rereading, sample_continuations
from udl_jax.ch12_transformers.language_model import Config, LanguageModel
from udl_jax.ch12_transformers.strategies import Greedy, KthMostLikely, Nucleus, Sampling, TopK

MODEL = LanguageModel(Config(vocabulary=11, context=16, width=8, layers=2, heads=2))
VARIABLES = jax.tree.map(
    lambda leaf: leaf + 0.5 * jax.random.normal(jax.random.key(leaf.size), leaf.shape),
    MODEL.init(jax.random.key(0), jnp.zeros((1, 1), int)),
)
PROMPT = jnp.array([3, 1, 4])


def test_greedy_text_is_that_of_rereading():
    ours = generate(MODEL, VARIABLES, PROMPT[None], 10, Greedy(), jnp.zeros((1, 10)))
    np.testing.assert_array_equal(ours.ids, generate_by_rereading(MODEL, VARIABLES, PROMPT[None], 10))


def test_log_probabilities_are_the_models():
    found = generate(MODEL, VARIABLES, PROMPT, 8, TopK(3), jnp.linspace(0, 0.99, 8), temperature=0.7)
    likely = jax.nn.log_softmax(MODEL.apply(VARIABLES, found.ids[:-1]))[2:]
    expected = jnp.take_along_axis(likely, found.ids[3:, None], axis=1)[:, 0]
    np.testing.assert_allclose(found.log_probabilities, expected, rtol=1e-4, atol=1e-5)
    assert found.kept.tolist() == [3] * 8


@pytest.mark.parametrize("strategy", [Sampling(), TopK(4), Nucleus(0.6), KthMostLikely(2)], ids=str)
def test_batches_are_the_same_texts_side_by_side(strategy):
    prompts = jnp.array([[3, 1, 4], [1, 5, 9]])
    uniforms = jax.random.uniform(jax.random.key(1), (2, 6))
    together = generate(MODEL, VARIABLES, prompts, 6, strategy, uniforms)
    for row in range(2):
        alone = generate(MODEL, VARIABLES, prompts[row], 6, strategy, uniforms[row])
        np.testing.assert_array_equal(together.ids[row], alone.ids)


def test_extreme_temperatures():
    uniforms = jnp.linspace(0, 0.99, 10)
    cold = generate(MODEL, VARIABLES, PROMPT, 10, Sampling(), uniforms, temperature=1e-3)
    greedy = generate(MODEL, VARIABLES, PROMPT, 10, Greedy(), uniforms)
    np.testing.assert_array_equal(cold.ids, greedy.ids)
    hot = generate(MODEL, VARIABLES, PROMPT, 10, Sampling(), uniforms, temperature=1e6)
    np.testing.assert_array_equal(hot.ids[3:], (11 * uniforms).astype(int))


def test_continuations_differ_and_follow_the_key():
    settings = (MODEL, VARIABLES, PROMPT, 8, Sampling())
    first = sample_continuations(jax.random.key(0), *settings, samples=5)
    again = sample_continuations(jax.random.key(0), *settings, samples=5)
    assert first.ids.shape == (5, 11)
    np.testing.assert_array_equal(first.ids, again.ids)
    assert len({tuple(row.tolist()) for row in first.ids}) > 1


def test_new_draws_and_temperatures_compile_nothing():
    traced = chex.assert_max_traces(generation._generate.__wrapped__, n=1)
    run = jax.jit(traced, static_argnums=(0, 1))
    for temperature in (0.5, 1.0, 2.0):
        uniforms = jax.random.uniform(jax.random.key(0), (1, 4))
        assert run(MODEL, TopK(3), VARIABLES, PROMPT[None], uniforms, temperature).ids.shape == (1, 7)
    chex.clear_trace_counter()


def test_numpy_arrays_and_double_precision():
    with jax.enable_x64(True):
        variables = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), VARIABLES)
        found = generate(MODEL, variables, np.array([3, 1, 4]), 4, Sampling(), np.full(4, 0.3))
        assert found.log_probabilities.dtype == np.float64


def call(prompt=PROMPT, length=4, uniforms=None, **settings):
    uniforms = jnp.zeros((*np.shape(prompt)[:-1], length)) if uniforms is None else uniforms
    return generate(MODEL, VARIABLES, prompt, length, Sampling(), uniforms, **settings)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"prompt": []}, "prompt is empty"),
        ({"prompt": [3, 11]}, r"prompt must be tokens in 0\.\.10, got 11"),
        ({"prompt": [-1]}, r"prompt must be tokens in 0\.\.10, got -1"),
        ({"length": 14}, "prompt of 3 tokens and 14 new ones exceed the model's context of 16"),
        ({"prompt": [[[1]]]}, r"prompt must be a row of tokens, or several, got the shape \(1, 1, 1\)"),
        ({"uniforms": jnp.zeros(3)}, r"uniforms must have one draw for each new token, \(4,\), got \(3,\)"),
        ({"uniforms": jnp.ones(4)}, r"uniforms must be in \[0, 1\), got 1\.0"),
        ({"temperature": 0.0}, "temperature must be"),
    ],
)
def test_bad_input_is_told(arguments, match):
    with pytest.raises(ValueError, match=match):
        call(**arguments)


def test_other_bad_input_is_told():
    with pytest.raises(ValueError, match="length must be at least 1, got 0"):
        call(length=0, uniforms=jnp.zeros(0))
    with pytest.raises(TypeError, match="prompt must hold numbers of tokens, that is integers, got float32"):
        call(prompt=jnp.ones(3))
    with pytest.raises(ValueError, match="k is too large: there are 11 tokens"):
        generate(MODEL, VARIABLES, PROMPT, 2, TopK(12), jnp.zeros(2))
    with pytest.raises(ValueError, match="prompt must be one row of tokens"):
        sample_continuations(jax.random.key(0), MODEL, VARIABLES, PROMPT[None], 2, Sampling())
