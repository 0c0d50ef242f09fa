import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax import training
from udl_jax.ch10_convolution import convolution_mnist as digits
from udl_jax.ch20_why_it_works import adversarial_attacks as attacks
from udl_jax.ch20_why_it_works import perturbations
from udl_jax.data.mnist import Mnist, load_mnist

SHORT = digits.Settings(
    channels=(4, 6),
    dropout=0.0,
    descent=dataclasses.replace(digits.DESCENT, rate=0.05, momentum=0.9, epochs=4),
)
MODEL = digits.make_recipe(SHORT).model
SIZES = np.array([0.0, 0.1, 0.3], np.float32)


@pytest.fixture(scope="module")
def data():
    whole = load_mnist()
    return Mnist(whole.x_train[:512], whole.y_train[:512], whole.x_test[:160], whole.y_test[:160])


@pytest.fixture(scope="module")
def networks(data):
    return digits.train_seeds(jax.random.split(jax.random.key(0), 2), data, SHORT).state.variables


@pytest.fixture(scope="module")
def network(networks):
    return jax.tree.map(lambda leaf: leaf[0], networks)


@pytest.fixture(scope="module")
def test(data):
    return digits.split(data)[1]


def test_accuracy_is_counted_over_all_images(network, test, monkeypatch):
    attack = attacks.fgsm_attack(MODEL)
    found = attacks.accuracy_under(attack, SIZES, MODEL, network, *test)
    for size, accuracy in zip(SIZES, found):
        seen = training.predict(MODEL, network, attack(network, *test, size)).argmax(axis=1)
        np.testing.assert_allclose(accuracy, 100 * (seen == test.y).mean(), atol=1e-3)
    monkeypatch.setattr(attacks, "AT_ONCE", 90)  # and not by parts, of which the last is shorter
    np.testing.assert_allclose(attacks.accuracy_under(attack, SIZES, MODEL, network, *test), found, atol=1.3)


def test_larger_attacks_and_more_steps_do_more_harm(network, test):
    one = attacks.accuracy_under(attacks.fgsm_attack(MODEL), SIZES, MODEL, network, *test)
    many = attacks.accuracy_under(attacks.iterated_attack(MODEL, 5), SIZES, MODEL, network, *test)
    clipped = attacks.accuracy_under(attacks.fgsm_attack(MODEL, True), SIZES, MODEL, network, *test)
    key = jax.random.key(0)

    def at_random(variables, x, y, epsilon):
        return perturbations.random_signs(key, x, epsilon)

    blind = attacks.accuracy_under(at_random, SIZES, MODEL, network, *test)
    for accuracy in (one, many, clipped, blind):
        assert accuracy[0] == one[0] > 70
    assert many[2] <= one[2] < clipped[2] < blind[2]
    assert one[2] < one[1] < one[0]


def test_equal_arguments_make_one_attack_which_is_compiled_once(network, test):
    assert attacks.fgsm_attack(MODEL) is attacks.fgsm_attack(digits.make_recipe(SHORT).model)
    attacks.accuracy_under(attacks.fgsm_attack(MODEL), SIZES, MODEL, network, *test)
    before = attacks._scores._cache_size()
    attacks.accuracy_under(attacks.fgsm_attack(MODEL), 2 * SIZES, MODEL, network, *test)
    assert attacks._scores._cache_size() == before


def test_clipped_attacks_stay_valid_greys(network, test):
    low, high = perturbations.grey_bounds()
    for attack in (attacks.fgsm_attack(MODEL, True), attacks.iterated_attack(MODEL, 3, clipped=True)):
        made = attack(network, test.x[:20], test.y[:20], 0.5)
        assert low <= made.min() < made.max() <= high
        assert jnp.abs(made - test.x[:20]).max() <= 0.5 + 1e-5


def test_transfer_has_each_networks_own_accuracy_on_its_diagonal(networks, test):
    attack = attacks.fgsm_attack(MODEL)
    table = attacks.transfer(attack, 0.3, MODEL, networks, *test)
    assert table.shape == (2, 2)
    for k in range(2):
        own = jax.tree.map(lambda leaf, k=k: leaf[k], networks)
        alone = attacks.accuracy_under(attack, SIZES[2:], MODEL, own, *test)[0]
        np.testing.assert_allclose(table[k, k], alone, atol=1.3)
        assert table[k, 1 - k] > table[k, k]


def test_adversarial_training_withstands_more(data, network, test):
    recipe = attacks.adversarial_recipe(digits.make_recipe(SHORT, examples=512), 0.3)
    assert recipe is attacks.adversarial_recipe(digits.make_recipe(SHORT, examples=512), 0.3)
    order = training.draw_order(jax.random.key(2), examples=512, epochs=6, batch=64)
    state, history = training.train(recipe, training.start(recipe, network), *digits.split(data), order)
    sizes, attack = SIZES[::2], attacks.fgsm_attack(MODEL)
    before, after = (
        attacks.accuracy_under(attack, sizes, MODEL, variables, *test)
        for variables in (network, state.variables)
    )
    assert after[1] > before[1] + 10
    np.testing.assert_allclose(history.test.error[-1], 100 - after[0], atol=1e-3)


def test_adversarial_training_with_size_0_is_training(data):
    plain = digits.make_recipe(SHORT, examples=512)
    recipe, loops = attacks.adversarial_recipe(plain, 0.0), SHORT.descent.loops | {"epochs": 1}
    ours = training.fit(jax.random.key(0), recipe, *digits.split(data), **loops)
    theirs = training.fit(jax.random.key(0), plain, *digits.split(data), **loops)
    np.testing.assert_allclose(ours.history.train.loss, theirs.history.train.loss, rtol=1e-3)


def test_what_does_not_fit_is_told(network, test):
    attack = attacks.fgsm_attack(MODEL)
    with pytest.raises(ValueError, match=r"epsilons must be sizes that are not negative, got -0\.5"):
        attacks.accuracy_under(attack, np.array([0.1, -0.5]), MODEL, network, *test)
    with pytest.raises(ValueError, match="epsilons must not be empty"):
        attacks.accuracy_under(attack, np.zeros(0), MODEL, network, *test)
    with pytest.raises(ValueError, match=r"y must have the shape \(batch\), where batch is 160 as in x"):
        attacks.accuracy_under(attack, SIZES, MODEL, network, test.x, test.y[:3])
    with pytest.raises(ValueError, match="x must not be empty"):
        attacks.accuracy_under(attack, SIZES, MODEL, network, test.x[:0], test.y[:0])
    with pytest.raises(ValueError, match="epsilon must not be negative"):
        attacks.transfer(attack, -0.1, MODEL, jax.tree.map(lambda a: a[None], network), *test)
    with pytest.raises(ValueError, match="epsilon must not be negative"):
        attacks.adversarial_recipe(digits.make_recipe(SHORT), -1.0)
