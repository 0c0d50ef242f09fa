r"""Importance sampling: look where the function is large, and make up for having looked there."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.scipy import stats
from jaxtyping import Array, Float, Key, Num

from udl_jax import _checks
from udl_jax._annotations import checked

#: A function of draws, one value each; static under ``jit``.
Function = Callable[[Float[Array, "*draws"]], Float[Array, "*draws"]]


@checked
def near_function(y: Float[Array, "*draws"]) -> Float[Array, "*draws"]:
    r"""Compute the notebook's first function, :math:`\exp[-(y-1)^4]`: large where a standard normal often is."""
    return jnp.exp(-((y - 1) ** 4))


@checked
def far_function(y: Float[Array, "*draws"]) -> Float[Array, "*draws"]:
    r"""Compute the notebook's second function, :math:`20.446 \exp[-(y-3)^4]`: large where a standard normal hardly is."""
    return 20.446 * jnp.exp(-((y - 3) ** 4))


@checked
def expectation(f: Function, y: Float[Array, "*shape draws"]) -> Float[Array, "*shape"]:
    r"""Estimate the expectation of a function by the average over draws.

    Parameters
    ----------
    f
        The function.
    y
        Draws from the distribution that the expectation is over.

    Returns
    -------
    Float[Array, "*shape"]
        :math:`\frac1I\sum_i \text{f}[y_i]`.

    References
    ----------
    Prince (2023), section 17.8.1; notebook 17.3.

    Examples
    --------
    >>> print(expectation(jnp.square, jnp.array([1.0, 3.0])))
    5.0
    """
    return jnp.mean(f(y), axis=-1)


@checked
def weighted_expectation(
    f: Function,
    y: Float[Array, "*shape draws"],
    log_p: Float[Array, "*shape draws"],
    log_q: Float[Array, "*shape draws"],
) -> Float[Array, "*shape"]:
    r"""Estimate the expectation of a function from draws of another distribution than it is over.

    Parameters
    ----------
    f
        The function.
    y
        Draws from an auxiliary distribution :math:`q`.
    log_p, log_q
        Logarithms of the densities of the draws, under the distribution that the expectation is over and under
        :math:`q`.

    Returns
    -------
    Float[Array, "*shape"]
        :math:`\frac1I\sum_i \frac{Pr(y_i)}{q(y_i)}\,\text{f}[y_i]`.

    Raises
    ------
    ValueError
        If the densities have another shape than the draws.

    References
    ----------
    Prince (2023), section 17.8.1, equation 17.27; notebook 17.3.

    Examples
    --------
    >>> y = jnp.array([2.0, 4.0])
    >>> print(weighted_expectation(jnp.square, y, jnp.log(jnp.array([0.5, 0.25])), jnp.log(jnp.array([0.5, 0.5]))))
    6.0
    """
    return jnp.mean(jnp.exp(log_p - log_q) * f(y), axis=-1)


@checked
def self_normalized(
    f: Function, y: Float[Array, "*shape draws"], log_weights: Float[Array, "*shape draws"]
) -> Float[Array, "*shape"]:
    r"""Estimate an expectation from weights that are known up to a factor only.

    Parameters
    ----------
    f
        The function.
    y
        Draws from an auxiliary distribution :math:`q`.
    log_weights
        :math:`\log Pr(y_i) - \log q(y_i)`, up to a number that is the same for all draws.

    Returns
    -------
    Float[Array, "*shape"]
        The average of :math:`\text{f}[y_i]`, weighted with weights that add up to one. With few draws it is biased.

    Raises
    ------
    ValueError
        If the weights have another shape than the draws.

    Examples
    --------
    >>> y = jnp.array([2.0, 4.0])
    >>> print(self_normalized(jnp.square, y, jnp.log(jnp.array([30.0, 10.0]))))
    7.0
    """
    return jnp.sum(jax.nn.softmax(log_weights, axis=-1) * f(y), axis=-1)


@checked
def effective_sample_size(log_weights: Float[Array, "*shape draws"]) -> Float[Array, "*shape"]:
    r"""Compute how many draws from the right distribution weighted draws are worth.

    Parameters
    ----------
    log_weights
        Logarithms of the weights, up to a number that is the same for all.

    Returns
    -------
    Float[Array, "*shape"]
        :math:`(\sum_i w_i)^2 / \sum_i w_i^2`: from 1, where one draw has all the weight, to the number of draws.

    Examples
    --------
    >>> print(effective_sample_size(jnp.zeros(8)), effective_sample_size(jnp.array([0.0, -500.0])))
    8.0 1.0
    """
    return jnp.exp(2 * jax.nn.logsumexp(log_weights, axis=-1) - jax.nn.logsumexp(2 * log_weights, axis=-1))


