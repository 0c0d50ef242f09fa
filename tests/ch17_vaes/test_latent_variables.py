import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch17_vaes import latent_variables as model

Z = np.arange(-5, 5, 0.01, dtype=np.float32)
AXIS = np.arange(-2.5, 3.5, 0.03, dtype=np.float32)


@pytest.mark.parametrize("sigma_sq", [0.01, 0.04, 0.2])
def test_density_integrates_to_one(sigma_sq):
    density = model.marginal_density(AXIS, AXIS, Z, sigma_sq)
    assert abs(density.sum() * 0.03**2 - 1) < 2e-3


def test_matrix_product_is_the_sum_over_latent_variables():
    density = model.marginal_density(AXIS, AXIS, Z)
    mesh = np.stack(np.meshgrid(AXIS, AXIS), axis=-1)[::10, ::10]
    np.testing.assert_allclose(jnp.exp(model.log_density(mesh, Z)), density[::10, ::10], rtol=1e-3, atol=1e-6)


BOXES = {
    "left": lambda x1, x2: x1 < 0.5,
    "top": lambda x1, x2: x2 > 0.7,
    "corner": lambda x1, x2: (x1 > 1.0) & (x2 < 0),
}


@pytest.mark.parametrize("box", BOXES)
def test_samples_lie_where_the_density_says(box):
    x = model.sample(jax.random.key(0), 50_000)
    density = model.marginal_density(AXIS, AXIS, Z) * 0.03**2
    truth = density[BOXES[box](*np.meshgrid(AXIS, AXIS))].sum()
    assert abs(BOXES[box](x[:, 0], x[:, 1]).mean() - truth) < 0.02


def test_posterior_is_bayes_rule_on_a_grid():
    points = model.sample(jax.random.key(1), 5)
    joint = jnp.exp(model.log_likelihood(points, Z) + model.log_prior(Z))
    np.testing.assert_allclose(
        model.posterior(points, Z), joint / joint.sum(-1, keepdims=True), rtol=1e-3, atol=1e-7
    )


def test_average_posterior_of_many_points_is_the_prior():
    points = model.sample(jax.random.key(2), 20_000)
    average = jax.lax.map(
        lambda part: model.posterior(part, Z[::10]).mean(0), points.reshape(20, 1000, 2)
    ).mean(0)
    np.testing.assert_allclose(average, np.exp(-(Z[::10] ** 2) / 2) / np.sqrt(2 * np.pi) * 0.1, atol=4e-3)


def test_far_away_logarithms_and_posteriors_stay_finite():
    far = jnp.array([[50.0, -70.0]])
    assert jnp.all(jnp.isfinite(model.log_density(far, Z)))
    assert jnp.all(jnp.isfinite(jax.grad(lambda x: model.log_density(x, Z).sum())(far)))
    np.testing.assert_allclose(model.posterior(far, Z).sum(), 1, rtol=1e-4)


def test_without_noise_points_lie_on_the_curve():
    z = np.linspace(-2, 2, 9, dtype=np.float32)
    np.testing.assert_allclose(
        model.decode(z, np.zeros((9, 2), np.float32)), model.latent_to_mean(z), rtol=1e-6
    )


def test_another_decoder_takes_the_place_of_the_notebooks():
    line = lambda z: jnp.stack([z, 0 * z], axis=-1)  # noqa: E731
    ours = model.log_density(jnp.array([[0.5, 0.1]]), Z, 0.25, line)
    exact = -(0.5**2) / (2 * 1.25) - 0.1**2 / 0.5 - np.log(2 * np.pi * np.sqrt(1.25 * 0.25))
    np.testing.assert_allclose(ours, exact, rtol=1e-4)


def test_works_under_jit_and_in_double_precision():
    with jax.enable_x64(True):
        z, axis = Z.astype(np.float64), AXIS.astype(np.float64)
        density = jax.jit(model.marginal_density)(axis, axis, z)
        assert density.dtype == np.float64
        np.testing.assert_allclose(density, model.marginal_density(axis, axis, z), rtol=1e-10)
        assert model.sample(jax.random.key(0), 3).dtype == np.float64
    assert model.posterior(np.zeros(2, np.float32), Z).dtype == np.float32


def test_bad_input_is_told():
    x = jnp.zeros((3, 2))
    for sigma_sq in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="sigma_sq must be positive"):
            model.log_likelihood(x, Z, sigma_sq)
    with pytest.raises(ValueError, match=r"x must have the shape .*got \(3, 3\)"):
        model.log_likelihood(jnp.zeros((3, 3)), Z)
    with pytest.raises(ValueError, match="z must be equally spaced and rising"):
        model.log_density(x, Z[::-1])
    with pytest.raises(ValueError, match="z must be equally spaced and rising"):
        model.posterior(x, np.array([0.0, 1.0, 1.5]))
    with pytest.raises(ValueError, match="z must have two places at least"):
        model.marginal_density(AXIS, AXIS, np.zeros(1))
    with pytest.raises(ValueError, match="noise must have the shape"):
        model.decode(jnp.zeros(3), jnp.zeros((3, 1)))
    with pytest.raises(ValueError, match="decoder's means must have the shape"):
        model.log_likelihood(x, Z, 0.04, lambda z: z)
    with pytest.raises(TypeError, match="decoder must be a function"):
        model.log_likelihood(x, Z, 0.04, None)
    with pytest.raises(ValueError, match="count must be at least 1"):
        model.sample(jax.random.key(0), 0)
