r"""The two terms of the evidence lower bound, for any encoder and decoder."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Num

from udl_jax import _checks
from udl_jax._annotations import checked


@checked
def gaussian_kl(
    mean: Float[Array, "*batch latents"], log_variance: Float[Array, "*batch latents"]
) -> Float[Array, "*batch"]:
    r"""Compute how far a normal distribution is from the standard normal, as a Kullback-Leibler divergence.

    Parameters
    ----------
    mean, log_variance
        Of independent normal variables.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`\frac12\sum_d (\sigma_d^2 + \mu_d^2 - 1 - \log\sigma_d^2)`, in nats, one for each example: a sum, not a
        mean, over the latent variables.

    References
    ----------
    Prince (2023), section 17.6, equation 17.24.

    Examples
    --------
    >>> print(gaussian_kl(jnp.array([1.0, 0.0]), jnp.zeros(2)))
    0.5
    """
    return jnp.sum(jnp.expm1(log_variance) - log_variance + mean**2, axis=-1) / 2


@checked
def log_likelihood_of(
    x: Float[Array, "*batch features"],
    decoded: Float[Array, "*batch features"],
    sigma_sq: Num[Array, ""] | float | None = None,
) -> Float[Array, "*batch"]:
    r"""Compute :math:`\log Pr(\mathbf{x}|\mathbf{z})` from what was decoded.

    Parameters
    ----------
    x
        Examples.
    decoded
        Means, if there is a variance; else logits, and then ``x`` must lie in [0, 1].
    sigma_sq
        Variance of the data around the means.

    Returns
    -------
    Float[Array, "*batch"]
        A sum over the features, one for each example, in nats.

    Raises
    ------
    ValueError
        If shapes differ, ``sigma_sq`` is not positive, or pixels lie outside [0, 1].

    Examples
    --------
    >>> print(log_likelihood_of(jnp.array([0.0, 1.0]), jnp.array([100.0, 100.0])))
    -100.0
    """
    if sigma_sq is None:
        _checks.values("x", x, lambda x: (x >= 0) & (x <= 1), "pixels in [0, 1], where there is no sigma_sq")
        return jnp.sum(x * decoded - nn.softplus(decoded), axis=-1)
    sigma_sq = _checks.like(_checks.number("sigma_sq", sigma_sq, above=0), x)
    squares = jnp.sum((x - decoded) ** 2, axis=-1) / sigma_sq
    return -(squares + x.shape[-1] * jnp.log(2 * jnp.pi * sigma_sq)) / 2
