import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch07_gradients import toy_backpropagation as toy
from udl_jax.ch07_gradients.finite_differences import finite_differences


def settings(seed, shape=()):
    """Draw parameters, input and target (with NumPy, which need not compile first)."""
    draws = jnp.array(np.random.default_rng(seed).normal(size=(*shape, 10)))
    return toy.Parameters(draws[..., :4], draws[..., 4:8]), draws[..., 8], draws[..., 9]


forward_pass = jax.jit(toy.forward_pass)
derive = jax.jit(toy.derivatives_by_hand)


def test_by_hand_is_by_grad():
    with jax.enable_x64(True):
        phi, x, y = settings(0, (50,))
        ours = jax.vmap(derive)(phi, x, y)
        theirs = jax.jit(jax.vmap(toy.automatic_derivatives))(phi, x, y)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), ours, theirs)


def test_by_hand_is_the_gradient_of_the_one_expression():
    with jax.enable_x64(True):
        phi, x, y = settings(0)
        dl_dphi, dl_dx = jax.grad(toy.least_squares_loss, argnums=(0, 1))(phi, x, y)
        ours = derive(phi, x, y)
        np.testing.assert_allclose(ours.dl_dbeta, dl_dphi.beta, rtol=1e-12)
        np.testing.assert_allclose(ours.dl_domega, dl_dphi.omega, rtol=1e-12)
        np.testing.assert_allclose(ours.dl_dh[0], dl_dx, rtol=1e-12)


def test_by_hand_is_near_finite_differences():
    with jax.enable_x64(True):
        phi, x, y = settings(1)
        loss = lambda phi: toy.least_squares_loss(phi, x, y)  # noqa: E731
        estimate = jax.jit(lambda phi: finite_differences(loss, phi, 1e-5, central=True))(phi)
        ours = derive(phi, x, y)
        np.testing.assert_allclose(ours.dl_dbeta, estimate.beta, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(ours.dl_domega, estimate.omega, rtol=1e-5, atol=1e-7)


def test_long_formula_says_the_same():
    with jax.enable_x64(True):
        phi, x, y = settings(2)
        np.testing.assert_allclose(
            toy.dl_domega_0_in_full(phi, x, y), derive(phi, x, y).dl_domega[0], rtol=1e-12
        )


def test_steps_lead_to_the_one_expression():
    phi, x, y = settings(3)
    forward = forward_pass(phi, x, y)
    np.testing.assert_allclose(forward.f[3], toy.model(phi, x), rtol=1e-6)
    np.testing.assert_allclose(forward.loss, toy.least_squares_loss(phi, x, y), rtol=1e-5)
    assert forward.h[0] == x


def test_a_perturbed_preactivation_is_a_moved_offset():
    phi, x, y = settings(4)
    there = jnp.array([0.1, -0.2, 0.3, 0.4])
    perturbed = forward_pass(phi, x, y, toy.Perturbation(f=there, h=jnp.zeros(4)))
    moved = forward_pass(phi._replace(beta=phi.beta + there), x, y)
    np.testing.assert_allclose(perturbed.f, moved.f, rtol=1e-5)


def test_a_perfect_prediction_has_no_derivatives():
    phi, x, _ = settings(5)
    y = forward_pass(phi, x, 0.0).f[3]
    assert all(jnp.all(d == 0) for d in derive(phi, x, y))


def test_a_slope_of_zero_cuts_the_chain():
    phi, x, y = settings(6)
    ours = derive(phi._replace(omega=phi.omega.at[2].set(0)), x, y)
    assert jnp.all(ours.dl_dbeta[:2] == 0)
    assert jnp.all(ours.dl_domega[:2] == 0)
    assert jnp.all(ours.dl_dbeta[2:] != 0)


def test_dtype_is_that_of_the_parameters():
    with jax.enable_x64(True):
        for dtype in (jnp.float32, jnp.float64):
            phi = jax.tree.map(lambda a, dtype=dtype: a.astype(dtype), settings(0)[0])
            leaves = jax.tree.leaves((forward_pass(phi, 0.5, 2.0), derive(phi, 0.5, 2.0)))
            assert {leaf.dtype for leaf in leaves} == {jnp.dtype(dtype)}


@pytest.mark.parametrize("function", [toy.forward_pass, toy.automatic_derivatives])
def test_too_few_parameters_are_told(function):
    with pytest.raises(ValueError, match=r"phi.omega must have shape \(4,\), got \(3,\)"):
        function(toy.Parameters(jnp.zeros(4), jnp.zeros(3)), 0.5, 2.0)


def test_too_few_parameters_are_told_on_the_way_back():
    phi, x, y = settings(0)
    with pytest.raises(ValueError, match=r"phi.beta must have shape \(4,\), got \(1,\)"):
        toy.backward_pass(phi._replace(beta=jnp.zeros(1)), forward_pass(phi, x, y), y)
