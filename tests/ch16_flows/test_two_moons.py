import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch16_flows import two_moons


def test_arcs_are_half_circles_with_their_ends_where_they_belong():
    turn = np.linspace(0, 1, 50)
    with jax.enable_x64(True):
        for moon, centre in ((0, [0, 0]), (1, [1, 0.5])):
            points = np.asarray(two_moons.arc_points(np.full(50, moon), turn))
            np.testing.assert_allclose(np.linalg.norm(points - centre, axis=1), 1, rtol=1e-12)
        np.testing.assert_allclose(
            two_moons.arc_points(np.array([0, 1]), np.ones(2)), [[-1, 0], [2, 0.5]], atol=1e-12
        )


def test_points_without_noise_lie_on_the_arcs():
    x = np.asarray(two_moons.sample_moons(jax.random.key(0), 200, 0.0))
    radii = np.minimum(abs(np.linalg.norm(x, axis=1) - 1), abs(np.linalg.norm(x - [1, 0.5], axis=1) - 1))
    assert radii.max() < 1e-5


@pytest.mark.parametrize("deviation", [0.05, 0.1, 0.3])
def test_density_integrates_to_one(deviation):
    cells = np.stack(np.meshgrid(np.arange(-3, 4, 0.02), np.arange(-2.5, 3, 0.02)), axis=-1).reshape(-1, 2)
    density = jnp.exp(two_moons.log_density(cells.astype(np.float32), deviation))
    np.testing.assert_allclose(density.sum() * 0.02**2, 1, rtol=1e-4)


def test_density_does_not_hang_on_the_number_of_nodes():
    x = np.asarray(two_moons.sample_moons(jax.random.key(1), 100))
    few, many = (two_moons.log_density(x, nodes=n) for n in (400, 4000))
    np.testing.assert_allclose(few, many, atol=1e-3)


def test_entropy_is_what_the_points_say():
    log_p = np.asarray(two_moons.log_density(two_moons.sample_moons(jax.random.key(2), 20_000)))
    assert abs(two_moons.entropy() + log_p.mean()) < 4 * log_p.std() / np.sqrt(len(log_p))
    np.testing.assert_allclose(two_moons.entropy(), two_moons.entropy(cells=120), atol=1e-4)


def test_gradient_leads_to_the_arcs():
    score = jax.grad(lambda x: two_moons.log_density(x[None])[0])(jnp.array([0.0, 1.1]))
    assert score[1] < -5
    assert abs(score[0]) < 1


def test_dtype_follows_the_points():
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            assert two_moons.log_density(np.zeros((3, 2), dtype)).dtype == dtype


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: two_moons.arc_points(np.array([2]), np.zeros(1)), "moon must be 0 or 1, got 2"),
        (lambda: two_moons.sample_moons(jax.random.key(0), 0), "samples must be at least 1, got 0"),
        (lambda: two_moons.sample_moons(jax.random.key(0), 5, -0.1), "deviation must not be negative"),
        (
            lambda: two_moons.log_density(np.zeros((3, 3))),
            r"x must have the shape \(points, 2\), .* got \(3, 3\)",
        ),
        (lambda: two_moons.log_density(np.zeros((3, 2)), 0.0), "deviation must be positive"),
        (lambda: two_moons.log_density(np.zeros((3, 2)), nodes=1), "nodes must be at least 2, got 1"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
