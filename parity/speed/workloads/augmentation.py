"""Notebook 9.5: two hidden layers of 200 units on augmented MNIST-1D, evaluated after each epoch."""

from parity.speed import supervised

TITLE = "9.5 Augmentation"
SETTING = "40-200-200-10, 8,000 examples, 50 epochs of 80 steps, batch 100, evaluation after each epoch"
STEPS = 50 * 80
FLOPS = supervised.dense_flops((40, 200, 200, 10), batch=100)


def data():
    """Make the data set, and as many changed copies."""
    import jax

    from udl_jax.ch09_regularization import augmentation
    from udl_jax.data.mnist1d import load_mnist1d

    plain = load_mnist1d()
    return supervised.arrays(augmentation.augment_data(plain, augmentation.draw(jax.random.key(0), plain)))


def _plan(arrays):
    from parity.speed.torch_ways import Plan, fully_connected

    return Plan(fully_connected(40, 200, 200, 10), arrays, rate=0.05, momentum=0.9, batch=100, epochs=50)


book, tuned = supervised.sides(_plan)


def ours(arrays):
    """Train with the library."""
    import jax

    from udl_jax.ch08_performance import mnist1d
    from udl_jax.ch09_regularization import augmentation
    from udl_jax.data.mnist1d import Mnist1d

    examples = jax.device_put(Mnist1d(**arrays))

    def run(seed):
        fit = mnist1d.train_network(jax.random.key(seed), examples, augmentation.BOOK)
        return supervised.last_test_error(fit.history)

    return run
