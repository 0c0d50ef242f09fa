import jax
import numpy as np
import pytest

from udl_jax.ch14_unsupervised import measures

RNG = np.random.default_rng(0)


def test_score_lies_between_one_and_the_number_of_classes():
    for alpha in (0.01, 0.3, 10.0):
        score = measures.inception_score(RNG.dirichlet(np.full(7, alpha), size=300))
        assert 1 <= score <= 7 + 1e-4
    np.testing.assert_allclose(measures.inception_score(np.eye(7)), 7, rtol=1e-5)
    np.testing.assert_allclose(measures.inception_score(np.full((4, 7), 1 / 7)), 1, rtol=1e-5)
    np.testing.assert_allclose(measures.inception_score(np.eye(7)[[2] * 9]), 1, rtol=1e-5)


def test_score_does_not_mind_order_and_has_finite_gradients():
    with jax.enable_x64(True):
        p = RNG.dirichlet(np.full(5, 0.3), size=50)
        shuffled = p[RNG.permutation(50)][:, RNG.permutation(5)]
        np.testing.assert_allclose(
            measures.inception_score(shuffled), measures.inception_score(p), rtol=1e-12
        )
        assert np.isfinite(jax.grad(measures.inception_score)(np.eye(5))).all()


def test_bits_of_a_uniform_code():
    """A uniform density on the unit cube needs log2(levels) bits for each number."""
    for levels, bits in ((1, 0), (2, 1), (256, 8)):
        found = measures.log_likelihood(np.zeros(10), dimensions=5, levels=levels)
        np.testing.assert_allclose(found.bits_per_dimension, bits, atol=1e-6)
        assert found.error == 0
    one_nat_more = measures.log_likelihood(np.ones(10), dimensions=5, levels=256)
    np.testing.assert_allclose(one_nat_more.bits_per_dimension, 8 - 1 / (5 * np.log(2)), rtol=1e-6)


def test_bits_are_those_of_the_whole_numbers():
    """A density that is constant on bins is a probability of the bins, and dequantisation loses nothing."""
    chances = RNG.dirichlet(np.ones(16))
    pixels = RNG.choice(16, p=chances, size=1000)
    found = measures.log_likelihood(np.log(16 * chances[pixels]), dimensions=1, levels=16)
    np.testing.assert_allclose(found.bits_per_dimension, -np.log2(chances[pixels]).mean(), rtol=1e-5)


def test_impossible_example_has_no_likelihood():
    found = measures.log_likelihood(np.array([0.0, -np.inf]), dimensions=2)
    assert found.nats == -np.inf
    assert found.bits_per_dimension == np.inf


def test_modes():
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])
    even = np.repeat(centres, 5, axis=0) + 0.1
    found = measures.mode_report(even, centres, radius=0.3)
    assert found.numbers.tolist() == [5, 5, 5, 5]
    assert (found.near, found.met) == (1, 4)
    np.testing.assert_allclose(found.divergence, 0, atol=1e-6)
    fallen = measures.mode_report(np.concatenate([even[:5], even[:5] + 2]), centres, radius=0.3)
    assert fallen.numbers.tolist() == [5, 0, 0, 0]
    assert (fallen.near, fallen.met) == (0.5, 1)
    np.testing.assert_allclose(fallen.divergence, np.log(4), rtol=1e-5)
    lost = measures.mode_report(even + 50, centres, radius=0.3)
    assert (lost.near, lost.met, lost.divergence) == (0, 0, np.inf)


def test_measures_trace_and_keep_the_dtype():
    p, centres = RNG.dirichlet(np.ones(3), size=20), RNG.normal(size=(3, 2))
    x = RNG.normal(size=(20, 2))
    with jax.enable_x64(True):
        for dtype in (np.float32, np.float64):
            assert jax.jit(measures.inception_score)(p.astype(dtype)).dtype == dtype
            found = measures.log_likelihood(np.zeros(3, dtype), 2, 256)
            assert {leaf.dtype for leaf in found} == {np.dtype(dtype)}
            report = jax.jit(lambda x, d=dtype: measures.mode_report(x, centres.astype(d), 1.0))(
                x.astype(dtype)
            )
            assert report.near.dtype == report.divergence.dtype == dtype


def test_bad_input_is_told():
    with pytest.raises(ValueError, match="probabilities must be probabilities, got -1"):
        measures.inception_score(np.array([[2.0, -1.0]]))
    with pytest.raises(ValueError, match="rows of probabilities must be of sum one, got 2"):
        measures.inception_score(np.ones((3, 2)))
    with pytest.raises(ValueError, match="probabilities must have the shape"):
        measures.inception_score(np.ones(2) / 2)
    with pytest.raises(ValueError, match="dimensions must be at least 1, got 0"):
        measures.log_likelihood(np.zeros(3), 0)
    with pytest.raises(ValueError, match="log_densities must be free of NaN"):
        measures.log_likelihood(np.array([0.0, np.nan]), 1)
    with pytest.raises(ValueError, match="log_densities must not be empty"):
        measures.log_likelihood(np.zeros(0), 1)
    with pytest.raises(ValueError, match="radius must be positive"):
        measures.mode_report(np.zeros((3, 2)), np.zeros((2, 2)), 0.0)
    with pytest.raises(
        ValueError,
        match=r"centres must have the shape \(modes, features\), where .*features is 2 as in samples",
    ):
        measures.mode_report(np.zeros((3, 2)), np.zeros((2, 3)), 1.0)
