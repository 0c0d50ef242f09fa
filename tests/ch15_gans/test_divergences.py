import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import rel_entr

from udl_jax.ch15_gans import divergences

GENERATOR = np.random.default_rng(0)
P, Q = GENERATOR.dirichlet(np.ones(6), 2).astype(np.float32)
HALVES = np.array([0.5, 0.5, 0, 0], np.float32)


def test_divergences_are_sums_of_relative_entropies():
    np.testing.assert_allclose(divergences.kl_divergence(P, Q), rel_entr(P, Q).sum(), rtol=1e-5)
    middle = (P + Q) / 2
    expected = (rel_entr(P, middle).sum() + rel_entr(Q, middle).sum()) / 2
    np.testing.assert_allclose(divergences.js_divergence(P, Q), expected, rtol=1e-5)


def test_a_distribution_is_at_no_distance_from_itself():
    for p in (P, HALVES):
        assert divergences.kl_divergence(p, p) == 0
        assert divergences.js_divergence(p, p) == 0


def test_kl_is_infinite_where_the_second_calls_impossible_what_happens_under_the_first():
    assert divergences.kl_divergence(HALVES, HALVES[::-1]) == jnp.inf
    point = np.array([1, 0, 0, 0], np.float32)
    np.testing.assert_allclose(divergences.kl_divergence(point, HALVES), np.log(2), rtol=1e-6)
    assert divergences.kl_divergence(HALVES, point) == jnp.inf


def test_js_of_distributions_that_share_no_bin_is_log_2_whichever_comes_first():
    for pair in ((HALVES, HALVES[::-1]), (HALVES[::-1], HALVES)):
        np.testing.assert_allclose(divergences.js_divergence(*pair), np.log(2), rtol=1e-6)


def test_gradients_are_finite_where_bins_are_empty():
    mostly = np.array([0.7, 0.3, 0, 0], np.float32)
    for function in (divergences.kl_divergence, divergences.js_divergence):
        for argument in (0, 1):
            assert np.isfinite(jax.grad(function, argument)(mostly, HALVES)).all()


def test_gradient_is_that_of_the_formula():
    gradient = jax.grad(divergences.kl_divergence, 1)(P, Q)
    np.testing.assert_allclose(gradient, -P / Q, rtol=1e-4)


def test_divergences_keep_the_dtype_and_work_under_jit_and_vmap():
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            p, q = P.astype(dtype) / P.astype(dtype).sum(), Q.astype(dtype) / Q.astype(dtype).sum()
            for function in (divergences.kl_divergence, divergences.js_divergence):
                assert function(p, q).dtype == dtype
    many = jax.jit(jax.vmap(divergences.kl_divergence))(np.stack([P, Q]), np.stack([Q, P]))
    np.testing.assert_allclose(many[1], divergences.kl_divergence(Q, P), rtol=1e-6)


@pytest.mark.parametrize("function", [divergences.kl_divergence, divergences.js_divergence])
@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        ([], [0.5, 0.5], r"p must not be empty, got the shape \(0,\)"),
        ([[0.5, 0.5]], [0.5, 0.5], r"p must have the shape \(bins\), got \(1, 2\)"),
        ([1.5, -0.5], [0.5, 0.5], "p must be probabilities, finite and not negative"),
        ([0.5, 0.5], [np.nan, 1.0], "q must be probabilities, finite and not negative"),
        ([3.0, 4.0], [0.5, 0.5], "p must sum to 1, got 7: divide counts by their sum"),
        ([0.5, 0.5], [0.0, 0.0], "q must sum to 1, got 0"),
        ([0.5, 0.5], [1.0, 0.0, 0.0], r"q must have the shape \(bins\), where bins is 2 as in p, got \(3,\)"),
    ],
)
def test_what_is_no_distribution_is_told(function, p, q, message):
    with pytest.raises(ValueError, match=message):
        function(np.array(p), np.array(q))