@checked
def log_mean_weight(log_weights: Float[Array, "*shape draws"]) -> Float[Array, "*shape"]:
    r"""Average weights of which the logarithms are known, and return the logarithm.

    With weights :math:`Pr(\mathbf{x}|\mathbf{z}_i)\,Pr(\mathbf{z}_i)/q(\mathbf{z}_i)` this estimates
    :math:`\log Pr(\mathbf{x})` of a latent variable model. It is too small on average, the less so the more draws.

    Parameters
    ----------
    log_weights
        Logarithms of the weights.

    Returns
    -------
    Float[Array, "*shape"]
        :math:`\log \frac1I \sum_i w_i`, also where each weight is too small a number.

    References
    ----------
    Prince (2023), section 17.8.1, equation 17.28.

    Examples
    --------
    >>> print(log_mean_weight(jnp.array([-1000.0, -1000.0])))
    -1000.0
    """
    draws = log_weights.shape[-1]
    return jax.nn.logsumexp(log_weights, axis=-1) - jnp.log(jnp.asarray(draws, log_weights.dtype))


@checked
def normal_estimate(
    f: Function,
    noise: Float[Array, "*shape draws"],
    mean: Num[Array, ""] | float = 0.0,
    deviation: Num[Array, ""] | float = 1.0,
) -> Float[Array, "*shape"]:
    r"""Estimate an expectation over a standard normal with draws from another normal distribution.

    Parameters
    ----------
    f
        The function.
    noise
        Standard normal draws.
    mean, deviation
        Of the auxiliary distribution :math:`q`; the deviation is positive. The notebook has 3 and 1. With 0 and 1 this is
        :func:`expectation`.

    Returns
    -------
    Float[Array, "*shape"]
        One estimate for each row of draws.

    Raises
    ------
    ValueError
        If ``mean`` is not finite or ``deviation`` not positive.

    References
    ----------
    Prince (2023), section 17.8.1, equation 17.27; notebook 17.3.

    Examples
    --------
    >>> print(f"{normal_estimate(jnp.ones_like, jnp.array([0.0]), 0.0, 2.0):.3f}")  # the weight at the mean
    2.000
    """
    mean = _checks.like(_checks.number("mean", mean), noise)
    deviation = _checks.like(_checks.number("deviation", deviation, above=0), noise)
    y = mean + deviation * noise
    return weighted_expectation(f, y, stats.norm.logpdf(y), stats.norm.logpdf(y, mean, deviation))


@checked
def sample_estimates(
    key: Key[Array, ""],
    f: Function,
    estimates: int,
    draws: int,
    mean: Num[Array, ""] | float = 0.0,
    deviation: Num[Array, ""] | float = 1.0,
) -> Float[Array, "{estimates}"]:
    """Draw numbers for many estimates of so many draws each, and compute each by :func:`normal_estimate`."""
    shape = (_checks.count("estimates", estimates), _checks.count("draws", draws))
    return normal_estimate(f, jax.random.normal(key, shape), mean, deviation)


@checked
def estimator_spread(
    f: Function,
    noise: Float[Array, "estimates draws"],
    sizes: tuple[int, ...],
    mean: Num[Array, ""] | float = 0.0,
    deviation: Num[Array, ""] | float = 1.0,
) -> tuple[Float[Array, " sizes"], Float[Array, " sizes"]]:
    r"""Compute how estimates of different sizes scatter, all from the same draws.

    Parameters
    ----------
    f
        The function.
    noise
        Standard normal draws, a row for each estimate; an estimate of size :math:`n` uses the first :math:`n` of its row.
    sizes
        Numbers of draws, up to as many as a row has; static under ``jit``.
    mean, deviation
        Of the auxiliary distribution, as for :func:`normal_estimate`.

    Returns
    -------
    Float[Array, " sizes"]
        Of the estimates of each size.
    Float[Array, " sizes"]
        Of the estimates of each size.

    Raises
    ------
    ValueError
        If a size is below 1 or exceeds the number of draws.

    References
    ----------
    Notebook 17.3.

    Examples
    --------
    >>> means, variances = estimator_spread(jnp.square, jnp.array([[1.0, 2.0], [3.0, 0.0]]), (1, 2))
    >>> print(means, variances)
    [5.  3.5] [16.  1.]
    """
    sizes = _checks.counts("sizes", sizes, length=1)
    if max(sizes) > noise.shape[1]:
        raise ValueError(f"sizes must be at most the {noise.shape[1]} draws of a row, got {max(sizes)}")
    mean = _checks.like(_checks.number("mean", mean), noise)
    deviation = _checks.like(_checks.number("deviation", deviation, above=0), noise)
    y = mean + deviation * noise
    values = jnp.exp(stats.norm.logpdf(y) - stats.norm.logpdf(y, mean, deviation)) * f(y)
    totals = jnp.cumsum(values, axis=1)[:, jnp.asarray(sizes) - 1]
    estimates = totals / jnp.asarray(sizes, y.dtype)
    return jnp.mean(estimates, axis=0), jnp.var(estimates, axis=0)
