import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from tests.training.counting import compilations
from udl_jax import training
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork
from udl_jax.training import full_batch

RECIPE = training.Recipe(DeepNetwork((16, 3)), optax.sgd(0.3, momentum=0.9))


@pytest.fixture(scope="module")
def data():
    x = jax.random.normal(jax.random.key(0), (60, 4))
    return training.Examples(x, jnp.argmax(x[:, :3], axis=-1))


@pytest.fixture(scope="module")
def state(data):
    return training.start(RECIPE, RECIPE.model.init(jax.random.key(1), data.x))


@pytest.mark.parametrize("rows", [1, 7, 20, 60, 500])
def test_pieces_make_the_whole(state, data, rows):
    """The same as training on one batch of all examples, whose loss after a step is ours before the next."""
    order = jnp.tile(jnp.arange(60), (20, 1, 1))
    expected, history = training.train(RECIPE, state, data, None, order)
    trained, measures = training.train_full_batch(RECIPE, state, data, 20, rows=rows)
    chex.assert_trees_all_close(trained, expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(measures.loss[1:], history.train.loss[:-1], rtol=1e-4)
    np.testing.assert_allclose(measures.error[1:], history.train.error[:-1], rtol=1e-4)


def test_short_last_piece_weighs_by_its_examples():
    """A mean of the pieces' means would give 3 and a gradient of -2."""

    class Weight(nn.Module):
        @nn.compact
        def __call__(self, x):
            return jnp.broadcast_to(self.param("w", nn.initializers.zeros, ()), x.shape)

    data = training.Examples(jnp.zeros(9), jnp.array([0.0] * 8 + [3.0]))
    for loss, factor in ((lambda a, b: jnp.mean((a - b) ** 2), 1), (training.squared_error, 9)):
        recipe = training.Recipe(Weight(), optax.sgd(1.0), loss=loss, error=None)
        start = training.start(recipe, {"params": {"w": jnp.zeros(())}})
        state, history = training.train_full_batch(recipe, start, data, 1, rows=4)
        np.testing.assert_allclose(history.loss, [factor], rtol=1e-6)
        np.testing.assert_allclose(state.variables["params"]["w"], factor * 2 / 3, rtol=1e-6)


def test_objectives_are_minimised_as_well(data):
    def objective(model, variables, batch, draws):
        return jnp.mean((model.apply(variables, batch.x) - batch.x) ** 2), {}

    recipe = training.Recipe(nn.Dense(4), optax.sgd(0.3), objective=objective)
    start = training.start(recipe, recipe.model.init(jax.random.key(1), data.x))
    _, history = training.train_full_batch(recipe, start, data, 100, rows=25)
    assert history.error is None
    assert history.loss[-1] < 0.05 * history.loss[0]


@pytest.mark.parametrize("chunk", [1, 6, 19, 20, 50])
def test_chunks_give_the_identical_result(state, data, chunk):
    whole = training.train_full_batch(RECIPE, state, data, 20, rows=25)
    chex.assert_trees_all_equal(
        training.train_full_batch(RECIPE, state, data, 20, rows=25, chunk=chunk), whole
    )


def test_killed_training_resumes_to_the_identical_result(state, data, tmp_path, monkeypatch):
    work, calls = full_batch.take_full_batches, []

    def die_at_the_third(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return work(*args)

    die_at_the_third.lower = work.lower
    monkeypatch.setattr(full_batch, "take_full_batches", die_at_the_third)
    settings = {"rows": 25, "chunk": 5, "directory": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        training.train_full_batch(RECIPE, state, data, 20, **settings)
    monkeypatch.undo()
    resumed = training.train_full_batch(RECIPE, state, data, 20, **settings)
    chex.assert_trees_all_equal(resumed, training.train_full_batch(RECIPE, state, data, 20, rows=25))


def test_failure_is_told_by_its_step(data):
    """The loss grows by a factor of 10^8 a step until it overflows."""

    class Line(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.Dense(1)(x)[:, 0]

    recipe = training.Recipe(Line(), optax.sgd(1e2), loss=training.squared_error, error=None)
    target = training.Examples(data.x, data.x[:, 0])
    start = training.start(recipe, recipe.model.init(jax.random.key(0), data.x))
    stopped, _ = training.train_full_batch(recipe, start, target, 30)
    failed = int(stopped.failed_at[0])
    assert 0 < failed < 30
    before, _ = training.train_full_batch(recipe, start, target, failed)
    chex.assert_trees_all_equal(stopped.variables, before.variables)
    chex.assert_tree_all_finite(stopped.variables)


def test_memory_does_not_grow_with_steps_but_for_the_history(state, data):
    def temporaries(steps):
        lowered = full_batch.take_full_batches.lower(RECIPE, False, steps, 20, state, data, steps)
        return lowered.compile().memory_analysis().temp_size_in_bytes

    assert temporaries(100_000) <= temporaries(10) + 100_000 * 8 * 2


def test_second_training_compiles_nothing(state, data):
    other = data._replace(x=data.x + 1)
    training.train_full_batch(RECIPE, state, data, 10)
    with compilations() as compiled:
        training.train_full_batch(RECIPE, state, other, 10)
    assert compiled == []


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"rows": 0}, "rows must be at least 1, got 0"),
        ({"chunk": 0}, "chunk must be at least 1, got 0"),
    ],
)
def test_impossible_settings_are_told(state, data, settings, message):
    with pytest.raises(ValueError, match=message):
        training.train_full_batch(RECIPE, state, data, **{"steps": 5} | settings)


def test_mutable_collections_are_told(data):
    recipe = training.Recipe(nn.BatchNorm(use_running_average=None), optax.sgd(0.1))
    variables = nn.BatchNorm(use_running_average=False).init(jax.random.key(0), data.x)
    with pytest.raises(ValueError, match=r"mutable collections \['batch_stats'\]"):
        training.train_full_batch(recipe, training.start(recipe, variables), data, 5)
