"""Episodes of equal length, as many at once as one likes, played by a policy that is a softmax of logits."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement import markov_decision_process as markov
from udl_jax.ch19_reinforcement.experience import draw_starts
from udl_jax.ch19_reinforcement.processes import Mdp


class Episodes(NamedTuple):
    """Episodes of equal length, of which what comes after an end does not count.

    Attributes
    ----------
    states
        Where each step began, and where the last one led.
    actions
        What was done.
    rewards
        What it brought; zero after the end.
    alive
        Whether the episode had not ended before this step.
    """

    states: Int[Array, "*episodes steps+1"]
    actions: Int[Array, "*episodes steps"]
    rewards: Float[Array, "*episodes steps"]
    alive: Bool[Array, "*episodes steps"]


@checked
def play(
    theta: Float[Array, "actions states"],
    mdp: Mdp,
    starts: Int[Array, " episodes"],
    uniforms: Float[Array, "episodes steps 2"],
) -> Episodes:
    r"""Follow the policy :math:`\pi(a|s) = \text{softmax}_a[\theta_{as}]`.

    Parameters
    ----------
    theta
        Logits.
    mdp
        The process, of which the rewards count for arriving.
    starts
        Where the episodes begin.
    uniforms
        Two draws from [0, 1) for each step: for what is done, and for where it leads.

    Returns
    -------
    Episodes
        As many as there are starts.

    Raises
    ------
    ValueError
        If shapes do not fit, a state does not exist, or a draw lies outside [0, 1).

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> always_right = jnp.zeros((4, 16)).at[1].set(100.0)
    >>> print(play(always_right, icy_grid(), jnp.array([13]), jnp.full((1, 3, 2), 0.5)).alive)
    [[ True  True False]]
    """
    policy = jax.nn.softmax(theta, axis=0)
    walks = jax.vmap(lambda start, draws: markov.rollout(mdp, policy, start, draws))(starts, uniforms)
    return Episodes(*walks, ~jnp.asarray(mdp.terminal)[walks.states[:, :-1]])


@checked
def sample_episodes(
    key: Key[Array, ""], theta: Float[Array, "actions states"], mdp: Mdp, episodes: int = 64, steps: int = 50
) -> Episodes:
    """Draw starts and uniform numbers and :func:`play`; how many is static under ``jit``."""
    shape = (_checks.count("episodes", episodes), _checks.count("steps", steps), 2)
    keys = jax.random.split(key)
    return play(
        theta, mdp, draw_starts(keys[0], mdp, episodes), jax.random.uniform(keys[1], shape, theta.dtype)
    )


@checked
def normalize(values: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Subtract the mean and divide by the standard deviation; where all are equal the result is 0.

    Examples
    --------
    >>> print(normalize([1.0, 3.0]), normalize([2.0, 2.0]), normalize([5.0]))
    [-1.  1.] [0. 0.] [0.]
    """
    apart = values - jnp.mean(values)
    power = jnp.mean(apart**2)
    return apart / jnp.sqrt(jnp.where(power > 0, power, 1))
