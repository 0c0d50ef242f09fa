"""Notebook 9.5: two hidden layers of 200 units on augmented MNIST-1D, evaluated after each epoch."""

TITLE = "9.5 Augmentation"
SETTING = "40-200-200-10, 8,000 examples, 50 epochs of 80 steps, batch 100, evaluation after each epoch"
STEPS = 50 * 80
#: Two operations for a weight and an example forward, and four backward, but for the inputs' gradient.
FLOPS = 100 * (6 * (40 * 200 + 200 * 200 + 200 * 10) - 2 * 40 * 200)


def data():
    """Make the data set, and as many changed copies."""
    import jax
    import numpy as np

    from udl_jax.ch09_regularization import augmentation
    from udl_jax.data.mnist1d import load_mnist1d

    plain = load_mnist1d()
    more = augmentation.augment_data(plain, augmentation.draw(jax.random.key(0), plain))
    return {name: np.asarray(array) for name, array in more._asdict().items()}


def _plan(data):
    from torch import nn

    from parity.speed.torch_ways import Plan, he_uniform

    def network():
        layers = nn.Linear(40, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10)
        return nn.Sequential(*layers).apply(he_uniform)

    return Plan(network, data, rate=0.05, momentum=0.9, batch=100, epochs=50)


def book(data):
    """Train as the notebook does."""
    from parity.speed.torch_ways import in_the_books_way

    return in_the_books_way(_plan(data))


def tuned(data):
    """Train as a PyTorch expert would."""
    from parity.speed.torch_ways import in_an_experts_way

    return in_an_experts_way(_plan(data))


def ours(data):
    """Train with the library."""
    import jax
    import numpy as np

    from udl_jax.ch08_performance import mnist1d
    from udl_jax.ch09_regularization import augmentation
    from udl_jax.data.mnist1d import Mnist1d

    examples = jax.device_put(Mnist1d(**data))

    def run(seed):
        fit = mnist1d.train_network(jax.random.key(seed), examples, augmentation.BOOK)
        history = jax.tree.map(np.asarray, fit.history)
        return history.test.error[-1]

    return run
