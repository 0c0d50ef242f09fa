"""What an agent needs to know of a world: how it begins, what an action does, and what can be seen."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.experience import draw_starts
from udl_jax.ch19_reinforcement.processes import Mdp, check_index, check_mdp, cumulative, draw_index


class Step(NamedTuple):
    """What an action did.

    Attributes
    ----------
    state
        The state that it led to.
    reward
        What it brought.
    terminal
        Whether nothing comes after.
    truncated
        Whether the episode is cut off here, by a limit of time, although more would have come.
    """

    state: PyTree
    reward: Float[Array, ""]
    terminal: Bool[Array, ""]
    truncated: Bool[Array, ""]


class Environment(NamedTuple):
    """A world in pure functions. It may be an argument under ``jit`` if they are ``jax.tree_util.Partial``.

    Attributes
    ----------
    reset
        From a key to a state in which an episode begins.
    step
        From a state, an action and a key to a :class:`Step`.
    observe
        From a state to the vector of numbers that an agent sees.
    """

    reset: Any
    step: Any
    observe: Any


class Square(NamedTuple):
    """The state of :func:`grid_environment`: a state of the process, and for how many steps the episode has gone on."""

    square: Int[Array, ""]
    time: Int[Array, ""]


def grid_environment(mdp: Mdp, limit: int = 100) -> Environment:
    """Make an environment of a Markov decision process; what an agent sees is the number of its state, one-hot.

    Parameters
    ----------
    mdp
        The process, of which the rewards count for arriving. Episodes begin in any state that is not terminal.
    limit
        Episodes are cut off after so many steps.

    Returns
    -------
    Environment
        Of states :class:`Square`.

    Raises
    ------
    ValueError
        If the process is none, or ``limit`` is not positive.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> ice = grid_environment(icy_grid(), limit=1)
    >>> found = ice.step(Square(jnp.array(4), jnp.array(0)), 1, jax.random.key(0))
    >>> print(found.state.square, found.terminal, found.truncated)
    5 False True
    """
    mdp, limit = check_mdp(mdp), _checks.count("limit", limit)
    partial = jax.tree_util.Partial
    return Environment(
        partial(_reset, mdp), partial(_step, mdp, cumulative(mdp.transitions), limit), partial(_observe, mdp)
    )


@checked
def play(
    key: Key[Array, ""], environment: Environment, policy: Any, steps: int
) -> tuple[PyTree, Float[Array, " steps"], Bool[Array, " steps"]]:
    """Let a policy act for one episode.

    Parameters
    ----------
    key
        Decides the beginning and all that is left to chance.
    environment
        Where it acts.
    policy
        A function of an observation that returns an action.
    steps
        How many to compute; static under ``jit``. What comes after the end does not count.

    Returns
    -------
    PyTree
        The state before each step.
    Float[Array, "steps"]
        What each step brought, zero after the end.
    Bool[Array, "steps"]
        Whether the episode still went on at this step; their sum is its length.

    Raises
    ------
    ValueError
        If ``steps`` is not positive.
    """
    keys = jax.random.split(key, _checks.count("steps", steps) + 1)

    def move(carry, key):
        state, alive = carry
        found = environment.step(state, policy(environment.observe(state)), key)
        over = found.terminal | found.truncated
        return (found.state, alive & ~over), (state, jnp.where(alive, found.reward, 0), alive)

    _, lived = jax.lax.scan(move, (environment.reset(keys[0]), jnp.asarray(True)), keys[1:])
    return lived


def _reset(mdp, key):
    return Square(draw_starts(key, mdp, 1)[0], jnp.zeros((), jnp.int32))


def _step(mdp, sums, limit, state, action, key):
    check_index("action", action, mdp.transitions.shape[2], "actions")
    check_index("state.square", state.square, len(mdp.rewards), "states")
    drawn = draw_index(sums[state.square, action], jax.random.uniform(key, (), sums.dtype))
    arrived = jnp.where(mdp.terminal[state.square], state.square, drawn)
    reward = jnp.where(mdp.terminal[state.square], 0, mdp.rewards[arrived])
    terminal, time = mdp.terminal[arrived], state.time + 1
    return Step(Square(arrived, time), reward, terminal, (time >= limit) & ~terminal)


def _observe(mdp, state):
    return jax.nn.one_hot(state.square, len(mdp.rewards), dtype=mdp.transitions.dtype)
