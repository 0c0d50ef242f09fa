from fractions import Fraction
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch04_deep_networks import deep_network, linear_pieces
from udl_jax.ch04_deep_networks.deep_network import Layer


def layer(beta, *omega):
    return Layer(np.array(beta, float), np.array(omega, float))


def units(*rows):
    """Make a hidden layer from rows of intercept and slope."""
    return Layer(np.array([row[0] for row in rows]), np.array([[row[1]] for row in rows]))


def draw_network(*widths, seed=0):
    rng = np.random.default_rng(seed)
    return [Layer(rng.normal(size=b), rng.normal(size=(b, a))) for a, b in pairwise(widths)]


def evaluate(pieces, x):
    """Evaluate all outputs at each input in exact arithmetic, each by its own piece."""
    at = [(Fraction(str(v)), sum(joint < v for joint in pieces.joints)) for v in x]
    return np.array([[float(a + b * v) for a, b in pieces.lines[k]] for v, k in at])


@pytest.mark.parametrize("widths", [(1, 3, 1), (1, 4, 3, 2), (1, 3, 3, 3, 1), (1, 2, 2, 2, 2, 2, 1)])
@pytest.mark.parametrize("seed", [0, 1])
def test_pieces_are_the_network(widths, seed):
    layers = draw_network(*widths, seed=seed)
    pieces = linear_pieces.linear_pieces(layers)
    x = np.linspace(-4, 4, 301)
    with jax.enable_x64(True):
        y = deep_network.stages(jax.tree.map(jnp.asarray, layers), jnp.asarray(x)[:, None]).output
    np.testing.assert_allclose(evaluate(pieces, x), y, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_pieces_meet_at_their_joints_and_differ_beside_them(seed):
    pieces = linear_pieces.linear_pieces(draw_network(1, 4, 4, 1, seed=seed))
    assert len(pieces.lines) == len(pieces.joints) + 1
    assert list(pieces.joints) == sorted(set(pieces.joints))
    for joint, (left, right) in zip(pieces.joints, pairwise(pieces.lines)):
        assert left != right
        assert [a + b * joint for a, b in left] == [a + b * joint for a, b in right]


@pytest.mark.parametrize("widths", [(3,), (2, 2), (4, 3), (2, 2, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_no_more_regions_than_the_bound(widths, seed):
    regions = linear_pieces.count_regions(draw_network(1, *widths, 1, seed=seed))
    assert 1 <= regions <= linear_pieces.most_regions(widths)


def test_bound_is_reached_by_shallow_networks():
    assert linear_pieces.count_regions(draw_network(1, 7, 1)) == linear_pieces.most_regions([7]) == 8


def test_each_copy_of_a_hat_halves_the_pieces():
    hat = [units((0, 1), (-0.5, 1)), layer([0], [2, -4])]
    for copies in range(1, 8):
        found = linear_pieces.linear_pieces(*[hat] * copies, low=0.0, high=1.0)
        assert found.joints == tuple(Fraction(k, 2**copies) for k in range(1, 2**copies))


def test_joints_of_shallow_networks_are_where_units_switch():
    hidden = units((1, -2), (-3, 4), (0.5, 1))
    found = linear_pieces.linear_pieces([hidden, layer([0], [1, 2, 3])])
    assert [float(joint) for joint in found.joints] == [-0.5, 0.5, 0.75]


def test_joints_that_cancel_are_not_counted():
    apart = [units((-0.3, 1), (-0.3, 1), (-0.3, 1)), layer([0], [0.1, 0.2, -0.3])]
    opposite = [units((0.7, 1), (-0.7, -1)), layer([0], [2, -2])]
    assert linear_pieces.count_regions(apart) == 1
    assert linear_pieces.linear_pieces(opposite).lines == (((Fraction(7, 5), Fraction(2)),),)


def test_joints_that_coincide_are_counted_once():
    both = [units((-0.1, 0.3), (-0.7, 2.1), (0.2, -0.6)), layer([0], [1, 1, 5])]
    assert linear_pieces.linear_pieces(both).joints == (Fraction(1, 3),)


def test_joint_of_the_second_network_at_a_joint_of_the_first_is_counted_once():
    first = [units((0, 1), (0, -1)), layer([0.3], [1, 1])]
    second = [units((-0.3, 1)), layer([0], [1])]
    assert linear_pieces.count_regions(first) == 2
    assert linear_pieces.count_regions(first, second) == 2


def test_joint_that_lands_where_the_second_network_is_flat_vanishes():
    first = [units((0, 1)), layer([-1], [0.5])]
    second = [units((0, 1)), layer([0], [1])]
    assert linear_pieces.linear_pieces(first, second).joints == (2,)


def test_flat_piece_that_lies_on_a_joint_of_the_second_network_stays_whole():
    first = [units((0, 1), (-1, 1)), layer([0.2], [1, -1])]
    second = [units((-0.2, 1), (0.2, -1)), layer([0], [1, 1])]
    assert linear_pieces.linear_pieces(first, second).joints == (0, 1)


def test_nearly_equal_joints_are_told_apart():
    close = [units((-0.1, 1), (-0.1000000000000001, 1)), layer([0], [1, 1])]
    assert linear_pieces.count_regions(close) == 3


def test_joints_are_those_inside_the_interval():
    layers = draw_network(1, 4, 4, 1, seed=3)
    everywhere = linear_pieces.linear_pieces(layers).joints
    inside = tuple(joint for joint in everywhere if -0.5 < joint < 1.5)
    assert 0 < len(inside) < len(everywhere)
    assert linear_pieces.linear_pieces(layers, low=-0.5, high=1.5).joints == inside


def test_joint_at_the_end_of_the_interval_is_outside():
    bend = [units((0, 1)), layer([0], [1])]
    assert linear_pieces.count_regions(bend, low=0.0, high=1.0) == 1
    assert linear_pieces.count_regions(bend, low=-1.0, high=0.0) == 1


def test_order_and_scale_of_hidden_units_do_not_matter():
    first, second = draw_network(1, 4, 1)
    order = np.array([2, 0, 3, 1])
    permuted = [
        Layer(first.beta[order] * 2, first.omega[order] * 2),
        Layer(second.beta, second.omega[:, order] / 2),
    ]
    ours, theirs = (linear_pieces.linear_pieces(n).joints for n in ([first, second], permuted))
    np.testing.assert_allclose(np.array(ours, float), np.array(theirs, float), rtol=1e-12)


def test_folded_network_has_the_regions_of_the_composition():
    first, second = draw_network(1, 3, 1), draw_network(1, 3, 1, seed=1)
    folded = deep_network.fold(first, second)
    assert linear_pieces.count_regions(folded) == linear_pieces.count_regions(first, second)


def test_parameters_are_read_as_decimals_in_any_precision():
    single = [
        jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), each)
        for each in (units((-0.67, 0.3)), layer([0.1], [9.3]))
    ]
    found = linear_pieces.linear_pieces(single)
    assert found.joints == (Fraction(67, 30),)
    assert found.lines[1] == ((Fraction("0.1") - Fraction("6.231"), Fraction("2.79")),)


def test_network_without_hidden_layer_is_one_piece():
    assert linear_pieces.count_regions([layer([1], [2])]) == 1


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (1.0, -1.0), (float("nan"), 1.0)])
def test_empty_interval_is_told(low, high):
    with pytest.raises(ValueError, match="low must lie below high"):
        linear_pieces.count_regions([layer([1], [2])], low=low, high=high)


def test_network_of_two_inputs_is_told():
    with pytest.raises(ValueError, match=r"layer 0 takes 2 values, .* but 1 come in"):
        linear_pieces.count_regions(draw_network(2, 3, 1))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameter_that_is_not_finite_is_told(value):
    with pytest.raises(ValueError, match="parameters of a network must be finite"):
        linear_pieces.count_regions([layer([value], [2])])
