"""Numbers that tell how good a generative model is.

Likelihood, inception score and modes stand here. The Frechet distance, precision and recall, density and coverage have modules
of their own, but can be had from here as well.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from udl_jax._annotations import checked
from udl_jax._checks import count, number, values
from udl_jax.ch14_unsupervised.frechet import frechet_distance, gaussian_frechet
from udl_jax.ch14_unsupervised.neighbours import density_coverage, nearest_distances, precision_recall

__all__ = [
    "Likelihood",
    "Modes",
    "density_coverage",
    "frechet_distance",
    "gaussian_frechet",
    "inception_score",
    "log_likelihood",
    "mode_report",
    "nearest_distances",
    "precision_recall",
]

Samples = Float[Array | np.ndarray, "samples features"]


class Likelihood(NamedTuple):
    """What the log densities of test data say.

    Attributes
    ----------
    nats
        Mean log likelihood of an example.
    bits_per_dimension
        Bits that a code made for the model needs for one dimension of an example, on average. Less is better.
    error
        Standard error of ``nats``.
    """

    nats: Float[Array, ""]
    bits_per_dimension: Float[Array, ""]
    error: Float[Array, ""]


class Modes(NamedTuple):
    """How samples share out over known modes.

    Attributes
    ----------
    numbers
        Samples near each mode.
    near
        Share of the samples that are near any.
    met
        How many modes have samples near them.
    divergence
        Kullback-Leibler divergence of the shares of the modes from equal shares, in nats; infinite if no sample is near any.
    """

    numbers: Int[Array, " modes"]
    near: Float[Array, ""]
    met: Int[Array, ""]
    divergence: Float[Array, ""]


@checked
def log_likelihood(
    log_densities: Float[Array | np.ndarray, " examples"], dimensions: int, levels: int = 1
) -> Likelihood:
    r"""Summarise the log densities that a model gives to test data.

    Parameters
    ----------
    log_densities
        Natural logarithms of the density at each example.
    dimensions
        How many numbers an example has.
    levels
        If the numbers are whole ones from 0 to ``levels`` - 1 that were divided by ``levels`` after uniform noise in
        [0, 1) was added to them (*dequantisation*): the bits are then those of the whole numbers. 256 for pixels; 1 leaves the
        density as it is, and "bits" may be negative.

    Returns
    -------
    Likelihood
        With :math:`-\log p / (D \log 2) + \log_2(\text{levels})` for the bits.

    Raises
    ------
    ValueError
        If there are no examples, one is NaN, or a count is less than 1.

    References
    ----------
    Prince (2023), section 14.3 (test likelihood).

    Examples
    --------
    >>> found = log_likelihood(np.zeros(3), dimensions=784, levels=256)  # uniform on the unit cube
    >>> print(f"{found.bits_per_dimension:.1f}")
    8.0
    """
    dimensions, levels = count("dimensions", dimensions), count("levels", levels)
    values("log_densities", log_densities, lambda x: ~np.isnan(x), "free of NaN")
    nats = log_densities.mean()
    bits = -nats / (dimensions * math.log(2)) + math.log2(levels)
    return Likelihood(nats, bits, log_densities.std() / math.sqrt(len(log_densities)))


@checked
def inception_score(probabilities: Float[Array | np.ndarray, "samples classes"]) -> Float[Array, ""]:
    r"""Compute the inception score from what a classifier says of samples.

    Parameters
    ----------
    probabilities
        Of each class for each sample; rows sum to one.

    Returns
    -------
    Float[Array, ""]
        :math:`\exp\bigl[\frac1I\sum_i D_{KL}[Pr(y|x_i)\,\|\,Pr(y)]\bigr]`: from 1, where the classifier says the same of
        all samples, to the number of classes, where it is certain of each and all classes are equally many.

    Raises
    ------
    ValueError
        If a probability is negative or a row does not sum to one.

    References
    ----------
    Prince (2023), section 14.3; Salimans et al. (2016), *Improved techniques for training GANs*.

    Examples
    --------
    >>> print(f"{inception_score(np.eye(10)):.2f}, {inception_score(np.full((5, 10), 0.1)):.2f}")
    10.00, 1.00
    """
    values("probabilities", probabilities, lambda p: p >= 0, "probabilities")
    values("rows of probabilities", probabilities.sum(axis=1), lambda s: np.abs(s - 1) < 1e-2, "of sum one")
    marginal = probabilities.mean(axis=0)
    entropy = lambda p: -jnp.sum(jnp.where(p > 0, p * jnp.log(jnp.where(p > 0, p, 1)), 0), axis=-1)  # noqa: E731
    return jnp.exp(entropy(marginal) - entropy(probabilities).mean())


@checked
def mode_report(
    samples: Samples, centres: Float[Array | np.ndarray, "modes features"], radius: float
) -> Modes:
    """Count how samples share out over modes that are known, as on a ring of Gaussians.

    Parameters
    ----------
    samples
        From the model.
    centres
        Of the modes.
    radius
        How near a sample must be to its nearest centre to count.

    Returns
    -------
    Modes
        Numbers, shares and divergence.

    Raises
    ------
    ValueError
        If ``radius`` is not positive, or the numbers of features differ.

    Examples
    --------
    >>> mode_report(np.array([[0.0], [0.1], [5.0]]), np.array([[0.0], [1.0]]), radius=0.5).numbers
    Array([2, 0], dtype=int32)
    """
    radius = number("radius", radius, above=0.0)
    squares = ((samples[:, None] - centres) ** 2).sum(axis=-1)
    is_near = jnp.sqrt(squares.min(axis=1)) <= radius
    belongs: Bool[Array, "samples modes"] = jax.nn.one_hot(squares.argmin(axis=1), len(centres), dtype=bool)
    numbers = (belongs & is_near[:, None]).sum(axis=0)
    shares = numbers.astype(samples.dtype) / jnp.maximum(numbers.sum(), 1).astype(samples.dtype)
    terms = jnp.where(shares > 0, shares * jnp.log(jnp.where(shares > 0, shares, 1) * len(centres)), 0)
    divergence = jnp.where(numbers.sum() > 0, terms.sum(), jnp.inf)
    return Modes(numbers, is_near.mean(dtype=samples.dtype), (numbers > 0).sum(), divergence)
