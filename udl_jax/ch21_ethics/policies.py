r"""Policies: with which probability an applicant is granted the loan, and what comes of it.

A policy has a probability for each group and score. A threshold is a policy of zeros, then ones; one that draws lots
at a single score can meet any share exactly.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch21_ethics.bias_mitigation import check_groups, check_share

#: Numbers of people: groups in rows, their scores in columns, lowest first.
People = Float[Array, "groups scores"]


class Outcomes(NamedTuple):
    """What a policy does.

    Attributes
    ----------
    rate
        Share of each group that is granted the loan.
    true_positives, false_alarms
        Share of those in each group who repay, and who default, that is granted the loan.
    precision
        Share of those granted the loan in each group that repays; NaN where it is granted to nobody.
    accuracy
        Share of all people who are granted the loan and repay, or are refused and would default.
    profit
        Of the lender, for each applicant.
    """

    rate: Float[Array, " groups"]
    true_positives: Float[Array, " groups"]
    false_alarms: Float[Array, " groups"]
    precision: Float[Array, " groups"]
    accuracy: Float[Array, ""]
    profit: Float[Array, ""]


class Best(NamedTuple):
    """The policy that meets a criterion at the least cost.

    Attributes
    ----------
    level
        What the criterion makes equal is this.
    grants
        The policy.
    profit
        Of the lender, for each applicant.
    """

    level: Float[Array, ""]
    grants: People
    profit: Float[Array, ""]


@checked
def outcomes(
    defaulted: People, repaid: People, grants: People, gain: float = 300.0, loss: float = 700.0
) -> Outcomes:
    r"""Compute what a policy does to each group and to the lender.

    Parameters
    ----------
    defaulted, repaid
        How many people of either kind have each score.
    grants
        The policy: probabilities of being granted the loan.
    gain, loss
        What a loan that is repaid brings to the lender, and what one that is not costs. Those given are the figures of
        Wattenberg, Viegas and Hardt's page on attacking discrimination with smarter machine learning.

    Returns
    -------
    Outcomes
        Rates of each group, accuracy and profit.

    Raises
    ------
    ValueError
        If a frequency is negative, in a group nobody defaulted or nobody repaid, or a grant lies outside [0, 1].

    References
    ----------
    Prince (2023), section 21.1.1.

    Examples
    --------
    >>> told = outcomes([[3.0, 1.0]], [[1.0, 3.0]], [[0.0, 1.0]])
    >>> print(told.true_positives, told.false_alarms, told.precision, told.accuracy, told.profit)
    [0.75] [0.25] [0.75] 0.75 25.0
    """
    check_people(defaulted, repaid)
    check_share("grants", grants)
    gain, loss = _checks.number("gain", gain), _checks.number("loss", loss)
    good, bad = jnp.sum(grants * repaid, axis=1), jnp.sum(grants * defaulted, axis=1)
    all_good, all_bad = jnp.sum(repaid, axis=1), jnp.sum(defaulted, axis=1)
    everybody = jnp.sum(all_good + all_bad)
    granted = good + bad
    return Outcomes(
        rate=granted / (all_good + all_bad),
        true_positives=good / all_good,
        false_alarms=bad / all_bad,
        precision=jnp.where(granted > 0, good / jnp.where(granted > 0, granted, 1), jnp.nan),
        accuracy=jnp.sum(good + all_bad - bad) / everybody,
        profit=jnp.sum(_checks.like(gain, good) * good - _checks.like(loss, bad) * bad) / everybody,
    )


@checked
def grant_share(
    people: Float[Array, "*groups scores"], share: Float[Array, ""]
) -> Float[Array, "*groups scores"]:
    """Grant the loan to a share of each group, from the highest score down; at the last score draw lots.

    Parameters
    ----------
    people
        How many have each score, lowest first. Those who repay, say, if the share is to be one of these.
    share
        From 0 to 1.

    Returns
    -------
    Float[Array, "*groups scores"]
        The policy: ones above a score, zeros below, and at it what is missing.

    Raises
    ------
    ValueError
        If a frequency is negative, a group is empty, or the share lies outside [0, 1].

    Examples
    --------
    >>> print(grant_share([2.0, 4.0, 4.0], 0.5))
    [0.   0.25 1.  ]
    """
    check_groups("people", people)
    check_share("share", share)
    from_above = jax.lax.cumsum(people, axis=people.ndim - 1, reverse=True)
    left = share * from_above[..., :1] - (from_above - people)
    return _part(left, people)


@checked
def most_profitable(
    criterion: Callable[..., People],
    levels: Float[Array, " levels"],
    defaulted: People,
    repaid: People,
    gain: float = 300.0,
    loss: float = 700.0,
) -> Best:
    """Find the level at which a criterion costs the lender least, by trying all.

    Parameters
    ----------
    criterion
        Makes a policy from ``defaulted``, ``repaid`` and a level, such as those of :mod:`~udl_jax.ch21_ethics.criteria`.
    levels
        Levels to try. One that a group cannot have should not be among them.
    defaulted, repaid, gain, loss
        As for :func:`outcomes`.

    Returns
    -------
    Best
        The level with the highest profit, its policy, and the profit.

    Examples
    --------
    >>> def same_share(defaulted, repaid, level):
    ...     return grant_share(defaulted + repaid, level)
    >>> defaulted, repaid = jnp.array([[3.0, 1.0]]), jnp.array([[1.0, 3.0]])
    >>> print(*most_profitable(same_share, [0.25, 0.5, 1.0], defaulted, repaid))
    0.5 [[0. 1.]] 25.0
    """
    every = jax.vmap(lambda level: criterion(defaulted, repaid, level))(levels)
    profits = jax.vmap(lambda grants: outcomes(defaulted, repaid, grants, gain, loss).profit)(every)
    best = jnp.argmax(profits)
    return Best(levels[best], every[best], profits[best])


def check_people(defaulted: People, repaid: People) -> None:
    """Refuse frequencies of which no rates can be made, by name."""
    check_groups("defaulted", defaulted)
    check_groups("repaid", repaid)


def _part(left, people):
    """Tell which part of the people at each score may be had, where ``left`` of them may."""
    return jnp.clip(left / jnp.where(people > 0, people, 1), 0, 1) * (people > 0)
