"""The thin layer around the core: it draws weights, batch order and dropout keys from one key."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from udl_jax.training.engine import start, train
from udl_jax.training.records import History, Recipe, State
from udl_jax.training.replicas import train_replicas
from udl_jax.training.validation import Examples, check_examples

REMAINDERS = ("drop", "wrap")


class Fit(NamedTuple):
    """What training gave: the final state, and the history of loss and error."""

    state: State
    history: History


def draw_order(
    key: Key[Array, ""], examples: int, epochs: int, batch: int, remainder: str | None = None
) -> Int[Array, "{epochs} steps {batch}"]:
    """Draw the order in which training visits the examples: a fresh permutation each epoch.

    The key's bits seed a NumPy generator: a permutation inside a compiled program would cost more than the
    training of a small network. So this function cannot be jitted.

    Parameters
    ----------
    key
        Decides the order.
    examples
        How many there are.
    epochs
        How often all of them are visited.
    batch
        Examples in a batch.
    remainder
        What happens when ``batch`` does not divide ``examples``: ``"drop"`` leaves the rest of each
        permutation out, ``"wrap"`` fills the last batch from the permutation's beginning.

    Returns
    -------
    Int[Array, "epochs steps batch"]
        Indices of examples.

    Raises
    ------
    ValueError
        If a number is not positive, ``batch`` exceeds ``examples``, or does not divide it while
        ``remainder`` is None.

    Examples
    --------
    >>> order = draw_order(jax.random.key(0), examples=6, epochs=2, batch=3)
    >>> order.shape
    (2, 2, 3)
    >>> jnp.sort(order.reshape(2, 6))
    Array([[0, 1, 2, 3, 4, 5],
           [0, 1, 2, 3, 4, 5]], dtype=int32)
    """
    _check_counts(examples, epochs, batch, remainder)
    steps = examples // batch if remainder == "drop" else -(-examples // batch)
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    numbers = np.tile(np.arange(examples, dtype=np.int32), (epochs, 1))
    visited = generator.permuted(numbers, axis=1)
    again = visited[:, : max(0, steps * batch - examples)]  # none, unless the last batch wraps around
    visited = np.concatenate([visited, again], axis=1)[:, : steps * batch]
    return jax.device_put(visited.reshape(epochs, steps, batch))


def fit(
    key: Key[Array, ""],
    recipe: Recipe,
    train_data: Examples,
    test_data: Examples | None = None,
    *,
    epochs: int,
    batch: int,
    remainder: str | None = None,
    dropout: bool = False,
) -> Fit:
    """Initialise and train a model; everything random comes from ``key``.

    Parameters
    ----------
    key
        Decides initial weights, batch order and dropout.
    recipe
        Model, optimiser, loss and error.
    train_data, test_data
        Examples to learn from, and to be tested on (or None).
    epochs, batch, remainder
        As in :func:`draw_order`.
    dropout
        Draw a key for each step; for models that drop units.

    Returns
    -------
    Fit
        Final state and history.

    Raises
    ------
    ValueError
        As :func:`train` and :func:`draw_order`.
    """
    check_examples(train_data, "training")
    key_init, key_order, key_steps = jax.random.split(key, 3)
    order = draw_order(key_order, len(train_data.x), epochs, batch, remainder)
    keys = jax.random.split(key_steps, order.shape[:2]) if dropout else None
    state = start(recipe, jax.jit(recipe.model.init)(key_init, train_data.x[:1]))
    return Fit(*train(recipe, state, train_data, test_data, order, keys))


def fit_replicas(
    keys: Key[Array, " replicas"],
    recipe: Recipe,
    train_data: Examples,
    test_data: Examples | None = None,
    *,
    epochs: int,
    batch: int,
    remainder: str | None = None,
    dropout: bool = False,
) -> Fit:
    """Run :func:`fit` once for each key, side by side; every array of the result gains a leading axis.

    Parameters
    ----------
    keys
        One for each replica.
    recipe, train_data, test_data, epochs, batch, remainder, dropout
        As in :func:`fit`.

    Returns
    -------
    Fit
        Final states and histories, along a leading axis ``replicas``.

    Raises
    ------
    ValueError
        As :func:`fit`.
    """
    check_examples(train_data, "training")
    key_init, key_order, key_steps = jax.vmap(lambda key: jax.random.split(key, 3), out_axes=1)(keys)
    orders = jnp.stack([draw_order(k, len(train_data.x), epochs, batch, remainder) for k in key_order])
    step_keys = jax.vmap(lambda k: jax.random.split(k, orders.shape[1:3]))(key_steps) if dropout else None
    variables = jax.jit(jax.vmap(recipe.model.init, (0, None)))(key_init, train_data.x[:1])
    states = jax.vmap(functools.partial(start, recipe))(variables)
    return Fit(*train_replicas(recipe, states, train_data, test_data, orders, step_keys))


def _check_counts(examples, epochs, batch, remainder):
    for name, number in (("examples", examples), ("epochs", epochs), ("batch", batch)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    if batch > examples:
        raise ValueError(f"a batch of {batch} is larger than the data, which have {examples} examples")
    if remainder is not None and remainder not in REMAINDERS:
        raise ValueError(f"remainder must be one of {', '.join(REMAINDERS)} or None, got {remainder!r}")
    if examples % batch and remainder is None:
        raise ValueError(
            f"a batch of {batch} does not divide {examples} examples: say remainder='drop' to leave out "
            f"{examples % batch} of them in each epoch, or 'wrap' to show some twice"
        )
