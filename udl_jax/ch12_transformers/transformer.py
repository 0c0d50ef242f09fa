"""The transformer layer, and a stack of equal ones: what encoders, decoders and GPT-2 are made of."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Bool, Float, Int

from udl_jax._annotations import checked
from udl_jax._checks import count
from udl_jax.ch12_transformers.self_attention import attend


@checked
def exact_gelu(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Apply the Gaussian error linear unit in its exact form, as PyTorch's layers do."""
    return jax.nn.gelu(x, approximate=False)


#: Activations by the names that GPT-2's configuration files have for them; GPT-2's own is an approximation.
ACTIVATIONS: dict[str, Callable] = {
    "gelu_new": functools.partial(jax.nn.gelu, approximate=True),
    "gelu": exact_gelu,
    "relu": jax.nn.relu,
    "silu": jax.nn.silu,
    "tanh": jnp.tanh,
}
ACTIVATIONS |= {"gelu_pytorch_tanh": ACTIVATIONS["gelu_new"], "swish": ACTIVATIONS["silu"]}


class Memory(NamedTuple):
    """Keys and values of tokens that were read, so that none has to be read twice.

    Attributes
    ----------
    keys, values
        With room for as many tokens as the context has; what lies beyond ``length`` means nothing.
    length
        How many tokens were read.
    """

    keys: Float[Array, "layers batch heads context width"]
    values: Float[Array, "layers batch heads context width"]
    length: Int[Array, ""]


