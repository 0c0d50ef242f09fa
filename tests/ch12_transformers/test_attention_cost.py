import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch12_transformers import attention_cost as cost

Q, K, V = jax.random.normal(jax.random.key(0), (3, 2, 23, 4))


@pytest.mark.parametrize("block", [1, 5, 23, 100])
def test_blockwise_is_plain(block):
    found = cost.blockwise_attention(Q, K, V, block)
    np.testing.assert_allclose(found, cost.plain_attention(Q, K, V), rtol=1e-4, atol=1e-5)


def test_gradients_agree_in_double_precision():
    with jax.enable_x64(True):
        arrays = np.asarray(jax.random.normal(jax.random.key(1), (3, 2, 23, 4), jnp.float64))

        def slope(function, **settings):
            return jax.grad(lambda arrays: jnp.sum(function(*arrays, **settings) ** 2))(arrays)

        ours, plain = slope(cost.blockwise_attention, block=4), slope(cost.plain_attention)
        np.testing.assert_allclose(ours, plain, rtol=0, atol=1e-10)


def test_large_scores_do_not_overflow():
    found = cost.blockwise_attention(300 * Q, 300 * K, V, 4)
    assert jnp.all(jnp.isfinite(found))
    np.testing.assert_allclose(found, cost.plain_attention(300 * Q, 300 * K, V), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("block", [1, 7, 23, 64])
def test_linear_does_not_depend_on_the_block(block):
    np.testing.assert_allclose(
        cost.linear_attention(Q, K, V, block), cost.linear_attention(Q, K, V, 5), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("function", [cost.plain_attention, cost.blockwise_attention, cost.linear_attention])
def test_averages_of_the_past(function):
    found = function(Q, K, V)
    np.testing.assert_allclose(found[:, 0], V[:, 0], rtol=1e-4)
    np.testing.assert_allclose(function(Q, K, jnp.ones_like(V)), 1, rtol=1e-5)
    changed = function(Q, K.at[:, 10].add(1.0), V.at[:, 10].add(1.0))
    np.testing.assert_allclose(changed[:, :10], found[:, :10], rtol=1e-5, atol=1e-6)
    assert jnp.all(jnp.abs(changed[:, 10:] - found[:, 10:]).max(axis=-1) > 1e-4)


@pytest.mark.parametrize("function", [cost.blockwise_attention, cost.linear_attention])
def test_memory_is_a_twentieth(function):
    shape = jax.ShapeDtypeStruct((4, 2048, 32), jnp.float32)
    ours, plain = (cost.temporary_bytes(f, shape, shape, shape) for f in (function, cost.plain_attention))
    assert ours <= plain / 20


def test_memory_of_blocks_is_linear():
    def bytes_for(tokens):
        shape = jax.ShapeDtypeStruct((4, tokens, 32), jnp.float32)
        return cost.temporary_bytes(cost.blockwise_attention, shape, shape, shape)

    assert bytes_for(4096) < 2.5 * bytes_for(2048)


def test_growth_of_powers():
    tokens = np.array([1, 2, 4, 8])
    assert abs(cost.growth(tokens, 7.0 * tokens**1.5) - 1.5) < 1e-12


def test_precision_and_numpy():
    with jax.enable_x64(True):
        for dtype in (np.float32, np.float64):
            arrays = (np.asarray(a, dtype) for a in (Q, K, V))
            q, k, v = arrays
            for function in (cost.plain_attention, cost.blockwise_attention, cost.linear_attention):
                assert function(q, k, v).dtype == dtype


@pytest.mark.parametrize("function", [cost.blockwise_attention, cost.linear_attention])
def test_bad_input_is_told(function):
    with pytest.raises(ValueError, match="block must be at least 1, got 0"):
        function(Q, K, V, 0)
    with pytest.raises(ValueError, match=r"k must have the shape .*tokens is 23 as in q"):
        function(Q, K[:, :5], V)
    with pytest.raises(ValueError, match="q must not be empty"):
        function(Q[:, :0], K, V)


@pytest.mark.parametrize(
    ("tokens", "costs", "match"),
    [([1], [1], "two or more"), ([1, 2], [1], "two or more"), ([1, 2], [0, 1], "must be positive")],
)
def test_bad_costs_are_told(tokens, costs, match):
    with pytest.raises(ValueError, match=match):
        cost.growth(tokens, costs)
