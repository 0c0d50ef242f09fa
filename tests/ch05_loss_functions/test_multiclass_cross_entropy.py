import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax.ch05_loss_functions import binary_cross_entropy as bce
from udl_jax.ch05_loss_functions import distributions, sweeps
from udl_jax.ch05_loss_functions import multiclass_cross_entropy as mce
from udl_jax.data import toy

X, Y = toy.multiclass_classification_points()
THETA = jnp.array([[0.3, -1.0], [-1.0, 1.8], [-0.5, 0.65]])
PHI = jnp.array([[2.0, -24.0, -8.0, 50.0], [-2.0, -2.0, 8.0, -30.0], [0.0, 16.0, -8.0, -8.0]])
SWEEP = jax.jit(mce.sweep_offset, static_argnames="unit")
OUTPUTS = jnp.array(np.random.default_rng(0).normal(scale=3, size=(20, 3)), "float32")


def naive_loss(outputs, y):
    return distributions.naive_negative_log_likelihood(mce.categorical_probability(y, mce.softmax(outputs)))


def test_softmax_is_that_of_jax():
    np.testing.assert_allclose(mce.softmax(OUTPUTS), jax.nn.softmax(OUTPUTS), rtol=1e-5)
    np.testing.assert_allclose(mce.softmax(OUTPUTS).sum(-1), 1, rtol=1e-6)


def test_softmax_of_two_is_the_sigmoid_of_their_difference():
    both = mce.softmax(OUTPUTS[:, :2])
    np.testing.assert_allclose(both[:, 1], bce.sigmoid(OUTPUTS[:, 1] - OUTPUTS[:, 0]), rtol=1e-5)


def test_losses_agree_where_all_are_safe():
    loss = mce.cross_entropy(OUTPUTS, Y)
    np.testing.assert_allclose(naive_loss(OUTPUTS, Y), loss, rtol=1e-5)
    np.testing.assert_allclose(20 * training.cross_entropy(OUTPUTS, Y), loss, rtol=1e-6)
    theirs = optax.softmax_cross_entropy(OUTPUTS, jax.nn.one_hot(Y, 3)).sum()
    np.testing.assert_allclose(theirs, loss, rtol=1e-5)


def test_probability_is_looked_up_in_the_row():
    chances = mce.softmax(OUTPUTS)
    expected = [chances[k, label] for k, label in enumerate(Y)]
    np.testing.assert_array_equal(mce.categorical_probability(Y, chances), expected)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize(
    "z, label, naive, truth",
    [(1000.0, 0, np.nan, 0), (1000.0, 1, np.inf, 1000), (-1000.0, 0, np.inf, 1000 + np.log(2))],
)
def test_naive_loss_is_lost_where_the_safe_one_is_not(precision, z, label, naive, truth):
    with jax.enable_x64(True):
        outputs, label = jnp.array([[z, 0.0, 0.0]], precision), jnp.array([label])
        lost = jax.jit(naive_loss)(outputs, label)
        np.testing.assert_equal(float(lost), naive)
        loss, slope = jax.jit(jax.value_and_grad(mce.cross_entropy))(outputs, label)
        np.testing.assert_allclose(loss, truth, rtol=1e-6)
        np.testing.assert_allclose(slope.sum(), 0, atol=1e-6)


def test_gradient_is_probabilities_less_the_right_answer():
    slope = jax.grad(mce.cross_entropy)(OUTPUTS, Y)
    np.testing.assert_allclose(slope, mce.softmax(OUTPUTS) - jax.nn.one_hot(Y, 3), atol=1e-6)


@pytest.mark.parametrize("unit", [0, 1, 2])
def test_best_offset_makes_the_mean_probability_that_of_the_label(unit):
    offsets = jnp.linspace(-4, 6, 1001)
    likelihood, loss = SWEEP(THETA, PHI, offsets, X[:, None], Y, unit=unit)
    best = sweeps.best(offsets, loss)
    assert best == sweeps.best(offsets, -likelihood)
    chances = mce.softmax(sweeps.outputs_at_offsets(THETA, PHI, best[None], X[:, None], unit=unit)[0])
    np.testing.assert_allclose(chances[:, unit].mean(), jnp.mean(unit == Y), atol=2e-3)


def test_label_without_output_is_told():
    with pytest.raises(ValueError, match="y must be labels 0 to 1, got 2"):
        mce.cross_entropy(OUTPUTS[:, :2], Y)
