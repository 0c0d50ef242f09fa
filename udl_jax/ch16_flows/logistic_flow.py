"""A flow in one dimension that can be trained."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float


class LogisticFlow(nn.Module):
    r"""A flow that can be trained: from data to a uniform variable, through a mixture of sigmoids.

    :math:`z = \sum_k w_k\,\text{sig}[(x-\mu_k)/s_k]` rises from 0 to 1. Called, it returns the logarithm of the density
    of ``x``, which is that of the slope, since the density of ``z`` is 1. The way back, from ``z`` to ``x``, is
    :func:`udl_jax.ch16_flows.flow_1d.inverse` of :meth:`to_uniform`.

    Parameters
    ----------
    components
        Number of sigmoids.
    span
        Their centres start evenly spread from minus this to this.

    References
    ----------
    Prince (2023), section 16.1.3, equation 16.2.
    """

    components: int
    span: float = 3.0

    def setup(self):
        """Make the three parameters of each sigmoid."""
        spread = lambda _: jnp.linspace(-self.span, self.span, self.components)  # noqa: E731
        self.logits = self.param("logits", nn.initializers.zeros, (self.components,))
        self.centres = self.param("centres", spread)
        self.log_widths = self.param("log_widths", nn.initializers.zeros, (self.components,))

    def __call__(self, x: Float[Array | np.ndarray, " points"]) -> Float[Array, " points"]:
        """Return the logarithm of the density of ``x``."""
        scaled = (x[:, None] - self.centres) / jnp.exp(self.log_widths)
        log_slopes = jax.nn.log_sigmoid(scaled) + jax.nn.log_sigmoid(-scaled) - self.log_widths
        return jax.nn.logsumexp(jax.nn.log_softmax(self.logits) + log_slopes, axis=1)

    def to_uniform(self, x: Float[Array | np.ndarray, "*shape"]) -> Float[Array, "*shape"]:
        """Return the latent variable, between 0 and 1."""
        scaled = (jnp.asarray(x)[..., None] - self.centres) / jnp.exp(self.log_widths)
        return jnp.sum(jax.nn.softmax(self.logits) * jax.nn.sigmoid(scaled), axis=-1)
