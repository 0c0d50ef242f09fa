import jax
import numpy as np
import pytest

from udl_jax.ch14_unsupervised import densities

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 2)) @ np.array([[1.0, 0.5], [0.0, 0.7]])
LABELS = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)


def on_grid(log_density):
    axis = np.linspace(-8, 8, 201)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return np.exp(log_density(grid)).sum() * (axis[1] - axis[0]) ** 2


def test_densities_integrate_to_one():
    with jax.enable_x64(True):
        for model in (densities.fit_gaussians(X), densities.fit_gaussians(X, LABELS)):
            np.testing.assert_allclose(on_grid(lambda g, m=model: densities.log_density(m, g)), 1, rtol=1e-4)
        kernel = lambda grid: densities.kernel_log_density(grid, X[:40], 0.4)  # noqa: E731
        np.testing.assert_allclose(on_grid(kernel), 1, rtol=1e-4)


def test_samples_have_the_moments_of_the_model():
    model = densities.fit_gaussians(X, LABELS)
    samples = densities.sample_gaussians(jax.random.key(0), model, 20_000)
    np.testing.assert_allclose(samples.mean(0), X.mean(0), atol=0.03)
    np.testing.assert_allclose(np.cov(samples.T), np.cov(X.T) + 0.01 * np.eye(2), atol=0.05)


def test_fit_is_the_best_gaussian():
    with jax.enable_x64(True):
        model = densities.fit_gaussians(X, floor=1e-9)
        best = densities.log_density(model, X).mean()
        for change in (model._replace(mean=model.mean + 0.1), model._replace(root=model.root * 1.1)):
            assert densities.log_density(change, X).mean() < best


def test_mixture_of_one_is_a_gaussian_and_shares_add_up():
    one, three = densities.fit_gaussians(X), densities.fit_gaussians(X, LABELS)
    np.testing.assert_allclose(np.exp(three.log_share).sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(np.exp(one.log_share), [1], rtol=1e-6)
    apart = X + 6 * LABELS[:, None]
    fits = (densities.fit_gaussians(apart, LABELS), densities.fit_gaussians(apart))
    three, one = (densities.log_density(fit, apart).mean() for fit in fits)
    assert three > one


def test_narrow_kernels_remember_the_data():
    on_data = densities.kernel_log_density(X[:50], X, 1e-3).mean()
    near = densities.kernel_log_density(X[:50] + 0.05, X, 1e-3).mean()
    assert on_data > near + 100


def test_bad_input_is_told():
    with pytest.raises(
        ValueError, match="labels must have examples of every class up to the largest, got none of 1"
    ):
        densities.fit_gaussians(X, np.where(LABELS == 1, 2, LABELS))
    with pytest.raises(ValueError, match="floor must be positive"):
        densities.fit_gaussians(X, floor=0.0)
    with pytest.raises(ValueError, match="x must be finite"):
        densities.fit_gaussians(np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="bandwidth must be positive"):
        densities.kernel_log_density(X, X, -1.0)
    with pytest.raises(ValueError, match=r"centres must have the shape"):
        densities.kernel_log_density(X, X[:, :1], 1.0)
    with pytest.raises(ValueError, match=r"labels must have the shape \(examples\)"):
        densities.fit_gaussians(X, LABELS[:5])
