import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch12_transformers.encoder import Encoder, Settings, attention_maps, train_encoder
from udl_jax.data.mnist1d import load_mnist1d

X = jax.random.normal(jax.random.key(0), (3, 40))


@pytest.mark.parametrize(("stem", "tokens"), [("patches", 10), ("convolutions", 20)])
def test_shapes(stem, tokens):
    model = Encoder(stem)
    variables = model.init(jax.random.key(1), X)
    assert model.apply(variables, X).shape == (3, 10)
    maps = attention_maps(model, variables, X)
    assert maps.shape == (2, 3, 4, 1 + tokens, 1 + tokens)
    np.testing.assert_allclose(maps.sum(axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize("positions", [False, True])
def test_order_of_patches_matters_with_positions_alone(positions):
    model = Encoder(positions=positions)
    variables = model.init(jax.random.key(1), X)
    order = np.random.default_rng(0).permutation(10)
    mixed = X.reshape(3, 10, 4)[:, order].reshape(3, 40)
    apart = jnp.abs(model.apply(variables, mixed) - model.apply(variables, X)).max()
    assert (apart > 1e-3) == positions
    assert positions or apart < 1e-4


def test_signals_do_not_mix():
    model = Encoder("convolutions")
    variables = model.init(jax.random.key(1), X)
    np.testing.assert_allclose(
        model.apply(variables, X)[1], model.apply(variables, X[1:2])[0], rtol=1e-4, atol=1e-5
    )


def test_a_short_training_learns():
    data = load_mnist1d()
    fit = train_encoder(jax.random.key(0), data, Settings("convolutions", epochs=3))
    assert fit.history.test.error[-1] < 40
    assert fit.history.train.loss[-1] < fit.history.train.loss[0]


def test_precision_follows_the_parameters():
    with jax.enable_x64(True):
        for dtype in (jnp.float32, jnp.float64):
            for stem in ("patches", "convolutions"):
                model = Encoder(stem, param_dtype=dtype)
                assert model.init_with_output(jax.random.key(0), X.astype(dtype))[0].dtype == dtype


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"stem": "roots"}, "stem must be one of"),
        ({"patch": 0}, "patch must be at least 1"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch": 0}, "batch must be at least 1"),
    ],
)
def test_bad_settings_are_told(fields, match):
    with pytest.raises(ValueError, match=match):
        Settings(**fields)


def test_patches_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match="patch must divide the length of the signals, 40, got 7"):
        Encoder(patch=7).init(jax.random.key(0), X)
