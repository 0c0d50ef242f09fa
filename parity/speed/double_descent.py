"""Notebook 8.3, one width: what the workloads of its widths have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from parity.speed import supervised

EPOCHS = 50
STEPS = EPOCHS * 40


def setting(width: int) -> str:
    """Say what is trained. The time of the notebook's 1,000 epochs is twenty times this."""
    return (
        f"40-{width}-{width}-10, {EPOCHS} of the 1,000 epochs of 40 steps, batch 100; the notebook evaluates after each "
        "epoch, the others at the end"
    )


def flops(width: int) -> int:
    """Count operations of a step."""
    return supervised.dense_flops((40, width, width, 10), batch=100)


def data() -> dict[str, np.ndarray]:
    """Make the data set, with noise in its labels."""
    import jax

    from udl_jax.ch08_performance import double_descent

    return supervised.arrays(double_descent.load_data(jax.random.key(0)))


def _plan(width, arrays, evaluated):
    from parity.speed.torch_ways import Plan, fully_connected

    network = fully_connected(40, width, width, 10)
    return Plan(network, arrays, rate=0.01, momentum=0.9, batch=100, epochs=EPOCHS, evaluated=evaluated)


def book(width: int, arrays: Mapping[str, np.ndarray]) -> Callable[[int], float]:
    """Train as the notebook does."""
    from parity.speed.torch_ways import in_the_books_way

    return in_the_books_way(_plan(width, arrays, evaluated=True))


def tuned(width: int, arrays: Mapping[str, np.ndarray]) -> Callable[[int], float]:
    """Train as a PyTorch expert would."""
    from parity.speed.torch_ways import in_an_experts_way

    return in_an_experts_way(_plan(width, arrays, evaluated=False))


def ours(width: int, arrays: Mapping[str, np.ndarray]) -> Callable[[int], float]:
    """Train with the library, on one core as in a sweep."""
    import jax

    from udl_jax.ch08_performance import double_descent
    from udl_jax.data.mnist1d import Mnist1d

    examples = jax.device_put(Mnist1d(**arrays))
    settings = double_descent.Settings(widths=(width,), epochs=EPOCHS, every=EPOCHS)

    def run(seed):
        fit = double_descent.train_width(jax.random.key(seed), examples, width, settings)
        return np.asarray(fit.history.test.error)[-1]

    return run
