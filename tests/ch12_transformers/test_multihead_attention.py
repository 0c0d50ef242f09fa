import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch12_transformers import multihead_attention as mha
from udl_jax.ch12_transformers import self_attention as sa

X = jax.random.normal(jax.random.key(0), (6, 8))
MAPS = mha.draw_parameters(jax.random.key(1), width=8, heads=2)


@pytest.mark.parametrize("heads", [1, 2, 4, 8])
def test_flax_has_the_same_layer(heads):
    maps = mha.draw_parameters(jax.random.key(2), width=8, heads=heads)
    theirs = nn.MultiHeadDotProductAttention(num_heads=heads).apply({"params": mha.as_flax(maps)}, X)
    np.testing.assert_allclose(mha.multihead(X, maps).values, theirs, rtol=1e-3, atol=1e-4)


def test_one_head_that_is_not_mixed_is_self_attention():
    maps = mha.draw_parameters(jax.random.key(2), width=8, heads=1)._replace(omega_c=jnp.eye(8))
    alone = sa.Maps(*(leaf[0] for leaf in maps[:-1]))
    np.testing.assert_allclose(
        mha.multihead(X, maps).values, sa.self_attention(X, alone).values, rtol=1e-5, atol=1e-6
    )


def test_each_head_is_self_attention_of_its_own():
    found = mha.multihead(X, MAPS)
    for head in range(2):
        alone = sa.self_attention(X, sa.Maps(*(leaf[head] for leaf in MAPS[:-1])))
        np.testing.assert_allclose(found.heads[head], alone.values, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.weights[head], alone.weights, rtol=1e-5, atol=1e-6)


def test_order_of_heads_does_not_matter():
    swapped = jax.tree.map(lambda leaf: leaf[::-1], MAPS)
    swapped = swapped._replace(omega_c=MAPS.omega_c.reshape(8, 2, 4)[:, ::-1].reshape(8, 8))
    np.testing.assert_allclose(
        mha.multihead(X, swapped).values, mha.multihead(X, MAPS).values, rtol=1e-4, atol=1e-4
    )


def test_covariance_under_permutations():
    with jax.enable_x64(True):
        maps = mha.draw_parameters(jax.random.key(1), width=8, heads=2)
        x = jax.random.normal(jax.random.key(0), (6, 8))
        generator = np.random.default_rng(0)
        orders = jnp.asarray(np.stack([generator.permutation(6) for _ in range(20)]))
        moved = jax.vmap(lambda order: mha.multihead(x[order], maps).values)(orders)
        np.testing.assert_allclose(moved, mha.multihead(x, maps).values[orders], rtol=0, atol=1e-12)


def test_causal_mask_hides_what_comes_later():
    mask = sa.causal_mask(6)
    changed = X.at[4].add(10.0)
    before, after = mha.multihead(X, MAPS, mask).values, mha.multihead(changed, MAPS, mask).values
    np.testing.assert_array_equal(before[:4], after[:4])
    assert jnp.abs(before[4:] - after[4:]).max() > 0.1


def test_mask_may_differ_from_head_to_head():
    mask = jnp.stack([sa.causal_mask(6), jnp.ones((6, 6), bool)])
    found = mha.multihead(X, MAPS, mask)
    assert jnp.all(found.weights[0] == jnp.tril(found.weights[0]))
    np.testing.assert_allclose(found.weights[1], mha.multihead(X, MAPS).weights[1], rtol=1e-5)


def test_batches_and_jit():
    x = jax.random.normal(jax.random.key(3), (3, 6, 8))
    found = jax.jit(mha.multihead)(x, MAPS)
    np.testing.assert_allclose(found.values[1], mha.multihead(x[1], MAPS).values, rtol=1e-4, atol=1e-4)


def test_numpy_and_precision():
    with jax.enable_x64(True):
        for dtype in (np.float32, np.float64):
            x, maps = np.asarray(X, dtype), jax.tree.map(lambda a: np.asarray(a, dtype), MAPS)  # noqa: B023
            assert {leaf.dtype for leaf in mha.multihead(x, maps)} == {np.dtype(dtype)}


def test_heads_that_do_not_divide_the_width_are_told():
    with pytest.raises(ValueError, match="heads must divide width, 8, got 3"):
        mha.draw_parameters(jax.random.key(0), width=8, heads=3)
    with pytest.raises(ValueError, match="heads must be at least 1, got 0"):
        mha.draw_parameters(jax.random.key(0), width=8, heads=0)


def test_shapes_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match=r"omega must have the shape .*inputs is 7 as in x"):
        mha.multihead(X[:, :7], MAPS)
    with pytest.raises(ValueError, match="omega_c must have a column for each of 8 results"):
        mha.multihead(X, MAPS._replace(omega_c=jnp.eye(4)))
    with pytest.raises(ValueError, match="mask must have the shape"):
        mha.multihead(X, MAPS, jnp.ones((5, 6), bool))
