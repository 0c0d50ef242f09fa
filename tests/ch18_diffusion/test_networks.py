import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch18_diffusion import networks

MLP = networks.MlpDenoiser(width=16, blocks=2, classes=3)
UNET = networks.UNet(channels=(4, 8), width=8, classes=3)


def test_features_tell_all_times_apart():
    features = np.asarray(networks.time_features(jnp.arange(1001), 32))
    assert features.shape == (1001, 32)
    apart = np.linalg.norm(features[:, None] - features[None], axis=-1)
    assert apart[~np.eye(1001, dtype=bool)].min() > 1e-3
    np.testing.assert_allclose(features[:, :16] ** 2 + features[:, 16:] ** 2, 1, rtol=1e-4)


@pytest.mark.parametrize(("model", "shape"), [(MLP, (5, 2)), (UNET, (5, 8, 12, 1))], ids=["points", "images"])
def test_networks_keep_the_shape_and_look_at_time_and_class(model, shape):
    z = jax.random.normal(jax.random.key(0), shape)
    t, label = jnp.full(5, 7), jnp.array([0, 1, 2, 0, 1])
    variables = jax.jit(model.init)(jax.random.key(1), z, t, label)
    guess = jax.jit(model.apply)
    ours = guess(variables, z, t, label)
    assert ours.shape == shape
    assert jnp.abs(ours - guess(variables, z, t + 50, label)).max() > 1e-4
    assert jnp.abs(ours - guess(variables, z, t, (label + 1) % 3)).max() > 1e-4
    unlabelled = guess(variables, z, t)
    np.testing.assert_array_equal(unlabelled, guess(variables, z, t, jnp.full(5, 3)))


def test_rows_do_not_look_at_each_other():
    z, t = jax.random.normal(jax.random.key(2), (5, 8, 12, 1)), jnp.array([1, 5, 9, 20, 40])
    label = jnp.array([0, 1, 2, 0, 1])
    variables = jax.jit(UNET.init)(jax.random.key(1), z, t, label)
    guess, order = jax.jit(UNET.apply), jnp.array([3, 0, 4, 1, 2])
    shuffled = guess(variables, z[order], t[order], label[order])
    np.testing.assert_allclose(shuffled, guess(variables, z, t, label)[order], rtol=1e-3, atol=1e-4)


def test_bad_input_is_told():
    with pytest.raises(ValueError, match="width must be even, got 5"):
        networks.time_features(jnp.arange(3), 5)
    with pytest.raises(ValueError, match="width must be at least 2"):
        networks.time_features(jnp.arange(3), 0)
    with pytest.raises(ValueError, match="multiples of 4, got 8 x 6"):
        UNET.init(jax.random.key(0), jnp.zeros((1, 8, 6, 1)), jnp.ones(1, int))
