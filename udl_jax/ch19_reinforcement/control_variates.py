r"""Control variates: a second variable, of which the mean is known, takes noise out of an estimate of the first."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, Num

from udl_jax import _checks
from udl_jax._annotations import checked


@checked
def correlated(
    noise_a: Float[Array, "*draws"], noise_b: Float[Array, "*draws"], correlation: Num[Array, ""] | float
) -> tuple[Float[Array, "*draws"], Float[Array, "*draws"]]:
    r"""Make two standard normal variables that are correlated out of two that are independent.

    Parameters
    ----------
    noise_a, noise_b
        Independent standard normal draws.
    correlation
        Coefficient :math:`\rho`, from -1 to 1.

    Returns
    -------
    Float[Array, "*draws"]
        :math:`a`, which is ``noise_a``.
    Float[Array, "*draws"]
        :math:`b = \rho\,a + \sqrt{1-\rho^2}\,\epsilon_b`.

    Raises
    ------
    ValueError
        If ``correlation`` lies outside [-1, 1], or the draws differ in shape.

    References
    ----------
    Prince (2023), section 19.5.3, figure 19.16.

    Examples
    --------
    >>> print(f"{correlated(jnp.array(1.0), jnp.array(1.0), 0.6)[1]:.1f}")
    1.4
    """
    correlation = _checks.like(_check_correlation(correlation), noise_a, noise_b)
    return noise_a, correlation * noise_a + (1 - correlation**2) ** 0.5 * noise_b


@checked
def sample_correlated(
    key: Key[Array, ""], shape: tuple[int, ...], correlation: Num[Array, ""] | float
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Draw standard normal noise of a ``shape``, static under ``jit``, and make it :func:`correlated`."""
    shape = _checks.counts("shape", shape)
    return correlated(*jax.random.normal(key, (2, *shape)), correlation)


@checked
def control_variate(
    a: Float[Array, "*estimates samples"],
    b: Float[Array, "*estimates samples"],
    coefficient: Float[Array, "..."] | float = 1.0,
    mean_b: Float[Array, "..."] | float = 0.0,
) -> Float[Array, "*estimates"]:
    r"""Estimate the mean of ``a`` with the help of ``b``.

    Parameters
    ----------
    a
        Samples of the variable in question, along the last axis; the axes before it hold independent estimates.
    b
        Samples of the control variate, each drawn together with that of ``a``.
    coefficient
        How much of ``b`` is subtracted, :math:`c`: 0 is the plain mean, 1 the notebook's choice. One number, or one
        for each estimate.
    mean_b
        The true mean of ``b``, one number or one for each estimate.

    Returns
    -------
    Float[Array, "*estimates"]
        :math:`\frac{1}{N}\sum_n a_n - c\,(b_n - \mathbb{E}[b])`, unbiased for any :math:`c` that does not depend on
        these samples.

    Raises
    ------
    ValueError
        If shapes differ, or there are no samples.

    References
    ----------
    Prince (2023), section 19.5.3, figure 19.16.

    Examples
    --------
    >>> a, b = jnp.array([1.0, 4.0]), jnp.array([-1.0, 2.0])
    >>> print([float(control_variate(a, b, c)) for c in (0.0, 1.0)])
    [2.5, 2.0]
    """
    coefficient, mean_b = (
        _for_each(name, value, a) for name, value in (("coefficient", coefficient), ("mean_b", mean_b))
    )
    return jnp.mean(a - coefficient * (b - mean_b), axis=-1)


@checked
def best_coefficient(
    a: Float[Array, "*estimates samples"], b: Float[Array, "*estimates samples"]
) -> Float[Array, "*estimates"]:
    r"""Compute the coefficient that leaves the least variance, from samples.

    Parameters
    ----------
    a, b
        Samples that were drawn together, along the last axis.

    Returns
    -------
    Float[Array, "*estimates"]
        :math:`\text{cov}[a, b] / \text{var}[b]`; 0 where ``b`` does not vary. An estimate that uses it on the same
        samples is unbiased only if :math:`a` depends on :math:`b` along a straight line.

    Raises
    ------
    ValueError
        If shapes differ.

    References
    ----------
    Prince (2023), section 19.5.3.

    Examples
    --------
    >>> b = jnp.array([-1.0, 0.0, 1.0])
    >>> print(best_coefficient(3 * b + 5, b), best_coefficient(b, 0 * b))
    3.0 0.0
    """
    b = b - jnp.mean(b, axis=-1, keepdims=True)
    power = jnp.sum(b**2, axis=-1)
    return jnp.sum(a * b, axis=-1) / jnp.where(power > 0, power, 1)


