import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch16_flows import contraction, lipschitz

GRID = np.linspace(0, 1, 1001)
gentle = functools.partial(contraction.wavy_line, offset=0.3, slope=0.5, ripple=0.02)
steep = functools.partial(contraction.wavy_line, offset=0.7, slope=-0.6, ripple=0.03)


def test_steepest_slope_is_that_of_line_and_ripple_together():
    with jax.enable_x64(True):
        np.testing.assert_allclose(lipschitz.steepest_slope(gentle, GRID), 0.8, rtol=1e-4)
        np.testing.assert_allclose(lipschitz.steepest_slope(steep, GRID), 1.05, rtol=1e-3)


def test_contractions_pass_and_others_do_not():
    assert lipschitz.check_contraction(gentle, GRID) is None
    with pytest.raises(ValueError, match=r"with slopes between -1 and 1, got the slope -1\.05 at 0\."):
        lipschitz.check_contraction(steep, GRID)
    with pytest.raises(ValueError, match="got the slope 1 at 0"):
        lipschitz.check_contraction(lambda z: z, GRID)
    with pytest.raises(ValueError, match="got the slope nan"):
        lipschitz.check_contraction(lambda z: z * jnp.nan, GRID)


def test_check_says_that_it_cannot_be_traced():
    with pytest.raises(TypeError, match="check_contraction cannot run under jit, vmap or grad"):
        jax.jit(lambda z: lipschitz.check_contraction(gentle, z))(GRID)


@pytest.mark.parametrize("start", [-2.0, 0.0, 0.2, 0.61, 3.0])
def test_bound_holds_at_every_step(start):
    with jax.enable_x64(True):
        path = contraction.follow(gentle, np.array(start), 40)
        limit = contraction.solve(gentle, np.array(start), 1e-15).z
        bound = lipschitz.error_bound(0.8, abs(path[1] - path[0]), jnp.arange(41))
        assert (abs(path - limit) <= bound + 1e-15).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.0, 1.0, 3), r"beta must lie in \[0\.0, 1\.0\), got 1\.0"),
        ((-0.1, 1.0, 3), r"beta must lie in \[0\.0, 1\.0\), got -0\.1"),
        ((0.5, -1.0, 3), "first_step must .*, got -1.0"),
        ((0.5, 1.0, -3), r"iterations must be counts 0, 1, 2, \.\.\., got -3"),
    ],
)
def test_bad_input_is_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        lipschitz.error_bound(*arguments)
