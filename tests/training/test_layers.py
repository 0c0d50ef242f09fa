import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax._annotations import as_key
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork

RECIPE = training.Recipe(DeepNetwork((8, 2)), optax.sgd(0.1))


@pytest.fixture
def data():
    x = jax.random.normal(jax.random.key(0), (30, 3))
    return training.Examples(x, (x[:, 0] > 0).astype(int))


def test_every_epoch_visits_every_example_once():
    order = training.draw_order(jax.random.key(0), examples=100, epochs=3, batch=20)
    assert order.shape == (3, 5, 20)
    assert jnp.all(jnp.sort(order.reshape(3, 100)) == jnp.arange(100))


def test_epochs_differ_and_keys_decide():
    draw = lambda seed: training.draw_order(jax.random.key(seed), examples=100, epochs=2, batch=20)  # noqa: E731
    assert jnp.any(draw(0)[0] != draw(0)[1])
    assert jnp.all(draw(0) == draw(0))
    assert jnp.any(draw(0) != draw(1))


def test_first_visited_is_uniform():
    order = training.draw_order(jax.random.key(0), examples=4, epochs=4000, batch=4)
    counts = jnp.bincount(order[:, 0, 0], length=4)
    np.testing.assert_allclose(counts, 1000, atol=120)  # 4.4 standard deviations


def test_drop_leaves_the_rest_out():
    order = training.draw_order(jax.random.key(0), examples=10, epochs=2, batch=4, remainder="drop")
    assert order.shape == (2, 2, 4)
    assert all(len(set(epoch.ravel().tolist())) == 8 for epoch in order)


def test_wrap_begins_again():
    order = training.draw_order(jax.random.key(0), examples=10, epochs=2, batch=4, remainder="wrap")
    visited = order.reshape(2, 12)
    assert jnp.all(jnp.sort(visited[:, :10]) == jnp.arange(10))
    assert jnp.all(visited[:, 10:] == visited[:, :2])


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"examples": 10, "epochs": 1, "batch": 11}, "a batch of 11 is larger than the data, which have 10"),
        ({"examples": 10, "epochs": 1, "batch": 4}, "does not divide 10 examples: say remainder='drop'"),
        ({"examples": 10, "epochs": 0, "batch": 5}, "epochs must be at least 1, got 0"),
        ({"examples": 10, "epochs": 1, "batch": 0}, "batch must be at least 1, got 0"),
        (
            {"examples": 10, "epochs": 1, "batch": 5, "remainder": "keep"},
            "remainder must be one of",
        ),
    ],
)
def test_impossible_orders_are_told(settings, message):
    with pytest.raises(ValueError, match=message):
        training.draw_order(jax.random.key(0), **settings)


def test_fit_is_decided_by_its_key(data):
    first, again = (training.fit(jax.random.key(0), RECIPE, data, epochs=2, batch=10) for _ in range(2))
    other = training.fit(jax.random.key(1), RECIPE, data, epochs=2, batch=10)
    jax.tree.map(np.testing.assert_array_equal, first, again)
    assert first.history.train.loss[-1] != other.history.train.loss[-1]


def test_fit_tells_empty_data(data):
    with pytest.raises(ValueError, match="training data are empty"):
        training.fit(jax.random.key(0), RECIPE, training.Examples(data.x[:0], data.y[:0]), epochs=1, batch=1)


@pytest.mark.parametrize("replicas", [1, 2, 5])
def test_replicas_are_the_trainings_of_their_keys(data, replicas):
    """Five do not divide among the two devices of the tests."""
    keys = jax.random.split(jax.random.key(3), replicas)
    many = training.fit_replicas(keys, RECIPE, data, data, epochs=3, batch=10)
    assert many.history.test.loss.shape == (replicas, 3)
    for number, key in enumerate(keys):
        one = training.fit(key, RECIPE, data, data, epochs=3, batch=10)
        np.testing.assert_allclose(many.history.test.loss[number], one.history.test.loss, rtol=1e-4)


def test_replicas_are_shared_out_over_all_devices(data):
    assert len(jax.devices()) == 2
    many = training.fit_replicas(jax.random.split(jax.random.key(3), 4), RECIPE, data, epochs=1, batch=10)
    assert len(many.history.train.loss.sharding.device_set) == 2


def test_replicas_may_differ_in_learning_rate(data):
    """The optimiser's state carries the rate, so one compiled program serves a sweep."""
    recipe = training.Recipe(RECIPE.model, optax.inject_hyperparams(optax.sgd)(learning_rate=0.0))
    start = training.start(recipe, recipe.model.init(jax.random.key(0), data.x))
    states = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), start)
    states.optimiser.hyperparams["learning_rate"] = jnp.array([0.0, 0.1])
    order = training.draw_order(jax.random.key(0), examples=30, epochs=3, batch=10)
    _, history = training.train_replicas(recipe, states, data, None, jnp.stack([order, order]))
    assert jnp.all(history.train.loss[0] == history.train.loss[0, 0])
    assert history.train.loss[1, -1] < history.train.loss[1, 0]


def test_states_and_orders_must_be_equally_many(data):
    start = training.start(RECIPE, RECIPE.model.init(jax.random.key(0), data.x))
    states = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), start)
    orders = jnp.stack([training.draw_order(jax.random.key(0), examples=30, epochs=1, batch=10)] * 2)
    with pytest.raises(ValueError, match="there are 3 states but 2 orders"):
        training.train_replicas(RECIPE, states, data, None, orders)


def test_keys_of_the_old_kind_are_keys(data):
    typed = training.fit(jax.random.key(3), RECIPE, data, epochs=2, batch=10, dropout=True)
    raw = training.fit(jax.random.PRNGKey(3), RECIPE, data, epochs=2, batch=10, dropout=True)
    jax.tree.map(np.testing.assert_array_equal, raw, typed)
    many = training.fit_replicas(
        jax.random.split(jax.random.PRNGKey(3), 2), RECIPE, data, epochs=1, batch=10, dropout=True
    )
    assert jnp.isfinite(many.history.train.loss).all()


@pytest.mark.parametrize("key", [0, np.zeros(2), jnp.zeros((), "uint32")])
def test_what_is_no_key_is_told(key):
    with pytest.raises(TypeError, match="key must come from"):
        as_key("key", key)


def test_no_replicas_are_told(data):
    with pytest.raises(ValueError, match="keys must be one for each replica"):
        training.fit_replicas(jax.random.split(jax.random.key(0), 0), RECIPE, data, epochs=1, batch=10)


def test_draws_of_two_kinds_are_told(data):
    with pytest.raises(ValueError, match="ask for one of them"):
        training.fit(
            jax.random.key(0), RECIPE, data, epochs=1, batch=10, dropout=True, draw=jax.random.normal
        )
