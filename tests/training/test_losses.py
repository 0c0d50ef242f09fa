import jax
import jax.numpy as jnp
import numpy as np
import pytest

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


@pytest.mark.parametrize("shape", [(2,), (2, 5), ()])
def test_losses_take_any_number_of_leading_axes(shape):
    outputs = jax.random.normal(jax.random.key(0), (*shape, 4))
    labels = jax.random.randint(jax.random.key(1), shape, 0, 4)
    flat, flat_labels = outputs.reshape(-1, 4), labels.ravel()
    for function in (training.cross_entropy, training.percent_wrong):
        np.testing.assert_allclose(function(outputs, labels), function(flat, flat_labels), rtol=1e-6)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(
    "function, outputs, targets",
    [
        (training.squared_error, (4, 1), (4,)),
        (training.squared_error, (4,), (1,)),
        (training.squared_error, (4,), ()),
        (training.cross_entropy, (4, 3), (4, 1)),
        (training.cross_entropy, (4, 3), (1,)),
        (training.cross_entropy, (4, 3), ()),
        (training.percent_wrong, (4, 3), (4, 1)),
        (training.percent_wrong, (4, 3), (3,)),
    ],
)
def test_shapes_that_would_broadcast_are_told(function, outputs, targets, jit):
    called = jax.jit(function) if jit else function
    with pytest.raises(ValueError, match="must have the shape of"):
        called(jnp.zeros(outputs), jnp.zeros(targets, int))


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [0.0, 1.5], [0.0, float("nan")]])
def test_labels_that_number_no_class_are_told(labels):
    for function in (training.cross_entropy, training.percent_wrong):
        with pytest.raises(ValueError, match="labels must"):
            function(jnp.zeros((2, 3)), jnp.array(labels))


@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_losses_of_nothing_are_told(shape):
    for function in (training.cross_entropy, training.percent_wrong):
        with pytest.raises(ValueError, match="outputs must have examples and classes"):
            function(jnp.zeros(shape), jnp.zeros(shape[:1], int))


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "int32"])
@pytest.mark.parametrize("rows, wrong", [(3, 3), (7, 7), (1000, 700), (70_000, 70_000), (3, 0)])
def test_percent_is_exact_in_every_precision(rows, wrong, dtype, jit):
    outputs = jnp.tile(jnp.array([1, 0], dtype), (rows, 1))
    labels = (jnp.arange(rows) < wrong).astype(int)
    percent = (jax.jit(training.percent_wrong) if jit else training.percent_wrong)(outputs, labels)
    assert percent == 100 * wrong // rows


def test_labels_of_small_integers_do_not_wrap():
    labels = np.array([0, 5, 255], np.uint8)
    outputs = 10 * np.eye(256)[[0, 5, 254]]
    np.testing.assert_allclose(training.percent_wrong(outputs, labels), 100 / 3, rtol=1e-6)
    np.testing.assert_allclose(training.cross_entropy(np.zeros((3, 256)), labels), np.log(256), rtol=1e-6)


def test_booleans_are_labels():
    assert training.percent_wrong(jnp.eye(2), jnp.array([False, True])) == 0
