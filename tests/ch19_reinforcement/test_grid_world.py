import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import patches

from udl_jax.ch19_reinforcement import grid_world, grids

LAYOUT = grid_world.layout_of(grids.holes_and_fish())
VALUES = np.linspace(-1, 2, 16)


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def arrows(ax):
    """Arrows are the polygons with four corners."""
    polygons = [p for p in ax.patches if isinstance(p, patches.Polygon)]
    return [p.get_xy() for p in polygons if len(p.get_xy()) == 5]


def test_what_there_is_to_see_follows_from_rewards():
    assert LAYOUT.tolist() == [0] * 9 + [1, 1, 0, 0, 0, 1, 2]


def test_every_square_has_its_number_and_rewards_that_are_not_zero(ax):
    grid_world.draw_grid_world(ax, LAYOUT, rewards=grids.holes_and_fish())
    found = texts(ax)
    assert [text for text in found if text.isdigit()] == [str(k) for k in range(16)]
    assert sorted(set(found) - {str(k) for k in range(16)}) == ["+3", "\N{MINUS SIGN}2"]


def test_values_are_written_with_two_decimals(ax):
    grid_world.draw_grid_world(ax, LAYOUT, values=VALUES, state_index=False)
    assert texts(ax)[0] == "\N{MINUS SIGN}1.00"
    assert texts(ax)[-1] == "2.00"


def test_values_of_actions_stand_at_the_sides_to_which_they_lead(ax):
    values = np.zeros((4, 16))
    values[:, 5] = [1, 2, 3, 4]
    grid_world.draw_grid_world(ax, LAYOUT, action_values=values, state_index=False)
    places = {text.get_text(): np.array(text.get_position()) - (1.5, 1.5) for text in ax.texts}
    assert places["1.00"][1] < -0.3
    assert places["2.00"][0] > 0.3
    assert places["3.00"][1] > 0.3
    assert places["4.00"][0] < -0.3


def test_arrows_point_where_the_policy_goes(ax):
    grid_world.draw_grid_world(ax, LAYOUT, policy=np.array([grids.RIGHT] + [-1] * 15))
    (arrow,) = arrows(ax)
    assert arrow[0, 0] == max(arrow[:, 0])
    assert arrow[0, 1] == pytest.approx(0.5)


def test_arrows_have_the_areas_of_their_probabilities(ax):
    dice = np.tile(np.array([[0.1], [0.2], [0.3], [0.4]]), 16)
    grid_world.draw_grid_world(ax, LAYOUT, policy=dice)
    areas = np.array([np.prod(np.ptp(arrow, axis=0)) for arrow in arrows(ax)[:4]])
    np.testing.assert_allclose(areas / areas.sum(), dice[:, 0], rtol=1e-6)


def test_a_path_has_a_line_for_each_step(ax):
    grid_world.draw_grid_world(ax, LAYOUT, path=[0, 1, 1, 5])
    assert len(ax.collections[-1].get_segments()) == 3


def test_an_episode_ends_with_the_whole_path(ax):
    animation = grid_world.animate_episode(ax, LAYOUT, [12, 13, 14, 15], [1, 1, 1])
    trail = ax.collections[-1]
    assert len(trail.get_segments()) == 3
    assert ax.get_title() == "step 3 of 3"
    animation._func(1)
    assert len(trail.get_segments()) == 1
    assert ax.get_title() == "step 1 of 3, wants to go right"


def test_long_episodes_are_shown_in_few_pictures(ax):
    animation = grid_world.animate_episode(ax, LAYOUT, np.tile([0, 1], 100), frames=10)
    assert len(list(animation.new_frame_seq())) == 10


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"state": 16}, "state must be one of the squares, counted from 0 to 15, got 16"),
        ({"path": [0, -1]}, "path must be squares, counted from 0 to 15, got -1"),
        ({"policy": np.zeros(15, int)}, r"policy must have the shape \(16,\) or \(4, 16\), got \(15,\)"),
        ({"policy": np.full(16, 4)}, "policy must be actions 0 to 3, or -1 for none, got 4"),
        ({"policy": np.full((4, 16), 2.0)}, "policy must be probabilities, got 2.0"),
        ({"values": np.zeros(3)}, r"values must have the shape \(16\), got \(3,\)"),
    ],
)
def test_bad_input_is_told(ax, settings, message):
    with pytest.raises(ValueError, match=message):
        grid_world.draw_grid_world(ax, LAYOUT, **settings)


def test_unknown_things_and_actions_that_are_too_many_are_told(ax):
    with pytest.raises(ValueError, match="layout must be 0 for ice, 1 for a hole, 2 for a fish, got 3"):
        grid_world.draw_grid_world(ax, np.full(16, 3))
    with pytest.raises(ValueError, match="actions must be one less than the 2 states, got 2"):
        grid_world.animate_episode(ax, LAYOUT, [0, 1], [1, 1])
