import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch21_ethics import black_box, explainability

predict = functools.partial(black_box.score, black_box.book_black_box())
X = np.array([0.3, 0.8, 0.6, 0.3], np.single)
GRID = np.arange(0, 1, 0.05, dtype=np.single)
NOISE = np.random.default_rng(0).uniform(-0.05, 0.05, (100, 4)).astype(np.single)


def quadratic(x):
    return jnp.sum(x**2, axis=-1)


def test_individual_expectation_varies_one_input():
    for k in range(4):
        varied = np.tile(X, (len(GRID), 1))
        varied[:, k] = GRID
        ours = explainability.individual_expectation(predict, X, k, GRID)
        np.testing.assert_allclose(ours, predict(varied), atol=1e-5)
        again = explainability.individual_expectation(predict, X, k - 4, GRID)
        np.testing.assert_array_equal(ours, again)


def test_partial_dependence_is_the_mean_of_the_curves():
    people = np.random.default_rng(1).uniform(size=(30, 4)).astype(np.single)
    curves = explainability.individual_expectation(predict, people, 2, GRID)
    assert curves.shape == (30, 20)
    ours = explainability.partial_dependence(predict, people, 2, GRID)
    np.testing.assert_allclose(ours, curves.mean(axis=0), rtol=1e-5)


def test_slice_has_rows_that_go_up():
    ours = explainability.slice_2d(predict, X, 1, 3, GRID)
    for row, column in ((0, 3), (7, 2), (19, 19)):
        point = np.array([0.3, GRID[column], 0.6, GRID[row]])
        assert ours[row, column] == pytest.approx(float(predict(point)), abs=1e-4)
    np.testing.assert_array_equal(explainability.slice_2d(predict, X, 3, 1, GRID), ours.T)


def test_lime_of_a_linear_function_is_that_function():
    fit = explainability.lime(lambda x: 3 * x[..., 0] + 1, [5.0], NOISE[:, :1])
    assert fit.slopes[0] == pytest.approx(3, rel=1e-4)
    assert fit.intercept == pytest.approx(1, abs=1e-3)
    assert fit.explained == pytest.approx(1, abs=1e-5)


def test_lime_looks_near_the_point_not_around_zero():
    for width in (0.01, 0.1):
        fit = explainability.sample_lime(jax.random.key(0), quadratic, jnp.ones(1), 2000, width)
        assert fit.slopes[0] == pytest.approx(2, abs=width)


def test_lime_far_away_where_weights_would_all_vanish():
    noise = np.linspace(-100, 100, 41, dtype=np.single)[:, None]
    weights = explainability.proximity(noise + 1000, 0.75)
    assert weights.max() == 1
    fit = explainability.lime(
        lambda x: 3 * x[..., 0] + 1, [1e6], noise, explainability.proximity(noise, 75.0)
    )
    assert fit.slopes[0] == pytest.approx(3, rel=1e-2)
    with pytest.raises(ValueError, match="noise must differ from sample to sample"):
        explainability.lime(lambda x: 3 * x[..., 0], [1e6], noise, explainability.proximity(noise, 0.25))


def test_lime_is_near_the_gradient():
    slopes = jax.grad(predict)(jnp.asarray(X))
    fit = explainability.lime(predict, X, NOISE)
    assert np.abs(fit.slopes - slopes).max() < 0.15 * np.abs(slopes).max()
    assert fit.explained > 0.97
    narrow = explainability.lime(predict, X, NOISE / 10)
    assert np.abs(narrow.slopes - slopes).max() < 0.02 * np.abs(slopes).max()


def test_weights_count():
    """Whole weights are repeated samples; a weight of zero is no sample."""
    weights = np.random.default_rng(3).integers(0, 4, 100)
    ours = explainability.lime(predict, X, NOISE, weights)
    repeated = explainability.lime(predict, X, np.repeat(NOISE, weights, axis=0))
    for part, other in zip(ours, repeated):
        np.testing.assert_allclose(part, other, rtol=2e-3)


def test_weighted_lime_is_nearer_to_the_gradient():
    slopes = np.asarray(jax.grad(predict)(jnp.asarray(X)))
    keys = jax.random.split(jax.random.key(1), 100)

    def errors(width):
        one = functools.partial(explainability.sample_lime, predict=predict, x=X, radius=0.2, width=width)
        return np.abs(jax.vmap(one)(keys).slopes - slopes).mean()

    assert errors(0.1) < errors(None)


