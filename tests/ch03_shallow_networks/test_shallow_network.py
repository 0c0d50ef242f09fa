import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax.ch03_shallow_networks import shallow_network as sn
from udl_jax.data import toy

THETA = jnp.array([[0.3, -1.0], [-1.0, 2.0], [-0.5, 0.65]])
PHI = jnp.array([[-0.3, 2.0, -1.0, 7.0]])
X = jnp.linspace(0, 1, 101)[:, None]
POINTS = training.Examples(*(column[:, None] for column in toy.shallow_network_points()))


def draw_network(inputs, hidden, outputs, seed=0):
    draw = np.random.default_rng(seed)
    theta, phi = draw.normal(size=(hidden, 1 + inputs)), draw.normal(size=(outputs, 1 + hidden))
    return jnp.asarray(theta), jnp.asarray(phi)


def make_recipe(optimiser, **settings):
    network = sn.ShallowNetwork(hidden=3, **settings)
    return training.Recipe(network, optimiser, loss=training.squared_error, error=None)


@pytest.mark.parametrize(("inputs", "hidden", "outputs"), [(1, 3, 1), (2, 3, 2), (5, 1, 4), (3, 40, 1)])
def test_stages_follow_from_each_other(inputs, hidden, outputs):
    theta, phi = draw_network(inputs, hidden, outputs)
    x = jnp.asarray(np.random.default_rng(1).normal(size=(7, inputs)))
    found = sn.stages(theta, phi, x, jnp.tanh)
    assert [stage.shape for stage in found] == [(7, hidden), (7, hidden), (7, outputs, hidden), (7, outputs)]
    np.testing.assert_allclose(found.activations, np.tanh(found.preactivations), rtol=1e-6)
    total = phi[:, 0] + found.weighted_activations.sum(-1)
    np.testing.assert_allclose(found.output, total, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        found.output, phi[:, 0] + found.activations @ phi[:, 1:].T, rtol=1e-4, atol=1e-5
    )


def test_grid_gives_what_its_rows_give():
    theta, phi = draw_network(2, 3, 2)
    x = jnp.asarray(np.random.default_rng(1).normal(size=(4, 5, 2)))
    on_grid, on_rows = sn.stages(theta, phi, x), sn.stages(theta, phi, x.reshape(20, 2))
    for grid, rows in zip(on_grid, on_rows):
        np.testing.assert_allclose(grid.reshape(rows.shape), rows, rtol=1e-6, atol=1e-6)


def test_output_is_continuous_with_joints_where_units_switch():
    at = jnp.sort(sn.joints(THETA))
    np.testing.assert_allclose(sn.preactivate(THETA, sn.joints(THETA)[:, None]).diagonal(), 0, atol=1e-6)
    edges = np.array([0, *at, 1])
    inside = np.linspace(edges[:-1] + 1e-4, edges[1:] - 1e-4, 9)
    slope = jax.vmap(jax.grad(lambda x: sn.stages(THETA, PHI, x).output[0]))
    slopes = slope(jnp.asarray(inside.reshape(-1, 1))).reshape(9, 4)
    np.testing.assert_allclose(slopes, jnp.tile(slopes[0], (9, 1)), atol=1e-5)
    assert jnp.all(jnp.abs(jnp.diff(slopes[0])) > 1)


def test_factor_can_move_through_a_relu_if_it_is_positive():
    before = sn.stages(THETA, PHI, X).output
    theta, phi = THETA.at[1].multiply(0.5), PHI.at[0, 2].multiply(2)
    np.testing.assert_allclose(sn.stages(theta, phi, X).output, before, atol=1e-6)
    theta, phi = THETA.at[1].multiply(-0.5), PHI.at[0, 2].multiply(-2)
    change = sn.stages(theta, phi, X).output - before
    np.testing.assert_allclose(change, jnp.abs(sn.preactivate(THETA, X)[:, 1:2]), atol=1e-6)


def test_order_of_the_units_does_not_matter():
    mixed = jnp.array([2, 0, 1])
    ours = sn.stages(THETA[mixed], PHI[:, jnp.concatenate([jnp.zeros(1, int), 1 + mixed])], X).output
    np.testing.assert_allclose(ours, sn.stages(THETA, PHI, X).output, atol=1e-6)


def test_unit_without_slope_has_no_joint():
    assert not jnp.isfinite(sn.joints(jnp.array([[1.0, 0.0], [0.0, 0.0]]))).any()


def test_loss_is_zero_on_the_networks_own_output():
    assert sn.least_squares_loss(THETA, PHI, X, sn.stages(THETA, PHI, X).output) == 0


