r"""Two ways to differentiate an expectation whose distribution has the parameters: along the path, or by the score."""

import jax.numpy as jnp
from jax.scipy import stats
from jaxtyping import Array, Float, Num

from udl_jax import _checks
from udl_jax._annotations import checked


@checked
def integrand(x: Float[Array, "*draws"]) -> Float[Array, "*draws"]:
    r"""Compute the function whose expectation notebook 17.2 takes, :math:`\text{f}[x] = x^2 + \sin[x]`."""
    return x**2 + jnp.sin(x)


@checked
def sample_path(phi: Num[Array, ""] | float, noise: Float[Array, "*draws"]) -> Float[Array, "*draws"]:
    r"""Turn standard normal draws into draws from the notebook's distribution.

    Parameters
    ----------
    phi
        The parameter :math:`\phi`.
    noise
        Standard normal draws :math:`\epsilon`.

    Returns
    -------
    Float[Array, "*draws"]
        :math:`x = \phi^3 + e^\phi\,\epsilon`, which is drawn from :math:`\text{Norm}_x[\phi^3, (e^\phi)^2]`.

    References
    ----------
    Prince (2023), section 17.7; notebook 17.2.

    Examples
    --------
    >>> print(sample_path(0.0, jnp.array([-1.0, 2.0])))
    [-1.  2.]
    """
    phi = _parameter(phi, noise)
    return phi**3 + jnp.exp(phi) * noise


@checked
def expectation(phi: Num[Array, ""] | float, noise: Float[Array, " draws"]) -> Float[Array, ""]:
    r"""Estimate the expectation of :func:`integrand` by the average over draws.

    Parameters
    ----------
    phi
        The parameter :math:`\phi`.
    noise
        Standard normal draws.

    Returns
    -------
    Float[Array, ""]
        :math:`\frac1I\sum_i \text{f}[x_i] \approx \mathbb{E}_{Pr(x|\phi)}[\text{f}[x]]`.

    References
    ----------
    Prince (2023), section 17.7, equation 17.33; notebook 17.2.

    Examples
    --------
    >>> print(expectation(0.0, jnp.array([-1.0, 1.0])))
    1.0
    """
    return jnp.mean(integrand(sample_path(phi, noise)))


@checked
def reparameterized_gradient(phi: Num[Array, ""] | float, noise: Float[Array, " draws"]) -> Float[Array, ""]:
    r"""Estimate the derivative of the expectation by the average of derivatives along the draws' paths.

    Parameters
    ----------
    phi
        The parameter :math:`\phi`.
    noise
        Standard normal draws, which stay as they are when :math:`\phi` moves.

    Returns
    -------
    Float[Array, ""]
        The average of :math:`\frac{d\text{f}}{dx}\frac{dx}{d\phi} = (2x + \cos[x])(3\phi^2 + e^\phi\,\epsilon)`,
        derived by hand; ``jax.grad`` of :func:`expectation` is the same.

    References
    ----------
    Prince (2023), section 17.7, equation 17.34; notebook 17.2.

    Examples
    --------
    >>> print(reparameterized_gradient(0.0, jnp.array([-1.0, 1.0])))
    2.0
    """
    return jnp.mean(path_derivative(phi, noise))


@checked
def path_derivative(phi: Num[Array, ""] | float, noise: Float[Array, " draws"]) -> Float[Array, " draws"]:
    """Compute what :func:`reparameterized_gradient` averages."""
    x, phi = sample_path(phi, noise), _parameter(phi, noise)
    return (2 * x + jnp.cos(x)) * (3 * phi**2 + jnp.exp(phi) * noise)


@checked
def log_density(x: Float[Array, "*draws"], phi: Num[Array, ""] | float) -> Float[Array, "*draws"]:
    r"""Compute :math:`\log Pr(x|\phi)` of the notebook's distribution."""
    phi = _parameter(phi, x)
    return stats.norm.logpdf(x, phi**3, jnp.exp(phi))


@checked
def d_log_density(x: Float[Array, "*draws"], phi: Num[Array, ""] | float) -> Float[Array, "*draws"]:
    r"""Differentiate :func:`log_density` by :math:`\phi`, by hand: the score.

    Parameters
    ----------
    x
        Places.
    phi
        The parameter :math:`\phi`.

    Returns
    -------
    Float[Array, "*draws"]
        :math:`3\phi^2\,\frac{\epsilon}{e^\phi} + \epsilon^2 - 1` with :math:`\epsilon = (x - \phi^3)/e^\phi`.

    Examples
    --------
    >>> print(d_log_density(jnp.array([-1.0, 0.0, 2.0]), 0.0))
    [ 0. -1.  3.]
    """
    phi = _parameter(phi, x)
    epsilon = (x - phi**3) / jnp.exp(phi)
    return 3 * phi**2 * epsilon / jnp.exp(phi) + epsilon**2 - 1


@checked
def score_function_gradient(
    phi: Num[Array, ""] | float, noise: Float[Array, " draws"], baseline: Num[Array, ""] | float = 0.0
) -> Float[Array, ""]:
    r"""Estimate the derivative of the expectation without a derivative of the function.

    Parameters
    ----------
    phi
        The parameter :math:`\phi`.
    noise
        Standard normal draws.
    baseline
        Subtracted from the function. It does not change what is estimated, since the score is zero on average, but how
        much estimates vary.

    Returns
    -------
    Float[Array, ""]
        The average of :math:`(\text{f}[x] - b)\,\frac{\partial}{\partial\phi}\log Pr(x|\phi)`, also called the REINFORCE
        estimator.

    References
    ----------
    Prince (2023), problem 17.5; notebook 17.2.

    Examples
    --------
    >>> print(score_function_gradient(0.0, jnp.array([-2.0, 2.0])))
    12.0
    """
    return jnp.mean(score_derivative(phi, noise, baseline))


@checked
def score_derivative(
    phi: Num[Array, ""] | float, noise: Float[Array, " draws"], baseline: Num[Array, ""] | float = 0.0
) -> Float[Array, " draws"]:
    """Compute what :func:`score_function_gradient` averages."""
    x = sample_path(phi, noise)
    return (integrand(x) - _parameter(baseline, x, "baseline")) * d_log_density(x, phi)


@checked
def exact_expectation(phi: Num[Array, ""] | float) -> Float[Array, ""]:
    r"""Compute the expectation in closed form.

    Returns
    -------
    Float[Array, ""]
        :math:`\mu^2 + \sigma^2 + \sin[\mu]\,e^{-\sigma^2/2}` with :math:`\mu = \phi^3` and :math:`\sigma = e^\phi`. Its
        derivative is ``jax.grad(exact_expectation)``.

    Examples
    --------
    >>> import jax
    >>> print(f"{exact_expectation(0.5):.5f} {jax.grad(exact_expectation)(0.5):.5f}")
    2.76593 5.72816
    """
    phi = jnp.asarray(_checks.number("phi", phi))
    mean, variance = phi**3, jnp.exp(2 * phi)
    return mean**2 + variance + jnp.sin(mean) * jnp.exp(-variance / 2)


def _parameter(value, like, name="phi"):
    return _checks.like(_checks.number(name, value), like)
