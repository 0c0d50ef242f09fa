"""The best there is: exact values of a policy, and two ways to a policy that no other one beats."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.chains import policy_chain, solve_chain
from udl_jax.ch19_reinforcement.dynamic_programming import action_values, improve
from udl_jax.ch19_reinforcement.processes import Mdp, Policy, check_fraction, check_mdp, check_policy


class Solution(NamedTuple):
    """Where an iteration came to rest, or what it had when its rounds were used up.

    Attributes
    ----------
    values
        Of the states.
    policy
        An action for each state.
    rounds
        How many it took.
    """

    values: Float[Array, " states"]
    policy: Int[Array, " states"]
    rounds: Int[Array, ""]


@checked
def evaluate_exactly(mdp: Mdp, policy: Policy, gamma: Float[ArrayLike, ""]) -> Float[Array, " states"]:
    r"""Solve for the values of a policy.

    :func:`~udl_jax.ch19_reinforcement.dynamic_programming.evaluate_once` only comes closer to them.

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
    Float[Array, " states"]
        The solution of :math:`(\mathbf{I} - \gamma\,Pr^T)\,\mathbf{v} = \mathbf{r}`.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1), or process and policy do not fit to each other.

    References
    ----------
    Prince (2023), section 19.2, equation 19.9.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> print(f"{evaluate_exactly(icy_grid(), jnp.full(16, 2), 0.9)[11]:.3f}")
    1.958
    """
    mdp = check_mdp(mdp)
    gamma = _checks.like(check_fraction("gamma", gamma, below=True), mdp.rewards)
    return solve_chain(policy_chain(mdp, policy), mdp.rewards, gamma)


@checked
def policy_iteration(
    mdp: Mdp, policy: Int[Array, " states"], gamma: Float[ArrayLike, ""], limit: int = 100
) -> Solution:
    """Evaluate exactly and improve in turn, until nothing improves.

    An action is given up only for one that is worth more by some hundred units in the last place: among equals,
    rounding would choose, and might go on for ever.

    Parameters
    ----------
    mdp
        The decision process.
    policy
        Where to begin.
    gamma
        Discount factor, from 0 to just below 1.
    limit
        Largest number of rounds.

    Returns
    -------
    Solution
        The exact values of the last policy; the last of the rounds found nothing to improve, unless the limit ended
        them.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1), or process and policy do not fit to each other.

    References
    ----------
    Prince (2023), section 19.3.1, equations 19.11 and 19.12.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> found = policy_iteration(icy_grid(), jnp.zeros(16, int), 0.9)
    >>> print(found.rounds, found.policy.reshape(4, 4)[:, 3])  # down to the fish
    5 [2 2 2 0]
    """
    _checks.count("limit", limit)
    mdp = check_mdp(mdp)
    # The search is no part of a derivative: small changes of the process leave the best policy as it is.
    still, still_gamma = jax.lax.stop_gradient((mdp, gamma))
    values = evaluate_exactly(still, check_policy(mdp, policy), still_gamma)

    def turn(now):
        worth = action_values(still, now.values, still_gamma)
        held = jnp.take_along_axis(worth, now.policy[None], axis=0)[0]
        margin = 100 * jnp.finfo(worth.dtype).eps * jnp.maximum(1, jnp.abs(worth).max())
        policy = jnp.where(worth.max(0) > held + margin, improve(still, now.values, still_gamma), now.policy)
        at_rest = (policy == now.policy).all()
        return Solution(evaluate_exactly(still, policy, still_gamma), policy, now.rounds + 1), at_rest

    start = Solution(values, policy.astype(jnp.int32), jnp.zeros((), jnp.int32))
    found = _until_rest(turn, start, limit)
    return found._replace(values=evaluate_exactly(mdp, found.policy, gamma))


@checked
def value_iteration(
    mdp: Mdp, gamma: Float[ArrayLike, ""], tolerance: Float[ArrayLike, ""] = 1e-8, limit: int = 10_000
) -> Solution:
    r"""Put the best of all actions into each sweep, until values hardly change.

    For derivatives in reverse take :func:`policy_iteration`: a loop of unknown length has none.

    Parameters
    ----------
    mdp
        The decision process.
    gamma
        Discount factor, from 0 to 1; with 1 it may take all rounds unless every way ends.
    tolerance
        By how much the last round may still change a value; some units in the last place are always allowed. The
        values are then at most :math:`\gamma/(1-\gamma)` times as far from the best ones.
    limit
        Largest number of rounds.

    Returns
    -------
    Solution
        Values after :math:`v[s] \leftarrow \max_a q[s,a]`, and the actions that are worth most.

    Raises
    ------
    ValueError
        If ``gamma`` lies outside [0, 1], ``tolerance`` is negative, or the process is none.

    References
    ----------
    Prince (2023), section 19.3.1: it joins equations 19.11 and 19.12.

    Examples
    --------
    >>> from udl_jax.ch19_reinforcement.grids import icy_grid
    >>> found = value_iteration(icy_grid(), 0.9)
    >>> print(f"{found.values[11]:.3f}, {found.policy.reshape(4, 4)[:, 3]}")
    2.505, [2 2 2 0]
    """
    _checks.count("limit", limit)
    mdp = check_mdp(mdp)
    check_fraction("gamma", gamma)
    tolerance = _checks.like(_checks.number("tolerance", tolerance, least=0), mdp.rewards)

    def turn(now):
        values = action_values(mdp, now.values, gamma).max(0)
        few = 4 * jnp.finfo(values.dtype).eps * jnp.abs(values).max()
        at_rest = jnp.abs(values - now.values).max() <= jnp.maximum(tolerance, few)
        return Solution(values, now.policy, now.rounds + 1), at_rest

    nothing = jnp.zeros(mdp.rewards.shape, jnp.int32)
    found = _until_rest(turn, Solution(mdp.rewards, nothing, jnp.zeros((), jnp.int32)), limit)
    return found._replace(policy=improve(mdp, found.values, gamma))


def _until_rest(turn, start: Solution, limit: int) -> Solution:
    """Take turns until one says that it changed nothing."""

    def goes_on(state):
        found, at_rest = state
        return ~at_rest & (found.rounds < limit)

    return jax.lax.while_loop(goes_on, lambda state: turn(state[0]), (start, jnp.array(False)))[0]
