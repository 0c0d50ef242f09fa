"""The thin layer around the core: it draws weights, batch order and what the objective needs from one key."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key, PyTree, UInt32

from udl_jax._annotations import as_key
from udl_jax._checks import count, one_of
from udl_jax.training.engine import start, train
from udl_jax.training.objectives import initialise, rows_of
from udl_jax.training.records import Examples, History, Recipe, State
from udl_jax.training.replicas import train_replicas
from udl_jax.training.validation import check_examples

REMAINDERS = ("drop", "wrap")
# A key of either kind: from :func:`jax.random.key`, or the array that :func:`jax.random.PRNGKey` makes.
AnyKey = Key[Array, ""] | UInt32[Array, "2"]
# What draws for an objective: from a key and the shape (epochs, steps, batch), a tree with these leading axes,
# of which the third may be missing.
Drawer = Callable[[Key[Array, ""], tuple[int, int, int]], PyTree]


class Fit(NamedTuple):
    """What training gave: the final state, and the history of loss and error."""

    state: State
    history: History


def draw_order(
    key: AnyKey, examples: int, epochs: int, batch: int, remainder: str | None = None
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
    generator = np.random.default_rng(np.asarray(jax.random.key_data(as_key("key", key))))
    numbers = np.tile(np.arange(examples, dtype=np.int32), (epochs, 1))
    visited = generator.permuted(numbers, axis=1)
    again = visited[:, : max(0, steps * batch - examples)]  # none, unless the last batch wraps around
    visited = np.concatenate([visited, again], axis=1)[:, : steps * batch]
    return jax.device_put(visited.reshape(epochs, steps, batch))


def fit(
    key: AnyKey,
    recipe: Recipe,
    train_data: Examples,
    test_data: Examples | None = None,
    *,
    epochs: int,
    batch: int,
    remainder: str | None = None,
    dropout: bool = False,
    draw: Drawer | None = None,
) -> Fit:
    """Initialise and train a model; everything random comes from ``key``.

    Parameters
    ----------
    key
        Decides initial weights, batch order and draws.
    recipe
        Model, optimiser, and what is minimised and reported.
    train_data, test_data
        Examples to learn from, and to be tested on (or None).
    epochs, batch, remainder
        As in :func:`draw_order`.
    dropout
        Draw a key for each step; for models that drop units.
    draw
        For an objective with draws of its own: a function of a key and of the shape (epochs, steps, batch) that
        returns a tree of arrays with the leading axes (epochs, steps).

    Returns
    -------
    Fit
        Final state and history.

    Raises
    ------
    ValueError
        As :func:`train` and :func:`draw_order`; also if both ``dropout`` and ``draw`` are asked for.
    TypeError
        If ``key`` is no key.

    Examples
    --------
    A mean that is learnt from noisy looks at the data, by an objective of our own:

    >>> import optax
    >>> from flax import linen as nn
    >>> class Mean(nn.Module):
    ...     @nn.compact
    ...     def __call__(self):
    ...         return self.param("mean", nn.initializers.zeros, ())
    >>> def objective(model, variables, batch, noise):
    ...     return jnp.mean((batch.x + noise - model.apply(variables)) ** 2), {}
    >>> recipe = Recipe(Mean(), optax.sgd(0.1), objective=objective)
    >>> def draw(key, shape):
    ...     return 0.01 * jax.random.normal(key, shape)
    >>> data, mean = Examples(jnp.full(8, 5.0)), {"params": {"mean": jnp.zeros(())}}
    >>> order = draw_order(jax.random.key(0), examples=8, epochs=30, batch=4)
    >>> noise = draw(jax.random.key(1), order.shape)
    >>> state, history = train(recipe, start(recipe, mean), data, None, order, noise)
    >>> print(f"{state.variables['params']['mean']:.2f}")
    5.00
    """
    check_examples(train_data, "training")
    key_init, key_order, key_draws = jax.random.split(as_key("key", key), 3)
    order = draw_order(key_order, rows_of(train_data), epochs, batch, remainder)
    draws = _draw(key_draws, order.shape, dropout, draw)
    first = jax.tree.map(lambda leaf: leaf[:1], train_data.x)
    state = start(recipe, initialise(recipe.model, key_init, first))
    return Fit(*train(recipe, state, train_data, test_data, order, draws))


def fit_replicas(
    keys: Key[Array, " replicas"] | UInt32[Array, "replicas 2"],
    recipe: Recipe,
    train_data: Examples,
    test_data: Examples | None = None,
    *,
    epochs: int,
    batch: int,
    remainder: str | None = None,
    dropout: bool = False,
    draw: Drawer | None = None,
) -> Fit:
    """Run :func:`fit` once for each key, side by side; every array of the result gains a leading axis.

    Parameters
    ----------
    keys
        One for each replica.
    recipe, train_data, test_data, epochs, batch, remainder, dropout, draw
        As in :func:`fit`.

    Returns
    -------
    Fit
        Final states and histories, along a leading axis ``replicas``.

    Raises
    ------
    ValueError
        As :func:`fit`; also if there are no keys.
    TypeError
        As :func:`fit`.
    """
    check_examples(train_data, "training")
    keys = as_key("keys", keys)
    if keys.ndim != 1 or len(keys) == 0:
        raise ValueError(f"keys must be one for each replica, along one axis, got the shape {keys.shape}")
    key_init, key_order, key_draws = jax.vmap(lambda key: jax.random.split(key, 3), out_axes=1)(keys)
    orders = np.stack([draw_order(k, rows_of(train_data), epochs, batch, remainder) for k in key_order])
    drawn = [_draw(k, orders.shape[1:], dropout, draw) for k in key_draws]
    draws = jax.tree.map(lambda *leaves: jnp.stack(leaves), *drawn)
    first = jax.tree.map(lambda leaf: leaf[:1], train_data.x)
    states = _start_replicas(recipe, key_init, first)
    return Fit(*train_replicas(recipe, states, train_data, test_data, orders, draws))


@functools.partial(jax.jit, static_argnums=0)
def _start_replicas(recipe, keys, x):
    return jax.vmap(lambda key: start(recipe, initialise(recipe.model, key, x)))(keys)


def _draw(key, shape, dropout, draw):
    if dropout and draw is not None:
        raise ValueError("dropout draws keys, and draw draws something else: ask for one of them")
    if dropout:
        return jax.random.split(key, shape[:2])
    return None if draw is None else draw(key, shape)


def _check_counts(examples, epochs, batch, remainder):
    for name, number in (("examples", examples), ("epochs", epochs), ("batch", batch)):
        count(name, number)
    if batch > examples:
        raise ValueError(f"a batch of {batch} is larger than the data, which have {examples} examples")
    if remainder is not None:
        one_of("remainder", remainder, REMAINDERS)
    elif examples % batch:
        raise ValueError(
            f"a batch of {batch} does not divide {examples} examples: say remainder='drop' to leave out "
            f"{examples % batch} of them in each epoch, or 'wrap' to show some twice"
        )
