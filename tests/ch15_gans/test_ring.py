import jax
import numpy as np
import pytest

from udl_jax.ch15_gans import ring


def test_centres_are_evenly_spread_on_the_circle():
    centres = np.asarray(ring.ring_centres(8, 3.0))
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 3, rtol=1e-6)
    gaps = np.linalg.norm(centres - np.roll(centres, 1, axis=0), axis=1)
    np.testing.assert_allclose(gaps, gaps[0], rtol=1e-5)


def test_points_scatter_around_their_centres():
    x = np.asarray(ring.sample_ring(jax.random.key(0), 20_000, 0.1))
    apart = np.linalg.norm(x[:, None] - np.asarray(ring.ring_centres()), axis=2)
    shares = np.bincount(apart.argmin(axis=1), minlength=8) / len(x)
    np.testing.assert_allclose(shares, 1 / 8, atol=0.02)
    assert abs(np.mean(apart.min(axis=1) < 0.3) - 0.989) < 0.005


def test_without_noise_points_are_centres():
    mode = np.arange(8)
    placed = ring.place_on_ring(mode, np.ones((8, 2), np.float32), 0.0)
    np.testing.assert_allclose(placed, ring.ring_centres())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ring.ring_centres(0), "modes must be at least 1, got 0"),
        (lambda: ring.ring_centres(8, 0.0), "radius must be positive"),
        (lambda: ring.place_on_ring(np.array([8]), np.ones((1, 2))), "mode must be from 0 to 7, got 8"),
        (lambda: ring.place_on_ring(np.array([1, 2]), np.ones((3, 2))), "noise must have the shape"),
        (lambda: ring.sample_ring(jax.random.key(0), 5, -1.0), "deviation must not be negative"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
