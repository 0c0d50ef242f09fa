import numpy as np
import pytest

from udl_jax.ch19_reinforcement import grids
from udl_jax.ch19_reinforcement.processes import check_mdp


def test_neighbours_are_mutual():
    back = {grids.UP: grids.DOWN, grids.RIGHT: grids.LEFT, grids.DOWN: grids.UP, grids.LEFT: grids.RIGHT}
    for state in range(16):
        for action, square in enumerate(grids.neighbours(state)):
            if square is not None:
                assert grids.neighbours(square)[back[action]] == state
    with pytest.raises(ValueError, match="state must be less than 16, got 16"):
        grids.neighbours(16)


@pytest.mark.parametrize("slip", [0, 0.1, 0.37, 0.5, 0.9, 1])
def test_the_penguin_moves_to_a_neighbour_in_hundredths(slip):
    table = np.asarray(check_mdp(grids.penguin_grid(slip)).transitions)
    np.testing.assert_allclose(table * 100, np.round(table * 100), atol=1e-4)
    for state in range(16):
        around = [square for square in grids.neighbours(state) if square is not None]
        assert set(np.flatnonzero(table[:, state].any(-1))) <= set(around)


def test_wishes_come_true_with_what_does_not_go_astray():
    table = np.asarray(grids.penguin_grid(0.3, regular=True).transitions)
    for state in range(16):
        around = grids.neighbours(state)
        for action, square in enumerate(around):
            if square is not None:
                corner = around.count(None) == 2
                assert table[square, state, action] == pytest.approx(0.85 if corner else 0.7)


def test_the_table_of_the_book_is_irregular_at_two_squares():
    book, regular = grids.penguin_grid().transitions, grids.penguin_grid(regular=True).transitions
    assert np.argwhere(np.abs(book - regular).max(0) > 0).tolist() == [[1, grids.LEFT], [2, grids.LEFT]]
    np.testing.assert_array_equal(book[:, 1, grids.LEFT], book[:, 1, grids.RIGHT])


def test_nothing_leads_out_of_terminal_states():
    mdp = check_mdp(grids.penguin_grid(rewards=grids.holes_and_fish(), terminal=(15, 0)))
    assert np.flatnonzero(mdp.terminal).tolist() == [0, 15]
    assert not mdp.transitions[:, [0, 15]].any()


def test_the_icy_grid_keeps_who_runs_against_its_edge():
    mdp = check_mdp(grids.icy_grid())
    assert np.flatnonzero(mdp.terminal).tolist() == [15]
    assert mdp.transitions[0, 0, grids.UP] == pytest.approx(0.9)
    assert mdp.transitions[5, 5].max() == 0
    np.testing.assert_array_equal(mdp.rewards, grids.holes_and_fish())
    assert [float(r) for r in mdp.rewards[np.array([9, 10, 14, 15])]] == [-2, -2, -2, 3]


def test_the_walk_goes_everywhere_alike():
    chain = np.asarray(grids.penguin_walk())
    np.testing.assert_allclose(chain.sum(0), 1, rtol=1e-6)
    for state in range(16):
        shares = chain[chain[:, state] > 0, state]
        assert np.ptp(shares) < 0.011


@pytest.mark.parametrize("slip", [-0.1, 1.1])
def test_slips_out_of_range_are_told(slip):
    with pytest.raises(ValueError, match=r"slip must lie in \[0, 1\], got"):
        grids.penguin_grid(slip)


def test_other_bad_input_is_told():
    with pytest.raises(ValueError, match=r"rewards must have the shape \(16\), got \(15,\)"):
        grids.penguin_grid(rewards=np.zeros(15))
    with pytest.raises(ValueError, match=r"terminal\[1\] must be less than 16, got 16"):
        grids.penguin_grid(terminal=(3, 16))
