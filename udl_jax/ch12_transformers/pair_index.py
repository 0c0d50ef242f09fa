"""Pairs of neighbouring tokens, their counts and places, kept up to date from merge to merge."""

import collections
import heapq
import itertools
from collections.abc import Mapping, Sequence

Pair = tuple[str, str]


def merge_in_word(pair: Pair, word: Sequence[str]) -> tuple[str, ...]:
    """Make one token of a pair wherever it occurs in a word; occurrences that overlap are merged from the left.

    Examples
    --------
    >>> merge_in_word(("o", "o"), ("o", "o", "o", "t"))
    ('oo', 'o', 't')
    """
    merged, place = [], 0
    while place < len(word):
        found = word[place] == pair[0] and place + 1 < len(word) and word[place + 1] == pair[1]
        merged.append(pair[0] + pair[1] if found else word[place])
        place += 1 + found
    return tuple(merged)


class PairIndex:
    """The pairs of a vocabulary: how often each occurs, in which words, and which is most frequent.

    A merge looks only at the words that have the pair. The heap may hold counts that are out of date; they are
    corrected when they come up.

    Parameters
    ----------
    vocabulary
        Words as tuples of tokens, with the number of times they occur.
    singles
        The tokens that it consists of, in the order of their numbers.
    by_number
        Of equally frequent pairs prefer those with the smallest numbers of tokens, not those met first.

    Attributes
    ----------
    words, times
        The words, as tuples of tokens, and how often each occurs.
    counts
        How often each pair occurs.
    tokens
        All tokens by number.
    size, length
        How many different tokens are in use; how many tokens the whole text has.

    Examples
    --------
    >>> index = PairIndex({("t", "o"): 2, ("t", "o", "o"): 1}, ["t", "o"], by_number=False)
    >>> index.most_frequent(), index.length
    (('t', 'o'), 7)
    >>> index.merge(("t", "o"))
    >>> index.words, index.length
    ([('to',), ('to', 'o')], 4)
    """

    def __init__(self, vocabulary: Mapping[tuple[str, ...], int], singles: Sequence[str], *, by_number: bool):
        self.words = [tuple(word) for word in vocabulary]
        self.times = list(vocabulary.values())
        self.tokens = list(singles)
        self.counts: collections.Counter[Pair] = collections.Counter()
        self._numbers = {token: number for number, token in enumerate(singles)}
        self._by_number = by_number
        self._places: dict[Pair, set[int]] = collections.defaultdict(set)
        self._used: collections.Counter[str] = collections.Counter()
        for place, (word, times) in enumerate(zip(self.words, self.times)):
            for token in word:
                self._used[token] += times
            for pair in itertools.pairwise(word):
                self.counts[pair] += times
                self._places[pair].add(place)
        self._heap = [self._entry(pair) for pair in self.counts]
        heapq.heapify(self._heap)

    @property
    def size(self) -> int:
        """How many different tokens the text consists of."""
        return len(self._used)

    @property
    def length(self) -> int:
        """How many tokens the text has."""
        return self._used.total()

    def most_frequent(self) -> Pair | None:
        """Find the pair to merge next; None if there are no pairs."""
        tied = []
        while self._heap:
            entry = heapq.heappop(self._heap)
            pair, now = entry[-1], self.counts.get(entry[-1], 0)
            if now != -entry[0]:
                if now:
                    heapq.heappush(self._heap, self._entry(pair))
            elif tied and tied[0][0] != entry[0]:
                heapq.heappush(self._heap, entry)
                break
            elif not tied or tied[-1] != entry:
                tied.append(entry)
                if self._by_number:
                    break
        for entry in tied:
            heapq.heappush(self._heap, entry)
        return min((entry[-1] for entry in tied), key=self._first, default=None)

    def merge(self, pair: Pair) -> None:
        """Make one token of a pair wherever it occurs; occurrences that overlap are merged from the left."""
        merged = "".join(pair)
        if merged not in self._numbers:
            self._numbers[merged] = len(self.tokens)
            self.tokens.append(merged)
        changed: set[Pair] = set()
        for place in sorted(self._places[pair]):
            changed |= self._merge_in_word(pair, merged, place)
        for other in changed:
            if self.counts[other] <= 0:
                del self.counts[other]
                self._places.pop(other, None)
            else:
                heapq.heappush(self._heap, self._entry(other))

    def _merge_in_word(self, pair, merged, place) -> set[Pair]:
        """Replace a pair in one word; return the pairs whose counts changed."""
        word, times = self.words[place], self.times[place]
        new = merge_in_word(pair, word)
        replaced = times * (len(word) - len(new))
        for token, change in ((pair[0], -replaced), (pair[1], -replaced), (merged, replaced)):
            self._used[token] += change
        for token in pair:
            if not self._used[token]:
                self._used.pop(token, None)
        before, after = (collections.Counter(itertools.pairwise(tokens)) for tokens in (word, new))
        changed = {other for other in before | after if before[other] != after[other]}
        for other in changed:
            self.counts[other] += times * (after[other] - before[other])
            if not after[other]:
                self._places[other].discard(place)
            elif not before[other]:
                self._places[other].add(place)
        self.words[place] = new
        return changed

    def _entry(self, pair):
        """Make an entry of the heap: the most frequent pair first, then by number if so wanted."""
        numbers = (self._numbers[pair[0]], self._numbers[pair[1]]) if self._by_number else ()
        return (-self.counts[pair], *numbers, pair)

    def _first(self, pair):
        """Tell where a pair is met first: in which word, and at which place of it."""
        if self._by_number:
            return 0
        place = min(self._places[pair])
        return place, list(zip(self.words[place], self.words[place][1:])).index(pair)
