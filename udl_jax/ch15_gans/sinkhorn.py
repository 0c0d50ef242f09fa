"""Transport with a little blur: a best plan by scaling rows and columns in turn, differentiable and fast."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num

from udl_jax._annotations import checked
from udl_jax._checks import count, like, number
from udl_jax.ch15_gans.divergences import check_distribution


class Transport(NamedTuple):
    """What the Sinkhorn iteration found.

    Attributes
    ----------
    plan
        How much probability goes where; its row and column sums are ``p`` and ``q`` exactly.
    cost
        What the plan costs: never less than the Wasserstein distance.
    violation
        By how much the sums of the plan were off, in total, before they were put right: large if the iteration
        was stopped too early.
    """

    plan: Float[Array, "bins others"]
    cost: Float[Array, ""]
    violation: Float[Array, ""]


@checked
def sinkhorn(
    p: Float[Array | np.ndarray, " bins"],
    q: Float[Array | np.ndarray, " others"],
    cost: Float[Array | np.ndarray, "bins others"],
    epsilon: Num[Array | np.ndarray, ""] | float,
    iterations: int = 1000,
) -> Transport:
    r"""Find the plan that minimises its cost less ``epsilon`` times its entropy.

    A plan that minimises cost alone is a corner of all possible ones, and jumps from corner to corner when ``p`` or
    ``q`` change. With a reward for entropy it is a smooth function of both, for any cost in any number of
    dimensions. Logarithms are kept instead of factors, for :math:`\exp[-c/\epsilon]` is too small for
    floating-point numbers as soon as :math:`\epsilon` is a hundredth of the cost.

    Parameters
    ----------
    p, q
        Probabilities that sum to 1; bins of probability zero are left alone.
    cost
        :math:`c_{ij}`, the cost of moving probability 1 from place i to place j.
    epsilon
        Weight of the entropy, positive, in units of the cost. The smaller it is, the more iterations it takes:
        about as many as the largest cost is larger.
    iterations
        Rounds of fitting the rows, then the columns. The first half of them starts from a larger weight of the entropy,
        which falls to ``epsilon``.

    Returns
    -------
    Transport
        Plan, cost, and how well the iteration had converged.

    Raises
    ------
    ValueError
        If ``p`` or ``q`` is not a distribution, if ``cost`` has another shape, or if ``epsilon`` or
        ``iterations`` is not positive.

    References
    ----------
    Prince (2023), chapter 15, notes; M. Cuturi, Sinkhorn distances (2013); J. Altschuler, J. Weed and P. Rigollet,
    Near-linear time approximation algorithms for optimal transport (2017), algorithm 2, for the last correction.

    Examples
    --------
    >>> p, q = jnp.array([0.75, 0.25]), jnp.array([0.5, 0.5])
    >>> print(f"{sinkhorn(p, q, 1 - jnp.eye(2), epsilon=0.01).cost:.3f}")
    0.250
    """
    check_distribution("p", p)
    check_distribution("q", q)
    epsilon, iterations = like(number("epsilon", epsilon, above=0.0), cost), count("iterations", iterations)
    p, q, cost = jax.tree.map(lambda a: a.astype(jnp.result_type(p, q, cost)), (p, q, cost))
    log_p, log_q = _logarithm(p), _logarithm(q)
    warmth = jnp.linspace(0, 2, iterations, dtype=cost.dtype)
    widest = jnp.maximum(jnp.max(jax.lax.stop_gradient(cost)), epsilon)
    blur = jnp.where(warmth < 1, widest * (epsilon / widest) ** warmth, epsilon)

    def fit(g, weight):
        f = weight * (log_p - jax.nn.logsumexp((g - cost) / weight, axis=1))
        g = weight * (log_q - jax.nn.logsumexp((f[:, None] - cost) / weight, axis=0))
        return g, f

    # A column of probability zero is out of the game from the start, and a row from its first fit.
    g, f = jax.lax.scan(fit, jnp.where(q > 0, 0, log_q), blur)
    plan = jnp.exp((f[-1][:, None] + g - cost) / epsilon)
    violation = jnp.sum(jnp.abs(plan.sum(1) - p)) + jnp.sum(jnp.abs(plan.sum(0) - q))
    plan = _corrected(plan, p, q)
    return Transport(plan, jnp.sum(plan * cost), violation)


def _corrected(plan, p, q):
    """Scale down rows and columns that hold too much, then spread out what is lacking."""
    plan = plan * jnp.minimum(1, _ratio(p, plan.sum(1)))[:, None]
    plan = plan * jnp.minimum(1, _ratio(q, plan.sum(0)))
    rows, columns = jnp.maximum(p - plan.sum(1), 0), jnp.maximum(q - plan.sum(0), 0)
    lacking = jnp.sum(rows)
    return plan + jnp.outer(rows, columns) / jnp.where(lacking > 0, lacking, 1)


def _ratio(a, b):
    return jnp.where(b > 0, a / jnp.where(b > 0, b, 1), 1)


def _logarithm(p):
    return jnp.where(p > 0, jnp.log(jnp.where(p > 0, p, 1)), -jnp.inf)
