import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax.ch06_fitting import adam, gabor, gradient_descent, momentum
from udl_jax.ch06_fitting import stochastic_gradient_descent as stochastic
from udl_jax.data import toy

START = jnp.array([-0.7, -0.9])


def path(optimiser, steps=60, gradient=adam.valley_gradient):
    return gradient_descent.descend(optimiser, gradient, START, steps)


def first_step(optimiser, gradient):
    gradient = jnp.asarray(gradient)
    return optimiser.update(gradient, optimiser.init(gradient), gradient)[0]


def test_valley_is_lowest_at_its_bottom_and_symmetric_across():
    phis = np.random.default_rng(0).uniform(-1, 1, (100, 2)).astype(np.float32)
    losses = jax.jit(jax.vmap(adam.valley_loss))(phis)
    assert jnp.all((losses > 0) & (losses < 1))
    np.testing.assert_allclose(losses, jax.jit(jax.vmap(adam.valley_loss))(phis * np.float32([1, -1])))


def test_gradient_by_hand_is_that_of_jax():
    with jax.enable_x64(True):
        phis = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (100, 2)))
        by_hand = jax.jit(jax.vmap(adam.valley_gradient))(phis)
        np.testing.assert_allclose(
            by_hand, jax.jit(jax.vmap(jax.grad(adam.valley_loss)))(phis), rtol=1e-12, atol=1e-14
        )


def test_differences_of_the_notebook_are_good_in_double_precision_only():
    @jax.jit
    def worst_error(phi):
        estimate = gradient_descent.finite_differences(adam.valley_loss, phi, 1e-5, central=True)
        return jnp.abs(estimate - adam.valley_gradient(phi)).max()

    with jax.enable_x64(True):
        assert worst_error(START.astype(jnp.float64)) < 1e-10
        assert worst_error(START) > 1e-4


def test_adam_is_optaxs():
    """Epsilon stands outside the square root in both, and both correct their averages for the start."""
    settings = jnp.array(
        [[0.05, 0.9, 0.99, 1e-20], [0.05, 0.9, 0.999, 1e-8], [0.1, 0.5, 0.8, 0.1], [0.02, 0, 0, 1e-3]]
    )
    ours = jax.vmap(lambda s: path(adam.adam(*s)))(settings)
    optaxs = jax.vmap(lambda s: path(optax.adam(s[0], b1=s[1], b2=s[2], eps=s[3])))(settings)
    np.testing.assert_allclose(ours, optaxs, rtol=1e-3, atol=1e-5)


def test_adam_is_not_optaxs_by_default():
    """The book has 0.99 where Optax has 0.999; their first steps agree, their paths do not."""
    ours, optaxs = path(adam.adam(0.05)), path(optax.adam(0.05))
    np.testing.assert_allclose(ours[1], optaxs[1], rtol=1e-5)
    assert jnp.abs(ours - optaxs).max() > 0.004


def test_epsilon_inside_the_root_is_another_thing():
    """Outside, an epsilon as large as the gradient halves the step; inside, its square root does most of it."""
    outside = first_step(adam.adam(1.0, epsilon=1e-4), [1e-4])
    optaxs_outside = first_step(optax.adam(1.0, b2=0.99, eps=1e-4), [1e-4])
    optaxs_inside = first_step(optax.adam(1.0, b2=0.99, eps=0.0, eps_root=1e-4), [1e-4])
    np.testing.assert_allclose(outside, -0.5, rtol=1e-4)
    np.testing.assert_allclose(optaxs_outside, outside, rtol=1e-4)
    np.testing.assert_allclose(optaxs_inside, -0.01, rtol=1e-3)


def test_correction_makes_the_first_step_as_long_as_the_rate():
    np.testing.assert_allclose(first_step(adam.adam(0.05), [1e-3, -20.0]), [-0.05, 0.05], rtol=1e-5)


@pytest.mark.parametrize(("gamma", "first"), [(0.99, 1.0), (0.999, 0.1 / 0.001**0.5)])
def test_steps_down_a_steady_slope_are_too_long_without_the_correction(gamma, first):
    def steps(**settings):
        optimiser = adam.adam(1.0, gamma=gamma, **settings)
        return -jnp.diff(gradient_descent.descend(optimiser, jnp.ones_like, jnp.zeros(1), 50)[:, 0])

    t = np.arange(1, 51)
    np.testing.assert_allclose(steps(), 1, rtol=1e-4)
    np.testing.assert_allclose(
        steps(corrected=False), (1 - 0.9**t) / np.sqrt(1 - np.float64(gamma) ** t), rtol=1e-3
    )
    np.testing.assert_allclose(steps(corrected=False)[0], first, rtol=1e-3)


