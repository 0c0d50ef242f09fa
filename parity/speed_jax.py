"""The other side of the speed comparison: the same training with udl_jax."""

import sys

import jax
import numpy as np

from parity.speed import serve
from udl_jax.ch08_performance import mnist1d
from udl_jax.data.mnist1d import Mnist1d


def main(path: str) -> None:
    """Load the data once and train for each seed that comes in."""
    with np.load(path) as stored:
        data = jax.device_put(Mnist1d(**{name: stored[name] for name in Mnist1d._fields}))

    def train(seed):
        fit = mnist1d.train_network(jax.random.key(seed), data)
        history = jax.tree.map(np.asarray, fit.history)
        return float(history.test.error[-1])

    serve(train)


if __name__ == "__main__":
    main(sys.argv[1])