class SelfAttention(nn.Module):
    """Multihead self-attention with one matrix for queries, keys and values of all heads.

    Parameters
    ----------
    heads
        Number of heads, which must divide the width.
    scaled
        Divide scores by the square root of a head's width.
    keep_weights
        Return the attention weights, too; otherwise None in their place.
    damping
        Factor of the initial weights that lead back to the width of a token.
    param_dtype
        Of initial parameters; None for JAX's default.
    """

    heads: int
    scaled: bool = True
    keep_weights: bool = False
    damping: float = 1.0
    param_dtype: Any = None

    @nn.compact
    def __call__(self, x, mask=None, past=None, at=0, factor=None):
        """Return new tokens, keys and values of all tokens so far, and weights.

        ``past`` is a pair of keys and values with room for more, ``at`` the place where those of ``x`` go.
        """
        width = x.shape[-1]
        if width % self.heads:
            raise ValueError(f"heads must divide the width, {width}, got {self.heads}")
        settings = {"param_dtype": self.param_dtype or jnp.result_type(float)}
        joint = nn.Dense(3 * width, name="project", **settings)(x)
        split = joint.reshape(*x.shape[:-1], 3, self.heads, width // self.heads)
        q, k, v = jnp.moveaxis(split, (-3, -2), (0, -3))
        if past is not None:
            k, v = (_write(room, new, at) for room, new in zip(past, (k, v), strict=True))
        q = q if factor is None else q * factor
        attended = attend(q, k, v, mask, scaled=self.scaled)
        together = jnp.swapaxes(attended.values, -3, -2).reshape(x.shape)
        combined = nn.Dense(width, kernel_init=_damped(self.damping), name="combine", **settings)(together)
        kept = None if past is None else (k, v)
        return combined, kept, attended.weights if self.keep_weights else None


class TransformerLayer(nn.Module):
    r"""Self-attention, then a small network for each token, each with a normalisation and a detour around it.

    Parameters
    ----------
    heads
        Number of heads.
    hidden
        Width of the small network's hidden layer; None for four times the width of a token.
    norm_first
        Normalise what goes into the two parts, as GPT-2 and most later networks do. False normalises the sums that
        come out, as in equation 12.13.
    activation
        Of the small network.
    epsilon
        Added to the variance in layer normalisation; 1e-5 as in PyTorch and GPT-2.
    scaled, keep_weights, damping, param_dtype
        As in :class:`SelfAttention`; ``damping`` also holds for the small network.

    References
    ----------
    Prince (2023), section 12.4, equation 12.13, figure 12.7.
    """

    heads: int
    hidden: int | None = None
    norm_first: bool = True
    activation: Callable = exact_gelu
    epsilon: float = 1e-5
    scaled: bool = True
    keep_weights: bool = False
    damping: float = 1.0
    param_dtype: Any = None

    @nn.compact
    def __call__(self, x, mask=None, past=None, at=0, factor=None):
        """Return new tokens and a pair: keys and values of all tokens so far, and attention weights."""
        width = x.shape[-1]
        settings = {"param_dtype": self.param_dtype or jnp.result_type(float)}
        attention = SelfAttention(
            self.heads, self.scaled, self.keep_weights, self.damping, self.param_dtype, name="attention"
        )
        norm_1 = nn.LayerNorm(epsilon=self.epsilon, name="norm_1", **settings)
        norm_2 = nn.LayerNorm(epsilon=self.epsilon, name="norm_2", **settings)
        widen = nn.Dense(self.hidden or 4 * width, name="widen", **settings)
        narrow = nn.Dense(width, kernel_init=_damped(self.damping), name="narrow", **settings)

        attended, past, weights = attention(norm_1(x) if self.norm_first else x, mask, past, at, factor)
        x = x + attended if self.norm_first else norm_1(x + attended)
        processed = narrow(self.activation(widen(norm_2(x) if self.norm_first else x)))
        x = x + processed if self.norm_first else norm_2(x + processed)
        return x, (past, weights)


class Stack(nn.Module):
    """Equal transformer layers, one after another: a scan, so that many compile as fast as one.

    Parameters
    ----------
    layers
        How many.
    layer
        An unbound :class:`TransformerLayer`, which all are like.
    by_layer
        Divide the scores of layer l, counted from 1, by l.
    """

    layers: int
    layer: TransformerLayer
    by_layer: bool = False

    @nn.compact
    def __call__(self, x, mask=None, past=None, at=0):
        """Return new tokens; keys and values, and attention weights, along a leading axis ``layers``."""
        scan = nn.scan(
            lambda layer, x, past, factor: layer(x, mask, past, at, factor),
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=(0, 0),
            length=self.layers,
        )
        factors = (1 / jnp.arange(1, self.layers + 1)).astype(x.dtype) if self.by_layer else None
        layer = self.layer.clone(name="layers", parent=self)
        x, (past, weights) = scan(layer, x, past, factors)
        return x, past, weights


def sinusoidal_positions(tokens: int, width: int, dtype: Any = None) -> Float[Array, "{tokens} {width}"]:
    r"""Make vectors that tell positions apart: sines and cosines of ever longer periods.

    Parameters
    ----------
    tokens
        Number of positions.
    width
        Of a token, an even number.
    dtype
        Precision; None for JAX's default.

    Returns
    -------
    Float[Array, "tokens width"]
        To be added to the tokens. In row :math:`n`, columns :math:`2i` and :math:`2i+1` are sine and cosine of
        :math:`n / 10000^{2i/D}`.

    Raises
    ------
    ValueError
        If a number is less than 1, or ``width`` is odd.

    References
    ----------
    Prince (2023), section 12.3.1, figure 12.5.

    Examples
    --------
    >>> [f"{value:.2f}" for value in sinusoidal_positions(2, 2)[1]]
    ['0.84', '0.54']
    """
    tokens, width = count("tokens", tokens), count("width", width)
    if width % 2:
        raise ValueError(f"width must be even, got {width}")
    angles = np.arange(tokens)[:, None] / 10000 ** (np.arange(0, width, 2) / width)
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(tokens, width)
    return jnp.asarray(waves, dtype or jnp.result_type(float))


@checked
def allowed(at: Int[Array, ""] | int, tokens: int, room: int) -> Bool[Array, "{tokens} {room}"]:
    """Make the causal mask of ``tokens`` tokens from place ``at`` on, over ``room`` places of a memory."""
    return at + jnp.arange(tokens)[:, None] >= jnp.arange(room)


def _damped(factor):
    return nn.initializers.variance_scaling(factor**2, "fan_in", "truncated_normal")


def _write(room, new, at):
    return jax.lax.dynamic_update_slice_in_dim(room, new, at, axis=-2)
