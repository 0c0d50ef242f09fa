import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from udl_jax import training
from udl_jax.ch17_vaes import autoencoder as vae
from udl_jax.ch17_vaes import bounds, latent_variables

MODEL = vae.Autoencoder(features=2, latents=1, widths=(32, 32), sigma_sq=0.04, activation=nn.gelu)
X = latent_variables.sample(jax.random.key(0), 2000)
Z = np.arange(-5, 5, 0.02, dtype=np.float32)
RECIPE = training.Recipe(
    MODEL, optax.adam(3e-3), objective=vae.Objective(), evaluation=training.Evaluation(every=0)
)


@pytest.fixture(scope="module")
def trained():
    variables = training.initialise(MODEL, jax.random.key(1), X[:1])
    order = training.draw_order(jax.random.key(2), 2000, 40, 100)
    noise = np.random.default_rng(0).standard_normal((40, 20, 100, 1), np.float32)
    state, history = training.train(
        RECIPE, training.start(RECIPE, variables), training.Examples(X), None, order, noise
    )
    return state.variables, history


def test_bounds_are_in_order(trained):
    """ELBO, importance sampling with 5 and with 200 draws, and the truth of the model by quadrature."""
    variables, x = trained[0], X[:300]
    noise = jax.random.normal(jax.random.key(3), (200, 300, 1))
    elbo = jax.lax.map(lambda one: vae.elbo(MODEL, variables, x, one), noise).mean()
    few = bounds.log_likelihood(MODEL, variables, x, noise[:5]).mean()
    many = bounds.log_likelihood(MODEL, variables, x, noise).mean()
    truth = bounds.exact_log_likelihood(MODEL, variables, x, Z).mean()
    assert elbo < few < many < truth + 0.01
    assert truth - many < 0.1


def test_objective_with_one_draw_of_many_is_the_elbo_on_average(trained):
    variables, x = trained[0], X[:100]
    noise = jax.random.normal(jax.random.key(4), (400, 100, 1))
    by_weights = bounds.log_weights(MODEL, variables, x, noise).mean(axis=0)
    by_terms = jax.lax.map(lambda one: vae.elbo(MODEL, variables, x, one), noise).mean(axis=0)
    assert abs(by_weights.mean() - by_terms.mean()) < 0.05


def test_sampling_of_a_decoder_that_ignores_z_is_exact():
    """Then the likelihood is the decoder's own, whatever is drawn, if the encoder guesses the prior."""
    start = training.initialise(MODEL, jax.random.key(0), X[:1])
    still = jax.tree.map(jnp.zeros_like, start)
    noise = jax.random.normal(jax.random.key(1), (3, 4, 1))
    exact = -(X[:4] ** 2).sum(1) / 0.08 - np.log(2 * np.pi * 0.04)
    np.testing.assert_allclose(bounds.log_likelihood(MODEL, still, X[:4], noise), exact, rtol=1e-4)
    np.testing.assert_allclose(bounds.exact_log_likelihood(MODEL, still, X[:4], Z), exact, rtol=1e-4)


def test_bad_input_is_told():
    variables = training.initialise(MODEL, jax.random.key(0), X[:1])
    with pytest.raises(ValueError, match="noise must have the shape"):
        bounds.log_likelihood(MODEL, variables, X[:5], jnp.zeros((5, 1)))
    with pytest.raises(ValueError, match="x must have the shape"):
        bounds.log_weights(MODEL, variables, X[0], jnp.zeros((1, 1, 1)))
    pixels = vae.Autoencoder(features=4, latents=2, widths=(8,))
    with pytest.raises(ValueError, match="model must have 1 latent variable, 2 features and a sigma_sq"):
        bounds.exact_log_likelihood(pixels, variables, X, Z)
