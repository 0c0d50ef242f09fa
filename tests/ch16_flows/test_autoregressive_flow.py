import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch16_flows import autoregressive_flow as flow

POINTS = np.random.default_rng(0).uniform(size=(30, 4))


def networks(dimensions=4, dtype="float64", **sizes):
    drawn = flow.draw_networks(jax.random.key(1), dimensions, **sizes)
    return flow.Networks(*(jnp.asarray(part, dtype) for part in drawn))


def test_inverse_undoes_the_flow():
    with jax.enable_x64(True):
        ours = networks()
        there = jax.jit(flow.forward)(ours, POINTS)
        np.testing.assert_allclose(flow.inverse(ours, there), POINTS, atol=1e-12)
        bisected = flow.inverse(ours, there, flow.bisect_piecewise_linear)
        inside = POINTS.max(1) < 0.999
        assert 1e-8 < np.median(np.abs(bisected - POINTS)[inside]) < 1e-4


def test_points_stay_in_the_cube_and_its_corners_in_place():
    with jax.enable_x64(True):
        ours = networks()
        there = np.asarray(flow.forward(ours, POINTS))
        assert ((there >= 0) & (there <= 1)).all()
        corners = np.array(np.meshgrid(*[[0.0, 1.0]] * 4)).reshape(4, -1).T
        np.testing.assert_allclose(flow.forward(ours, corners), corners, atol=1e-12)


def test_jacobian_is_triangular_and_its_determinant_the_product_of_the_slopes():
    with jax.enable_x64(True):
        ours = networks()
        jacobians = np.asarray(jax.vmap(jax.jacfwd(lambda h: flow.forward(ours, h)))(POINTS))
        assert (np.triu(jacobians, 1) == 0).all()
        signs, logs = np.linalg.slogdet(jacobians)
        assert (signs == 1).all()
        np.testing.assert_allclose(flow.log_determinant(ours, POINTS), logs, atol=1e-10)


def test_way_back_has_the_opposite_determinant():
    with jax.enable_x64(True):
        ours = networks()
        there = flow.forward(ours, POINTS[0])
        back = jax.jacfwd(lambda h: flow.inverse(ours, h))(there)
        np.testing.assert_allclose(
            np.linalg.slogdet(back)[1], -flow.log_determinant(ours, POINTS[0]), atol=1e-10
        )


@pytest.mark.parametrize("pieces", [2, 5, 9])
def test_density_integrates_to_one_over_the_square(pieces):
    middles = (np.arange(720) + 0.5) / 720
    grid = np.stack(np.meshgrid(middles, middles), axis=-1)
    with jax.enable_x64(True):
        density = jnp.exp(jax.jit(flow.log_determinant)(networks(2, pieces=pieces), grid))
        np.testing.assert_allclose(density.mean(), 1, atol=1e-3)


def test_a_dimension_does_not_look_at_itself_or_at_later_ones():
    ours = networks(dtype="float32")
    h = POINTS[0].astype(np.float32)
    before = flow.shares(ours, h)
    for d in range(4):
        after = flow.shares(ours, np.where(np.arange(4) >= d, 0.5, h).astype(np.float32))
        np.testing.assert_array_equal(after[: d + 1], before[: d + 1])


def test_no_probability_outside_of_the_cube():
    ours = networks(2, dtype="float32")
    outside = np.array([[0.5, 1.2], [-1.0, 0.5], [0.5, 0.5]], np.float32)
    assert np.isneginf(flow.log_determinant(ours, outside)).tolist() == [True, True, False]


def test_gradients_of_the_likelihood_are_finite_and_reach_the_weights():
    ours = networks(3, dtype="float32")
    gradient = jax.grad(lambda n: flow.log_determinant(n, POINTS[:, :3].astype(np.float32)).mean())(ours)
    assert all(np.isfinite(part).all() and np.any(np.asarray(part) != 0) for part in gradient)


def test_functions_keep_the_dtype_and_any_batch():
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            ours, h = networks(dtype=dtype), POINTS.reshape(5, 6, 4).astype(dtype)
            for result in (flow.forward(ours, h), flow.inverse(ours, h)):
                assert result.dtype == dtype
                assert result.shape == (5, 6, 4)
            assert flow.log_determinant(ours, h).shape == (5, 6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: flow.forward(networks(3, "float32"), POINTS),
            r"h must have 3 dimensions, .* got the shape \(30, 4\)",
        ),
        (lambda: flow.inverse(networks(3, "float32"), POINTS), "h_prime must have 3 dimensions"),
        (lambda: flow.forward(networks(dtype="float32"), POINTS * 2), "h must be from 0 to 1"),
        (lambda: flow.inverse(networks(dtype="float32"), POINTS - 1), "h_prime must be from 0 to 1"),
        (lambda: flow.draw_networks(jax.random.key(0), 0), "dimensions must be at least 1, got 0"),
        (lambda: flow.draw_networks(jax.random.key(0), 2, pieces=-1), "pieces must be at least 1, got -1"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
