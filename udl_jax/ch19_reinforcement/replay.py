"""A memory of fixed size: the newest moves push out the oldest, and learning draws from all of them."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from udl_jax import _checks
from udl_jax._annotations import checked


class Memories(NamedTuple):
    """Moves as an agent saw them.

    Attributes
    ----------
    observations
        What it saw before.
    actions
        What it did.
    rewards
        What that brought.
    next_observations
        What it saw then.
    terminal
        Whether nothing came after; false where an episode was only cut off.
    """

    observations: Float[Array, "moves features"]
    actions: Int[Array, " moves"]
    rewards: Float[Array, " moves"]
    next_observations: Float[Array, "moves features"]
    terminal: Bool[Array, " moves"]


class Replay(NamedTuple):
    """The memory.

    Attributes
    ----------
    moves
        Arrays of as many rows as there is room for.
    added
        How many were ever added. The next one takes row ``added % capacity``.
    """

    moves: Memories
    added: Int[Array, ""]


@checked
def empty(capacity: int, observation: Float[Array, " features"]) -> Replay:
    """Make room for so many moves with observations like this one.

    Examples
    --------
    >>> print(empty(5, jnp.zeros(3)).moves.observations.shape)
    (5, 3)
    """
    _checks.count("capacity", capacity)
    seen, number = jnp.zeros((capacity, len(observation)), observation.dtype), jnp.zeros(capacity, jnp.int32)
    rewards = jnp.zeros(capacity, observation.dtype)
    return Replay(Memories(seen, number, rewards, seen, number == 1), jnp.zeros((), jnp.int32))


def add(replay: Replay, moves: Memories) -> Replay:
    """Put moves in, over the oldest ones if there is no room left.

    Parameters
    ----------
    replay
        The memory.
    moves
        Not more than there is room for.

    Returns
    -------
    Replay
        The memory with them.

    Raises
    ------
    ValueError
        If there are more than it can hold, or shapes differ.

    Examples
    --------
    >>> two = Memories(jnp.ones((2, 3)), jnp.array([7, 8]), jnp.ones(2), jnp.ones((2, 3)), jnp.array([True, False]))
    >>> print(add(add(empty(3, jnp.zeros(3)), two), two).moves.actions)
    [8 8 7]
    """
    capacity, count = len(replay.moves.actions), len(moves.actions)
    if count > capacity:
        raise ValueError(f"moves must not be more than the capacity, {capacity}, got {count}")
    for name, kept, new in zip(Memories._fields, replay.moves, moves):
        _checks.shape_of(f"moves.{name}", new, (count, *kept.shape[1:]), "what is kept")
    rows = (replay.added + jnp.arange(count)) % capacity
    kept = (
        jnp.asarray(old).at[rows].set(jnp.asarray(new, old.dtype)) for old, new in zip(replay.moves, moves)
    )
    return Replay(Memories(*kept), replay.added + count)


def draw(replay: Replay, uniforms: Float[Array, " batch"]) -> Memories:
    """Draw moves, all alike and with replacement.

    Parameters
    ----------
    replay
        The memory, which holds one move at least.
    uniforms
        A draw from [0, 1) for each.

    Returns
    -------
    Memories
        As many moves as there are draws.

    Raises
    ------
    ValueError
        If a draw lies outside [0, 1), or the memory is empty.
    """
    _checks.values("uniforms", uniforms, lambda u: (u >= 0) & (u < 1), "draws from [0, 1)")
    _checks.values("replay.added", replay.added, lambda added: added > 0, "1 at least")
    filled = jnp.minimum(replay.added, len(replay.moves.actions))
    rows = jnp.minimum((jnp.asarray(uniforms) * filled).astype(jnp.int32), filled - 1)
    return Memories(*(part[rows] for part in replay.moves))
