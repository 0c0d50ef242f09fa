import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork
from udl_jax.training.programs import report_epochs

OPTIMISER = optax.sgd(0.1, momentum=0.9)
MODEL = DeepNetwork((16, 3))
ORDER = training.draw_order(jax.random.key(7), examples=60, epochs=12, batch=12)


@pytest.fixture(scope="module")
def data():
    x = jax.random.normal(jax.random.key(0), (60, 4))
    return training.Examples(x, jnp.argmax(x[:, :3], axis=-1))


def run(data, test=None, order=ORDER, **evaluation):
    recipe = training.Recipe(MODEL, OPTIMISER, evaluation=training.Evaluation(**evaluation))
    state = training.start(recipe, MODEL.init(jax.random.key(1), data.x))
    return training.train(recipe, state, data, test, order)


@pytest.mark.parametrize("batch", [1, 7, 20, 60, 1000])
def test_batches_of_evaluation_change_nothing(data, batch):
    chex.assert_trees_all_close(run(data, data, batch=batch), run(data, data), rtol=1e-5)


@pytest.mark.parametrize("every", [2, 3, 12])
def test_every_keeps_the_epochs_in_between_silent(data, every):
    state, history = run(data, data, every=every)
    whole_state, whole = run(data, data)
    chex.assert_trees_all_close(state, whole_state, rtol=1e-5)
    chosen = jax.tree.map(lambda leaf: leaf[every - 1 :: every], whole)
    chex.assert_trees_all_close(history, chosen, rtol=1e-4)


def test_every_under_jit_is_the_same(data):
    recipe = training.Recipe(MODEL, OPTIMISER, evaluation=training.Evaluation(every=4, batch=25))
    state = training.start(recipe, MODEL.init(jax.random.key(1), data.x))
    compiled = jax.jit(lambda order: training.train(recipe, state, data, data, order))(ORDER)
    chex.assert_trees_all_close(compiled, training.train(recipe, state, data, data, ORDER), rtol=1e-4)


def test_never_keeps_the_mean_of_the_steps(data):
    """At an epoch's end the weights are better than they were on the way."""
    state, history = run(data, every=0)
    whole_state, whole = run(data)
    chex.assert_trees_all_equal(state, whole_state)
    assert history.test is history.train.error is None
    assert history.train.loss.shape == (12,)
    assert jnp.all(history.train.loss[:3] > whole.train.loss[:3])


@pytest.mark.parametrize("rows", [10, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)])
def test_chosen_rows_are_evaluated_alone(data, rows):
    _, history = run(data, rows=rows)
    first = jax.tree.map(lambda leaf: leaf[:10], data)
    _, expected = run(data, first)
    chex.assert_trees_all_close(history.train, expected.test, rtol=1e-5)


def test_measure_is_a_mean_over_examples_however_they_are_cut():
    """Nine examples in pieces of four: the last one alone must not weigh as much as four."""
    x = jnp.array([0.0] * 8 + [3.0])

    def objective(model, variables, batch, draws):
        return jnp.mean((variables["params"]["w"] - batch.x) ** 2), {}

    def measure(model, variables, examples):
        return training.Measures(objective(model, variables, examples, None)[0], jnp.mean(examples.x))

    order = jnp.arange(9).reshape(1, 1, 9)
    for batch in (None, 1, 4, 9):
        evaluation = training.Evaluation(batch=batch)
        recipe = training.Recipe(
            MODEL, optax.sgd(0.0), objective=objective, measure=measure, evaluation=evaluation
        )
        state = training.start(recipe, {"params": {"w": jnp.zeros(())}})
        _, history = training.train(recipe, state, training.Examples(x), None, order)
        np.testing.assert_allclose(history.train.loss, [1], rtol=1e-6)
        np.testing.assert_allclose(history.train.error, [1 / 3], rtol=1e-6)


def test_memory_of_evaluation_is_that_of_a_batch():
    """A wide hidden layer for 4,096 examples takes 32 MiB at once, and 2 MiB for 256 at a time."""
    model, rows, width = DeepNetwork((2048, 2)), 4096, 2048
    data = training.Examples(jnp.zeros((rows, 4)), jnp.zeros(rows, int))
    variables = model.init(jax.random.key(0), data.x[:1])
    passed = jax.tree.map(lambda leaf: leaf[None], variables)

    def temporaries(batch):
        recipe = training.Recipe(model, OPTIMISER, evaluation=training.Evaluation(batch=batch))
        compiled = report_epochs.lower(recipe, passed, data, None).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    hidden = rows * width * 4
    outputs = 2 * rows * 4
    assert temporaries(None) >= hidden
    assert temporaries(256) <= 3 * (hidden * 256 / rows + outputs)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"every": -1}, "every must be a number of epochs"),
        ({"batch": 0}, "batch must be at least 1 example"),
        ({"rows": 0}, "rows must name examples"),
        ({"rows": ()}, "rows must name examples"),
        ({"rows": (3, -1)}, "rows must name examples"),
        ({"every": 5}, "evaluation every 5 epochs does not divide 12 epochs"),
        ({"rows": 61}, "names example 60, but there are 60 training examples"),
        ({"rows": (2, 70)}, "names example 70"),
    ],
)
def test_impossible_evaluations_are_told(data, settings, message):
    with pytest.raises(ValueError, match=message):
        run(data, **settings)


def test_test_data_that_are_never_looked_at_are_told(data):
    with pytest.raises(ValueError, match="test data are never looked at, since evaluation is every=0"):
        run(data, data, every=0)
