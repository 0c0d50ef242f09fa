"""What an agent lives through while it wanders about, one move after the other."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int, Key

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.processes import Mdp, check_index, check_mdp, cumulative, draw_index


class Moves(NamedTuple):
    """What an agent lived through, move by move.

    Attributes
    ----------
    states, actions
        Where it was and what it did.
    rewards
        What the move brought.
    next_states
        Where it led.
    terminal
        Whether an episode ended there; the next move then starts elsewhere.
    next_actions
        What the agent did, or would have done, in the next state. Only SARSA looks at it.
    """

    states: Int[Array, " steps"]
    actions: Int[Array, " steps"]
    rewards: Float[Array, " steps"]
    next_states: Int[Array, " steps"]
    terminal: Bool[Array, " steps"]
    next_actions: Int[Array, " steps"]


@checked
def random_moves(
    mdp: Mdp,
    start: Int[ArrayLike, ""],
    actions: Int[Array, " more"],
    uniforms: Float[Array, " steps"],
    restarts: Int[Array, " steps"],
) -> Moves:
    """Wander about, whatever the rewards; at the end of an episode the next one begins.

    Parameters
    ----------
    mdp
        The process, of which the rewards count for arriving.
    start
        The first state.
    actions
        What is done: one for each move, and one more, which would have come next.
    uniforms
        Draws from [0, 1) that decide where each move leads.
    restarts
        Where the next episode begins, if the move ends one. No terminal states.

    Returns
    -------
    Moves
        All moves, those of one episode after those of the one before.

    Raises
    ------
    ValueError
        If shapes do not fit, a state or an action does not exist, an episode would begin in a terminal state, or a
        draw lies outside [0, 1).

    References
    ----------
    Prince (2023), section 19.3.3. Notebook 19.4, which draws actions and restarts from all alike.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> moves = random_moves(icy_grid(), 13, jnp.array([1, 1, 1]), jnp.full(2, 0.5), jnp.array([4, 4]))
    >>> print(moves.next_states, moves.rewards, moves.terminal)
    [14 15] [-2.  3.] [False  True]
    """
    mdp = check_mdp(mdp)
    _checks.shape_of("actions", actions, (len(uniforms) + 1,), "the moves and one more")
    _checks.shape_of("restarts", restarts, uniforms.shape, "the moves")
    check_index("actions", actions, mdp.transitions.shape[2], "actions")
    _checks.values("uniforms", uniforms, lambda u: (u >= 0) & (u < 1), "draws from [0, 1)")
    for name, states in (("start", start), ("restarts", restarts)):
        check_index(name, states, len(mdp.rewards), "states")
        if not _checks.is_traced(mdp.terminal):
            ends = np.asarray(mdp.terminal)
            _checks.values(name, states, lambda s, ends=ends: ~ends[s], "no terminal state")
    sums = cumulative(mdp.transitions)

    def move(state, now):
        action, uniform, restart = now
        arrived = draw_index(sums[state, action], uniform)
        ended = mdp.terminal[arrived]
        return jnp.where(ended, restart, arrived), (state, arrived, ended)

    plan = (actions[:-1], uniforms, restarts.astype(jnp.int32))
    _, (states, arrived, ended) = jax.lax.scan(move, jnp.asarray(start, jnp.int32), plan)
    return Moves(states, actions[:-1], mdp.rewards[arrived], arrived, ended, actions[1:])


@checked
def sample_moves(key: Key[Array, ""], mdp: Mdp, steps: int) -> Moves:
    """Draw actions, and starts that are no terminal states, and make :func:`random_moves`; ``steps`` is static."""
    mdp, steps = check_mdp(mdp), _checks.count("steps", steps)
    keys = jax.random.split(key, 3)
    actions = jax.random.randint(keys[0], (steps + 1,), 0, mdp.transitions.shape[2])
    uniforms = jax.random.uniform(keys[1], (steps,), mdp.transitions.dtype)
    starts = draw_starts(keys[2], mdp, steps + 1)
    return random_moves(mdp, starts[0], actions, uniforms, starts[1:])


@checked
def draw_starts(key: Key[Array, ""], mdp: Mdp, count: int) -> Int[Array, "{count}"]:
    """Draw states in which an episode may begin, all alike; ``count`` is static under ``jit``."""
    mdp = check_mdp(mdp)
    ranks = cumulative(1 - mdp.terminal.astype(mdp.transitions.dtype))
    uniforms = jax.random.uniform(key, (_checks.count("count", count),), ranks.dtype)
    return jax.vmap(draw_index, in_axes=(None, 0))(ranks, uniforms)


def check_moves(moves: Moves, table: Array) -> tuple[Moves, int]:
    """Return moves as arrays, and how many they are; refuse what does not fit to a table (..., actions, states).

    Parameters
    ----------
    moves
        What was lived through.
    table
        Action values, whose dtype the rewards are given.

    Returns
    -------
    tuple[Moves, int]
        Arrays, and the number of moves.

    Raises
    ------
    ValueError
        If shapes differ, there are no moves, or a state or an action does not exist.
    TypeError
        If these are no moves, or states or actions are no integers.
    """
    if not isinstance(moves, Moves):
        raise TypeError(f"moves must be Moves, got {type(moves).__name__}")
    shape = jnp.shape(moves.states)
    if len(shape) != 1 or 0 in shape:
        raise ValueError(f"moves.states must have the shape (steps), got {shape}")
    for name, part in moves._asdict().items():
        _checks.shape_of(f"moves.{name}", part, shape, "moves.states")
    actions, states = table.shape[-2:]
    for name, size, what in (
        ("states", states, "states"),
        ("next_states", states, "states"),
        ("actions", actions, "actions"),
        ("next_actions", actions, "actions"),
    ):
        part = getattr(moves, name)
        if not jnp.issubdtype(jnp.asarray(part).dtype, jnp.integer):
            raise TypeError(f"moves.{name} must hold integers, got {jnp.asarray(part).dtype}")
        check_index(f"moves.{name}", part, size, what)
    _checks.values("moves.rewards", moves.rewards, np.isfinite, "finite")
    moves = Moves(*(jnp.asarray(part) for part in moves))
    return moves._replace(rewards=moves.rewards.astype(table.dtype)), shape[0]
