"""Play episodes one after the other in a single lane, and keep sums of returns instead of episodes.

The return after a visit is the sum of later rewards, each discounted by its distance. Summed over visits, that is the
sum of rewards, each times the *trace* of the pairs visited before: a table in which every visit counts one and fades by
the discount factor with each step. So no episode needs to be stored, however long it gets.

Fading the whole table at every step would take most of the time. Instead visits are entered with growing weight, and
the table is brought up to date only when a reward comes, or the weight gets large. What is left of a step touches a few
numbers, and the loop over such steps is compiled to plain machine code: it takes some sixty nanoseconds a step.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.markov_decision_process import Rollout, returns
from udl_jax.ch19_reinforcement.processes import Mdp, check_index, check_mdp, cumulative

#: Weight of a visit at which the trace is brought up to date even without a reward.
_LARGE = 1e6


class Experience(NamedTuple):
    """What was seen of each action in each state.

    Attributes
    ----------
    totals
        Sum of the returns after each visit.
    counts
        Number of visits.
    """

    totals: Float[Array, "actions states"]
    counts: Int[Array, "actions states"]


class Played(NamedTuple):
    """What some episodes brought.

    Attributes
    ----------
    experience
        Sums over all visits.
    steps
        Length of all episodes together.
    longest
        Length of the longest.
    """

    experience: Experience
    steps: Int[Array, ""]
    longest: Int[Array, ""]


class Stream(NamedTuple):
    """Pairs of uniform numbers, read one after the other.

    Attributes
    ----------
    held
        Whatever the block of pairs at hand is made from.
    at
        How many of it are used up.
    """

    held: Any
    at: Int[Array, ""]


class Source(NamedTuple):
    """Where a stream's pairs come from.

    Attributes
    ----------
    block
        Gives the block of pairs, of shape (pairs, 2), that belongs to what is held.
    renew
        Gives what is held next, when the block is used up.
    """

    block: Callable[[Any], Array]
    renew: Callable[[Any], Any]


class _Episodes(NamedTuple):
    """How far the lane has got."""

    state: Array
    trace: Array
    totals: Array
    counts: Array
    at: Array
    done: Array
    length: Array
    longest: Array
    steps: Array


class _Run(NamedTuple):
    """A run of steps without a reward, up to the one that brings something."""

    state: Array
    trace: Array
    counts: Array
    at: Array
    weight: Array
    last: Array
    reward: Array
    ended: Array


@checked
def first_end(mdp: Mdp, states: Int[Array, " times"]) -> Int[Array, ""]:
    """Count the steps up to the first terminal state; as many as there are, if none comes.

    Parameters
    ----------
    mdp
        The decision process.
    states
        Where it began and where each step led.

    Returns
    -------
    Int[Array, ""]
        Length of the first episode.

    Raises
    ------
    ValueError
        If there is no such state.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> print(first_end(icy_grid(), [13, 14, 15, 15]))
    2
    """
    mdp = check_mdp(mdp)
    check_index("states", states, len(mdp.rewards), "states")
    ended = mdp.terminal[states]
    return jnp.where(ended.any(), jnp.argmax(ended), len(states) - 1).astype(jnp.int32)


@checked
def visit_returns(mdp: Mdp, path: Rollout, gamma: Float[ArrayLike, ""]) -> Experience:
    r"""Sum the returns after each visit of one episode, in the notebook's way: first all returns, then the sums.

    Parameters
    ----------
    mdp
        The decision process.
    path
        An episode. What follows a terminal state does not count.
    gamma
        Discount factor, from 0 to 1.

    Returns
    -------
    Experience
        Sums and numbers of visits of each action in each state.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1], or states or actions do not exist.

    References
    ----------
    Prince (2023), section 19.3.2, equation 19.13.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> path = Rollout(jnp.array([13, 14, 15]), jnp.array([1, 1]), jnp.array([-2.0, 3.0]))
    >>> print([f"{total:.2f}" for total in visit_returns(icy_grid(), path, 0.9).totals[1, 13:]])
    ['0.70', '3.00', '0.00']
    """
    mdp = check_mdp(mdp)
    _, states, actions = mdp.transitions.shape
    check_index("states", path.states, states, "states")
    check_index("actions", path.actions, actions, "actions")
    rewards = _checks.as_floats("rewards", path.rewards, axes=1)
    steps = len(rewards)
    before, done = jnp.asarray(path.states)[:-1], jnp.asarray(path.actions)
    found = (len(before), len(done), steps)
    if len(set(found)) > 1:
        raise ValueError(f"path must have a state before, an action and a reward for each step, got {found}")
    plays = jnp.arange(steps) < first_end(mdp, path.states)
    after = returns(jnp.where(plays, rewards, 0), gamma)
    nothing = jnp.zeros((actions, states), rewards.dtype)
    totals = nothing.at[done, before].add(jnp.where(plays, after, 0))
    return Experience(totals, nothing.astype(jnp.int32).at[done, before].add(plays))


def play(
    mdp: Mdp, policy: Array, starts: Array, gamma: Array, source: Source, stream: Stream
) -> tuple[Played, Stream]:
    """Play an episode from each of the starts.

    Parameters
    ----------
    mdp
        The decision process. A policy that never comes to a terminal state plays for ever.
    policy
        Probabilities of actions.
    starts
        First state of each episode, none of them terminal.
    gamma
        Discount factor in the dtype of the rewards.
    source, stream
        Two uniform numbers a step: which action, and where it leads.

    Returns
    -------
    Played
        Sums over all visits.
    Stream
        What follows of the uniform numbers.
    """
    starts = starts.astype(jnp.int32)
    _, states, actions = mdp.transitions.shape
    dtype = mdp.rewards.dtype
    zeros, none = jnp.zeros(actions * states, dtype), jnp.zeros((), jnp.int32)
    counts = jnp.zeros(actions * states, jnp.int32)
    lane = _Episodes(starts[0], zeros, zeros, counts, stream.at, *(none,) * 4)
    tables = (cumulative(policy).astype(dtype), cumulative(mdp.transitions).astype(dtype), mdp)

    def read_on(now):
        held, lane = now
        size = len(source.block(held))
        held, at = jax.lax.cond(
            lane.at >= size, lambda h: (source.renew(h), none), lambda h: (h, lane.at), held
        )
        pairs = source.block(held)
        lane = jax.lax.while_loop(
            lambda lane: (lane.done < len(starts)) & (lane.at < size),
            lambda lane: _fold(tables, gamma, starts, pairs, lane),
            lane._replace(at=at),
        )
        return held, lane

    held, lane = jax.lax.while_loop(lambda now: now[1].done < len(starts), read_on, (stream.held, lane))
    experience = Experience(*(t.reshape(actions, states) for t in (lane.totals, lane.counts)))
    return Played(experience, lane.steps, lane.longest), Stream(held, lane.at)


def _fold(tables, gamma, starts, pairs, lane: _Episodes) -> _Episodes:
    """Take steps until something happens, and account for it."""
    one, nothing = jnp.ones((), lane.trace.dtype), jnp.zeros((), lane.trace.dtype)
    run = _Run(lane.state, lane.trace, lane.counts, lane.at, one, one, nothing, jnp.array(False))
    run = jax.lax.while_loop(
        lambda run: (run.reward == 0) & ~run.ended & (run.weight < _LARGE) & (run.at < len(pairs)),
        lambda run: _step(tables, gamma, pairs, run),
        run,
    )
    taken = run.at - lane.at
    length, done = lane.length + taken, lane.done + run.ended
    return _Episodes(
        state=jnp.where(run.ended, starts[jnp.minimum(done, len(starts) - 1)], run.state),
        trace=jnp.where(run.ended, 0, run.trace * (gamma / run.last)),
        totals=lane.totals + run.reward / run.last * run.trace,
        counts=run.counts,
        at=run.at,
        done=done,
        length=jnp.where(run.ended, 0, length),
        longest=jnp.maximum(lane.longest, length),
        steps=lane.steps + taken,
    )


def _step(tables, gamma, pairs, run: _Run) -> _Run:
    """Choose an action, see where it leads, and enter the visit with the weight of this step."""
    choices, moves, mdp = tables
    first, second = jax.lax.dynamic_index_in_dim(pairs, run.at, keepdims=False)
    action = _first_above(choices[run.state], first)
    arrived = _first_above(moves[run.state, action], second)
    visited = action * len(mdp.rewards) + run.state
    return _Run(
        arrived,
        run.trace.at[visited].add(run.weight),
        run.counts.at[visited].add(1),
        run.at + 1,
        run.weight / gamma,
        run.weight,
        mdp.rewards[arrived],
        mdp.terminal[arrived],
    )


def _first_above(sums, uniform):
    """Invert a cumulative distribution, as ``draw_index`` does, and without its guard, which costs time."""
    return jnp.minimum(jnp.sum(sums <= uniform, dtype=jnp.int32), len(sums) - 1)
