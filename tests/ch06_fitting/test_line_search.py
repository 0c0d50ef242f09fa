import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from udl_jax.ch06_fitting import line_search


def parabola(lowest):
    return lambda phi: (phi - lowest) ** 2


@pytest.fixture(scope="module")
def searches():
    """Twenty searches for the lowest points of parabolas, all of them at once."""
    lowest = jnp.linspace(-1.9, 3.9, 20)
    found = jax.jit(jax.vmap(lambda at: line_search.search(parabola(at), -2.0, 4.0, 1e-3, 40)))(lowest)
    return jax.tree.map(np.asarray, (lowest, found))


def test_lowest_point_is_found(searches):
    lowest, found = searches
    np.testing.assert_allclose(found.minimum, lowest, atol=1.5e-3)


def test_brackets_are_in_order_hold_the_lowest_point_and_shrink(searches):
    lowest, found = searches
    done = np.arange(41) <= found.count[:, None]
    a, b, c, d = np.moveaxis(found.brackets, -1, 0)
    assert np.all(np.where(done, (a < b) & (b < c) & (c < d), True))
    assert np.all(np.where(done, (a <= lowest[:, None]) & (lowest[:, None] <= d), True))
    assert np.all(np.where(done[:, 1:], np.diff(d - a, axis=1) < 0, True))


def test_trace_is_nan_after_the_last_iteration(searches):
    _, found = searches
    done = np.arange(41) <= found.count[:, None]
    assert np.array_equal(~np.isnan(found.brackets).any(-1), done)


def test_search_stops_as_soon_as_the_inner_points_are_close(searches):
    _, found = searches
    gaps = found.brackets[..., 2] - found.brackets[..., 1]
    rows = np.arange(20)
    assert np.all(gaps[rows, found.count] <= 1e-3)
    assert np.all(gaps[rows, found.count - 1] > 1e-3)


def test_two_thirds_of_the_interval_are_left_after_each_iteration():
    found = line_search.search(parabola(0.4), max_iterations=8)
    widths = found.brackets[:, 3] - found.brackets[:, 0]
    np.testing.assert_allclose(widths[2:] / widths[1:-1], 2 / 3, rtol=1e-5)


def test_points_come_half_as_close_to_a_lowest_start():
    found = line_search.search(lambda phi: phi, start=1.0, end=2.0, max_iterations=4)
    np.testing.assert_allclose(found.brackets[-1], [1, 1 + 0.33 / 16, 1 + 0.66 / 16, 1 + 1 / 16], rtol=1e-6)


def test_search_moves_and_stretches_with_the_loss():
    here = line_search.search(line_search.two_dips, max_iterations=6)
    there = line_search.search(
        lambda phi: 5 * line_search.two_dips((phi - 3) / 2), 3.0, 5.0, max_iterations=6
    )
    np.testing.assert_allclose(there.brackets, 3 + 2 * here.brackets, rtol=1e-6)


def test_minimum_is_scipys():
    with jax.enable_x64(True):
        found = line_search.search(line_search.two_dips, threshold=1e-7, max_iterations=60)
        scipys = optimize.minimize_scalar(line_search.two_dips, bounds=(0, 0.5), options={"xatol": 1e-9})
        np.testing.assert_allclose(found.minimum, scipys.x, atol=2e-7)


def test_two_dips_have_one_minimum_only_at_the_narrow_one():
    slope = jax.jit(jax.vmap(jax.grad(line_search.two_dips)))(np.linspace(0, 1, 1001, dtype=np.float32))
    assert np.sum(np.diff(np.sign(slope)) != 0) == 1


@pytest.mark.parametrize(("strict", "expected"), [(True, 0.495), (False, 0.495 / 2**10)])
def test_tie_stays_where_it_is_or_goes_to_the_start(strict, expected):
    found = line_search.search(jnp.zeros_like, strict=strict)
    np.testing.assert_allclose(found.minimum, expected, rtol=1e-6)


def test_tie_of_the_inner_points_alone_moves_a_only_if_not_strict():
    def tub(phi):
        return jnp.where(jnp.abs(phi - 0.5) < 0.4, 0.0, 1.0)

    strict = line_search.search(tub, max_iterations=1)
    loose = line_search.search(tub, max_iterations=1, strict=False)
    assert jnp.array_equal(strict.brackets[1], strict.brackets[0])
    np.testing.assert_allclose(loose.brackets[1], [0.33, 0.33 + 0.67 / 3, 0.33 + 1.34 / 3, 1], rtol=1e-6)


def test_no_iterations_leave_the_midpoint():
    found = line_search.search(parabola(0.1), max_iterations=0)
    assert found.brackets.shape == (1, 4)
    np.testing.assert_allclose(found.minimum, 0.495)


def test_threshold_above_the_first_gap_stops_at_once():
    assert line_search.search(parabola(0.1), threshold=0.5).count == 0


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_dtype_is_that_of_the_ends(dtype):
    with jax.enable_x64(True):
        found = line_search.search(parabola(0.3), end=jnp.asarray(1, dtype))
        assert found.minimum.dtype == found.brackets.dtype == dtype


def test_whole_numbers_serve_as_ends():
    assert jnp.array_equal(
        line_search.search(parabola(0.3), 0, 1).brackets, line_search.search(parabola(0.3)).brackets
    )


def test_search_can_be_compiled_with_its_ends_and_threshold_as_arguments():
    compiled = jax.jit(lambda *settings: line_search.search(line_search.two_dips, *settings))
    np.testing.assert_allclose(
        compiled(0.1, 0.9, 1e-2).minimum, line_search.search(line_search.two_dips, 0.1, 0.9, 1e-2).minimum
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start": 1.0, "end": 1.0}, "end must lie above start, got an interval from 1.0 to 1.0"),
        ({"end": float("nan")}, "end must be a number, got nan"),
        ({"end": float("inf")}, "end must be finite, got inf"),
        ({"threshold": -1e-3}, "threshold must not be negative, got -0.001"),
        ({"threshold": float("nan")}, "threshold must not be negative"),
        ({"max_iterations": -1}, "max_iterations must not be negative, got -1"),
    ],
)
def test_bad_settings_are_told(settings, message):
    with pytest.raises(ValueError, match=message):
        line_search.search(line_search.two_dips, **settings)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("low", "high", "best"),
    [(0.0, 0.6, 0.3), (0.6, 1.0, 0.8), (0.9, 1.0, 0.95), (0.0, 0.1, 0.05), (0.0, 0.6, 0.0)],
)
def test_search_keeps_to_where_there_is_a_loss(low, high, best, strict):
    def loss(phi):
        return jnp.where((phi < low) | (phi > high), jnp.nan, (phi - best) ** 2)

    found = line_search.search(loss, max_iterations=40, strict=strict)
    np.testing.assert_allclose(found.minimum, best, atol=1e-3)


def test_without_any_loss_there_is_no_minimum():
    assert jnp.isnan(line_search.search(lambda phi: phi * jnp.nan).minimum)


def test_loss_that_is_no_number_is_told():
    with pytest.raises(ValueError, match=r"loss must return one number, got the shape \(2,\)"):
        line_search.search(lambda phi: jnp.ones(2) * phi)
    with pytest.raises(TypeError, match="loss"):
        line_search.search(3.0)
