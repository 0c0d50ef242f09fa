"""An autoregressive flow that is trained: 16.2's piecewise linear maps, chosen by deeper networks, on a box."""

import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from udl_jax.ch16_flows.coupling import check_points
from udl_jax.ch16_flows.piecewise_linear import invert_piecewise_linear, log_slope, piecewise_linear

#: No piece of a map rises by less than this part of what it would if all were alike, so that all can be undone.
LEAST_SHARE = 4e-3


class _Shares(nn.Module):
    """The network of one dimension: from what it may see to how far each piece rises."""

    bins: int
    hidden: int

    @nn.compact
    def __call__(self, seen):
        for name in ("first", "second"):
            seen = nn.silu(nn.Dense(self.hidden, name=name)(seen))
        even = nn.softmax(nn.Dense(self.bins, kernel_init=nn.initializers.zeros, name="last")(seen))
        return LEAST_SHARE / self.bins + (1 - LEAST_SHARE) * even


class BinnedFlow(nn.Module):
    r"""An autoregressive flow of piecewise linear maps. Called, it returns the log-density of points.

    Points of a box are scaled to the unit cube, and each coordinate is mapped to a uniform one, by a map that
    the coordinates before it decide. So the density is constant within narrow strips, and zero outside of the box.

    Parameters
    ----------
    low, high
        Corners of the box, a tuple of one number for each dimension.
    bins
        Pieces of each map.
    hidden
        Width of the two hidden layers of each network.

    References
    ----------
    Prince (2023), sections 16.3.2 and 16.3.4, equations 16.12, 16.15 and 16.17; notebook 16.2.

    Examples
    --------
    >>> import jax
    >>> flow = BinnedFlow(low=(0.0, 0.0), high=(2.0, 1.0), bins=4)
    >>> variables = flow.init(jax.random.key(0), jnp.full((1, 2), 0.5))
    >>> print(flow.apply(variables, jnp.array([[0.5, 0.5], [0.5, 1.5]])).round(4))
    [-0.6931    -inf]
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    bins: int = 64
    hidden: int = 64

    def setup(self):
        """Stack one network for each dimension."""
        sides = np.subtract(self.high, self.low)
        if len(self.low) != len(self.high) or not np.all(np.isfinite(sides) & (sides > 0)):
            raise ValueError(f"low must be below high in every dimension, got {self.low} and {self.high}")
        if self.bins < 1 or self.hidden < 1:
            raise ValueError(f"bins and hidden must be at least 1, got {self.bins} and {self.hidden}")
        stack = nn.vmap(
            _Shares, in_axes=-2, out_axes=-2, variable_axes={"params": 0}, split_rngs={"params": True}
        )
        self.networks = stack(self.bins, self.hidden)

    def _shares(self, h):
        dimensions = len(self.low)
        before = np.tril(np.ones((dimensions, dimensions)), -1).astype(h.dtype)
        return self.networks(4 * (2 * h[..., None, :] - 1) * before)

    def __call__(self, x: Float[Array | np.ndarray, "*batch dimensions"]) -> Float[Array, "*batch"]:
        """Return the log-density of points, in nats; minus infinity outside of the box."""
        return self.to_latent(x)[1]

    def to_latent(
        self, x: Float[Array | np.ndarray, "*batch dimensions"]
    ) -> tuple[Float[Array, "*batch dimensions"], Float[Array, "*batch"]]:
        r"""Return latent variables, uniform in the unit cube, and :math:`\log|\partial\mathbf{z}/\partial\mathbf{x}|`."""
        check_points("x", x, len(self.low))
        low, high = (jnp.asarray(corner, x.dtype) for corner in (self.low, self.high))
        h = (x - low) / (high - low)
        inside = jnp.all((h >= 0) & (h <= 1), axis=-1)
        h = jnp.clip(h, 0, 1)
        shares = self._shares(h)
        slopes = jnp.sum(log_slope(h, shares), axis=-1) - jnp.sum(jnp.log(high - low))
        return piecewise_linear(h, shares), jnp.where(inside, slopes, -jnp.inf)

    def from_latent(
        self, z: Float[Array | np.ndarray, "*batch dimensions"]
    ) -> Float[Array, "*batch dimensions"]:
        """Return points for latent variables of the unit cube, one coordinate after the other."""
        check_points("z", z, len(self.low))
        z = jnp.asarray(z)
        h = jnp.zeros_like(z)
        for d in range(len(self.low)):  # a handful, and each needs the ones before it
            h = h.at[..., d].set(invert_piecewise_linear(z[..., d], self._shares(h)[..., d, :]))
        low, high = (jnp.asarray(corner, z.dtype) for corner in (self.low, self.high))
        return low + h * (high - low)
