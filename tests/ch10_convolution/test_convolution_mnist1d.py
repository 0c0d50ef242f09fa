import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch10_convolution import convolution_mnist1d as small
from udl_jax.ch10_convolution.descent import Descent
from udl_jax.data.mnist1d import load_mnist1d

SHORT = small.Settings(channels=(8, 8), descent=Descent(batch=20, epochs=20, decay_every=10))


@pytest.fixture(scope="module")
def data():
    return load_mnist1d(num_samples=500)


@pytest.fixture(scope="module")
def fit(data):
    return small.train_network(jax.random.key(0), data, SHORT)


def test_layers_have_the_book_s_sizes():
    network, x = small.ConvolutionalNetwork(), jnp.zeros((3, 40))
    variables = network.init(jax.random.key(0), x)
    shapes = [h.shape for h in network.apply(variables, x, method="layers")]
    assert shapes == [(3, 19, 15), (3, 9, 15), (3, 4, 15), (3, 10)]
    assert variables["params"]["linear"]["kernel"].shape == (60, 10)


def test_only_the_linear_layer_starts_as_he_has_it():
    params = small.ConvolutionalNetwork().init(jax.random.key(0), jnp.zeros((1, 40)))["params"]
    assert jnp.all(params["linear"]["bias"] == 0)
    assert 0.29 < jnp.abs(params["linear"]["kernel"]).max() <= np.sqrt(6 / 60)
    assert jnp.abs(params["conv_1"]["kernel"]).max() <= 1 / np.sqrt(45)
    assert jnp.any(params["conv_1"]["bias"] != 0)


def test_a_signal_moved_by_the_strides_moves_the_hidden_units():
    network = small.ConvolutionalNetwork()
    x = jax.random.normal(jax.random.key(1), (1, 48))
    variables = network.init(jax.random.key(0), x[:, :40])
    here, there = (network.apply(variables, part, method="layers")[2] for part in (x[:, :40], x[:, 8:]))
    np.testing.assert_allclose(here[:, 1:], there[:, :-1], rtol=1e-5)


def test_training_beats_guessing(fit):
    assert fit.history.train.error[-1] < 60
    assert fit.history.train.loss[-1] < fit.history.train.loss[0]
    assert fit.state.epoch == 20


def test_a_seed_alone_is_a_seed_among_others(data, fit):
    many = small.train_seeds(jax.random.split(jax.random.key(1), 2), data, SHORT)
    one = small.train_network(jax.random.split(jax.random.key(1), 2)[1], data, SHORT)
    np.testing.assert_allclose(many.history.train.loss[1], one.history.train.loss, rtol=1e-3)


def test_batches_that_do_not_divide_may_be_cut_or_filled(data):
    for remainder in ("drop", "wrap"):
        settings = small.Settings(channels=(4,), descent=Descent(batch=70, epochs=1, remainder=remainder))
        assert small.train_network(jax.random.key(0), data, settings).history.train.loss.shape == (1,)


def test_equal_settings_share_a_recipe():
    assert small.make_recipe(small.Settings()) is small.make_recipe(small.Settings(channels=(15, 15, 15)))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"channels": (15, 0)}, ValueError, r"channels\[1\] must be at least 1, got 0"),
        ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ({"kernel_size": 1.5}, TypeError, "kernel_size"),
    ],
)
def test_impossible_settings_are_told(settings, error, message):
    with pytest.raises(error, match=message):
        small.Settings(**settings)


def test_a_kernel_that_does_not_fit_is_told(data):
    with pytest.raises(ValueError, match="windows are 30 wide along axis 1, which has 6 places"):
        small.train_network(jax.random.key(0), data, small.Settings(kernel_size=30))
