import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax.ch18_diffusion import denoiser, diffusion_families, mixture, networks, schedules
from udl_jax.ch18_diffusion import reparameterized_model as reparameterized

BETA = schedules.linear(0.001, 0.2, 40)
MODEL = networks.MlpDenoiser(width=32, blocks=2, classes=2)
KEYS = jax.random.split(jax.random.key(0), 4)


def data(key, count):
    """Two narrow spots at -1 and 1, which are the classes."""
    label = jax.random.randint(key, (count,), 0, 2)
    return (2 * label[:, None] - 1) + 0.1 * jax.random.normal(key, (count, 1)), label


@pytest.fixture(scope="module")
def trained():
    x, label = data(KEYS[0], 2000)
    optimiser = optax.chain(optax.adam(3e-3), training.average_weights(0.98))
    objective = denoiser.Objective(tuple(BETA.tolist()))
    recipe = training.Recipe(MODEL, optimiser, objective=objective, evaluation=training.Evaluation(every=0))
    variables = jax.jit(MODEL.init)(KEYS[1], x[:1], jnp.ones(1, int), label[:1])
    order = training.draw_order(KEYS[2], 2000, 30, 100)
    keys = jax.random.split(KEYS[3], (30, 20))
    state, history = training.train(
        recipe, training.start(recipe, variables), training.Examples(x, label), None, order, keys
    )
    return {"params": training.averaged(state.optimiser)}, np.asarray(history.train.loss)


def sample(model, count=500):
    noise = jax.random.normal(jax.random.key(9), (41, count, 1))
    return reparameterized.sample(model, noise[-1], noise[:-1], BETA, jnp.sqrt(BETA), last_noise=False)[0]


def test_network_learns_spots_and_their_labels(trained):
    variables, losses = trained
    assert losses[-1] < 0.6 * losses[0]
    free = sample(denoiser.network_model(MODEL, variables))
    assert abs(jnp.mean(free > 0) - 0.5) < 0.15
    assert jnp.mean(jnp.abs(jnp.abs(free) - 1) < 0.35) > 0.8
    label = jnp.arange(500) % 2
    for weight in (0.0, 1.0):
        asked = sample(denoiser.network_model(MODEL, variables, label, weight))
        assert jnp.mean((asked[:, 0] > 0) == label) > 0.95


def test_trained_network_passes_through_jit_and_ddim(trained):
    model = denoiser.network_model(MODEL, trained[0], jnp.zeros(200, int), 0.5)
    start = jax.random.normal(jax.random.key(8), (200, 1))
    walk = jax.jit(lambda m, z: diffusion_families.sample_ddim(m, z, None, BETA, times=(0, 5, 10, 20, 40))[0])
    assert jnp.mean(walk(model, start) < 0) > 0.9


def test_loss_of_the_best_guess_is_smaller_than_of_none():
    bumps = mixture.four_bumps()
    x = mixture.draw(jax.random.key(1), 20_000)
    t = jax.random.randint(jax.random.key(2), x.shape, 1, 41)
    noise = jax.random.normal(jax.random.key(3), x.shape)
    best = jax.vmap(lambda z, t: mixture.expected_noise(bumps, BETA, z, t))
    by_best = denoiser.noise_loss(best, x, t, noise, BETA)
    assert by_best < 0.6
    assert denoiser.noise_loss(lambda z, t: best(z, t) + 0.1, x, t, noise, BETA) > by_best
    np.testing.assert_allclose(denoiser.noise_loss(lambda z, t: 0 * z, x, t, noise, BETA), 1, rtol=0.05)


def test_objective_takes_arrays_or_a_key():
    x, label = data(KEYS[0], 50)
    variables = MODEL.init(KEYS[1], x, jnp.ones(50, int), label)
    objective = denoiser.Objective(tuple(BETA.tolist()), forget=0.5)
    drawn = denoiser.draw_step(KEYS[2], x, 40, 0.5)
    by_key, collections = objective(MODEL, variables, training.Examples(x, label), KEYS[2])
    by_arrays, _ = objective(MODEL, variables, training.Examples(x, label), drawn)
    assert collections == {}
    assert by_key == by_arrays
    assert drawn["t"].min() >= 1
    assert drawn["t"].max() <= 40


def test_guidance_by_hand():
    three, one = jnp.array(3.0), jnp.array(1.0)
    assert [float(denoiser.guide(three, one, w)) for w in (0.0, 1.0)] == [3, 5]


def test_bad_input_is_told():
    x = jnp.zeros((4, 1))
    t = jnp.ones(4, int)
    with pytest.raises(ValueError, match="t must be times from 1 to 40, got 41"):
        denoiser.noise_loss(lambda z, t: z, x, t + 40, x, BETA)
    with pytest.raises(ValueError, match="noise must have the shape"):
        denoiser.noise_loss(lambda z, t: z, x, t, jnp.zeros(4), BETA)
    with pytest.raises(ValueError, match="beta must be strictly between 0 and 1"):
        denoiser.noise_loss(lambda z, t: z, x, t, x, jnp.array([0.1, 1.5]))
    with pytest.raises(ValueError, match="weight must not be negative"):
        denoiser.guide(x, x, -1.0)
    with pytest.raises(ValueError, match="unconditional must have the shape"):
        denoiser.guide(x, t, 0.5)
    with pytest.raises(ValueError, match="label must be from 0 to 1, got 2"):
        denoiser.network_model(MODEL, {}, jnp.array([2]))
