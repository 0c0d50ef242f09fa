import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch21_ethics import black_box

BOOK = black_box.book_black_box()
X = np.array([0.3, 0.8, 0.6, 0.3], np.single)
POINTS = np.random.default_rng(0).uniform(size=(2000, 4)).astype(np.single)


def by_the_notebook_s_loop(model, points):
    """Add and clip, step by step, in NumPy's double precision."""
    means, deviations, values = (np.asarray(part, np.double) for part in model)
    total = np.zeros(len(points))
    heights = values * np.exp(-(((points[:, None, :] - means) / deviations) ** 2).sum(-1))
    for time in np.arange(0, len(means) - 1, 0.01):
        step = int(np.floor(time))
        total = total + (time - step) * heights[:, step] + (1 - time + step) * heights[:, step + 1]
        total = np.clip(total, -10, 10)
    return total


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_the_loop(seed):
    model = black_box.sample_black_box(jax.random.key(seed), bumps=5 + seed, inputs=4)
    model = model._replace(values=3 * model.values)
    expected = by_the_notebook_s_loop(model, POINTS[:200])
    np.testing.assert_allclose(black_box.score(model, POINTS[:200]), expected, atol=2e-4)


def test_the_loan_is_refused():
    assert black_box.score(BOOK, X) == pytest.approx(-3.288, abs=5e-4)
    slopes = jax.grad(functools.partial(black_box.score, BOOK))(jnp.asarray(X))
    np.testing.assert_allclose(slopes, [-23.20, 14.08, -6.44, -2.35], atol=6e-3)


def test_clips_on_the_way_bind():
    """For about a quarter of all points a sum on the way passes ten, and one weighted sum is wrong by up to 14."""
    ours, at_once = (f(BOOK, POINTS) for f in (black_box.score, black_box.unclipped_score))
    differ = np.abs(ours - at_once) > 1e-3
    assert 0.2 < differ.mean() < 0.27
    assert 10 < np.abs(ours - at_once).max() < 15
    assert np.abs(ours - np.clip(at_once, -10, 10)).max() > 3  # one clip at the end does not make up for them
    assert np.abs(ours).max() <= 10


def test_nothing_is_clipped_where_bumps_are_low():
    low = BOOK._replace(values=BOOK.values / 10)
    np.testing.assert_allclose(
        black_box.score(low, POINTS), black_box.unclipped_score(low, POINTS), atol=2e-5
    )


def test_weights_of_the_sum():
    for bump, weight in enumerate([49.5, 100, 100, 50.5]):
        model = black_box.BlackBox(jnp.zeros((4, 1)), jnp.ones((4, 1)), jnp.zeros(4).at[bump].set(0.01))
        assert black_box.unclipped_score(model, jnp.zeros(1)) == pytest.approx(weight / 100, rel=1e-5)


def test_slope_is_zero_where_the_last_clip_binds():
    high = black_box.BlackBox(jnp.zeros((3, 2)), jnp.ones((3, 2)), jnp.full(3, 2.0))
    assert black_box.score(high, jnp.full(2, 0.1)) == 10
    np.testing.assert_array_equal(jax.grad(lambda x: black_box.score(high, x))(jnp.full(2, 0.1)), 0)


def test_slope_is_that_of_differences():
    with jax.enable_x64(True):
        f = functools.partial(black_box.score, black_box.book_black_box())
        points = POINTS[:50].astype(np.double)
        ours = jax.vmap(jax.grad(f))(points)
        for k, shift in enumerate(1e-6 * np.eye(4)):
            np.testing.assert_allclose(ours[:, k], (f(points + shift) - f(points - shift)) / 2e-6, atol=1e-5)


def test_batches_have_any_shape():
    assert black_box.score(BOOK, POINTS[:6].reshape(2, 3, 4)).shape == (2, 3)
    assert black_box.bumps(BOOK, X).shape == (10,)
    one_by_one = jax.jit(jax.vmap(functools.partial(black_box.score, BOOK)))(POINTS[:5])
    np.testing.assert_allclose(one_by_one, black_box.score(BOOK, POINTS[:5]), atol=1e-5)


def test_precision_is_that_of_the_points():
    assert black_box.score(BOOK, X.astype(np.half)).dtype == np.half
    assert black_box.score(BOOK, X).dtype == np.single
    with jax.enable_x64(True):
        assert black_box.score(black_box.book_black_box(), X.astype(np.double)).dtype == np.double


def test_values_have_mean_zero():
    model = black_box.sample_black_box(jax.random.key(0), bumps=7, inputs=2)
    assert model.means.shape == model.deviations.shape == (7, 2)
    assert abs(model.values.mean()) < 1e-7
    assert model.deviations.min() >= 0.1


def test_bad_input_is_told():
    with pytest.raises(
        ValueError, match=r"x must have the shape of points of the black box, \(4,\), got \(3,\)"
    ):
        black_box.score(BOOK, X[:3])
    with pytest.raises(ValueError, match="x must not be empty"):
        black_box.score(BOOK, np.zeros((0, 4)))
    with pytest.raises(ValueError, match=r"model.deviations must be positive"):
        black_box.score(BOOK._replace(deviations=-BOOK.deviations), X)
    with pytest.raises(
        ValueError, match=r"model.values must have the shape of the bumps, \(10,\), got \(9,\)"
    ):
        black_box.score(BOOK._replace(values=BOOK.values[1:]), X)
    with pytest.raises(ValueError, match=r"model.means must have two bumps at least"):
        black_box.black_box([[0.5]], [[0.5]], [1.0])
    with pytest.raises(ValueError, match="widths must be draws between 0 and 1"):
        black_box.black_box([[0.5], [0.1]], [[1.5], [0.1]], [1.0, 2.0])
    with pytest.raises(ValueError, match="bumps must be at least 2, got 1"):
        black_box.sample_black_box(jax.random.key(0), bumps=1)
