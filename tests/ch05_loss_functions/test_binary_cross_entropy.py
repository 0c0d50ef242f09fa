import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax.ch05_loss_functions import binary_cross_entropy as bce
from udl_jax.ch05_loss_functions import distributions, sweeps
from udl_jax.data import toy

X, Y = toy.binary_classification_points()
THETA = jnp.array([[0.3, -1.0], [-1.0, 1.8], [-0.5, 0.65]])
PHI = jnp.array([[2.6, -24.0, -8.0, 50.0]])
SWEEP = jax.jit(bce.sweep_offset)
OUTPUTS = jnp.array(np.random.default_rng(0).normal(scale=3, size=20), "float32")


def naive_loss(outputs, y):
    return distributions.naive_negative_log_likelihood(bce.bernoulli_probability(y, bce.sigmoid(outputs)))


def test_sigmoid_is_that_of_jax_and_mirrors_itself():
    z = jnp.linspace(-20, 20, 81)
    np.testing.assert_allclose(bce.sigmoid(z), jax.nn.sigmoid(z), rtol=1e-5)
    np.testing.assert_allclose(bce.sigmoid(z) + bce.sigmoid(-z), 1, rtol=1e-6)


def test_two_labels_share_the_probability():
    chance = jnp.linspace(0, 1, 11)
    both = [bce.bernoulli_probability(jnp.full(11, label), chance) for label in (0, 1)]
    np.testing.assert_allclose(sum(both), 1, rtol=1e-6)
    np.testing.assert_allclose(both[1], chance, rtol=1e-6)


def test_losses_agree_where_all_are_safe():
    loss = bce.binary_cross_entropy(OUTPUTS, Y)
    np.testing.assert_allclose(naive_loss(OUTPUTS, Y), loss, rtol=1e-5)
    likelihood = distributions.likelihood(bce.bernoulli_probability(Y, bce.sigmoid(OUTPUTS)))
    np.testing.assert_allclose(-jnp.log(likelihood), loss, rtol=1e-4)
    np.testing.assert_allclose(optax.sigmoid_binary_cross_entropy(OUTPUTS, Y).sum(), loss, rtol=1e-6)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("z, label", [(1000.0, 0), (-1000.0, 1)])
def test_naive_loss_is_lost_where_the_safe_one_is_not(precision, z, label):
    with jax.enable_x64(True):
        outputs, y = jnp.array([z], precision), jnp.array([label])
        loss, slope = jax.jit(jax.value_and_grad(naive_loss))(outputs, y)
        assert jnp.isposinf(loss)
        assert jnp.isnan(slope[0])
        loss, slope = jax.jit(jax.value_and_grad(bce.binary_cross_entropy))(outputs, y)
        assert loss == 1000
        assert slope[0] == (1 if z > 0 else -1)


def test_gradient_is_probability_less_label():
    slope = jax.grad(bce.binary_cross_entropy)(OUTPUTS, Y)
    np.testing.assert_allclose(slope, bce.sigmoid(OUTPUTS) - Y, atol=1e-6)


def test_loss_is_convex_in_the_outputs():
    curvature = jax.jit(jax.vmap(jax.grad(jax.grad(lambda z: bce.binary_cross_entropy(z[None], Y[:1])))))(
        OUTPUTS
    )
    assert jnp.all(curvature > 0)


def test_sweep_has_its_best_likelihood_at_its_least_loss():
    offsets = jnp.linspace(-2, 6, 81)
    likelihood, loss = SWEEP(THETA, PHI, offsets, X[:, None], Y)
    assert sweeps.best(offsets, -likelihood) == sweeps.best(offsets, loss)
    assert jnp.all(jnp.diff(loss, 2) > -1e-4)


def test_best_offset_makes_the_mean_probability_that_of_the_labels():
    offsets = jnp.linspace(-2, 6, 81)
    best = sweeps.best(offsets, SWEEP(THETA, PHI, offsets, X[:, None], Y).negative_log_likelihood)
    outputs = sweeps.outputs_at_offsets(THETA, PHI, best[None], X[:, None])
    np.testing.assert_allclose(bce.sigmoid(outputs).mean(), Y.mean(), atol=0.02)


@pytest.mark.parametrize("label", [-1, 2])
def test_label_out_of_range_is_told(label):
    with pytest.raises(ValueError, match=f"y must be 0 or 1, got {label}"):
        bce.binary_cross_entropy(OUTPUTS, Y.at[3].set(label))
