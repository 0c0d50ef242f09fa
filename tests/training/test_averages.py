import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from udl_jax import training


def follow(decay, weights, dtype=None):
    """Move along the given weights and return the average at the end."""
    chain = optax.chain(optax.identity(), training.average_weights(decay))
    params = jnp.asarray(weights[0], dtype)
    state = chain.init(params)
    for target in weights[1:]:
        updates, state = chain.update(jnp.asarray(target, dtype) - params, state, params)
        params = optax.apply_updates(params, updates)
    return training.averaged(state)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_average_is_the_weighted_sum_of_all_weights(decay):
    weights = np.random.default_rng(0).normal(size=(8, 3))
    powers = (1 - decay) * decay ** np.arange(6, -1, -1)
    expected = decay**7 * weights[0] + powers @ weights[1:]
    np.testing.assert_allclose(follow(decay, weights), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_average_moves_in_half_precision(dtype):
    """There, 0.999 rounds to 1 or so."""
    found = follow(np.float64(0.999), [np.zeros(2), *np.ones((2000, 2))], dtype)
    np.testing.assert_allclose(found, 1 - 0.999**2000, rtol=1e-4)


def test_training_is_not_changed_by_its_average():
    x = jax.random.normal(jax.random.key(0), (40, 3))
    data = training.Examples(x, (x[:, 0] > 0).astype(int))
    order = training.draw_order(jax.random.key(1), examples=40, epochs=30, batch=10)
    sgd = optax.sgd(0.5)
    plain = training.Recipe(nn.Dense(2), sgd)
    with_average = training.Recipe(nn.Dense(2), optax.chain(sgd, training.average_weights(0.9)))
    variables = plain.model.init(jax.random.key(2), x)
    ends = [
        training.train(recipe, training.start(recipe, variables), data, None, order)[0]
        for recipe in (plain, with_average)
    ]
    jax.tree.map(np.testing.assert_array_equal, ends[0].variables, ends[1].variables)
    average = training.averaged(ends[1].optimiser)
    moved = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), average, ends[1].variables["params"])
    assert all(0 < distance < 0.5 for distance in jax.tree.leaves(moved))


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_decay_out_of_range_is_told(decay):
    with pytest.raises(ValueError, match=r"decay must lie in \[0, 1\)"):
        training.average_weights(decay)


def test_missing_average_is_told():
    with pytest.raises(ValueError, match="must have one average_weights in its chain, it has 0"):
        training.averaged(optax.sgd(0.1).init(jnp.zeros(2)))


def test_missing_params_are_told():
    keep = training.average_weights(0.9)
    with pytest.raises(ValueError, match="average_weights needs the params"):
        keep.update(jnp.zeros(2), keep.init(jnp.zeros(2)))
