"""Temporal difference control: the agent acts by the values that it is just learning."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int, Key

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.experience import Moves, draw_starts
from udl_jax.ch19_reinforcement.processes import (
    Mdp,
    check_fraction,
    check_index,
    check_mdp,
    cumulative,
    draw_index,
)
from udl_jax.ch19_reinforcement.temporal_difference import td_target

#: What the next state counts for, from the table, the state, the action that comes next, and epsilon.
_WORTH = {
    "q_learning": lambda q, state, action, epsilon: jnp.max(q[:, state]),
    "sarsa": lambda q, state, action, epsilon: q[action, state],
    "expected_sarsa": lambda q, state, action, epsilon: (
        (1 - epsilon) * jnp.max(q[:, state]) + epsilon * jnp.mean(q[:, state])
    ),
}


class Draws(NamedTuple):
    """All that is random while an agent acts.

    Attributes
    ----------
    explore
        Two draws from [0, 1) for each action, of which there is one more than moves: whether it is taken at random,
        and which it is then.
    uniforms
        A draw from [0, 1) for each move, which decides where it leads.
    starts
        States in which episodes begin: the first, and for each move where the next one begins if it ends one.
    """

    explore: Float[Array, "more 2"]
    uniforms: Float[Array, " steps"]
    starts: Int[Array, " more"]


@checked
def draw_all(key: Key[Array, ""], mdp: Mdp, steps: int) -> Draws:
    """Draw what so many steps find random; ``steps`` is static under ``jit``."""
    mdp, steps = check_mdp(mdp), _checks.count("steps", steps)
    keys, dtype = jax.random.split(key, 3), mdp.transitions.dtype
    explore = jax.random.uniform(keys[0], (steps + 1, 2), dtype)
    uniforms = jax.random.uniform(keys[1], (steps,), dtype)
    return Draws(explore, uniforms, draw_starts(keys[2], mdp, steps + 1))


@checked
def act_and_learn(
    mdp: Mdp,
    q: Float[Array, "actions states"],
    draws: Draws,
    alpha: Float[ArrayLike, ""] = 0.1,
    gamma: Float[ArrayLike, ""] = 0.9,
    epsilon: Float[ArrayLike, ""] = 0.2,
    method: str = "sarsa",
) -> tuple[Float[Array, "actions states"], Moves]:
    r"""Take mostly the action that looks best, and correct its value by what comes of it.

    Parameters
    ----------
    mdp
        The process, of which the rewards count for arriving.
    q
        Action values to start from.
    draws
        From :func:`draw_all`, or anything of those shapes.
    alpha, gamma
        Learning rate and discount factor, from 0 to 1.
    epsilon
        The share of actions that are taken at random, from 0 to 1.
    method
        ``"q_learning"``, ``"sarsa"`` or ``"expected_sarsa"``: what the next state counts for. Static under ``jit``.

    Returns
    -------
    Float[Array, "actions states"]
        The table after all moves.
    Moves
        The moves. Learning from them with the function of that name gives the same table.

    Raises
    ------
    ValueError
        If there is no such method, a number is out of range, or shapes do not fit.

    References
    ----------
    Prince (2023), section 19.3.3.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> draws = draw_all(jax.random.key(0), icy_grid(), 20_000)
    >>> q, moves = act_and_learn(icy_grid(), jnp.zeros((4, 16)), draws)
    >>> print(q.argmax(axis=0)[jnp.array([8, 11])])  # up, away from the hole; down, to the fish
    [0 2]
    """
    mdp = check_mdp(mdp)
    worth = _WORTH[_checks.one_of("method", method, _WORTH)]
    alpha, gamma, epsilon = (
        _checks.like(check_fraction(name, value), q)
        for name, value in (("alpha", alpha), ("gamma", gamma), ("epsilon", epsilon))
    )
    _check_draws(mdp, q, draws)
    sums, actions = cumulative(mdp.transitions), len(q)

    def choose(q, state, uniforms):
        at_random = jnp.minimum((uniforms[1] * actions).astype(jnp.int32), actions - 1)
        return jnp.where(uniforms[0] < epsilon, at_random, jnp.argmax(q[:, state]).astype(jnp.int32))

    def move(carry, now):
        q, state, action = carry
        explore, uniform, restart = now
        arrived = draw_index(sums[state, action], uniform)
        ended, reward = mdp.terminal[arrived], mdp.rewards[arrived].astype(q.dtype)
        begun = jnp.where(ended, restart, arrived)
        chosen = choose(q, begun, explore)
        target = td_target(reward, worth(q, arrived, chosen, epsilon), ended, gamma)
        new = q.at[action, state].set((1 - alpha) * q[action, state] + alpha * target)
        return (new, begun, chosen), Moves(state, action, reward, arrived, ended, chosen)

    starts = jnp.asarray(draws.starts, jnp.int32)
    first = (q, starts[0], choose(q, starts[0], draws.explore[0]))
    (q, _, _), moves = jax.lax.scan(move, first, (draws.explore[1:], draws.uniforms, starts[1:]))
    return q, moves


def _check_draws(mdp, q, draws):
    _checks.shape_of("q", q, mdp.transitions.shape[:0:-1], "actions and states")
    steps = jnp.shape(draws.uniforms)[:1]
    if not steps or steps == (0,):
        raise ValueError(f"draws.uniforms must have the shape (steps), got {jnp.shape(draws.uniforms)}")
    _checks.shape_of("draws.explore", draws.explore, (steps[0] + 1, 2), "the moves and one more, twice")
    _checks.shape_of("draws.starts", draws.starts, (steps[0] + 1,), "the moves and one more")
    check_index("draws.starts", draws.starts, len(mdp.rewards), "states")
    for name, part in (("explore", draws.explore), ("uniforms", draws.uniforms)):
        _checks.values(f"draws.{name}", part, lambda u: (u >= 0) & (u < 1), "draws from [0, 1)")
