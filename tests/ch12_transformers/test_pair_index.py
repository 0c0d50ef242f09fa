import collections

import numpy as np
import pytest

from udl_jax.ch12_transformers import tokenization as tk
from udl_jax.ch12_transformers.pair_index import PairIndex, merge_in_word


def words_of(seed):
    generator = np.random.default_rng(seed)
    words = ["".join(generator.choice(list("aab"), size)) for size in generator.integers(1, 12, 40)]
    return tk.initial_vocabulary(" ".join(words))


@pytest.mark.parametrize("by_number", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_counts_stay_right(seed, by_number):
    vocabulary = words_of(seed)
    index = PairIndex(vocabulary, sorted(tk.token_counts(vocabulary)), by_number=by_number)
    while (pair := index.most_frequent()) is not None:
        expected = tk.pair_counts(dict(zip(index.words, index.times)))
        assert index.counts == collections.Counter(expected)
        assert index.counts[pair] == max(expected.values())
        tokens = tk.token_counts(dict(zip(index.words, index.times)))
        assert (index.size, index.length) == (len(tokens), sum(tokens.values()))
        index.merge(pair)
    assert all(len(word) == 1 for word in index.words)


def test_asking_twice_gives_the_same():
    index = PairIndex(words_of(0), ["a", "b", "</w>"], by_number=False)
    assert index.most_frequent() == index.most_frequent()


def test_smallest_numbers_win_ties():
    vocabulary = {("b", "c"): 2, ("a", "c"): 2, ("c", "a"): 2}
    assert PairIndex(vocabulary, ["a", "b", "c"], by_number=True).most_frequent() == ("a", "c")
    assert PairIndex(vocabulary, ["a", "b", "c"], by_number=False).most_frequent() == ("b", "c")


def test_words_of_one_token_have_no_pairs():
    assert PairIndex({("a",): 3}, ["a"], by_number=False).most_frequent() is None


@pytest.mark.parametrize(
    ("word", "expected"), [("", ()), ("a", ("a",)), ("aaa", ("aa", "a")), ("baab", ("b", "aa", "b"))]
)
def test_merging_in_a_word(word, expected):
    assert merge_in_word(("a", "a"), tuple(word)) == expected
