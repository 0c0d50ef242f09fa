import numpy as np
import pytest

from udl_jax.ch12_transformers.ngrams import score_by_counting

GENERATOR = np.random.default_rng(0)
CHAIN = np.array([[0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.7, 0.2, 0.1]])


def walk(steps):
    text = [0]
    for _ in range(steps):
        text.append(GENERATOR.choice(3, p=CHAIN[text[-1]]))
    return np.array(text)


TRAIN, TEST = walk(20_000), walk(5000)


def test_probabilities_sum_to_one():
    for before in range(4):
        scores = [score_by_counting(TRAIN, np.array([0, 1, 2, last]), before, 3)[-1] for last in range(3)]
        np.testing.assert_allclose(np.exp(-np.array(scores)).sum(), 1, rtol=1e-12)


def test_frequencies_are_learnt():
    score = score_by_counting(TRAIN, TEST, 0, 3).mean()
    share = np.bincount(TRAIN, minlength=3) / len(TRAIN)
    np.testing.assert_allclose(score, -np.log(share[TEST]).mean(), rtol=1e-4)


def test_a_chain_needs_one_character_before():
    truth = -np.log(CHAIN[TEST[:-1], TEST[1:]]).mean()
    zero, one, two = (score_by_counting(TRAIN, TEST, before, 3).mean() for before in range(3))
    assert zero > one + 0.1
    np.testing.assert_allclose(one, truth, rtol=0.01)
    np.testing.assert_allclose(two, truth, rtol=0.01)


def test_what_was_never_met_is_possible():
    scores = score_by_counting(np.zeros(50, int), np.array([0, 1, 1]), 1, 2)
    assert np.isfinite(scores).all()
    assert np.all(scores > 1)


def test_length():
    for before in range(3):
        assert len(score_by_counting(TRAIN, TEST, before, 3)) == len(TEST) - before


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"before": -1}, "before must not be negative"),
        ({"before": 60}, "before must leave histories that 64 bits can number"),
        ({"trust": 0.0}, "trust must be"),
        ({"vocabulary": 2}, r"train must hold numbers in 0\.\.1"),
        ({"test": np.array([0])}, "test must be longer than 1 characters, got 1"),
    ],
)
def test_bad_input_is_told(arguments, match):
    with pytest.raises(ValueError, match=match):
        score_by_counting(**({"train": TRAIN, "test": TEST, "before": 1, "vocabulary": 3} | arguments))
