import jax
import jax.numpy as jnp
import numpy as np

from udl_jax import training


def test_cross_entropy_of_indifference_is_log_of_classes():
    labels = jnp.array([0, 3, 6])
    np.testing.assert_allclose(training.cross_entropy(jnp.zeros((3, 7)), labels), jnp.log(7), rtol=1e-6)


def test_cross_entropy_does_not_change_with_a_common_shift():
    outputs = jax.random.normal(jax.random.key(0), (5, 4))
    labels = jnp.array([0, 1, 2, 3, 0])
    shifted = training.cross_entropy(outputs + 1000, labels)
    np.testing.assert_allclose(shifted, training.cross_entropy(outputs, labels), rtol=1e-4)


def test_percent_wrong_is_exact_at_both_ends():
    outputs = jnp.eye(4)
    assert training.percent_wrong(outputs, jnp.arange(4)) == 0
    assert training.percent_wrong(outputs, jnp.arange(4)[::-1]) == 100


def test_percent_wrong_takes_the_first_of_equals_as_argmax_does():
    outputs = jax.random.randint(jax.random.key(0), (200, 4), 0, 3).astype(float)
    labels = jax.random.randint(jax.random.key(1), (200,), 0, 4)
    expected = 100 * jnp.mean(jnp.argmax(outputs, axis=-1) != labels)
    np.testing.assert_allclose(training.percent_wrong(outputs, labels), expected, rtol=1e-6)


def test_outputs_that_are_not_numbers_are_wrong():
    assert training.percent_wrong(jnp.full((3, 2), jnp.nan), jnp.array([0, 1, 0])) == 100


def test_squared_error_adds_up_over_rows():
    x, y = jax.random.normal(jax.random.key(0), (2, 6, 3))
    parts = sum(training.squared_error(x[i : i + 1], y[i : i + 1]) for i in range(6))
    np.testing.assert_allclose(training.squared_error(x, y), parts, rtol=1e-5)
