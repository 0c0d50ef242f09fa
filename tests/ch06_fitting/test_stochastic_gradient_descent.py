import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax.ch06_fitting import gabor, gradient_descent
from udl_jax.ch06_fitting import stochastic_gradient_descent as stochastic
from udl_jax.data import toy

X, Y = toy.gabor_points()
START = jnp.array([3.5, 6.5])
BATCHES = jnp.asarray(np.random.default_rng(0).permuted(np.tile(np.arange(30), (9, 1)), axis=1)[:, :5])


def path(optimiser, batches):
    return stochastic.descend_in_batches(optimiser, gabor.gradient, START, X, Y, batches)


@pytest.mark.parametrize("rate", [0.1, stochastic.decay_in_steps(0.1, 0.5, every=3)])
def test_sgd_is_that_of_optax(rate):
    assert jnp.array_equal(path(stochastic.sgd(rate), BATCHES), path(optax.sgd(rate), BATCHES))


def test_one_batch_of_everything_is_gradient_descent():
    everything = jnp.tile(jnp.arange(30), (10, 1))
    descent = gradient_descent.descend(
        stochastic.sgd(0.1), jax.grad(lambda phi: gabor.least_squares_loss(phi, X, Y)), START, 10
    )
    np.testing.assert_allclose(path(stochastic.sgd(0.1), everything), descent, rtol=1e-4)


def test_order_within_a_batch_does_not_matter():
    np.testing.assert_allclose(
        path(stochastic.sgd(0.1), BATCHES), path(stochastic.sgd(0.1), BATCHES[:, ::-1]), rtol=1e-4
    )


def test_gradient_is_right_on_average():
    """Over all examples, batches of one add up to the whole gradient, so their mean is 1/30 of it."""
    singly = jax.jit(jax.vmap(lambda i: gabor.gradient(START, X[i], Y[i])))(np.arange(30)[:, None])
    np.testing.assert_allclose(singly.mean(0) * 30, gabor.gradient(START, X, Y), rtol=1e-4)


def test_engine_takes_the_same_path():
    recipe = training.Recipe(gabor.GaborModel(), stochastic.sgd(0.1), training.squared_error, error=None)
    state = training.start(recipe, {"params": {"phi": START}})
    state, _ = training.train(recipe, state, training.Examples(X, Y), None, BATCHES.reshape(3, 3, 5))
    np.testing.assert_allclose(
        state.variables["params"]["phi"], path(stochastic.sgd(0.1), BATCHES)[-1], rtol=1e-4
    )


def test_schedule_is_a_staircase():
    rates = stochastic.decay_in_steps(0.8, 0.5, every=4)(jnp.arange(12))
    np.testing.assert_allclose(rates, np.repeat([0.8, 0.4, 0.2], 4), rtol=1e-6)


def test_schedule_of_every_step_is_geometric():
    rates = stochastic.decay_in_steps(1.0, 0.9, every=1)(jnp.arange(20))
    np.testing.assert_allclose(rates[1:] / rates[:-1], 0.9, rtol=1e-5)


def test_schedule_is_optaxs_staircase_but_in_full_precision():
    with jax.enable_x64(True):
        count = jnp.arange(20, dtype=jnp.int32)
        ours = stochastic.decay_in_steps(0.8, 0.3, every=8)(count)
        constant = optax.piecewise_constant_schedule(0.8, {8: 0.3, 16: 0.3})(count)
        exponential = optax.exponential_decay(0.8, 8, 0.3, staircase=True)(count)
        np.testing.assert_allclose(ours, constant, rtol=1e-15)
        np.testing.assert_allclose(ours, exponential, rtol=1e-6)
        assert ours.dtype == jnp.float64
        assert exponential.dtype == jnp.float32


def test_batches_have_no_example_twice():
    batches = stochastic.draw_batches(jax.random.key(0), examples=12, batch=5, steps=200)
    assert batches.shape == (200, 5)
    assert batches.min() == 0
    assert batches.max() == 11
    assert np.all(np.diff(np.sort(batches, axis=1), axis=1) > 0)


def test_batches_show_every_example_equally_often_in_the_long_run():
    batches = stochastic.draw_batches(jax.random.key(0), examples=6, batch=2, steps=6000)
    counts = np.bincount(np.ravel(batches))
    np.testing.assert_allclose(counts, 2000, atol=200)


def test_batches_follow_from_the_key():
    draw = [stochastic.draw_batches(jax.random.key(k), 30, 5, 10) for k in (0, 0, 1)]
    assert jnp.array_equal(draw[0], draw[1])
    assert not jnp.array_equal(draw[0], draw[2])


def test_no_batches_leave_the_start():
    assert jnp.array_equal(path(stochastic.sgd(0.1), jnp.zeros((0, 5), int)), START[None])


@pytest.mark.parametrize("batch", [0, 31])
def test_batch_of_impossible_size_is_told(batch):
    with pytest.raises(ValueError, match=rf"batch must lie in 1\.\.30, the number of examples, got {batch}"):
        stochastic.draw_batches(jax.random.key(0), 30, batch, 10)


def test_negative_steps_are_told():
    with pytest.raises(ValueError, match="steps must not be negative, got -2"):
        stochastic.draw_batches(jax.random.key(0), 30, 5, -2)


@pytest.mark.parametrize("index", [-1, 30])
def test_index_out_of_range_is_told(index):
    with pytest.raises(ValueError, match=r"batches must be indices in 0\.\.29"):
        path(stochastic.sgd(0.1), jnp.array([[0, index]]))


def test_unequal_lengths_are_told():
    with pytest.raises(ValueError, match="there are 30 inputs but 29 outputs"):
        stochastic.descend_in_batches(
            stochastic.sgd(0.1), gabor.gradient, START, X, Y[:29], jnp.zeros((1, 2), int)
        )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((-0.1, 0.5, 4), "rate must not be negative, got -0.1"),
        ((0.1, 0.0, 4), "factor must be positive, got 0.0"),
        ((0.1, 0.5, 0), "every must be at least 1, got 0"),
    ],
)
def test_bad_schedules_are_told(settings, message):
    with pytest.raises(ValueError, match=message):
        stochastic.decay_in_steps(*settings)


@pytest.mark.parametrize("rate", [-1.0, float("nan")])
def test_negative_rate_is_told(rate):
    with pytest.raises(ValueError, match="rate must not be negative"):
        stochastic.sgd(rate)


def test_numpy_arrays_and_lists_serve_as_batches():
    batches = [[0, 1], [2, 3]]
    expected = path(stochastic.sgd(0.1), jnp.array(batches))
    x, y = np.asarray(X), np.asarray(Y)
    for wrap in (np.array, list, lambda b: np.array(b, "uint8")):
        found = stochastic.descend_in_batches(
            stochastic.sgd(0.1), gabor.gradient, np.asarray(START), x, y, wrap(batches)
        )
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(TypeError, match="batches must hold integers, got float"):
        path(stochastic.sgd(0.1), np.array([[0.0, 1.0]]))
