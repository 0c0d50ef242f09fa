"""Policies that keep trying everything: epsilon-greedy ones, what they are worth, and the best of them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.chains import expected_returns
from udl_jax.ch19_reinforcement.processes import Mdp, Policy, check_fraction, check_mdp


@checked
def epsilon_greedy(
    policy: Int[Array, " states"], epsilon: Float[ArrayLike, ""] = 0.2, actions: int = 4
) -> Float[Array, "{actions} states"]:
    r"""Follow a policy most of the time, and share the rest among all other actions.

    Parameters
    ----------
    policy
        An action for each state.
    epsilon
        Probability of doing anything else, from 0 to 1.
    actions
        How many there are, at least two.

    Returns
    -------
    Float[Array, "actions states"]
        :math:`1 - \epsilon` for the action of the policy, :math:`\epsilon` divided by their number for the others.

    Raises
    ------
    ValueError
        If ``epsilon`` lies outside [0, 1], or an action does not exist.

    References
    ----------
    Prince (2023), section 19.3.2.

    Examples
    --------
    >>> print(epsilon_greedy([0, 3], 0.3))
    [[0.7 0.1]
     [0.1 0.1]
     [0.1 0.1]
     [0.1 0.7]]
    """
    _checks.count("actions", actions, least=2)
    epsilon = jnp.asarray(check_fraction("epsilon", epsilon), jnp.result_type(float))
    _checks.values("policy", policy, lambda v: (v >= 0) & (v < actions), f"actions 0 to {actions - 1}")
    return jnp.where(jnp.arange(actions)[:, None] == policy, 1 - epsilon, epsilon / (actions - 1))


@checked
def exact_action_values(
    mdp: Mdp, policy: Policy, gamma: Float[ArrayLike, ""]
) -> Float[Array, "actions states"]:
    r"""Compute what each action is worth if a policy is followed afterwards, when rewards are for arriving.

    It is what averages of returns come to after infinitely many episodes.

    Parameters
    ----------
    mdp
        The decision process.
    policy
        An action for each state, or the probabilities of actions.
    gamma
        Discount factor, from 0 to just below 1.

    Returns
    -------
    Float[Array, "actions states"]
        :math:`q[s,a] = \sum_{s'} Pr(s'|s,a)\,(r[s'] + \gamma\,v[s'])`; zero for terminal states.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1), or process and policy do not fit to each other.

    References
    ----------
    Prince (2023), section 19.2, equations 19.3 and 19.8.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> print([f"{q:.2f}" for q in exact_action_values(icy_grid(), jnp.full(16, 2), 0.9)[:, 11]])
    ['0.73', '1.34', '2.18', '-8.73']
    """
    mdp = check_mdp(mdp)
    after = mdp.rewards + jnp.asarray(gamma, mdp.rewards.dtype) * expected_returns(mdp, policy, gamma)
    return jnp.sum(mdp.transitions.astype(after.dtype) * after[:, None, None], axis=0).T


@checked
def mean_value(mdp: Mdp, policy: Policy, gamma: Float[ArrayLike, ""]) -> Float[Array, ""]:
    """Average the expected return over all states but the terminal ones, in which episodes may begin.

    Parameters
    ----------
    mdp
        The decision process.
    policy
        An action for each state, or the probabilities of actions.
    gamma
        Discount factor, from 0 to just below 1.

    Returns
    -------
    Float[Array, ""]
        What a policy is worth in one number.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1), or process and policy do not fit to each other.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> print(f"{mean_value(icy_grid(), jnp.full((4, 16), 0.25), 0.9):.3f}")
    -2.191
    """
    return jnp.mean(expected_returns(mdp, policy, gamma), where=~jnp.asarray(mdp.terminal))


@checked
def best_soft_policy(
    mdp: Mdp, gamma: Float[ArrayLike, ""], epsilon: Float[ArrayLike, ""] = 0.2, limit: int = 100
) -> Int[Array, " states"]:
    """Find the policy whose epsilon-greedy version is worth most, by policy iteration.

    It need not be the best policy: who cannot help slipping keeps further away from holes.

    Parameters
    ----------
    mdp
        The decision process.
    gamma
        Discount factor, from 0 to just below 1.
    epsilon
        Probability of doing anything else, from 0 to 1.
    limit
        Largest number of rounds.

    Returns
    -------
    Int[Array, " states"]
        An action for each state.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1), ``epsilon`` outside [0, 1], or the process is none.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> best = epsilon_greedy(best_soft_policy(icy_grid(), 0.9))
    >>> print(f"{mean_value(icy_grid(), best, 0.9):.3f}")
    1.134
    """
    _checks.count("limit", limit)
    mdp = check_mdp(mdp)
    check_fraction("gamma", gamma, below=True)
    actions = mdp.transitions.shape[2]
    mdp, gamma, epsilon = jax.lax.stop_gradient((mdp, gamma, epsilon))  # actions have no derivative

    def turn(now):
        policy, _, rounds = now
        worth = exact_action_values(mdp, epsilon_greedy(policy, epsilon, actions), gamma)
        held = jnp.take_along_axis(worth, policy[None], axis=0)[0]
        margin = 100 * jnp.finfo(worth.dtype).eps * jnp.maximum(1, jnp.abs(worth).max())
        better = jnp.argmax(worth, axis=0).astype(jnp.int32)
        fresh = jnp.where(worth.max(0) > held + margin, better, policy)
        return fresh, (fresh == policy).all(), rounds + 1

    start = (jnp.zeros(mdp.rewards.shape, jnp.int32), jnp.array(False), 0)
    return jax.lax.while_loop(lambda now: ~now[1] & (now[2] < limit), turn, start)[0]
