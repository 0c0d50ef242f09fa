import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch18_diffusion import lookup_table
from udl_jax.ch18_diffusion.lookup_table import Table


def test_table_holds_averages_when_nothing_is_added():
    z = jax.random.uniform(jax.random.key(0), (5000,), minval=-3, maxval=3)
    table = lookup_table.fit(z, 2 * z, bins=12, extra=0)
    centres = -3 + 0.5 * (np.arange(12) + 0.5)
    np.testing.assert_allclose(table.values, 2 * centres, atol=0.06)
    np.testing.assert_allclose(lookup_table.look_up(table, centres), table.values)


def test_one_more_sample_than_there_are_makes_values_smaller():
    z, target = jnp.array([0.1, 0.2, 0.3]), jnp.array([1.0, 2.0, 3.0])
    with_one, without = (lookup_table.fit(z, target, 2, extra=extra).values for extra in (1, 0))
    np.testing.assert_allclose(with_one, [0, 6 / 4])
    np.testing.assert_allclose(without, [0, 2])


def test_inputs_beyond_the_limits_belong_to_the_outermost_bins():
    table = lookup_table.fit(jnp.array([-50.0, 50.0, 3.0]), jnp.array([1.0, 2.0, 4.0]), 4, extra=0)
    np.testing.assert_allclose(table.values, [1, 0, 0, 3])
    np.testing.assert_allclose(lookup_table.look_up(table, jnp.array([[-np.inf], [9.0]])), [[1], [3]])


def test_no_sample_is_lost():
    z = 4 * jax.random.normal(jax.random.key(1), (10_000,))
    counts = lookup_table.fit(z, jnp.ones_like(z), 37, 2.0, extra=0)
    np.testing.assert_array_equal(counts.values, 1)


def test_works_under_jit_and_keeps_the_dtype():
    z = np.linspace(-3, 3, 50)
    table = jax.jit(lookup_table.fit, static_argnums=2)(z, z, 10)
    np.testing.assert_allclose(table.values, lookup_table.fit(z, z, 10).values, rtol=1e-6)
    half = lookup_table.fit(z.astype(np.float16), z.astype(np.float16), 10)
    assert half.values.dtype == np.float16
    assert lookup_table.look_up(half, z.astype(np.float32)).dtype == np.float32
    with jax.enable_x64(True):
        assert lookup_table.fit(z, z, 10).values.dtype == np.float64


def test_bad_input_is_told():
    z = jnp.zeros(3)
    with pytest.raises(ValueError, match="target must have the shape"):
        lookup_table.fit(z, jnp.zeros((3, 1)))
    with pytest.raises(ValueError, match="bins must be at least 1, got 0"):
        lookup_table.fit(z, z, 0)
    with pytest.raises(ValueError, match="limit must be positive"):
        lookup_table.fit(z, z, limit=-3.0)
    with pytest.raises(ValueError, match="extra must not be negative"):
        lookup_table.fit(z, z, extra=-1)
    with pytest.raises(ValueError, match=r"table must be one table, got values of the shape \(2, 5\)"):
        lookup_table.look_up(Table(jnp.zeros((2, 5)), jnp.array(3.0)), z)
