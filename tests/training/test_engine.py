import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from tests.training.counting import compilations
from udl_jax import training
from udl_jax.training import engine, validation

ORDER = training.draw_order(jax.random.key(7), examples=60, epochs=5, batch=12)


class Classifier(nn.Module):
    """A small network; optionally with the two layers that behave differently in training."""

    classes: int = 3
    normalise: bool = False
    dropout: float = 0.0

    @nn.compact
    def __call__(self, x, train=False):
        x = nn.Dense(16, param_dtype=x.dtype)(x)
        if self.normalise:
            x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)
        x = nn.Dropout(self.dropout, deterministic=not train)(nn.relu(x))
        return nn.Dense(self.classes, param_dtype=x.dtype)(x)


@pytest.fixture
def data():
    x = jax.random.normal(jax.random.key(0), (60, 4))
    return training.Examples(x, jnp.argmax(x[:, :3], axis=-1))


@pytest.fixture
def recipe():
    return training.Recipe(Classifier(), optax.sgd(0.1, momentum=0.9))


@pytest.fixture
def state(recipe, data):
    return training.start(recipe, recipe.model.init(jax.random.key(1), data.x))


def train_in_python(recipe, state, data, order):
    """Do the same training as a plain loop, the way a beginner would write it."""
    params, optimiser = state.variables["params"], state.optimiser

    def loss(params, batch):
        return recipe.loss(recipe.model.apply({"params": params}, data.x[batch]), data.y[batch])

    for batch in order.reshape(-1, order.shape[-1]):
        updates, optimiser = recipe.optimiser.update(jax.grad(loss)(params, batch), optimiser, params)
        params = optax.apply_updates(params, updates)
    return params


def test_one_program_does_what_a_python_loop_does(recipe, state, data):
    trained, _ = training.train(recipe, state, data, None, ORDER)
    expected = train_in_python(recipe, state, data, ORDER)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
        trained.variables["params"],
        expected,
    )


def test_history_measures_the_state_after_each_epoch(recipe, state, data):
    test = training.Examples(data.x[:20], data.y[:20])
    trained, history = training.train(recipe, state, data, test, ORDER)
    outputs = recipe.model.apply(trained.variables, test.x)
    np.testing.assert_allclose(history.test.loss[-1], training.cross_entropy(outputs, test.y), rtol=1e-5)
    assert history.test.error[-1] == training.percent_wrong(outputs, test.y)
    assert history.train.loss.shape == history.test.error.shape == (5,)
    assert trained.epoch == 5


def test_training_learns(recipe, state, data):
    order = training.draw_order(jax.random.key(3), examples=60, epochs=60, batch=12)
    _, history = training.train(recipe, state, data, None, order)
    assert history.train.error[-1] < 5
    assert history.train.loss[-1] < 0.3 * history.train.loss[0]


def test_two_halves_make_the_whole(recipe, state, data):
    whole, history = training.train(recipe, state, data, data, ORDER)
    half, first = training.train(recipe, state, data, data, ORDER[:2])
    rest, second = training.train(recipe, half, data, data, ORDER[2:])
    chex.assert_trees_all_equal(rest, whole)
    chex.assert_trees_all_equal(jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, second), history)


def test_train_is_jittable(recipe, state, data):
    compiled = jax.jit(lambda state, order: training.train(recipe, state, data, None, order))
    chex.assert_trees_all_equal(compiled(state, ORDER), training.train(recipe, state, data, None, ORDER))


def test_training_stays_on_the_device_of_its_data(recipe, state, data):
    """Evaluation is compiled for the place where the weights are, whatever the default device is."""
    expected, measured = training.train(recipe, state, data, data, ORDER)
    default, other = jax.devices()
    assert expected.epoch.device == default
    moved = jax.device_put((state, data, data), other)
    for arguments in (moved, (state, *moved[1:]), (moved[0], data, data)):
        trained, history = training.train(recipe, *arguments, ORDER)
        assert {leaf.device for leaf in jax.tree.leaves(trained)} == {other}
        chex.assert_trees_all_equal((trained, history), (expected, measured))