def test_adam_does_not_care_about_the_size_of_the_loss():
    scaled = path(adam.adam(0.05), gradient=lambda phi: 1000 * adam.valley_gradient(phi))
    np.testing.assert_allclose(scaled, path(adam.adam(0.05)), rtol=1e-3, atol=1e-5)


def test_adam_without_memory_is_normalised_gradients():
    np.testing.assert_allclose(
        path(adam.adam(0.05, 0.0, 0.0), 20), path(adam.normalised_gradients(0.05), 20), rtol=1e-4, atol=1e-6
    )


def test_normalised_gradients_are_optaxs_signs():
    gradient = [3.0, -1e-3, 0.0, 1e5]
    np.testing.assert_allclose(
        first_step(adam.normalised_gradients(0.1), gradient),
        first_step(optax.sign_sgd(0.1), gradient),
        rtol=1e-6,
    )


def test_normalised_gradients_are_not_signs_where_epsilon_is_larger():
    step = first_step(adam.normalised_gradients(1.0, epsilon=1.0), [1e-3, 1.0, 1e3])
    np.testing.assert_allclose(step, [-1e-3, -0.5, -1.0], rtol=2e-3)


def test_normalised_gradients_bounce_for_ever_and_adam_arrives():
    bouncing = path(adam.normalised_gradients(0.08), 100)
    np.testing.assert_allclose(bouncing[-1], bouncing[-3], atol=1e-5)
    assert jnp.abs(bouncing[-1] - bouncing[-2]).min() > 0.07
    np.testing.assert_allclose(path(adam.adam(0.05), 400)[-1], [0.7, 0.0], atol=1e-2)


def test_zero_gradient_takes_no_step():
    for optimiser in (adam.adam(0.1), adam.normalised_gradients(0.1)):
        assert jnp.array_equal(first_step(optimiser, [0.0, 0.0]), jnp.zeros(2))


@pytest.mark.parametrize(("dtype", "longest"), [(jnp.float64, 0.11), (jnp.float32, 9.0)])
def test_tiny_gradients_overshoot_in_single_precision(dtype, longest):
    """There their squares are zero, so that 1e-20 is all that the average is divided by."""
    with jax.enable_x64(True):
        gradient = jnp.full(1, 1e-18, dtype)
        step = jnp.abs(first_step(adam.adam(0.1), gradient))
        assert longest * 0.9 < step[0] < longest * 1.2


def test_schedule_is_followed():
    halved = stochastic.decay_in_steps(0.05, 0.5, every=10)
    np.testing.assert_allclose(
        path(adam.adam(halved)), path(optax.adam(halved, b2=0.99, eps=1e-20)), rtol=1e-3, atol=1e-5
    )
    steps = jnp.abs(jnp.diff(path(adam.normalised_gradients(halved), 20), axis=0))
    np.testing.assert_allclose(steps[:, 0], np.repeat([0.05, 0.025], 10), rtol=1e-3)


def test_engine_takes_the_same_path():
    optimiser = adam.adam(0.1)
    x, y = toy.gabor_points()
    batches = jnp.arange(45).reshape(9, 5) % 30
    start = jnp.array([-1.5, 6.5])
    recipe = training.Recipe(gabor.GaborModel(), optimiser, training.squared_error, error=None)
    state = training.start(recipe, {"params": {"phi": start}})
    state, _ = training.train(recipe, state, training.Examples(x, y), None, batches.reshape(3, 3, 5))
    expected = stochastic.descend_in_batches(optimiser, gabor.gradient, start, x, y, batches)
    np.testing.assert_allclose(state.variables["params"]["phi"], expected[-1], rtol=1e-3)


def test_state_keeps_the_dtype_of_the_parameters():
    with jax.enable_x64(True):
        params = {"w": jnp.ones(3, jnp.float32), "b": jnp.ones((), jnp.float32)}
        for optimiser in (adam.adam(0.1), adam.normalised_gradients(0.1)):
            step, _ = optimiser.update(params, optimiser.init(params), params)
            assert {leaf.dtype for leaf in jax.tree.leaves(step)} == {jnp.dtype("float32")}


@pytest.mark.parametrize("name", ["beta", "gamma"])
@pytest.mark.parametrize("value", [-0.1, 1.0])
def test_averages_out_of_range_are_told(name, value):
    with pytest.raises(ValueError, match=rf"{name} must lie in \[0, 1\), got {value}"):
        adam.adam(0.1, **{name: value})


@pytest.mark.parametrize("method", [adam.adam, adam.normalised_gradients])
def test_epsilon_that_is_not_positive_is_told(method):
    with pytest.raises(ValueError, match=r"epsilon must be positive, got 0\.0"):
        method(0.1, epsilon=0.0)


