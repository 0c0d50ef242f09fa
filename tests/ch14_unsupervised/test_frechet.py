import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch14_unsupervised import frechet

RNG = np.random.default_rng(0)


def covariance(size, rank=None):
    root = RNG.normal(size=(size, rank or 2 * size))
    return root @ root.T / root.shape[1]


def test_same_samples_are_at_distance_zero():
    with jax.enable_x64(True):
        for size in (2, 20):
            x = RNG.normal(size=(100, size)) @ RNG.normal(size=(size, size))
            assert abs(frechet.frechet_distance(x, x)) <= 1e-9
            assert abs(frechet.frechet_distance(x, x[RNG.permutation(100)])) <= 1e-9


def test_distance_is_symmetric_and_shifts_by_the_square():
    with jax.enable_x64(True):
        a, b = RNG.normal(size=(60, 4)), RNG.gamma(1, size=(80, 4))
        np.testing.assert_allclose(frechet.frechet_distance(a, b), frechet.frechet_distance(b, a), rtol=1e-10)
        move = b.mean(0) - a.mean(0)
        centred = frechet.frechet_distance(a + move, b)
        np.testing.assert_allclose(frechet.frechet_distance(a, b), centred + (move**2).sum(), rtol=1e-10)


def test_root_of_the_distance_obeys_the_triangle_inequality():
    with jax.enable_x64(True):
        distance = jax.jit(lambda c, d: jnp.sqrt(frechet.gaussian_frechet(jnp.zeros(4), c, jnp.zeros(4), d)))
        for _ in range(50):
            a, b, c = (covariance(4) for _ in range(3))
            assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-9


def test_rotation_of_features_changes_nothing():
    with jax.enable_x64(True):
        a, b = RNG.normal(size=(60, 5)), RNG.gamma(1, size=(80, 5))
        turn, _ = np.linalg.qr(RNG.normal(size=(5, 5)))
        np.testing.assert_allclose(
            frechet.frechet_distance(a @ turn, b @ turn), frechet.frechet_distance(a, b), rtol=1e-9
        )


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_gradient_is_that_of_differences_and_finite_for_singular_and_equal_covariances(rank):
    with jax.enable_x64(True):
        zero, d = jnp.zeros(6), jnp.asarray(covariance(6))
        slope = jax.jit(jax.grad(lambda c: frechet.gaussian_frechet(zero, c, zero, d)))
        for c in (covariance(6), np.eye(6), covariance(6, rank)):
            assert np.isfinite(slope(jnp.asarray(c))).all()
        c, direction = covariance(6), covariance(6)
        ahead, behind = (frechet.gaussian_frechet(zero, c + h * direction, zero, d) for h in (1e-5, -1e-5))
        np.testing.assert_allclose((slope(c) * direction).sum(), (ahead - behind) / 2e-5, rtol=1e-6)


def test_descent_moves_samples_to_the_target():
    """The derivative is good for learning: from a ball to an ellipse."""
    target = jnp.asarray(RNG.normal(size=(200, 2)) @ np.array([[2.0, 0.0], [1.5, 0.4]]) + 1, jnp.float32)
    x = jnp.asarray(RNG.normal(size=(200, 2)), jnp.float32)
    start = frechet.frechet_distance(x, target)
    slope = jax.jit(jax.grad(frechet.frechet_distance))
    for _ in range(100):
        x = x - 20 * slope(x, target)
    assert frechet.frechet_distance(x, target) < 0.01 * start


def test_single_precision_and_fewer_samples_than_features():
    a, b = RNG.normal(size=(20, 50)).astype(np.float32), RNG.normal(size=(20, 50)).astype(np.float32)
    found = frechet.frechet_distance(a, b)
    assert found.dtype == np.float32
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            found, frechet.frechet_distance(a.astype(np.float64), b.astype(np.float64)), rtol=1e-3
        )
    assert np.isfinite(jax.grad(frechet.frechet_distance)(jnp.asarray(a), b)).all()


def test_bias_falls_like_one_over_the_number_of_samples():
    with jax.enable_x64(True):
        x = RNG.normal(size=(2, 4000, 5))
        halves = [
            np.mean([frechet.frechet_distance(*x[:, k * n : (k + 1) * n]) for k in range(4)])
            for n in (100, 1000)
        ]
        assert 5 < halves[0] / halves[1] < 20


def test_bad_input_is_told():
    x = RNG.normal(size=(10, 3))
    with pytest.raises(ValueError, match="a must have at least two samples, got 1"):
        frechet.frechet_distance(x[:1], x)
    with pytest.raises(
        ValueError, match=r"b must have the shape \(others, features\), where .*features is 3 as in a"
    ):
        frechet.frechet_distance(x, x[:, :2])
    with pytest.raises(ValueError, match="b must be finite, got"):
        frechet.frechet_distance(x, np.full((4, 3), np.nan))
    zero = np.zeros(2)
    with pytest.raises(ValueError, match="covariance_b must be symmetric"):
        frechet.gaussian_frechet(zero, np.eye(2), zero, np.array([[1.0, 1.0], [0.0, 1.0]]))
    with pytest.raises(ValueError, match="covariance_a must have no negative eigenvalue, got -1"):
        frechet.gaussian_frechet(zero, -np.eye(2), zero, np.eye(2))
    with pytest.raises(ValueError, match="covariance_a must be finite"):
        frechet.gaussian_frechet(zero, np.full((2, 2), np.inf), zero, np.eye(2))
    with pytest.raises(ValueError, match=r"mean_b must have the shape \(features\)"):
        frechet.gaussian_frechet(zero, np.eye(2), np.zeros(3), np.eye(2))


@pytest.mark.parametrize("counts", [(50, 60), (4, 5), (3, 3), (3, 50), (50, 3), (2, 2)])
@pytest.mark.parametrize("features", [2, 3, 5])
def test_gradient_in_the_samples_is_that_of_differences(counts, features):
    """Also where there are so few samples that their covariance is singular."""
    generator = np.random.default_rng(0)
    a, b, along = (generator.normal(size=(n, features)) for n in (*counts, counts[0]))
    with jax.enable_x64(True):
        distance = lambda x: frechet.frechet_distance(x, b)  # noqa: E731
        slope = jnp.sum(jax.grad(distance)(jnp.asarray(a)) * along)
        expected = (distance(a + 1e-5 * along) - distance(a - 1e-5 * along)) / 2e-5
        np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-8)


def test_few_samples_have_the_distance_of_their_gaussians():
    generator = np.random.default_rng(1)
    a, b = generator.normal(size=(3, 5)), generator.normal(size=(40, 5))
    with jax.enable_x64(True):
        gaussians = [(x.mean(0), np.cov(x, rowvar=False)) for x in (a, b)]
        expected = frechet.gaussian_frechet(*gaussians[0], *gaussians[1])
        np.testing.assert_allclose(frechet.frechet_distance(a, b), expected, rtol=1e-6)
