import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax.ch06_fitting import gradient_descent as gd
from udl_jax.ch09_regularization import implicit_regularization as implicit

POINTS = np.random.default_rng(0).uniform(-0.8, 0.5, (10, 2))


def derivatives_by_hand(phi):
    """Return gradient and Hessian of the valley: with u = b^2 exp(4 a^2) / 2, its loss is 1 - exp(-u)."""
    a, b = phi
    e = np.exp(4 * a**2)
    u = b**2 * e / 2
    du = np.array([8 * a * u, b * e])
    d2u = np.array([[8 * u + 64 * a**2 * u, 8 * a * b * e], [8 * a * b * e, e]])
    return np.exp(-u) * du, np.exp(-u) * (d2u - np.outer(du, du))


def test_gradient_of_a_gradient_is_what_the_hand_derives():
    """The gradient of alpha/4 |g|^2 is alpha/2 H g."""
    with jax.enable_x64(True):
        modified = jax.jit(jax.grad(implicit.modified_loss(implicit.valley_loss, 0.3)))
        for phi in POINTS:
            gradient, hessian = derivatives_by_hand(phi)
            np.testing.assert_allclose(modified(phi), gradient + 0.3 / 2 * hessian @ gradient, rtol=1e-12)


def test_penalty_of_a_network_s_parameters_is_that_of_the_flat_vector():
    tree = {"w": jnp.ones((2, 3)), "b": jnp.arange(3.0)}
    flat, unravel = jax.flatten_util.ravel_pytree(tree)

    def loss(tree):
        return jnp.sum(jnp.sin(tree["w"] @ tree["b"])) ** 2

    ours = implicit.penalty(loss, tree, 0.1)
    np.testing.assert_allclose(ours, implicit.penalty(lambda p: loss(unravel(p)), flat, 0.1), rtol=1e-6)


def test_modified_flow_follows_descent_one_order_better():
    """On L = phi^2 / 2 descent ends at (1 - a)^n, the flow at exp(-a n), the modified one at exp(-(a + a^2/2) n)."""

    def loss(phi):
        return jnp.sum(phi**2) / 2

    with jax.enable_x64(True):
        errors = []
        for rate in (0.2, 0.1):
            steps = round(1 / rate)
            end = gd.descend(optax.sgd(rate), jax.grad(loss), jnp.ones(1), steps)[-1, 0]
            for flow in (loss, implicit.modified_loss(loss, rate)):
                slope = jax.grad(flow)(jnp.ones(1))[0]
                errors.append(abs(jnp.exp(-slope * rate * steps) - end))
        plain, modified, plain_half, modified_half = errors
        assert 1.7 < plain / plain_half < 2.5
        assert 3.4 < modified / modified_half < 5


def test_no_penalty_where_the_loss_is_flat():
    phi = jnp.array([0.3, 0.0])
    assert implicit.valley_loss(phi) == implicit.penalty(implicit.valley_loss, phi, 0.5) == 0


@pytest.mark.parametrize("phi", [(10.0, 1.0), (10.0, 0.0), (-30.0, 1e-12), (0.0, 1e20)])
def test_valley_and_its_gradient_are_finite_far_away(phi):
    value, gradient = jax.value_and_grad(implicit.valley_loss)(jnp.array(phi))
    assert 0 <= value <= 1
    assert jnp.all(jnp.isfinite(gradient))


def test_batches_that_agree_add_nothing():
    def batch_loss(phi, target):
        return jnp.sum((phi - target) ** 2)

    phi = jnp.array([1.0, -2.0])
    assert implicit.stochastic_penalty(batch_loss, phi, jnp.ones((5, 2)), 0.1) == 0
    batches = jnp.array([[1.0, 0.0], [3.0, 0.0]])
    gradients = jax.vmap(jax.grad(batch_loss), (None, 0))(phi, batches)
    spread = jnp.mean(jnp.sum((gradients - gradients.mean(0)) ** 2, axis=1))
    ours = implicit.stochastic_penalty(batch_loss, phi, batches, 0.1)
    np.testing.assert_allclose(ours, 0.1 / 4 * spread, rtol=1e-6)


def test_step_size_may_be_traced_and_dtype_is_kept():
    rates = jnp.array([0.0, 0.1, 0.2])
    ours = jax.jit(
        jax.vmap(lambda rate: implicit.penalty(implicit.valley_loss, jnp.array([0.3, 0.4]), rate))
    )(rates)
    np.testing.assert_allclose(ours, ours[1] * jnp.array([0, 1, 2]), rtol=1e-6)
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            loss = implicit.modified_loss(implicit.valley_loss, 0.1)
            assert loss(POINTS[0].astype(dtype)).dtype == jnp.dtype(dtype)


@pytest.mark.parametrize("step_size", [-0.1, float("nan")])
def test_negative_step_sizes_are_told(step_size):
    with pytest.raises(ValueError, match="step_size must not be negative"):
        implicit.modified_loss(implicit.valley_loss, step_size)
    with pytest.raises(ValueError, match="step_size must not be negative"):
        implicit.penalty(implicit.valley_loss, POINTS[0], step_size)


def test_no_batches_are_told():
    with pytest.raises(ValueError, match="batches must hold at least one batch, got none"):
        implicit.stochastic_penalty(lambda phi, b: jnp.sum(phi * b), jnp.ones(2), jnp.ones((0, 2)), 0.1)
