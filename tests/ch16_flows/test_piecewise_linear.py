import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch16_flows import piecewise_linear as pieces

GENERATOR = np.random.default_rng(0)
PHI = np.array([0.2, 0.1, 0.4, 0.05, 0.25])


def drawn(count, number, dtype=np.float64):
    """Draw numbers, a map for each, none of whose pieces is flat."""
    phi = GENERATOR.dirichlet(np.ones(number), count) + 0.01
    return GENERATOR.uniform(size=count).astype(dtype), (phi / phi.sum(1, keepdims=True)).astype(dtype)


def test_map_goes_through_its_joints():
    joints = np.arange(6) / 5
    with jax.enable_x64(True):
        heights = pieces.piecewise_linear(joints, np.tile(PHI, (6, 1)))
        np.testing.assert_allclose(heights, np.append(0, np.cumsum(PHI)), atol=1e-15)


def test_map_is_linear_interpolation_between_them():
    h = np.linspace(0, 1, 101)
    with jax.enable_x64(True):
        ours = pieces.piecewise_linear(h, np.tile(PHI, (101, 1)))
    np.testing.assert_allclose(ours, np.interp(h, np.arange(6) / 5, np.append(0, np.cumsum(PHI))), atol=1e-14)


@pytest.mark.parametrize("number", [1, 2, 32])
def test_inverse_undoes_the_map_and_the_map_the_inverse(number):
    with jax.enable_x64(True):
        h, phi = drawn(500, number)
        np.testing.assert_allclose(
            pieces.invert_piecewise_linear(pieces.piecewise_linear(h, phi), phi), h, atol=1e-12
        )
        np.testing.assert_allclose(
            pieces.piecewise_linear(pieces.invert_piecewise_linear(h, phi), phi), h, atol=1e-12
        )


def test_ends_stay_where_they_are():
    for function in (pieces.piecewise_linear, pieces.invert_piecewise_linear):
        _, phi = drawn(2, 7, np.float32)
        np.testing.assert_allclose(function(np.array([0, 1], np.float32), phi), [0, 1], atol=1e-6)


def test_rounding_leads_no_number_out_of_the_interval():
    phi = GENERATOR.dirichlet(np.ones(9), 2000).astype(np.float32) + np.float32(1e-3)
    phi = phi / phi.sum(1, keepdims=True)
    mapped = pieces.piecewise_linear(np.ones(2000, np.float32), phi)
    assert (mapped <= 1).all()
    assert np.isfinite(jax.jit(pieces.invert_piecewise_linear)(mapped, phi)).all()
    slopes = jax.vmap(jax.grad(pieces.piecewise_linear))(np.ones(2000, np.float32), phi)
    np.testing.assert_allclose(slopes, 9 * phi[:, -1], rtol=1e-5)


def test_slope_is_the_derivative_and_that_of_the_inverse_is_one_over_it():
    with jax.enable_x64(True):
        h, phi = drawn(100, 6)
        slopes = jax.vmap(jax.grad(pieces.piecewise_linear))(h, phi)
        np.testing.assert_allclose(np.log(slopes), pieces.log_slope(h, phi), atol=1e-12)
        back = jax.vmap(jax.grad(pieces.invert_piecewise_linear))(pieces.piecewise_linear(h, phi), phi)
        np.testing.assert_allclose(back * slopes, 1, rtol=1e-12)


def test_slopes_know_what_the_shares_do_to_them():
    with jax.enable_x64(True):
        gradient = jax.grad(lambda phi: pieces.log_slope(jnp.array(0.5), phi))(jnp.array(PHI))
    np.testing.assert_allclose(gradient, [0, 0, 1 / 0.4, 0, 0])


def test_bisection_comes_within_its_tolerance_and_stops_at_its_end():
    with jax.enable_x64(True):
        h, phi = drawn(200, 5)
        h = h * 0.998
        h_prime = pieces.piecewise_linear(h, phi)
        for tolerance, iterations in ((1e-4, 20), (1e-9, 60)):
            found = pieces.bisect_piecewise_linear(h_prime, phi, tolerance, iterations)
            assert np.abs(found - h).max() <= tolerance
        ends = pieces.bisect_piecewise_linear(np.ones(1), phi[:1])
        np.testing.assert_allclose(ends, 0.999, atol=1e-4)


def test_no_iteration_leaves_the_middle():
    h, phi = drawn(3, 5)
    np.testing.assert_allclose(pieces.bisect_piecewise_linear(h, phi, iterations=1)[h > 0.99], [])
    assert (pieces.bisect_piecewise_linear(h, phi, tolerance=10.0) == 0.5).all()


def test_outside_of_the_interval_there_is_no_map_and_no_probability():
    h = np.array([-0.5, 0.5, 1.5], np.float32)
    phi = np.tile(PHI, (3, 1)).astype(np.float32)
    assert np.isnan(jax.jit(pieces.piecewise_linear)(h, phi)).tolist() == [True, False, True]
    assert np.isnan(jax.jit(pieces.invert_piecewise_linear)(h, phi)).tolist() == [True, False, True]
    np.testing.assert_allclose(pieces.log_slope(h, phi), [-np.inf, np.log(2), -np.inf], rtol=1e-6)


def test_functions_keep_the_dtype():
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            h, phi = drawn(4, 5, dtype)
            for name in (
                "piecewise_linear",
                "invert_piecewise_linear",
                "bisect_piecewise_linear",
                "log_slope",
            ):
                assert getattr(pieces, name)(h, phi).dtype == dtype


@pytest.mark.parametrize(
    "function", [pieces.piecewise_linear, pieces.invert_piecewise_linear, pieces.bisect_piecewise_linear]
)
@pytest.mark.parametrize(
    ("h", "phi", "message"),
    [
        (1.5, PHI, r"h(_prime)? must be from 0 to 1, got 1\.5"),
        (-0.1, PHI, r"h(_prime)? must be from 0 to 1, got -0\.1"),
        (np.nan, PHI, r"h(_prime)? must be from 0 to 1, got nan"),
        (0.5, [0.5, -0.1, 0.6], r"phi must be positive, for the map to be undone, got -0\.1"),
        (0.5, [0.5, 0.0, 0.5], r"phi must be positive, for the map to be undone, got 0\.0"),
        (0.5, [0.5, 0.6], r"phi must be adding up to 1, got 1\.1"),
        (
            np.zeros(3),
            np.tile(PHI, (2, 1)),
            r"phi must have the shape \(\*batch, pieces\), where \*batch is \(3,\)",
        ),
    ],
)
def test_bad_input_is_told(function, h, phi, message):
    with pytest.raises(ValueError, match=message):
        function(np.array(h, np.float32), np.array(phi, np.float32))
