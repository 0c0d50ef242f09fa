"""Batch normalization as PyTorch has it: the statistics of a batch in training, their running averages after it."""

import functools

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Key

from udl_jax import _checks, training
from udl_jax._annotations import checked
from udl_jax.ch11_residual_networks import residual_network
from udl_jax.ch11_residual_networks.residual_network import Settings
from udl_jax.data.mnist1d import Mnist1d

EPSILON, MOMENTUM = 1e-5, 0.1


@checked
def normalize(
    h: Float[Array, "*batch units"],
    mean: Float[Array, " units"],
    variance: Float[Array, " units"],
    gamma: Float[Array, " units"],
    delta: Float[Array, " units"],
    epsilon: float = EPSILON,
) -> Float[Array, "*batch units"]:
    r"""Make mean 0 and variance 1 of units with a given mean and variance, then scale and shift.

    Parameters
    ----------
    h
        The units, one row an example.
    mean, variance
        Of each unit.
    gamma, delta
        Scale and shift of each unit, which are learnt.
    epsilon
        Added to the variance, so that a unit that never changes does no harm.

    Returns
    -------
    Float[Array, "*batch units"]
        :math:`\gamma\,(h - m)/\sqrt{s^2 + \epsilon} + \delta`.

    Raises
    ------
    ValueError
        If a variance is negative (told only where its value is known, not under ``jit``), or shapes differ.

    References
    ----------
    Prince (2023), section 11.4, equations 11.8 and 11.9, with the square root around both.

    Examples
    --------
    >>> one = jnp.ones(1)
    >>> normalize(jnp.array([[1.0], [5.0]]), 3 * one, 4 * one, one, 0 * one).round(3)
    Array([[-1.],
           [ 1.]], dtype=float32)
    """
    _checks.values("variance", variance, lambda found: found >= 0, "at least 0")
    return gamma * ((h - mean) / jnp.sqrt(variance + epsilon)) + delta


@checked
def statistics(
    h: Float[Array, "*batch units"],
) -> tuple[Float[Array, " units"], Float[Array, " units"]]:
    """Compute each unit's mean and variance over a batch, and over rows and columns if there are any.

    Parameters
    ----------
    h
        The units, along the last axis.

    Returns
    -------
    Float[Array, " units"]
        The means.
    Float[Array, " units"]
        The variances: mean squared distances from the mean.

    References
    ----------
    Prince (2023), section 11.4, equation 11.7.

    Examples
    --------
    >>> statistics(jnp.array([[1.0], [5.0]]))
    (Array([3.], dtype=float32), Array([4.], dtype=float32))
    """
    axes = tuple(range(h.ndim - 1))
    return h.mean(axis=axes), h.var(axis=axes)


class BatchNorm(nn.Module):
    """A layer that normalizes its inputs: by the batch in training, by running averages afterwards.

    It keeps to PyTorch's conventions. The running average of the variance takes in the unbiased variance of each
    batch, divided by one less than the number of values, which Flax's own layer does not; ``momentum`` is the
    weight of the new batch, where Flax's is that of the old average.

    Parameters
    ----------
    momentum
        Weight of the new batch in the running averages.
    epsilon
        Added to the variance.

    References
    ----------
    Prince (2023), section 11.4, equations 11.7 to 11.9; notebook 11.3.

    Examples
    --------
    >>> import jax
    >>> layer, h = BatchNorm(), jnp.array([[1.0], [5.0]])
    >>> variables = layer.init(jax.random.key(0), h, False)
    >>> _, updated = layer.apply(variables, h, True, mutable=["batch_stats"])
    >>> jax.tree.map(lambda leaf: round(leaf.item(), 3), updated)
    {'batch_stats': {'mean': 0.3, 'var': 1.7}}
    """

    momentum: float = MOMENTUM
    epsilon: float = EPSILON

    @nn.compact
    def __call__(self, h: Float[Array, "*batch units"], train: bool) -> Float[Array, "*batch units"]:
        """Normalize; in training, also move the running averages on.

        A single value of each unit, of which PyTorch makes an error, has no variance: it is normalized by the
        running averages in training, too, and leaves them.
        """
        shape = h.shape[-1:]
        means = self.variable("batch_stats", "mean", jnp.zeros, shape, h.dtype)
        variances = self.variable("batch_stats", "var", jnp.ones, shape, h.dtype)
        gamma = self.param("scale", nn.initializers.ones, shape, h.dtype)
        delta = self.param("bias", nn.initializers.zeros, shape, h.dtype)
        values = h.size // shape[0]
        if not train or values < 2:
            return normalize(h, means.value, variances.value, gamma, delta, self.epsilon)
        mean, variance = statistics(h)
        if not self.is_initializing():
            unbiased = variance * (values / (values - 1))
            means.value = (1 - self.momentum) * means.value + self.momentum * mean
            variances.value = (1 - self.momentum) * variances.value + self.momentum * unbiased
        return normalize(h, mean, variance, gamma, delta, self.epsilon)


#: Notebook 11.3's network: five residual blocks, looked at before it is trained.
BOOK = Settings(blocks=5)
make_recipe = functools.partial(residual_network.make_recipe, normalization=BatchNorm)


def train_network(key: Key[Array, ""], data: Mnist1d, settings: Settings = BOOK) -> training.Fit:
    """Train a residual network whose blocks begin with batch normalization.

    See :func:`udl_jax.ch11_residual_networks.residual_network.train_network`, which does the same without.

    References
    ----------
    Prince (2023), section 11.4.1, figure 11.6c; notebook 11.3.
    """
    return residual_network.train_network(key, data, settings, normalization=BatchNorm)
