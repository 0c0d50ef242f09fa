import jax
import numpy as np
import pytest

from udl_jax.ch14_unsupervised import digit_features
from udl_jax.data.mnist import Mnist, load_mnist

DATA = load_mnist()
VARIABLES, PROVENANCE = digit_features.load_digit_network()


def test_shipped_network_recognises_digits_as_well_as_is_said():
    found = digit_features.extract(VARIABLES, DATA.x_test)
    right = float((found.probabilities.argmax(1) == DATA.y_test).mean())
    assert right >= 0.93
    np.testing.assert_allclose(right, PROVENANCE["test_accuracy"], atol=0.002)
    np.testing.assert_allclose(found.probabilities.sum(1), 1, rtol=1e-5)
    assert found.features.shape == (2000, 64)


def test_training_lowers_the_error_and_saves_what_it_loads(tmp_path, monkeypatch):
    part = Mnist(DATA.x_train[:640], DATA.y_train[:640], DATA.x_test[:200], DATA.y_test[:200])
    variables = digit_features.train_digit_network(jax.random.key(0), part)
    right = digit_features.extract(variables, part.x_train).probabilities.argmax(1) == part.y_train
    assert right.mean() > 0.7
    path = tmp_path / "digits.npz"
    digit_features.save_digit_network(variables, path, {"run": "a test"})
    monkeypatch.setattr(digit_features, "_SHIPPED", path)
    again, provenance = digit_features.load_digit_network()
    assert provenance == {"run": "a test"}
    for ours, theirs in zip(jax.tree.leaves(variables), jax.tree.leaves(again), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-6)


def test_shape_of_images_does_not_matter_but_their_size_does():
    flat, square = (DATA.x_test[:5].reshape(shape) for shape in ((5, 784), (5, 28, 28)))
    features = [digit_features.extract(VARIABLES, images).features for images in (flat, square)]
    np.testing.assert_array_equal(*features)
    with pytest.raises(ValueError, match=r"images must have 784 pixels each, got the shape \(5, 27, 28\)"):
        digit_features.extract(VARIABLES, square[:, 1:])
    with pytest.raises(ValueError, match=r"images must have 784 pixels each, got the shape \(784,\)"):
        digit_features.extract(VARIABLES, flat[0])
    with pytest.raises(TypeError, match="images must be real numbers from 0 to 1, got uint8"):
        digit_features.extract(VARIABLES, np.zeros((5, 784), np.uint8))
