"""Coupling flows: one half of the numbers decides how the other half is scaled and shifted, then they change places."""

import math

import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from udl_jax import training
from udl_jax._annotations import checked


@checked
def normal_log_density(z: Float[Array | np.ndarray, "*batch dimensions"]) -> Float[Array, "*batch"]:
    """Evaluate the logarithm of the standard normal density, in nats."""
    return -0.5 * jnp.sum(jnp.square(z), axis=-1) - 0.5 * z.shape[-1] * math.log(2 * math.pi)


def check_points(name: str, x: Float[Array | np.ndarray, "..."], dimensions: int) -> None:
    """Raise ``ValueError`` unless ``x`` has so many dimensions along its last axis."""
    if x.ndim < 1 or x.shape[-1] != dimensions:
        raise ValueError(f"{name} must have {dimensions} dimensions, got the shape {x.shape}")


class Coupling(nn.Module):
    """One layer: a small network looks at the first half and moves the second, then the order is turned round."""

    dimensions: int
    hidden: int

    def setup(self):
        """Make the network; its last layer is zero, so the layer starts as the identity, turned round."""
        moved = self.dimensions - self.dimensions // 2
        dense = lambda size, **how: nn.Dense(size, dot_general=training.dot_general, **how)  # noqa: E731
        self.first, self.second = dense(self.hidden), dense(self.hidden)
        self.last = dense(2 * moved, kernel_init=nn.initializers.zeros)

    def _scale_and_shift(self, kept):
        scale, shift = jnp.split(self.last(nn.silu(self.second(nn.silu(self.first(kept))))), 2, axis=-1)
        return 2 * jnp.tanh(scale / 2), shift

    def __call__(self, carry, _):
        """Go from data towards latent variables; the carry is points and the logarithm of the determinant so far."""
        x, log_determinant = carry
        kept, moved = jnp.split(x, [self.dimensions // 2], axis=-1)
        scale, shift = self._scale_and_shift(kept)
        x = jnp.concatenate([kept, moved * jnp.exp(scale) + shift], axis=-1)
        return (x[..., ::-1], log_determinant + jnp.sum(scale, axis=-1)), None

    def back(self, z, _):
        """Go from latent variables towards data."""
        kept, moved = jnp.split(z[..., ::-1], [self.dimensions // 2], axis=-1)
        scale, shift = self._scale_and_shift(kept)
        return jnp.concatenate([kept, (moved - shift) * jnp.exp(-scale)], axis=-1), None


class CouplingFlow(nn.Module):
    r"""A stack of affine coupling layers (RealNVP). Called, it returns the log-density of points.

    A layer keeps one half of the numbers and lets a network of them scale and shift the other:
    :math:`\mathbf{h}'_2 = \mathbf{h}_2\,e^{\mathbf{s}[\mathbf{h}_1]}+\mathbf{t}[\mathbf{h}_1]`. It is undone by a
    subtraction and a division, with the same network, whatever that is; the determinant is the product of the
    scales. All layers have one shape, so they are a scan and compile as one.

    Parameters
    ----------
    dimensions
        Of the points, at least 2.
    layers
        Number of couplings.
    hidden
        Width of the two hidden layers of each network.

    References
    ----------
    Prince (2023), section 16.3.3, equations 16.13 and 16.14, figure 16.6; L. Dinh et al., Density estimation using
    Real NVP (2017).

    Examples
    --------
    >>> import jax
    >>> flow = CouplingFlow(dimensions=2, layers=4)
    >>> variables = flow.init(jax.random.key(0), jnp.zeros((1, 2)))
    >>> print(f"{flow.apply(variables, jnp.zeros((1, 2)))[0]:.4f}")
    -1.8379
    """

    dimensions: int = 2
    layers: int = 8
    hidden: int = 64

    def setup(self):
        """Stack the layers."""
        if self.dimensions < 2 or self.layers < 1 or self.hidden < 1:
            raise ValueError(
                "dimensions must be at least 2, layers and hidden at least 1, "
                f"got {self.dimensions}, {self.layers} and {self.hidden}"
            )
        lifted = {"variable_axes": {"params": 0}, "split_rngs": {"params": True}, "length": self.layers}
        stack = nn.scan(Coupling, methods={"__call__": lifted, "back": {**lifted, "reverse": True}})
        self.stack = stack(self.dimensions, self.hidden)

    def __call__(self, x: Float[Array | np.ndarray, "*batch dimensions"]) -> Float[Array, "*batch"]:
        """Return the log-density of points, in nats."""
        z, log_determinant = self.to_latent(x)
        return normal_log_density(z) + log_determinant

    def to_latent(
        self, x: Float[Array | np.ndarray, "*batch dimensions"]
    ) -> tuple[Float[Array, "*batch dimensions"], Float[Array, "*batch"]]:
        r"""Return latent variables and :math:`\log|\partial\mathbf{z}/\partial\mathbf{x}|`."""
        check_points("x", x, self.dimensions)
        start = jnp.asarray(x), jnp.zeros(x.shape[:-1], x.dtype)
        return self.stack(start, None)[0]

    def from_latent(
        self, z: Float[Array | np.ndarray, "*batch dimensions"]
    ) -> Float[Array, "*batch dimensions"]:
        """Return points for latent variables."""
        check_points("z", z, self.dimensions)
        return self.stack.back(jnp.asarray(z), None)[0]
