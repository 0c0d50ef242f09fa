import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from udl_jax.ch04_deep_networks.deep_network import DeepNetwork
from udl_jax.ch07_gradients import initialization as init
from udl_jax.ch07_gradients.stacked_network import Weights, draw_weights

KEY = jax.random.key(0)
variances = jax.jit(init.variances)
sweep = jax.jit(init.sweep)


def normal(*shape, seed=0):
    """Draw with NumPy, which need not compile first."""
    return jnp.array(np.random.default_rng(seed).normal(size=shape))


def problem(layers=4, width=6, inputs=3):
    draws = Weights(normal(inputs, width), normal(layers - 1, width, width, seed=1), normal(width, 2, seed=4))
    return draws, normal(5, inputs, seed=2), normal(5, 2, seed=3)


def test_variances_are_powers_of_the_variance_of_the_weights():
    # ReLU passes positive factors on, so that of the weights collects once for each layer on the way.
    with jax.enable_x64(True):
        draws, x, _ = problem(layers=4)
        y = jnp.zeros((5, 2))
        one, other = (variances(draws, sigma_sq, x, y) for sigma_sq in (1.0, 0.3))
        k = jnp.arange(4)
        np.testing.assert_allclose(other.h, one.h * 0.3 ** (k + 1), rtol=1e-10)
        np.testing.assert_allclose(other.dl_dh, one.dl_dh * 0.3 ** (9 - k), rtol=1e-10)
        np.testing.assert_allclose(other.dl_df, one.dl_df * 0.3 ** (9 - k), rtol=1e-10)


def test_two_over_the_width_keeps_the_variance_on_average():
    width = 50
    draw = jax.jit(jax.vmap(lambda key: draw_weights(key, 6, width, inputs=width)))
    x = normal(20, width)
    sigma_sq = jnp.array([1, 2, 4]) / width
    # Far targets make the output's derivative nearly the same for all; else it would depend on the weights.
    found = sweep(draw(jax.random.split(KEY, 200)), sigma_sq, x, jnp.full((20, 1), 1e3))
    averages = jax.tree.map(lambda a: a.mean(1), found)
    np.testing.assert_allclose(init.growth(averages.h), [0.5, 1, 2], rtol=0.1)
    np.testing.assert_allclose(init.growth(averages.dl_df), [2, 1, 0.5], rtol=0.1)


def test_sweep_is_one_network_after_the_other():
    draws = Weights(normal(2, 1, 4), normal(2, 2, 4, 4), normal(2, 4, 1))
    x, y, sigma_sq = jnp.array([[1.0], [-0.5]]), jnp.ones((2, 1)), jnp.array([0.2, 0.5, 0.8])
    swept = sweep(draws, sigma_sq, x, y)
    assert swept.h.shape == swept.dl_df.shape == swept.dl_dh.shape == (3, 2, 3)
    alone = variances(jax.tree.map(lambda a: a[1], draws), 0.8, x, y)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a[2, 1], b, rtol=1e-5), swept, alone)


def test_dtype_is_that_of_the_draws():
    with jax.enable_x64(True):
        draws, x, y = jax.tree.map(lambda a: a.astype(jnp.float32), problem())
        found = variances(draws, jnp.array(0.1, jnp.float64), x, y)
        assert {leaf.dtype for leaf in found} == {jnp.dtype(jnp.float32)}


def test_variance_may_be_a_constant_under_jit():
    draws, x, y = problem()
    found = jax.jit(lambda draws: init.variances(draws, 0.1, x, y))(draws)
    np.testing.assert_allclose(found.h, variances(draws, 0.1, x, y).h, rtol=1e-5)


def test_growth_is_that_of_a_geometric_sequence():
    np.testing.assert_allclose(init.growth(jnp.array([[1.0, 3, 9], [8, 4, 2]])), [3, 0.5], rtol=1e-6)


def test_growth_of_one_layer_is_told():
    with pytest.raises(ValueError, match="growth needs two layers at least, got 1"):
        init.growth(jnp.ones((3, 1)))


