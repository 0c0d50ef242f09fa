import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from udl_jax import training
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork
from udl_jax.ch08_performance import mnist1d
from udl_jax.ch09_regularization import regularizers
from udl_jax.ch09_regularization.l2_regularization import penalty
from udl_jax.data.mnist1d import load_mnist1d

KEY = jax.random.key(0)


def test_rate_one_drops_everything_in_training_and_nothing_in_evaluation():
    h = jnp.ones((3, 4))
    value, gradient = jax.value_and_grad(
        lambda h: regularizers.dropout(h, jnp.zeros((3, 4), bool), 1.0).sum()
    )(h)
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)
    network = regularizers.DropoutNetwork((4, 2), rate=1.0)
    variables = network.init(KEY, h)
    np.testing.assert_array_equal(network.apply(variables, h), DeepNetwork((4, 2)).apply(variables, h))
    trained = network.apply(variables, h, train=True, rngs={"dropout": KEY})
    np.testing.assert_array_equal(trained, 0)


def test_rate_zero_changes_no_bit():
    h = jax.random.normal(KEY, (5, 6))
    np.testing.assert_array_equal(regularizers.dropout(h, jnp.ones((5, 6), bool), 0.0), h)
    network = regularizers.DropoutNetwork((4, 2), rate=0.0)
    variables = network.init(KEY, h)
    np.testing.assert_array_equal(network.apply(variables, h, train=True), network.apply(variables, h))


def test_rate_one_half_gives_zero_or_twice():
    kept = jax.random.bernoulli(KEY, 0.5, (1000,))
    dropped = regularizers.dropout(jnp.ones(1000), kept, 0.5)
    assert set(np.unique(dropped)) == {0.0, 2.0}
    assert abs(dropped.mean() - 1) < 0.1


def test_whole_channels_are_dropped_where_the_mask_has_one_entry_for_each():
    dropped = regularizers.dropout(jnp.ones((1, 4, 4, 8)), jax.random.bernoulli(KEY, 0.5, (1, 1, 1, 8)), 0.5)
    assert np.ptp(np.asarray(dropped), axis=(1, 2)).max() == 0
    assert set(np.unique(dropped)) == {0.0, 2.0}


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_is_flax_s(rate):
    h = jax.random.normal(KEY, (7, 30))
    layer = nn.Dropout(rate, deterministic=False)
    key = layer.apply({}, rngs={"dropout": KEY}, method=lambda module: module.make_rng("dropout"))
    ours = regularizers.dropout(h, jax.random.bernoulli(key, 1 - rate, h.shape), rate)
    np.testing.assert_allclose(ours, layer.apply({}, h, rngs={"dropout": KEY}), rtol=1e-6)


def test_dropout_keeps_the_mean_and_the_dtype():
    for dtype in (jnp.bfloat16, jnp.float32):
        h = jnp.full((20_000,), 3.0, dtype)
        dropped = regularizers.dropout(h, jax.random.bernoulli(KEY, 0.8, h.shape), np.float64(0.2))
        assert dropped.dtype == dtype
        assert abs(dropped.astype(jnp.float32).mean() - 3) < 0.05


def test_network_is_the_deep_network_and_the_engine_tells_it_when_it_is_trained():
    data = load_mnist1d(num_samples=500)
    settings = mnist1d.Settings(hidden=(20,), epochs=2, batch=50)
    network = regularizers.DropoutNetwork((20, 10), rate=0.5)
    recipe = training.Recipe(network, mnist1d.make_recipe(settings, examples=400).optimiser)
    state = training.start(recipe, mnist1d.draw_variables(KEY, data, settings))
    order = training.draw_order(KEY, 400, 2, 50)
    examples, test = mnist1d.split(data)
    keys = jax.random.split(KEY, order.shape[:2])
    ends, history = training.train(recipe, state, examples, test, order, keys)
    outputs = DeepNetwork((20, 10)).apply(ends.variables, test.x)
    np.testing.assert_allclose(history.test.loss[-1], training.cross_entropy(outputs, test.y), rtol=1e-5)
    others, _ = training.train(
        recipe, state, examples, test, order, jax.random.split(jax.random.key(1), order.shape[:2])
    )
    assert not np.allclose(
        ends.variables["params"]["layer_0"]["kernel"], others.variables["params"]["layer_0"]["kernel"]
    )


@pytest.mark.parametrize("biases", [False, True])
def test_decay_is_the_gradient_of_half_the_penalty(biases):
    params = {"kernel": jax.random.normal(KEY, (3, 2)), "bias": jnp.ones(2)}
    decay = regularizers.decay_weights(0.1, biases=biases)
    gradient, _ = decay.update(jax.tree.map(jnp.zeros_like, params), decay.init(params), params)

    def half_the_penalty(params):
        leaves = params if biases else {"kernel": params["kernel"]}
        return 0.1 / 2 * sum(penalty(leaf.ravel()) for leaf in leaves.values())

    jax.tree.map(
        functools.partial(np.testing.assert_allclose, rtol=1e-6), gradient, jax.grad(half_the_penalty)(params)
    )


def test_decay_of_all_parameters_is_optax_s():
    params = {"kernel": jax.random.normal(KEY, (3, 2)), "bias": jnp.ones(2)}
    steps = []
    for link in (regularizers.decay_weights(0.2, biases=True), optax.add_decayed_weights(0.2)):
        sgd = optax.chain(link, optax.sgd(0.1, momentum=0.9))
        steps.append(sgd.update(params, sgd.init(params), params)[0])
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-6), *steps)


def test_strength_may_be_traced_and_keeps_the_dtype():
    params = {"kernel": jnp.ones((2, 2), jnp.bfloat16)}

    def decayed(strength):
        decay = regularizers.decay_weights(strength)
        return decay.update(params, decay.init(params), params)[0]["kernel"]

    many = jax.jit(jax.vmap(decayed))(jnp.array([0.0, 1.0]))
    assert many.dtype == jnp.bfloat16
    np.testing.assert_array_equal(many[:, 0, 0], [1, 2])
    assert decayed(np.float64(0.5)).dtype == jnp.bfloat16


def test_ensemble_is_the_mean_of_its_members():
    network, x = DeepNetwork((5, 3)), jax.random.normal(KEY, (7, 4))
    variables = jax.vmap(lambda key: network.init(key, x))(jax.random.split(KEY, 6))
    together = jax.jit(regularizers.ensemble_probabilities, static_argnums=0)(network, variables, x)
    members = [jax.tree.map(lambda leaf, i=i: leaf[i], variables) for i in range(6)]
    alone = [jax.nn.softmax(network.apply(member, x)) for member in members]
    np.testing.assert_allclose(together, np.mean(alone, axis=0), rtol=1e-5)


def test_bad_input_is_told():
    ones = jnp.ones((2, 3))
    for rate in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="rate must"):
            regularizers.dropout(ones, ones > 0, rate)
    with pytest.raises(
        ValueError, match=r"kept must be spread over h, of the shape \(2, 3\), got \(4, 2, 3\)"
    ):
        regularizers.dropout(ones, jnp.ones((4, 2, 3), bool), 0.5)
    with pytest.raises(TypeError, match="kept must hold booleans, got float32"):
        regularizers.dropout(ones, ones, 0.5)
    with pytest.raises(ValueError, match=r"strength must not be negative.*, got -1"):
        regularizers.decay_weights(-1)
    with pytest.raises(ValueError, match="give update its params"):
        regularizers.decay_weights(0.1).update(ones, optax.EmptyState())
