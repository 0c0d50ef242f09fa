"""A small classifier of digits, trained once, whose hidden layer is what measures of generated digits look at."""

import json
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from jaxtyping import Array, Float, Key, Num

from udl_jax import training
from udl_jax.data.mnist import Mnist

_SHIPPED = resources.files("udl_jax.data") / "recorded" / "digit_features.npz"
_EPOCHS, _BATCH = 8, 64


class DigitNetwork(nn.Module):
    """A network with two hidden layers of 128 and 64 units and ReLUs."""

    @nn.compact
    def __call__(
        self, x: Float[Array, "images pixels"]
    ) -> tuple[Float[Array, "images 10"], Float[Array, "images 64"]]:
        """Compute the scores of the ten digits, and the second hidden layer."""
        h = nn.relu(nn.Dense(128, name="hidden_0", dot_general=training.dot_general)(x))
        h = nn.relu(nn.Dense(64, name="hidden_1", dot_general=training.dot_general)(h))
        return nn.Dense(10, name="scores")(h), h


class Extracted(NamedTuple):
    """What the classifier makes of images.

    Attributes
    ----------
    features
        The last hidden layer.
    probabilities
        Of the ten digits.
    """

    features: Float[Array, "images 64"]
    probabilities: Float[Array, "images 10"]


def load_digit_network() -> tuple[dict, dict]:
    """Load the weights that ship with the package.

    They are fixed so that distances measured with them, on whatever machine and page, can be compared.

    Returns
    -------
    dict
        Flax variables of :class:`DigitNetwork`.
    dict
        How they came about, and the share of test digits that they get right.

    Examples
    --------
    >>> variables, provenance = load_digit_network()
    >>> variables["params"]["hidden_1"]["kernel"].shape
    (128, 64)
    """
    with resources.as_file(_SHIPPED) as path, np.load(path) as stored:
        arrays, provenance = dict(stored), json.loads(str(stored["provenance"]))
    params = {}
    for name in set(arrays) - {"provenance"}:
        layer, leaf = name.split("/")
        params.setdefault(layer, {})[leaf] = jnp.asarray(arrays[name].astype(float))
    return {"params": params}, provenance


def train_digit_network(key: Key[Array, ""], data: Mnist) -> dict:
    """Train the classifier afresh: 8 epochs of Adam, in batches of 64.

    Parameters
    ----------
    key
        Decides initial weights and order.
    data
        From :func:`udl_jax.data.mnist.load_mnist`.

    Returns
    -------
    dict
        Flax variables of :class:`DigitNetwork`.
    """
    x, y = data.x_train.reshape(len(data.x_train), -1), data.y_train
    steps = len(x) // _BATCH
    optimiser = optax.adam(optax.cosine_decay_schedule(1e-3, _EPOCHS * steps))
    never = training.Evaluation(every=0)
    recipe = training.Recipe(DigitNetwork(), optimiser, objective=_objective, evaluation=never)
    for_weights, for_order = jax.random.split(key)
    state = training.start(recipe, training.initialise(recipe.model, for_weights, x[:2]))
    order = training.draw_order(for_order, len(x), _EPOCHS, _BATCH)
    state, _ = training.train(recipe, state, training.Examples(x, y), None, order)
    return state.variables


def extract(variables: dict, images: Num[Array | np.ndarray, "..."]) -> Extracted:
    """Compute features and probabilities of images.

    Parameters
    ----------
    variables
        From :func:`load_digit_network`.
    images
        Pixels from 0 to 1, 784 an image in whatever shape.

    Returns
    -------
    Extracted
        A row for each image.

    Raises
    ------
    ValueError
        If images do not have 784 pixels.

    Examples
    --------
    >>> variables, _ = load_digit_network()
    >>> extract(variables, np.zeros((3, 28, 28))).features.shape
    (3, 64)
    """
    images = jnp.asarray(images)
    if images.ndim < 2 or np.prod(images.shape[1:]) != 784:
        raise ValueError(f"images must have 784 pixels each, got the shape {images.shape}")
    flat = images.reshape(len(images), -1)
    if not jnp.issubdtype(flat.dtype, jnp.floating):
        raise TypeError(f"images must be real numbers from 0 to 1, got {flat.dtype}")
    scores, features = training.predict(DigitNetwork(), variables, flat)
    return Extracted(features, nn.softmax(scores))


def save_digit_network(variables: dict, path: str | Path, provenance: dict) -> None:
    """Write weights, in half precision, as :func:`load_digit_network` reads them."""
    layers = variables["params"].items()
    arrays = {
        f"{layer}/{name}": np.asarray(leaf, np.half)
        for layer, leaves in layers
        for name, leaf in leaves.items()
    }
    np.savez_compressed(path, provenance=json.dumps(provenance), **arrays)


def _objective(model, variables, batch, draws):
    scores, _ = model.apply(variables, batch.x)
    return training.cross_entropy(scores, batch.y), {}
