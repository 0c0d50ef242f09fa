"""Byte-pair encoding: frequent neighbours become one token, again and again.

This is text, not arrays: plain Python, nothing here can be jitted.
"""

import collections
import itertools
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from udl_jax._checks import count, one_of
from udl_jax.ch12_transformers.pair_index import Pair, PairIndex, merge_in_word

#: Closes every word.
END = "</w>"


class Merges(NamedTuple):
    """What :func:`train` learnt.

    Attributes
    ----------
    pairs
        The pairs that were merged, in this order.
    counts
        How often each occurred when it was merged.
    tokens
        All tokens by number: first the single characters, then what the merges made.
    end
        The token that closes a word.
    sizes
        How many different tokens the text consists of, before the first merge and after each.
    lengths
        How many tokens the text has, before the first merge and after each.
    """

    pairs: tuple[Pair, ...]
    counts: tuple[int, ...]
    tokens: tuple[str, ...]
    end: str
    sizes: tuple[int, ...]
    lengths: tuple[int, ...]


def initial_vocabulary(text: str, end: str = END) -> dict[tuple[str, ...], int]:
    """Cut a text into words, and words into characters, each closed by the end-of-word token.

    Parameters
    ----------
    text
        Words with white space between them.
    end
        The end-of-word token.

    Returns
    -------
    dict[tuple[str, ...], int]
        The words as tuples of tokens, with the number of times they occur.

    Raises
    ------
    ValueError
        If the text has no words, if ``end`` is empty or has white space, or if the text has ``end`` in it.

    Examples
    --------
    >>> initial_vocabulary("to be or to")
    {('t', 'o', '</w>'): 2, ('b', 'e', '</w>'): 1, ('o', 'r', '</w>'): 1}
    """
    if not end or end.split() != [end]:
        raise ValueError(f"end must be a token without white space, got {end!r}")
    words = text.split()
    if not words:
        raise ValueError("text has no words")
    if end in text:
        raise ValueError(f"text must not contain the end-of-word token {end!r}: choose another one")
    return {(*word, end): times for word, times in collections.Counter(words).items()}


def token_counts(vocabulary: Mapping[tuple[str, ...], int]) -> dict[str, int]:
    """Count each token of a vocabulary.

    Examples
    --------
    >>> token_counts({("t", "o"): 2, ("o", "r"): 1})
    {'t': 2, 'o': 3, 'r': 1}
    """
    counts: dict[str, int] = {}
    for word, times in vocabulary.items():
        for token in word:
            counts[token] = counts.get(token, 0) + times
    return counts


def pair_counts(vocabulary: Mapping[tuple[str, ...], int]) -> dict[Pair, int]:
    """Count each pair of neighbours within words.

    Examples
    --------
    >>> pair_counts({("t", "o", "o"): 2, ("o", "o"): 1})
    {('t', 'o'): 2, ('o', 'o'): 3}
    """
    counts: dict[Pair, int] = {}
    for word, times in vocabulary.items():
        for pair in itertools.pairwise(word):
            counts[pair] = counts.get(pair, 0) + times
    return counts


def merge_pair(pair: Pair, vocabulary: Mapping[tuple[str, ...], int]) -> dict[tuple[str, ...], int]:
    """Make one token of a pair wherever it occurs.

    Parameters
    ----------
    pair
        Two neighbours. Occurrences that overlap are merged from the left.
    vocabulary
        Words as tuples of tokens.

    Returns
    -------
    dict[tuple[str, ...], int]
        A new vocabulary with words in the same order.

    Examples
    --------
    >>> merge_pair(("o", "o"), {("t", "o", "o"): 2, ("o", "o", "o"): 1})
    {('t', 'oo'): 2, ('oo', 'o'): 1}
    """
    return {merge_in_word(pair, word): times for word, times in vocabulary.items()}


