"""Early stopping: training ends when the loss on held-out examples has stopped falling."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, PyTree

from udl_jax import _checks, training
from udl_jax._annotations import as_key, checked


class Stop(NamedTuple):
    """When training stops early, in epochs counted from 0.

    Attributes
    ----------
    best
        Epoch of the lowest loss until then, whose weights one keeps; -1 if no loss was a number.
    last
        The last epoch that is trained.
    """

    best: Int[Array, ""]
    last: Int[Array, ""]


@checked
def early_stop(losses: Float[Array, " epochs"], patience: int) -> Stop:
    """Find where training stops that waits for ``patience`` epochs for a lower loss.

    Parameters
    ----------
    losses
        Validation loss after each epoch. One that is NaN is never the lowest.
    patience
        How many epochs in a row may bring no improvement; at least 1.

    Returns
    -------
    Stop
        The best epoch, and the last; that of the whole training if patience never ran out.

    Raises
    ------
    ValueError
        If there are no losses, or ``patience`` is less than 1.

    References
    ----------
    Prince (2023), section 9.3.1, figure 9.6.

    Examples
    --------
    >>> early_stop(jnp.array([3.0, 1.0, 2.0, 2.0, 0.5]), patience=2)
    Stop(best=Array(1, dtype=int32), last=Array(3, dtype=int32))
    """
    _checks.count("patience", patience)

    def look(carry, plan):
        lowest, best, last = carry
        epoch, loss = plan
        going = epoch - best <= patience
        better = going & (loss < lowest)
        best, lowest = jnp.where(better, epoch, best), jnp.where(better, loss, lowest)
        return (lowest, best, jnp.where(going, epoch, last)), None

    start = jnp.full((), jnp.inf, losses.dtype), jnp.full((), -1, jnp.int32), jnp.zeros((), jnp.int32)
    (_, best, last), _ = jax.lax.scan(look, start, (jnp.arange(len(losses), dtype=jnp.int32), losses))
    return Stop(best, last)


def train_until_it_worsens(
    recipe: training.Recipe,
    state: training.State,
    train_data: training.Examples,
    validation_data: training.Examples,
    order: Int[Array | np.ndarray, "epochs steps batch"],
    draws: PyTree = None,
    *,
    patience: int,
) -> tuple[training.State, training.History]:
    """Train epoch by epoch, until the validation loss has not fallen for ``patience`` epochs.

    Parameters
    ----------
    recipe, state, train_data, order, draws
        As in :func:`udl_jax.training.train`; ``order`` has as many epochs as there may be.
    validation_data
        Examples that training does not see, and that decide when it ends.
    patience
        As in :func:`early_stop`.

    Returns
    -------
    State
        The best one that was met, after which the loss did not fall any further.
    History
        Of all epochs that were trained, those of waiting included.

    Raises
    ------
    ValueError
        As :func:`udl_jax.training.train`; also if ``patience`` is less than 1.

    References
    ----------
    Prince (2023), section 9.3.1.
    """
    _checks.count("patience", patience)
    _checks.refuse_traced(
        "train_until_it_worsens", (state, order), "it looks at losses to decide whether to go on"
    )
    best, lowest, waited, histories = state, np.inf, 0, []
    for epoch in range(len(order)):
        drawn = jax.tree.map(lambda leaf, epoch=epoch: leaf[epoch : epoch + 1], draws)
        state, history = training.train(
            recipe, state, train_data, validation_data, order[epoch : epoch + 1], drawn
        )
        histories.append(history)
        loss = float(history.test.loss[-1])
        waited += 1
        if loss < lowest:
            best, lowest, waited = state, loss, 0
        if waited == patience:
            break
    # NumPy joins them: JAX would compile a program for each number of epochs.
    return best, jax.tree.map(lambda *parts: jnp.asarray(np.concatenate(parts)), *histories)


def hold_out(
    key: Key[Array, ""], examples: training.Examples, count: int
) -> tuple[training.Examples, training.Examples]:
    """Part examples at random into those to train on, and ``count`` others for validation."""
    total = len(examples.x)
    if not 1 <= _checks.count("count", count) < total:
        raise ValueError(f"count must lie in 1..{total - 1}, so that some examples are left, got {count}")
    order = jax.random.permutation(as_key("key", key), total)
    return tuple(
        jax.tree.map(lambda leaf, part=part: leaf[part], examples) for part in (order[count:], order[:count])
    )
