"""Two groups apply for loans: what a threshold on the credit score does to each, for all thresholds at once."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from udl_jax import _checks
from udl_jax._annotations import checked


class Roc(NamedTuple):
    """A receiver operating characteristic: what each threshold lets through, of those who default and who repay.

    Attributes
    ----------
    false_alarms
        Share of those who default that is granted the loan, from one (everybody) down to zero (nobody).
    true_positives
        Share of those who repay that is granted the loan.
    """

    false_alarms: Float[Array, " thresholds"]
    true_positives: Float[Array, " thresholds"]


@checked
def frequencies(
    scores: Float[Array, "*scores"],
    weight: float,
    means: Float[Array, " bumps"],
    deviations: Float[Array, " bumps"],
    proportions: Float[Array, " bumps"],
) -> Float[Array, "*scores"]:
    r"""Compute how frequent scores are in a group: a mixture of Gaussians times a weight.

    Parameters
    ----------
    scores
        Credit scores.
    weight
        Size of the group, positive.
    means, deviations, proportions
        Of the Gaussians; deviations are positive.

    Returns
    -------
    Float[Array, "*scores"]
        Frequencies: their integral over all scores is ``weight`` if the proportions add up to one.

    Raises
    ------
    ValueError
        If the weight or a deviation is not positive, a proportion is negative, or lengths differ.

    References
    ----------
    Prince (2023), section 21.1.1, figure 21.2; notebook 21.1.

    Examples
    --------
    >>> print(frequencies(jnp.array([0.0, 2.0]), 100.0, [0.0], [1.0], [1.0]))
    [39.894...  5.399...]
    """
    weight = _checks.like(_checks.number("weight", weight, above=0), scores)
    _checks.values("deviations", deviations, lambda found: found > 0, "positive")
    _checks.values("proportions", proportions, lambda found: found >= 0, "at least 0")
    densities = jax.scipy.stats.norm.pdf(scores[..., None], means, deviations)
    return weight * jnp.sum(proportions * densities, axis=-1)


@checked
def loan_example(
    scores: Float[Array, "*scores"],
) -> tuple[Float[Array, "2 *scores"], Float[Array, "2 *scores"]]:
    """Compute the frequencies of the notebook's example, for the blue and for the yellow group.

    Parameters
    ----------
    scores
        Credit scores. The notebook has 800, from -4 in steps of 0.01.

    Returns
    -------
    Float[Array, "2 *scores"]
        Of those who default.
    Float[Array, "2 *scores"]
        Of those who repay.

    References
    ----------
    Prince (2023), section 21.1.1, figure 21.2; notebook 21.1.

    Examples
    --------
    >>> defaulted, repaid = loan_example(jnp.arange(-4, 4, 0.01))
    >>> print(defaulted.sum(axis=1) * 0.01, repaid.sum(axis=1) * 0.01)
    [797.6... 399.9...] [498.4... 648.9...]
    """
    defaulted = (
        frequencies(scores, 800.0, [-1.5, -2.5], [0.8, 0.6], [0.6, 0.4]),
        frequencies(scores, 400.0, [0.2, -0.1], [0.8, 0.6], [0.3, 0.7]),
    )
    repaid = (
        frequencies(scores, 500.0, [0.1, 0.7], [1.5, 0.8], [0.4, 0.6]),
        frequencies(scores, 650.0, [0.6, 1.6], [1.2, 0.7], [0.6, 0.4]),
    )
    return jnp.stack(defaulted), jnp.stack(repaid)


@checked
def rate_above(
    scores: Float[Array, " scores"],
    frequencies: Float[Array, " scores"],
    threshold: Float[Array, "*thresholds"],
) -> Float[Array, "*thresholds"]:
    r"""Compute which share of a group has a score above each of any number of thresholds.

    Parameters
    ----------
    scores
        Rising scores.
    frequencies
        How many people have each.
    threshold
        A score equal to it is not above it. Take thresholds from ``scores`` where that matters: what a grid of
        floating-point numbers has in the place of zero may be a little less.

    Returns
    -------
    Float[Array, "*thresholds"]
        :math:`Pr(c > \tau)`, from one sum over the scores from above, which all thresholds share.

    Raises
    ------
    ValueError
        If scores do not rise, a frequency is negative, or nobody is in the group.

    References
    ----------
    Prince (2023), section 21.1.1; notebook 21.1.

    Examples
    --------
    >>> print(rate_above([1.0, 2.0, 3.0], [5.0, 3.0, 2.0], [0.0, 1.0, 2.5, 3.0]))
    [1.  0.5 0.2 0. ]
    """
    check_rising("scores", scores)
    check_groups("frequencies", frequencies)
    return _tails(frequencies)[jnp.searchsorted(scores, threshold, side="right")]


@checked
def roc(defaulted: Float[Array, " scores"], repaid: Float[Array, " scores"]) -> Roc:
    """Compute the receiver operating characteristic of one group.

    Parameters
    ----------
    defaulted, repaid
        How many people of either kind have each score, lowest score first.

    Returns
    -------
    Roc
        At one threshold more than there are scores: below all of them, then at each.

    Raises
    ------
    ValueError
        If a frequency is negative, or nobody defaulted or repaid.

    References
    ----------
    Prince (2023), section 21.1.1; notebook 21.1.

    Examples
    --------
    >>> curve = roc([1.0, 1.0], [1.0, 3.0])
    >>> print(curve.false_alarms, curve.true_positives)
    [1.  0.5 0. ] [1.   0.75 0.  ]
    """
    check_groups("defaulted", defaulted)
    check_groups("repaid", repaid)
    return Roc(_tails(defaulted), _tails(repaid))


def auc(curve: Roc) -> Float[Array, ""]:
    """Compute the area under a curve: the probability that who repays has a higher score than who defaults.

    Equal scores count one half.

    Examples
    --------
    >>> print(auc(roc([1.0, 1.0], [1.0, 3.0])))
    0.625
    """
    return jnp.trapezoid(curve.true_positives[::-1], curve.false_alarms[::-1])


@checked
def threshold_for_rate(
    scores: Float[Array, " scores"], frequencies: Float[Array, " scores"], rate: Float[Array, "*rates"]
) -> Float[Array, "*rates"]:
    """Find the thresholds above which given shares of a group lie, by bisection.

    Parameters
    ----------
    scores
        Rising scores.
    frequencies
        How many people have each.
    rate
        Shares, from 0 to 1.

    Returns
    -------
    Float[Array, "*rates"]
        For each rate the score, taken as threshold, whose :func:`rate_above` is nearest; the lower of two as near.

    Raises
    ------
    ValueError
        If scores do not rise, a frequency is negative, nobody is in the group, or a rate lies outside [0, 1].

    References
    ----------
    Prince (2023), section 21.1.1; notebook 21.1.

    Examples
    --------
    >>> print(threshold_for_rate([1.0, 2.0, 3.0], [5.0, 3.0, 2.0], [0.45, 0.1]))
    [1. 2.]
    """
    check_rising("scores", scores)
    check_groups("frequencies", frequencies)
    check_share("rate", rate)
    falling = _tails(frequencies)[1:]
    below = jnp.searchsorted(-falling, -rate, side="left")  # the first that is not more than the rate
    near = jnp.stack([jnp.maximum(below - 1, 0), jnp.minimum(below, len(scores) - 1)])
    nearest = jnp.argmin(jnp.abs(falling[near] - rate), axis=0)
    return scores[jnp.take_along_axis(near, nearest[None], axis=0)[0]]


def check_rising(name: str, grid: Float[Array, " places"]) -> None:
    """Refuse a grid whose places do not rise, by name."""
    _checks.values(name, grid[None], lambda rows: (np.diff(rows) > 0).all(axis=1), "finite and rising")
    _checks.values(name, grid, np.isfinite, "finite and rising")


def check_groups(name: str, people: Float[Array, "*groups scores"]) -> None:
    """Refuse frequencies that are negative, or groups of nobody, by name."""
    _checks.values(name, people, lambda found: np.isfinite(found) & (found >= 0), "finite and at least 0")
    if not _checks.is_traced(people) and not np.asarray(people).any(axis=-1).all():
        raise ValueError(f"{name} must not hold an empty group: each needs a frequency above 0")


def check_share(name: str, share: Float[Array, "*shares"]) -> None:
    """Refuse shares outside [0, 1], by name."""
    _checks.values(name, share, lambda found: (found >= 0) & (found <= 1), "a share from 0 to 1")


def _tails(people):
    """Sum frequencies from above: the share of each score and all above it, then zero."""
    sums = jax.lax.cumsum(people, reverse=True)
    return jnp.append(sums / sums[0], 0)
