import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax import training
from udl_jax.ch10_convolution import convolution_mnist as digits
from udl_jax.data.mnist import Mnist, load_mnist

SHORT = digits.Settings(descent=dataclasses.replace(digits.DESCENT, rate=0.05, momentum=0.9, epochs=4))


@pytest.fixture(scope="module")
def data():
    whole = load_mnist()
    return Mnist(whole.x_train[:512], whole.y_train[:512], whole.x_test[:256], whole.y_test[:256])


@pytest.fixture(scope="module")
def network(data):
    model = digits.DigitNetwork()
    return model, model.init(jax.random.key(0), data.x_train[:1])


def test_stages_have_the_book_s_sizes(data, network):
    model, variables = network
    found = model.apply(variables, data.x_test[:3], method="stages")
    assert [a.shape for a in found] == [(3, 12, 12, 10), (3, 4, 4, 20), (3, 50), (3, 10)]
    np.testing.assert_array_equal(found.output, model.apply(variables, data.x_test[:3]))


def test_dropping_keeps_channels_whole_and_the_mean(data, network):
    model, variables = network
    keep = np.zeros((4, 20), bool)
    keep[:, ::2] = True
    plain = model.apply(variables, data.x_test[:4], method="stages").second
    found = model.apply(variables, data.x_test[:4], True, keep, method="stages").second
    np.testing.assert_allclose(found[..., ::2], 2 * plain[..., ::2], rtol=1e-5)
    assert jnp.all(found[..., 1::2] == 0)


def test_drawn_masks_drop_half_of_the_channels(data, network):
    model, variables = network
    x, key = data.x_test[:100], jax.random.key(0)
    found = model.apply(variables, x, True, method="stages", rngs={"dropout": key}).second
    plain = model.apply(variables, x, method="stages").second
    dropped = (found == 0).all(axis=(1, 2)) & (plain > 0).any(axis=(1, 2))
    alive = (plain > 0).any(axis=(1, 2))
    assert 0.4 < dropped.sum() / alive.sum() < 0.6
    ratio = found / jnp.where(plain > 0, plain, 1)
    np.testing.assert_allclose(ratio[found > 0], 2, rtol=1e-4)


def test_evaluation_drops_nothing_and_rate_0_neither(data, network):
    model, variables = network
    plain = model.apply(variables, data.x_test[:5])
    never = digits.DigitNetwork(dropout=0.0).apply(
        variables, data.x_test[:5], True, rngs={"dropout": jax.random.key(0)}
    )
    np.testing.assert_array_equal(never, plain)
    everything = model.apply(variables, data.x_test[:5], True, np.ones((5, 20), bool), method="stages").second
    halved = model.apply(variables, data.x_test[:5], method="stages").second
    np.testing.assert_allclose(everything, 2 * halved, rtol=1e-5)


def test_training_learns_digits(data):
    fit = digits.train_network(jax.random.key(0), data, SHORT)
    assert fit.history.test.error[-1] < 30
    assert fit.history.test.loss.shape == (4,)


def test_masks_of_ones_without_dropout_are_no_dropout(data):
    settings = dataclasses.replace(SHORT, dropout=0.0)
    order = training.draw_order(jax.random.key(0), 512, 1, 64)
    start = digits.DigitNetwork().init(jax.random.key(1), data.x_train[:1])
    draws = {
        True: jnp.ones((*order.shape, 20), bool),
        False: jax.random.split(jax.random.key(2), order.shape[:2]),
    }

    def losses(masks):
        recipe = digits.make_recipe(settings, examples=512, masks=masks)
        state = training.start(recipe, start)
        _, history = training.train(recipe, state, *digits.split(data), order, draws[masks])
        return history.train.loss, history.test.loss

    np.testing.assert_allclose(losses(True), losses(False), rtol=1e-4)


def test_most_confusing_are_those_with_the_least_right_probability():
    scores = jax.random.normal(jax.random.key(0), (40, 10))
    labels = jax.random.randint(jax.random.key(1), (40,), 0, 10)
    worst, probability = digits.most_confusing(scores, labels, number=7)
    all_of_them = np.asarray(jax.nn.softmax(scores))[np.arange(40), labels]
    np.testing.assert_allclose(probability, np.sort(all_of_them)[:7], rtol=1e-5)
    np.testing.assert_allclose(all_of_them[worst], probability, rtol=1e-5)
    with pytest.raises(ValueError, match=r"number must lie in 1\.\.40, the number of images, got 41"):
        digits.most_confusing(scores, labels, number=41)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dropout": 1.0}, r"dropout must lie in \[0, 1\), got 1.0"),
        ({"channels": (10, 0)}, r"channels\[1\] must be at least 1, got 0"),
        ({"hidden": 0}, "hidden must be at least 1, got 0"),
    ],
)
def test_impossible_settings_are_told(settings, message):
    with pytest.raises(ValueError, match=message):
        digits.Settings(**settings)
