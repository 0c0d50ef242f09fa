import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch21_ethics import attributions, black_box

predict = functools.partial(black_box.score, black_box.book_black_box())
X = np.array([0.3, 0.8, 0.6, 0.3], np.single)
PEOPLE = np.random.default_rng(0).uniform(size=(50, 4)).astype(np.single)


def over_all_orders(f, x, background):
    """Let inputs become known in every order, and average what each adds."""
    gained = np.zeros(len(x))
    for order in itertools.permutations(range(len(x))):
        known = np.zeros(len(x), bool)
        for k in order:
            before = float(f(np.where(known, x, background)).mean())
            known = known | (np.arange(len(x)) == k)
            gained[k] += float(f(np.where(known, x, background)).mean()) - before
    return gained / math.factorial(len(x))


def test_shapley_values_are_means_over_all_orders():
    expected = over_all_orders(jax.jit(predict), X, PEOPLE)
    np.testing.assert_allclose(attributions.shapley(predict, X, PEOPLE), expected, atol=1e-4)


def test_shapley_values_add_up():
    found = attributions.shapley(predict, X, PEOPLE)
    assert found.sum() == pytest.approx(float(predict(X) - predict(PEOPLE).mean()), abs=1e-4)


def test_shapley_values_by_hand():
    double = attributions.shapley(lambda x: 2 * x[..., 0], [3.0], [[0.0], [2.0]])
    assert double[0] == 4  # 2 times (3 minus the mean of the background, 1)
    product = attributions.shapley(lambda x: x[..., 0] * x[..., 1], [1.0, 1.0], np.zeros((1, 2)))
    np.testing.assert_allclose(product, 0.5)
    unused = attributions.shapley(lambda x: x[..., 0] * x[..., 1], [2.0, 3.0, 9.0], np.ones((4, 3)))
    assert unused[2] == 0
    np.testing.assert_allclose(unused[:2], [2, 3])
    constant = attributions.shapley(lambda x: jnp.ones(x.shape[:-1]), X, PEOPLE)
    np.testing.assert_array_equal(constant, 0)


def test_shapley_values_under_jit_and_vmap():
    one = functools.partial(attributions.shapley, predict, background=PEOPLE)
    together = jax.jit(jax.vmap(one))(PEOPLE[:3])
    np.testing.assert_allclose(together, [one(x) for x in PEOPLE[:3]], atol=1e-4)
    with jax.enable_x64(True):
        assert attributions.shapley(predict, X.astype(np.double), PEOPLE.astype(np.double)).dtype == np.double


def test_counterfactual_gets_the_loan():
    found = attributions.counterfactual(predict, X)
    assert found.reached
    assert abs(found.score) < 1e-3
    assert found.score == pytest.approx(float(predict(found.x)), abs=1e-5)
    assert np.all((found.x >= 0) & (found.x <= 1))
    apart = np.linalg.norm(found.x - X)
    assert apart < 0.15  # against 3.288 / 28.0 = 0.117 by the slope at the point
    assert apart <= 0.005 * float(found.steps) + 1e-6


def test_what_may_not_change_stays():
    free = np.array([False, True, True, False])
    found = attributions.counterfactual(predict, X, changeable=free)
    np.testing.assert_array_equal(found.x[~free], X[~free])
    assert found.reached
    assert np.linalg.norm(found.x - X) > np.linalg.norm(attributions.counterfactual(predict, X).x - X)
    nothing = attributions.counterfactual(predict, X, changeable=np.zeros(4, bool))
    assert not nothing.reached
    assert nothing.steps == 1


def test_walk_along_a_plane_is_straight_and_ends_on_the_target():
    found = attributions.counterfactual(lambda x: x @ jnp.array([4.0, 3.0]), [0.1, 0.1], target=2.0)
    np.testing.assert_allclose(found.x, [0.1 + 4 * 1.3 / 25, 0.1 + 3 * 1.3 / 25], rtol=1e-4)
    assert found.score == pytest.approx(2, abs=1e-4)


def test_walk_stays_within_bounds():
    found = attributions.counterfactual(lambda x: x @ jnp.array([1.0, 0.1]), [0.9, 0.0], target=1.05)
    np.testing.assert_allclose(found.x, [1, 0.5], atol=1e-3)
    never = attributions.counterfactual(jnp.sum, [0.9, 0.0], target=3.0)
    assert not never.reached
    np.testing.assert_array_equal(never.x, 1)


def test_who_has_the_loan_needs_no_change():
    found = attributions.counterfactual(jnp.sum, [0.5, 0.5])
    assert found.steps == 0
    assert found.reached
    np.testing.assert_array_equal(found.x, 0.5)


def test_walk_gives_up_where_nothing_has_a_slope_or_steps_are_few():
    flat = attributions.counterfactual(lambda x: -1.0 + 0 * jnp.sum(x), X)
    assert not flat.reached
    assert flat.steps == 1
    assert attributions.counterfactual(predict, X, most_steps=3).steps == 3


def test_counterfactuals_of_many_at_once():
    low = PEOPLE[np.asarray(predict(PEOPLE)) < 0][:5]
    together = jax.jit(jax.vmap(functools.partial(attributions.counterfactual, predict)))(low)
    assert together.x.shape == (5, 4)
    assert np.abs(np.asarray(together.score)[np.asarray(together.reached)]).max() < 1e-2


def test_bad_input_is_told():
    with pytest.raises(ValueError, match="x must have at most 16 inputs for all subsets to be tried, got 17"):
        attributions.shapley(lambda x: x[..., 0], np.ones(17), np.ones((1, 17)))
    with pytest.raises(
        ValueError, match=r"background must have the shape \(people, inputs\), where .* inputs is 4 as in x"
    ):
        attributions.shapley(predict, X, PEOPLE[:, :3])
    with pytest.raises(ValueError, match="background must not be empty"):
        attributions.shapley(predict, X, PEOPLE[:0])
    with pytest.raises(ValueError, match="predict's scores must have the shape of one number for each point"):
        attributions.shapley(lambda x: x, X, PEOPLE)
    with pytest.raises(ValueError, match="step must be positive, got 0"):
        attributions.counterfactual(predict, X, step=0.0)
    with pytest.raises(ValueError, match="low must be less than high"):
        attributions.counterfactual(predict, X, low=1.0, high=0.0)
    with pytest.raises(ValueError, match=r"x must be between 0.0 and 0.5"):
        attributions.counterfactual(predict, X, high=0.5)
    with pytest.raises(ValueError, match="most_steps must be at least 1"):
        attributions.counterfactual(predict, X, most_steps=0)
    with pytest.raises(ValueError, match="target must be finite"):
        attributions.counterfactual(predict, X, target=np.inf)
    with pytest.raises(ValueError, match="changeable must have the shape"):
        attributions.counterfactual(predict, X, changeable=np.ones(3, bool))
    with pytest.raises(ValueError, match="predict must return one number"):
        attributions.counterfactual(lambda x: x, X)
