import gc

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest

from udl_jax import plotting

SHORT, LONG = jnp.array([[0.0, 0.0], [1.0, 2.0]]), jnp.linspace(0, 1, 82).reshape(41, 2)


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_paths_are_drawn_as_given_and_named(ax):
    lines = plotting.paths(ax, {"short": SHORT, "long": LONG}, best=(0.5, 0.5))
    np.testing.assert_array_equal(lines[0].get_xydata(), SHORT)
    np.testing.assert_array_equal(lines[1].get_xydata(), LONG)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["short", "long", "best"]


def test_paths_have_no_legend_if_none_is_asked_for(ax):
    plotting.paths(ax, {"short": SHORT}, legend=None)
    assert ax.get_legend() is None


def test_animation_grows_and_is_whole_as_a_still_picture(ax):
    animation = plotting.animate_paths(ax, {"short": SHORT, "long": LONG}, frames=5)
    assert [len(line.get_xdata()) for line in ax.lines] == [2, 41]
    grown = []
    for shown in animation.new_frame_seq():
        animation._func(shown)
        grown.append([len(line.get_xdata()) for line in ax.lines])
    assert grown == [[1, 1], [2, 11], [2, 21], [2, 31], [2, 41]]
    assert ax.get_title() == "after 40 steps"


def test_animation_in_panels_of_its_own():
    fig, axes = plt.subplots(1, 2)
    plotting.animate_paths(axes, {"short": SHORT, "long": LONG}, legend=None)
    assert [len(ax.lines[0].get_xdata()) for ax in axes] == [2, 41]
    assert [ax.get_title() for ax in axes] == ["short: after 40 steps", "long: after 40 steps"]
    with pytest.raises(ValueError, match="one for each of 1 paths, got 2"):
        plotting.animate_paths(axes, {"short": SHORT})
    plt.close(fig)


def test_title_of_an_animation_is_inside_the_picture():
    figure, ax = plt.subplots(layout="constrained")
    plotting.animate_paths(ax, {"short": SHORT})
    figure.canvas.draw()
    assert ax.title.get_window_extent().y1 <= figure.bbox.y1


def test_animation_that_nobody_looks_at_does_not_warn(ax, recwarn):
    plotting.animate_paths(ax, {"short": SHORT})
    plt.close(ax.figure)
    gc.collect()
    assert not recwarn.list
