"""Autoregressive flows: each number is bent by a map that the numbers before it decide."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from udl_jax._annotations import checked
from udl_jax._checks import count
from udl_jax.ch16_flows.piecewise_linear import (
    bisect_piecewise_linear,
    check_unit,
    invert_piecewise_linear,
    log_slope,
    piecewise_linear,
)

__all__ = [
    "Networks",
    "bisect_piecewise_linear",
    "draw_networks",
    "forward",
    "inverse",
    "invert_piecewise_linear",
    "log_determinant",
    "log_slope",
    "piecewise_linear",
    "shares",
]


class Networks(NamedTuple):
    """One shallow network for each dimension, all of one size, so that all are one computation.

    What would let a dimension look at itself or at later ones is multiplied by zero: of ``omega_0`` only
    the entries ``[d, :, :d]`` matter.

    Attributes
    ----------
    beta_0, omega_0
        Biases and weights of the hidden units.
    beta_1, omega_1
        Those of the outputs, of which a softmax makes shares.
    """

    beta_0: Float[Array | np.ndarray, "dimensions hidden"]
    omega_0: Float[Array | np.ndarray, "dimensions hidden dimensions"]
    beta_1: Float[Array | np.ndarray, "dimensions pieces"]
    omega_1: Float[Array | np.ndarray, "dimensions pieces hidden"]


@checked
def shares(
    networks: Networks, h: Float[Array | np.ndarray, "*batch dimensions"]
) -> Float[Array, "*batch dimensions pieces"]:
    r"""Compute the map of every dimension from the numbers before it.

    Parameters
    ----------
    networks
        One for each dimension.
    h
        Points, a dimension in each column.

    Returns
    -------
    Float[Array, "*batch dimensions pieces"]
        :math:`\phi[h_{1:d-1}]`: how far each piece of the map of :math:`h_d` rises. Row d does not depend on
        :math:`h_d, h_{d+1}, \dots`

    Raises
    ------
    ValueError
        If ``networks`` and ``h`` have different numbers of dimensions.

    References
    ----------
    Prince (2023), section 16.3.4, figure 16.7.
    """
    beta_0, omega_0, beta_1, omega_1 = (jnp.asarray(part) for part in networks)
    dimensions = len(beta_0)
    if h.ndim < 1 or h.shape[-1] != dimensions:
        raise ValueError(
            f"h must have {dimensions} dimensions, one for each network, got the shape {h.shape}"
        )
    before = jnp.tril(jnp.ones((dimensions, dimensions), omega_0.dtype), -1)
    hidden = jax.nn.relu(beta_0 + jnp.einsum("dhi,di,...i->...dh", omega_0, before, h))
    return jax.nn.softmax(beta_1 + jnp.einsum("dkh,...dh->...dk", omega_1, hidden))


@checked
def forward(
    networks: Networks, h: Float[Array | np.ndarray, "*batch dimensions"]
) -> Float[Array, "*batch dimensions"]:
    r"""Send points through the flow, all dimensions at once.

    Parameters
    ----------
    networks
        One for each dimension.
    h
        Points of the unit cube.

    Returns
    -------
    Float[Array, "*batch dimensions"]
        :math:`h'_d = \text{g}\bigl[h_d, \phi[h_{1:d-1}]\bigr]`, in the unit cube again.

    Raises
    ------
    ValueError
        If a point lies outside of the unit cube, or has another number of dimensions than there are networks.

    References
    ----------
    Prince (2023), section 16.3.4, equations 16.15 and 16.16, figure 16.7a.
    """
    return piecewise_linear(h, shares(networks, h))


@checked
def inverse(
    networks: Networks,
    h_prime: Float[Array | np.ndarray, "*batch dimensions"],
    undo: Callable = invert_piecewise_linear,
) -> Float[Array, "*batch dimensions"]:
    r"""Send points back, one dimension after the other: the map of each needs the ones before it.

    Parameters
    ----------
    networks
        One for each dimension.
    h_prime
        Points of the unit cube.
    undo
        Inverse of the piecewise linear map; :func:`bisect_piecewise_linear` is the notebook's.

    Returns
    -------
    Float[Array, "*batch dimensions"]
        :math:`h_d = \text{g}^{-1}\bigl[h'_d, \phi[h_{1:d-1}]\bigr]`.

    Raises
    ------
    ValueError
        If a point lies outside of the unit cube, or has another number of dimensions than there are networks.

    References
    ----------
    Prince (2023), section 16.3.4, equation 16.17, figure 16.7b.
    """
    check_unit("h_prime", h_prime)
    _check_dimensions("h_prime", networks, h_prime)

    def step(h, d):
        phi = jnp.take(shares(networks, h), d, axis=-2)
        found = undo(jnp.take(h_prime, d, axis=-1), phi)
        return h.at[..., d].set(found), None

    return jax.lax.scan(step, jnp.zeros_like(h_prime), jnp.arange(h_prime.shape[-1]))[0]


@checked
def log_determinant(
    networks: Networks, h: Float[Array | np.ndarray, "*batch dimensions"]
) -> Float[Array, "*batch"]:
    r"""Compute the logarithm of the determinant of the Jacobian of :func:`forward`.

    No dimension depends on later ones, so the Jacobian is triangular, and its determinant is the product of the
    slopes along its diagonal. If :math:`h'` is uniform in the unit cube, this is the log-density of :math:`h`.

    Parameters
    ----------
    networks
        One for each dimension.
    h
        Points.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`\sum_d \log|\partial h'_d/\partial h_d|`; minus infinity outside of the unit cube.

    Raises
    ------
    ValueError
        If points have another number of dimensions than there are networks.

    References
    ----------
    Prince (2023), section 16.3.4; equation 16.11.
    """
    inside = jnp.all((h >= 0) & (h <= 1), axis=-1)
    phi = shares(networks, jnp.clip(h, 0, 1))
    return jnp.where(inside, jnp.sum(log_slope(jnp.clip(h, 0, 1), phi), axis=-1), -jnp.inf)


@checked
def draw_networks(key: Key[Array, ""], dimensions: int, pieces: int = 5, hidden: int = 10) -> Networks:
    """Draw networks with standard normal weights and biases, as the notebook's are.

    Parameters
    ----------
    key
        Decides the draws.
    dimensions, pieces, hidden
        Sizes.

    Returns
    -------
    Networks
        One for each dimension; the first sees nothing, so its map is the same for all points.

    Raises
    ------
    ValueError
        If a size is not positive.

    Examples
    --------
    >>> networks = draw_networks(jax.random.key(0), dimensions=3)
    >>> h = jnp.array([0.2, 0.4, 0.6])
    >>> [f"{found:.4f}" for found in inverse(networks, forward(networks, h))]
    ['0.2000', '0.4000', '0.6000']
    """
    sizes = {"dimensions": dimensions, "pieces": pieces, "hidden": hidden}
    d, k, n = (count(name, size) for name, size in sizes.items())
    shapes = ((d, n), (d, n, d), (d, k), (d, k, n))
    flat = jax.random.normal(key, (sum(int(np.prod(shape)) for shape in shapes),))
    cuts = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    return Networks(*(part.reshape(shape) for part, shape in zip(jnp.split(flat, cuts), shapes)))


def _check_dimensions(name, networks, h):
    """Return the number of dimensions, if points have as many as there are networks."""
    dimensions = len(networks.beta_0)
    if h.shape[-1] != dimensions:
        raise ValueError(
            f"{name} must have {dimensions} dimensions, one for each network, got the shape {h.shape}"
        )
    return dimensions