def test_redraws_scatter_around_the_fit_of_many():
    keys = jax.random.split(jax.random.key(0), 200)
    redraws = jax.jit(jax.vmap(lambda key: explainability.sample_lime(key, predict, jnp.asarray(X))))(
        keys
    ).slopes
    many = explainability.sample_lime(jax.random.key(1), predict, X, 20_000).slopes
    assert redraws.shape == (200, 4)
    np.testing.assert_allclose(redraws.mean(axis=0), many, atol=0.3)
    assert np.all(redraws.std(axis=0) < 2)


def test_derivative_by_the_noise():
    with jax.enable_x64(True):
        x, noise = X.astype(np.double), NOISE.astype(np.double)
        f = lambda size: jnp.sum(explainability.lime(quadratic, x, size * noise).slopes)  # noqa: E731
        assert jax.grad(f)(1.0) == pytest.approx(float(f(1 + 1e-5) - f(1 - 1e-5)) / 2e-5, rel=1e-5)


def test_constant_functions_have_no_slopes():
    fit = explainability.lime(lambda x: jnp.full(x.shape[:-1], 2.0), X, NOISE)
    np.testing.assert_allclose(fit.slopes, 0, atol=1e-5)
    assert fit.intercept == pytest.approx(2, rel=1e-6)
    assert fit.explained == 1


def test_precision_is_kept():
    assert all(part.dtype == np.single for part in explainability.lime(predict, X, NOISE))
    with jax.enable_x64(True):
        double = explainability.lime(predict, X.astype(np.double), NOISE.astype(np.double))
        assert all(part.dtype == np.double for part in double)


@pytest.mark.parametrize(
    "call",
    [
        lambda k, grid: explainability.individual_expectation(predict, X, k, grid),
        lambda k, grid: explainability.partial_dependence(predict, X[None], k, grid),
    ],
)
def test_bad_inputs_and_grids_are_told(call):
    with pytest.raises(ValueError, match="k must be one of the inputs 0 to 3, got 4"):
        call(4, GRID)
    with pytest.raises(TypeError, match="k must be an integer"):
        call(1.0, GRID)
    with pytest.raises(ValueError, match="grid must be finite and rising"):
        call(1, GRID[::-1])
    with pytest.raises(ValueError, match="grid must be finite and rising"):
        call(1, [0.0, 0.5, 0.5])
    with pytest.raises(ValueError, match="grid must not be empty"):
        call(1, [])


def test_bad_slices_are_told():
    with pytest.raises(ValueError, match="across and up must be two inputs, got 2 twice"):
        explainability.slice_2d(predict, X, 2, -2, GRID)
    with pytest.raises(ValueError, match="up must be one of the inputs 0 to 3, got 7"):
        explainability.slice_2d(predict, X, 2, 7, GRID)
    with pytest.raises(ValueError, match="grid must be finite and rising"):
        explainability.slice_2d(predict, X, 0, 1, -GRID)


def test_bad_samples_are_told():
    with pytest.raises(
        ValueError, match=r"noise must have the shape \(samples, inputs\), where .* inputs is 4 as in x"
    ):
        explainability.lime(predict, X, NOISE[:, :3])
    with pytest.raises(ValueError, match="noise must have more samples than there are inputs, 4, got 4"):
        explainability.lime(predict, X, NOISE[:4])
    with pytest.raises(ValueError, match="noise must differ from sample to sample"):
        explainability.lime(predict, X, np.zeros((9, 4)))
    with pytest.raises(ValueError, match="noise must differ from sample to sample"):
        explainability.lime(predict, X, np.repeat(NOISE[:, :1], 4, axis=1))
    with pytest.raises(ValueError, match="weights must be finite and at least 0"):
        explainability.lime(predict, X, NOISE, -np.ones(100))
    with pytest.raises(ValueError, match="noise must differ from sample to sample"):
        explainability.lime(predict, X, NOISE, np.zeros(100))
    with pytest.raises(
        ValueError, match=r"x must have the shape of points of the black box, .* got \(100, 3\)"
    ):
        explainability.lime(predict, X[:3], NOISE[:, :3])
    with pytest.raises(ValueError, match="predict's scores must have the shape of one number for each point"):
        explainability.lime(lambda x: x, X, NOISE)


@pytest.mark.parametrize("radius", [0.0, -0.05, np.nan])
def test_radius_that_is_not_positive_is_told(radius):
    with pytest.raises(ValueError, match="radius must be positive"):
        explainability.sample_lime(jax.random.key(0), predict, X, radius=radius)
    with pytest.raises(ValueError, match="width must be positive"):
        explainability.sample_lime(jax.random.key(0), predict, X, width=radius)
