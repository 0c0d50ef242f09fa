"""What it can mean that a decision is fair to groups: each meaning as a policy, see :mod:`~udl_jax.ch21_ethics.policies`."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch21_ethics.policies import People, check_people, grant_share


@checked
def own_best(defaulted: People, repaid: People, gain: float = 300.0, loss: float = 700.0) -> People:
    """Give each group the threshold that brings the lender most, whatever this does to the groups."""
    check_people(defaulted, repaid)
    worth = _checks.like(gain, repaid) * repaid - _checks.like(loss, defaulted) * defaulted
    from_above = jnp.pad(jax.lax.cumsum(worth, axis=1, reverse=True), ((0, 0), (0, 1)))
    first = jnp.argmax(from_above, axis=1)
    return (jnp.arange(repaid.shape[1]) >= first[:, None]).astype(repaid.dtype)


@checked
def equal_thresholds(defaulted: People, repaid: People, level: Float[Array, ""]) -> People:
    """Be blind to the group: one threshold for all, so that ``level`` is the share of all people granted the loan."""
    check_people(defaulted, repaid)
    grants = grant_share(jnp.sum(defaulted + repaid, axis=0), level)
    return jnp.broadcast_to(grants, repaid.shape)


@checked
def demographic_parity(defaulted: People, repaid: People, level: Float[Array, ""]) -> People:
    """Grant the loan to the same share ``level`` of each group."""
    check_people(defaulted, repaid)
    return grant_share(defaulted + repaid, level)


@checked
def equal_opportunity(defaulted: People, repaid: People, level: Float[Array, ""]) -> People:
    """Grant the loan to the same share ``level`` of those in each group who repay."""
    check_people(defaulted, repaid)
    return grant_share(repaid, level)


@checked
def equal_odds(defaulted: People, repaid: People, level: Float[Array, ""]) -> People:
    r"""Grant the loan to the same share of those who repay, and to the same share of those who default, in each group.

    Curves that do not cross have no threshold for that, but lots have: a policy that mixes a threshold with a coin
    that does not look at the score lies on the line between the two. So every group can be made as bad as the worst.

    Parameters
    ----------
    defaulted, repaid
        How many people of either kind have each score.
    level
        Share of those who default that is granted the loan, from 0 to 1.

    Returns
    -------
    People
        The policy with the highest true positives that all groups can have at this share of false alarms.

    Raises
    ------
    ValueError
        If a frequency is negative, in a group nobody defaulted or nobody repaid, or the level lies outside [0, 1].

    References
    ----------
    Prince (2023), section 21.1.1; Hardt, Price and Srebro (2016), section 3.

    Examples
    --------
    >>> grants = equal_odds([[3.0, 1.0], [2.0, 2.0]], [[1.0, 3.0], [1.0, 3.0]], 0.5)
    >>> print(grants)
    [[0.375 0.875]
     [0.    1.   ]]
    """
    check_people(defaulted, repaid)
    shares_bad = defaulted / jnp.sum(defaulted, axis=1, keepdims=True)
    shares_good = repaid / jnp.sum(repaid, axis=1, keepdims=True)
    reached = jnp.sum(grant_share(defaulted, level) * shares_good, axis=1)
    apart = jnp.min(reached) - level
    coin = (jnp.min(reached) + level) / 2
    sharp = grant_share((shares_bad + shares_good) / 2, coin)
    own_apart = jnp.sum(sharp * (shares_good - shares_bad), axis=1)
    weight = jnp.where(own_apart == 0, 1, apart / jnp.where(own_apart == 0, 1, own_apart))
    return jnp.clip(weight[:, None] * sharp + (1 - weight[:, None]) * coin, 0, 1)


@checked
def predictive_parity(defaulted: People, repaid: People, level: Float[Array, ""]) -> People:
    r"""Grant the loan so that of those who are granted it the same share ``level`` repays in each group.

    Parameters
    ----------
    defaulted, repaid
        How many people of either kind have each score.
    level
        Share that repays; more than it is in any whole group, and less than at the highest scores.

    Returns
    -------
    People
        In each group the policy that grants most loans of all that reach the level.

    Raises
    ------
    ValueError
        If a frequency is negative, in a group nobody defaulted or nobody repaid, or a group cannot have this level.

    References
    ----------
    Prince (2023), section 21.1.1.

    Examples
    --------
    >>> print(predictive_parity([[4.0, 4.0, 1.0]], [[1.0, 4.0, 7.0]], 0.75))
    [[0.  0.5 1. ]]
    """
    check_people(defaulted, repaid)
    _checks.values("level", level, lambda found: (found > 0) & (found < 1), "a share between 0 and 1")
    too_many = level * (defaulted + repaid) - repaid
    from_above = jax.lax.cumsum(too_many, axis=1, reverse=True)
    without = from_above - too_many
    crosses = (without <= 0) & (from_above > 0)
    place = jnp.argmax(crosses, axis=1)[:, None]
    at = jnp.arange(repaid.shape[1])
    part = jnp.where(at == place, (0 - without) / jnp.where(crosses, too_many, 1), 0)
    grants = jnp.where(at > place, 1, part)
    if not _checks.is_traced(grants):
        _check_reached(np.asarray(crosses), np.asarray(grants), level)
    return grants


def _check_reached(crosses, grants, level):
    for group in np.flatnonzero(~crosses.any(axis=1) | ~grants.any(axis=1)):
        raise ValueError(f"level must be one that each group can have; group {group} has none with {level}")
