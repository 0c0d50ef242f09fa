"""Residual flows: layers that add a contraction to their input, undone by 16.3's fixed-point iteration."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from udl_jax._annotations import checked
from udl_jax._checks import count
from udl_jax.ch16_flows.contraction import invert_residual
from udl_jax.ch16_flows.coupling import check_points, normal_log_density

#: No slope of x times sigmoid(x) is larger.
_STEEPEST_SWISH = 1.1
#: Weights are made in the dtype of Flax's own layers, whatever the default of JAX.
_WEIGHTS = nn.Dense.param_dtype


class _Block(nn.Module):
    """Scale and shift every number, then add a contraction: one hidden layer whose matrices have a bounded norm."""

    dimensions: int
    hidden: int
    beta: float

    def setup(self):
        """Make two matrices, and what scales, shifts and bends."""
        normal, zeros = nn.initializers.lecun_normal(), nn.initializers.zeros
        self.omega_0 = self.param("omega_0", normal, (self.dimensions, self.hidden), _WEIGHTS)
        self.omega_1 = self.param("omega_1", normal, (self.hidden, self.dimensions), _WEIGHTS)
        self.beta_0 = self.param("beta_0", nn.initializers.normal(1.0), (self.hidden,), _WEIGHTS)
        self.log_scale = self.param("log_scale", zeros, (self.dimensions,), _WEIGHTS)
        self.shift = self.param("shift", zeros, (self.dimensions,), _WEIGHTS)
        self.sharpness = self.param("sharpness", zeros, (self.hidden,), _WEIGHTS)

    def _weights(self):
        bound = jnp.asarray(self.beta, self.omega_0.dtype) ** 0.5
        return bound * self.omega_0 / spectral_norm(self.omega_0), bound * self.omega_1 / spectral_norm(
            self.omega_1
        )

    def _bend(self, before):
        sharpness = jax.nn.softplus(self.sharpness + 0.5)
        return before * jax.nn.sigmoid(sharpness * before) / _STEEPEST_SWISH

    def __call__(self, carry, _):
        """Go from data towards latent variables; the carry is points and the logarithm of the determinant so far."""
        x, log_determinant = carry
        omega_0, omega_1 = self._weights()
        x = x * jnp.exp(self.log_scale) + self.shift
        before = x @ omega_0 + self.beta_0
        after, slopes = jax.jvp(self._bend, (before,), (jnp.ones_like(before),))
        jacobian = jnp.einsum("ih,...h,hj->...ji", omega_0, slopes, omega_1)
        volume = jnp.linalg.slogdet(jnp.eye(self.dimensions, dtype=x.dtype) + jacobian)[1]
        log_determinant = log_determinant + volume + jnp.sum(self.log_scale)
        return (x + after @ omega_1, log_determinant), None

    def back(self, z, iterations):
        """Go from latent variables towards data, by a fixed point."""
        omega_0, omega_1 = self._weights()
        add = lambda x: self._bend(x @ omega_0 + self.beta_0) @ omega_1  # noqa: E731
        tolerance = 2 * float(jnp.finfo(z.dtype).eps)
        x = invert_residual(add, z, tolerance=tolerance, iterations=iterations).z
        return (x - self.shift) * jnp.exp(-self.log_scale), None


class ResidualFlow(nn.Module):
    r"""A stack of residual layers that can be undone. Called, it returns the log-density of points.

    Each layer adds to its input a network whose Lipschitz constant is at most ``beta``. The network has one hidden layer, so
    that its two matrices are as narrow as the points are, and their norms are known exactly. So is the determinant
    of the layer, a small one; for many dimensions there is :func:`estimate_log_determinant`.

    Parameters
    ----------
    dimensions
        Of the points.
    layers
        Number of residual layers.
    hidden
        Width of the hidden layer of each, at least as many as there are dimensions.
    beta
        Bound on the slope of what is added, between 0 and 1. The closer to 1, the more a layer can bend, and the longer
        it takes to undo it.

    References
    ----------
    Prince (2023), section 16.3.7, equations 16.20 and 16.21; J. Behrmann et al., Invertible residual networks (2019);
    R. Chen et al., Residual flows for invertible generative modeling (2019), for the activation function.

    Examples
    --------
    >>> flow = ResidualFlow(layers=4)
    >>> x = jnp.array([[0.5, -0.5]])
    >>> variables = flow.init(jax.random.key(0), x)
    >>> z, _ = flow.apply(variables, x, method=flow.to_latent)
    >>> back = flow.apply(variables, z, method=flow.from_latent)
    >>> print(f"{jnp.abs(back - x).max() < 1e-5}")
    True
    """

    dimensions: int = 2
    layers: int = 16
    hidden: int = 128
    beta: float = 0.97

    def setup(self):
        """Stack the layers."""
        if self.dimensions < 1 or self.layers < 1 or self.hidden < self.dimensions:
            raise ValueError(
                "dimensions and layers must be at least 1, hidden at least dimensions, "
                f"got {self.dimensions}, {self.layers} and {self.hidden}"
            )
        if not 0 < self.beta < 1:
            raise ValueError(f"beta must lie strictly between 0 and 1, for a contraction, got {self.beta}")
        lifted = {"variable_axes": {"params": 0}, "split_rngs": {"params": True}, "length": self.layers}
        back = {**lifted, "reverse": True, "in_axes": nn.broadcast}
        stack = nn.scan(_Block, methods={"__call__": lifted, "back": back})
        self.stack = stack(self.dimensions, self.hidden, self.beta)

    def __call__(self, x: Float[Array | np.ndarray, "*batch dimensions"]) -> Float[Array, "*batch"]:
        """Return the log-density of points, in nats."""
        z, log_determinant = self.to_latent(x)
        return normal_log_density(z) + log_determinant

    def to_latent(
        self, x: Float[Array | np.ndarray, "*batch dimensions"]
    ) -> tuple[Float[Array, "*batch dimensions"], Float[Array, "*batch"]]:
        r"""Return latent variables and :math:`\log|\partial\mathbf{z}/\partial\mathbf{x}|`."""
        check_points("x", x, self.dimensions)
        return self.stack((jnp.asarray(x), jnp.zeros(x.shape[:-1], x.dtype)), None)[0]

    def from_latent(
        self, z: Float[Array | np.ndarray, "*batch dimensions"], iterations: int = 200
    ) -> Float[Array, "*batch dimensions"]:
        """Return points for latent variables, each layer undone by so many iterations at most."""
        check_points("z", z, self.dimensions)
        return self.stack.back(jnp.asarray(z), iterations)[0]


@checked
def spectral_norm(omega: Float[Array | np.ndarray, "rows columns"]) -> Float[Array, ""]:
    r"""Compute the largest singular value of a matrix that is narrow one way: how far it can stretch a vector.

    It is the root of the largest eigenvalue of the smaller of the two products of the matrix with its transpose.
    Power iteration, which large matrices need, gives a lower bound only.

    Parameters
    ----------
    omega
        The matrix, not zero.

    Returns
    -------
    Float[Array, ""]
        :math:`\max_{\mathbf{v}} |\boldsymbol\Omega\mathbf{v}|/|\mathbf{v}|`.

    Examples
    --------
    >>> print(f"{spectral_norm(jnp.array([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0]])):.3f}")
    4.000
    """
    omega = omega if omega.shape[0] <= omega.shape[1] else omega.T
    return jnp.sqrt(jnp.linalg.eigvalsh(omega @ omega.T)[-1])


@checked
def estimate_log_determinant(
    function: Callable,
    x: Float[Array | np.ndarray, " dimensions"],
    probes: Float[Array | np.ndarray, "probes dimensions"],
    terms: int = 20,
) -> Float[Array, ""]:
    r"""Estimate :math:`\log|\mathbf{I}+\partial\mathbf{f}/\partial\mathbf{x}|` without the matrix, from products with vectors.

    The logarithm is a power series in the Jacobian, and the trace of each power is the mean of
    :math:`\boldsymbol\epsilon^T\mathbf{A}^k\boldsymbol\epsilon` over random vectors.

    Parameters
    ----------
    function
        A contraction :math:`\mathbf{f}` from points to points.
    x
        The point.
    probes
        Vectors :math:`\boldsymbol\epsilon` whose entries have mean 0 and variance 1 and are independent, say signs or normal draws.
    terms
        Of the series; static under ``jit``. What is left out is smaller than the contraction's
        :math:`\beta` to the power of one more, times :math:`D/(1-\beta)`.

    Returns
    -------
    Float[Array, ""]
        :math:`\sum_{k=1}^{K} \frac{(-1)^{k-1}}{k}\,\text{trace}\bigl[(\partial\mathbf{f}/\partial\mathbf{x})^k\bigr]`, with
        each trace estimated.

    Raises
    ------
    ValueError
        If ``terms`` is less than 1.

    References
    ----------
    Prince (2023), section 16.3.7, equations 16.22 to 16.24.

    Examples
    --------
    >>> half = lambda x: 0.5 * x
    >>> print(f"{estimate_log_determinant(half, jnp.zeros(2), jnp.ones((1, 2)), 40):.4f}")
    0.8109
    """
    terms = count("terms", terms)
    _, push = jax.linearize(function, x)

    def one(probe):
        def step(vector, k):
            vector = push(vector)
            return vector, (-1) ** (k - 1) / k * (probe @ vector)

        return jnp.sum(jax.lax.scan(step, probe, jnp.arange(1, terms + 1, dtype=x.dtype))[1])

    return jnp.mean(jax.vmap(one)(probes))
