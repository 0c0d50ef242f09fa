import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch12_transformers import strategies

P = jax.random.dirichlet(jax.random.key(0), jnp.ones(9), (50,))
UNIFORMS = jax.random.uniform(jax.random.key(1), (50,))
ALL = (
    strategies.Sampling(),
    strategies.Greedy(),
    strategies.KthMostLikely(3),
    strategies.TopK(4),
    strategies.Nucleus(0.5),
)


@pytest.mark.parametrize("strategy", ALL, ids=str)
def test_choices_come_from_what_was_kept(strategy):
    cut, chosen = strategy.cut(P), strategy.choose(P, UNIFORMS)
    np.testing.assert_allclose(cut.sum(axis=-1), 1, rtol=1e-5)
    assert jnp.all(jnp.take_along_axis(cut, chosen[:, None], axis=-1) > 0)


def test_the_narrowest_cuts_are_greedy():
    greedy = strategies.Greedy().choose(P, UNIFORMS)
    np.testing.assert_array_equal(greedy, jnp.argmax(P, axis=-1))
    for strategy in (strategies.TopK(1), strategies.Nucleus(0.0), strategies.KthMostLikely(0)):
        np.testing.assert_array_equal(strategy.choose(P, UNIFORMS), greedy)


def test_the_widest_cuts_are_sampling():
    sampled = strategies.Sampling().choose(P, UNIFORMS)
    np.testing.assert_array_equal(strategies.TopK(9).choose(P, UNIFORMS), sampled)


def test_equal_settings_are_equal_and_hashable():
    assert strategies.TopK(4) == strategies.TopK(4)
    assert strategies.TopK(4) != strategies.TopK(5)
    assert strategies.Nucleus(0.5) != strategies.Sampling()
    assert len({strategies.TopK(4), strategies.TopK(4), strategies.Greedy(), strategies.Greedy()}) == 2


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: strategies.TopK(0), "k must be at least 1"),
        (lambda: strategies.KthMostLikely(-1), "k must not be negative"),
        (lambda: strategies.Nucleus(1.5), r"threshold must be in \[0, 1\]"),
        (lambda: strategies.Nucleus(float("nan")), r"threshold must be in \[0, 1\]"),
    ],
)
def test_bad_settings_are_told(make, match):
    with pytest.raises(ValueError, match=match):
        make()
