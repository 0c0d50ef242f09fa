import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch12_transformers.language_model import (
    Config,
    LanguageModel,
    count_parameters,
    empty_memory,
    precision_of,
)

CONFIG = Config(vocabulary=11, context=16, width=8, layers=3, heads=2)
TOKENS = jax.random.randint(jax.random.key(1), (2, 10), 0, 11)


def rough_variables(model, dtype=None):
    """Draw variables none of which is zero."""
    variables = model.init(jax.random.key(0), TOKENS)
    return jax.tree.map(
        lambda leaf: (leaf + 0.3 * jax.random.normal(jax.random.key(5), leaf.shape)).astype(
            dtype or leaf.dtype
        ),
        variables,
    )


@pytest.mark.parametrize("tied", [True, False])
def test_reading_in_pieces_gives_the_same_logits(tied):
    with jax.enable_x64(True):
        model = LanguageModel(Config(11, 16, 8, 3, 2, tied=tied, by_layer=not tied))
        variables = rough_variables(model)
        full = model.apply(variables, TOKENS)
        memory = empty_memory(model.config, 2, precision_of(variables), room=12)
        extend = jax.jit(lambda tokens, memory: model.apply(variables, tokens, memory, method="extend"))
        read = 0
        for piece in (4, 1, 3, 1, 1):
            logits, memory = extend(TOKENS[:, read : read + piece], memory)
            read += piece
            np.testing.assert_allclose(logits, full[:, read - 1], rtol=0, atol=1e-10)
        assert memory.length == read


def test_later_tokens_change_nothing_before_them():
    model = LanguageModel(CONFIG)
    variables = rough_variables(model)
    changed = TOKENS.at[:, 6].add(1) % 11
    before, after = model.apply(variables, TOKENS), model.apply(variables, changed)
    np.testing.assert_array_equal(before[:, :6], after[:, :6])
    assert jnp.abs(before[:, 6:] - after[:, 6:]).max() > 1e-3


def test_places_matter():
    model = LanguageModel(CONFIG)
    logits = model.apply(rough_variables(model), jnp.zeros((1, 5), int))
    assert jnp.abs(logits[:, 1:] - logits[:, :-1]).max() > 1e-3


def test_an_untrained_model_knows_nothing():
    model = LanguageModel(Config(vocabulary=50, context=16, width=32, layers=4, heads=4))
    logits = model.init_with_output(jax.random.key(0), TOKENS)[0]
    assert abs(jnp.mean(jax.nn.log_softmax(logits)) + np.log(50)) < 0.5


def test_number_of_parameters():
    """GPT-2's smallest has 124,439,808."""
    variables = jax.eval_shape(LanguageModel(Config()).init, jax.random.key(0), jnp.zeros((1, 1), int))
    assert count_parameters(variables) == 124_439_808


def test_precision_follows_the_parameters():
    with jax.enable_x64(True):
        for dtype in (jnp.float32, jnp.float64):
            model = LanguageModel(CONFIG, param_dtype=dtype)
            variables = model.init(jax.random.key(0), TOKENS)
            assert precision_of(variables) == dtype
            assert model.apply(variables, TOKENS).dtype == dtype


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"heads": 3}, "heads must divide width, 8, got 3"),
        ({"layers": 0}, "layers must be at least 1, got 0"),
        ({"vocabulary": 0}, "vocabulary must be at least 1"),
        ({"hidden": 0}, "hidden must be at least 1"),
        ({"activation": "sine"}, "activation must be one of"),
    ],
)
def test_bad_sizes_are_told(fields, match):
    with pytest.raises(ValueError, match=match):
        Config(**({"vocabulary": 11, "context": 16, "width": 8, "layers": 3, "heads": 2} | fields))


def test_text_beyond_the_context_is_told():
    model = LanguageModel(CONFIG)
    with pytest.raises(ValueError, match="longer than the context of 16, got 17"):
        model.init(jax.random.key(0), jnp.zeros((1, 17), int))
    with pytest.raises(ValueError, match="room must not exceed the context of 16, got 17"):
        empty_memory(CONFIG, 1, jnp.float32, room=17)
