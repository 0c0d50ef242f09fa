import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax.ch02_supervised_learning import linear_regression as lr
from udl_jax.data import toy

X, Y = toy.linear_regression_points()


def test_loss_is_zero_on_the_line_itself():
    phi = jnp.array([0.3, -1.2])
    assert lr.least_squares_loss(phi, X, lr.predict(phi, X)) == 0


def test_surface_has_slopes_as_rows():
    phi_0, phi_1 = jnp.linspace(0, 1, 4), jnp.linspace(-1, 1, 7)
    losses = lr.loss_surface(phi_0, phi_1, X, Y)
    assert losses.shape == (7, 4)
    at_one_point = lr.least_squares_loss(jnp.array([phi_0[1], phi_1[5]]), X, Y)
    np.testing.assert_allclose(losses[5, 1], at_one_point, rtol=1e-6)


def test_gradient_vanishes_at_the_closed_form():
    slope = jax.grad(lr.least_squares_loss)(lr.closed_form(X, Y), X, Y)
    np.testing.assert_allclose(slope, 0, atol=1e-5)


def test_coordinate_descent_never_climbs_and_arrives():
    path = lr.coordinate_descent(jnp.array([1.6, -0.8]), X, Y, sweeps=60)
    losses = jax.vmap(lr.least_squares_loss, (0, None, None))(path, X, Y)
    assert jnp.all(jnp.diff(losses) <= 1e-6)
    np.testing.assert_allclose(path[-1], lr.closed_form(X, Y), atol=1e-4)


def test_coordinate_descent_moves_along_one_axis_at_a_time():
    moves = jnp.diff(lr.coordinate_descent(jnp.array([1.6, -0.8]), X, Y, sweeps=3), axis=0)
    assert jnp.all((moves != 0) == jnp.tile(jnp.eye(2, dtype=bool), (3, 1)))


def test_gradient_descent_goes_where_flax_and_optax_go():
    start = jnp.array([1.6, -0.8])
    path = lr.gradient_descent(start, X, Y, rate=0.02, steps=25)
    recipe = training.Recipe(lr.LinearRegression(), optax.sgd(0.02), training.squared_error, error=None)
    state = training.start(recipe, {"params": {"phi": start}})
    order = jnp.tile(jnp.arange(12), (25, 1, 1))
    state, _ = training.train(recipe, state, training.Examples(X, Y), None, order)
    np.testing.assert_allclose(path[-1], state.variables["params"]["phi"], rtol=1e-5)


def test_no_sweeps_leave_the_start():
    start = jnp.array([1.6, -0.8])
    assert jnp.array_equal(lr.coordinate_descent(start, X, Y, sweeps=0), start[None])


def test_flax_model_is_trained_to_the_closed_form():
    recipe = training.Recipe(lr.LinearRegression(), optax.sgd(0.02), training.squared_error, error=None)
    state = training.start(recipe, recipe.model.init(jax.random.key(0), X))
    order = jnp.tile(jnp.arange(12), (1000, 1, 1))
    state, history = training.train(recipe, state, training.Examples(X, Y), None, order)
    np.testing.assert_allclose(state.variables["params"]["phi"], lr.closed_form(X, Y), atol=1e-4)
    assert history.test is None


def test_parameters_have_the_dtype_of_the_data():
    with jax.enable_x64(True):
        x = jnp.zeros(3, jnp.float64)
        assert lr.LinearRegression().init(jax.random.key(0), x)["params"]["phi"].dtype == x.dtype


@pytest.mark.parametrize("pairs", [0, 1])
def test_too_few_pairs_are_told(pairs):
    with pytest.raises(ValueError, match=f"a line needs two pairs .* got {pairs}"):
        lr.closed_form(jnp.ones(pairs), jnp.ones(pairs))


@pytest.mark.parametrize("shape", [(3, 1), (1, 3), (2,), ()])
def test_outputs_of_another_shape_do_not_broadcast(shape):
    phi, x, y = jnp.ones(2), jnp.arange(3.0), jnp.ones(shape)
    for loss in (lr.least_squares_loss, jax.jit(lr.least_squares_loss)):
        with pytest.raises(ValueError, match=r"y must have the shape \(batch\), where batch is 3 as in x"):
            loss(phi, x, y)


@pytest.mark.parametrize("steps", [-1, 2.0, None])
def test_steps_that_cannot_be_taken_are_told(steps):
    phi, x = jnp.ones(2), jnp.arange(3.0)
    with pytest.raises((TypeError, ValueError), match="steps must"):
        lr.gradient_descent(phi, x, x, 0.1, steps)
    with pytest.raises((TypeError, ValueError), match="sweeps must"):
        lr.coordinate_descent(phi, x, x, steps)


def test_where_the_loss_is_flat_coordinate_descent_stays():
    path = lr.coordinate_descent(jnp.ones(2), jnp.zeros(2), jnp.array([1.0, 2.0]), sweeps=1)
    np.testing.assert_allclose(path, [[1, 1], [1.5, 1], [1.5, 1]])


def test_a_rate_does_not_decide_the_precision():
    phi, x = jnp.ones(2, "bfloat16"), jnp.arange(3, dtype="bfloat16")
    for rate in (0.1, np.float64(0.1), np.float32(0.1), jnp.array(0.1)):
        assert lr.gradient_descent(phi, x, x, rate, steps=2).dtype == "bfloat16"
