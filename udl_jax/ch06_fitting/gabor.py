"""The Gabor model of chapter 6: a wavelet with two parameters, and a loss that is not convex."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from udl_jax._annotations import checked

#: What the book multiplies the frequency by, so that both parameters have sizes of the same order.
FREQUENCY_UNIT = 0.06
#: Twice the variance of the Gaussian envelope.
ENVELOPE = 32.0


@checked
def predict(phi: Float[Array, "2"], x: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    r"""Evaluate the wavelet with offset ``phi[0]`` and frequency ``phi[1]``.

    Parameters
    ----------
    phi
        Offset and frequency, :math:`\phi_0, \phi_1`.
    x
        Inputs.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`\sin(z)\exp(-z^2/32)` with :math:`z = \phi_0 + 0.06\,\phi_1 x`; between -1 and 1.

    References
    ----------
    Prince (2023), section 6.1.2, equation 6.8, figure 6.2.

    Examples
    --------
    >>> predict(jnp.array([0.0, 10.0]), jnp.array([-2.0, 0.0, 2.0]))
    Array([-0.891...,  0. ,  0.891...], dtype=float32)
    """
    z = _phase(phi, x)
    return jnp.sin(z) * jnp.exp(-(z**2) / ENVELOPE)


@checked
def least_squares_loss(
    phi: Float[Array, "2"], x: Float[Array, " batch"], y: Float[Array, " batch"]
) -> Float[Array, ""]:
    """Sum the squared differences between the wavelet and the data.

    Parameters
    ----------
    phi
        Offset and frequency.
    x, y
        Inputs and outputs of the training pairs.

    Returns
    -------
    Float[Array, ""]
        The loss, not divided by the number of pairs.

    References
    ----------
    Prince (2023), section 6.1.2, equation 6.9, figure 6.4.

    Examples
    --------
    >>> x = jnp.array([-2.0, 0.0, 2.0])
    >>> least_squares_loss(jnp.array([0.0, 10.0]), x, jnp.array([0.0, 1.0, 0.0]))
    Array(2.587..., dtype=float32)
    """
    return jnp.sum((predict(phi, x) - y) ** 2)


@checked
def gradient(
    phi: Float[Array, "2"], x: Float[Array, " batch"], y: Float[Array, " batch"]
) -> Float[Array, "2"]:
    r"""Differentiate :func:`least_squares_loss` with respect to ``phi``, by hand.

    Both parameters act through :math:`z = \phi_0 + 0.06\,\phi_1 x` alone, so the chain rule needs one
    derivative of the wavelet, :math:`(\cos z - \tfrac{z}{16} \sin z) \exp(-z^2/32)`.

    Parameters
    ----------
    phi
        Offset and frequency.
    x, y
        Inputs and outputs of the training pairs.

    Returns
    -------
    Float[Array, "2"]
        :math:`\partial L/\partial\phi_0` and :math:`\partial L/\partial\phi_1`; ``jax.grad`` gives the same.

    References
    ----------
    Prince (2023), section 6.1.2, equations 6.8 and 6.9.

    Examples
    --------
    >>> gradient(jnp.array([0.0, 10.0]), jnp.array([0.0]), jnp.array([0.5]))
    Array([-1., -0.], dtype=float32)
    """
    z = _phase(phi, x)
    envelope = jnp.exp(-(z**2) / ENVELOPE)
    dpredict_dz = (jnp.cos(z) - 2 * z / ENVELOPE * jnp.sin(z)) * envelope
    dloss_dz = 2 * (jnp.sin(z) * envelope - y) * dpredict_dz
    return jnp.stack([jnp.sum(dloss_dz), jnp.sum(dloss_dz * FREQUENCY_UNIT * x)])


def _phase(phi, x):
    offset, frequency = phi
    # So far out the envelope is zero to the last digit, and infinity has no sine.
    return jnp.clip(offset + FREQUENCY_UNIT * frequency * x, -1e3, 1e3)


class GaborModel(nn.Module):
    """The wavelet as a Flax model; its one parameter ``phi`` holds offset and frequency, zero at first.

    References
    ----------
    Prince (2023), section 6.1.2, equation 6.8.
    """

    @nn.compact
    @checked
    def __call__(self, x: Float[Array, " batch"]) -> Float[Array, " batch"]:
        """Predict an output for each input."""
        return predict(self.param("phi", nn.initializers.zeros, (2,), x.dtype), x)
