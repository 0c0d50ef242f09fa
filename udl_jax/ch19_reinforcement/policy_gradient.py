r"""Policy gradients: actions that were followed by more than was expected become more probable."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, ArrayLike, Float, Key

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement import markov_decision_process as markov
from udl_jax.ch19_reinforcement.episodes import Episodes, sample_episodes
from udl_jax.ch19_reinforcement.processes import Mdp, check_fraction, check_mdp
from udl_jax.ch19_reinforcement.temporal_difference import td_target

METHODS = ("reinforce", "baseline", "actor_critic")


class Weights(NamedTuple):
    """What is learned.

    Attributes
    ----------
    theta
        Logits: the policy is their softmax over actions.
    values
        What the critic thinks that each state is worth.
    """

    theta: Float[Array, "actions states"]
    values: Float[Array, " states"]


@dataclasses.dataclass(frozen=True)
class Settings:
    """How :func:`train` learns.

    Parameters
    ----------
    method
        ``"reinforce"``: returns alone; ``"baseline"``: returns minus the values of the states, which are fitted to
        returns; ``"actor_critic"``: one reward plus the value of the next state, minus that of this one.
    episodes, steps
        How many are played for each update, and how long at most.
    updates
        Number of steps of Adam.
    rate
        Learning rate of Adam, positive.
    gamma
        Discount factor, from 0 to 1.
    """

    method: str = "baseline"
    episodes: int = 64
    steps: int = 50
    updates: int = 400
    rate: float = 0.05
    gamma: float = 0.9

    def __post_init__(self):
        _checks.one_of("method", self.method, METHODS)
        for name in ("episodes", "steps", "updates"):
            _checks.count(name, getattr(self, name))
        _checks.number("rate", self.rate, above=0)
        check_fraction("gamma", self.gamma)


def advantages(
    episodes: Episodes,
    mdp: Mdp,
    gamma: Float[ArrayLike, ""] = 0.9,
    values: Array | None = None,
    *,
    td: bool = False,
) -> Float[Array, "*episodes steps"]:
    r"""Compute how much more came of each action than was expected.

    Parameters
    ----------
    episodes
        What was lived through.
    mdp
        Says which states are terminal.
    gamma
        Discount factor, from 0 to 1.
    values
        The baseline, one number for each state; None for zero.
    td
        Take the next reward and the value of the next state, instead of all rewards to come.

    Returns
    -------
    Float[Array, "*episodes steps"]
        :math:`G_t - v[s_t]`, or :math:`r_{t+1} + \gamma v[s_{t+1}] - v[s_t]`; zero after the end. No derivatives pass.

    Raises
    ------
    ValueError
        If ``gamma`` is out of range, or values are missing or not one for each state.

    References
    ----------
    Prince (2023), sections 19.5.3, 19.5.4 and 19.6.
    """
    gamma = check_fraction("gamma", gamma)
    if values is None:
        if td:
            raise ValueError("values must be given if td is true, got None")
        values = jnp.zeros(len(mdp.rewards), episodes.rewards.dtype)
    _checks.shape_of("values", values, jnp.shape(mdp.rewards), "the states")
    values = jax.lax.stop_gradient(jnp.asarray(values))
    now, later = episodes.states[..., :-1], episodes.states[..., 1:]
    if td:
        target = td_target(episodes.rewards, values[later], jnp.asarray(mdp.terminal)[later], gamma)
    else:
        flat = episodes.rewards.reshape(-1, episodes.rewards.shape[-1])
        target = jax.vmap(lambda rewards: markov.returns(rewards, gamma))(flat).reshape(
            episodes.rewards.shape
        )
    return jnp.where(episodes.alive, target - values[now], 0)


@checked
def policy_loss(
    theta: Float[Array, "actions states"],
    episodes: Episodes,
    advantage: Float[Array, "*episodes steps"],
    gamma: Float[ArrayLike, ""] = 0.9,
) -> Float[Array, ""]:
    r"""Compute a number whose derivative is an estimate of minus the derivative of what the policy is worth.

    Parameters
    ----------
    theta
        Logits of the policy that played.
    episodes
        What it lived through.
    advantage
        From :func:`advantages`.
    gamma
        Discount factor, from 0 to 1: what comes late counts less from the start.

    Returns
    -------
    Float[Array, ""]
        :math:`-\sum_t \gamma^t\,A_t \log\pi(a_t|s_t)`, averaged over episodes.

    Raises
    ------
    ValueError
        If shapes differ or ``gamma`` is out of range.

    References
    ----------
    Prince (2023), sections 19.5.1 and 19.5.2.
    """
    gamma = _checks.like(check_fraction("gamma", gamma), theta)
    _checks.shape_of("advantage", advantage, jnp.shape(episodes.actions), "the actions")
    logs = jax.nn.log_softmax(theta, axis=0)[episodes.actions, episodes.states[..., :-1]]
    discount = gamma ** jnp.arange(advantage.shape[-1]).astype(theta.dtype)
    return -jnp.mean(jnp.sum(discount * advantage * logs, axis=-1))


def loss(params: Weights, episodes: Episodes, mdp: Mdp, settings: Settings) -> Float[Array, ""]:
    """Compute :func:`policy_loss`, and what the critic's values are off by.

    Parameters
    ----------
    params
        Policy and critic.
    episodes
        What that policy lived through.
    mdp
        Says which states are terminal.
    settings
        Which method, and the discount factor. Static under ``jit``.

    Returns
    -------
    Float[Array, ""]
        The policy's loss plus half the critic's mean squared error, of which no derivative reaches the policy.
    """
    td, values = settings.method == "actor_critic", params.values
    advantage = advantages(
        episodes, mdp, settings.gamma, None if settings.method == "reinforce" else values, td=td
    )
    target = jax.lax.stop_gradient(advantage)
    if settings.method != "reinforce":
        target = target + jax.lax.stop_gradient(values)[episodes.states[..., :-1]]
    off = jnp.where(episodes.alive, target - values[episodes.states[..., :-1]], 0)
    critic = jnp.sum(off**2) / (2 * jnp.sum(episodes.alive))
    return policy_loss(params.theta, episodes, advantage, settings.gamma) + critic


@checked
def train(key: Key[Array, ""], mdp: Mdp, settings: Settings | None = None) -> tuple[Weights, Weights]:
    """Learn a policy from episodes that it plays itself, beginning with one that does not care what it does.

    Parameters
    ----------
    key
        Decides all draws.
    mdp
        The process.
    settings
        By default REINFORCE with a baseline. Static under ``jit``.

    Returns
    -------
    Weights
        After all updates.
    Weights
        After each of them, along a first axis.

    Raises
    ------
    ValueError
        If the process is none.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> few = Settings(updates=30)
    >>> params, path = jax.jit(train, static_argnums=2)(jax.random.key(0), icy_grid(), few)
    >>> print(path.theta.shape, params.theta[:, 11].argmax())  # down, to the fish
    (30, 4, 16) 2
    """
    mdp, settings = check_mdp(mdp), settings or Settings()
    optimiser = optax.adam(settings.rate)
    params = Weights(
        jnp.zeros(mdp.transitions.shape[:0:-1], mdp.transitions.dtype), jnp.zeros_like(mdp.rewards)
    )

    def update(carry, key):
        params, state = carry
        episodes = sample_episodes(key, params.theta, mdp, settings.episodes, settings.steps)
        gradient = jax.grad(loss)(params, episodes, mdp, settings)
        change, state = optimiser.update(gradient, state)
        params = optax.apply_updates(params, change)
        return (params, state), params

    carry = (params, optimiser.init(params))
    (params, _), path = jax.lax.scan(update, carry, jax.random.split(key, settings.updates))
    return params, path


def gradients(
    params: Weights, episodes: Episodes, mdp: Mdp, settings: Settings
) -> Float[Array, "estimates actions states"]:
    """Estimate the derivative of the policy's mean worth by its logits, once from each group of episodes.

    Parameters
    ----------
    params
        Policy and critic.
    episodes
        What that policy lived through, in groups: all arrays have the axes (estimates, episodes, steps).
    mdp
        Says which states are terminal.
    settings
        Which method, and the discount factor. Static under ``jit``.

    Returns
    -------
    Float[Array, "estimates actions states"]
        Estimates, of which no two share an episode.

    Raises
    ------
    ValueError
        If the episodes have no groups.
    """
    if jnp.ndim(episodes.actions) != 3:
        raise ValueError(
            f"episodes must have the axes (estimates, episodes, steps), got the shape {jnp.shape(episodes.actions)}"
        )
    return jax.vmap(lambda group: -jax.grad(loss)(params, group, mdp, settings).theta)(episodes)
