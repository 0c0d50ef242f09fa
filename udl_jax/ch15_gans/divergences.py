"""How far one distribution over bins is from another when places do not count: KL and Jensen-Shannon divergence."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from udl_jax._annotations import checked
from udl_jax._checks import is_traced, values


def check_distribution(name: str, p: Float[Array, " bins"]) -> None:
    """Raise ``ValueError`` unless ``p`` is a distribution over bins; pass over it while it is traced.

    Parameters
    ----------
    name
        The argument's name, for the message.
    p
        Probabilities.

    Raises
    ------
    ValueError
        If ``p`` has an entry that is negative or not finite, or does not sum to 1.

    Examples
    --------
    >>> check_distribution("p", jnp.array([3.0, 4.0]))
    Traceback (most recent call last):
        ...
    ValueError: p must sum to 1, got 7: divide counts by their sum
    """
    values(name, p, lambda a: np.isfinite(a) & (a >= 0), "probabilities, finite and not negative")
    if not is_traced(p):
        total = np.asarray(p).sum(dtype=float)
        if abs(total - 1) > 1e3 * jnp.finfo(p.dtype).eps:
            raise ValueError(f"{name} must sum to 1, got {total:.6g}: divide counts by their sum")


@checked
def kl_divergence(
    p: Float[Array | np.ndarray, " bins"], q: Float[Array | np.ndarray, " bins"]
) -> Float[Array, ""]:
    r"""Compute the Kullback-Leibler divergence of ``q`` from ``p``.

    Bins where ``p`` is zero add nothing, whatever ``q`` is there. A bin where ``q`` is zero and ``p`` is not
    makes the divergence infinite: ``q`` calls impossible what happens under ``p``.

    Parameters
    ----------
    p, q
        Probabilities that sum to 1.

    Returns
    -------
    Float[Array, ""]
        :math:`D_{KL}[p\|q] = \sum_i p_i \log (p_i/q_i)` in nats, from 0 to infinity.

    Raises
    ------
    ValueError
        If ``p`` or ``q`` is not a distribution, or if they have different numbers of bins.

    References
    ----------
    Prince (2023), appendix C.5.1; notebook 15.2.

    Examples
    --------
    >>> p, q = jnp.array([0.5, 0.5]), jnp.array([0.25, 0.75])
    >>> print(f"{kl_divergence(p, q):.4f}")
    0.1438
    >>> print(kl_divergence(p, jnp.array([1.0, 0.0])))
    inf
    """
    check_distribution("p", p)
    check_distribution("q", q)
    counts, possible = p > 0, q > 0
    # The values that `where` throws away must be harmless too, or their gradients come back as NaN.
    logarithms = jnp.log(jnp.where(counts, p, 1)) - jnp.log(jnp.where(counts & possible, q, 1))
    return jnp.sum(jnp.where(counts, jnp.where(possible, p * logarithms, jnp.inf), 0))


@checked
def js_divergence(
    p: Float[Array | np.ndarray, " bins"], q: Float[Array | np.ndarray, " bins"]
) -> Float[Array, ""]:
    r"""Compute the Jensen-Shannon divergence: how far both are, on average, from the mixture of the two.

    Parameters
    ----------
    p, q
        Probabilities that sum to 1.

    Returns
    -------
    Float[Array, ""]
        In nats, from 0 to :math:`\log 2`, which it reaches as soon as no bin is possible under both.

    Raises
    ------
    ValueError
        If ``p`` or ``q`` is not a distribution, or if they have different numbers of bins.

    References
    ----------
    Prince (2023), section 15.2.1, equation 15.9; notebook 15.2.

    Examples
    --------
    >>> print(f"{js_divergence(jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0])):.4f}")
    0.6931
    """
    check_distribution("p", p)
    check_distribution("q", q)
    middle = (p + q) / 2
    return (kl_divergence(p, middle) + kl_divergence(q, middle)) / 2
