import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax import training
from udl_jax.ch08_performance import mnist1d
from udl_jax.ch09_regularization import augmentation
from udl_jax.data.mnist1d import load_mnist1d

X = np.random.default_rng(0).normal(size=(6, 40)).astype(np.float32)


@pytest.fixture(scope="module")
def data():
    return load_mnist1d(num_samples=100)


def test_signals_are_rolled_as_numpy_rolls_them():
    shifts = np.array([0, 1, 39, -1, 40, 1003])
    ours = augmentation.augment(X, shifts, np.ones(6, np.float32))
    np.testing.assert_array_equal(ours, [np.roll(row, shift) for row, shift in zip(X, shifts)])


def test_factors_multiply():
    factors = np.array([1, 2, 0, -1, 0.5, 10], np.float32)
    ours = augmentation.augment(X, np.zeros(6, int), factors)
    np.testing.assert_array_equal(ours, X * factors[:, None])


def test_changes_can_be_undone():
    shifts, factors = np.arange(6), np.linspace(0.8, 1.2, 6, dtype=np.float32)
    there = augmentation.augment(X, shifts, factors)
    np.testing.assert_allclose(augmentation.augment(there, -shifts, 1 / factors), X, rtol=1e-5)


def test_copies_follow_the_originals_with_their_labels(data):
    draws = augmentation.Draws(jnp.array([3, 3, 0]), jnp.array([0, 5, 0]), jnp.array([1.0, 1.0, 2.0]))
    more = augmentation.augment_data(data, draws)
    np.testing.assert_array_equal(more.x_train[:80], data.x_train)
    np.testing.assert_array_equal(more.x_train[80], data.x_train[3])
    np.testing.assert_array_equal(more.x_train[81], np.roll(data.x_train[3], 5))
    np.testing.assert_array_equal(more.x_train[82], 2 * data.x_train[0])
    np.testing.assert_array_equal(more.y_train[80:], data.y_train[jnp.array([3, 3, 0])])
    np.testing.assert_array_equal(more.x_test, data.x_test)


def test_draws_reach_all_signals_positions_and_factors(data):
    draws = augmentation.draw(jax.random.key(0), data, copies=4000)
    assert set(np.asarray(draws.indices)) == set(range(80))
    assert set(np.asarray(draws.shifts)) == set(range(40))
    assert 0.8 <= draws.factors.min() < 0.81
    assert 1.19 < draws.factors.max() <= 1.2


def test_equal_scales_leave_signals_their_size(data):
    draws = augmentation.draw(jax.random.key(0), data, copies=50, scales=(1.0, 1.0))
    np.testing.assert_array_equal(draws.factors, 1)


def test_dtype_is_that_of_the_data_and_jit_changes_nothing(data):
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            cast = data._replace(x_train=data.x_train.astype(dtype))
            more = augmentation.augment_data(cast, augmentation.draw(jax.random.key(0), cast, 5))
            assert more.x_train.dtype == jnp.dtype(dtype)
    shifts, factors = np.arange(6), np.ones(6, np.float32)
    plain = augmentation.augment(X, shifts, factors)
    np.testing.assert_array_equal(jax.jit(augmentation.augment)(X, shifts, factors), plain)


def test_the_book_s_rate_never_changes():
    optimiser = mnist1d.make_recipe(mnist1d.Settings(hidden=(4,), decay=1.0, momentum=0.0)).optimiser
    state, rates = optimiser.init(jnp.zeros(())), []
    for _ in range(3):
        update, state = optimiser.update(jnp.ones(()), state, jnp.zeros(()))
        rates.append(-update)
    np.testing.assert_allclose(rates, 0.05, rtol=1e-6)
    assert mnist1d.Settings(hidden=(200, 200), decay=1.0) == augmentation.BOOK


def test_objective_is_the_loss_of_the_changed_batch(data):
    settings = mnist1d.Settings(hidden=(8,), batch=20)
    model = mnist1d.make_recipe(settings, examples=80).model
    variables = mnist1d.draw_variables(jax.random.key(0), data, settings)
    batch = training.Examples(data.x_train[:5], data.y_train[:5])
    draws = augmentation.draw(jax.random.key(1), data, 5)
    loss, collections = augmentation.changing_objective(model, variables, batch, draws)
    outputs = model.apply(variables, augmentation.augment(batch.x, draws.shifts, draws.factors))
    np.testing.assert_allclose(loss, training.cross_entropy(outputs, batch.y), rtol=1e-6)
    assert collections == {}


def test_changes_of_nothing_are_plain_training(data):
    """With shifts of zero and factors of one, the objective is the engine's own."""
    settings = mnist1d.Settings(hidden=(8,), epochs=3, batch=20)
    still = data._replace(x_train=data.x_train.at[:].set(data.x_train[:, :1]))  # rolled signals are the same
    changing = augmentation.train_on_changing_data(jax.random.key(0), still, settings, scales=(1.0, 1.0))
    plain = mnist1d.train_network(jax.random.key(0), still, settings)
    np.testing.assert_allclose(changing.history.train.loss, plain.history.train.loss, rtol=1e-4)
    np.testing.assert_allclose(changing.history.test.error, plain.history.test.error, atol=1e-3)


def test_bad_input_is_told(data):
    ones = np.ones(3, np.float32)
    with pytest.raises(
        ValueError, match=r"factors must have the shape \(batch\), where batch is 6 as in x, got \(3,\)"
    ):
        augmentation.augment(X, np.zeros(6, int), ones)
    with pytest.raises(TypeError, match="shifts must hold integers, got float32"):
        augmentation.augment(X[:3], ones, ones)
    with pytest.raises(ValueError, match=r"indices must be in 0..79, got 80"):
        augmentation.augment_data(data, augmentation.Draws(np.array([80]), np.array([0]), ones[:1]))
    with pytest.raises(ValueError, match="copies must be at least 1, got 0"):
        augmentation.draw(jax.random.key(0), data, copies=0)
    with pytest.raises(ValueError, match=r"scales must be in rising order, got \(1.2, 0.8\)"):
        augmentation.draw(jax.random.key(0), data, scales=(1.2, 0.8))