def test_error_in_evaluation_reaches_the_caller(state, data):
    """Evaluation runs in a thread of its own; what goes wrong there must not be lost."""

    def fail(outputs):
        raise OSError("the disk of the evaluation is full")

    def error(outputs, labels):
        return jax.pure_callback(fail, jax.ShapeDtypeStruct((), outputs.dtype), outputs)

    recipe = training.Recipe(Classifier(), optax.sgd(0.1, momentum=0.9), error=error)
    with pytest.raises(jax.errors.JaxRuntimeError, match="the disk of the evaluation is full"):
        training.train(recipe, state, data, None, ORDER)


@pytest.mark.parametrize("epochs", [1, 7, 13, 20])
def test_history_does_not_depend_on_how_training_is_cut(recipe, state, data, epochs):
    """Direct calls go in pieces and evaluate beside, calls under jit are one program."""
    order = training.draw_order(jax.random.key(5), examples=60, epochs=epochs, batch=12)
    direct = training.train(recipe, state, data, data, order)
    compiled = jax.jit(lambda order: training.train(recipe, state, data, data, order))(order)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), direct, compiled)
    assert direct[1].train.loss.shape == (epochs,)


def test_regression_needs_no_error(data):
    class Line(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.Dense(1)(x)[:, 0]

    recipe = training.Recipe(Line(), optax.adam(0.1), loss=training.squared_error, error=None)
    target = training.Examples(data.x, data.x @ jnp.array([1.0, -2.0, 0.5, 0.0]) + 3)
    fit = training.fit(jax.random.key(0), recipe, target, epochs=200, batch=60)
    assert fit.history.train.error is None
    np.testing.assert_allclose(fit.state.variables["params"]["Dense_0"]["bias"], 3, atol=1e-2)


def test_batch_statistics_move_in_training_and_are_used_in_evaluation(data):
    recipe = training.Recipe(Classifier(normalise=True), optax.sgd(0.1))
    shifted = data._replace(x=data.x + 5)
    state = training.start(recipe, recipe.model.init(jax.random.key(1), shifted.x))
    trained, history = training.train(recipe, state, shifted, shifted, ORDER)
    before, after = (s.variables["batch_stats"]["BatchNorm_0"]["mean"] for s in (state, trained))
    assert jnp.all(before == 0)
    assert jnp.all(after != 0)
    outputs = recipe.model.apply(trained.variables, shifted.x, train=False)
    np.testing.assert_allclose(history.test.loss[-1], training.cross_entropy(outputs, shifted.y), rtol=1e-5)


def test_running_mean_is_the_exponential_average_of_batch_means(data):
    recipe = training.Recipe(Classifier(normalise=True), optax.sgd(0.0))
    state = training.start(recipe, recipe.model.init(jax.random.key(1), data.x))
    trained, _ = training.train(recipe, state, data, None, ORDER[:1])
    params = state.variables["params"]["Dense_0"]
    average = jnp.zeros(16)
    for batch in ORDER[0]:
        average = 0.9 * average + 0.1 * (data.x[batch] @ params["kernel"] + params["bias"]).mean(0)
    running = trained.variables["batch_stats"]["BatchNorm_0"]["mean"]
    np.testing.assert_allclose(running, average, atol=1e-6)


def test_dropout_follows_its_keys(data):
    recipe = training.Recipe(Classifier(dropout=0.5), optax.sgd(0.1))
    state = training.start(recipe, recipe.model.init(jax.random.key(1), data.x))
    keys = jax.random.split(jax.random.key(2), ORDER.shape[:2])
    other = jax.random.split(jax.random.key(3), ORDER.shape[:2])
    _, first = training.train(recipe, state, data, None, ORDER, keys)
    _, again = training.train(recipe, state, data, None, ORDER, keys)
    _, different = training.train(recipe, state, data, None, ORDER, other)
    chex.assert_trees_all_equal(first, again)
    assert jnp.all(first.train.loss != different.train.loss)


def test_training_keeps_what_it_has_when_the_loss_is_not_a_number(recipe, state, data):
    """The inputs of one batch in epoch 2 are so large that its loss overflows."""
    poisoned = data._replace(x=data.x.at[ORDER[2, 3, 0]].set(3e38))
    order = ORDER.at[:].set(jnp.where(ORDER[2, 3, 0] == ORDER, ORDER[2, 3, 1], ORDER))
    order = order.at[2, 3, 0].set(ORDER[2, 3, 0])
    stopped, _ = training.train(recipe, state, poisoned, None, order)
    assert stopped.failed_at.tolist() == [2, 3]
    two_epochs, _ = training.train(recipe, state, poisoned, None, order[:2])
    three_steps, _ = training.train(recipe, two_epochs, poisoned, None, order[2:3, :3])
    for ours, theirs in (
        (stopped.variables, three_steps.variables),
        (stopped.optimiser, three_steps.optimiser),
    ):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), ours, theirs)


