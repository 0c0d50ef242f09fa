import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from udl_jax import training
from udl_jax.ch20_why_it_works import perturbations
from udl_jax.data.mnist import standardize


class Small(nn.Module):
    """A network with batch statistics and dropout, both of which an attack must leave alone."""

    @nn.compact
    def __call__(self, x, train: bool = False):
        x = nn.BatchNorm(use_running_average=not train)(x.reshape(len(x), -1))
        x = nn.Dropout(0.5, deterministic=not train)(jax.nn.relu(nn.Dense(12)(x)))
        return nn.Dense(3)(x)


MODEL = Small()
X = jax.random.normal(jax.random.key(0), (6, 4, 4, 1))
Y = jnp.array([0, 1, 2, 0, 1, 2])


@pytest.fixture(scope="module")
def variables():
    return MODEL.init(jax.random.key(1), X)


def loss(variables, x, y=Y):
    return training.cross_entropy(training.predict(MODEL, variables, x), y)


def test_gradient_is_that_of_each_image_alone(variables):
    whole = perturbations.input_gradient(MODEL, variables, X, Y)
    alone = [perturbations.input_gradient(MODEL, variables, X[k : k + 1], Y[k : k + 1]) for k in range(6)]
    np.testing.assert_allclose(whole, jnp.concatenate(alone), rtol=1e-4, atol=1e-7)


def test_gradient_is_the_slope(variables):
    with jax.enable_x64(True):
        double, x = jax.tree.map(lambda a: jnp.asarray(a, float), variables), jnp.asarray(X, float)
        gradient = perturbations.input_gradient(MODEL, double, x, Y)
        moved = [x.at[2, 1, 3, 0].add(h) for h in (1e-6, -1e-6)]
        slope = (loss(double, moved[0]) - loss(double, moved[1])) * 6 / 2e-6
        np.testing.assert_allclose(gradient[2, 1, 3, 0], slope, rtol=1e-5)
        assert gradient.dtype == np.float64


def test_the_network_is_left_as_it_is(variables):
    before = jax.tree.map(np.array, variables)
    perturbations.iterate(MODEL, variables, X, Y, 0.1, 3)
    jax.tree.map(np.testing.assert_array_equal, variables, before)
    twice = [
        perturbations.input_gradient(MODEL, variables, X, Y) for _ in range(2)
    ]  # nothing is dropped at random
    np.testing.assert_array_equal(*twice)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_of_size_0_changes_a_bit(variables, dtype):
    with jax.enable_x64(dtype == np.float64):
        x = jnp.asarray(X, dtype)
        gradient = jax.random.normal(jax.random.key(2), x.shape, dtype)
        np.testing.assert_array_equal(perturbations.fgsm(x, gradient, 0), x)
        np.testing.assert_array_equal(perturbations.random_signs(jax.random.key(3), x, 0.0), x)
        grey = standardize(jnp.asarray(np.linspace(0, 1, 96).reshape(x.shape), dtype))
        np.testing.assert_array_equal(
            perturbations.fgsm(grey, gradient, 0, perturbations.grey_bounds(dtype)), grey
        )
        params = jax.tree.map(lambda a: a.astype(dtype), variables)
        np.testing.assert_array_equal(perturbations.iterate(MODEL, params, x, Y, 0.1, 2, radius=0.0), x)


def test_cases_by_hand():
    assert perturbations.fgsm(jnp.array([0.9]), jnp.array([2.0]), 0.2, (0, 1)).tolist() == [1.0]
    low, high = perturbations.grey_bounds()
    pixel = standardize(jnp.array([0.9]))
    found = perturbations.fgsm(pixel, jnp.array([2.0]), 0.2 / 0.3081, (low, high))
    np.testing.assert_allclose(found, standardize(jnp.array([1.0])), rtol=1e-6)  # white, not [0, 1] as it is
    np.testing.assert_allclose(found * 0.3081 + 0.1307, [1.0], rtol=1e-6)
    unchanged = perturbations.fgsm(jnp.array([0.3, 0.3]), jnp.array([0.0, -0.0]), 0.2)
    np.testing.assert_array_equal(unchanged, np.array([0.3, 0.3], np.float32))


def test_normalised_by_a_half_and_a_quarter():
    """A pixel of 0.9 is 1.6 then, and its white 2; to clip the standardized pixel to [0, 1] would make it darker."""
    found = perturbations.fgsm(jnp.array([1.6]), jnp.array([1.0]), 0.2 / 0.25, (-2.0, 2.0))
    np.testing.assert_allclose(found, [2.0])


