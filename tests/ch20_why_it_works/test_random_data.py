import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch20_why_it_works import random_data
from udl_jax.data.mnist1d import load_mnist1d
from udl_jax.training import programs

SHORT = dataclasses.replace(random_data.BOOK, hidden=(60, 60), rate=0.05, epochs=8)


@pytest.fixture(scope="module")
def data():
    return load_mnist1d(num_samples=500)


@pytest.fixture(scope="module")
def trainings(data):
    return random_data.train_three(jax.random.key(0), data, SHORT)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_inputs_have_the_mean_and_deviation_of_all_inputs_together(dtype):
    with jax.enable_x64(dtype == np.float64):
        x = jnp.asarray(np.random.default_rng(0).normal(3, 2, (500, 40)) * np.linspace(0.1, 2, 40), dtype)
        found = random_data.draw_inputs(jax.random.key(0), x)
        assert found.dtype == dtype
        assert abs(found.mean() - x.mean()) < 0.05
        assert abs(found.std() / x.std() - 1) < 0.03
        assert x.std(axis=0).max() > 10 * x.std(axis=0).min()
        assert found.std(axis=0).max() < 1.3 * found.std(axis=0).min()  # columns are not told apart


def test_no_noise_is_the_mean_and_the_rest_does_not_matter():
    x = jnp.array([[1.0, 2.0], [3.0, 6.0]])
    np.testing.assert_array_equal(random_data.randomize_inputs(x, jnp.zeros((2, 2))), jnp.full((2, 2), 3.0))
    noise = jax.random.normal(jax.random.key(0), (2, 2))
    shuffled = random_data.randomize_inputs(x[::-1, ::-1], noise)
    np.testing.assert_allclose(random_data.randomize_inputs(x, noise), shuffled, rtol=1e-6)


def test_permuted_labels_keep_their_counts():
    y = jnp.asarray(np.random.default_rng(0).integers(0, 10, 1000))
    found = random_data.draw_labels(jax.random.key(0), y)
    np.testing.assert_array_equal(np.bincount(found), np.bincount(y))
    assert 0.05 < (found == y).mean() < 0.15


@pytest.mark.parametrize("share", [0, 0.25, 0.5, 1.0])
def test_a_share_of_the_labels_changes_hands(share):
    y = jnp.arange(400)
    found = random_data.draw_labels(jax.random.key(1), y, share)
    np.testing.assert_array_equal(np.sort(found), y)
    moved = (found != y).mean()
    assert share - 0.02 <= moved <= share


def test_share_is_traced_too():
    y, order = jnp.arange(6), jnp.array([3, 1, 5, 0, 2, 4])
    shares = jnp.array([0.0, 0.5, 1.0])
    found = jax.vmap(random_data.permute_labels, in_axes=(None, None, 0))(y, order, shares)
    for row, share in zip(found, (0, 0.5, 1)):
        np.testing.assert_array_equal(row, random_data.permute_labels(y, order, share))
    np.testing.assert_array_equal(found[2], order)


def test_three_trainings_are_one_program(data, trainings):
    caches = [programs.scan_weights._cache_size(), programs.report_epochs._cache_size()]
    random_data.train_three(jax.random.key(1), data, SHORT)
    assert [programs.scan_weights._cache_size(), programs.report_epochs._cache_size()] == caches
    for fit in trainings:
        assert fit.history.train.loss.shape == (8,)


def test_they_start_alike_and_permuted_labels_are_the_hardest(trainings):
    true, inputs, labels = (fit.history.train.loss for fit in trainings)
    assert labels[-1] > 1.2 * true[-1]
    assert all(loss[-1] < loss[0] for loss in (true, inputs, labels))
    assert not np.array_equal(true, inputs)


def test_what_is_learnt_from_random_labels_is_of_no_use(trainings):
    assert trainings.true.history.test.error[-1] < 75
    assert trainings.random_labels.history.test.error[-1] > 75


def test_margins_are_positive_where_the_class_is_right():
    scores = jax.random.normal(jax.random.key(0), (50, 10))
    y = jax.random.randint(jax.random.key(1), (50,), 0, 10)
    found = random_data.margins(scores, y)
    np.testing.assert_array_equal(found > 0, scores.argmax(axis=1) == y)
    np.testing.assert_allclose(random_data.margins(scores + 5, y), found, atol=1e-5)
    assert found.shape == (50,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: random_data.permute_labels(jnp.arange(3), jnp.array([0, 0, 1])),
            "order must be a permutation",
        ),
        (lambda: random_data.permute_labels(jnp.arange(3), jnp.arange(4)), "order must have the shape"),
        (lambda: random_data.permute_labels(jnp.arange(3), jnp.arange(3), 1.5), "share must be at most 1"),
        (
            lambda: random_data.permute_labels(jnp.arange(3), jnp.arange(3), -0.5),
            "share must not be negative",
        ),
        (
            lambda: random_data.randomize_inputs(jnp.ones((3, 2)), jnp.ones((2, 3))),
            "noise must have the shape",
        ),
        (lambda: random_data.randomize_inputs(jnp.ones((0, 2)), jnp.ones((0, 2))), "x must not be empty"),
        (lambda: random_data.margins(jnp.ones((3, 1)), jnp.zeros(3, int)), "two classes at least"),
        (
            lambda: random_data.margins(jnp.ones((3, 2)), jnp.array([0, 1, 2])),
            r"y must be labels in 0\.\.1, got 2",
        ),
    ],
)
def test_what_does_not_fit_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_no_data_are_told(data):
    with pytest.raises(ValueError, match=r"empty|larger than the data"):
        random_data.train_three(
            jax.random.key(0), data._replace(x_train=data.x_train[:0], y_train=data.y_train[:0]), SHORT
        )
