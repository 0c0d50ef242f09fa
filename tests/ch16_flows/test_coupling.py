import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch16_flows.coupling import CouplingFlow, normal_log_density

X = np.random.default_rng(0).normal(size=(20, 5))


def perturbed(flow, dtype="float64"):
    """Return weights away from their start, where much is zero."""
    variables = flow.init(jax.random.key(0), jnp.asarray(X[:, : flow.dimensions], "float32"))
    leaves, tree = jax.tree.flatten(variables)
    generator = np.random.default_rng(1)
    return jax.tree.unflatten(
        tree, [jnp.asarray(a + 0.2 * generator.normal(size=a.shape), dtype) for a in leaves]
    )


@pytest.mark.parametrize("flow", [CouplingFlow(2, 3, 16), CouplingFlow(5, 4, 8)])
def test_inverse_undoes_the_flow(flow):
    x = X[:, : flow.dimensions]
    for dtype, tolerance in (("float32", 1e-5), ("float64", 1e-10)):
        with jax.enable_x64(dtype == "float64"):
            variables = perturbed(flow, dtype)
            z, _ = flow.apply(variables, x.astype(dtype), method="to_latent")
            back = flow.apply(variables, z, method="from_latent")
            assert back.dtype == dtype
            np.testing.assert_allclose(back, x, atol=tolerance)


@pytest.mark.parametrize("flow", [CouplingFlow(2, 3, 16), CouplingFlow(5, 4, 8)])
def test_determinant_is_that_of_the_jacobian(flow):
    with jax.enable_x64(True):
        variables = perturbed(flow)
        x = X[:, : flow.dimensions]
        _, ours = flow.apply(variables, x, method="to_latent")
        jacobians = jax.vmap(jax.jacfwd(lambda x: flow.apply(variables, x, method="to_latent")[0]))(x)
        np.testing.assert_allclose(ours, np.linalg.slogdet(jacobians)[1], atol=1e-10)


def test_flow_starts_as_the_identity():
    flow = CouplingFlow(2, 4, 8)
    variables = flow.init(jax.random.key(0), jnp.zeros((1, 2)))
    x = X[:, :2].astype(np.float32)
    z, log_determinant = flow.apply(variables, x, method="to_latent")
    np.testing.assert_array_equal(z, x)
    np.testing.assert_array_equal(log_determinant, np.zeros(20))
    np.testing.assert_allclose(flow.apply(variables, x), normal_log_density(x))


def test_density_integrates_to_one():
    flow, share = CouplingFlow(2, 3, 16), (np.arange(300) + 0.5) / 300 * 24 - 12
    with jax.enable_x64(True):
        grid = np.stack(np.meshgrid(share, share), axis=-1)
        density = jnp.exp(jax.jit(flow.apply)(perturbed(flow), grid))
        np.testing.assert_allclose(density.sum() * 0.08**2, 1, atol=1e-3)


def test_normal_density_is_known():
    np.testing.assert_allclose(normal_log_density(np.zeros((1, 3))), -1.5 * np.log(2 * np.pi), rtol=1e-6)


@pytest.mark.parametrize(
    ("flow", "x", "message"),
    [
        (CouplingFlow(1), np.zeros((3, 1)), "dimensions must be at least 2, .* got 1, 8 and 64"),
        (CouplingFlow(2, 0), np.zeros((3, 2)), "got 2, 0 and 64"),
        (CouplingFlow(2), np.zeros((3, 4)), r"x must have 2 dimensions, got the shape \(3, 4\)"),
    ],
)
def test_bad_input_is_told(flow, x, message):
    with pytest.raises(ValueError, match=message):
        flow.init(jax.random.key(0), x)