def test_a_step_above_the_radius_goes_as_far_as_the_radius(variables):
    found = perturbations.iterate(MODEL, variables, X, Y, step=0.05, steps=1, radius=1 / 255)
    moved = jnp.abs(found - X)
    gradient = perturbations.input_gradient(MODEL, variables, X, Y)
    np.testing.assert_allclose(moved[gradient != 0], 1 / 255, rtol=1e-4)
    np.testing.assert_array_equal(moved[gradient == 0], 0)


def test_a_single_step_is_the_fast_attack_and_more_steps_do_more(variables):
    gradient = perturbations.input_gradient(MODEL, variables, X, Y)
    one = perturbations.iterate(MODEL, variables, X, Y, 0.2, 1)
    np.testing.assert_array_equal(one, perturbations.fgsm(X, gradient, 0.2))
    many = perturbations.iterate(MODEL, variables, X, Y, 0.05, 20, radius=0.2)
    assert jnp.abs(many - X).max() <= 0.2 + 1e-6
    assert loss(variables, X) < loss(variables, one) <= loss(variables, many) + 1e-3


def test_bounds_hold_after_every_step(variables):
    x = jnp.clip(X, -1, 1)
    found = perturbations.iterate(MODEL, variables, x, Y, 0.3, 4, radius=0.5, bounds=(-1.0, 1.0))
    assert found.min() >= -1
    assert found.max() <= 1


def test_targeted_steps_lead_to_the_target(variables):
    target = (Y + 1) % 3
    found = perturbations.iterate(MODEL, variables, X, target, 0.1, 30, targeted=True)
    assert loss(variables, found, target) < 0.5 * loss(variables, X, target)
    np.testing.assert_array_equal(training.predict(MODEL, variables, found).argmax(axis=1), target)


def test_random_signs_are_as_large_as_the_attack():
    found = perturbations.random_signs(jax.random.key(0), X, 0.3) - X
    np.testing.assert_allclose(jnp.abs(found), 0.3, rtol=1e-5)
    assert 0.3 < (found > 0).mean() < 0.7


def test_epsilon_may_be_traced(variables):
    gradient = perturbations.input_gradient(MODEL, variables, X, Y)
    sizes = jnp.array([0.0, 0.1, 0.4])
    several = jax.jit(jax.vmap(lambda e: perturbations.fgsm(X, gradient, e)))(sizes)
    for found, size in zip(several, sizes):
        np.testing.assert_allclose(found, perturbations.fgsm(X, gradient, size), rtol=1e-6)
    jitted = jax.jit(lambda s: perturbations.iterate(MODEL, variables, X, Y, s, 2, radius=s))(0.1)
    np.testing.assert_allclose(
        jitted, perturbations.iterate(MODEL, variables, X, Y, 0.1, 2, radius=0.1), rtol=1e-5
    )


@pytest.mark.parametrize("epsilon", [-0.1, float("nan")])
def test_sizes_out_of_range_are_told(variables, epsilon):
    with pytest.raises(ValueError, match="epsilon must not be negative"):
        perturbations.fgsm(X, X, epsilon)
    with pytest.raises(ValueError, match="epsilon must not be negative"):
        perturbations.random_signs(jax.random.key(0), X, epsilon)
    with pytest.raises(ValueError, match="step must not be negative"):
        perturbations.iterate(MODEL, variables, X, Y, epsilon, 2)
    with pytest.raises(ValueError, match="radius must not be negative"):
        perturbations.iterate(MODEL, variables, X, Y, 0.1, 2, radius=epsilon)


def test_what_does_not_fit_is_told(variables):
    attack = perturbations.input_gradient
    with pytest.raises(ValueError, match="x must not be empty"):
        attack(MODEL, variables, X[:0], Y[:0])
    with pytest.raises(ValueError, match=r"y must have the shape \(batch\), where batch is 6 as in x"):
        attack(MODEL, variables, X, Y[:5])
    with pytest.raises(ValueError, match=r"y must be labels in 0\.\.2, got 3"):
        attack(MODEL, variables, X, Y + 1)
    with pytest.raises(ValueError, match="gradient must have the shape"):
        perturbations.fgsm(X, X[:3], 0.1)
    with pytest.raises(ValueError, match="bounds must be the least and the largest"):
        perturbations.fgsm(X, X, 0.1, bounds=(1.0, 0.0))
    with pytest.raises(ValueError, match="steps must be at least 1"):
        perturbations.iterate(MODEL, variables, X, Y, 0.1, 0)
