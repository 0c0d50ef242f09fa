import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch12_transformers import decoding

P = jax.random.dirichlet(jax.random.key(0), jnp.full(12, 0.5), (20,))


def test_frequencies_are_the_probabilities():
    probabilities = jnp.array([0.5, 0.0, 0.2, 0.25, 0.05])
    draws = 100_000
    uniforms = jax.random.uniform(jax.random.key(0), (draws,))
    tokens = decoding.draw_token(jnp.tile(probabilities, (draws, 1)), uniforms)
    counts = np.bincount(tokens, minlength=5)
    spread = np.sqrt(draws * np.asarray(probabilities) * (1 - np.asarray(probabilities)))
    assert counts[1] == 0
    assert np.all(np.abs(counts - draws * np.asarray(probabilities)) <= 4 * spread)


def test_drawn_as_numpy_draws():
    p = np.asarray(P[0], np.float64)
    p /= p.sum()
    expected = [np.random.RandomState(seed).choice(12, p=p) for seed in range(50)]
    uniforms = np.array([np.random.RandomState(seed).random_sample() for seed in range(50)])
    with jax.enable_x64(True):
        np.testing.assert_array_equal(decoding.draw_token(np.tile(p, (50, 1)), uniforms), expected)


@pytest.mark.parametrize("uniform", [0.0, 0.5, np.nextafter(np.float32(1), np.float32(0))])
def test_impossible_tokens_are_never_drawn(uniform):
    probabilities = jnp.array([0.0, 0.3, 0.0, 0.7, 0.0])
    assert decoding.draw_token(probabilities, jnp.array(uniform)) in (1, 3)
    assert decoding.draw_token(jnp.array([0.0, 1.0, 0.0]), jnp.array(uniform)) == 1


def test_scale_of_probabilities_does_not_matter():
    uniforms = jax.random.uniform(jax.random.key(1), (20,))
    np.testing.assert_array_equal(decoding.draw_token(P, uniforms), decoding.draw_token(4 * P, uniforms))


@pytest.mark.parametrize("k", [1, 3, 12])
def test_top_k(k):
    kept = decoding.keep_top_k(P, k)
    np.testing.assert_array_equal((kept > 0).sum(axis=-1), k)
    np.testing.assert_allclose(kept.sum(axis=-1), 1, rtol=1e-6)
    inside = jnp.where(kept > 0, P, jnp.inf).min(axis=-1)
    outside = jnp.where(kept > 0, -jnp.inf, P).max(axis=-1)
    assert jnp.all(inside >= outside)
    np.testing.assert_array_equal(jnp.argmax(kept, axis=-1), jnp.argmax(P, axis=-1))


def test_top_k_of_equals_keeps_exactly_k():
    assert decoding.keep_top_k(jnp.full(5, 0.2), 2).tolist() == [0.5, 0.5, 0, 0, 0]


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.7, 0.99])
def test_nucleus_is_the_smallest_set_that_exceeds_the_threshold(threshold):
    kept = decoding.keep_nucleus(P, threshold)
    np.testing.assert_allclose(kept.sum(axis=-1), 1, rtol=1e-6)
    mass = jnp.where(kept > 0, P, 0)
    least = jnp.where(kept > 0, P, jnp.inf).min(axis=-1)
    assert jnp.all(mass.sum(axis=-1) > threshold)
    assert jnp.all(mass.sum(axis=-1) - least <= threshold + 1e-6)


def test_nucleus_grows_with_the_threshold():
    sizes = jnp.stack([(decoding.keep_nucleus(P, t) > 0).sum(axis=-1) for t in (0.0, 0.3, 0.6, 0.9)])
    assert jnp.all(jnp.diff(sizes, axis=0) >= 0)
    assert jnp.all(sizes[0] == 1)


def test_whole_threshold_keeps_all_but_in_the_book():
    kept = decoding.keep_nucleus(jnp.array([0.5, 0.25, 0.25]), 1.0)
    np.testing.assert_allclose(kept, [0.5, 0.25, 0.25])
    np.testing.assert_allclose(decoding.book_keep_nucleus(jnp.array([0.5, 0.25, 0.25]), 1.0), [1, 0, 0])


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.7, 0.99])
def test_nucleus_is_the_books_where_no_two_are_equal(threshold):
    np.testing.assert_allclose(
        decoding.keep_nucleus(P, threshold), decoding.book_keep_nucleus(P, threshold), rtol=1e-6
    )


def test_kth_most_likely_sorts():
    order = np.argsort(-np.asarray(P), axis=-1, kind="stable")
    for k in (0, 1, 5, 11):
        np.testing.assert_array_equal(decoding.kth_most_likely(P, k), order[:, k])


def test_temperature():
    logits = jnp.log(P)
    np.testing.assert_allclose(decoding.temper(logits, 1.0), P, rtol=1e-4, atol=1e-7)
    cold, hot = decoding.temper(logits, 0.2), decoding.temper(logits, 5.0)
    assert jnp.all(cold.max(axis=-1) >= P.max(axis=-1))
    assert jnp.all(hot.max(axis=-1) <= P.max(axis=-1))


def test_precision_and_jit():
    with jax.enable_x64(True):
        for dtype in (np.float32, np.float64):
            p = np.asarray(P, dtype)
            for found in (
                decoding.keep_top_k(p, 3),
                decoding.keep_nucleus(p, 0.5),
                decoding.book_keep_nucleus(p, np.float64(0.5)),
                decoding.temper(p, np.float64(2.0)),
                jax.jit(decoding.keep_nucleus)(p, 0.5),
                jax.jit(decoding.keep_top_k, static_argnums=1)(p, 3),
            ):
                assert found.dtype == dtype


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: decoding.draw_token(P[0], jnp.array(1.0)), r"uniform must be in \[0, 1\), got 1\.0"),
        (lambda: decoding.draw_token(P[0], jnp.array(-0.1)), r"uniform must be in \[0, 1\)"),
        (lambda: decoding.draw_token(P, jnp.zeros(3)), "uniform must have the shape"),
        (lambda: decoding.draw_token(-P[0], jnp.array(0.5)), "probabilities must be not negative and finite"),
        (lambda: decoding.keep_top_k(P, 0), "k must be at least 1, got 0"),
        (lambda: decoding.keep_top_k(P, 13), "k is too large: there are 12 tokens"),
        (lambda: decoding.kth_most_likely(P, 12), "k is too large: there are 12 tokens"),
        (lambda: decoding.kth_most_likely(P, -1), "k must not be negative, got -1"),
        (lambda: decoding.keep_nucleus(P, 1.1), r"threshold must be in \[0, 1\], got 1\.1"),
        (lambda: decoding.keep_nucleus(P, -0.1), r"threshold must be in \[0, 1\], got -0\.1"),
        (lambda: decoding.temper(P, 0.0), "temperature must be"),
        (lambda: decoding.temper(P, -1.0), "temperature must be"),
    ],
)
def test_bad_input_is_told(call, match):
    with pytest.raises(ValueError, match=match):
        call()
