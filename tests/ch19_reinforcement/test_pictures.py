import matplotlib.pyplot as plt
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import grids, pictures


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    ax.set(xlim=(0, 4), ylim=(4, 0))
    yield ax
    plt.close(figure)


def extent(ax, shapes):
    """Lower and upper corner of shapes, in squares."""
    ax.figure.canvas.draw()
    boxes = [ax.transData.inverted().transform(shape.get_window_extent()) for shape in shapes]
    return np.min(boxes, axis=(0, 1)), np.max(boxes, axis=(0, 1))


@pytest.mark.parametrize("thing", [pictures.HOLE, pictures.FISH])
def test_things_stay_on_their_square(ax, thing):
    pictures.draw_thing(ax, 6, thing)
    low, high = extent(ax, [*ax.patches, *ax.lines])
    assert (low > (2, 1)).all()
    assert (high < (3, 2)).all()


def test_of_ice_there_is_nothing_more_to_draw(ax):
    pictures.draw_thing(ax, 6, pictures.ICE)
    assert not ax.patches


def test_the_penguin_goes_where_it_is_put(ax):
    parts = pictures.draw_penguin(ax, 0)
    assert all((corner > 0).all() and (corner < 1).all() for corner in extent(ax, parts))
    pictures.place(parts, ax, 15)
    assert all((corner > 3).all() and (corner < 4).all() for corner in extent(ax, parts))


@pytest.mark.parametrize(("move", "tip"), list(zip(grids.MOVES, [(0, -1), (1, 0), (0, 1), (-1, 0)])))
def test_arrows_point_along_their_move(ax, move, tip):
    pictures.draw_arrow(ax, (2, 2), move, 1.0)
    np.testing.assert_allclose(ax.patches[0].get_xy()[0], np.add((2, 2), np.multiply(0.55, tip)))


def test_squares_are_numbered_row_by_row():
    assert [pictures.corner(square) for square in (0, 3, 4, 15)] == [(0, 0), (3, 0), (0, 1), (3, 3)]


def test_only_squares_that_shine_have_streaks(ax):
    pictures.draw_square(ax, 0)
    assert (len(ax.patches), len(ax.lines)) == (1, 0)
    pictures.draw_square(ax, 1, glint=True)
    assert len(ax.lines) == 2
