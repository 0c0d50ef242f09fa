import numpy as np
import pytest

from udl_jax.ch12_transformers import tokenization as tk
from udl_jax.data.moby import load_moby

TEXT = load_moby()[:20_000]


def naive(text, merges):
    """Merge as the definition says: count everything anew each time."""
    vocabulary, pairs = tk.initial_vocabulary(text), []
    for _ in range(merges):
        counts = tk.pair_counts(vocabulary)
        if not counts:
            break
        pairs.append(max(counts, key=counts.get))
        vocabulary = tk.merge_pair(pairs[-1], vocabulary)
    return pairs, vocabulary


@pytest.mark.parametrize("seed", range(5))
def test_counts_kept_up_to_date_are_counts_made_anew(seed):
    generator = np.random.default_rng(seed)
    words = ["".join(generator.choice(list("aab"), size)) for size in generator.integers(1, 12, 60)]
    pairs, vocabulary = naive(" ".join(words), 80)
    learnt = tk.train(" ".join(words), 80)
    assert list(learnt.pairs) == pairs
    assert learnt.sizes[-1] == len(tk.token_counts(vocabulary))
    assert learnt.lengths[-1] == sum(tk.token_counts(vocabulary).values())


def test_real_text():
    pairs, _ = naive(TEXT, 150)
    assert list(tk.train(TEXT, 150).pairs) == pairs


@pytest.mark.parametrize("tie", ["first", "index"])
def test_training_ends_when_every_word_is_a_token(tie):
    learnt = tk.train("to be or not to be", 1000, tie=tie)
    assert learnt.sizes[-1] == 4
    assert learnt.lengths[-1] == 6
    assert len(learnt.pairs) < 20


def test_frequencies_of_merges_fall():
    counts = tk.train(TEXT, 300, tie="index").counts
    assert list(counts) == sorted(counts, reverse=True)


def test_each_merge_shortens_the_text_by_what_it_replaces():
    learnt = tk.train(TEXT, 100)
    for before, after, times in zip(learnt.lengths, learnt.lengths[1:], learnt.counts):
        assert 0 < before - after <= times  # fewer where occurrences overlap


def test_ties_by_number_depend_on_code_points_and_not_on_order():
    assert tk.train("ba dc", 1, tie="first").pairs == (("b", "a"),)
    assert tk.train("dc ba", 1, tie="first").pairs == (("d", "c"),)
    assert tk.train("dc ba", 1, tie="index").pairs == tk.train("ba dc", 1, tie="index").pairs


def test_overlapping_pairs_merge_from_the_left():
    assert tk.merge_pair(("a", "a"), {("a",) * 5: 1}) == {("aa", "aa", "a"): 1}
    assert tk.train("aaaaa", 1).pairs == (("a", "a"),)


@pytest.mark.parametrize("merges", [0, 1, 50, 10_000])
def test_encode_and_decode(merges):
    learnt = tk.train(TEXT, merges)
    numbers = tk.encode(TEXT, learnt)
    assert tk.decode(numbers, learnt) == " ".join(TEXT.split())
    assert len(numbers) == learnt.lengths[-1]


def test_new_words_are_spelled_with_known_tokens():
    learnt = tk.train("see sea see sea sea", 10)
    assert [learnt.tokens[n] for n in tk.encode("eases", learnt)] == ["e", "a", "se", "s", "</w>"]


def test_text_without_words_has_no_tokens():
    learnt = tk.train("a b", 1)
    assert tk.encode(" \n", learnt) == []
    assert tk.decode([], learnt) == ""


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: tk.train(" \n ", 1), "text has no words"),
        (lambda: tk.train("a b", -1), "merges must not be negative, got -1"),
        (lambda: tk.train("a b", 1, tie="last"), "tie must be one of"),
        (lambda: tk.train("a </w>", 1), "text must not contain the end-of-word token '</w>'"),
        (lambda: tk.train("a b", 1, end=""), "end must be a token"),
        (lambda: tk.train("a b", 1, end="a b"), "end must be a token"),
        (lambda: tk.encode("abc é", tk.train("ab c", 1)), "characters that training did not meet: 'é'"),
        (lambda: tk.decode([0, 99], tk.train("a b", 1)), r"numbers must lie in 0\.\.3, got 99"),
        (lambda: tk.decode([-1], tk.train("a b", 1)), r"numbers must lie in 0\.\.3, got -1"),
    ],
)
def test_bad_input_is_told(call, match):
    with pytest.raises(ValueError, match=match):
        call()