@pytest.mark.parametrize("sigma_sq", [-0.1, float("nan")])
def test_negative_variance_is_told(sigma_sq):
    draws, x, y = problem()
    with pytest.raises(ValueError, match="sigma_sq must not be negative, got"):
        init.variances(draws, sigma_sq, x, y)
    with pytest.raises(ValueError, match="sigma_sq must not be negative, got"):
        init.sweep(jax.tree.map(lambda a: a[None], draws), jnp.array([0.5, sigma_sq]), x, y)


@pytest.mark.parametrize(("keep", "variance"), [("forward", 0.01), ("backward", 0.0025), ("both", 0.004)])
def test_variance_is_two_over_the_units(keep, variance):
    kernel = init.he_initializer(keep)(KEY, (200, 800))
    np.testing.assert_allclose(kernel.var(), variance, rtol=0.02)
    assert abs(kernel.mean()) < 1e-3


def test_square_kernels_leave_no_choice():
    kernels = [init.he_initializer(keep)(KEY, (30, 30)) for keep in ("forward", "backward", "both")]
    np.testing.assert_allclose(kernels[0], kernels[1], rtol=1e-6)
    np.testing.assert_allclose(kernels[0], kernels[2], rtol=1e-6)


def test_kernel_is_the_draws_times_the_deviation():
    kernel = init.he_initializer()(KEY, (30, 30))
    draws = jax.random.normal(KEY, (30, 30))
    np.testing.assert_allclose(kernel, draws * jnp.sqrt(init.he_variance(30)), rtol=1e-5)


def test_he_by_other_names_has_the_same_variance_and_other_tails():
    book, cut, uniform = (
        initialiser(KEY, (400, 400)) / jnp.sqrt(init.he_variance(400))
        for initialiser in (
            init.he_initializer(),
            nn.initializers.he_normal(),
            nn.initializers.he_uniform(),
        )
    )
    np.testing.assert_allclose([a.var() for a in (book, cut, uniform)], 1, rtol=0.02)
    # Flax's he_normal is a normal cut off at two deviations and stretched to make up for it.
    assert jnp.abs(book).max() > 4
    assert 2.2 < jnp.abs(cut).max() < 2.3
    # torch's kaiming_uniform_ draws from the interval of half-width sqrt(6 / inputs).
    assert 1.72 < jnp.abs(uniform).max() <= jnp.sqrt(3.0)


def test_flax_network_keeps_its_variance_over_six_layers():
    network = DeepNetwork((100,) * 6, kernel_init=init.he_initializer())
    x = jax.random.normal(KEY, (50, 100))

    def spread(key):
        _, seen = network.init_with_output(key, x, capture_intermediates=True)
        return jnp.var(seen["intermediates"]["layer_5"]["__call__"][0])

    spreads = jax.jit(jax.vmap(spread))(jax.random.split(jax.random.key(1), 30))
    # The average over networks stays at two; a single network may be far from it.
    assert 1 < spreads.mean() < 4


@pytest.mark.parametrize("width", [0, -3])
def test_no_width_is_told(width):
    with pytest.raises(ValueError, match=f"width must be at least 1, got {width}"):
        init.he_variance(width)


def test_unknown_direction_is_told():
    with pytest.raises(ValueError, match="keep must be one of 'forward', 'backward', 'both', got 'sideways'"):
        init.he_initializer("sideways")


def test_variances_have_a_derivative_where_the_weights_vanish():
    """They rise in proportion next to inputs and targets, and more slowly elsewhere."""
    with jax.enable_x64(True):
        draws = draw_weights(jax.random.key(0), layers=3, width=8)
        x, y = jax.random.normal(jax.random.key(1), (2, 5, 1))
        slopes = jax.jacrev(lambda sigma_sq: init.variances(draws, sigma_sq, x, y))(0.0)
        nearby = jax.tree.map(lambda rise: rise / 1e-9, init.variances(draws, 1e-9, x, y))
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), slopes, nearby)
