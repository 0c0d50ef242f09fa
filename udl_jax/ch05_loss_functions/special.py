r"""What log densities need so that large numbers do not cancel: remainders instead of whole logarithms of gammas.

The logarithm of a density is often a small difference of terms that grow with the parameters, and every digit that
these have in common is lost. So the common part is taken out on paper, as in C. Loader (2000), *Fast and accurate
computation of binomial probabilities*.
"""

import jax
import jax.numpy as jnp
from jax.scipy import special
from jaxtyping import Array, Float

from udl_jax._annotations import checked

_HALF_LOG_TWO_PI = 0.9189385332046727
# From here on the series below have all digits of double precision.
_STEPS = 8


@checked
def stirling_error(x: Float[Array, "*any"]) -> Float[Array, "*any"]:
    r"""Compute what Stirling's formula leaves of the logarithm of the gamma function.

    Parameters
    ----------
    x
        Positive numbers.

    Returns
    -------
    Float[Array, "*any"]
        :math:`\log\Gamma(x) - (x - \tfrac12)\log x + x - \tfrac12\log 2\pi`, about :math:`1/12x`.

    Examples
    --------
    >>> print(stirling_error(jnp.array([1.0, 1e6])))
    [8.106...e-02 8.333...e-08]
    """
    is_small = x < _STEPS
    large = jnp.where(is_small, x + _STEPS, x)
    terms = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
    series = jnp.polyval(jnp.array(terms[::-1], x.dtype), 1 / large**2) / large
    # Below, from the recursion of the gamma function: what each step up to there adds.
    ladder = jnp.where(is_small, x, 1)[..., None] + jnp.arange(_STEPS, dtype=x.dtype)
    climbed = jnp.sum((ladder + 0.5) * jnp.log1p(1 / ladder) - 1, axis=-1)
    return series + jnp.where(is_small, climbed, 0)


@checked
def log_gamma_half_step(x: Float[Array, "*any"]) -> Float[Array, "*any"]:
    r"""Compute how far the logarithm of the gamma function rises over half a step, less half of log x.

    Parameters
    ----------
    x
        Positive numbers, infinity included.

    Returns
    -------
    Float[Array, "*any"]
        :math:`\log\Gamma(x + \tfrac12) - \log\Gamma(x) - \tfrac12\log x`, about :math:`-1/8x`.

    Examples
    --------
    >>> print(log_gamma_half_step(jnp.array([0.5, 1e7])))
    [-2.2579...e-01 -1.2...e-08]
    """
    lifted = 1 / (x + _STEPS)
    terms = (-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432, 691 / 180224)
    series = jnp.polyval(jnp.array(terms[::-1], x.dtype), lifted**2) * lifted
    ladder = x[..., None] + jnp.arange(_STEPS, dtype=x.dtype)
    return 0.5 * jnp.log1p(_STEPS / x) - jnp.sum(jnp.log1p(0.5 / ladder), axis=-1) + series


@checked
def deviance(
    x: Float[Array, "*any"],
    rate: Float[Array, "*any"],
    time: Float[Array, "*any"],
    excess: Float[Array, "*any"],
) -> Float[Array, "*any"]:
    r"""Compute how much less likely ``x`` events are at a given mean than at their own.

    Parameters
    ----------
    x
        Positive numbers.
    rate, time
        Their product is the mean :math:`m`. It may over- or underflow.
    excess
        :math:`m - x`, which the caller may know more exactly than it can be computed from :math:`m`.

    Returns
    -------
    Float[Array, "*any"]
        :math:`x\log(x/m) + m - x`, never negative.

    Examples
    --------
    >>> x, rate, time = jnp.array([1e7, 2.0]), jnp.array([1e7 + 100, 1.0]), jnp.ones(2)
    >>> print(deviance(x, rate, time, rate * time - x))
    [0.0005     0.38629436]
    """
    mean = rate * time
    ratio = 0.5 * excess / (0.5 * x + 0.5 * mean)
    is_near = jnp.abs(ratio) < 0.1
    ratio = jnp.where(is_near, ratio, 0)
    odd = [1 / k for k in range(3, 21, 2)]
    series = jnp.polyval(jnp.array(odd[::-1], x.dtype), ratio**2)
    near = excess * ratio - 2 * x * ratio**3 * series
    limits = jnp.finfo(x.dtype)
    quotient = x / mean
    is_exact = (mean > limits.tiny) & (quotient > limits.tiny) & (quotient < limits.max)
    log_quotient = jnp.where(
        is_exact,
        jnp.log(jnp.where(is_exact, quotient, 1)),
        jnp.log(x) - (jnp.log(rate) + jnp.log(time)),
    )
    far = x * log_quotient + excess
    return jnp.where(is_near, near, jnp.where(jnp.isposinf(mean), jnp.inf, far))


