r"""Temporal difference methods: each move corrects the value of an action by the value of where it led."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.experience import Moves, check_moves
from udl_jax.ch19_reinforcement.processes import Mdp, check_fraction, check_mdp


@checked
def td_target(
    rewards: Float[Array, "*moves"],
    worth: Float[Array, "*moves"],
    terminal: Bool[Array, "*moves"],
    gamma: Float[ArrayLike, ""],
) -> Float[Array, "*moves"]:
    r"""Compute what an action turned out to be worth: its reward, and what is still to come.

    Parameters
    ----------
    rewards
        What the moves brought.
    worth
        Value of the states that they led to.
    terminal
        Whether nothing comes after. An episode that is only cut off, by a limit of time, is not terminal: what
        would have come still counts.
    gamma
        Discount factor, from 0 to 1.

    Returns
    -------
    Float[Array, "*moves"]
        :math:`r + \gamma v`, or :math:`r` at the end.

    Raises
    ------
    ValueError
        If shapes differ or ``gamma`` is out of range.

    References
    ----------
    Prince (2023), section 19.3.3.

    Examples
    --------
    >>> print(td_target([1.0, 1.0], [10.0, 10.0], [True, False], 0.9))
    [ 1. 10.]
    """
    gamma = _checks.like(check_fraction("gamma", gamma), rewards)
    return rewards + gamma * jnp.where(terminal, 0, worth)


@checked
def q_learning(
    q: Float[Array, "actions states"],
    moves: Moves,
    alpha: Float[Array, "..."] | float = 0.1,
    gamma: Float[ArrayLike, ""] = 0.9,
    every: int | None = None,
) -> Float[Array, "*kept actions states"]:
    r"""Learn the values of the best policy from any moves.

    Parameters
    ----------
    q
        Action values to start from, :math:`q[s, a]` in row a and column s, as in the notebook.
    moves
        What was lived through. It need not come from a good policy.
    alpha
        Learning rate, from 0 to 1: one number, or one for each move.
    gamma
        Discount factor, from 0 to 1.
    every
        Keep the table after so many moves, and again after as many; by default only the last one is returned. Static
        under ``jit``.

    Returns
    -------
    Float[Array, "*kept actions states"]
        The table after all moves; with ``every`` all that were kept, along a first axis.

    Raises
    ------
    ValueError
        If shapes do not fit, a state or an action does not exist, ``alpha`` or ``gamma`` is out of range, or the
        number of moves is no multiple of ``every``.

    References
    ----------
    Prince (2023), section 19.3.3, equation 19.15.

    Examples
    --------
    >>> moves = Moves(*(jnp.array([part]) for part in (0, 1, 1.0, 1, False, 0)))
    >>> print(q_learning(jnp.array([[0.0, 10.0], [0.0, 0.0]]), moves, alpha=0.5))
    [[ 0. 10.]
     [ 5.  0.]]
    """
    return _learn(lambda q, move: jnp.max(q[:, move.next_states]), q, moves, alpha, gamma, every)


@checked
def sarsa(
    q: Float[Array, "actions states"],
    moves: Moves,
    alpha: Float[Array, "..."] | float = 0.1,
    gamma: Float[ArrayLike, ""] = 0.9,
    every: int | None = None,
) -> Float[Array, "*kept actions states"]:
    r"""Learn the values of the policy that made the moves: like :func:`q_learning`, but for the action really taken next.

    The next state counts with :math:`q[s_{t+1}, a_{t+1}]` instead of its largest value.

    References
    ----------
    Prince (2023), section 19.3.3.
    """
    return _learn(lambda q, move: q[move.next_actions, move.next_states], q, moves, alpha, gamma, every)


@checked
def expected_sarsa(
    q: Float[Array, "actions states"],
    moves: Moves,
    alpha: Float[Array, "..."] | float = 0.1,
    gamma: Float[ArrayLike, ""] = 0.9,
    every: int | None = None,
    *,
    epsilon: Float[ArrayLike, ""] = 0.0,
) -> Float[Array, "*kept actions states"]:
    r"""Learn the values of the policy that is greedy but for a share of random actions, from any moves.

    The next state counts with the average over that policy's actions: with ``epsilon`` 0 this is
    :func:`q_learning`, with 1 it is what :func:`sarsa` does on random moves, without the noise of the next action.
    """
    epsilon = _checks.like(check_fraction("epsilon", epsilon), q)

    def worth(q, move):
        values = q[:, move.next_states]
        return (1 - epsilon) * jnp.max(values) + epsilon * jnp.mean(values)

    return _learn(worth, q, moves, alpha, gamma, every)


@checked
def double_q_learning(
    tables: Float[Array, "2 actions states"],
    moves: Moves,
    coins: Bool[Array, " steps"],
    alpha: Float[Array, "..."] | float = 0.1,
    gamma: Float[ArrayLike, ""] = 0.9,
    every: int | None = None,
) -> Float[Array, "*kept 2 actions states"]:
    r"""Learn two tables, of which one chooses the best action and the other one says what it is worth.

    The largest of noisy values is too large on average. A value that another table gives does not know of the noise
    by which the first one chose.

    Parameters
    ----------
    tables
        Two tables to start from.
    moves, alpha, gamma, every
        As for :func:`q_learning`.
    coins
        For each move, whether the second table is corrected.

    Returns
    -------
    Float[Array, "*kept 2 actions states"]
        Both tables after all moves; with ``every`` all that were kept.

    Raises
    ------
    ValueError
        As in :func:`q_learning`, or if there is not one coin for each move.

    References
    ----------
    Prince (2023), section 19.4.2.
    """
    _checks.shape_of("coins", coins, jnp.shape(moves.states), "the moves")

    def worth(tables, move, which):
        chosen = jnp.argmax(tables[which, :, move.next_states])
        return tables[1 - which, chosen, move.next_states]

    return _learn(worth, tables, moves, alpha, gamma, every, which=coins.astype(jnp.int32))


@checked
def greedy_policy(q: Float[Array, "actions states"]) -> Int[Array, " states"]:
    """Find the best action in each state; the first one of several that are equally good.

    Examples
    --------
    >>> print(greedy_policy([[1.0, 0.0, 2.0], [0.0, 3.0, 2.0]]))
    [0 1 0]
    """
    return jnp.argmax(q, axis=0).astype(jnp.int32)


def optimal_action_values(
    mdp: Mdp, gamma: Float[ArrayLike, ""] = 0.9, tolerance: Float[ArrayLike, ""] = 1e-6, sweeps: int = 10_000
) -> Float[Array, "actions states"]:
    r"""Compute what :func:`q_learning` would find after infinitely many moves, from the probabilities.

    Parameters
    ----------
    mdp
        The process, of which the rewards count for arriving.
    gamma
        Discount factor, from 0 to 1.
    tolerance
        Stop as soon as no value changes by more.
    sweeps
        Stop at the latest after so many.

    Returns
    -------
    Float[Array, "actions states"]
        :math:`q[s, a] = \sum_{s'} Pr(s'|s,a)\,(r[s'] + \gamma \max_{a'} q[s', a'])`, zero for terminal states.

    Raises
    ------
    ValueError
        If the process is none, or a number is out of range.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> q = optimal_action_values(icy_grid())
    >>> print(f"{q[:, :15].max(axis=0).mean():.3f}")
    1.767
    """
    mdp = check_mdp(mdp)
    gamma = _checks.like(check_fraction("gamma", gamma), mdp.transitions)
    least = _checks.number("tolerance", tolerance, least=0)
    most = _checks.count("sweeps", sweeps)

    def goes_on(carry):
        _, change, done = carry
        return (change > least) & (done < most)

    def sweep(carry):
        q, _, done = carry
        worth = mdp.rewards.astype(q.dtype) + gamma * jnp.max(q, axis=0)
        new = jnp.einsum("nsa,n->as", mdp.transitions, worth)
        return new, jnp.max(jnp.abs(new - q)), done + 1

    start = jnp.zeros(mdp.transitions.shape[:0:-1], mdp.transitions.dtype)
    return jax.lax.while_loop(goes_on, sweep, (start, jnp.asarray(jnp.inf, start.dtype), 0))[0]


def _learn(worth, table, moves, alpha, gamma, every, **extra):
    """Scan over moves; ``worth`` says what the next state counts for, ``which`` of two tables is corrected."""
    moves, steps = check_moves(moves, table)
    alphas = jnp.broadcast_to(_check_alpha(alpha, steps, table), steps)
    gamma = _checks.like(check_fraction("gamma", gamma), table)
    length = steps if every is None else _checks.count("every", every)
    if steps % length:
        raise ValueError(f"every must divide the number of moves, {steps}, got {every}")

    def step(table, now):
        move, alpha, extra = now
        place = (*extra.values(), move.actions, move.states)
        target = td_target(move.rewards, worth(table, move, *extra.values()), move.terminal, gamma)
        return table.at[place].set((1 - alpha) * table[place] + alpha * target), None

    def piece(table, now):
        table, _ = jax.lax.scan(step, table, now)
        return table, table

    cut = jax.tree.map(lambda leaf: leaf.reshape(-1, length), (moves, alphas, extra))
    last, kept = jax.lax.scan(piece, table, cut)
    return last if every is None else kept


def _check_alpha(alpha, steps, table):
    if jnp.shape(alpha) == ():
        return _checks.like(check_fraction("alpha", alpha), table)
    _checks.shape_of("alpha", alpha, (steps,), "the moves")
    _checks.values("alpha", alpha, lambda rate: (rate >= 0) & (rate <= 1), "from 0 to 1")
    return jnp.asarray(alpha, table.dtype)
