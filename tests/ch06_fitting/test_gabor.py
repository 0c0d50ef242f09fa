import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch06_fitting import gabor
from udl_jax.data import toy

X, Y = toy.gabor_points()
# Offsets and frequencies from the region that the book draws.
PHIS = np.random.default_rng(0).uniform((-10, 2.5), (10, 22.5), (50, 2)).astype(np.float32)
PHI = jnp.asarray(PHIS[0])


def test_wavelet_turns_its_sign_when_mirrored():
    x = jnp.linspace(-15, 15, 50)
    predict = jax.jit(jax.vmap(gabor.predict, (0, None)))
    np.testing.assert_allclose(predict(PHIS, x), -predict(PHIS * np.float32([-1, 1]), -x), atol=1e-6)


def test_wavelet_stays_within_one_and_dies_away():
    y = jax.jit(jax.vmap(gabor.predict, (0, None)))(PHIS, jnp.linspace(-15, 15, 50))
    assert jnp.abs(y).max() <= 1
    np.testing.assert_allclose(
        gabor.predict(jnp.array([0.0, 20.0]), jnp.array([-100.0, 100.0])), 0, atol=1e-6
    )


def test_loss_is_zero_on_the_wavelet_itself():
    assert gabor.least_squares_loss(PHI, X, gabor.predict(PHI, X)) == 0


def test_gradient_by_hand_is_that_of_jax():
    with jax.enable_x64(True):
        x, y, phis = (jnp.asarray(np.asarray(a), jnp.float64) for a in (X, Y, PHIS))
        by_hand = jax.jit(jax.vmap(gabor.gradient, (0, None, None)))(phis, x, y)
        by_jax = jax.jit(jax.vmap(jax.grad(gabor.least_squares_loss), (0, None, None)))(phis, x, y)
        assert by_hand.dtype == jnp.float64
        np.testing.assert_allclose(by_hand, by_jax, rtol=1e-12, atol=1e-12)


def test_gradient_of_the_whole_is_the_sum_over_batches():
    parts = jax.jit(jax.vmap(gabor.gradient, (None, 0, 0)))(PHI, X.reshape(6, 5), Y.reshape(6, 5))
    np.testing.assert_allclose(parts.sum(0), gabor.gradient(PHI, X, Y), rtol=1e-5)


def test_no_examples_are_told():
    with pytest.raises(ValueError, match="x must not be empty"):
        gabor.gradient(PHI, X[:0], Y[:0])


def test_columns_do_not_broadcast():
    for column in (Y[:, None], Y[None]):
        with pytest.raises(ValueError, match=r"y must have the shape \(batch\)"):
            gabor.least_squares_loss(PHI, X, column)
        with pytest.raises(ValueError, match=r"y must have the shape \(batch\)"):
            jax.jit(gabor.gradient)(PHI, X, column)


def test_wavelet_is_flat_however_far_away():
    far = jnp.array([1e30, -jnp.inf])
    np.testing.assert_array_equal(gabor.predict(PHI, far), [0, 0])
    np.testing.assert_array_equal(jax.grad(gabor.least_squares_loss)(PHI, far[:1], jnp.ones(1)), [0, 0])
    np.testing.assert_array_equal(gabor.gradient(PHI, far[:1], jnp.ones(1)), [0, 0])


def test_flax_model_is_the_wavelet():
    model = gabor.GaborModel()
    np.testing.assert_allclose(model.apply({"params": {"phi": PHI}}, X), gabor.predict(PHI, X), rtol=1e-6)
    assert jnp.array_equal(model.init(jax.random.key(0), X)["params"]["phi"], jnp.zeros(2))


def test_parameters_have_the_dtype_of_the_data():
    with jax.enable_x64(True):
        x = jnp.zeros(3, jnp.float64)
        assert gabor.GaborModel().init(jax.random.key(0), x)["params"]["phi"].dtype == x.dtype
