"""Curvature of losses by products with the Hessian."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch20_why_it_works import curvature


def bowl(matrix):
    return lambda tree: (
        0.5 * jnp.concatenate([tree["a"], tree["b"]]) @ matrix @ jnp.concatenate([tree["a"], tree["b"]])
    )


@pytest.fixture
def matrix():
    found = np.random.default_rng(0).standard_normal((5, 5))
    return jnp.asarray(found + found.T)


TREE = {"a": jnp.array([0.3, -1.0]), "b": jnp.array([2.0, 0.1, 0.7])}


def test_product_is_that_of_the_whole_hessian(matrix):
    loss = lambda tree: jnp.sin(bowl(matrix)(tree))  # noqa: E731
    flat = lambda v: loss({"a": v[:2], "b": v[2:]})  # noqa: E731
    direction = {"a": jnp.array([1.0, 2.0]), "b": jnp.array([-1.0, 0.5, 3.0])}
    whole = jax.hessian(flat)(jnp.concatenate([TREE["a"], TREE["b"]]))
    expected = whole @ jnp.concatenate([direction["a"], direction["b"]])
    found = curvature.curve_along(loss, TREE, direction)
    np.testing.assert_allclose(jnp.concatenate([found["a"], found["b"]]), expected, rtol=1e-4)


def test_sharpness_is_the_eigenvalue_largest_in_size(matrix):
    values = np.linalg.eigvalsh(np.asarray(matrix))
    largest = values[np.abs(values).argmax()]
    found = jax.jit(lambda start: curvature.sharpness(bowl(matrix), TREE, start, 400))(TREE)
    assert found == pytest.approx(largest, rel=1e-4)


def test_descent_is_stable_below_two_over_sharpness():
    steep = jnp.diag(jnp.array([3.0, 1.0, 0.5, 0.2, 0.1]))
    limit = 2 / curvature.sharpness(bowl(steep), TREE, TREE)

    def descend(rate):
        def step(tree, _):
            return jax.tree.map(lambda p, g: p - rate * g, tree, jax.grad(bowl(steep))(tree)), None

        return bowl(steep)(jax.lax.scan(step, TREE, length=200)[0])

    assert descend(0.95 * limit) < bowl(steep)(TREE) < descend(1.05 * limit)


def test_a_flat_loss_has_no_curvature():
    assert curvature.sharpness(lambda tree: jnp.sum(tree["a"]), TREE, TREE) == 0


@pytest.mark.parametrize(
    ("start", "iterations", "message"),
    [
        (jax.tree.map(jnp.zeros_like, TREE), 10, "start must be a direction, not zero"),
        ({"a": TREE["a"], "b": TREE["a"]}, 10, "start must be a tree of arrays with the shapes of params"),
        (TREE, 0, "iterations must be at least 1"),
    ],
)
def test_unsound_input_is_told(matrix, start, iterations, message):
    with pytest.raises(ValueError, match=message):
        curvature.sharpness(bowl(matrix), TREE, start, iterations)


def test_line_between_two_points(matrix):
    loss = bowl(matrix)
    end = jax.tree.map(lambda leaf: -2 * leaf, TREE)
    found = curvature.along_line(loss, TREE, end, jnp.array([0.0, 1 / 3, 1.0]))
    np.testing.assert_allclose(found, [loss(TREE), 0.0, loss(end)], atol=1e-5)
