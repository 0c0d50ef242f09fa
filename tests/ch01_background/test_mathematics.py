import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch01_background import mathematics

POINTS = jnp.linspace(0.1, 4, 50)


def random(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("inputs", [1, 2, 3, 7])
def test_function_steps_by_its_slopes(inputs):
    omega, x = random(inputs), random(inputs, seed=1)
    start = mathematics.linear_function(0.7, omega, *x)
    for i in range(inputs):
        after = mathematics.linear_function(0.7, omega, *x.at[i].add(1.0))
        np.testing.assert_allclose(after - start, omega[i], rtol=1e-4, atol=1e-6)


def test_gradient_is_the_slopes():
    omega = random(3)
    slopes = jax.grad(mathematics.linear_function, argnums=(2, 3, 4))(0.5, omega, *random(3, seed=1))
    assert jnp.array_equal(jnp.stack(slopes), omega)


def test_offset_is_the_value_at_the_origin():
    assert mathematics.linear_function(0.5, random(3), *jnp.zeros(3)) == 0.5


def test_inputs_broadcast_to_a_grid():
    x1, x2 = random(1, 5), random(4, 1, seed=1)
    y = mathematics.linear_function(0.0, jnp.array([1.0, 0.0]), x1, x2)
    assert jnp.array_equal(y, jnp.broadcast_to(x1, (4, 5)))


@pytest.mark.parametrize(("outputs", "inputs"), [(1, 1), (2, 3), (3, 2)])
def test_matrix_form_is_one_function_for_each_row(outputs, inputs):
    beta, omega, x = random(outputs), random(outputs, inputs, seed=1), random(6, inputs, seed=2)
    y = mathematics.linear_equations(beta, omega, x)
    assert y.shape == (6, outputs)
    for k in range(outputs):
        np.testing.assert_allclose(y[:, k], mathematics.linear_function(beta[k], omega[k], *x.T), atol=1e-5)


def test_matrix_form_keeps_any_batch_shape():
    beta, omega, x = random(2), random(2, 3, seed=1), random(4, 5, 3, seed=2)
    y = mathematics.linear_equations(beta, omega, x)
    assert y.shape == (4, 5, 2)
    np.testing.assert_allclose(y[1, 2], mathematics.linear_equations(beta, omega, x[1, 2]), rtol=1e-5)


@pytest.mark.parametrize(("on_x", "on_y"), [(5.0, 10.0), (-2.0, 3.0), (4.0, -1.0)])
def test_line_meets_both_intercepts(on_x, on_y):
    beta, omega = mathematics.line_through_intercepts(on_x, on_y)
    y = mathematics.linear_function(beta, omega[None], jnp.array([0.0, on_x]))
    np.testing.assert_allclose(y, [on_y, 0], atol=1e-6)


def test_second_derivatives_are_those_known_by_hand():
    found = mathematics.second_derivative(jnp.exp, POINTS), mathematics.second_derivative(jnp.log, POINTS)
    np.testing.assert_allclose(found[0], jnp.exp(POINTS), rtol=1e-5)
    np.testing.assert_allclose(found[1], -1 / POINTS**2, rtol=1e-5)


def test_second_derivative_keeps_shape_and_compiles():
    compiled = jax.jit(mathematics.second_derivative, static_argnums=0)
    assert compiled(jnp.sin, POINTS.reshape(5, 10)).shape == (5, 10)


@pytest.mark.parametrize(
    ("f", "convex", "concave"),
    [
        (jnp.exp, True, False),
        (jnp.log, False, True),
        (lambda x: 3 - 2 * x, True, True),
        (lambda x: jnp.sin(2 * x), False, False),
    ],
)
def test_bend_by_derivative_and_by_chords(f, convex, concave):
    a, b = jnp.meshgrid(POINTS, POINTS)
    gaps = mathematics.chord_gap(f, a, b, jnp.full_like(a, 0.3))
    assert mathematics.is_convex(f, POINTS) == convex == jnp.all(gaps > -1e-4)
    assert mathematics.is_convex(lambda x: -f(x), POINTS) == concave == jnp.all(gaps < 1e-4)


def test_chord_touches_the_function_at_its_ends():
    a, b = random(20), random(20, seed=1)
    for end in (0.0, 1.0):
        gap = mathematics.chord_gap(jnp.exp, a, b, jnp.full_like(a, end))
        np.testing.assert_allclose(gap, 0, atol=1e-6)


def test_double_precision_stays():
    with jax.enable_x64(True):
        x = jnp.linspace(0.0, 1.0, 3)
        assert mathematics.linear_function(1.0, jnp.ones(1), x).dtype == jnp.float64
        assert mathematics.second_derivative(jnp.exp, x).dtype == jnp.float64


@pytest.mark.parametrize("inputs", [0, 1, 3])
def test_wrong_number_of_slopes_is_told(inputs):
    with pytest.raises(ValueError, match=f"a slope for each input x, got 2 for {inputs}"):
        mathematics.linear_function(0.0, jnp.ones(2), *jnp.ones(inputs))


@pytest.mark.parametrize("shape", [(3, 2), (2, 2), (1, 3)])
def test_matrix_of_wrong_shape_is_told(shape):
    with pytest.raises(ValueError, match=r"omega must have the shape \(2, 3\)"):
        mathematics.linear_equations(jnp.ones(2), jnp.ones(shape), jnp.ones(3))
