"""Objectives that are no loss of outputs and targets: the engine needs no flag for any of them."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from tests.training.counting import compilations
from udl_jax import training

ORDER = training.draw_order(jax.random.key(7), examples=64, epochs=40, batch=16)


@pytest.fixture
def points():
    """Points near a line in the plane."""
    along, across = jax.random.normal(jax.random.key(0), (2, 64))
    return training.Examples(jnp.stack([along + 0.1 * across, along - 0.1 * across], axis=1) + 2)


class Autoencoder(nn.Module):
    """A variational autoencoder with one latent variable and linear maps."""

    def setup(self):
        self.encoder, self.decoder = nn.Dense(2), nn.Dense(2)

    def __call__(self, x, noise):
        mean, log_variance = jnp.split(self.encoder(x), 2, axis=-1)
        z = mean + jnp.exp(log_variance / 2) * noise
        return self.decoder(z), mean, log_variance


def negative_bound(model, variables, batch, noise):
    decoded, mean, log_variance = model.apply(variables, batch.x, noise)
    divergence = (jnp.exp(log_variance) + mean**2 - 1 - log_variance) / 2
    return jnp.mean(jnp.sum((batch.x - decoded) ** 2, axis=1) / 0.1 + divergence[:, 0]), {}


def test_variational_autoencoder(points):
    """Its noise is a draw; its evaluation has noise of its own, which travels with the examples."""
    key = jax.random.key(1)

    def measure(model, variables, examples):
        return training.Measures(negative_bound(model, variables, examples, examples.y)[0])

    recipe = training.Recipe(Autoencoder(), optax.adam(0.03), objective=negative_bound, measure=measure)
    noise = jax.random.normal(key, (*ORDER.shape, 1))
    held_noise = jax.random.normal(key, (64, 1))
    state = training.start(recipe, recipe.model.init(key, points.x, held_noise))
    examples = points._replace(y=held_noise)
    trained, history = training.train(recipe, state, examples, examples, ORDER, noise)
    assert history.train.loss.shape == (40,)
    assert history.train.loss[-1] < 0.1 * history.train.loss[0]
    expected = negative_bound(recipe.model, trained.variables, points, held_noise)[0]
    np.testing.assert_allclose(history.test.loss[-1], expected, rtol=1e-5)
    assert history.test.error is None


def test_denoising_with_draws_of_two_kinds(points):
    """A diffusion model's loss draws a time and a noise for each example."""

    def objective(model, variables, batch, draws):
        kept = jnp.exp(-draws["time"])[:, None]
        noisy = kept * batch.x + jnp.sqrt(1 - kept**2) * draws["noise"]
        predicted = model.apply(variables, jnp.concatenate([noisy, kept], axis=1))
        return jnp.mean((predicted - draws["noise"]) ** 2), {}

    def draw(key, shape):
        times, noise = jax.random.split(key)
        return {
            "time": jax.random.uniform(times, shape, minval=0.1, maxval=2.0),
            "noise": jax.random.normal(noise, (*shape, 2)),
        }

    model = nn.Sequential((nn.Dense(32), nn.relu, nn.Dense(2)))
    recipe = training.Recipe(model, optax.adam(0.01), objective=objective)
    state = training.start(recipe, model.init(jax.random.key(0), jnp.zeros((1, 3))))
    _, history = training.train(recipe, state, points, None, ORDER, draw(jax.random.key(2), ORDER.shape))
    assert history.test is None
    assert history.train.loss[-5:].mean() < 0.5 * history.train.loss[0]


def test_flow_learns_a_scale(points):
    """The likelihood of an affine flow: its best scale and shift are the data's deviation and mean."""

    class Affine(nn.Module):
        @nn.compact
        def __call__(self, x):
            log_scale = self.param("log_scale", nn.initializers.zeros, (2,))
            shift = self.param("shift", nn.initializers.zeros, (2,))
            z = (x - shift) * jnp.exp(-log_scale)
            return -0.5 * jnp.sum(z**2 + jnp.log(2 * jnp.pi), axis=1) - log_scale.sum()

    def objective(model, variables, batch, draws):
        return -model.apply(variables, batch.x).mean(), {}

    recipe = training.Recipe(Affine(), optax.adam(0.05), objective=objective)
    fit = training.fit(jax.random.key(0), recipe, points, epochs=200, batch=64)
    params = fit.state.variables["params"]
    np.testing.assert_allclose(params["shift"], points.x.mean(0), atol=1e-3)
    np.testing.assert_allclose(jnp.exp(params["log_scale"]), points.x.std(0), rtol=1e-3)