def train(text: str, merges: int, *, tie: str = "first", end: str = END) -> Merges:
    """Learn tokens from a text: merge the most frequent pair of neighbours, time after time.

    Counts are kept up to date word by word, and a heap finds the largest, where the notebook counts all pairs anew
    for every merge.

    Parameters
    ----------
    text
        Words with white space between them.
    merges
        How many pairs to merge at most; training ends earlier if every word is one token.
    tie
        Which of several equally frequent pairs is merged: ``"first"``, the one that is met first when the words
        are read in the order in which they first occurred, as in the notebook; or ``"index"``, the one with the
        smallest numbers of tokens, where characters are numbered by code point and merged tokens after them, as in
        the library ``tokenizers``.
    end
        The end-of-word token.

    Returns
    -------
    Merges
        Pairs, tokens, and how the text's size changed on the way.

    Raises
    ------
    ValueError
        As :func:`initial_vocabulary`; also if ``merges`` is negative or ``tie`` unknown.

    References
    ----------
    Prince (2023), section 12.5.1, figure 12.8; notebook 12.3.

    Examples
    --------
    >>> learnt = train("see sea see sea sea", 2)
    >>> learnt.pairs, learnt.counts, learnt.sizes
    ((('s', 'e'), ('se', 'a')), (5, 3), (4, 4, 4))
    """
    merges, tie = count("merges", merges, least=0), one_of("tie", tie, ("first", "index"))
    vocabulary = initial_vocabulary(text, end)
    singles = list(token_counts(vocabulary))
    index = PairIndex(vocabulary, sorted(singles) if tie == "index" else singles, by_number=tie == "index")
    pairs, counts, sizes, lengths = [], [], [index.size], [index.length]
    while len(pairs) < merges and (found := index.most_frequent()) is not None:
        pairs.append(found)
        counts.append(index.counts[found])
        index.merge(found)
        sizes.append(index.size)
        lengths.append(index.length)
    return Merges(tuple(pairs), tuple(counts), tuple(index.tokens), end, tuple(sizes), tuple(lengths))


def segment(word: Iterable[str], ranks: Mapping[Pair, int]) -> tuple[str, ...]:
    """Merge the neighbours in a word, those that were learnt earliest first.

    Parameters
    ----------
    word
        The tokens that it begins with.
    ranks
        The place of each pair in the order of merges.

    Returns
    -------
    tuple[str, ...]
        The word's tokens.

    Examples
    --------
    >>> segment("sees", {("s", "e"): 0, ("e", "s"): 1})
    ('se', 'es')
    """
    word = tuple(word)
    while len(word) > 1:
        best = min(itertools.pairwise(word), key=lambda pair: ranks.get(pair, len(ranks)))
        if best not in ranks:
            break
        word = merge_in_word(best, word)
    return word


def encode(text: str, merges: Merges) -> list[int]:
    """Turn a text into numbers of tokens.

    Parameters
    ----------
    text
        Words with white space between them; how much of it, and of which kind, is lost.
    merges
        From :func:`train`.

    Returns
    -------
    list of int
        Numbers of tokens; none for a text without words.

    Raises
    ------
    ValueError
        If the text has characters that training did not meet.

    Examples
    --------
    >>> learnt = train("see sea see sea sea", 10)
    >>> [learnt.tokens[number] for number in encode("sea see", learnt)]
    ['sea</w>', 'see</w>']
    """
    numbers = {token: number for number, token in enumerate(merges.tokens)}
    ranks = {pair: rank for rank, pair in enumerate(merges.pairs)}
    unknown = sorted(set("".join(text.split())) - set(numbers))
    if unknown:
        raise ValueError(f"text has characters that training did not meet: {', '.join(map(repr, unknown))}")
    known: dict[str, list[int]] = {}
    for word in dict.fromkeys(text.split()):
        known[word] = [numbers[token] for token in segment((*word, merges.end), ranks)]
    return [number for word in text.split() for number in known[word]]


def decode(numbers: Iterable[int], merges: Merges) -> str:
    """Turn numbers of tokens into a text with single spaces between words.

    Raises
    ------
    ValueError
        If a number is that of no token.

    Examples
    --------
    >>> learnt = train("see sea see sea sea", 10)
    >>> decode(encode("sea   see", learnt), learnt)
    'sea see'
    """
    numbers = list(numbers)
    wrong = [number for number in numbers if not 0 <= number < len(merges.tokens)]
    if wrong:
        raise ValueError(f"numbers must lie in 0..{len(merges.tokens) - 1}, got {wrong[0]}")
    return "".join(merges.tokens[number] for number in numbers).replace(merges.end, " ").rstrip(" ")
