import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch03_shallow_networks import regions
from udl_jax.ch03_shallow_networks.shallow_network import ShallowNetwork


@pytest.mark.parametrize(("inputs", "hidden"), [(1, 1), (2, 7), (10, 50), (50, 10), (100, 400)])
def test_one_more_hyperplane_is_cut_as_a_space_of_one_dimension_less(inputs, hidden):
    before = regions.max_regions(inputs, hidden - 1)
    assert regions.max_regions(inputs, hidden) == before + regions.max_regions(inputs - 1, hidden - 1)


@pytest.mark.parametrize("hidden", [0, 1, 8, 300])
def test_units_that_are_no_more_than_inputs_halve_each_time(hidden):
    for inputs in (hidden, hidden + 1, 2 * hidden + 5):
        assert regions.max_regions(inputs, hidden) == 2**hidden


def test_one_input_gives_one_region_more_than_joints():
    assert [regions.max_regions(1, hidden) for hidden in range(5)] == [1, 2, 3, 4, 5]


def test_no_input_has_one_region():
    assert regions.max_regions(0, 10) == 1
    assert jnp.array_equal(regions.log_max_regions(0, jnp.arange(3)), jnp.zeros(3))


@pytest.mark.parametrize("inputs", [1, 2, 10, 100, 500])
def test_logarithm_is_that_of_the_exact_number(inputs):
    hidden = np.concatenate([np.arange(0, 30), np.arange(30, 1000, 97), [99_500]])
    exact = np.array([math.log(regions.max_regions(inputs, int(d))) for d in hidden])
    np.testing.assert_allclose(
        regions.log_max_regions(inputs, jnp.asarray(hidden)), exact, rtol=2e-6, atol=2e-6
    )
    with jax.enable_x64(True):
        ours = regions.log_max_regions(inputs, jnp.asarray(hidden, jnp.float64))
        np.testing.assert_allclose(ours, exact, rtol=1e-13, atol=1e-13)


def test_logarithm_has_the_dtype_of_the_hidden_units():
    with jax.enable_x64(True):
        assert regions.log_max_regions(3, jnp.ones(2, jnp.float32)).dtype == jnp.float32


@pytest.mark.parametrize(("inputs", "hidden", "outputs"), [(1, 3, 1), (2, 3, 2), (10, 8, 4)])
def test_parameters_are_as_many_as_flax_makes(inputs, hidden, outputs):
    network = ShallowNetwork(hidden, outputs)
    variables = jax.eval_shape(network.init, jax.random.key(0), jnp.ones((1, inputs)))
    expected = sum(leaf.size for leaf in jax.tree.leaves(variables))
    assert regions.parameter_count(inputs, hidden, outputs) == expected


@pytest.mark.parametrize(("inputs", "hidden"), [(1, 10), (6, 10), (2, 33)])
def test_units_that_join_are_counted_like_sets(inputs, hidden):
    draw = np.random.default_rng(0)
    theta, x = draw.normal(size=(hidden, 1 + inputs)), draw.normal(size=(500, inputs))
    patterns = (theta[:, 0] + x @ theta[:, 1:].T > 0).tolist()
    expected = [len({tuple(pattern[:units]) for pattern in patterns}) for units in range(1, hidden + 1)]
    with jax.enable_x64(True):
        assert regions.count_as_units_join(jnp.asarray(theta), jnp.asarray(x)).tolist() == expected


@pytest.mark.parametrize("inputs", [1, 3])
def test_counts_rise_and_stay_below_the_bound(inputs):
    counts = regions.sample_region_counts(jax.random.key(0), 6, inputs, hidden=12, samples=3000, spread=5.0)
    assert counts.shape == (6, 12)
    assert jnp.all(jnp.diff(counts, axis=1) >= 0)
    bounds = jnp.array([regions.max_regions(inputs, units) for units in range(1, 13)])
    assert jnp.all(counts <= bounds)
    assert jnp.all(counts[:, -1] > 0.3 * bounds[-1])


def test_every_region_is_found_where_samples_are_dense():
    theta = jnp.array([[-0.2, 1.0], [0.4, -1.0], [-0.6, 1.0], [1.6, -2.0]])
    counts = regions.count_as_units_join(theta, jnp.linspace(0, 1, 999)[:, None])
    assert counts.tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize(("inputs", "hidden", "name"), [(-1, 3, "inputs"), (3, -1, "hidden")])
def test_negative_numbers_are_told(inputs, hidden, name):
    with pytest.raises(ValueError, match=f"{name} must not be negative, got -1"):
        regions.max_regions(inputs, hidden)


def test_negative_inputs_of_the_logarithm_are_told():
    with pytest.raises(ValueError, match="inputs must not be negative, got -2"):
        regions.log_max_regions(-2, jnp.arange(3))


def test_no_samples_are_told():
    with pytest.raises(ValueError, match="x must not be empty"):
        regions.count_as_units_join(jnp.ones((3, 2)), jnp.ones((0, 1)))


def test_logarithm_has_a_derivative_by_a_real_width_below_the_number_of_inputs():
    with jax.enable_x64(True):
        for width in (0.5, 2.5, 7.25):
            slope = jax.grad(lambda width: regions.log_max_regions(10, width))(width)
            ends = [regions.log_max_regions(10, width + step) for step in (1e-6, -1e-6)]
            np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-6, rtol=1e-7)


def test_small_integers_do_not_wrap_around():
    assert regions.parameter_count(np.uint8(100), np.uint8(200)) == 20401
    assert regions.parameter_count(100_000, jnp.array([100_000])).tolist() == [10_000_200_001]
