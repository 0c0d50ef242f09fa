import numpy as np
import pytest

from udl_jax.ch12_transformers.alphabet import find_alphabet, windows


@pytest.mark.parametrize("text", ["abracadabra", "日本語 🙂", "\n\t x"])
def test_round_trip(text):
    alphabet = find_alphabet(text)
    assert alphabet.decode(alphabet.encode(text)) == text
    assert len(alphabet.characters) == len(set(text))


def test_targets_follow_inputs():
    text = np.arange(100)
    x, y = windows(text, context=7, stride=3)
    np.testing.assert_array_equal(y, x + 1)
    np.testing.assert_array_equal(x[:, 0], 3 * np.arange(len(x)))
    assert x.dtype == np.uint8
    assert windows(10 * text, context=7).x.dtype == np.int32


def test_windows_cover_the_text():
    x, y = windows(np.arange(22), context=7)
    np.testing.assert_array_equal(x.ravel(), np.arange(21))
    assert y[-1, -1] == 21


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: find_alphabet(""), "text is empty"),
        (lambda: find_alphabet("ab").encode("abc!"), "characters that the alphabet has not: '!', 'c'"),
        (lambda: find_alphabet("ab").decode([0, 2]), r"numbers must lie in 0\.\.1, got 2"),
        (lambda: find_alphabet("ab").decode([-1]), r"numbers must lie in 0\.\.1, got -1"),
        (lambda: windows(np.arange(5), context=5), "longer than a window of 5, got 5 characters"),
        (lambda: windows(np.arange(5), context=0), "context must be at least 1"),
        (lambda: windows(np.arange(5), context=2, stride=0), "stride must be at least 1"),
    ],
)
def test_bad_input_is_told(call, match):
    with pytest.raises(ValueError, match=match):
        call()
