"""The main program of each notebook and model that has one, for tests that look at programs and do not run them.

Each entry takes a precision and returns a function of arrays, and arrays of the shapes that it is meant for.
"""

import jax
import jax.numpy as jnp

from udl_jax import training
from udl_jax.ch08_performance import mnist1d


def training_program(recipe, x, y, epochs, batch, draws=None):
    """Describe a training by the engine: state, data and order are its arguments."""
    data = training.Examples(x, y)
    variables = jax.eval_shape(lambda x: training.initialise(recipe.model, jax.random.key(0), x[:1]), x)
    state = jax.eval_shape(lambda variables: training.start(recipe, variables), variables)
    order = jnp.zeros((epochs, len(x) // batch, batch), int)

    def train(state, data, order, draws):
        return training.train(recipe, state, data, data, order, draws)

    return train, (state, data, order, draws)


def digits_1d(precision, rows=4000):
    """Describe MNIST-1D."""
    return jnp.zeros((rows, 40), precision), jnp.zeros(rows, jnp.int32)


def mnist1d_training(precision):
    return training_program(mnist1d.make_recipe(), *digits_1d(precision), epochs=50, batch=100)


def mnist1d_full_batch(precision):
    recipe = mnist1d.make_recipe()
    x, y = digits_1d(precision)
    _, (state, data, _, _) = training_program(recipe, x, y, 1, 100)

    def train(state, data):
        return training.train_full_batch(recipe, state, data, 1000)

    return train, (state, data)


MAIN_PROGRAMS = {
    "8.1": mnist1d_training,
    "8.1 full batch": mnist1d_full_batch,
}
