r"""Dynamic programming: with the tables of a process at hand, values and policies improve each other.

Rewards are for being in a state, as in the notebook. What counts them for arriving (19.3, 19.4) ranks actions just
as these functions do: expected worth after arriving is :math:`\sum_{s'} Pr(s'|s, a)\,v[s']` with these values.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.chains import policy_chain
from udl_jax.ch19_reinforcement.processes import Mdp, Policy, check_fraction, check_mdp


class Rounds(NamedTuple):
    """What every half step of some rounds left.

    Attributes
    ----------
    values
        After the sweep of each round.
    policies
        After the improvement of each round.
    """

    values: Float[Array, "rounds states"]
    policies: Int[Array, "rounds states"]


@checked
def action_values(
    mdp: Mdp, values: Float[Array, " states"], gamma: Float[ArrayLike, ""]
) -> Float[Array, "actions states"]:
    r"""Look one step ahead: what each action is worth if the values of states are right.

    Parameters
    ----------
    mdp
        The decision process.
    values
        Of the states.
    gamma
        Discount factor, from 0 to 1.

    Returns
    -------
    Float[Array, "actions states"]
        :math:`q[s,a] = r[s] + \gamma\sum_{s'} Pr(s'|s,a)\,v[s']`, summed over next states in one order for all, so
        that equal columns are worth exactly the same. For terminal states that is their reward.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1], or there are not as many values as states.

    References
    ----------
    Prince (2023), section 19.2, equation 19.8.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> mdp = icy_grid()
    >>> print([f"{q:.3f}" for q in action_values(mdp, mdp.rewards, 0.9)[:, 11]])
    ['0.045', '0.045', '2.205', '-1.395']
    """
    mdp = check_mdp(mdp)
    _checks.shape_of("values", values, mdp.rewards.shape, "the states")
    gamma = _checks.like(check_fraction("gamma", gamma), values)
    ahead = jnp.sum(mdp.transitions.astype(values.dtype) * values[:, None, None], axis=0)
    return mdp.rewards.astype(values.dtype) + gamma * ahead.T


@checked
def evaluate_once(
    mdp: Mdp,
    policy: Policy,
    values: Float[Array, " states"],
    gamma: Float[ArrayLike, ""],
) -> Float[Array, " states"]:
    r"""Bring values one step closer to those of a policy: make each fit to its neighbours.

    Parameters
    ----------
    mdp
        The decision process.
    policy
        An action for each state, or the probabilities of actions.
    values
        Of the states, so far.
    gamma
        Discount factor, from 0 to 1.

    Returns
    -------
    Float[Array, " states"]
        :math:`v[s] \leftarrow r[s] + \gamma\sum_{s'} Pr(s'|s)\,v[s']`, all states at once.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1], or process, policy and values do not fit to each other.

    References
    ----------
    Prince (2023), section 19.3.1, equation 19.11, figure 19.10.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> mdp = icy_grid()
    >>> print(f"{evaluate_once(mdp, jnp.full(16, 2), mdp.rewards, 0.9)[11]:.3f}")
    2.205
    """
    mdp = check_mdp(mdp)
    _checks.shape_of("values", values, mdp.rewards.shape, "the states")
    gamma = _checks.like(check_fraction("gamma", gamma), values)
    chain = policy_chain(mdp, policy).astype(values.dtype)
    return mdp.rewards.astype(values.dtype) + gamma * jnp.sum(chain * values[:, None], axis=0)


@checked
def improve(mdp: Mdp, values: Float[Array, " states"], gamma: Float[ArrayLike, ""]) -> Int[Array, " states"]:
    """Choose in each state the action that is worth most; of several the first, as NumPy does.

    Which of two actions wins that are worth the same but for rounding is chance: compare worths, not actions.

    Parameters
    ----------
    mdp
        The decision process.
    values
        Of the states.
    gamma
        Discount factor, from 0 to 1.

    Returns
    -------
    Int[Array, " states"]
        An action for each state, 0 for terminal ones.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1], or there are not as many values as states.

    References
    ----------
    Prince (2023), section 19.3.1, equation 19.12, figure 19.10.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> print(improve(icy_grid(), icy_grid().rewards, 0.9)[11:])
    [2 0 2 1 0]
    """
    return jnp.argmax(action_values(mdp, values, gamma), axis=0).astype(jnp.int32)


@checked
def iterate(
    mdp: Mdp,
    policy: Int[Array, " states"],
    values: Float[Array, " states"],
    gamma: Float[ArrayLike, ""],
    rounds: int,
) -> Rounds:
    """Take turns as the notebook does: one sweep of evaluation, then one improvement.

    Parameters
    ----------
    mdp
        The decision process.
    policy, values
        Where to begin.
    gamma
        Discount factor, from 0 to 1.
    rounds
        How often.

    Returns
    -------
    Rounds
        Values and policies after each round.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1], or process, policy and values do not fit to each other.

    References
    ----------
    Prince (2023), section 19.3.1, figure 19.10. Notebook 19.2.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> found = iterate(icy_grid(), jnp.zeros(16, int), jnp.zeros(16), 0.9, 20)
    >>> print(found.policies[-1].reshape(4, 4)[:, 3])  # down to the fish
    [2 2 2 0]
    """
    _checks.count("rounds", rounds)
    evaluate_once(mdp, policy, values, gamma)  # tells what does not fit to what

    def turn(now, _):
        fresh = evaluate_once(mdp, now[0], now[1], gamma)
        chosen = improve(mdp, fresh, gamma)
        return (chosen, fresh), (fresh, chosen)

    _, (values, policies) = jax.lax.scan(turn, (policy.astype(jnp.int32), values), length=rounds)
    return Rounds(values, policies)
