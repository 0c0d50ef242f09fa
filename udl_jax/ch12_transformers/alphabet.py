"""Characters as numbers, and a text as windows to learn from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Int

from udl_jax import training
from udl_jax._checks import count


class Alphabet(NamedTuple):
    """The characters of a text, in the order of their code points.

    Attributes
    ----------
    characters
        One string; the number of a character is its place.
    """

    characters: str

    def encode(self, text: str) -> Int[np.ndarray, " length"]:
        """Turn a text into numbers.

        Raises
        ------
        ValueError
            If it has characters that are not in the alphabet.
        """
        numbers = {character: number for number, character in enumerate(self.characters)}
        unknown = sorted(set(text) - set(numbers))
        if unknown:
            raise ValueError(
                f"text has characters that the alphabet has not: {', '.join(map(repr, unknown))}"
            )
        return np.array([numbers[character] for character in text], np.int32)

    def decode(self, numbers: Sequence[int] | Int[Array | np.ndarray, " length"]) -> str:
        """Turn numbers into a text.

        Raises
        ------
        ValueError
            If a number is that of no character.
        """
        found = np.asarray(numbers)
        wrong = found[(found < 0) | (found >= len(self.characters))]
        if wrong.size:
            raise ValueError(f"numbers must lie in 0..{len(self.characters) - 1}, got {wrong[0]}")
        return "".join(self.characters[number] for number in found)


def find_alphabet(text: str) -> Alphabet:
    """Collect the characters of a text.

    Raises
    ------
    ValueError
        If the text is empty.

    Examples
    --------
    >>> alphabet = find_alphabet("abracadabra")
    >>> alphabet.characters, alphabet.decode(alphabet.encode("cab"))
    ('abcdr', 'cab')
    """
    if not text:
        raise ValueError("text is empty")
    return Alphabet("".join(sorted(set(text))))


def windows(
    numbers: Int[np.ndarray, " length"], context: int, stride: int | None = None
) -> training.Examples:
    """Cut a text into windows, and give each character the one that follows it as its target.

    Parameters
    ----------
    numbers
        The text as numbers of characters.
    context
        Characters in a window.
    stride
        From the beginning of one window to that of the next; None lays them side by side.

    Returns
    -------
    training.Examples
        Windows and targets; in bytes where the numbers fit, for there may be many.

    Raises
    ------
    ValueError
        If the text is not longer than a window, or a number is less than 1.

    Examples
    --------
    >>> windows(np.arange(7), context=3)
    Examples(x=array([[0, 1, 2],
           [3, 4, 5]], dtype=uint8), y=array([[1, 2, 3],
           [4, 5, 6]], dtype=uint8))
    """
    context, stride = count("context", context), count("stride", context if stride is None else stride)
    if len(numbers) <= context:
        raise ValueError(f"the text must be longer than a window of {context}, got {len(numbers)} characters")
    small = np.asarray(numbers, np.uint8 if numbers.max() < 256 else np.int32)
    cut = np.lib.stride_tricks.sliding_window_view(small, context + 1)[::stride]
    return training.Examples(np.ascontiguousarray(cut[:, :-1]), np.ascontiguousarray(cut[:, 1:]))
