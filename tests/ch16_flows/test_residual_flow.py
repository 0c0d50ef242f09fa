import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch16_flows import residual_flow
from udl_jax.ch16_flows.residual_flow import ResidualFlow

X = np.random.default_rng(0).normal(size=(20, 3))


def perturbed(flow, dtype="float64"):
    """Return weights away from their start, where much is zero."""
    variables = flow.init(jax.random.key(0), jnp.asarray(X[:, : flow.dimensions], "float32"))
    leaves, tree = jax.tree.flatten(variables)
    generator = np.random.default_rng(1)
    return jax.tree.unflatten(
        tree, [jnp.asarray(a + 0.3 * generator.normal(size=a.shape), dtype) for a in leaves]
    )


@pytest.mark.parametrize("flow", [ResidualFlow(2, 4, 16), ResidualFlow(3, 3, 8, 0.8)])
def test_inverse_undoes_the_flow(flow):
    x = X[:, : flow.dimensions]
    for dtype, tolerance in (("float32", 1e-5), ("float64", 1e-10)):
        with jax.enable_x64(dtype == "float64"):
            variables = perturbed(flow, dtype)
            z, _ = flow.apply(variables, x.astype(dtype), method="to_latent")
            back = flow.apply(variables, z, method="from_latent")
            assert back.dtype == dtype
            np.testing.assert_allclose(back, x, atol=tolerance)


@pytest.mark.parametrize("flow", [ResidualFlow(2, 4, 16), ResidualFlow(3, 3, 8, 0.8)])
def test_determinant_is_that_of_the_jacobian(flow):
    with jax.enable_x64(True):
        variables = perturbed(flow)
        x = X[:, : flow.dimensions]
        _, ours = flow.apply(variables, x, method="to_latent")
        jacobians = jax.vmap(jax.jacfwd(lambda x: flow.apply(variables, x, method="to_latent")[0]))(x)
        np.testing.assert_allclose(ours, np.linalg.slogdet(jacobians)[1], atol=1e-10)


def test_what_a_layer_adds_is_a_contraction():
    flow = ResidualFlow(2, 1, 16, 0.9)
    with jax.enable_x64(True):
        variables = perturbed(flow)
        params = variables["params"]["stack"]
        params["log_scale"] = jnp.zeros_like(params["log_scale"])
        add = lambda x: flow.apply(variables, x, method="to_latent")[0] - x  # noqa: E731
        jacobians = jax.vmap(jax.jacfwd(add))(10 * np.random.default_rng(2).normal(size=(500, 2)))
        assert np.linalg.norm(np.asarray(jacobians), 2, axis=(1, 2)).max() <= 0.9


def test_spectral_norm_is_the_largest_singular_value_and_has_a_gradient():
    for shape in ((2, 30), (30, 2), (1, 1)):
        omega = np.random.default_rng(3).normal(size=shape).astype(np.float32)
        np.testing.assert_allclose(residual_flow.spectral_norm(omega), np.linalg.norm(omega, 2), rtol=1e-5)
        assert np.isfinite(jax.grad(residual_flow.spectral_norm)(omega)).all()


def test_density_integrates_to_one():
    flow, share = ResidualFlow(2, 4, 16), (np.arange(300) + 0.5) / 300 * 24 - 12
    with jax.enable_x64(True):
        grid = np.stack(np.meshgrid(share, share), axis=-1)
        density = jnp.exp(jax.jit(flow.apply)(perturbed(flow), grid))
        np.testing.assert_allclose(density.sum() * 0.08**2, 1, atol=1e-3)


def test_estimate_of_the_determinant_is_unbiased():
    matrix = np.random.default_rng(4).normal(size=(6, 6))
    matrix = 0.7 * matrix / np.linalg.norm(matrix, 2)
    function = lambda x: jnp.tanh(matrix @ x)  # noqa: E731
    with jax.enable_x64(True):
        x = np.full(6, 0.2)
        exact = np.linalg.slogdet(np.eye(6) + jax.jacfwd(function)(x))[1]
        probes = jax.random.rademacher(jax.random.key(0), (4000, 1, 6), x.dtype)
        each = jax.vmap(lambda p: residual_flow.estimate_log_determinant(function, x, p, 60))(probes)
        assert abs(each.mean() - exact) < 4 * each.std() / np.sqrt(4000)
        unit = residual_flow.estimate_log_determinant(function, x, np.sqrt(6) * np.eye(6), 60)
        np.testing.assert_allclose(unit, exact, atol=1e-8)


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        (ResidualFlow(beta=1.0), r"beta must lie strictly between 0 and 1, for a contraction, got 1\.0"),
        (ResidualFlow(beta=float("nan")), "beta must lie strictly between 0 and 1"),
        (ResidualFlow(hidden=1), "hidden at least dimensions, got 2, 16 and 1"),
        (ResidualFlow(3), r"x must have 3 dimensions, got the shape \(4, 2\)"),
    ],
)
def test_bad_input_is_told(flow, message):
    with pytest.raises(ValueError, match=message):
        flow.init(jax.random.key(0), np.zeros((4, 2), np.float32))


def test_estimate_without_terms_is_told():
    with pytest.raises(ValueError, match="terms must be at least 1, got 0"):
        residual_flow.estimate_log_determinant(jnp.tanh, np.zeros(2), np.ones((1, 2)), 0)