def test_failure_is_remembered_by_the_next_call(recipe, state, data):
    broken = state._replace(variables=jax.tree.map(lambda leaf: leaf * 1e30, state.variables))
    first, _ = training.train(recipe, broken, data, None, ORDER)
    second, _ = training.train(recipe, first, data, None, ORDER)
    assert first.failed_at.tolist() == second.failed_at.tolist() == [0, 0]
    chex.assert_trees_all_equal(second.variables, broken.variables)


def test_failure_in_a_later_call_counts_all_epochs(recipe, state, data):
    later, _ = training.train(recipe, state, data, None, ORDER)
    broken = later._replace(variables=jax.tree.map(lambda leaf: leaf * 1e30, later.variables))
    stopped, _ = training.train(recipe, broken, data, None, ORDER)
    assert stopped.failed_at.tolist() == [5, 0]


def test_precision_is_that_of_the_data(data):
    with jax.enable_x64(True):
        double = training.Examples(data.x.astype(jnp.float64), data.y)
        schedule = optax.piecewise_constant_schedule(0.1, {3: 0.5})
        recipe = training.Recipe(Classifier(), optax.sgd(schedule, momentum=0.9))
        fit = training.fit(jax.random.key(0), recipe, double, epochs=2, batch=12)
        assert {leaf.dtype for leaf in jax.tree.leaves(fit.state.variables)} == {jnp.dtype("float64")}
        assert fit.history.train.loss.dtype == jnp.float64


def with_nan(examples):
    return examples._replace(x=examples.x.at[17, 2].set(jnp.nan))


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda d: training.Examples(d.x[:0], d.y[:0]), "training data are empty"),
        (lambda d: d._replace(y=d.y[:50]), "60 inputs but 50 targets"),
        (with_nan, "training inputs contain NaN, first in example 17"),
        (lambda d: d._replace(y=d.y + 1), r"training labels must lie in 0\.\.2, got values from 1 to 3"),
        (lambda d: d._replace(y=d.y - 1), r"training labels must lie in 0\.\.2, got values from -1 to 1"),
    ],
)
def test_bad_data_are_told(recipe, state, data, spoil, message):
    with pytest.raises(ValueError, match=message):
        training.train(recipe, state, spoil(data), None, ORDER)


def test_bad_test_data_are_called_test_data(recipe, state, data):
    with pytest.raises(ValueError, match="test inputs contain NaN"):
        training.train(recipe, state, data, with_nan(data), ORDER)


@pytest.mark.parametrize(
    "order, message",
    [
        (ORDER + 1, r"order must hold indices in 0\.\.59, got values from 1 to 60"),
        (ORDER - 1, "got values from -1 to 58"),
        (ORDER[:0], "none empty"),
    ],
)
def test_bad_orders_are_told(recipe, state, data, order, message):
    with pytest.raises(ValueError, match=message):
        training.train(recipe, state, data, None, order)


def test_draws_must_match_the_order(recipe, state, data):
    keys = jax.random.split(jax.random.key(0), (5, 4))
    with pytest.raises(
        ValueError, match=r"draws must have the leading axes of order, \(5, 5\), got \(5, 4\)"
    ):
        training.train(recipe, state, data, None, ORDER, keys)


def test_train_may_capture_all_its_arguments_under_jit(recipe, state, data):
    compiled = jax.jit(lambda: training.train(recipe, state, data, data, ORDER))()
    direct = training.train(recipe, state, data, data, ORDER)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), compiled, direct)


