import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax.ch06_fitting import gabor, momentum
from udl_jax.ch06_fitting import stochastic_gradient_descent as stochastic
from udl_jax.data import toy

X, Y = toy.gabor_points()
START = jnp.array([-1.5, 6.5])
BATCHES = jnp.asarray(np.random.default_rng(0).permuted(np.tile(np.arange(30), (20, 1)), axis=1)[:, :5])


def path(optimiser, position=None):
    return stochastic.descend_in_batches(optimiser, gabor.gradient, START, X, Y, BATCHES, position)


def steps_down_a_slope(optimiser, steps, slope=1.0):
    """Take ``steps`` steps under a gradient that never changes."""
    state, taken = optimiser.init(jnp.zeros(1)), []
    for _ in range(steps):
        step, state = optimiser.update(jnp.full(1, slope), state, jnp.zeros(1))
        taken.append(step[0])
    return jnp.stack(taken)


def test_momentum_is_optaxs_with_a_rate_that_has_the_missing_factor():
    """Optax and PyTorch sum gradients up where the book averages them: m = beta m + (1 - beta) g."""
    betas = jnp.array([0.0, 0.6, 0.95])
    ours = jax.vmap(lambda beta: path(momentum.momentum(0.3, beta)))(betas)
    optaxs = jax.vmap(lambda beta: path(optax.sgd(0.3 * (1 - beta), momentum=beta)))(betas)
    np.testing.assert_allclose(ours, optaxs, rtol=1e-3)


def test_momentum_is_not_optaxs_at_the_same_rate():
    ours, theirs = path(momentum.momentum(0.1, 0.9)), path(optax.sgd(0.1, momentum=0.9))
    np.testing.assert_allclose(theirs[1] - START, 10 * (ours[1] - START), rtol=1e-3)


def test_momentum_is_optaxs_average_without_its_correction():
    average = optax.chain(optax.ema(0.8, debias=False), optax.scale_by_learning_rate(0.2))
    np.testing.assert_allclose(path(momentum.momentum(0.2, 0.8)), path(average), rtol=1e-4)


def test_steps_down_a_steady_slope_grow_to_the_rate():
    ours = steps_down_a_slope(momentum.momentum(0.5, 0.9), 100)
    optaxs = steps_down_a_slope(optax.sgd(0.5, momentum=0.9), 100)
    np.testing.assert_allclose(ours[0], -0.05, rtol=1e-5)
    np.testing.assert_allclose(ours[-1], -0.5, rtol=1e-4)
    np.testing.assert_allclose(optaxs[-1], -5, rtol=1e-4)


def test_schedule_scales_all_of_the_momentum_at_once():
    """The rate stands outside the average, as in Optax: inside it, old momentum would keep its old rate."""
    halved = stochastic.decay_in_steps(0.8, 0.5, every=10)
    ours = steps_down_a_slope(momentum.momentum(halved, 0.9), 20)
    optaxs = steps_down_a_slope(optax.sgd(lambda t: halved(t) * (1 - 0.9), momentum=0.9), 20)
    inside, m = [], 0.0
    for t in range(20):
        m = 0.9 * m + 0.1 * halved(t)
        inside.append(-m)
    np.testing.assert_allclose(ours, optaxs, rtol=1e-5)
    np.testing.assert_allclose(ours[:10], inside[:10], rtol=1e-5)
    assert -ours[10] < 0.6 * -inside[10]


@pytest.mark.parametrize("method", [momentum.momentum, momentum.nesterov])
def test_no_momentum_is_plain_descent(method):
    np.testing.assert_allclose(path(method(0.3, 0.0)), path(stochastic.sgd(0.3)), rtol=1e-4)


@pytest.mark.parametrize("look_ahead", [None, 1.0])
def test_nesterov_is_the_equation_of_the_book(look_ahead):
    rate, beta = 0.3, 0.7
    ahead = beta if look_ahead is None else look_ahead
    gradient = jax.jit(gabor.gradient)
    phi, m = START, jnp.zeros(2)
    expected = [phi]
    for batch in BATCHES:
        m = beta * m + (1 - beta) * gradient(phi - ahead * rate * m, X[batch], Y[batch])
        phi = phi - rate * m
        expected.append(phi)
    ours = path(momentum.nesterov(rate, beta, look_ahead), momentum.nesterov_position)
    np.testing.assert_allclose(ours, jnp.stack(expected), rtol=1e-3)


def test_nesterov_without_a_look_ahead_is_momentum():
    np.testing.assert_allclose(
        path(momentum.nesterov(0.3, 0.6, look_ahead=0.0)), path(momentum.momentum(0.3, 0.6)), rtol=1e-3
    )


def test_points_ahead_of_nesterov_are_the_path_of_optax():
    """Optax measures the gradient at its parameters, so its parameters are the points ahead."""
    ours = path(momentum.nesterov(0.3, 0.6))
    optaxs = path(optax.sgd(0.3 * (1 - 0.6), momentum=0.6, nesterov=True))
    np.testing.assert_allclose(ours, optaxs, rtol=1e-3)


def test_points_ahead_lie_where_momentum_leads():
    optimiser = momentum.nesterov(0.3, 0.6)
    state, params = optimiser.init(START), START
    for batch in BATCHES[:5]:
        step, state = optimiser.update(gabor.gradient(params, X[batch], Y[batch]), state, params)
        params = optax.apply_updates(params, step)
    phi = momentum.nesterov_position(params, state)
    np.testing.assert_allclose(params, phi - 0.3 * 0.6 * state.m, rtol=1e-5)


def test_engine_takes_the_same_path():
    optimiser = momentum.nesterov(0.2, 0.8)
    recipe = training.Recipe(gabor.GaborModel(), optimiser, training.squared_error, error=None)
    state = training.start(recipe, {"params": {"phi": START}})
    state, _ = training.train(recipe, state, training.Examples(X, Y), None, BATCHES.reshape(5, 4, 5))
    np.testing.assert_allclose(state.variables["params"]["phi"], path(optimiser)[-1], rtol=1e-3)


def test_state_keeps_the_dtype_of_the_parameters():
    with jax.enable_x64(True):
        params = {"w": jnp.ones(3, jnp.float32)}
        for optimiser in (momentum.momentum(0.1), momentum.nesterov(0.1)):
            state = optimiser.init(params)
            step, state = optimiser.update(params, state, params)
            assert {leaf.dtype for leaf in jax.tree.leaves((step, state))} == {jnp.dtype("float32")}


@pytest.mark.parametrize("method", [momentum.momentum, momentum.nesterov])
@pytest.mark.parametrize("beta", [-0.1, 1.0, float("nan")])
def test_beta_out_of_range_is_told(method, beta):
    with pytest.raises(ValueError, match=r"beta must lie in \[0, 1\)"):
        method(0.1, beta)


@pytest.mark.parametrize("method", [momentum.momentum, momentum.nesterov])
def test_negative_rate_is_told(method):
    with pytest.raises(ValueError, match=r"rate must not be negative, got -0\.1"):
        method(-0.1)


def test_nesterov_without_parameters_is_told():
    optimiser = momentum.nesterov(0.1)
    with pytest.raises(ValueError, match="give update its params"):
        optimiser.update(START, optimiser.init(START))
