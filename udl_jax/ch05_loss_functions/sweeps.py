"""What happens to a shallow network's loss when one of its parameters is turned."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from udl_jax._annotations import checked
from udl_jax.ch03_shallow_networks.shallow_network import stages
from udl_jax.ch05_loss_functions.distributions import Distribution, likelihood, negative_log_likelihood


class Sweep(NamedTuple):
    """Likelihood and its negative logarithm at each value of one parameter.

    Attributes
    ----------
    likelihood
        To be maximised.
    negative_log_likelihood
        To be minimised, in nats; it has its minimum where the likelihood has its maximum.
    """

    likelihood: Float[Array, " values"]
    negative_log_likelihood: Float[Array, " values"]


@checked
def outputs_at_offsets(
    theta: Float[Array, "hidden intercept_and_slopes"],
    phi: Float[Array, "outputs offset_and_weights"],
    offsets: Float[Array, " values"],
    x: Float[Array, "batch inputs"],
    *,
    unit: int = 0,
) -> Float[Array, "values batch outputs"]:
    r"""Run a shallow network once for each value of one output's offset :math:`\phi_{j0}`.

    Parameters
    ----------
    theta, phi
        The network, as in :func:`udl_jax.ch03_shallow_networks.shallow_network.stages`.
    offsets
        Values of the offset.
    x
        Inputs, one row each.
    unit
        Which output :math:`j`, counted from 0; static under ``jit``.

    Returns
    -------
    Float[Array, "values batch outputs"]
        The network's outputs.

    Raises
    ------
    ValueError
        If the network has no such output.

    References
    ----------
    Prince (2023), chapter 5, where the offset is :math:`\beta_1`; notebooks 5.1 to 5.3.

    Examples
    --------
    >>> theta, phi = jnp.array([[0.0, 1.0]]), jnp.array([[0.0, 2.0]])
    >>> outputs_at_offsets(theta, phi, jnp.array([0.0, 10.0]), jnp.array([[1.0]]))[:, 0, 0]
    Array([ 2., 12.], dtype=float32)
    """
    if not 0 <= unit < len(phi):
        raise ValueError(f"unit must be one of the network's {len(phi)} outputs, counted from 0, got {unit}")
    return jax.vmap(lambda offset: stages(theta, phi.at[unit, 0].set(offset), x).output)(offsets)


@checked
def sweep(distributions: Distribution, y: Num[Array, " batch"]) -> Sweep:
    """Compute the likelihood of the same data under many distributions.

    Parameters
    ----------
    distributions
        Parameters with a leading axis ``values``.
    y
        Observations.

    Returns
    -------
    Sweep
        Likelihoods and negative log-likelihoods.
    """

    def measure(distribution):
        densities = jnp.exp(distribution.log_density(y))
        return Sweep(likelihood(densities), negative_log_likelihood(distribution, y))

    return jax.vmap(measure)(distributions)


@checked
def best(values: Float[Array, " values"], loss: Float[Array, " values"]) -> Float[Array, ""]:
    """Return the value with the least loss, of those that are not NaN; NaN if all are.

    Examples
    --------
    >>> best(jnp.array([1.0, 2.0, 3.0]), jnp.array([5.0, 0.0, 5.0]))
    Array(2., dtype=float32)
    """
    is_number = ~jnp.isnan(loss)
    least = values[jnp.argmin(jnp.where(is_number, loss, jnp.inf))]
    return jnp.where(jnp.any(is_number), least, jnp.nan)