@pytest.mark.parametrize("rate", [1e38, np.float32(1e38)])
def test_step_to_infinity_is_refused(rate):
    """The gradient, 4, is finite; what the step would make of it is not."""

    class Product(nn.Module):
        @nn.compact
        def __call__(self, x):
            return self.param("w", nn.initializers.ones, ()) * x

    recipe = training.Recipe(Product(), optax.sgd(rate), loss=training.squared_error, error=None)
    data = training.Examples(jnp.ones(2), jnp.zeros(2))
    start = training.start(recipe, {"params": {"w": jnp.array(1.0)}})
    stopped, _ = training.train(recipe, start, data, None, jnp.array([[[0, 1]]]))
    assert stopped.variables["params"]["w"] == 1
    assert stopped.failed_at.tolist() == [0, 0]


def test_infinity_in_the_optimiser_from_the_start_is_no_failure(recipe, state, data):
    """Some optimisers begin with the best loss so far, which is infinite."""
    remember = optax.GradientTransformation(lambda params: jnp.array(jnp.inf), lambda u, s, p=None: (u, s))
    recipe = training.Recipe(Classifier(), optax.chain(optax.sgd(0.1), remember))
    state = training.start(recipe, state.variables)
    trained, _ = jax.jit(lambda state: training.train(recipe, state, data, None, ORDER))(state)
    assert trained.failed_at.tolist() == [-1, -1]


@pytest.mark.parametrize("labels", ["column", "float", "too_large", "halves"])
def test_labels_that_are_no_labels_are_told(recipe, state, data, labels):
    y = {
        "column": data.y[:, None],
        "float": data.y + 5.0,
        "too_large": (data.y + 1).astype("uint8"),
        "halves": data.y / 2,
    }[labels]
    with pytest.raises(ValueError, match="training labels must"):
        training.train(recipe, state, data._replace(y=y), None, ORDER)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "float32"])
def test_labels_of_any_type_are_the_same_labels(recipe, state, data, dtype):
    expected = training.train(recipe, state, data, data, ORDER)
    other = data._replace(y=data.y.astype(dtype))
    chex.assert_trees_all_equal(training.train(recipe, state, other, other, ORDER), expected)


def test_numpy_in_is_the_same_as_jax_in(recipe, state, data):
    expected = training.train(recipe, state, data, data, ORDER)
    numpy = jax.tree.map(np.asarray, data)
    chex.assert_trees_all_equal(training.train(recipe, state, numpy, numpy, np.asarray(ORDER)), expected)


def test_missing_targets_are_told(recipe, state, data):
    with pytest.raises(ValueError, match="training data have no targets y"):
        training.train(recipe, state, training.Examples(data.x), None, ORDER)


def test_order_of_floats_is_told():
    with pytest.raises(ValueError, match="order must hold indices, that is integers, got float32"):
        validation.check_order(ORDER.astype(float), 60)


def test_second_training_of_the_same_shape_compiles_nothing(recipe, state, data):
    other = ORDER[:, ::-1]
    training.train(recipe, state, data, data, ORDER)
    with compilations() as compiled:
        training.train(recipe, state, data, data, other)
    assert compiled == []


def test_waiting_weights_are_bounded():
    """Ten pieces, or as many more as it takes to keep what waits within bounds."""
    small, large = (jax.ShapeDtypeStruct((size,), "float32") for size in (10**3, 10**7))
    assert engine._cut(100, 1, small)[0] == 10
    assert engine._cut(13, 1, small)[0] == 13
    assert engine._cut(100, 5, small)[0] == 10
    for epochs, every in ((100, 1), (13, 1), (97, 1), (100, 5), (997, 1)):
        length, waiting = engine._cut(epochs, every, large)
        assert epochs % length == length % every == 0
        assert waiting * (length // every) * 4 * 10**7 <= max(engine.WAITING_BYTES, 2 * 4 * 10**7)


def test_loss_is_traced_once_for_training_and_once_for_evaluation(recipe, state, data):
    """However many steps and epochs there are, and however often it is called."""
    loss = chex.assert_max_traces(training.cross_entropy, n=3)  # training, and evaluation on two sets
    counted = training.Recipe(Classifier(), optax.sgd(0.1, momentum=0.9), loss=loss)
    for order in (ORDER, ORDER[:, ::-1], ORDER[::-1]):
        training.train(counted, state, data, data, order)
