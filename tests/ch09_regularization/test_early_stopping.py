import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax import training
from udl_jax.ch08_performance import mnist1d
from udl_jax.ch09_regularization import early_stopping
from udl_jax.data.mnist1d import load_mnist1d

NAN = float("nan")


@pytest.mark.parametrize(
    ("losses", "patience", "best", "last"),
    [
        ([3, 2, 1], 1, 2, 2),
        ([1, 2, 3], 1, 0, 1),
        ([1, 2, 3, 0], 2, 0, 2),
        ([1, 2, 3, 0], 3, 3, 3),
        ([1, 1, 1], 2, 0, 2),
        ([2, NAN, 1, NAN, NAN, 0], 2, 2, 4),
        ([NAN, NAN, 1], 2, -1, 1),
        ([5], 1, 0, 0),
    ],
)
def test_stops(losses, patience, best, last):
    losses = jnp.array(losses, jnp.float32)
    found = early_stopping.early_stop(losses, patience)
    assert (int(found.best), int(found.last)) == (best, last)
    jitted = jax.jit(early_stopping.early_stop, static_argnums=1)(losses, patience)
    assert (int(jitted.best), int(jitted.last)) == (best, last)


def test_best_is_the_lowest_of_what_was_trained():
    losses = jax.random.uniform(jax.random.key(0), (50, 30))
    found = jax.vmap(lambda row: early_stopping.early_stop(row, 4))(losses)
    for row, best, last in zip(np.asarray(losses), *found):
        assert best == np.argmin(row[: last + 1])
        assert last - best == 4 or last == 29


@pytest.fixture(scope="module")
def setting():
    data = load_mnist1d(num_samples=300)
    settings = mnist1d.Settings(hidden=(30,), epochs=12, batch=20, rate=0.3)
    examples, _ = mnist1d.split(data)
    kept, held = early_stopping.hold_out(jax.random.key(0), examples, 60)
    recipe = mnist1d.make_recipe(settings, examples=180)
    state = training.start(recipe, mnist1d.draw_variables(jax.random.key(1), data, settings))
    return recipe, state, kept, held, training.draw_order(jax.random.key(2), 180, 12, 20)


def test_training_stops_where_the_whole_history_says(setting):
    recipe, state, kept, held, order = setting
    _, whole = training.train(recipe, state, kept, held, order)
    stop = early_stopping.early_stop(whole.test.loss, 2)
    assert stop.last < 11
    best, history = early_stopping.train_until_it_worsens(*setting, patience=2)
    assert len(history.test.loss) == stop.last + 1
    np.testing.assert_allclose(history.test.loss, whole.test.loss[: len(history.test.loss)], rtol=1e-4)
    until_best, _ = training.train(recipe, state, kept, None, order[: int(stop.best) + 1])
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4),
        best.variables,
        until_best.variables,
    )


def test_long_patience_trains_to_the_end(setting):
    _, history = early_stopping.train_until_it_worsens(*setting, patience=100)
    assert len(history.test.loss) == 12


def test_held_out_examples_are_all_the_others():
    examples = training.Examples(jnp.arange(20.0)[:, None], jnp.arange(20))
    kept, held = early_stopping.hold_out(jax.random.key(0), examples, 6)
    assert (len(kept.x), len(held.y)) == (14, 6)
    np.testing.assert_array_equal(np.sort(np.concatenate([kept.y, held.y])), np.arange(20))
    np.testing.assert_array_equal(held.x[:, 0], held.y)


def test_bad_input_is_told(setting):
    with pytest.raises(ValueError, match="patience must be at least 1, got 0"):
        early_stopping.early_stop(jnp.ones(3), 0)
    with pytest.raises(ValueError, match="patience must be at least 1, got 0"):
        early_stopping.train_until_it_worsens(*setting, patience=0)
    with pytest.raises(ValueError, match="losses must not be empty"):
        early_stopping.early_stop(jnp.ones(0), 1)
    examples = training.Examples(jnp.ones((5, 1)), jnp.zeros(5, int))
    for count in (5, 9):
        with pytest.raises(
            ValueError, match=rf"count must lie in 1..4, so that some examples are left, got {count}"
        ):
            early_stopping.hold_out(jax.random.key(0), examples, count)
