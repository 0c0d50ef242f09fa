import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax.ch02_supervised_learning import linear_regression as lr
from udl_jax.ch06_fitting import gradient_descent as gd
from udl_jax.data import toy

X, Y = toy.linear_regression_points()
START = jnp.array([1.6, -0.5])
HESSIAN = jnp.array([[2.0, 0.5], [0.5, 4.0]])


def loss(phi):
    return lr.least_squares_loss(phi, X, Y)


def gradient(phi):
    return gd.least_squares_gradient(phi, X, Y)


def quadratic(phi):
    return phi @ HESSIAN @ phi / 2


def test_gradient_by_hand_is_that_of_jax():
    with jax.enable_x64(True):
        x, y = (jnp.asarray(np.asarray(a), jnp.float64) for a in (X, Y))
        phis = jnp.asarray(np.random.default_rng(0).normal(size=(50, 2)))
        by_hand = jax.jit(jax.vmap(gd.least_squares_gradient, (0, None, None)))(phis, x, y)
        by_jax = jax.jit(jax.vmap(jax.grad(lr.least_squares_loss), (0, None, None)))(phis, x, y)
        np.testing.assert_allclose(by_hand, by_jax, rtol=1e-12)


@pytest.mark.parametrize(("central", "order"), [(False, 1), (True, 2)])
def test_error_of_finite_differences_falls_with_a_power_of_delta(central, order):
    with jax.enable_x64(True):
        phi = jnp.array([0.3, -0.7])

        def error(delta):
            estimate = gd.finite_differences(lambda p: jnp.sum(jnp.exp(p)), phi, delta, central=central)
            return jnp.abs(estimate - jnp.exp(phi)).max()

        np.testing.assert_allclose(error(1e-2) / error(1e-3), 10**order, rtol=0.02)


def test_central_differences_of_a_parabola_are_exact():
    estimate = gd.finite_differences(quadratic, jnp.array([1.0, -2.0]), 0.5, central=True)
    np.testing.assert_allclose(estimate, HESSIAN @ jnp.array([1.0, -2.0]), rtol=1e-5)


@pytest.mark.parametrize("delta", [0.0, -1e-3, float("nan")])
def test_delta_that_is_not_positive_is_told(delta):
    with pytest.raises(ValueError, match="delta must be positive"):
        gd.finite_differences(quadratic, START, delta)


def test_surface_has_the_second_parameter_as_rows():
    phi_0, phi_1 = jnp.linspace(0, 1, 4), jnp.linspace(-1, 1, 7)
    np.testing.assert_allclose(
        gd.loss_surface(loss, phi_0, phi_1), lr.loss_surface(phi_0, phi_1, X, Y), rtol=1e-6
    )


def test_step_goes_to_the_minimum_along_the_gradient():
    """Of a parabola the best distance is known: g.g / g.Hg."""
    phi = jnp.array([1.0, -0.4])
    g = jax.grad(quadratic)(phi)
    optimiser = gd.steepest_descent(quadratic, max_distance=1.0, threshold=1e-6, max_iterations=60)
    step, _ = jax.jit(optimiser.update)(g, optimiser.init(phi), phi)
    np.testing.assert_allclose(step, -(g @ g) / (g @ HESSIAN @ g) * g, rtol=1e-3)


def test_loss_never_rises_and_turns_are_at_right_angles():
    path = gd.descend(gd.steepest_descent(loss), gradient, START, 20)
    losses = jax.jit(jax.vmap(loss))(path)
    assert np.all(np.diff(losses) < 0)
    moves = np.diff(path[:9], axis=0)
    directions = moves / np.linalg.norm(moves, axis=1, keepdims=True)
    np.testing.assert_allclose(np.sum(directions[1:] * directions[:-1], 1), 0, atol=0.02)


def test_step_is_at_least_as_good_as_that_of_backtracking():
    """Optax's line search takes the first step that is good enough, this one the best along the line."""
    ours = gd.descend(gd.steepest_descent(loss), gradient, START, 1)[1]
    theirs = optax.chain(optax.sgd(1.0), optax.scale_by_backtracking_linesearch(max_backtracking_steps=20))
    step, _ = theirs.update(
        gradient(START), theirs.init(START), START, value=loss(START), grad=gradient(START), value_fn=loss
    )
    assert loss(ours) < loss(START + step) < loss(START)


def test_best_line_is_reached():
    path = gd.descend(gd.steepest_descent(loss), gradient, START, 100)
    np.testing.assert_allclose(path[-1], lr.closed_form(X, Y), atol=1e-2)


def test_line_search_descends_any_tree_of_parameters():
    tree = {"a": jnp.array([3.0]), "b": (jnp.array([[1.0, -2.0]]),)}

    def height(tree):
        return sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree))

    optimiser = gd.steepest_descent(height, max_distance=1.0, max_iterations=40)
    step, _ = jax.jit(optimiser.update)(jax.grad(height)(tree), optimiser.init(tree), tree)
    assert height(optax.apply_updates(tree, step)) < 1e-5


