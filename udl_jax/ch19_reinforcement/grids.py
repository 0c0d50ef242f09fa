"""The penguin's ice: Markov decision processes on a grid of four by four squares, made from its geometry."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Num

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.processes import Mdp, check_fraction

#: Number of rows, and of columns. States are numbered row by row from 0.
SIDE = 4
STATES = SIDE * SIDE
#: Rows and columns that one moves by with each action.
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
UP, RIGHT, DOWN, LEFT = range(4)
ACTIONS = ("up", "right", "down", "left")
#: Where the holes and the fish of figure 19.10 are.
HOLES, FISH = (9, 10, 14), 15


def neighbours(state: int) -> tuple[int | None, ...]:
    """Tell which square lies in the direction of each action; None where there is only the edge.

    Parameters
    ----------
    state
        Number of the square.

    Returns
    -------
    tuple
        Up, right, down, left.

    Raises
    ------
    ValueError
        If there is no such square.

    Examples
    --------
    >>> neighbours(3)
    (None, None, 7, 2)
    """
    if _checks.count("state", state, least=0) >= STATES:
        raise ValueError(f"state must be less than {STATES}, got {state}")
    row, column = divmod(state, SIDE)
    places = ((row + down, column + right) for down, right in MOVES)
    return tuple(r * SIDE + c if 0 <= r < SIDE and 0 <= c < SIDE else None for r, c in places)


def _shares(around: list[int], wanted: int | None, slip: float) -> dict[int, float]:
    """Share a penguin out among the squares around it, in hundredths as the book does; the last takes the rest."""
    others = [square for square in around if square != wanted]
    if wanted is None:
        left, share = 1.0, 1 / len(others)
    else:
        # In a corner there is one other square only; it is not slipped to twice as often for that.
        share = slip / max(2, len(others))
        left = min(1.0, share * len(others))
    shares = dict.fromkeys(others, round(share, 2))
    shares[max(others)] = round(round(left, 2) - round(share, 2) * (len(others) - 1), 2)
    return shares if wanted is None else shares | {wanted: round(1 - sum(shares.values()), 2)}


def penguin_walk() -> Float[Array, "states states"]:
    """Make the Markov process of figure 19.1: from each square to one of those around it, all alike.

    Returns
    -------
    Float[Array, "states states"]
        Of shape (next state, state). Thirds are rounded as in the notebook: 0.33, 0.33, and 0.34 for the last.

    References
    ----------
    Prince (2023), section 19.1.1, figure 19.1. Notebook 19.1.

    Examples
    --------
    >>> print(penguin_walk()[:, 1].max())
    0.34
    """
    table = np.zeros((STATES, STATES))
    for state in range(STATES):
        around = [square for square in neighbours(state) if square is not None]
        for square, probability in _shares(around, None, 0.0).items():
            table[square, state] = probability
    return jnp.asarray(table, jnp.result_type(float))


@checked
def penguin_grid(
    slip: Float[ArrayLike, ""] = 0.5,
    *,
    rewards: Num[Array, "16"] | None = None,
    terminal: Sequence[int] = (),
    regular: bool = False,
) -> Mdp:
    """Make the slippery ice of notebooks 19.1 and 19.2: the penguin always moves, but not always where it wants to.

    What is left of the probability of the square that is wanted goes to the other squares around. An action that
    leads over the edge takes any of the squares around.

    Parameters
    ----------
    slip
        How much of the probability goes astray, from 0 to 1; in a corner, where there is less to slip to, half of it.
    rewards
        One for each square; by default 1 for the fish at 15 and nothing elsewhere, as in figure 19.5.
    terminal
        Squares that end an episode.
    regular
        Whether left leads to the left everywhere. In the notebooks' table it does what right does at squares 1 and 2.

    Returns
    -------
    Mdp
        With probabilities in hundredths, as in the notebooks: a sixth is 0.17, 0.17, and 0.16 for the last.

    Raises
    ------
    ValueError
        If ``slip`` lies outside [0, 1], or there is no such terminal square.
    TypeError
        If ``slip`` is being traced.

    References
    ----------
    Prince (2023), section 19.1.3, figure 19.4. Notebooks 19.1 and 19.2.

    Examples
    --------
    >>> print(penguin_grid().transitions[:8, 6, UP])
    [0.   0.   0.5  0.   0.   0.17 0.   0.17]
    """
    _checks.refuse_traced("penguin_grid", slip, "the table is made of Python's numbers")
    slip = float(check_fraction("slip", slip))
    table = np.zeros((STATES, STATES, len(MOVES)))
    for state in range(STATES):
        around = neighbours(state)
        for action, wanted in enumerate(around):
            shares = _shares([square for square in around if square is not None], wanted, slip)
            table[list(shares), state, action] = list(shares.values())
    if not regular:
        table[:, [1, 2], LEFT] = table[
            :, [1, 2], RIGHT
        ]  # so in the notebooks, and kept since it changes numbers
    return _finished(table, np.eye(STATES)[FISH] if rewards is None else rewards, terminal)


def icy_grid() -> Mdp:
    """Make the ice of notebooks 19.3 and 19.4, with three holes and a fish that ends the episode.

    The penguin moves in the direction that it wants with probability 0.85 and in each other with 0.05; at the edge
    it stays where it is. Arriving at a hole costs 2, arriving at the fish brings 3.

    Returns
    -------
    Mdp
        The columns of state 15 are zero.

    References
    ----------
    Prince (2023), section 19.3.2, figure 19.10. Notebooks 19.3 and 19.4.

    Examples
    --------
    >>> print(icy_grid().transitions[:8, 4, RIGHT])
    [0.05 0.   0.   0.   0.05 0.85 0.   0.  ]
    """
    table = np.zeros((STATES, STATES, len(MOVES)))
    for state in range(STATES):
        for direction, square in enumerate(neighbours(state)):
            for action in range(len(MOVES)):
                table[state if square is None else square, state, action] += (
                    0.85 if direction == action else 0.05
                )
    return _finished(table, holes_and_fish(), (FISH,))


def holes_and_fish() -> Float[Array, "16"]:
    """Make the rewards of figure 19.10: -2 for the holes, 3 for the fish."""
    rewards = np.zeros(STATES)
    rewards[list(HOLES)], rewards[FISH] = -2, 3
    return jnp.asarray(rewards, jnp.result_type(float))


def _finished(table: np.ndarray, rewards: Any, terminal: Sequence[int]) -> Mdp:
    """Put the parts of a process together; nothing leads out of its terminal states."""
    ends = np.zeros(STATES, bool)
    for k, state in enumerate(terminal):
        if _checks.count(f"terminal[{k}]", state, least=0) >= STATES:
            raise ValueError(f"terminal[{k}] must be less than {STATES}, got {state}")
        ends[state] = True
    table[:, ends] = 0
    return Mdp(
        jnp.asarray(table, jnp.result_type(float)),
        jnp.asarray(rewards, jnp.result_type(float)),
        jnp.asarray(ends),
    )
