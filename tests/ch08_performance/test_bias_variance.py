import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch08_performance import bias_variance as trade_off
from udl_jax.ch08_performance import simplified_network as network

X_MODEL = np.linspace(0, 1, 40, dtype=np.float32)
TRUTH = network.true_function(X_MODEL)


@pytest.mark.parametrize("truth", [0.5, 0])
def test_bias_and_variance_are_not_rounded(truth):
    """Predictions in an integer array would be; integer targets must not make them so."""
    predictions = np.array([[0.2], [0.4], [0.9]], np.float32)
    parts = trade_off.decompose(predictions, np.array([truth]))
    np.testing.assert_allclose(parts.variance, 0.26 / 3, rtol=1e-6)
    np.testing.assert_allclose(parts.bias, (0.5 - truth) ** 2, atol=1e-7)
    np.testing.assert_allclose(parts.total, np.mean((predictions - truth) ** 2), rtol=1e-6)


def test_parts_add_up_to_the_error_on_fresh_data():
    """Equation 8.7: expected squared error is variance, bias and noise."""
    data = network.sample_data(jax.random.key(0), (400, 15), 0.3)
    fits = trade_off.refit(data, X_MODEL, 4)
    parts = trade_off.decompose(fits, TRUTH, 0.3)
    fresh = TRUTH + 0.3 * jax.random.normal(jax.random.key(1), fits.shape)
    np.testing.assert_allclose(parts.total, jnp.mean((fits - fresh) ** 2), rtol=0.02)


def test_a_model_that_is_right_has_no_bias_and_one_that_never_changes_no_variance():
    parts = trade_off.decompose(jnp.stack([TRUTH + 1, TRUTH - 1]), TRUTH)
    np.testing.assert_allclose(parts, [1, 0, 0], atol=1e-6)
    parts = trade_off.decompose(jnp.stack([TRUTH + 1, TRUTH + 1]), TRUTH)
    np.testing.assert_allclose(parts, [0, 1, 0], atol=1e-6)


def test_sweep_is_the_fits_of_each_capacity():
    data = network.sample_data(jax.random.key(2), (3, 5, 15))
    swept = jax.jit(trade_off.sweep, static_argnums=2)(data, X_MODEL, (2, 6, 3))
    for capacity, ours, x, y in zip((2, 6, 3), swept, *data):
        alone = trade_off.refit(network.Data(x, y), X_MODEL, capacity)
        np.testing.assert_allclose(ours, alone, atol=2e-3)


def test_capacity_lowers_bias_and_raises_variance():
    data = network.sample_data(jax.random.key(3), (3, 200, 15))
    parts = trade_off.decompose(trade_off.sweep(data, X_MODEL, (1, 4, 10)), TRUTH)
    assert parts.bias[0] > parts.bias[1] > parts.bias[2]
    assert parts.variance[0] < parts.variance[1] < parts.variance[2]


def test_more_data_lower_the_variance():
    few, many = (network.sample_data(jax.random.key(4), (200, n)) for n in (10, 40))
    variances = [trade_off.decompose(trade_off.refit(d, X_MODEL, 4), TRUTH).variance for d in (few, many)]
    assert variances[1] < variances[0] / 2


def test_results_keep_the_dtype_of_the_data():
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            draws = np.full((2, 3, 5), 0.5, dtype)
            fits = trade_off.sweep(network.make_data(draws, draws), X_MODEL.astype(dtype), (1, 2))
            parts = trade_off.decompose(fits, TRUTH.astype(dtype), 0.3)
            assert {leaf.dtype for leaf in (fits, *parts)} == {jnp.dtype(dtype)}


def test_shapes_that_do_not_fit_are_told():
    data = network.sample_data(jax.random.key(0), (3, 5, 15))
    with pytest.raises(ValueError, match=r"the first of length 2, got the shape \(3, 5, 15\)"):
        trade_off.sweep(data, X_MODEL, (1, 2))
    with pytest.raises(ValueError, match=r"axes \(sets, examples\), got the shape \(3, 5, 15\)"):
        trade_off.refit(data, X_MODEL, 2)
    with pytest.raises(ValueError, match=r"capacities\[1\] must be at least 1, got 0"):
        trade_off.sweep(data, X_MODEL, (1, 0, 2))
    with pytest.raises(
        ValueError, match=r"predictions must have the shape \(\*sweep, sets, points\), got \(40,\)"
    ):
        trade_off.decompose(TRUTH, TRUTH)
    with pytest.raises(
        ValueError,
        match=r"truth must have the shape \(points\), where points is 40 as in predictions, got \(39,\)",
    ):
        trade_off.decompose(jnp.stack([TRUTH, TRUTH]), TRUTH[1:])
