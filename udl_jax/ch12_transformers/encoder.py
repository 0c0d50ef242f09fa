"""A transformer encoder that classifies signals: MNIST-1D in patches, or behind two convolutions."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from jaxtyping import Array, Float, Key, PyTree

from udl_jax import training
from udl_jax._checks import count, one_of
from udl_jax.ch08_performance.mnist1d import split
from udl_jax.ch12_transformers.transformer import Stack, TransformerLayer
from udl_jax.data.mnist1d import Mnist1d

STEMS = ("patches", "convolutions")


class Encoder(nn.Module):
    """Turn a signal into tokens, let them attend to each other, and classify by a token of its own.

    Parameters
    ----------
    stem
        What makes tokens: ``"patches"``, one linear map for every stretch of ``patch`` heights; or ``"convolutions"``, two
        of them, the second with a stride of two.
    patch
        Heights in a patch; must divide the length of the signals.
    width, layers, heads, hidden
        Of the transformer.
    classes
        Number of outputs.
    positions
        Add a learnt vector to each token that tells its place.
    keep_weights
        Return a pair, outputs and attention weights.
    param_dtype
        Of initial parameters; None for JAX's default.

    References
    ----------
    Prince (2023), sections 12.4, 12.6 and 12.10.
    """

    stem: str = "patches"
    patch: int = 4
    width: int = 32
    layers: int = 2
    heads: int = 4
    hidden: int = 64
    classes: int = 10
    positions: bool = True
    keep_weights: bool = False
    param_dtype: Any = None

    @nn.compact
    def __call__(self, x: Float[Array, "batch length"]) -> Any:
        """Return a score for each class; with ``keep_weights`` also attention, (layers, batch, heads, 1+tokens, 1+tokens)."""
        settings = {"param_dtype": self.param_dtype or jnp.result_type(float)}
        tokens = self._patches(x, settings) if self.stem == "patches" else self._convolutions(x, settings)
        first = self.param("class_token", nn.initializers.normal(0.1), (self.width,), settings["param_dtype"])
        if self.positions:
            shape = (tokens.shape[1], self.width)
            tokens += self.param("positions", nn.initializers.normal(0.1), shape, settings["param_dtype"])
        tokens = jnp.concatenate([jnp.broadcast_to(first, (len(x), 1, self.width)), tokens], axis=1)
        layer = TransformerLayer(
            self.heads, self.hidden, keep_weights=self.keep_weights, damping=0.3, **settings
        )
        tokens, _, weights = Stack(self.layers, layer, name="stack")(tokens)
        outputs = nn.Dense(self.classes, name="classify", **settings)(
            nn.LayerNorm(epsilon=1e-5, name="norm", **settings)(tokens[:, 0])
        )
        return (outputs, weights) if self.keep_weights else outputs

    def _patches(self, x, settings):
        if x.shape[1] % self.patch:
            raise ValueError(f"patch must divide the length of the signals, {x.shape[1]}, got {self.patch}")
        return nn.Dense(self.width, name="embed", **settings)(x.reshape(len(x), -1, self.patch))

    def _convolutions(self, x, settings):
        conv = functools.partial(training.Conv, kernel_size=(5,), **settings)
        tokens = jax.nn.gelu(conv(self.width // 2, name="conv_1")(x[..., None]))
        return conv(self.width, strides=(2,), name="conv_2")(tokens)


@dataclasses.dataclass(frozen=True)
class Settings:
    """The encoder and its training.

    Parameters
    ----------
    stem, patch, positions
        As in :class:`Encoder`.
    epochs, batch
        Passes through the training data, and signals in a batch.
    rate
        The learning rate's peak, after one epoch; then it follows half a cosine down to zero.
    decay
        Weight decay of AdamW.

    Raises
    ------
    ValueError
        If ``stem`` is unknown, or a number is less than 1.
    """

    stem: str = "patches"
    patch: int = 4
    positions: bool = True
    epochs: int = 20
    batch: int = 100
    rate: float = 6e-3
    decay: float = 0.01

    def __post_init__(self):
        one_of("stem", self.stem, STEMS)
        for name in ("patch", "epochs", "batch"):
            count(name, getattr(self, name))


@functools.cache
def make_recipe(settings: Settings, *, examples: int = 4000) -> training.Recipe:
    """Make the recipe: encoder, AdamW with a rate that rises and falls, cross-entropy.

    Parameters
    ----------
    settings
        The encoder and its training.
    examples
        Number of training examples, which decides how many steps an epoch has.

    Returns
    -------
    training.Recipe
        For :func:`udl_jax.training.train`.
    """
    steps = -(-examples // settings.batch)
    total = max(settings.epochs * steps, steps + 1)
    rate = optax.warmup_cosine_decay_schedule(0.0, settings.rate, steps, total)
    model = Encoder(settings.stem, settings.patch, positions=settings.positions)
    return training.Recipe(model, optax.flatten(optax.adamw(rate, weight_decay=settings.decay)))


def train_encoder(key: Key[Array, ""], data: Mnist1d, settings: Settings = Settings()) -> training.Fit:
    """Train once, from weights and in a batch order drawn from ``key``.

    Parameters
    ----------
    key
        Decides initial weights and batch order.
    data
        From :func:`udl_jax.data.mnist1d.load_mnist1d`.
    settings
        The encoder and its training.

    Returns
    -------
    training.Fit
        Final weights, and per epoch the loss in nats and the error in percent.

    Raises
    ------
    ValueError
        If the patches do not divide the signals.

    References
    ----------
    Prince (2023), sections 12.4 and 12.10.
    """
    recipe = make_recipe(settings, examples=len(data.x_train))
    train_data, test_data = split(data)
    return training.fit(
        key, recipe, train_data, test_data, epochs=settings.epochs, batch=settings.batch, remainder="wrap"
    )


@functools.partial(jax.jit, static_argnums=0)
def attention_maps(
    model: Encoder, variables: Mapping[str, PyTree], x: Float[Array | np.ndarray, "batch length"]
) -> Float[Array, "layers batch heads tokens tokens"]:
    """Return the attention weights of all layers and heads; the class token comes first.

    Parameters
    ----------
    model
        Static.
    variables
        Its variables.
    x
        Signals.

    Returns
    -------
    Float[Array, "layers batch heads tokens tokens"]
        Rows belong to queries, columns to keys.
    """
    return model.clone(keep_weights=True).apply(variables, x)[1]