@pytest.mark.parametrize("method", [adam.adam, adam.normalised_gradients])
def test_negative_rate_is_told(method):
    with pytest.raises(ValueError, match=r"rate must not be negative, got -0\.1"):
        method(-0.1)


PRECISIONS = {"float16": 1e-3, "bfloat16": 8e-3, "float32": 1e-5, "float64": 1e-12}
#: Optimisers of the chapter beside those of Optax that their docstrings name.
PAIRS = {
    "sgd": (stochastic.sgd(0.1), optax.sgd(0.1)),
    "momentum": (momentum.momentum(0.1, 0.9), optax.sgd(0.1 * (1 - 0.9), momentum=0.9)),
    "nesterov": (momentum.nesterov(0.1, 0.9), optax.sgd(0.1 * (1 - 0.9), momentum=0.9, nesterov=True)),
    "normalised": (adam.normalised_gradients(0.1), optax.sign_sgd(0.1)),
    "adam": (adam.adam(0.1, 0.9, 0.999, 1e-4), optax.adam(0.1, 0.9, 0.999, 1e-4)),
}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", PAIRS)
def test_first_steps_are_optaxs_in_every_precision(name, precision):
    ours, optaxs = PAIRS[name]
    with jax.enable_x64(True):
        gradient = jnp.array([0.5, -2.0], precision)
        found, expected = first_step(ours, gradient), first_step(optaxs, gradient)
        assert found.dtype == precision
        as_double = np.asarray(expected, np.float64)
        np.testing.assert_allclose(np.asarray(found, np.float64), as_double, rtol=PRECISIONS[precision])


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("make", [adam.adam, adam.normalised_gradients])
def test_no_gradient_makes_no_step_and_any_other_a_whole_one(make, precision):
    """The epsilon of 1e-20, and the square of 1e-4, are zero in half precision; the square of 30000 is infinite."""
    with jax.enable_x64(True):
        found = first_step(make(0.1), jnp.array([0.0, 1e-4, -3e4], precision))
        np.testing.assert_allclose(np.asarray(found, np.float64), [0, -0.1, 0.1], rtol=1e-2)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("scalar", [np.float64, np.float32, np.float16, np.int64, jnp.array, np.array])
def test_constants_do_not_decide_the_precision(scalar, precision):
    rate, share = scalar(1), scalar(0)
    with jax.enable_x64(True):
        optimisers = (
            stochastic.sgd(rate),
            stochastic.sgd(stochastic.decay_in_steps(rate, rate, np.int8(2))),
            momentum.momentum(rate, share),
            momentum.nesterov(rate, share, share),
            adam.adam(rate, share, share, rate),
            adam.normalised_gradients(rate, rate),
            gradient_descent.steepest_descent(lambda phi: jnp.sum(phi**2), rate),
            optax.sgd(rate, momentum=rate),
        )
        for optimiser in optimisers:
            start = jnp.array([1.0, -2.0], precision)
            assert gradient_descent.descend(optimiser, lambda phi: 2 * phi, start, 2).dtype == precision


@pytest.mark.parametrize("make", [stochastic.sgd, momentum.momentum, momentum.nesterov, adam.adam])
@pytest.mark.parametrize("rate", [float("inf"), float("nan"), -1, "fast", None, 1j, np.ones(2)])
def test_rates_that_are_none_are_told(make, rate):
    with pytest.raises((TypeError, ValueError), match="rate"):
        make(rate)


def test_a_schedule_that_nesterov_cannot_follow_is_told():
    with pytest.raises(TypeError, match="rate of nesterov must be a number"):
        momentum.nesterov(stochastic.decay_in_steps(0.1, 0.5, every=2))


def test_integers_have_no_gradient():
    optimiser = adam.adam(0.1)
    with pytest.raises(TypeError, match="must be real numbers, got int32"):
        optimiser.update(jnp.array([1]), optimiser.init(jnp.array([1.0])))


def test_valley_is_flat_however_far_away_and_steep_to_the_last_digit_nearby():
    far = jnp.array([1e38, -3e38])
    assert adam.valley_loss(far) == 1
    np.testing.assert_array_equal(adam.valley_gradient(far), [0, 0])
    np.testing.assert_array_equal(jax.grad(adam.valley_loss)(far), [0, 0])
    with jax.enable_x64(True):
        exact = adam.valley_gradient(jnp.array([3.0, 3.0], "float64"))
    np.testing.assert_allclose(adam.valley_gradient(jnp.array([3.0, 3.0])), exact, rtol=1e-5)
