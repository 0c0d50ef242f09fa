import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch08_performance import simplified_network as network
from udl_jax.ch09_regularization import bayesian_approach as bayes

DATA = network.sample_data(jax.random.key(0), (15,))
X_MODEL = np.linspace(0, 1, 30, dtype=np.float32)


def test_mean_is_the_most_probable_of_all_parameters():
    beliefs = bayes.posterior(*DATA, 4, noise_variance=0.2, prior_variance=3.0)

    def energy(phi):
        rest = network.predict(phi, DATA.x) - DATA.y
        return jnp.sum(rest**2) / (2 * 0.2) + jnp.sum(phi**2) / (2 * 3.0)

    np.testing.assert_allclose(jax.grad(energy)(beliefs.mean), 0, atol=1e-3)
    precision = beliefs.cholesky @ beliefs.cholesky.T
    np.testing.assert_allclose(precision, jax.hessian(energy)(beliefs.mean), rtol=1e-3, atol=1e-3)


def test_factor_is_the_cholesky_factor_of_the_precision():
    with jax.enable_x64(True):
        data = [np.asarray(part, np.float64) for part in DATA]
        beliefs = bayes.posterior(*data, 5)
        _, covariance = bayes.posterior_by_inverse(*data, 5)
        np.testing.assert_allclose(
            beliefs.cholesky, np.linalg.cholesky(np.linalg.inv(covariance)), rtol=1e-8, atol=1e-8
        )
        np.testing.assert_allclose(beliefs.covariance, covariance, rtol=1e-8)


def test_without_data_the_posterior_is_the_prior():
    nothing = np.zeros(0, np.float32)
    beliefs = bayes.posterior(nothing, nothing, 3, prior_variance=4.0)
    np.testing.assert_allclose(beliefs.mean, 0)
    np.testing.assert_allclose(beliefs.covariance, 4 * np.eye(4), atol=1e-6)


def test_a_narrow_prior_keeps_the_parameters_small_and_a_wide_one_gives_least_squares():
    narrow = bayes.posterior(*DATA, 4, prior_variance=1e-6)
    np.testing.assert_allclose(narrow.mean, 0, atol=1e-3)
    wide = bayes.posterior(*DATA, 4, prior_variance=1e10)
    np.testing.assert_allclose(wide.mean, network.fit(*DATA, 4), rtol=1e-3)


def test_wide_priors_in_single_precision_keep_their_digits():
    """The inverse of the precision has none left here: some of its variances come out negative or far off."""
    ours = jnp.diag(bayes.posterior(*DATA, 20, prior_variance=1e6).covariance)
    by_inverse = jnp.diag(bayes.posterior_by_inverse(*DATA, 20, prior_variance=1e6)[1])
    with jax.enable_x64(True):
        data = (np.asarray(part, np.float64) for part in DATA)
        exact = np.diag(bayes.posterior(*data, 20, prior_variance=1e6).covariance)
    np.testing.assert_allclose(ours, exact, rtol=0.05)
    assert np.abs(by_inverse / exact - 1).max() > 0.05


def test_data_never_make_the_prediction_less_certain():
    before = bayes.predict(bayes.posterior(DATA.x[:5], DATA.y[:5], 5), X_MODEL)
    after = bayes.predict(bayes.posterior(*DATA, 5), X_MODEL)
    assert jnp.all(after.variance <= before.variance * 1.001)


def test_samples_have_the_mean_and_covariance_of_the_posterior():
    beliefs = bayes.posterior(*DATA, 3, prior_variance=2.0)
    phi = np.asarray(bayes.draw_samples(jax.random.key(1), beliefs, 100_000))
    scale = np.sqrt(np.diag(beliefs.covariance))
    np.testing.assert_allclose(phi.mean(0), beliefs.mean, atol=0.02 * scale.max())
    np.testing.assert_allclose(np.cov(phi.T), beliefs.covariance, atol=0.03 * scale.max() ** 2)


def test_prediction_is_the_mean_over_samples():
    beliefs = bayes.posterior(*DATA, 3)
    phi = bayes.draw_samples(jax.random.key(2), beliefs, 20_000)
    said = jax.vmap(network.predict, (0, None))(phi, X_MODEL)
    mean, variance = bayes.predict(beliefs, X_MODEL)
    np.testing.assert_allclose(said.mean(0), mean, atol=0.02)
    np.testing.assert_allclose(said.var(0), variance, rtol=0.1)


def test_noise_variance_comes_on_top():
    beliefs = bayes.posterior(*DATA, 3)
    silent, noisy = bayes.predict(beliefs, X_MODEL), bayes.predict(beliefs, X_MODEL, 0.09)
    np.testing.assert_allclose(noisy.variance, silent.variance + 0.09, rtol=1e-6)
    np.testing.assert_array_equal(noisy.mean, silent.mean)


def test_samples_of_several_axes_and_of_zero_draws():
    beliefs = bayes.posterior(*DATA, 3)
    np.testing.assert_array_equal(bayes.sample(beliefs, np.zeros((2, 5, 4), np.float32))[1, 2], beliefs.mean)
    np.testing.assert_array_equal(bayes.sample(beliefs, np.zeros(4, np.float32)), beliefs.mean)


def test_priors_may_be_mapped_over_and_dtypes_are_kept():
    sweep = jax.jit(jax.vmap(lambda prior: bayes.predict(bayes.posterior(*DATA, 4, 0.09, prior), X_MODEL)))
    ours = sweep(jnp.array([0.1, 1.0, 1000.0]))
    assert ours.mean.shape == (3, 30)
    assert jnp.all(jnp.diff(ours.variance.mean(1)) > 0)
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            beliefs = bayes.posterior(*(np.asarray(part, dtype) for part in DATA), 3)
            assert {leaf.dtype for leaf in (*beliefs, beliefs.covariance)} == {jnp.dtype(dtype)}


def test_gradient_by_the_prior_is_that_of_differences():
    def certainty(prior):
        return jnp.sum(bayes.predict(bayes.posterior(*data, 4, 0.09, prior), X_MODEL).variance)

    with jax.enable_x64(True):
        data = [np.asarray(part, np.float64) for part in DATA]
        slope = (certainty(1.0 + 1e-5) - certainty(1.0 - 1e-5)) / 2e-5
        np.testing.assert_allclose(jax.grad(certainty)(1.0), slope, rtol=1e-6)


@pytest.mark.parametrize("function", [bayes.posterior, bayes.posterior_by_inverse])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, 0.0), "noise_variance must be positive.*, got 0.0"),
        ((3, 0.1, -1.0), "prior_variance must be positive.*, got -1.0"),
        ((3, 0.1, float("nan")), "prior_variance must be positive.*, got nan"),
        ((0,), "hidden must be at least 1, got 0"),
    ],
)
def test_impossible_settings_are_told(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*DATA, *arguments)


def test_shapes_that_do_not_fit_are_told():
    with pytest.raises(
        ValueError, match=r"y must have the shape \(examples\), where examples is 15 as in x, got \(14,\)"
    ):
        bayes.posterior(DATA.x, DATA.y[1:], 3)
    beliefs = bayes.posterior(*DATA, 3)
    with pytest.raises(ValueError, match=r"normals must have 4 numbers in a row, got the shape \(2, 3\)"):
        bayes.sample(beliefs, np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"noise_variance must not be negative.*, got -1"):
        bayes.predict(beliefs, X_MODEL, -1)
