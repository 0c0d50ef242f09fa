import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax.ch08_performance.mnist1d import split
from udl_jax.ch20_why_it_works import pruning
from udl_jax.ch20_why_it_works import sparse_network as sparse
from udl_jax.data.mnist1d import load_mnist1d

SHORT = sparse.Settings(hidden=12, sparsities=(0.0, 0.5), updates=23, every=10, prune_at=10, batch=40)


@pytest.fixture(scope="module")
def data():
    return load_mnist1d(num_samples=300)


@pytest.fixture(scope="module")
def start(data):
    params = sparse.draw_initial(jax.random.key(0), data, SHORT)
    return params, pruning.layer_masks(jax.tree.map(jnp.abs, params), jnp.array([200, 60, 40]))


def test_the_network_is_two_layers_with_a_residual_connection(data, start):
    params, x = start[0], data.x_train[:5]
    linear = [lambda x, p=params[f"linear_{k}"]: x @ p["kernel"] + p["bias"] for k in range(3)]
    h = jax.nn.relu(linear[0](x))
    expected = linear[2](h + jax.nn.relu(linear[1](h)))
    found = sparse.ResidualMlp(12).apply({"params": params}, x)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_first_weights_are_pytorchs(data):
    params = sparse.draw_initial(jax.random.key(0), data, sparse.Settings(hidden=300))
    for name, inputs in (("linear_0", 40), ("linear_1", 300), ("linear_2", 300)):
        for leaf in params[name].values():
            assert 0.9 / inputs**0.5 < jnp.abs(leaf).max() <= 1 / inputs**0.5


def test_several_keys_give_what_each_gives(data):
    keys = jax.random.split(jax.random.key(3), 2)
    both = sparse.draw_initial(keys, data, SHORT)
    second = sparse.draw_initial(keys[1], data, SHORT)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[1], b), both, second)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_retraining_is_adam_on_batches_in_the_order_of_the_data(data, start, dtype):
    with jax.enable_x64(dtype == "float64"):
        params, masks = jax.tree.map(lambda a: a.astype(dtype) if a.dtype != bool else a, start)
        examples = [e._replace(x=jnp.asarray(e.x, dtype)) for e in split(data)]
        found = sparse.retrain(params, masks, *examples, SHORT)
        network, adam = sparse.ResidualMlp(12), optax.adam(0.02)

        # The notebook's way: masked weights move in a step, and are set back to zero before the next.
        @jax.jit
        def step(params, moments, x, y):
            params = pruning.masked(params, masks)

            def loss(params):
                return training.cross_entropy(network.apply({"params": params}, x), y), None

            return training.take_step(adam, loss, params, moments)

        moments, losses, kept = adam.init(params), [], None
        for number in range(23):
            rows = slice(40 * number % 240, 40 * number % 240 + 40)
            done = step(params, moments, examples[0].x[rows], examples[0].y[rows])
            params, moments = done.params, done.optimiser
            losses.append(done.loss)
            if number == 10:
                kept = pruning.masked(params, masks)
        tolerance = {"float32": 1e-3, "float64": 1e-9}[dtype]
        np.testing.assert_allclose(found.batch_loss, np.array(losses), rtol=tolerance)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), found.kept, kept
        )
        assert found.batch_loss.dtype == found.history.test.loss.dtype == dtype


def test_evaluations_are_after_the_first_step_and_every_so_many(data, start):
    found = sparse.retrain(*start, *split(data), SHORT)
    assert SHORT.evaluated.tolist() == [0, 10, 20]
    assert found.history.train.loss.shape == found.history.test.error.shape == (3,)
    fewer = sparse.retrain(*start, *split(data), dataclasses.replace(SHORT, updates=11))
    np.testing.assert_allclose(fewer.history.test.loss, found.history.test.loss[:2], rtol=1e-5)
    scores = sparse.ResidualMlp(12).apply({"params": found.kept}, data.x_test)
    np.testing.assert_allclose(found.history.test.error[1], training.percent_wrong(scores, data.y_test))


def test_masked_parameters_are_zero_and_stay_so(data, start):
    found = sparse.retrain(*start, *split(data), SHORT)
    jax.tree.map(lambda w, m: np.testing.assert_array_equal((w == 0), ~m), found.kept, start[1])


def test_nothing_left_is_chance(data, start):
    nothing = jax.tree.map(jnp.zeros_like, start[1])
    found = sparse.retrain(start[0], nothing, *split(data), SHORT)
    np.testing.assert_allclose(found.batch_loss, np.log(10), rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsities": (0.0, 1.2)}, r"sparsities must lie in \[0, 1\], got 1.2"),
        ({"sparsities": (-0.1,)}, r"sparsities must lie in \[0, 1\], got -0.1"),
        ({"sparsities": (float("nan"),)}, r"sparsities must lie in \[0, 1\], got nan"),
        ({"sparsities": ()}, "sparsities must name a round at least"),
        ({"sparsities": (0.5, 0.2)}, "sparsities must not fall"),
        ({"prune_at": 150}, "prune_at must be a multiple of the 100 steps"),
        ({"updates": 900}, "prune_at must be a multiple of the 100 steps"),
        ({"rate": 0.0}, "rate must be positive"),
        ({"hidden": 0}, "hidden must be at least 1"),
    ],
)
def test_impossible_settings_are_told(settings, message):
    with pytest.raises(ValueError, match=message):
        sparse.Settings(**settings)


def test_data_that_do_not_fit_are_told(data, start):
    train, test = split(data)
    with pytest.raises(ValueError, match="a batch of 70 does not divide 240 training examples"):
        sparse.retrain(*start, train, test, dataclasses.replace(SHORT, batch=70))
    with pytest.raises(ValueError, match="training data are empty"):
        sparse.retrain(*start, training.Examples(train.x[:0], train.y[:0]), test, SHORT)
    with pytest.raises(ValueError, match="test data have 60 inputs but 59 targets"):
        sparse.retrain(*start, train, test._replace(y=test.y[1:]), SHORT)
    with pytest.raises(ValueError, match="masks must have the names and shapes of the parameters"):
        sparse.retrain(start[0], jax.tree.map(lambda m: m[:1], start[1]), train, test, SHORT)
