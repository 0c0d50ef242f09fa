import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch16_flows.binned_flow import BinnedFlow

X = np.random.default_rng(0).uniform(0.01, 1.99, size=(20, 3))


def perturbed(flow, dtype="float64"):
    """Return weights away from their start, where much is zero."""
    variables = flow.init(jax.random.key(0), jnp.asarray(X[:, : len(flow.low)], "float32"))
    leaves, tree = jax.tree.flatten(variables)
    generator = np.random.default_rng(1)
    return jax.tree.unflatten(
        tree, [jnp.asarray(a + 0.3 * generator.normal(size=a.shape), dtype) for a in leaves]
    )


@pytest.mark.parametrize(
    "flow", [BinnedFlow((-1.0, 0.0), (2.0, 5.0), 8, 16), BinnedFlow((0.0,) * 3, (6.0,) * 3, 5, 8)]
)
def test_inverse_undoes_the_flow(flow):
    x = X[:, : len(flow.low)]
    for dtype, tolerance in (("float32", 1e-5), ("float64", 1e-10)):
        with jax.enable_x64(dtype == "float64"):
            variables = perturbed(flow, dtype)
            z, _ = flow.apply(variables, x.astype(dtype), method="to_latent")
            back = flow.apply(variables, z, method="from_latent")
            assert back.dtype == dtype
            np.testing.assert_allclose(back, x, atol=tolerance)


@pytest.mark.parametrize(
    "flow", [BinnedFlow((-1.0, 0.0), (2.0, 5.0), 8, 16), BinnedFlow((0.0,) * 3, (6.0,) * 3, 5, 8)]
)
def test_determinant_is_that_of_the_jacobian(flow):
    with jax.enable_x64(True):
        variables = perturbed(flow)
        x = X[:, : len(flow.low)]
        _, ours = flow.apply(variables, x, method="to_latent")
        jacobians = jax.vmap(jax.jacfwd(lambda x: flow.apply(variables, x, method="to_latent")[0]))(x)
        np.testing.assert_allclose(ours, np.linalg.slogdet(jacobians)[1], atol=1e-10)


def test_flow_starts_even_over_its_box_and_ends_there():
    flow = BinnedFlow((0.0, 0.0), (2.0, 4.0), 5, 8)
    x = np.array([[0.5, 3.9], [2.1, 1.0], [1.0, -0.1]], np.float32)
    variables = flow.init(jax.random.key(0), x)
    np.testing.assert_allclose(flow.apply(variables, x), [-np.log(8), -np.inf, -np.inf], rtol=1e-5)


@pytest.mark.parametrize("bins", [1, 7])
def test_density_integrates_to_one(bins):
    flow, share = BinnedFlow((0.0, 0.0), (1.0, 1.0), bins, 8), (np.arange(700) + 0.5) / 700
    with jax.enable_x64(True):
        grid = np.stack(np.meshgrid(share, share), axis=-1)
        density = jnp.exp(jax.jit(flow.apply)(perturbed(flow), grid))
        np.testing.assert_allclose(density.mean(), 1, atol=1e-3)


def test_latent_variables_fill_the_unit_cube_and_no_more():
    flow = BinnedFlow((-1.0, 0.0), (2.0, 5.0), 8, 16)
    variables = perturbed(flow, "float32")
    z, _ = flow.apply(variables, np.array([[-1, 0], [2, 5]], np.float32), method="to_latent")
    np.testing.assert_allclose(z, [[0, 0], [1, 1]], atol=1e-6)


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        (BinnedFlow((0.0, 1.0), (1.0, 1.0)), "low must be below high in every dimension"),
        (BinnedFlow((0.0, 0.0), (1.0, float("inf"))), "low must be below high in every dimension"),
        (BinnedFlow((0.0, 0.0), (1.0, 1.0), 0), "bins and hidden must be at least 1, got 0 and 64"),
        (BinnedFlow((0.0,) * 3, (1.0,) * 3), r"x must have 3 dimensions, got the shape \(4, 2\)"),
    ],
)
def test_bad_input_is_told(flow, message):
    with pytest.raises(ValueError, match=message):
        flow.init(jax.random.key(0), np.zeros((4, 2), np.float32))
