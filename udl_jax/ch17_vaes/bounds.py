r"""Bounds of a learned model's likelihood by importance sampling, and the likelihood itself where a grid can reach it."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, PyTree

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch17_vaes import latent_variables
from udl_jax.ch17_vaes.elbo_terms import log_likelihood_of
from udl_jax.ch17_vaes.importance_sampling import log_mean_weight
from udl_jax.ch17_vaes.latent_variables import Decoder


@checked
def log_weights(
    model: nn.Module,
    variables: Mapping[str, PyTree],
    x: Float[Array, "batch features"],
    noise: Float[Array, "draws batch latents"],
) -> Float[Array, "draws batch"]:
    r"""Compute the logarithms of importance weights, with the encoder's guess to draw from.

    Parameters
    ----------
    model, variables
        An :class:`udl_jax.ch17_vaes.autoencoder.Autoencoder` and its variables.
    x
        Examples.
    noise
        Standard normal draws, several for each latent variable.

    Returns
    -------
    Float[Array, "draws batch"]
        :math:`\log\bigl[Pr(\mathbf{x}|\mathbf{z})\,Pr(\mathbf{z})/q(\mathbf{z}|\mathbf{x})\bigr]`.

    Raises
    ------
    ValueError
        If ``noise`` does not hold draws of all latent variables of all examples, or pixels lie outside [0, 1].

    References
    ----------
    Prince (2023), section 17.8.1, equation 17.28.
    """
    x, noise = as_rows(model, x), jnp.asarray(noise)
    _checks.shape_of(
        "noise", noise, (len(noise), len(x), model.latents), "several draws of the latent variables"
    )
    mean, log_variance = model.apply(variables, x, method="encode")
    z = mean + jnp.exp(log_variance / 2) * noise
    decoded = model.apply(variables, z.reshape(-1, model.latents), method="decode").reshape(
        len(noise), *x.shape
    )
    ratio = jnp.sum(log_variance + noise**2 - z**2, axis=-1) / 2  # log of prior over guess
    return log_likelihood_of(jnp.broadcast_to(x, decoded.shape), decoded, model.sigma_sq) + ratio


@checked
def log_likelihood(
    model: nn.Module,
    variables: Mapping[str, PyTree],
    x: Float[Array, "batch features"],
    noise: Float[Array, "draws batch latents"],
) -> Float[Array, " batch"]:
    r"""Estimate :math:`\log Pr(\mathbf{x})` by importance sampling; with one draw on average it is the ELBO.

    Parameters
    ----------
    model, variables, x, noise
        As for :func:`log_weights`. They are worked through draw by draw, so memory does not grow with their number.

    Returns
    -------
    Float[Array, " batch"]
        :math:`\log\frac1I\sum_i w_i`: on average too small, the less so the more draws.

    Raises
    ------
    ValueError
        If ``noise`` does not hold draws of all latent variables of all examples, or pixels lie outside [0, 1].

    References
    ----------
    Prince (2023), section 17.8.1, equation 17.28.
    """
    weights = jax.lax.map(lambda one: log_weights(model, variables, x, one[None])[0], jnp.asarray(noise))
    return log_mean_weight(weights.T)


def decoder_of(model: nn.Module, variables: Mapping[str, PyTree]) -> Decoder:
    """Make of a model with one latent variable and points in the plane a decoder for 17.1's functions."""
    if (model.latents, model.features) != (1, 2) or model.sigma_sq is None:
        raise ValueError(f"model must have 1 latent variable, 2 features and a sigma_sq, got {model}")
    return lambda z: model.apply(variables, z[:, None], method="decode")


@checked
def exact_log_likelihood(
    model: nn.Module,
    variables: Mapping[str, PyTree],
    x: Float[Array, "batch 2"],
    z: Float[Array, " latents"],
) -> Float[Array, " batch"]:
    r"""Compute the likelihood that a model with one latent variable gives to points, by a sum over a grid.

    Parameters
    ----------
    model, variables
        A model with one latent variable, two features and a variance.
    x
        Points in the plane.
    z
        Equally spaced latent variables in rising order, wide and dense enough to stand for all.

    Returns
    -------
    Float[Array, " batch"]
        :math:`\log Pr(\mathbf{x})`, which the bounds are bounds of.

    Raises
    ------
    ValueError
        If the model is another, or ``z`` is not equally spaced.

    References
    ----------
    Prince (2023), section 17.2, equation 17.6.
    """
    return latent_variables.log_density(x, z, model.sigma_sq, decoder_of(model, variables))


def as_rows(model, x):
    """Return examples as an array of two axes; refuse any other."""
    return jnp.asarray(_checks.as_floats("x", x, axes=2)).reshape(len(x), -1)
