"""Full-batch gradient descent on MNIST-1D."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax import training
from udl_jax.ch08_performance import mnist1d
from udl_jax.ch20_why_it_works import full_batch
from udl_jax.data.mnist1d import load_mnist1d
from udl_jax.training.full_batch import take_full_batches

SMALL = full_batch.Settings(hidden=(8, 8), rate=0.05, steps=30, rows=64)


@pytest.fixture(scope="module")
def data():
    return load_mnist1d(num_samples=250)


@pytest.fixture(scope="module")
def fit(data):
    return full_batch.train_network(jax.random.key(0), data, SMALL)


def test_networks_have_almost_as_many_parameters():
    counts = [full_batch.count_parameters(full_batch.book_settings(layers).hidden) for layers in (1, 2, 3, 4)]
    assert counts == [15208, 15210, 15235, 15319]


def test_a_step_is_one_of_the_whole_gradient(data, fit):
    recipe = full_batch.make_recipe(SMALL)
    start = mnist1d.Settings(hidden=SMALL.hidden)
    params = mnist1d.draw_variables(jax.random.key(0), data, start)["params"]
    loss = lambda p: recipe.loss(recipe.model.apply({"params": p}, data.x_train), data.y_train)  # noqa: E731
    losses = []
    for _ in range(3):
        value, gradient = jax.value_and_grad(loss)(params)
        losses.append(value)
        params = jax.tree.map(lambda p, g: p - SMALL.rate * g, params, gradient)
    np.testing.assert_allclose(fit.history.loss[:3], losses, rtol=1e-5)


def test_the_loss_falls_at_every_step(fit):
    assert np.all(np.diff(fit.history.loss) < 0)
    assert fit.history.loss.shape == fit.history.error.shape == (30,)


def test_how_examples_are_cut_does_not_matter(data, fit):
    other = full_batch.Settings(hidden=(8, 8), rate=0.05, steps=30, rows=200)
    found = full_batch.train_network(jax.random.key(0), data, other)
    chex.assert_trees_all_close(found.history, fit.history, rtol=1e-4)


def test_a_kept_training_goes_on_to_the_identical_result(data, fit, tmp_path):
    first = full_batch.Settings(hidden=(8, 8), rate=0.05, steps=20, rows=64)
    kept = full_batch.train_network(jax.random.key(0), data, SMALL, directory=tmp_path / "all", chunk=10)
    chex.assert_trees_all_equal(jax.device_get(kept.history), jax.device_get(fit.history))
    full_batch.train_network(jax.random.key(0), data, first, directory=tmp_path / "killed", chunk=10)
    resumed = full_batch.train_network(
        jax.random.key(0), data, SMALL, directory=tmp_path / "killed", chunk=10
    )
    chex.assert_trees_all_equal(jax.device_get(resumed), jax.device_get(kept))


def test_another_training_does_not_go_on_in_its_place(data, tmp_path):
    full_batch.train_network(jax.random.key(0), data, SMALL, directory=tmp_path)
    with pytest.raises(ValueError, match="holds the checkpoints of another training"):
        full_batch.train_network(jax.random.key(1), data, SMALL, directory=tmp_path)


def test_a_second_training_compiles_nothing(data, fit):
    before = take_full_batches._cache_size()
    full_batch.train_network(jax.random.key(5), data, SMALL)
    assert take_full_batches._cache_size() == before


def test_side_by_side_is_one_after_the_other(data, fit, tmp_path):
    other = full_batch.Settings(hidden=(6,), rate=0.05, steps=12, rows=64)
    two, one = (
        full_batch.train_side_by_side(
            jax.random.key(0), data, [other, SMALL], threads=threads, directory=folder, progress=False
        )
        for threads, folder in ((2, tmp_path), (1, None))
    )
    chex.assert_trees_all_equal(two, one)
    chex.assert_trees_all_equal(two.train[1], jax.device_get(fit.history))
    recipe = full_batch.make_recipe(SMALL)
    outputs = training.predict(recipe.model, fit.state.variables, data.x_test)
    assert two.test[1].error == pytest.approx(float(training.percent_wrong(outputs, data.y_test)))
    assert {path.name for path in tmp_path.iterdir()} == {"hidden_6", "hidden_8_8"}


def test_precision_is_that_of_the_data(data):
    with jax.enable_x64():
        double = data._replace(x_train=jnp.asarray(data.x_train, "float64"))
        found = full_batch.train_network(jax.random.key(0), double, SMALL)
        assert found.history.loss.dtype == "float64"


def test_log_spaced_steps():
    steps = full_batch.log_spaced_steps(500_000, 400)
    assert steps[0] == 0
    assert steps[-1] == 499_999
    assert np.all(np.diff(steps) > 0)
    assert full_batch.log_spaced_steps(3, 50).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"hidden": ()}, "hidden"),
        ({"hidden": (3, 0)}, "hidden"),
        ({"rate": 0.0}, "rate must be positive"),
        ({"rate": float("nan")}, "rate must be positive"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"rows": 0}, "rows must be at least 1"),
        ({"classes": 0}, "classes must be at least 1"),
    ],
)
def test_unsound_settings_are_told(fault, message):
    with pytest.raises(ValueError, match=message):
        full_batch.Settings(**fault)


def test_what_the_book_has_not_is_told(data):
    with pytest.raises(ValueError, match="layers must be one of 1, 2, 3, 4, got 5"):
        full_batch.book_settings(5)
    with pytest.raises(ValueError, match="networks are none"):
        full_batch.train_side_by_side(jax.random.key(0), data, [])
    with pytest.raises(ValueError, match="threads must be at least 1"):
        full_batch.train_side_by_side(jax.random.key(0), data, [SMALL], threads=0)
    with pytest.raises(TypeError, match="it starts threads"):
        jax.jit(lambda key: full_batch.train_side_by_side(key, data, [SMALL]))(jax.random.key(0))
