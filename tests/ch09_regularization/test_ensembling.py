import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch08_performance import simplified_network as network
from udl_jax.ch09_regularization import ensembling

DATA = network.sample_data(jax.random.key(0), (15,))
X_MODEL = np.linspace(0, 1, 50, dtype=np.float32)
TRUTH = network.true_function(X_MODEL)


def test_fit_minimises_squares_and_penalty_without_the_bias():
    phi = ensembling.fit(*DATA, hidden=6, ridge=0.3)

    def loss(phi):
        return jnp.sum((network.predict(phi, DATA.x) - DATA.y) ** 2) + 0.3 * jnp.sum(phi[1:] ** 2)

    np.testing.assert_allclose(jax.grad(loss)(phi), 0, atol=1e-4)


def test_without_ridge_it_is_the_fit_of_chapter_8():
    np.testing.assert_allclose(
        ensembling.fit(*DATA, hidden=5, ridge=0.0), network.fit(*DATA, hidden=5), rtol=1e-3, atol=1e-4
    )


def test_single_precision_keeps_what_a_nearly_singular_inverse_loses():
    """Of 15 resampled points only some differ, and the notebook's matrix has a condition number of millions."""
    indices = np.array(ensembling.sample_indices(jax.random.key(1), 8, 15))
    ours = ensembling.bootstrap(*DATA, indices, X_MODEL, hidden=14)
    with jax.enable_x64(True):
        x, y = (np.asarray(part, np.float64) for part in DATA)
        exact = ensembling.bootstrap(x, y, indices, X_MODEL.astype(np.float64), hidden=14)
    np.testing.assert_allclose(ours, exact, atol=0.02)


def test_models_are_the_fits_of_their_resampled_data():
    indices = ensembling.sample_indices(jax.random.key(2), 3, 15)
    together = jax.jit(ensembling.bootstrap, static_argnums=4)(*DATA, indices, X_MODEL, 4)
    for chosen, said in zip(indices, together):
        phi = ensembling.fit(DATA.x[chosen], DATA.y[chosen], 4)
        np.testing.assert_allclose(said, network.predict(phi, X_MODEL), atol=1e-3)


def test_all_examples_once_are_the_plain_fit():
    everything = ensembling.bootstrap(*DATA, np.arange(15)[None], X_MODEL, hidden=5)
    plain = network.predict(ensembling.fit(*DATA, hidden=5), X_MODEL)
    np.testing.assert_allclose(everything[0], plain, atol=1e-4)


def test_resampling_leaves_about_a_third_out():
    indices = np.asarray(ensembling.sample_indices(jax.random.key(3), 2000, 15))
    assert indices.min() == 0
    assert indices.max() == 14
    left_out = 1 - np.mean([len(set(row)) for row in indices]) / 15
    assert abs(left_out - (14 / 15) ** 15) < 0.01


def test_error_of_the_mean_is_never_above_the_mean_of_errors():
    indices = ensembling.sample_indices(jax.random.key(4), 20, 15)
    fits = ensembling.bootstrap(*DATA, indices, X_MODEL, hidden=14)
    errors = jnp.mean((fits - TRUTH) ** 2, axis=1)
    assert jnp.mean((ensembling.combine(fits) - TRUTH) ** 2) < errors.mean()


def test_median_ignores_a_model_that_goes_astray():
    said = jnp.array([[1.0, 2.0], [1.1, 2.1], [1e6, -1e6]])
    assert jnp.all(jnp.abs(ensembling.combine(said, "median") - jnp.array([1.1, 2.0])) < 1e-6)
    assert jnp.all(jnp.abs(ensembling.combine(said, "mean")) > 1e5)


def test_probabilities_and_logits_are_averaged_differently():
    outputs = jnp.log(jnp.array([[0.5, 0.5], [0.1, 0.9]]))
    np.testing.assert_allclose(ensembling.combine_classifiers(outputs), [0.3, 0.7], rtol=1e-6)
    np.testing.assert_allclose(ensembling.combine_classifiers(outputs, "logits"), [0.25, 0.75], rtol=1e-6)


@pytest.mark.parametrize("how", ensembling.MEANS)
def test_classifiers_give_probabilities_also_for_sure_models(how):
    outputs = jnp.array([[[1e4, 0.0, -1e4]], [[0.0, 1e4, 0.0]]])
    together = ensembling.combine_classifiers(outputs, how)
    assert together.shape == (1, 3)
    np.testing.assert_allclose(together.sum(-1), 1, rtol=1e-6)


def test_dtype_is_kept():
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            x, y = (np.asarray(part, dtype) for part in DATA)
            fits = ensembling.bootstrap(x, y, np.arange(15)[None], X_MODEL.astype(dtype), 3)
            assert fits.dtype == ensembling.combine(fits, "median").dtype == jnp.dtype(dtype)


def test_gradient_is_finite_for_data_that_repeat():
    chosen = np.zeros(15, int)
    gradient = jax.grad(lambda y: jnp.sum(ensembling.fit(DATA.x[chosen], y[chosen], 14)))(DATA.y)
    assert jnp.all(jnp.isfinite(gradient))


def test_bad_input_is_told():
    with pytest.raises(ValueError, match=r"indices must be in 0..14, got 15"):
        ensembling.bootstrap(*DATA, np.array([[0, 15]]), X_MODEL, 3)
    with pytest.raises(ValueError, match=r"ridge must not be negative.*, got -1"):
        ensembling.fit(*DATA, 3, ridge=-1)
    with pytest.raises(
        ValueError, match=r"y must have the shape \(examples\), where examples is 15 as in x, got \(14,\)"
    ):
        ensembling.fit(DATA.x, DATA.y[1:], 3)
    with pytest.raises(ValueError, match="hidden must be at least 1, got 0"):
        ensembling.fit(*DATA, 0)
    with pytest.raises(ValueError, match="how must be one of 'mean', 'median', got 'mode'"):
        ensembling.combine(jnp.ones((2, 3)), "mode")
    with pytest.raises(ValueError, match="how must be one of 'probabilities', 'logits', got 'mean'"):
        ensembling.combine_classifiers(jnp.ones((2, 3)), "mean")
    with pytest.raises(ValueError, match="predictions must not be empty"):
        ensembling.combine(jnp.ones((0, 3)))
