"""Markov decision processes: how a policy and chance walk through states together, and what the rewards come to."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int, Key

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.grids import icy_grid, penguin_grid
from udl_jax.ch19_reinforcement.processes import (
    Mdp,
    Policy,
    check_fraction,
    check_index,
    check_mdp,
    check_policy,
    cumulative,
    draw_index,
)

__all__ = [
    "Mdp",
    "Rollout",
    "icy_grid",
    "penguin_grid",
    "returns",
    "rollout",
    "sample_rollout",
    "step",
    "walk",
]


class Rollout(NamedTuple):
    """What happened, step by step.

    Attributes
    ----------
    states
        Where it began and where each step led.
    actions
        What was done in each state but the last.
    rewards
        What each step brought, for the state in which it ended.
    """

    states: Int[Array, " steps+1"]
    actions: Int[Array, " steps"]
    rewards: Float[Array, " steps"]


@checked
def step(
    mdp: Mdp, state: Int[ArrayLike, ""], action: Int[ArrayLike, ""], uniform: Float[ArrayLike, ""]
) -> tuple[Int[Array, ""], Float[Array, ""]]:
    """Move once.

    Parameters
    ----------
    mdp
        Transitions, rewards, and terminal states, in which one stays without reward.
    state, action
        Where one is and what one does, counted from 0.
    uniform
        A draw from [0, 1) that decides where one comes to.

    Returns
    -------
    Int[Array, ""]
        The next state.
    Float[Array, ""]
        The reward for arriving there.

    Raises
    ------
    ValueError
        If there is no such state or action, if ``uniform`` lies outside [0, 1), or the process is none.

    References
    ----------
    Prince (2023), section 19.1.3, figure 19.4.

    Examples
    --------
    >>> print(*step(icy_grid(), 14, 1, 0.5))
    15 3.0
    """
    mdp = check_mdp(mdp)
    check_index("state", state, len(mdp.rewards), "states")
    check_index("action", action, mdp.transitions.shape[2], "actions")
    check_fraction("uniform", uniform, below=True)
    return _step(mdp, cumulative(mdp.transitions), jnp.asarray(state, jnp.int32), action, uniform)


def _step(mdp, sums, state, action, uniform):
    ended = mdp.terminal[state]
    arrived = jnp.where(ended, state, draw_index(sums[state, action], uniform))
    return arrived, jnp.where(ended, 0, mdp.rewards[arrived])


@checked
def walk(
    transitions: Float[Array, "states states"], start: Int[ArrayLike, ""], uniforms: Float[Array, " steps"]
) -> Int[Array, " steps+1"]:
    """Follow a Markov process, in which nobody decides anything.

    Parameters
    ----------
    transitions
        :math:`Pr(s_{t+1}|s_t)`, of shape (next state, state).
    start
        The first state.
    uniforms
        A draw from [0, 1) for each step.

    Returns
    -------
    Int[Array, "steps+1"]
        The states.

    Raises
    ------
    ValueError
        If a column does not sum to one, if there is no such state, or a draw lies outside [0, 1).

    References
    ----------
    Prince (2023), section 19.1.1, figure 19.1.

    Examples
    --------
    >>> print(walk(jnp.eye(2)[::-1], 0, jnp.full(3, 0.5)))  # back and forth
    [0 1 0 1]
    """
    states = len(transitions)
    chain = Mdp(transitions[..., None], jnp.zeros(states, transitions.dtype), jnp.zeros(states, bool))
    return rollout(chain, jnp.zeros(states, jnp.int32), start, uniforms).states


@checked
def rollout(
    mdp: Mdp,
    policy: Policy,
    start: Int[ArrayLike, ""],
    uniforms: Float[Array, " steps"] | Float[Array, "steps 2"],
) -> Rollout:
    """Follow a policy for a while.

    Parameters
    ----------
    mdp
        Transitions, rewards and terminal states. Who has come to a terminal state stays there and gets no more.
    policy
        An action for each state; or for each state the probabilities of actions, which sum to one.
    start
        The first state.
    uniforms
        Draws from [0, 1): one for each step; under a policy of probabilities two, of which the first decides what to
        do.

    Returns
    -------
    Rollout
        States, actions and rewards.

    Raises
    ------
    ValueError
        If process, policy and draws do not fit to each other, or are none, or there is no such state.

    References
    ----------
    Prince (2023), section 19.1.4, figures 19.2 and 19.5.

    Examples
    --------
    >>> path = rollout(icy_grid(), jnp.full(16, 1), 12, jnp.full(4, 0.5))
    >>> print(path.states, path.rewards)
    [12 13 14 15 15] [ 0. -2.  3.  0.]
    """
    mdp = check_mdp(mdp)
    policy = check_policy(mdp, policy)
    check_index("start", start, len(mdp.rewards), "states")
    expected = ("steps",) if policy.ndim == 1 else ("steps", 2)
    if uniforms.ndim != policy.ndim or uniforms.shape[1:] != expected[1:]:
        raise ValueError(
            f"uniforms must have the shape ({', '.join(map(str, expected))}), got {uniforms.shape}"
        )
    # One is let through: draws in double precision may be rounded up to it.
    _checks.values("uniforms", uniforms, lambda u: (u >= 0) & (u <= 1), "draws from [0, 1)")
    sums = cumulative(mdp.transitions)
    choices = None if policy.ndim == 1 else cumulative(policy)

    def advance(state, draw):
        action = policy[state] if choices is None else draw_index(choices[state], draw[0])
        arrived, reward = _step(mdp, sums, state, action, draw if choices is None else draw[1])
        return arrived, (arrived, action, reward)

    start = jnp.asarray(start, jnp.int32)
    _, (states, actions, rewards) = jax.lax.scan(advance, start, uniforms)
    return Rollout(jnp.concatenate([start[None], states]), actions, rewards)


@checked
def sample_rollout(
    key: Key[Array, ""],
    mdp: Mdp,
    policy: Policy,
    start: Int[ArrayLike, ""],
    steps: int,
) -> Rollout:
    """Draw uniform numbers and :func:`rollout` so many steps."""
    _checks.count("steps", steps)
    shape = (steps,) if policy.ndim == 1 else (steps, 2)
    return rollout(mdp, policy, start, jax.random.uniform(key, shape, jnp.asarray(mdp.transitions).dtype))


@checked
def returns(rewards: Float[Array, " steps"], gamma: Float[ArrayLike, ""]) -> Float[Array, " steps"]:
    r"""Sum what is still to come at each step, each later reward worth less.

    Parameters
    ----------
    rewards
        What each step brought.
    gamma
        Discount factor, from 0 to 1; 1 is allowed since there is an end.

    Returns
    -------
    Float[Array, " steps"]
        :math:`G_t = \sum_k \gamma^k r_{t+k+1}`, from the last step backwards: :math:`G_t = r_{t+1} + \gamma G_{t+1}`.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1].

    References
    ----------
    Prince (2023), section 19.1.2, equation 19.1.

    Examples
    --------
    >>> print(returns([1.0, 1.0, 1.0], 0.9))
    [2.71 1.9  1.  ]
    """
    gamma = _checks.like(check_fraction("gamma", gamma), rewards)

    def add(later, reward):
        total = reward + gamma * later
        return total, total

    _, totals = jax.lax.scan(add, jnp.zeros((), rewards.dtype), rewards, reverse=True)
    return totals
