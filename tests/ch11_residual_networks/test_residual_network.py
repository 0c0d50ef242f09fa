import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch10_convolution.descent import Descent
from udl_jax.ch11_residual_networks import residual_network as residual
from udl_jax.ch11_residual_networks.residual_network import Block, ResidualNetwork, Settings
from udl_jax.data.mnist1d import load_mnist1d

SHORT = Settings(width=20, descent=Descent(batch=50, epochs=12, decay_every=4))


@pytest.fixture(scope="module")
def data():
    return load_mnist1d(num_samples=500)


def test_block_with_zero_weights_is_the_identity():
    """Neither rectified on the way, nor added twice, nor not at all."""
    x = jnp.array([[-1.0, 2.0]])
    block = Block()
    variables = jax.tree.map(jnp.zeros_like, block.init(jax.random.key(0), x, False))
    run = lambda x: block.apply(variables, x, False)[0]  # noqa: E731
    np.testing.assert_array_equal(run(x), x)
    np.testing.assert_array_equal(jax.jacobian(run)(x)[0, :, 0], np.eye(2))


def test_block_adds_a_linear_layer_of_the_rectified_units():
    x = jnp.array([[-1.0, 2.0]])
    params = {"linear": {"kernel": jnp.array([[1.0, 10.0], [100.0, 1000.0]]), "bias": jnp.array([0.5, 0.25])}}
    added = jnp.array([[200.5, 2000.25]])
    np.testing.assert_array_equal(Block().apply({"params": params}, x, False)[0], x + added)
    np.testing.assert_array_equal(Block(residual=False).apply({"params": params}, x, False)[0], added)


def test_no_blocks_are_two_linear_layers():
    network, x = ResidualNetwork(blocks=0, width=7), jax.random.normal(jax.random.key(0), (3, 4))
    variables = network.init(jax.random.key(1), x)
    assert set(variables["params"]) == {"first", "last"}
    first, last = variables["params"]["first"], variables["params"]["last"]
    np.testing.assert_allclose(network.apply(variables, x), x @ first["kernel"] @ last["kernel"], rtol=1e-4)
    assert network.apply(variables, x, method="stages")[0].shape == (1, 3, 7)


@pytest.mark.parametrize("blocks", [2, 5, 6, 9])
def test_blocks_written_out_or_looped_over_are_the_same(blocks):
    network, x = ResidualNetwork(blocks=blocks, width=6), jax.random.normal(jax.random.key(0), (3, 4))
    variables = network.init(jax.random.key(1), x)
    params = variables["params"]
    h = x @ params["first"]["kernel"]
    for k in range(blocks):
        layer = jax.tree.map(lambda leaf, k=k: leaf[k], params["blocks"])
        h = Block().apply({"params": layer}, h, False)[0]
    kept, _ = network.apply(variables, x, method="stages")
    np.testing.assert_allclose(kept[-1], h, rtol=1e-4, atol=1e-5)
    assert len(kept) == blocks + 1


def test_he_s_weights_and_their_gain():
    for gain in (1.0, 0.25, 0.0):
        network = ResidualNetwork(blocks=3, width=200, gain=gain)
        kernels = network.init(jax.random.key(0), jnp.zeros((1, 40)))["params"]["blocks"]["linear"]["kernel"]
        np.testing.assert_allclose(kernels.var(axis=(1, 2)) * 200, 2 * gain**2, rtol=0.05)


def test_variance_doubles_with_every_block_but_not_without_the_connections():
    x = jax.random.normal(jax.random.key(0), (2000, 400))
    for is_residual, growth in ((True, 1.7), (False, 0.75)):
        network = ResidualNetwork(blocks=4, width=400, residual=is_residual)
        found = residual.stream_variances(network, network.init(jax.random.key(1), x), x)
        assert found.shape == (6,)
        np.testing.assert_allclose(found[1], 2, rtol=0.1)
        np.testing.assert_allclose((found[5] / found[1]) ** 0.25, growth, rtol=0.12)


def test_unit_variance_is_over_examples_then_mean_over_units():
    h = np.random.default_rng(0).normal(size=(3, 10, 4)).astype("float32")
    np.testing.assert_allclose(residual.unit_variance(h), h.var(axis=1).mean(axis=1), rtol=1e-5)


def test_training_beats_guessing(data):
    fit = residual.train_network(jax.random.key(0), data, SHORT)
    assert fit.history.train.error[-1] < 50
    assert fit.state.epoch == 12


def test_a_training_that_blows_up_keeps_its_last_sound_weights(data):
    settings = dataclasses.replace(SHORT, blocks=60)
    fit = residual.train_network(jax.random.key(0), data, settings)
    assert jnp.all(fit.state.failed_at >= 0)
    assert all(jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(fit.state.variables))


def test_seeds_are_trained_side_by_side(data):
    keys = jax.random.split(jax.random.key(1), 2)
    many = residual.train_seeds(keys, data, SHORT)
    one = residual.train_network(keys[1], data, SHORT)
    np.testing.assert_allclose(many.history.train.loss[1, :2], one.history.train.loss[:2], rtol=1e-2)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"blocks": -1}, ValueError, "blocks must not be negative, got -1"),
        ({"blocks": 1.5}, TypeError, "blocks"),
        ({"width": 0}, ValueError, "width must be at least 1, got 0"),
        ({"gain": -0.5}, ValueError, "gain must not be negative"),
    ],
)
def test_impossible_settings_are_told(settings, error, message):
    with pytest.raises(error, match=message):
        Settings(**settings)
