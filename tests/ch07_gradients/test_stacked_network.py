import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch04_deep_networks.deep_network import Layer
from udl_jax.ch07_gradients import backpropagation as bp
from udl_jax.ch07_gradients import stacked_network as stacked

KEY = jax.random.key(0)


def normal(*shape, seed=0):
    """Draw with NumPy, which need not compile first."""
    return jnp.array(np.random.default_rng(seed).normal(size=shape))


def problem(layers=4, width=6, inputs=3):
    draws = stacked.Weights(
        normal(inputs, width), normal(layers - 1, width, width, seed=1), normal(width, 2, seed=4)
    )
    return draws, normal(5, inputs, seed=2), normal(5, 2, seed=3)


def one_by_one(weights):
    kernels = weights.first, *weights.hidden, weights.last
    return tuple(Layer(jnp.zeros(kernel.shape[1]), kernel.T) for kernel in kernels)


@pytest.mark.parametrize("layers", [1, 4])
def test_scan_goes_through_the_layers_of_the_general_network(layers):
    with jax.enable_x64(True):
        weights, x, y = problem(layers)
        forward, theirs = stacked.forward_pass(weights, x), bp.forward_pass(one_by_one(weights), x)
        np.testing.assert_allclose(forward.f, jnp.stack(theirs.f[:-1]), rtol=1e-12)
        np.testing.assert_allclose(forward.output, theirs.f[-1], rtol=1e-12)
        ours = stacked.backward_pass(weights, forward, y, 0.0)
        theirs = bp.backward_pass(one_by_one(weights), theirs, y)
        np.testing.assert_allclose(ours.dl_df, jnp.stack(theirs.dl_df[:-1]), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(ours.dl_dh, jnp.stack(theirs.dl_dh[1:]), rtol=1e-12, atol=1e-12)


def test_one_input_meets_only_two_patterns():
    weights, *_ = problem(inputs=1)
    x = jnp.array([[1.0], [2.5], [-1.0], [-2.5]])
    f = stacked.forward_pass(weights, x).f
    np.testing.assert_allclose(f[:, 1::2], 2.5 * f[:, ::2], rtol=1e-5)


def test_value_at_zero_counts_behind_a_layer_that_is_off():
    ones = stacked.Weights(-jnp.ones((1, 2)), jnp.ones((1, 2, 2)), jnp.ones((2, 1)))
    x, y = jnp.ones((1, 1)), jnp.ones((1, 1))
    forward = stacked.forward_pass(ones, x)
    assert jnp.all(forward.f[1] == 0)
    np.testing.assert_allclose(stacked.backward_pass(ones, forward, y, 1.0).dl_df[1], -2)
    np.testing.assert_allclose(stacked.backward_pass(ones, forward, y, 0.0).dl_df[1], 0)


def test_scaled_draws_have_the_variance_asked_for():
    draws = stacked.draw_weights(KEY, layers=5, width=100)
    np.testing.assert_allclose(stacked.scale(draws, 0.04).hidden.var(), 0.04, rtol=0.02)
    assert all(jnp.all(a == 0) for a in stacked.scale(draws, 0.0))


@pytest.mark.parametrize("name", ["layers", "width", "inputs", "outputs"])
def test_empty_networks_are_told(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        stacked.draw_weights(KEY, **{"layers": 2, "width": 3, name: 0})


def test_data_that_do_not_fit_are_told():
    draws, x, y = problem()
    with pytest.raises(ValueError, match="the first layer takes 3 inputs, x has 2"):
        stacked.forward_pass(draws, x[:, :2])
    with pytest.raises(ValueError, match=r"y must have the shape of the outputs, \(5, 2\), got \(5, 1\)"):
        stacked.backward_pass(draws, stacked.forward_pass(draws, x), y[:, :1])


@pytest.mark.parametrize("sigma_sq", [-0.1, float("nan"), jnp.array([0.5, -1.0])])
def test_negative_variance_is_told(sigma_sq):
    with pytest.raises(ValueError, match="sigma_sq must not be negative, got"):
        stacked.check_variance(sigma_sq)