@checked
def add_exactly(
    a: Float[Array, "*any"], b: Float[Array, "*any"]
) -> tuple[Float[Array, "*any"], Float[Array, "*any"]]:
    """Add two numbers, and return beside the sum what rounding has taken from it."""
    total = a + b
    share = total - a
    return total, jax.lax.stop_gradient((a - (total - share)) + (b - share))


@checked
def multiply_exactly(
    a: Float[Array, "*any"], b: Float[Array, "*any"]
) -> tuple[Float[Array, "*any"], Float[Array, "*any"]]:
    """Multiply two numbers, and return beside the product what rounding has taken from it."""
    product = a * b
    limits = jnp.finfo(product.dtype)
    halves = []
    for number in (a, b):
        upper = jax.lax.reduce_precision(number, limits.nexp, (limits.nmant - 1) // 2)
        halves.append((upper, number - upper))
    (a_upper, a_lower), (b_upper, b_lower) = halves
    rest = ((a_upper * b_upper - product) + a_upper * b_lower + a_lower * b_upper) + a_lower * b_lower
    return product, jax.lax.stop_gradient(jnp.where(jnp.isfinite(rest), rest, 0))


@checked
def log_softmax(scores: Float[Array, "*batch classes"]) -> Float[Array, "*batch classes"]:
    r"""Compute the logarithms of the softmax, also where scores are infinite.

    Parameters
    ----------
    scores
        Any numbers. Those that are plus infinity share all of the probability, minus infinity gets none.

    Returns
    -------
    Float[Array, "*batch classes"]
        Zero or less.

    Examples
    --------
    >>> log_softmax(jnp.array([jnp.inf, 0.0]))
    Array([  0., -inf], dtype=float32)
    """
    largest = jax.lax.stop_gradient(scores.max(axis=-1, keepdims=True))
    shifted = difference(scores, largest)
    return shifted - jnp.log(jnp.sum(jnp.exp(shifted), axis=-1, keepdims=True))


@checked(may_be_empty=("a", "b"))
def difference(a: Float[Array, "*a"], b: Float[Array, "*b"]) -> Float[Array, "..."]:
    """Subtract, so that equal infinities differ by nothing."""
    is_same = (a == b) & jnp.isinf(a)
    return jnp.where(is_same, 0, a - jnp.where(is_same, 0, b))


@checked
def log_scaled_bessel(x: Float[Array, "*any"]) -> Float[Array, "*any"]:
    r"""Compute :math:`\log(e^{-x} I_0(x))` for ``x`` that is not negative, with its derivative from the right at 0.

    Parameters
    ----------
    x
        Zero or more.

    Returns
    -------
    Float[Array, "*any"]
        Zero or less.

    Examples
    --------
    >>> print(log_scaled_bessel(jnp.array([0.0, 1e6])))
    [ 0... -7.826...]
    """
    return _log_scaled_bessel(x)


@jax.custom_jvp
def _log_scaled_bessel(x):
    return jnp.minimum(jnp.log(special.i0e(x)), 0)


@_log_scaled_bessel.defjvp
def _(primals, tangents):
    (x,), (dx,) = primals, tangents
    is_large = x > 100
    lifted = 1 / jnp.where(is_large, x, 100)
    terms = (1 / 2, 1 / 8, 1 / 8, 25 / 128, 13 / 32, 1073 / 1024)
    series = -jnp.polyval(jnp.array(terms[::-1], x.dtype), lifted) * lifted
    small = jnp.where(is_large, 1, x)
    direct = special.i1e(small) / special.i0e(small) - 1
    return _log_scaled_bessel(x), jnp.where(is_large, series, direct) * dx