def test_supervised_objective_is_the_default():
    x = jax.random.normal(jax.random.key(0), (64, 3))
    data = training.Examples(x, (x[:, 0] > 0).astype(int))
    model, optimiser = nn.Dense(2), optax.sgd(0.1)
    spelt_out = training.Recipe(model, optimiser, objective=training.supervised(training.cross_entropy))
    short = training.Recipe(model, optimiser)
    state = training.start(short, model.init(jax.random.key(1), x))
    (ours, _), (theirs, _) = (training.train(r, state, data, None, ORDER) for r in (spelt_out, short))
    chex.assert_trees_all_equal(ours, theirs)


def test_without_evaluation_the_history_has_the_steps_losses(points):
    """With steps of length zero, the mean over an epoch's batches is the mean over all examples."""

    def objective(model, variables, batch, draws):
        return jnp.mean((model.apply(variables, batch.x) - batch.x) ** 2), {}

    recipe = training.Recipe(nn.Dense(2), optax.sgd(0.0), objective=objective)
    state = training.start(recipe, recipe.model.init(jax.random.key(0), points.x))
    _, history = training.train(recipe, state, points, None, ORDER)
    np.testing.assert_allclose(
        history.train.loss, objective(recipe.model, state.variables, points, None)[0], rtol=1e-5
    )


def test_inputs_may_be_a_tree():
    class Sum(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.Dense(1)(jnp.concatenate([x["left"], x["right"]], axis=1))[:, 0]

    x = {"left": jnp.arange(8.0).reshape(8, 1) / 8, "right": jnp.ones((8, 2))}
    recipe = training.Recipe(Sum(), optax.adam(0.1), loss=training.squared_error, error=None)
    fit = training.fit(
        jax.random.key(0), recipe, training.Examples(x, 2 * x["left"][:, 0]), epochs=300, batch=4
    )
    assert fit.history.train.loss[-1] < 1e-4


def test_objective_with_draws_survives_chunks_and_replicas(points):
    def objective(model, variables, batch, noise):
        return jnp.mean((model.apply(variables, batch.x + noise) - batch.x) ** 2), {}

    recipe = training.Recipe(nn.Dense(2), optax.adam(0.01), objective=objective)
    state = training.start(recipe, recipe.model.init(jax.random.key(0), points.x))
    noise = 0.1 * jax.random.normal(jax.random.key(1), (*ORDER.shape, 2))
    whole = training.train(recipe, state, points, None, ORDER, noise)
    pieces = training.train_in_chunks(recipe, state, points, None, ORDER, noise, chunk=8, progress=False)
    chex.assert_trees_all_equal(pieces, whole)
    twice = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), (state, ORDER, noise))
    states, orders, noises = twice
    many = training.train_replicas(recipe, states, points, None, orders, noises)
    chex.assert_trees_all_close(jax.tree.map(lambda leaf: leaf[1], many), whole, rtol=1e-5)


@pytest.mark.parametrize(
    "returned, message",
    [
        (lambda loss: loss, "objective must return a pair"),
        (lambda loss: (jnp.stack([loss, loss]), {}), "objective must return a scalar loss"),
        (
            lambda loss: (loss, {"statistics": loss}),
            r"collections that the model's variables have not: \['statis",
        ),
    ],
)
def test_objectives_of_another_form_are_told(points, returned, message):
    recipe = training.Recipe(
        nn.Dense(2), optax.sgd(0.1), objective=lambda m, v, b, d: returned(m.apply(v, b.x).mean())
    )
    state = training.start(recipe, recipe.model.init(jax.random.key(0), points.x))
    with pytest.raises(TypeError, match=message):
        training.train(recipe, state, points, None, ORDER)


def test_test_data_without_a_measure_are_told(points):
    recipe = training.Recipe(
        nn.Dense(2), optax.sgd(0.1), objective=lambda m, v, b, d: (m.apply(v, b.x).mean(), {})
    )
    state = training.start(recipe, recipe.model.init(jax.random.key(0), points.x))
    with pytest.raises(ValueError, match="the objective comes without a measure"):
        training.train(recipe, state, points, points, ORDER)


def test_measure_needs_an_objective():
    with pytest.raises(ValueError, match="measure is for recipes with an objective"):
        training.Recipe(nn.Dense(2), optax.sgd(0.1), measure=lambda m, v, e: None)


def test_unhashable_models_are_told():
    with pytest.raises(TypeError, match="model must be hashable"):
        training.Recipe(nn.Sequential([nn.Dense(2)]), optax.sgd(0.1))


# Modes and collections of Flax modules --------------------------------------------------------------


class Told(nn.Module):
    """Drops half of its units, when it is told in one of the ways that Flax's users have."""

    how: str

    @nn.compact
    def __call__(self, x, train: bool | None = None, deterministic: bool | None = None):
        off = {"train": not train, "deterministic": deterministic}[self.how]
        return nn.Dense(2)(nn.Dropout(0.5, deterministic=off)(x))