@checked
def estimator_variance(
    samples: int,
    correlation: Num[Array, ""] | float,
    coefficient: Float[Array, ""] | float = 0.0,
    deviation_a: Float[Array, ""] | float = 1.0,
    deviation_b: Float[Array, ""] | float = 1.0,
) -> Float[Array, ""]:
    r"""Compute the variance of :func:`control_variate` in closed form.

    Parameters
    ----------
    samples
        How many the estimate averages, :math:`N`.
    correlation
        Of the two variables, :math:`\rho`, from -1 to 1.
    coefficient
        How much of :math:`b` is subtracted, :math:`c`.
    deviation_a, deviation_b
        Standard deviations of the two variables, not negative.

    Returns
    -------
    Float[Array, ""]
        :math:`(\sigma_a^2 - 2c\rho\,\sigma_a\sigma_b + c^2\sigma_b^2) / N`, least at
        :math:`c = \rho\,\sigma_a/\sigma_b`, where it is :math:`(1-\rho^2)\,\sigma_a^2 / N`.

    Raises
    ------
    ValueError
        If there are no samples, or ``correlation`` or a deviation is out of range.

    Examples
    --------
    >>> print([round(float(estimator_variance(5, 0.8, c)), 3) for c in (0.0, 1.0, 0.8)])
    [0.2, 0.08, 0.072]
    """
    samples = _checks.count("samples", samples)
    correlation = _check_correlation(correlation)
    a = _checks.number("deviation_a", deviation_a, least=0)
    b = _checks.number("deviation_b", deviation_b, least=0)
    away = _checks.number("coefficient", coefficient) * b
    return jnp.asarray((a**2 - 2 * correlation * a * away + away**2) / samples)


@checked
def simulate(
    key: Key[Array, ""],
    correlation: Num[Array, ""] | float,
    coefficients: Float[Array, " coefficients"],
    samples: int = 5,
    estimates: int = 1_000_000,
) -> tuple[Float[Array, " coefficients"], Float[Array, " coefficients"]]:
    r"""Estimate a mean, which is zero, many times over, and compute mean and variance of the estimates.

    Parameters
    ----------
    key
        Decides the draws, which all coefficients share.
    correlation
        Of the two variables, from -1 to 1.
    coefficients
        How much of the control variate is subtracted.
    samples
        How many an estimate averages; static under ``jit``.
    estimates
        How many estimates are made; static under ``jit``.

    Returns
    -------
    Float[Array, " coefficients"]
        Mean of the estimates, for each coefficient.
    Float[Array, " coefficients"]
        Their variance.

    Raises
    ------
    ValueError
        If a count is not positive or ``correlation`` is out of range.

    Examples
    --------
    >>> _, variances = simulate(jax.random.key(0), 0.8, jnp.array([0.0, 0.8]))
    >>> print([f"{variance:.2f}" for variance in variances])
    ['0.20', '0.07']
    """
    shape = (_checks.count("estimates", estimates), _checks.count("samples", samples))
    a, b = (_checks.like(part, coefficients) for part in sample_correlated(key, shape, correlation))

    def moments(coefficient):
        found = control_variate(a, b, coefficient)
        return jnp.mean(found), jnp.var(found)

    return jax.lax.map(moments, coefficients)


def _check_correlation(correlation):
    correlation = _checks.number("correlation", correlation)
    _checks.values("correlation", correlation, lambda rho: (rho >= -1) & (rho <= 1), "from -1 to 1")
    return correlation


def _for_each(name, value, a):
    """Give a number, or one for each estimate, a last axis of samples."""
    shape = jnp.shape(value)
    if shape not in {(), a.shape[:-1]}:
        raise ValueError(f"{name} must be one number or have the shape {a.shape[:-1]}, got {shape}")
    value = _checks.like(value, a)
    return jnp.asarray(value)[..., None] if shape else value
