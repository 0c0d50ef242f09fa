r"""Networks that guess the noise in samples of any time: dense layers for points, a U-Net for images."""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int, Num

from udl_jax import _checks, training
from udl_jax._annotations import checked


@checked
def time_features(t: Num[Array, " batch"], width: int) -> Float[Array, "batch {width}"]:
    r"""Write times as sines and cosines of many frequencies, so that a network can tell near ones and far ones apart.

    Parameters
    ----------
    t
        Times, in steps.
    width
        Even number of features; static under ``jit``.

    Returns
    -------
    Float[Array, "batch {width}"]
        Sines, then cosines; periods rise from :math:`2\pi` to :math:`2\pi \cdot 10^4` steps.

    Raises
    ------
    ValueError
        If ``width`` is odd or below 2.

    References
    ----------
    Prince (2023), section 18.3, figure 18.9; Vaswani et al. (2017), section 3.5.

    Examples
    --------
    >>> print(time_features(jnp.array([0]), 4))
    [[0. 0. 1. 1.]]
    """
    if _checks.count("width", width, least=2) % 2:
        raise ValueError(f"width must be even, got {width}")
    rates = 1e-4 ** (jnp.arange(width // 2) / max(1, width // 2 - 1))
    angles = t[:, None].astype(rates.dtype) * rates
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)


class Condition(nn.Module):
    """Make one vector of time and class.

    Parameters
    ----------
    width
        Of the vector.
    classes
        How many classes there are; 0 for none. One more label, equal to ``classes``, stands for "any".
    """

    width: int
    classes: int = 0

    @nn.compact
    def __call__(
        self, t: Int[Array, " batch"], label: Int[Array, " batch"] | None
    ) -> Float[Array, "batch width"]:
        """Compute the vector; without a label it is that of "any"."""
        found = nn.Dense(self.width)(time_features(t, self.width))
        if self.classes:
            label = jnp.full(t.shape, self.classes) if label is None else label
            found = found + nn.Embed(self.classes + 1, self.width)(label)
        return nn.Dense(self.width)(nn.swish(found))


class MlpDenoiser(nn.Module):
    """Residual dense layers, for points in the plane and the like.

    Parameters
    ----------
    width
        Of the hidden layers; even.
    blocks
        How many residual layers.
    classes
        As for :class:`Condition`.
    """

    width: int = 128
    blocks: int = 3
    classes: int = 0

    @nn.compact
    def __call__(
        self,
        z: Float[Array, "batch features"],
        t: Int[Array, " batch"],
        label: Int[Array, " batch"] | None = None,
    ) -> Float[Array, "batch features"]:
        """Guess the noise in samples ``z`` after ``t`` steps."""
        dense = lambda width: nn.Dense(width, dot_general=training.dot_general)  # noqa: E731
        condition = Condition(self.width, self.classes)(t, label)
        h = dense(self.width)(z)
        for _ in range(self.blocks):
            h = h + dense(self.width)(nn.swish(dense(self.width)(nn.swish(h + condition))))
        return dense(z.shape[-1])(nn.swish(h))


class Block(nn.Module):
    """A residual block of two convolutions, between which time and class scale and shift the channels."""

    channels: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch height width inputs"], condition: Float[Array, "batch features"]
    ) -> Float[Array, "batch height width channels"]:
        """Compute the block."""
        h = training.Conv(self.channels, (3, 3))(nn.swish(nn.LayerNorm()(x)))
        scale, shift = jnp.split(nn.Dense(2 * self.channels)(condition)[:, None, None], 2, axis=-1)
        h = nn.swish(nn.LayerNorm()(h) * (1 + scale) + shift)
        h = training.Conv(
            self.channels, (3, 3), kernel_init=nn.initializers.variance_scaling(0.1, "fan_in", "normal")
        )(h)
        if x.shape[-1] != self.channels:
            x = nn.Dense(self.channels)(x)
        return x + h


class Overview(nn.Module):
    """Let every place of an image know of all others, and of time and class, before details are drawn.

    Convolutions only look at neighbours. Here one dense layer mixes the places, the same for all channels, and
    another makes a picture of time and class; both start at zero. The weights belong to one size of image.
    """

    @nn.compact
    def __call__(
        self, x: Float[Array, "batch height width channels"], condition: Float[Array, "batch features"]
    ) -> Float[Array, "batch height width channels"]:
        """Add what was mixed to the image."""
        batch, height, width, channels = x.shape
        places = height * width
        rows = nn.swish(nn.LayerNorm()(x)).reshape(batch, places, channels).transpose(0, 2, 1)
        mixed = nn.Dense(places, kernel_init=nn.initializers.zeros)(nn.swish(nn.Dense(2 * places)(rows)))
        sketch = nn.Dense(places * channels, kernel_init=nn.initializers.zeros)(nn.swish(condition))
        return x + mixed.transpose(0, 2, 1).reshape(x.shape) + sketch.reshape(x.shape)


class UNet(nn.Module):
    """A small U-Net: down to half the size and up again, with a bridge from one side to the other.

    Images are cut into squares of 2 by 2 pixels first, which become channels; most of the work is then a quarter.

    Parameters
    ----------
    channels
        At the full size and at half of it.
    width
        Of the vector of time and class; even.
    classes
        As for :class:`Condition`.

    References
    ----------
    Prince (2023), section 18.3, figure 18.9; section 11.5.3, figure 11.10.
    """

    channels: tuple[int, int] = (24, 48)
    width: int = 64
    classes: int = 10

    @nn.compact
    def __call__(
        self,
        z: Float[Array, "batch height width depth"],
        t: Int[Array, " batch"],
        label: Int[Array, " batch"] | None = None,
    ) -> Float[Array, "batch height width depth"]:
        """Guess the noise in images ``z`` after ``t`` steps; height and width are multiples of 4."""
        batch, height, width, depth = z.shape
        if height % 4 or width % 4:
            raise ValueError(
                f"z must have a height and a width that are multiples of 4, got {height} x {width}"
            )
        condition = Condition(self.width, self.classes)(t, label)
        x = z.reshape(batch, height // 2, 2, width // 2, 2, depth).transpose(0, 1, 3, 2, 4, 5)
        x = training.Conv(self.channels[0], (3, 3))(x.reshape(batch, height // 2, width // 2, -1))
        bridge = Block(self.channels[0])(x, condition)
        x = training.mean_pool(bridge, (2, 2))
        x = Block(self.channels[1])(x, condition)
        x = Block(self.channels[1])(Overview()(x, condition), condition)
        x = jnp.repeat(jnp.repeat(nn.Dense(self.channels[0])(x), 2, axis=1), 2, axis=2)
        x = Block(self.channels[0])(jnp.concatenate([x, bridge], axis=-1), condition)
        x = nn.Dense(4 * depth)(nn.swish(nn.LayerNorm()(x)))
        x = x.reshape(batch, height // 2, width // 2, 2, 2, depth).transpose(0, 1, 3, 2, 4, 5)
        return x.reshape(z.shape)