class Required(nn.Module):
    @nn.compact
    def __call__(self, x, train: bool):
        return nn.Dense(2)(nn.Dropout(0.5, deterministic=not train)(x))


class Field(nn.Module):
    deterministic: bool = True

    @nn.compact
    def __call__(self, x):
        return nn.Dense(2)(nn.Dropout(0.5, deterministic=self.deterministic)(x))


class TrainingByName(nn.Module):
    @nn.compact
    def __call__(self, x, *, training):
        return nn.Dense(2)(nn.Dropout(0.5, deterministic=not training)(x))


@pytest.mark.parametrize(
    "model", [Told("train"), Told("deterministic"), Required(), Field(), TrainingByName()], ids=repr
)
def test_models_are_told_their_mode(model):
    """With dropout of inputs the outputs of training differ from step to step, those of evaluation do not."""
    x = jnp.ones((8, 4))
    data = training.Examples(x, jnp.zeros(8, int))
    recipe = training.Recipe(model, optax.sgd(0.0))
    fit = training.fit(jax.random.key(0), recipe, data, epochs=3, batch=8, dropout=True)
    key_a, key_b = jax.random.split(jax.random.key(1))
    trained_a, trained_b = (training.forward(model, fit.state.variables, x, key)[0] for key in (key_a, key_b))
    assert jnp.any(trained_a != trained_b)
    assert jnp.all(fit.history.train.loss == fit.history.train.loss[0])
    many = training.fit_replicas(
        jax.random.split(jax.random.key(0), 2), recipe, data, epochs=1, batch=8, dropout=True
    )
    assert jnp.isfinite(many.history.train.loss).all()


class Sower(nn.Module):
    """Keeps a running count, and sows what it has seen."""

    @nn.compact
    def __call__(self, x):
        seen = self.variable("counts", "steps", jnp.zeros, (), int)
        if self.is_mutable_collection("counts") and not self.is_initializing():
            seen.value += 1
        self.sow("activity", "mean", x.mean())
        return nn.Dense(2)(x)


def test_sown_collections_are_not_carried():
    data = training.Examples(jnp.ones((8, 4)), jnp.zeros(8, int))
    recipe = training.Recipe(Sower(), optax.sgd(0.1))
    fit = training.fit(jax.random.key(0), recipe, data, epochs=3, batch=4)
    assert set(fit.state.variables) == {"params", "counts"}
    assert fit.state.variables["counts"]["steps"] == 6

    variables = Sower().init(jax.random.key(0), data.x)
    order = training.draw_order(jax.random.key(1), examples=8, epochs=3, batch=4)
    trained, _ = training.train(recipe, training.start(recipe, variables), data, None, order)
    chex.assert_trees_all_equal(trained.variables["activity"], variables["activity"])


def test_second_fit_compiles_nothing():
    data = training.Examples(jnp.ones((8, 4)), jnp.zeros(8, int))
    recipe = training.Recipe(nn.Dense(2), optax.sgd(0.1))
    keys = jax.random.split(jax.random.key(0), 2)
    for fit in (
        lambda seed: training.fit(jax.random.key(seed), recipe, data, epochs=2, batch=4),
        lambda seed: training.fit_replicas(keys, recipe, data, epochs=2, batch=4),
    ):
        fit(0)
        with compilations() as compiled:
            fit(1)
        assert compiled == []


def test_take_step_serves_two_players():
    """Two players, each with parameters and optimiser of its own, one step each in turn."""
    sgd = optax.sgd(0.1)

    def play(carry, _):
        (a, a_state), (b, b_state) = carry
        first = training.take_step(sgd, lambda a: (a * b + a**2, None), a, a_state)
        second = training.take_step(sgd, lambda b: (-first.params * b + b**2, None), b, b_state)
        sound = training.is_sound(first, a_state) & training.is_sound(second, b_state)
        return ((first.params, first.optimiser), (second.params, second.optimiser)), sound

    one = jnp.array(1.0)
    (a, _), (b, _) = jax.lax.scan(play, ((one, sgd.init(one)), (one, sgd.init(one))), length=200)[0]
    np.testing.assert_allclose([a, b], 0, atol=1e-6)


def test_unsound_steps_are_told():
    sgd, one = optax.sgd(1.0), jnp.array(1.0)
    step = lambda objective: training.take_step(sgd, lambda w: (objective(w), None), one, sgd.init(one))  # noqa: E731
    assert training.is_sound(step(lambda w: w**2), sgd.init(one))
    assert not training.is_sound(step(lambda w: w * jnp.inf), sgd.init(one))
    assert not training.is_sound(step(lambda w: jnp.sqrt(w - 1)), sgd.init(one))
