import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch16_flows import contraction

gentle = functools.partial(contraction.wavy_line, offset=0.3, slope=0.5, ripple=0.02)
repelling = functools.partial(contraction.wavy_line, offset=-0.2, slope=1.5, ripple=0.1)


def test_wavy_line_is_a_line_with_a_wave():
    z = np.linspace(-1, 1, 7)
    with jax.enable_x64(True):
        ours = contraction.wavy_line(z, 0.7, -0.6, 0.03)
        np.testing.assert_allclose(ours, 0.7 - 0.6 * z + 0.03 * np.sin(15 * z), atol=1e-15)


def test_orbit_applies_the_function_again_and_again():
    path = contraction.follow(gentle, jnp.array(0.2), 5)
    assert path.shape == (6,)
    np.testing.assert_allclose(path[1:], gentle(path[:-1]), rtol=1e-6)
    np.testing.assert_allclose(contraction.follow(gentle, jnp.array(0.2), 0), [0.2])


def test_solution_is_a_fixed_point_wherever_one_starts():
    with jax.enable_x64(True):
        for start in (-5.0, 0.2, 9.0):
            found = contraction.solve(gentle, np.array(start), tolerance=1e-14)
            assert found.converged
            assert 5 < found.iterations < 60
            np.testing.assert_allclose(found.z, gentle(found.z), atol=1e-14)


def test_repelling_fixed_points_are_not_found_and_this_is_told():
    found = contraction.solve(repelling, np.array(0.7), iterations=20)
    assert not found.converged
    assert found.iterations == 20
    assert not contraction.solve(lambda z: z + jnp.nan, np.array(0.7)).converged


def test_start_at_the_fixed_point_converges_at_once():
    found = contraction.solve(lambda z: 0.5 * z, np.zeros(3, np.float32))
    assert found.iterations == 1
    assert found.converged


def test_residual_layers_are_undone():
    with jax.enable_x64(True):
        z = np.linspace(-2, 2, 9)
        found = contraction.invert_residual(gentle, z + gentle(z), tolerance=1e-15, iterations=300)
        np.testing.assert_allclose(found.z, z, atol=1e-13)


def test_residual_layers_of_vectors_are_undone():
    matrix = np.array([[0.3, -0.5], [0.4, 0.2]])
    layer = lambda z: jnp.tanh(matrix @ z)  # noqa: E731
    with jax.enable_x64(True):
        z = np.array([0.4, -1.3])
        found = contraction.invert_residual(layer, z + layer(z), tolerance=1e-15)
        np.testing.assert_allclose(found.z, z, atol=1e-13)


@pytest.mark.parametrize("mode", [jax.jacfwd, jax.jacrev])
def test_derivatives_are_those_of_the_implicit_function_theorem(mode):
    def point(offset):
        moved = functools.partial(contraction.wavy_line, offset=offset, slope=0.5, ripple=0.02)
        return contraction.solve(moved, jnp.array(0.2), tolerance=1e-14).z

    with jax.enable_x64(True):
        slope = jax.grad(gentle)(point(0.3))
        by_hand = (point(0.3 + 1e-6) - point(0.3 - 1e-6)) / 2e-6
        np.testing.assert_allclose(mode(point)(0.3), 1 / (1 - slope), rtol=1e-12)
        np.testing.assert_allclose(mode(point)(0.3), by_hand, rtol=1e-6)


def test_inverse_of_a_layer_has_the_inverse_jacobian():
    matrix = np.array([[0.3, -0.5], [0.4, 0.2]])
    layer = lambda z: jnp.tanh(matrix @ z)  # noqa: E731
    with jax.enable_x64(True):
        z = jnp.array([0.4, -1.3])
        there = jax.jacobian(lambda z: z + layer(z))(z)
        back = jax.jacrev(lambda y: contraction.invert_residual(layer, y, tolerance=1e-15).z)(z + layer(z))
        np.testing.assert_allclose(back @ there, np.eye(2), atol=1e-12)


def test_start_has_no_influence_on_the_derivative():
    gradient = jax.grad(lambda start: contraction.solve(gentle, start).z)(jnp.array(0.2))
    assert gradient == 0


def test_many_points_by_vmap_and_jit_in_their_own_dtype():
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            starts = np.linspace(0, 1, 5).astype(dtype)
            found = jax.jit(jax.vmap(lambda start: contraction.solve(gentle, start)))(starts)
            assert found.z.dtype == dtype
            assert found.converged.all()
            assert contraction.follow(gentle, starts).dtype == dtype


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: contraction.solve(gentle, 0.2, tolerance=0.0), ValueError, "tolerance must be positive"),
        (
            lambda: contraction.solve(gentle, 0.2, tolerance=float("nan")),
            ValueError,
            "tolerance must be positive",
        ),
        (
            lambda: contraction.solve(gentle, 0.2, iterations=0),
            ValueError,
            "iterations must be at least 1, got 0",
        ),
        (lambda: contraction.solve(0.5, 0.2), TypeError, r"function must be a function, got 0\.5"),
        (lambda: contraction.follow(gentle, 0.2, -1), ValueError, "iterations must not be negative, got -1"),
        (
            lambda: contraction.invert_residual(gentle, np.ones(3), np.ones(2)),
            ValueError,
            r"start must have the shape \(\*shape\), where \*shape is \(3,\) as in y, got \(2,\)",
        ),
        (lambda: contraction.wavy_line(0.2, "a", 1.0, 1.0), TypeError, "offset must be a real number"),
    ],
)
def test_bad_input_is_told(call, error, message):
    with pytest.raises(error, match=message):
        call()
