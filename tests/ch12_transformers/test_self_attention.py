import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch12_transformers import self_attention as sa

X = jax.random.normal(jax.random.key(0), (5, 4))
MAPS = sa.draw_parameters(jax.random.key(1), 4)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("mask", [None, sa.causal_mask(5)], ids=["all", "causal"])
def test_weights_are_averages(scaled, mask):
    weights = sa.self_attention(X, MAPS, mask, scaled=scaled).weights
    assert jnp.all(weights >= 0)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)


def test_softmax_is_the_formula_where_the_formula_is_finite():
    q, k, v = (jax.random.normal(jax.random.key(n), (5, 4)) for n in range(3))
    powers = np.exp(np.asarray(q @ k.T, np.float64) / 2)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(sa.attend(q, k, v).weights, expected, rtol=1e-4)


def test_large_scores_do_not_overflow():
    found = sa.attend(1e4 * X, 1e4 * X, X, sa.causal_mask(5))
    assert jnp.all(jnp.isfinite(found.values))
    np.testing.assert_allclose(found.weights.sum(axis=-1), 1, rtol=1e-6)


def test_covariance_under_permutations():
    with jax.enable_x64(True):
        maps = sa.draw_parameters(jax.random.key(1), 4)
        x = jax.random.normal(jax.random.key(0), (9, 4))
        generator = np.random.default_rng(0)
        orders = jnp.asarray(np.stack([generator.permutation(9) for _ in range(20)]))
        new = sa.self_attention(x, maps).values
        moved = jax.vmap(lambda order: sa.self_attention(x[order], maps).values)(orders)
        np.testing.assert_allclose(moved, new[orders], rtol=0, atol=1e-12)


def test_causal_attention_is_not_covariant():
    order = jnp.array([4, 3, 2, 1, 0])
    mask = sa.causal_mask(5)
    new, moved = sa.self_attention(X, MAPS, mask).values, sa.self_attention(X[order], MAPS, mask).values
    assert jnp.abs(moved - new[order]).max() > 0.1


@pytest.mark.parametrize("causal", [False, True])
def test_who_depends_on_whom(causal):
    mask = sa.causal_mask(5) if causal else None
    jacobian = jax.jacfwd(lambda x: sa.self_attention(x, MAPS, mask).values)(X)
    depends = np.asarray(jnp.abs(jacobian).sum(axis=(1, 3)) > 0)
    np.testing.assert_array_equal(depends, np.tril(np.ones((5, 5))) if causal else np.ones((5, 5)))


def test_offset_of_keys_changes_nothing():
    moved = MAPS._replace(beta_k=MAPS.beta_k + jnp.arange(4.0))
    found, other = sa.self_attention(X, MAPS), sa.self_attention(X, moved)
    np.testing.assert_allclose(found.weights, other.weights, atol=1e-5)


def test_one_token_gets_its_own_value():
    found = sa.self_attention(X[:1], MAPS)
    np.testing.assert_allclose(found.values, sa.project(X[:1], MAPS.omega_v, MAPS.beta_v), rtol=1e-6)


def test_query_without_keys_gets_zeros_and_a_finite_gradient():
    mask = sa.causal_mask(5).at[2].set(False)

    def total(x):
        found = sa.self_attention(x, MAPS, mask)
        return found.values.sum(), found

    gradient, found = jax.grad(total, has_aux=True)(X)
    assert jnp.all(found.values[2] == 0)
    assert jnp.all(jnp.isfinite(gradient))


def test_mask_of_true_is_no_mask():
    everywhere = jnp.ones((5, 5), bool)
    np.testing.assert_allclose(
        sa.self_attention(X, MAPS, everywhere).values, sa.self_attention(X, MAPS).values, rtol=1e-5
    )


def test_batches_heads_and_jit():
    x = jax.random.normal(jax.random.key(3), (2, 3, 5, 4))
    mask = jnp.stack([sa.causal_mask(5)] * 3)
    found = jax.jit(sa.self_attention)(x, MAPS, mask)
    one = sa.self_attention(x[1, 2], MAPS, sa.causal_mask(5))
    np.testing.assert_allclose(found.values[1, 2], one.values, rtol=1e-4, atol=1e-6)
    over = jax.vmap(sa.self_attention, in_axes=(0, None, None))(x[0], MAPS, sa.causal_mask(5))
    np.testing.assert_allclose(found.weights[0], over.weights, rtol=1e-4, atol=1e-6)


def test_numpy_and_precision():
    with jax.enable_x64(True):
        for dtype in (np.float32, np.float64):
            x, maps = np.asarray(X, dtype), jax.tree.map(lambda a: np.asarray(a, dtype), MAPS)  # noqa: B023
            for leaf in (*sa.self_attention(x, maps), *sa.self_attention(x, maps, sa.causal_mask(5))):
                assert leaf.dtype == dtype


@pytest.mark.parametrize(
    ("q", "k", "v", "match"),
    [
        ((5, 4), (5, 3), (5, 4), "k must have the shape .*width is 4 as in q"),
        ((5, 4), (6, 4), (5, 4), "v must have the shape .*keys is 6 as in k"),
        ((2, 5, 4), (5, 4), (5, 4), "k must have the shape"),
        ((4,), (5, 4), (5, 4), "q must have the shape"),
        ((0, 4), (5, 4), (5, 4), "q must not be empty"),
    ],
)
def test_shapes_that_do_not_fit_are_told(q, k, v, match):
    with pytest.raises(ValueError, match=match):
        sa.attend(jnp.ones(q), jnp.ones(k), jnp.ones(v))


def test_bad_masks_are_told():
    with pytest.raises(ValueError, match="mask must have the shape"):
        sa.attend(X, X, X, jnp.ones((5, 1), bool))
    with pytest.raises(
        ValueError, match=r"mask must have axes in front that fit those of q, \(\), got \(3,\)"
    ):
        sa.attend(X, X, X, jnp.ones((3, 5, 5), bool))
    with pytest.raises(TypeError, match="mask must hold booleans"):
        sa.attend(X, X, X, jnp.ones((5, 5)))


@pytest.mark.parametrize("width", [0, -1])
def test_numbers_out_of_range_are_told(width):
    with pytest.raises(ValueError, match="width must be at least 1"):
        sa.draw_parameters(jax.random.key(0), width)
    with pytest.raises(ValueError, match="tokens must be at least 1"):
        sa.causal_mask(width)
