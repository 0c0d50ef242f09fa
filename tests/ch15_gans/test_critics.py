import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch15_gans import critics

REAL, MADE = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32)


def linear(weights):
    return lambda x: jnp.sum(weights * x)


@pytest.mark.parametrize("count", [1, 4])
def test_penalty_is_a_mean_over_slopes_of_single_examples(count):
    """Slope (3, 4) has length 5, so the penalty is 16 for any number of examples."""
    x = np.ones((count, 2), np.float32)
    penalty = critics.gradient_penalty(
        linear(jnp.array([3.0, 4.0])), x, 0 * x, np.full(count, 0.3, np.float32)
    )
    assert penalty == 16


def test_length_of_the_slope_is_over_channels_and_pixels():
    x = np.ones((3, 1, 2, 2), np.float32)
    assert critics.gradient_penalty(jnp.sum, x, 0 * x, np.zeros(3, np.float32)) == 1


def test_flat_critic_costs_1_and_has_a_finite_gradient():
    x = np.ones((3, 2), np.float32)
    cost = lambda w: critics.gradient_penalty(linear(w), x, 0 * x, np.zeros(3, np.float32))  # noqa: E731
    value, slope = jax.value_and_grad(cost)(jnp.zeros(2))
    assert value == 1
    np.testing.assert_array_equal(slope, [0, 0])


def test_penalty_looks_between_real_and_generated():
    real, made = np.full((1, 1), 3, np.float32), np.full((1, 1), 1, np.float32)
    for mix, place in ((0.0, 1.0), (0.5, 2.0), (1.0, 3.0)):
        found = critics.gradient_penalty(lambda x: x[0] ** 2, real, made, np.array([mix], np.float32))
        np.testing.assert_allclose(found, (2 * place - 1) ** 2)


def test_losses_are_what_their_names_say():
    sig = 1 / (1 + np.exp(-MADE))
    np.testing.assert_allclose(critics.generator_loss(MADE, "minimax"), np.log(1 - sig).mean(), rtol=1e-5)
    np.testing.assert_allclose(critics.generator_loss(MADE, "non-saturating"), -np.log(sig).mean(), rtol=1e-5)
    np.testing.assert_allclose(critics.generator_loss(MADE), -MADE.mean(), rtol=1e-5)
    entropy = -np.log(1 - sig).mean() + np.log1p(np.exp(-REAL)).mean()
    np.testing.assert_allclose(critics.critic_loss(REAL, MADE, "minimax"), entropy, rtol=1e-5)
    np.testing.assert_allclose(critics.critic_loss(REAL, MADE), MADE.mean() - REAL.mean(), rtol=1e-5)


def test_losses_stay_finite_for_sure_critics():
    sure = np.array([-1e4, 1e4], np.float32)
    for kind in critics.KINDS:
        assert np.isfinite(critics.critic_loss(sure, sure, kind))
        assert np.isfinite(jax.grad(critics.generator_loss)(sure, kind)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: critics.critic_loss(REAL, MADE, "hinge"), "kind must be one of 'minimax'"),
        (lambda: critics.generator_loss(MADE, "hinge"), "kind must be one of 'minimax'"),
        (
            lambda: critics.gradient_penalty(jnp.sum, np.ones((2, 2)), np.ones((3, 2)), np.ones(2)),
            r"made must have the shape \(examples, \*shape\)",
        ),
        (
            lambda: critics.gradient_penalty(
                jnp.sum, np.ones((2, 2)), np.ones((2, 2)), np.array([0.5, -1.2])
            ),
            r"mix must be from 0 to 1, got -1\.2",
        ),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
