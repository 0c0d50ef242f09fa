import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch07_gradients.finite_differences import finite_differences, move_each


def cubic(x):
    return jnp.sum(x**3)


@pytest.mark.parametrize("central", [False, True])
def test_linear_functions_are_differentiated_exactly(central):
    slopes = jnp.array([1.0, -2.0, 0.5])
    found = finite_differences(lambda x: slopes @ x, jnp.array([1.0, 0.0, 3.0]), 0.25, central=central)
    np.testing.assert_allclose(found, slopes, rtol=1e-6)


@pytest.mark.parametrize(("central", "order"), [(False, 1), (True, 2)])
def test_error_falls_with_the_step_as_the_order_says(central, order):
    with jax.enable_x64(True):
        x = jnp.array([0.5, 1.0, 2.0])
        errors = [finite_differences(cubic, x, d, central=central) - 3 * x**2 for d in (1e-3, 5e-4)]
        np.testing.assert_allclose(errors[0] / errors[1], 2.0**order, rtol=1e-3)


def test_derivatives_stand_where_their_parameters_do():
    parameters = {"a": jnp.array(2.0), "b": (jnp.ones((2, 3)), jnp.zeros(0))}
    found = finite_differences(lambda p: p["a"] * p["b"][0].sum(), parameters, 0.5)
    assert jax.tree.structure(found) == jax.tree.structure(parameters)
    np.testing.assert_allclose(found["a"], 6, rtol=1e-6)
    np.testing.assert_allclose(found["b"][0], jnp.full((2, 3), 2.0), rtol=1e-6)
    assert found["b"][1].shape == (0,)


def test_only_one_parameter_moves_at_a_time():
    values = move_each(lambda x: 10 * x[0] + x[1], jnp.array([1.0, 2.0]), 0.5)
    np.testing.assert_allclose(values, [17.0, 12.5])


def test_dtype_is_that_of_the_parameters():
    with jax.enable_x64(True):
        for dtype in (jnp.float32, jnp.float64):
            assert move_each(cubic, jnp.ones(2, dtype), jnp.array(0.1, jnp.float64)).dtype == dtype


def test_runs_under_jit_with_the_step_as_argument():
    found = jax.jit(lambda x, delta: finite_differences(cubic, x, delta, central=True))(jnp.ones(3), 0.01)
    np.testing.assert_allclose(found, 3, rtol=1e-3)
