import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch03_shallow_networks import shallow_network as sn
from udl_jax.ch03_shallow_networks import two_inputs

count_polygons = jax.jit(two_inputs.count_polygons)
BOX = jnp.array([[-2.0, 3.0], [-1.0, 4.0]])


def draw_lines(hidden, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=(hidden, 3)))


def draw_patterns(samples, hidden, seed=0):
    return np.random.default_rng(seed).random((samples, hidden)) < 0.5


def test_grid_has_the_second_input_along_its_rows():
    x = two_inputs.grid(jnp.arange(3.0), jnp.arange(5.0))
    assert x.shape == (5, 3, 2)
    assert jnp.array_equal(x[4, 1], jnp.array([1.0, 4.0]))


def test_units_are_off_on_their_own_line():
    assert not two_inputs.activation_patterns(jnp.array([[-1.0, 1.0]]), jnp.array([[1.0]])).any()


@pytest.mark.parametrize("hidden", [1, 8, 9, 40])
def test_patterns_are_counted_like_a_set(hidden):
    patterns = draw_patterns(200, hidden)
    expected = len({tuple(row) for row in patterns.tolist()})
    assert jax.jit(two_inputs.count_patterns)(jnp.asarray(patterns.reshape(10, 20, hidden))) == expected


@pytest.mark.parametrize("hidden", [2, 11])
def test_patterns_are_sorted_like_words(hidden):
    patterns = draw_patterns(50, hidden)
    assert two_inputs.sort_patterns(jnp.asarray(patterns)).tolist() == sorted(patterns.tolist())


def test_numbers_tell_patterns_apart():
    patterns = jnp.array(list(itertools.product([False, True], repeat=5)))
    assert sorted(two_inputs.number_patterns(patterns).tolist()) == list(range(32))


def test_largest_number_is_not_negative():
    assert two_inputs.number_patterns(jnp.ones(31, bool)) == 2**31 - 1


def test_linear_pieces_make_up_the_network_and_its_gradient():
    theta = draw_lines(6)
    phi = jnp.asarray(np.random.default_rng(1).normal(size=(2, 7)))
    x = jnp.asarray(np.random.default_rng(2).normal(size=(100, 2)))
    pieces = two_inputs.linear_piece(theta, phi, two_inputs.activation_patterns(theta, x))
    assert pieces.shape == (100, 2, 3)
    ours = np.asarray(pieces[..., 0]) + np.einsum("noi,ni->no", pieces[..., 1:], x)
    np.testing.assert_allclose(ours, sn.stages(theta, phi, x).output, rtol=1e-4, atol=1e-5)
    slopes = jax.jit(jax.vmap(jax.jacobian(lambda x: sn.stages(theta, phi, x).output)))(x)
    np.testing.assert_allclose(pieces[..., 1:], slopes, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("hidden", [1, 2, 10])
def test_lines_at_random_cut_the_plane_as_often_as_they_can(hidden):
    assert count_polygons(draw_lines(hidden)) == 1 + hidden + hidden * (hidden - 1) // 2


@pytest.mark.parametrize("seed", range(5))
def test_count_in_a_box_is_that_of_a_fine_grid(seed):
    theta = draw_lines(3, seed)
    x1, x2 = np.meshgrid(*(np.linspace(*ends, 700) for ends in BOX))
    patterns = np.stack([a + b * x1 + c * x2 > 0 for a, b, c in np.asarray(theta)], axis=-1)
    expected = len(np.unique(patterns.reshape(-1, 3), axis=0))
    assert count_polygons(theta, BOX) == expected


def test_large_box_holds_what_the_plane_holds():
    theta = draw_lines(6)
    everywhere = jnp.array([[-1e3, 1e3], [-1e3, 1e3]])
    assert count_polygons(theta, everywhere) == count_polygons(theta) == 22


def test_parallel_lines_do_not_cross():
    theta = jnp.array([[-0.1, 0.1, 0.3], [0.7, 0.3, 0.9], [2.0, -0.7, -2.1]])
    assert count_polygons(theta) == 4
    assert count_polygons(theta, jnp.array([[-50.0, 50.0], [-50.0, 50.0]])) == 4


def test_lines_that_pass_the_box_by_cut_nothing():
    theta = jnp.array([[-9.0, 1.0, 0.0], [1.0, 0.0, 0.0], [-4.0, 0.0, 1.0]])
    assert count_polygons(theta, BOX) == 1


def test_networks_can_be_counted_side_by_side():
    theta = jnp.stack([draw_lines(4, seed) for seed in range(3)])
    together = jax.jit(jax.vmap(two_inputs.count_polygons, (0, None)))(theta, BOX)
    assert together.tolist() == [count_polygons(one, BOX).item() for one in theta]


def test_no_patterns_are_told():
    with pytest.raises(ValueError, match=r"patterns must not be empty, got the shape \(0, 3\)"):
        two_inputs.count_patterns(jnp.zeros((0, 3), bool))


def test_too_many_units_for_a_number_are_told():
    with pytest.raises(ValueError, match="31 hidden units at most, got 32"):
        two_inputs.number_patterns(jnp.zeros(32, bool))


def test_pattern_of_another_network_is_told():
    with pytest.raises(ValueError, match="same number of hidden units, got 3, 3 and 2"):
        two_inputs.linear_piece(draw_lines(3), jnp.ones((1, 4)), jnp.ones(2, bool))


@pytest.mark.parametrize(
    ("theta", "box", "message"),
    [
        (jnp.ones((3, 2)), None, "theta must have 3 columns, .* got 2"),
        (jnp.ones((3, 3)), jnp.ones((2, 3)), r"box must have the shape \(2, 2\), .* got \(2, 3\)"),
    ],
)
def test_what_is_not_in_a_plane_is_told(theta, box, message):
    with pytest.raises(ValueError, match=message):
        two_inputs.count_polygons(theta, box)
