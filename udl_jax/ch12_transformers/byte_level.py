"""GPT-2's tokeniser: byte-pair encoding of bytes, so that there is no text that it cannot read."""

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import regex

from udl_jax.ch12_transformers.pair_index import Pair
from udl_jax.ch12_transformers.tokenization import segment

#: How GPT-2 cuts a text before it looks for tokens: English endings, letters, digits, other signs, white space.
PATTERN = regex.compile(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
#: What the two files of a tokeniser are called: by OpenAI, and by the library ``transformers``.
VOCABULARY_FILES = ("vocab.json", "encoder.json")
MERGES_FILES = ("merges.txt", "vocab.bpe")
_CACHED_PIECES = 2**16


@functools.cache
def byte_symbols() -> tuple[str, ...]:
    """Return the 256 printable characters that stand for the bytes in a tokeniser's files.

    A byte that is a printable Latin-1 character stands for itself, the others are numbered from 256 on.

    Examples
    --------
    >>> symbols = byte_symbols()
    >>> symbols[ord("a")], symbols[ord(" ")], len(set(symbols))
    ('a', 'Ġ', 256)
    """
    printable = {
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    }
    others = iter(range(256, 512))
    return tuple(chr(byte) if byte in printable else chr(next(others)) for byte in range(256))


class ByteLevelTokenizer:
    """Turn any text into numbers of tokens, and back.

    Parameters
    ----------
    numbers
        The number of each token, written in :func:`byte_symbols`.
    merges
        Pairs of tokens in the order in which they were learnt.

    Raises
    ------
    ValueError
        If a byte has no token, two tokens have one number, or a merge makes or joins something that is no token.

    Examples
    --------
    >>> numbers = {symbol: byte for byte, symbol in enumerate(byte_symbols())} | {"th": 256, "Ġth": 257}
    >>> tokenizer = ByteLevelTokenizer(numbers, [("t", "h"), ("Ġ", "th")])
    >>> tokenizer.encode("the thé")
    [256, 101, 257, 195, 169]
    >>> tokenizer.decode([256, 101, 257, 195, 169])
    'the thé'
    """

    def __init__(self, numbers: Mapping[str, int], merges: Iterable[Pair]):
        self._numbers = dict(numbers)
        merges = [tuple(pair) for pair in merges]
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        missing = [symbol for symbol in byte_symbols() if symbol not in self._numbers]
        if missing:
            raise ValueError(f"the vocabulary has no token for the byte {byte_symbols().index(missing[0])}")
        self._tokens = {number: token for token, number in self._numbers.items()}
        if len(self._tokens) != len(self._numbers):
            raise ValueError("the vocabulary gives one number to several tokens")
        for first, second in merges:
            unknown = [token for token in (first, second, first + second) if token not in self._numbers]
            if unknown:
                raise ValueError(
                    f"merge {first!r} {second!r} has {unknown[0]!r}, which is not in the vocabulary"
                )
        self._bytes = {symbol: byte for byte, symbol in enumerate(byte_symbols())}
        self._encode_piece = functools.lru_cache(_CACHED_PIECES)(self._find_tokens)

    @classmethod
    def load(cls, folder: str | Path) -> "ByteLevelTokenizer":
        """Read a tokeniser from its two files.

        Parameters
        ----------
        folder
            Holds ``vocab.json`` and ``merges.txt``, or, as OpenAI called them, ``encoder.json`` and ``vocab.bpe``.

        Returns
        -------
        ByteLevelTokenizer
            Ready for use.

        Raises
        ------
        FileNotFoundError
            If one of the files is not there.
        ValueError
            If a file is damaged, or the two do not belong together.
        """
        vocabulary, merges = (_find(Path(folder), names) for names in (VOCABULARY_FILES, MERGES_FILES))
        try:
            numbers = json.loads(vocabulary.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{vocabulary} is damaged: {error}") from None
        if not isinstance(numbers, dict) or not all(type(number) is int for number in numbers.values()):
            raise ValueError(f"{vocabulary} must hold the number of each token")
        lines = merges.read_text(encoding="utf-8").split("\n")
        pairs = []
        for place, line in enumerate(lines, 1):
            if not line or (place == 1 and line.startswith("#version")):
                continue
            pair = tuple(line.rstrip("\r").split(" "))
            if len(pair) != 2:
                raise ValueError(f"{merges} is damaged: line {place} must hold two tokens, got {line!r}")
            pairs.append(pair)
        return cls(numbers, pairs)

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self._numbers)

    def encode(self, text: str) -> list[int]:
        """Turn a text into numbers of tokens; names of special tokens are text like any other.

        Raises
        ------
        ValueError
            If the text has half a surrogate pair, which stands for no character.
        """
        numbers: list[int] = []
        for piece in PATTERN.findall(text):
            numbers.extend(self._encode_piece(piece))
        return numbers

    def decode_bytes(self, numbers: Iterable[int]) -> bytes:
        """Turn numbers of tokens into bytes.

        Raises
        ------
        ValueError
            If a number is that of no token.
        """
        numbers = [int(number) for number in numbers]
        unknown = [number for number in numbers if number not in self._tokens]
        if unknown:
            raise ValueError(f"numbers must be those of tokens, got {unknown[0]}")
        found = bytearray()
        for token in (self._tokens[number] for number in numbers):
            known = all(symbol in self._bytes for symbol in token)
            found += bytes(self._bytes[symbol] for symbol in token) if known else token.encode()
        return bytes(found)

    def decode(self, numbers: Iterable[int]) -> str:
        """Turn numbers of tokens into a text; bytes that are no UTF-8 become replacement characters.

        Raises
        ------
        ValueError
            If a number is that of no token.
        """
        return self.decode_bytes(numbers).decode("utf-8", errors="replace")

    def _find_tokens(self, piece: str) -> tuple[int, ...]:
        try:
            raw = piece.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(f"text has half a surrogate pair, {piece[error.start]!r}") from None
        symbols = byte_symbols()
        return tuple(self._numbers[token] for token in segment([symbols[byte] for byte in raw], self._ranks))


def _find(folder, names):
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{folder} has neither {names[0]} nor {names[1]}")