def test_gradient_by_phi_is_that_of_a_linear_model():
    x, y = POINTS
    gradient = jax.grad(sn.least_squares_loss, argnums=1)(THETA, PHI, x, y)
    features = jnp.pad(sn.stages(THETA, PHI, x).activations, ((0, 0), (1, 0)), constant_values=1)
    by_hand = 2 * (features @ PHI.T - y).T @ features
    np.testing.assert_allclose(gradient, by_hand, rtol=1e-4)


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (7, 3)])
def test_flax_model_computes_the_same(inputs, outputs):
    network = sn.ShallowNetwork(hidden=4, outputs=outputs, activation=jnp.tanh)
    x = jnp.ones((5, inputs))
    variables = jax.jit(network.init)(jax.random.key(0), x)
    ours = sn.stages(**variables["params"], x=x, activation=jnp.tanh).output
    assert jnp.array_equal(network.apply(variables, x), ours)


def test_parameters_have_the_dtype_of_the_data():
    def make(x):
        params = sn.ShallowNetwork(hidden=3).init(jax.random.key(0), x)
        return params, sn.sample_starts(jax.random.key(0), x, starts=2, hidden=3)

    with jax.enable_x64(True):
        for dtype in (jnp.float32, jnp.float64):
            made = jax.eval_shape(make, jnp.zeros((3, 1), dtype))
            assert {leaf.dtype for leaf in jax.tree.leaves(made)} == {jnp.dtype(dtype)}


def test_initial_activations_are_of_the_size_of_the_input():
    x = np.random.default_rng(0).normal(size=(10, 50))
    network = sn.ShallowNetwork(hidden=2000)
    params = jax.jit(network.init)(jax.random.key(1), jnp.asarray(x))["params"]
    with_intercept = np.mean(x**2) * 50 / 51 + 1 / 51
    activations = np.asarray(sn.stages(**params, x=jnp.asarray(x)).activations)
    np.testing.assert_allclose(np.mean(activations**2), with_intercept, rtol=0.1)


def test_starts_have_their_joints_among_the_data():
    params = sn.sample_starts(jax.random.key(0), POINTS.x, starts=50, hidden=3)["params"]
    assert params["theta"].shape == (50, 3, 2)
    assert params["phi"].shape == (50, 1, 4)
    at = jax.vmap(sn.joints)(params["theta"])
    assert POINTS.x.min() - 1e-6 <= at.min()
    assert at.max() <= POINTS.x.max() + 1e-6
    assert set(jnp.unique(params["theta"][..., 1]).tolist()) == {-1.0, 1.0}


def test_gradient_descent_goes_down_and_takes_the_steps_of_its_formula():
    recipe, rate = make_recipe(optax.sgd(0.001)), 0.001
    starts = sn.sample_starts(jax.random.key(0), POINTS.x, starts=4, hidden=3)
    fit = sn.fit_starts(recipe, starts, POINTS, steps=20)
    assert fit.history.train.loss.shape == (4, 20)
    assert jnp.all(fit.history.train.loss[:, -1] < fit.history.train.loss[:, 0])
    theta, phi = (starts["params"][name][2] for name in ("theta", "phi"))
    gradient = jax.jit(jax.grad(sn.least_squares_loss, argnums=(0, 1)))
    for loss in fit.history.train.loss[2]:
        by_theta, by_phi = gradient(theta, phi, *POINTS)
        theta, phi = theta - rate * by_theta, phi - rate * by_phi
        np.testing.assert_allclose(loss, sn.least_squares_loss(theta, phi, *POINTS), rtol=1e-4)
    np.testing.assert_allclose(fit.state.variables["params"]["theta"][2], theta, rtol=1e-4, atol=1e-5)


def test_best_of_many_fits_beats_a_line_by_far():
    line = np.polyfit(*(np.ravel(column) for column in POINTS), deg=1, full=True)[1]
    starts = sn.sample_starts(jax.random.key(0), POINTS.x, starts=40, hidden=3)
    fit = sn.fit_starts(make_recipe(optax.adam(0.02)), starts, POINTS, steps=800)
    assert fit.history.train.loss[:, -1].min() < 0.5 * line
    assert jnp.all(fit.state.failed_at == -1)


@pytest.mark.parametrize(
    ("theta", "phi", "message"),
    [
        (jnp.ones((3, 3)), PHI, r"theta must have 1 \+ 1 columns, .* got 3"),
        (jnp.ones((3, 1)), PHI, r"theta must have 1 \+ 1 columns, .* got 1"),
        (jnp.ones((2, 2)), PHI, r"phi must have 1 \+ 2 columns, .* got 4"),
        (THETA, jnp.ones((1, 3)), r"phi must have 1 \+ 3 columns, .* got 3"),
    ],
)
def test_parameters_that_do_not_fit_are_told(theta, phi, message):
    with pytest.raises(ValueError, match=message):
        sn.stages(theta, phi, X)
    with pytest.raises(ValueError, match=message):
        sn.least_squares_loss(theta, phi, X, X)


def test_no_steps_are_told():
    starts = sn.sample_starts(jax.random.key(0), POINTS.x, starts=2, hidden=3)
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        sn.fit_starts(make_recipe(optax.sgd(0.1)), starts, POINTS, steps=0)
