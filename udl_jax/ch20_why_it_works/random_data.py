"""Random data: a network learns signals that mean nothing, and labels that are wrong, nearly as easily as the real ones."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key, Num

from udl_jax import _checks, training
from udl_jax._annotations import as_key, checked
from udl_jax.ch08_performance import mnist1d
from udl_jax.data.mnist1d import Mnist1d

#: The notebook's network, four hidden layers of 300 units, and its training: chapter 8's, with numbers of its own.
BOOK = mnist1d.Settings(hidden=(300,) * 4, rate=0.02, decay_every=20, epochs=60)


class Trainings(NamedTuple):
    """The same training on three versions of the data; each is a :class:`udl_jax.training.Fit`.

    Attributes
    ----------
    true
        The data as they are.
    random_inputs
        With noise in place of the signals, and the labels as they are.
    random_labels
        With the signals as they are, and labels that belong to other signals.
    """

    true: training.Fit
    random_inputs: training.Fit
    random_labels: training.Fit


@checked
def randomize_inputs(
    x: Float[Array, "examples inputs"], noise: Float[Array, "examples inputs"]
) -> Float[Array, "examples inputs"]:
    """Put noise in place of the inputs, with the mean and the standard deviation that they have all together.

    Parameters
    ----------
    x
        The inputs, of which nothing is left but two numbers: one mean and one deviation for all columns.
    noise
        Standard normal draws.

    Raises
    ------
    ValueError
        If the shapes differ, or there are no inputs.

    References
    ----------
    Prince (2023), section 20.2.1, figure 20.1; Zhang et al. (2017), "Understanding deep learning requires rethinking
    generalization".

    Examples
    --------
    >>> randomize_inputs(jnp.array([[1.0, 3.0]]), jnp.array([[-1.0, 2.0]]))
    Array([[1., 4.]], dtype=float32)
    """
    return x.mean() + x.std() * noise.astype(x.dtype)


@checked
def permute_labels(
    y: Int[Array, " examples"], order: Int[Array, " examples"], share: Num[ArrayLike, ""] = 1.0
) -> Int[Array, " examples"]:
    """Give examples the labels of others; each class keeps its number of labels.

    Parameters
    ----------
    y
        The labels.
    order
        A permutation of 0, 1, ...: whose label each example gets.
    share
        Which part of the examples change labels among each other, from 0 to 1: those that the permutation names first.

    Returns
    -------
    Int[Array, " examples"]
        The permuted labels. A few are right by chance, a tenth of them with ten equal classes.

    Raises
    ------
    ValueError
        If the lengths differ, ``order`` is no permutation, or ``share`` lies outside [0, 1].

    References
    ----------
    Prince (2023), section 20.2.1, figure 20.1.

    Examples
    --------
    >>> permute_labels(jnp.array([7, 8, 9]), jnp.array([2, 0, 1])).tolist()
    [9, 7, 8]
    >>> permute_labels(jnp.array([7, 8, 9]), jnp.array([2, 0, 1]), share=0.67).tolist()
    [9, 8, 7]
    """
    share = _checks.number("share", share, least=0)
    _checks.values("share", share, lambda s: s <= 1, "at most 1")
    wanted = np.arange(len(y))
    if not _checks.is_traced(order) and not np.array_equal(np.sort(np.asarray(order)), wanted):
        raise ValueError(f"order must be a permutation of 0..{len(y) - 1}")
    # The chosen, in the order in which the permutation names them, hand their labels on in the order of their places.
    chosen = wanted < jnp.round(share * len(y))
    receivers = jnp.sort(jnp.where(chosen, order, len(y)))
    return y.at[receivers].set(y[order], mode="drop")


@checked
def draw_inputs(key: Key[Array, ""], x: Float[Array, "examples inputs"]) -> Float[Array, "examples inputs"]:
    """Draw the noise of :func:`randomize_inputs`."""
    return randomize_inputs(x, jax.random.normal(key, x.shape, x.dtype))


@checked
def draw_labels(
    key: Key[Array, ""], y: Int[Array, " examples"], share: Num[ArrayLike, ""] = 1.0
) -> Int[Array, " examples"]:
    """Draw the permutation of :func:`permute_labels`."""
    return permute_labels(y, jax.random.permutation(key, len(y)), share)


def train_three(key: Key[Array, ""], data: Mnist1d, settings: mnist1d.Settings = BOOK) -> Trainings:
    """Train on the data, on random inputs, and on random labels, from the same weights and in the same batch order.

    All three have the same shapes, so they are three calls of one compiled program. They are tested on the real test
    data.

    Parameters
    ----------
    key
        Decides initial weights and batch order, which all three share, the noise and the permutation.
    data
        From :func:`udl_jax.data.mnist1d.load_mnist1d`.
    settings
        Network and training.

    Returns
    -------
    Trainings
        Final weights, and per epoch the loss in nats and the error in percent.

    Raises
    ------
    ValueError
        As :func:`udl_jax.ch08_performance.mnist1d.train_network`.

    References
    ----------
    Prince (2023), section 20.2.1, figure 20.1; notebook 20.1.
    """
    key, for_inputs, for_labels = jax.random.split(as_key("key", key), 3)
    versions = (
        data,
        data._replace(x_train=draw_inputs(for_inputs, data.x_train)),
        data._replace(y_train=draw_labels(for_labels, data.y_train)),
    )
    return Trainings(*(mnist1d.train_network(key, version, settings) for version in versions))


@checked
def margins(
    scores: Float[Array, "examples classes"], y: Int[Array, " examples"]
) -> Float[Array, " examples"]:
    """Tell by how much the score of the right class exceeds the best of the others; negative where it is wrong.

    Parameters
    ----------
    scores
        A network's outputs, for two classes at least.
    y
        The right classes.

    Raises
    ------
    ValueError
        If there is only one class, or a label numbers none.

    Examples
    --------
    >>> margins(jnp.array([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]]), jnp.array([0, 1]))
    Array([ 1., -2.], dtype=float32)
    """
    classes = scores.shape[1]
    if classes < 2:
        raise ValueError(f"scores must be of two classes at least, got {classes}")
    _checks.values("y", y, lambda y: (y >= 0) & (y < classes), f"labels in 0..{classes - 1}")
    right = y[:, None] == jnp.arange(classes)
    best = jnp.max(jnp.where(right, -jnp.inf, scores), axis=1)
    return jnp.sum(jnp.where(right, scores, 0), axis=1) - best
