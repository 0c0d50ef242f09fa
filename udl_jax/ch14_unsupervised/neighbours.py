"""Is what was made within what is real, and what is real within what was made? Measures by nearest neighbours."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from udl_jax._annotations import checked
from udl_jax._checks import count, values

Real = Float[Array | np.ndarray, "real features"]
Made = Float[Array | np.ndarray, "made features"]


class PrecisionRecall(NamedTuple):
    """Two shares.

    Attributes
    ----------
    precision
        Of the made samples that lie within a ball around some real one: are they realistic?
    recall
        Of the real samples that lie within a ball around some made one: are all kinds made?
    """

    precision: Float[Array, ""]
    recall: Float[Array, ""]


class DensityCoverage(NamedTuple):
    """Two numbers.

    Attributes
    ----------
    density
        In how many balls around real samples a made one lies, over ``k``, on average; may exceed one.
    coverage
        Share of the balls around real samples in which made ones lie.
    """

    density: Float[Array, ""]
    coverage: Float[Array, ""]


@checked
def precision_recall(real: Real, made: Made, k: int = 5) -> PrecisionRecall:
    """Compute precision and recall of samples; each set is taken for the union of balls around its samples.

    Parameters
    ----------
    real, made
        Features of real samples, and of samples from the model.
    k
        A ball reaches to the ``k``-th nearest sample of the same set; static under ``jit``.

    Returns
    -------
    PrecisionRecall
        Between 0 and 1.

    Raises
    ------
    ValueError
        If ``k`` is less than 1 or not less than the numbers of samples, if a feature is not finite, or the numbers of features
        differ.

    References
    ----------
    Prince (2023), section 14.3 (manifold precision and recall); Kynkaanniemi et al. (2019), *Improved precision and recall
    metric for assessing generative models*.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> found = precision_recall(x, x[x[:, 0] > 0])  # half of the plane is never made
    >>> print(f"{found.precision:.1f}, {found.recall < 0.7}")
    1.0, True
    """
    return _precision_recall(real, made, _check(real, made, k))


@checked
def density_coverage(real: Real, made: Made, k: int = 5) -> DensityCoverage:
    """Compute density and coverage of samples, which mind outliers among the made ones less than precision and recall.

    Parameters
    ----------
    real, made, k
        As for :func:`precision_recall`; balls are those around real samples.

    Returns
    -------
    DensityCoverage
        Density is near one for samples of the same distribution, and coverage near
        ``1 - 2 ** -k`` where both sets are large and of equal size.

    Raises
    ------
    ValueError
        As :func:`precision_recall`, but there may be any number of made samples.

    References
    ----------
    Naeem et al. (2020), *Reliable fidelity and diversity metrics for generative models*.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> found = density_coverage(x, x[:100])
    >>> print(f"{found.coverage < 1}")
    True
    """
    return _density_coverage(real, made, _check(real, made, k, both=False))


@checked
def nearest_distances(made: Made, real: Real) -> Float[Array, " made"]:
    """Compute the distance of each made sample to the nearest real one: zero for copies.

    Parameters
    ----------
    made, real
        Samples; those that a model has learned from, if it is suspected of having memorised them.

    Returns
    -------
    Float[Array, " made"]
        Euclidean distances.

    Examples
    --------
    >>> nearest_distances(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]]))
    Array([0., 5.], dtype=float32)
    """
    return _nearest_distances(made, real)


@functools.partial(jax.jit, static_argnums=2)
def _precision_recall(real, made, k):
    real_radii, made_radii = _radii(real, k), _radii(made, k)

    def look(sample):
        """Tell how far all made samples are from one real sample, in two comparisons."""
        squares = ((made - sample) ** 2).sum(axis=1)
        return squares, (squares < made_radii).any()

    def step(is_within, row):
        sample, radius = row
        squares, is_met = look(sample)
        return is_within | (squares < radius), is_met

    is_within, is_met = jax.lax.scan(step, jnp.zeros(len(made), bool), (real, real_radii))
    return PrecisionRecall(is_within.mean(dtype=real.dtype), is_met.mean(dtype=real.dtype))


@functools.partial(jax.jit, static_argnums=2)
def _density_coverage(real, made, k):
    def look(row):
        sample, radius = row
        inside = ((made - sample) ** 2).sum(axis=1) < radius
        return inside.sum(), inside.any()

    numbers, is_covered = jax.lax.map(look, (real, _radii(real, k)))
    return DensityCoverage(
        numbers.sum().astype(real.dtype) / (k * len(made)), is_covered.mean(dtype=real.dtype)
    )


@jax.jit
def _nearest_distances(made, real):
    squares = jax.lax.map(lambda sample: ((real - sample) ** 2).sum(axis=1).min(), made)
    return jnp.sqrt(squares)


def _radii(x, k):
    """Compute the squared distance of each sample to its k-th nearest among the others."""

    def radius(row):
        number, sample = row
        squares = ((x - sample) ** 2).sum(axis=1).at[number].set(jnp.inf)
        return -jax.lax.top_k(-squares, k)[0][-1]

    return jax.lax.map(radius, (jnp.arange(len(x)), x))


def _check(real, made, k, both=True):
    k = count("k", k)
    for name, x in (("real", real), ("made", made)) if both else (("real", real),):
        if k >= len(x):
            raise ValueError(f"k must be less than the number of samples in {name}, {len(x)}, got {k}")
    for name, x in (("real", real), ("made", made)):
        values(name, x, np.isfinite, "finite")
    return k
