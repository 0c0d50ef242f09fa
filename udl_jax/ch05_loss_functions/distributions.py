"""The book's table of losses: which distribution a network should predict for which kind of data."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from udl_jax._annotations import checked
from udl_jax._checks import values
from udl_jax.ch05_loss_functions.bounded import Beta, Exponential, Gamma, VonMises
from udl_jax.ch05_loss_functions.discrete import Bernoulli, Categorical, PlackettLuce, Poisson
from udl_jax.ch05_loss_functions.unbounded import (
    GaussianMixture,
    Laplace,
    MultivariateNormal,
    Normal,
    StudentT,
)


@runtime_checkable
class Distribution(Protocol):
    """What all distributions of this chapter have in common: they are NamedTuples of parameters."""

    @classmethod
    def from_outputs(cls, outputs: Float[Array, "*batch width"]) -> "Distribution":
        """Map network outputs, any real numbers, to parameters."""

    def log_density(self, y: Num[Array, "..."]) -> Float[Array, "*batch"]:
        """Compute the logarithm of the density, or of the probability, of each observation."""


class Row(NamedTuple):
    """A row of the table.

    Attributes
    ----------
    data
        What kind of data.
    use
        What one predicts with them.
    distributions
        Those that suit them, the usual one first.
    """

    data: str
    use: str
    distributions: tuple[type, ...]


#: The book's figure 5.11, in its order.
TABLE = (
    Row("a real number", "regression", (Normal,)),
    Row("a real number, with outliers", "robust regression", (Laplace, StudentT)),
    Row("a real number, with several answers", "multimodal regression", (GaussianMixture,)),
    Row("a positive number", "predicting magnitude", (Exponential, Gamma)),
    Row("a number between 0 and 1", "predicting proportions", (Beta,)),
    Row("several real numbers", "multivariate regression", (MultivariateNormal,)),
    Row("an angle", "predicting direction", (VonMises,)),
    Row("0 or 1", "binary classification", (Bernoulli,)),
    Row("one of K labels", "multiclass classification", (Categorical,)),
    Row("a count", "predicting numbers of events", (Poisson,)),
    Row("a permutation of K items", "ranking", (PlackettLuce,)),
)


@checked
def likelihood(densities: Float[Array, "*batch"]) -> Float[Array, ""]:
    """Multiply the densities, or probabilities, of all observations.

    For more than some hundred observations the product is too small, or too large, for any number format.

    Parameters
    ----------
    densities
        One for each observation.

    Returns
    -------
    Float[Array, ""]
        The likelihood of the data.

    References
    ----------
    Prince (2023), section 5.1, equation 5.3.

    Examples
    --------
    >>> likelihood(jnp.array([0.5, 0.5, 0.25]))
    Array(0.0625, dtype=float32)
    """
    values("densities", densities, lambda d: ~(d < 0), "0 or more")
    return jnp.prod(densities)


@checked
def naive_negative_log_likelihood(densities: Float[Array, "*batch"]) -> Float[Array, ""]:
    """Add up the negative logarithms of densities that were computed first, as the notebooks do.

    A density too small for its number format is zero, and makes the loss infinite and its gradient NaN. Use
    :func:`negative_log_likelihood`, in which logarithms and exponentials cancel before they are computed.

    Parameters
    ----------
    densities
        One for each observation.

    Returns
    -------
    Float[Array, ""]
        The loss in nats.

    References
    ----------
    Prince (2023), section 5.1, equation 5.4.

    Examples
    --------
    >>> print(naive_negative_log_likelihood(jnp.array([1.0, 0.0])))
    inf
    """
    values("densities", densities, lambda d: ~(d < 0), "0 or more")
    return -jnp.sum(jnp.log(densities))


@checked
def negative_log_likelihood(distribution: Distribution, y: Num[Array, "..."]) -> Float[Array, ""]:
    """Add up the negative logarithms of the densities, or probabilities, of all observations.

    Every loss of chapter 5 is this function. It is also what :class:`udl_jax.training.Recipe` takes as a
    loss, for a model that returns a distribution.

    Parameters
    ----------
    distribution
        One for each observation: its parameters are arrays.
    y
        Observations.

    Returns
    -------
    Float[Array, ""]
        The loss in nats; a sum, not a mean.

    Raises
    ------
    ValueError
        If the shape of ``y`` does not fit the parameters, there are no observations, or a concrete one is impossible.

    References
    ----------
    Prince (2023), section 5.1, equation 5.4.

    Examples
    --------
    >>> negative_log_likelihood(Bernoulli(jnp.zeros(3)), jnp.array([0, 1, 1]))
    Array(2.0794415, dtype=float32)
    """
    densities = distribution.log_density(y)
    # Without this, one observation would do for many distributions, and a column for a row.
    if y.shape[: densities.ndim] != densities.shape:
        name = type(distribution).__name__
        raise ValueError(f"y of shape {y.shape} does not fit {name}, of which there are {densities.shape}")
    return 0 - jnp.sum(densities)  # so that no loss is 0, not -0
