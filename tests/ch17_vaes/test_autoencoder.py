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


def exact(variables, x):
    return bounds.exact_log_likelihood(MODEL, variables, x, Z)


@pytest.fixture(scope="module")
def trained():
    variables = training.initialise(MODEL, jax.random.key(1), X[:1])
    order = training.draw_order(jax.random.key(2), 2000, 40, 100)
    noise = np.random.default_rng(0).standard_normal((40, 20, 100, 1), np.float32)
    state, history = training.train(
        RECIPE, training.start(RECIPE, variables), training.Examples(X), None, order, noise
    )
    return state.variables, history


def test_training_comes_near_the_true_density(trained):
    variables, history = trained
    losses = np.asarray(history.train.loss)
    assert losses[-1] < 0.9 * losses[0]
    assert latent_variables.log_density(X, Z).mean() - exact(variables, X).mean() < 0.5


def test_beta_weighs_the_divergence(trained):
    variables, noise = trained[0], jnp.zeros((5, 1))
    reconstruction, divergence = vae.terms(MODEL, variables, X[:5], noise)
    for beta in (0.0, 1.0, 4.0):
        np.testing.assert_allclose(
            vae.elbo(MODEL, variables, X[:5], noise, beta), reconstruction - beta * divergence, rtol=1e-5
        )
    assert jnp.all(divergence > 0)


def test_pixels_have_logits_and_images_become_rows():
    model = vae.Autoencoder(features=16, latents=3, widths=(8,))
    images = jax.random.uniform(jax.random.key(5), (4, 4, 4, 1))
    rows = vae.binarise(images)
    assert set(np.unique(rows)) == {0, 1}
    variables = training.initialise(model, jax.random.key(6), rows)
    loss, collections = vae.Objective()(model, variables, training.Examples(rows), jnp.zeros((4, 3)))
    assert collections == {}
    assert loss == -vae.elbo(model, variables, rows, jnp.zeros((4, 3))).mean()
    tighter, _ = vae.Objective()(model, variables, training.Examples(rows), jnp.zeros((2, 4, 3)))
    assert np.isfinite(tighter)


def test_traversal_moves_one_latent_variable_at_a_time():
    model = vae.Autoencoder(features=4, latents=3, widths=(8,))
    variables = training.initialise(model, jax.random.key(7), jnp.zeros((1, 4)))
    z, places = jnp.array([0.1, -0.5, 2.0]), jnp.array([-1.0, 2.0])
    pictures = vae.traverse(model, variables, z, places)
    assert pictures.shape == (3, 2, 4)
    unmoved = model.apply(variables, z[None], method="decode")[0]
    np.testing.assert_allclose(pictures[2, 1], unmoved, rtol=1e-5)
    way = vae.interpolate(z, -z, 5)
    np.testing.assert_allclose(way[::2], jnp.stack([z, 0 * z, -z]), atol=1e-7)


def test_doubles_stay_doubles():
    with jax.enable_x64(True):
        x = np.zeros((3, 2))
        variables = jax.tree.map(
            lambda leaf: leaf.astype(np.float64), training.initialise(MODEL, jax.random.key(0), x)
        )
        assert vae.elbo(MODEL, variables, x, np.zeros((3, 1))).dtype == np.float64


def test_recorded_trainings_reach_what_was_asked():
    found = vae.load_recorded()
    elbo = found["history_1"] @ np.array([1, -1])
    assert elbo.shape == (2, 30)
    assert elbo[1, -1] > -100
    assert np.all(found["elbo_500"] < found["sampled_500"] + 1)
    assert "seed" in str(found["provenance"])
    assert found["grid"].dtype == np.uint8


def test_bad_input_is_told():
    variables = training.initialise(MODEL, jax.random.key(0), X[:1])
    with pytest.raises(ValueError, match="noise must have the shape of the latent variables"):
        vae.elbo(MODEL, variables, X[:5], jnp.zeros((5, 2)))
    with pytest.raises(ValueError, match="x must have the shape"):
        vae.elbo(MODEL, variables, X[0], jnp.zeros((1, 1)))
    with pytest.raises(ValueError, match="beta must not be negative"):
        vae.elbo(MODEL, variables, X[:5], jnp.zeros((5, 1)), -1.0)
    with pytest.raises(ValueError, match="latents must be at least 1"):
        training.initialise(vae.Autoencoder(2, 0), jax.random.key(0), X[:1])
    with pytest.raises(ValueError, match="sigma_sq must be positive"):
        training.initialise(vae.Autoencoder(2, 1, sigma_sq=-1.0), jax.random.key(0), X[:1])
    with pytest.raises(ValueError, match="images must be grey values from 0 to 1, got 255"):
        vae.binarise(jnp.full((1, 2, 2, 1), 255.0))
    with pytest.raises(ValueError, match="z must have the shape of the latent variables"):
        vae.traverse(MODEL, variables, jnp.zeros(3), jnp.zeros(2))
    with pytest.raises(ValueError, match="count must be at least 2"):
        vae.interpolate(jnp.zeros(3), jnp.zeros(3), 1)
