import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import gammaln

from udl_jax.ch08_performance import high_dimensions as spaces

POINTS = np.random.default_rng(0).normal(size=(20, 7)).astype(np.float32)


def test_distances_are_those_of_the_whole_table():
    apart = np.linalg.norm(POINTS[:, None] - POINTS, axis=-1)[np.triu_indices(20, 1)]
    np.testing.assert_allclose(spaces.distance_range(POINTS), [apart.min(), apart.max()], rtol=1e-6)


def test_motions_leave_distances_as_they_are():
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(7, 7)))
    moved = (POINTS @ rotation + 3).astype(np.float32)
    np.testing.assert_allclose(spaces.distance_range(moved), spaces.distance_range(POINTS), rtol=1e-5)


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_distances_scale_with_the_points_far_beyond_their_squares(factor):
    ours = np.array(spaces.distance_range(POINTS * np.float32(factor))) / factor
    np.testing.assert_allclose(ours, spaces.distance_range(POINTS), rtol=1e-5)


def test_points_of_which_two_coincide_have_an_infinite_ratio():
    assert spaces.distance_range(jnp.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]])).ratio == jnp.inf


def test_points_which_all_coincide_are_at_distance_zero():
    assert tuple(spaces.distance_range(jnp.full((3, 2), 5.0))) == (0, 0)
    assert tuple(spaces.distance_range(jnp.zeros((3, 2)))) == (0, 0)


def test_equidistant_points_have_ratio_one():
    assert spaces.distance_range(jnp.eye(6)).ratio == 1


def test_whole_numbers_are_points_too():
    assert spaces.distance_range(jnp.array([[0, 0], [3, 4]])).largest == 5


def test_distances_work_under_jit_and_vmap_and_keep_the_dtype():
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            ours = spaces.distance_range(jnp.asarray(POINTS, dtype))
            assert {part.dtype for part in ours} == {jnp.dtype(dtype)}
    many = jax.jit(jax.vmap(spaces.distance_range))(jnp.stack([POINTS, 2 * POINTS]))
    np.testing.assert_allclose(many.largest[1], 2 * many.largest[0], rtol=1e-6)


def test_largest_distance_pulls_its_two_points_apart():
    points = jnp.array([[0.0, 0.0], [3.0, 4.0], [1.0, 1.0]])
    gradient = jax.grad(lambda p: spaces.distance_range(p).largest)(points)
    np.testing.assert_allclose(gradient, [[-0.6, -0.8], [0.6, 0.8], [0, 0]], atol=1e-6)


def test_distances_become_alike_as_dimensions_grow():
    keys = jax.random.split(jax.random.key(0), 3)
    ratios = [
        spaces.distance_range(spaces.sample_points(k, 200, d)).ratio for k, d in zip(keys, (2, 50, 2000))
    ]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[-1] < 1.3


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((1, 3), np.float32), "points must be at least two, got 1"),
        (np.zeros((0, 3), np.float32), r"points must not be empty, got the shape \(0, 3\)"),
        (np.zeros((4, 0), np.float32), r"points must not be empty, got the shape \(4, 0\)"),
        (np.array([[0.0, np.nan], [1.0, 2.0]]), "points must be finite, got nan"),
        (np.array([[0.0, np.inf], [1.0, 2.0]]), "points must be finite, got inf"),
    ],
)
def test_points_that_have_no_distances_are_told(points, message):
    with pytest.raises(ValueError, match=message):
        spaces.distance_range(points)


def test_volumes_of_length_disc_and_ball():
    r = 1.7 / 2
    expected = [2 * r, np.pi * r**2, 4 / 3 * np.pi * r**3]
    np.testing.assert_allclose(spaces.volume_of_hypersphere(np.arange(1, 4), 1.7), expected, rtol=1e-6)


def test_volume_grows_by_the_known_factor_from_two_dimensions_further_down():
    dimensions = jnp.arange(1, 60)
    r = 0.9
    ours = spaces.log_volume_of_hypersphere(dimensions + 2, 2 * r)
    expected = spaces.log_volume_of_hypersphere(dimensions, 2 * r) + jnp.log(
        2 * jnp.pi * r**2 / (dimensions + 2)
    )
    np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_volume_is_the_share_of_the_cube_that_random_points_hit():
    inside = (
        jnp.sum(jax.random.uniform(jax.random.key(0), (100_000, 5), minval=-0.5, maxval=0.5) ** 2, 1) < 0.25
    )
    assert abs(inside.mean() - spaces.volume_of_hypersphere(5)) < 0.005


def test_logarithm_goes_on_where_gamma_function_and_volume_end():
    with jax.enable_x64(True):
        ours = spaces.log_volume_of_hypersphere(np.array([1e3, 1e6]), 3.0)
        expected = [d / 2 * np.log(np.pi) + d * np.log(1.5) - gammaln(d / 2 + 1) for d in (1e3, 1e6)]
        np.testing.assert_allclose(ours, expected, rtol=1e-13)
    assert spaces.volume_of_hypersphere(1000) == 0


def test_unit_ball_is_largest_between_five_and_six_dimensions():
    slope = jax.grad(lambda d: spaces.log_volume_of_hypersphere(d, 2.0))
    assert slope(5.25) > 0 > slope(5.26)


def test_shell_is_what_a_smaller_sphere_leaves():
    dimensions = np.arange(1, 30)
    whole, inner = (spaces.volume_of_hypersphere(dimensions, d) for d in (2.0, 1.8))
    np.testing.assert_allclose(spaces.shell_proportion(dimensions, 0.1), 1 - inner / whole, atol=1e-5)


def test_thin_shells_are_not_lost_to_rounding():
    np.testing.assert_allclose(spaces.shell_proportion(3, 1e-9), 3e-9, rtol=1e-6)
    assert spaces.shell_proportion(3, 0.0) == 0
    np.testing.assert_allclose(jax.grad(spaces.shell_proportion, 1)(3.0, 0.0), 3, rtol=1e-6)


@pytest.mark.parametrize("function", [spaces.log_volume_of_hypersphere, spaces.volume_of_hypersphere])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "dimensions must be at least 1, got 0.0"),
        ((float("nan"),), "dimensions must be at least 1, got nan"),
        ((3, 0.0), "diameter must be positive, got 0.0"),
        ((3, -1.0), "diameter must be positive, got -1.0"),
    ],
)
def test_impossible_spheres_are_told(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments)


@pytest.mark.parametrize("thickness", [-0.1, 1.0, float("nan")])
def test_impossible_shells_are_told(thickness):
    with pytest.raises(ValueError, match=r"thickness must be in \[0, 1\)"):
        spaces.shell_proportion(3, thickness)


def test_shell_of_no_dimensions_is_told():
    with pytest.raises(ValueError, match="dimensions must be at least 1, got 0"):
        spaces.shell_proportion(0)
