import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from udl_jax.ch16_flows import flow_1d

GRID = np.arange(-3, 3, 0.01)


def line(z):
    return 2 * z + 1


def test_base_is_the_normal_density():
    z = np.linspace(-4, 4, 9, dtype="f")
    np.testing.assert_allclose(flow_1d.base_density(z, 0.5, 2.0), stats.norm.pdf(z, 0.5, 2.0), rtol=1e-5)


def test_another_pi_changes_the_height_alone():
    z = np.linspace(-2, 2, 5, dtype="f")
    ratio = flow_1d.base_density(z, pi=3.1413) / flow_1d.base_density(z)
    np.testing.assert_allclose(ratio, np.sqrt(np.pi / 3.1413), rtol=1e-6)


def test_bend_keeps_its_ends_and_rises_everywhere():
    np.testing.assert_allclose(flow_1d.bend(np.array([-3.0, 3.0])), [-3, 3], rtol=1e-6)
    wide = np.linspace(-20, 20, 2001, dtype="f")
    assert (flow_1d.slope(flow_1d.bend, wide) > 0.2).all()


def test_straight_line_has_the_density_that_is_known():
    """For x = 2z + 1 the density of x = 1 is half of the normal's at 0: the wrong sign would double it."""
    carried = flow_1d.push_density(line, np.zeros(1, np.float32))
    np.testing.assert_allclose(jnp.log(carried.density), -1.6120857, rtol=1e-6)
    np.testing.assert_allclose(flow_1d.log_density(line, np.ones(1, np.float32)), -1.6120857, rtol=1e-6)


def test_falling_functions_carry_densities_too():
    carried = flow_1d.push_density(lambda z: -2 * z + 1, np.array([0.5], np.float32))
    np.testing.assert_allclose(carried.density, stats.norm.pdf(0.5) / 2, rtol=1e-6)


@pytest.mark.parametrize("function", [line, flow_1d.bend, lambda z: z**3 + z])
def test_densities_integrate_to_one(function):
    with jax.enable_x64(True):
        z = np.linspace(-9, 9, 20001)
        carried = flow_1d.push_density(function, z)
        np.testing.assert_allclose(integrate.trapezoid(carried.density, carried.x), 1, atol=1e-6)


def test_mass_stays_what_it_was_between_points_that_do_not_move():
    with jax.enable_x64(True):
        carried = flow_1d.push_density(flow_1d.bend, np.linspace(-3, 3, 4001))
        mass = integrate.simpson(carried.density, x=carried.x)
    np.testing.assert_allclose(mass, stats.norm.cdf(3) - stats.norm.cdf(-3), rtol=1e-5)


def test_inverse_undoes_the_flow():
    with jax.enable_x64(True):
        x = np.linspace(-40, 60, 101)
        z = flow_1d.inverse(flow_1d.bend, x)
        np.testing.assert_allclose(flow_1d.bend(z), x, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(flow_1d.inverse(flow_1d.bend, flow_1d.bend(GRID)), GRID, atol=1e-10)


def test_derivatives_of_the_inverse_are_those_of_the_implicit_function_theorem():
    with jax.enable_x64(True):
        z = np.array(0.7)
        x = flow_1d.bend(z)
        by_x = jax.grad(lambda x: flow_1d.inverse(flow_1d.bend, x))(x)
        np.testing.assert_allclose(by_x * jax.grad(flow_1d.bend)(z), 1, rtol=1e-12)
        by_scale = jax.grad(lambda s: flow_1d.inverse(lambda z: s * z**3 + z, 10.0))(jnp.array(1.0))
        np.testing.assert_allclose(by_scale, -8 / 13, rtol=1e-12)


def test_both_ways_to_the_density_agree():
    with jax.enable_x64(True):
        carried = flow_1d.push_density(flow_1d.bend, GRID)
        ours = flow_1d.log_density(flow_1d.bend, carried.x)
    np.testing.assert_allclose(ours, np.log(carried.density), atol=1e-10)


def test_samples_have_the_distribution_of_the_density():
    samples = flow_1d.sample_flow(jax.random.key(0), flow_1d.bend, 10_000)
    cdf = lambda x: stats.norm.cdf(flow_1d.inverse(flow_1d.bend, x.astype("f")))  # noqa: E731
    assert stats.kstest(np.asarray(samples), cdf).pvalue > 0.01


def test_functions_keep_the_dtype_and_work_under_jit():
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            z = np.linspace(-1, 1, 5).astype(dtype)
            for result in (
                flow_1d.bend(z),
                flow_1d.base_density(z, np.float64(0.0), np.float64(1.0)),
                jax.jit(lambda z: flow_1d.inverse(flow_1d.bend, z))(z),
                jax.jit(lambda z: flow_1d.log_density(flow_1d.bend, z))(z),
                jax.jit(lambda z: flow_1d.push_density(flow_1d.bend, z))(z).density,
            ):
                assert result.dtype == dtype


def test_traced_numbers_out_of_reach_come_back_as_nan():
    z = jax.jit(lambda x: flow_1d.inverse(line, x, 0.0, 1.0))(np.array([0.0, 2.0, 4.0], np.float32))
    np.testing.assert_allclose(z, [np.nan, 0.5, np.nan])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flow_1d.base_density(GRID, std=0.0), r"std must be positive.* got 0\.0"),
        (lambda: flow_1d.base_density(GRID, std=float("nan")), "std must be positive.* got nan"),
        (lambda: flow_1d.push_density(jnp.square, GRID), "function must rise everywhere or fall everywhere"),
        (
            lambda: flow_1d.push_density(lambda z: 0 * z, GRID),
            "function must rise everywhere or fall everywhere",
        ),
        (lambda: flow_1d.inverse(line, GRID, 5.0, 1.0), "function must be higher at high than at low"),
        (lambda: flow_1d.inverse(lambda z: -z, GRID), "function must be higher at high than at low"),
        (
            lambda: flow_1d.inverse(line, np.array([50.0])),
            r"x must be among what function gives .* got 50\.0",
        ),
        (lambda: flow_1d.inverse(line, np.array([np.nan])), "x must be among what function gives .* got nan"),
        (lambda: flow_1d.slope(line, np.ones((2, 2))), r"z must have the shape \(points\), got \(2, 2\)"),
        (lambda: flow_1d.sample_flow(jax.random.key(0), line, 0), "samples must be at least 1, got 0"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