def test_line_search_trains_a_flax_model():
    model = lr.LinearRegression()

    def model_loss(params):
        return training.squared_error(model.apply({"params": params}, X), Y)

    recipe = training.Recipe(model, gd.steepest_descent(model_loss), training.squared_error, error=None)
    state = training.start(recipe, {"params": {"phi": START}})
    state, _ = training.train(
        recipe, state, training.Examples(X, Y), None, jnp.tile(jnp.arange(12), (5, 1, 1))
    )
    path = gd.descend(gd.steepest_descent(loss), gradient, START, 5)
    np.testing.assert_allclose(state.variables["params"]["phi"], path[-1], rtol=1e-4)


def test_line_search_without_parameters_is_told():
    optimiser = gd.steepest_descent(loss)
    with pytest.raises(ValueError, match="give update its params"):
        optimiser.update(gradient(START), optimiser.init(START))


@pytest.mark.parametrize("max_distance", [0.0, -1.0, float("nan")])
def test_distance_that_is_not_positive_is_told(max_distance):
    with pytest.raises(ValueError, match="max_distance must be positive"):
        gd.steepest_descent(loss, max_distance)


def test_search_keeps_the_dtype_of_the_parameters():
    with jax.enable_x64(True):
        start = jnp.ones(2, jnp.float32)
        optimiser = gd.steepest_descent(lambda phi: jnp.sum(phi**2))
        assert gd.descend(optimiser, lambda phi: 2 * phi, start, 3).dtype == jnp.float32


def test_path_is_that_of_a_loop_around_optax():
    optimiser = optax.adam(0.1)
    state, phi = optimiser.init(START), START
    expected = [phi]
    for _ in range(6):
        step, state = optimiser.update(gradient(phi), state, phi)
        phi = optax.apply_updates(phi, step)
        expected.append(phi)
    np.testing.assert_allclose(gd.descend(optimiser, gradient, START, 6), jnp.stack(expected), rtol=1e-5)


def test_follow_keeps_what_position_says():
    optimiser = optax.sgd(1.0, momentum=0.5)
    targets = jnp.ones((3, 2))
    path = gd.follow(optimiser, lambda phi, at: phi - at, START, targets, lambda phi, state: 2 * phi)
    plain = gd.follow(optimiser, lambda phi, at: phi - at, START, targets)
    np.testing.assert_allclose(path[1:], 2 * plain[1:])
    assert jnp.array_equal(path[0], START)


def test_no_steps_leave_the_start():
    assert jnp.array_equal(gd.descend(optax.sgd(1.0), gradient, START, 0), START[None])


def test_negative_steps_are_told():
    with pytest.raises(ValueError, match="steps must not be negative, got -1"):
        gd.descend(optax.sgd(1.0), gradient, START, -1)


def test_many_paths_run_side_by_side():
    starts = jnp.linspace(-1, 1, 10).reshape(5, 2)
    together = jax.vmap(lambda start: gd.descend(gd.steepest_descent(loss), gradient, start, 4))(starts)
    alone = gd.descend(gd.steepest_descent(loss), gradient, starts[3], 4)
    np.testing.assert_allclose(together[3], alone, rtol=1e-4)


def test_steepest_descent_stays_where_the_loss_is_defined():
    def loss(phi):
        return phi - jnp.log(phi)

    optimiser = gd.steepest_descent(loss, max_distance=10, max_iterations=40)
    path = gd.descend(optimiser, jax.grad(loss), jnp.array(3.0), steps=3)
    np.testing.assert_allclose(path[1:], 1, atol=1e-3)


@pytest.mark.parametrize("phi", [[5, 3], np.array([5, 3]), jnp.array([5, 3]), np.array([5, 3], "uint8")])
def test_integer_parameters_become_real_numbers(phi):
    path = gd.descend(optax.sgd(0.25), lambda phi: 2 * phi, phi, steps=2)
    np.testing.assert_allclose(path, [[5, 3], [2.5, 1.5], [1.25, 0.75]])


def test_what_gradient_and_loss_return_is_looked_at():
    phi = jnp.ones(2)
    with pytest.raises(
        ValueError, match=r"gradient returns must have the shape of phi, \(2,\), got \(2, 1\)"
    ):
        gd.descend(optax.sgd(0.1), lambda phi: phi[:, None], phi, steps=1)
    for measure in (gd.finite_differences, lambda f, phi: gd.loss_surface(f, phi, phi)):
        with pytest.raises(ValueError, match=r"loss must return one number, got the shape \(2,\)"):
            measure(lambda phi: phi, phi)


@pytest.mark.parametrize("steps", [2.0, "2", None, True])
def test_steps_that_are_no_integer_are_told(steps):
    with pytest.raises(TypeError, match="steps must be an integer"):
        gd.descend(optax.sgd(0.1), lambda phi: phi, jnp.ones(2), steps)
    with pytest.raises(TypeError, match="steps must be known before anything is compiled"):
        jax.jit(gd.descend, static_argnums=(0, 1))(optax.sgd(0.1), jnp.sin, jnp.ones(2), 2)


def test_columns_do_not_broadcast():
    with pytest.raises(
        ValueError, match=r"y must have the shape \(batch\), where batch is 3 as in x, got \(3, 1\)"
    ):
        gd.least_squares_gradient(jnp.ones(2), jnp.ones(3), jnp.ones((3, 1)))
