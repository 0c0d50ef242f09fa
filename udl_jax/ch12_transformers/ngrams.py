"""Counting instead of learning: how probable a character is after those before it. A model has to beat it."""

import numpy as np
from jaxtyping import Float, Int

from udl_jax._checks import count, number


def score_by_counting(
    train: Int[np.ndarray, " length"],
    test: Int[np.ndarray, " held_out"],
    before: int,
    vocabulary: int,
    trust: float = 20.0,
) -> Float[np.ndarray, " scored"]:
    r"""Predict each held-out character from how often it followed the same few characters in a training text.

    What was rarely met is blended with what follows fewer characters, down to all characters alike:

    .. math::
       p_n(c\,|\,h) = \frac{n(h, c) + m\,p_{n-1}(c\,|\,h')}{n(h) + m},

    where :math:`h'` is the history :math:`h` without its first character.

    Parameters
    ----------
    train, test
        Texts as numbers of characters.
    before
        How many characters are looked at; 0 for none, 1 for pairs of neighbours.
    vocabulary
        Number of characters.
    trust
        :math:`m`, how many observations the shorter history is worth; positive.

    Returns
    -------
    Float[np.ndarray, " scored"]
        The negative log-probability, in nats, of each held-out character but the first ``before``.

    Raises
    ------
    ValueError
        If ``before`` is negative or so large that histories cannot be numbered, ``trust`` is not positive, a text is too
        short, or a number is that of no character.

    Examples
    --------
    >>> text = np.arange(600) % 3
    >>> f"{score_by_counting(text, text[:9], before=0, vocabulary=3).mean():.2f}"
    '1.10'
    >>> f"{score_by_counting(text, text[:9], before=1, vocabulary=3).mean():.2f}"
    '0.06'
    """
    before, vocabulary = count("before", before, least=0), count("vocabulary", vocabulary)
    number("trust", trust, above=0)
    if vocabulary ** (before + 1) > 2**62:
        raise ValueError(f"before must leave histories that 64 bits can number, got {before}")
    for name, text in (("train", train), ("test", test)):
        if len(text) <= before:
            raise ValueError(f"{name} must be longer than {before} characters, got {len(text)}")
        if np.min(text) < 0 or np.max(text) >= vocabulary:
            raise ValueError(f"{name} must hold numbers in 0..{vocabulary - 1}")
    probability = np.full(len(test), 1 / vocabulary)
    for length in range(before + 1):
        with_next, alone = (_number(train, n, vocabulary) for n in (length + 1, length))
        asked, histories = (_number(test, n, vocabulary) for n in (length + 1, length))
        # The last history of the training text has nothing behind it.
        both, history = _look_up(with_next, asked), _look_up(alone[:-1], histories[:-1])
        probability = (both + trust * probability[-len(both) :]) / (history + trust)
    return -np.log(probability)


def _number(text, length, vocabulary):
    """Give each stretch of so many characters a number."""
    numbers = np.zeros(len(text) - length + 1, np.int64)
    for place in range(length):
        numbers = numbers * vocabulary + text[place : place + len(numbers)]
    return numbers


def _look_up(known, asked):
    """Count how often each number asked for occurs among those known."""
    found, counts = np.unique(known, return_counts=True)
    places = np.searchsorted(found, asked).clip(max=len(found) - 1)
    return np.where(found[places] == asked, counts[places], 0)
