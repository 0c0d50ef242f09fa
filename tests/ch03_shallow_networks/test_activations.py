from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch03_shallow_networks import activations
from udl_jax.ch03_shallow_networks import shallow_network as sn

Z = jnp.linspace(-4, 4, 81)
MEMBERS = {name: function for panel in activations.FAMILY.values() for name, function in panel.items()}
OURS = (activations.sigmoid, activations.heaviside, activations.linear, activations.swish)


def test_sigmoid_is_symmetric_about_a_half_and_rises():
    value = activations.sigmoid(Z)
    np.testing.assert_allclose(value + activations.sigmoid(-Z), 1, rtol=1e-6)
    assert jnp.all(jnp.diff(value) >= 0)


def test_sigmoid_is_steepest_at_zero_with_a_quarter_of_its_slope():
    for slope in (1.0, 10.0, 30.0):
        found = activations.derivative(partial(activations.sigmoid, slope=slope), Z)
        assert abs(Z[found.argmax()]) < 1e-6
        np.testing.assert_allclose(found.max(), slope / 4, rtol=1e-6)


def test_sigmoid_does_not_overflow():
    value, slope = (
        f(jnp.array([-1e4, 1e4]))
        for f in (activations.sigmoid, jax.grad(lambda z: activations.sigmoid(z).sum()))
    )
    assert value.tolist() == [0, 1]
    assert slope.tolist() == [0, 0]


def test_steep_sigmoid_is_the_heaviside_function():
    apart = activations.sigmoid(Z, slope=1e4) - activations.heaviside(Z)
    np.testing.assert_allclose(apart[jnp.abs(Z) > 0.01], 0, atol=1e-6)


def test_heaviside_is_one_at_both_zeros_and_keeps_nan():
    found = activations.heaviside(jnp.array([0.0, -0.0, -1e-30, jnp.nan]))
    np.testing.assert_array_equal(found, [1, 1, 0, np.nan])


def test_heaviside_has_no_slope():
    assert not activations.derivative(activations.heaviside, Z).any()


def test_linear_has_the_slope_and_intercept_given():
    line = partial(activations.linear, a=0.5, b=-0.4)
    assert line(jnp.zeros(1)) == 0.5
    np.testing.assert_allclose(activations.derivative(line, Z), -0.4, rtol=1e-6)


@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (0.5, -0.4), (2.0, 0.0)])
def test_network_with_linear_activation_is_its_linear_equivalent(a, b):
    draw = np.random.default_rng(0)
    theta, phi, x = (jnp.asarray(draw.normal(size=shape)) for shape in ((5, 4), (2, 6), (30, 3)))
    intercepts_and_slopes = activations.linear_equivalent(theta, phi, a, b)
    assert intercepts_and_slopes.shape == (2, 4)
    output = sn.stages(theta, phi, x, partial(activations.linear, a=a, b=b)).output
    np.testing.assert_allclose(sn.preactivate(intercepts_and_slopes, x), output, rtol=1e-4, atol=1e-5)


def test_swish_lies_between_its_limits():
    np.testing.assert_allclose(activations.swish(Z, beta=1e4), jax.nn.relu(Z), atol=1e-4)
    np.testing.assert_allclose(activations.swish(Z, beta=0.0), Z / 2, atol=1e-6)
    np.testing.assert_allclose(activations.swish(Z), jax.nn.silu(Z), rtol=1e-6)


@pytest.mark.parametrize("name", MEMBERS)
def test_derivative_is_that_of_finite_differences(name):
    member = MEMBERS[name]

    @jax.jit
    def both_ways(z):
        return activations.derivative(member, z), (member(z + 1e-6) - member(z - 1e-6)) / 2e-6

    with jax.enable_x64(True):
        np.testing.assert_allclose(*both_ways(jnp.linspace(-3.95, 3.95, 80)), atol=1e-7)


@pytest.mark.parametrize("name", sorted(set(MEMBERS) - {"logistic sigmoid", "tanh"}))
def test_members_follow_the_relu_far_to_the_right(name):
    scale = 1.0507009873554805 if name == "SELU" else 1.0
    np.testing.assert_allclose(MEMBERS[name](jnp.array(60.0)), scale * 60, rtol=1e-6)


@pytest.mark.parametrize("activation", [*OURS, *MEMBERS.values()])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_and_shape_are_kept(activation, dtype):
    with jax.enable_x64(True):
        z = jax.ShapeDtypeStruct((2, 3), dtype)
        found, slope = jax.eval_shape(lambda z: (activation(z), activations.derivative(activation, z)), z)
        assert found.dtype == slope.dtype == z.dtype
        assert found.shape == slope.shape == z.shape


def test_weights_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match=r"phi must have 1 \+ 3 columns, got 3"):
        activations.linear_equivalent(jnp.ones((3, 2)), jnp.ones((1, 3)))
