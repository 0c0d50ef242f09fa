import json

import numpy as np
import pytest

from udl_jax.ch12_transformers.byte_level import PATTERN, ByteLevelTokenizer, byte_symbols
from udl_jax.ch12_transformers.pair_index import PairIndex
from udl_jax.data.moby import load_moby


def learn(merges):
    """Learn a small tokeniser of bytes from the beginning of Moby-Dick."""
    symbols = byte_symbols()
    pieces = PATTERN.findall(load_moby()[:30_000])
    words: dict[tuple[str, ...], int] = {}
    for piece in pieces:
        word = tuple(symbols[byte] for byte in piece.encode())
        words[word] = words.get(word, 0) + 1
    index, pairs = PairIndex(words, symbols, by_number=True), []
    for _ in range(merges):
        pairs.append(index.most_frequent())
        index.merge(pairs[-1])
    return {token: number for number, token in enumerate(index.tokens)}, pairs


NUMBERS, PAIRS = learn(200)
TOKENIZER = ByteLevelTokenizer(NUMBERS, PAIRS)


def save(folder, numbers=NUMBERS, pairs=PAIRS, names=("vocab.json", "merges.txt"), version=True):
    folder.joinpath(names[0]).write_text(json.dumps(numbers))
    lines = ["#version: 0.2"] * version + [" ".join(pair) for pair in pairs]
    folder.joinpath(names[1]).write_text("\n".join(lines) + "\n", encoding="utf-8")


def random_text(generator):
    kinds = ((32, 127), (0, 0x300), (0x300, 0xD800), (0xE000, 0x10FFFF))
    low, high = kinds[generator.integers(len(kinds))]
    return "".join(map(chr, generator.integers(low, high, generator.integers(0, 40))))


def test_round_trip_of_any_text():
    generator = np.random.default_rng(0)
    for _ in range(1000):
        text = random_text(generator)
        assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n  a", "naïve café", "日本語", "🙂🙃", "e\u0301", "a\x00b", "<|endoftext|>"]
)
def test_round_trip_of_odd_texts(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


def test_round_trip_of_bytes():
    everything = list(range(256))
    assert TOKENIZER.decode_bytes(everything) == bytes(everything)


def test_half_a_character_is_shown_as_such():
    numbers = TOKENIZER.encode("é")
    assert TOKENIZER.decode(numbers[:1]) == "\ufffd"


def test_frequent_words_are_one_token():
    assert len(TOKENIZER.encode(" the")) == 1
    assert len(TOKENIZER.encode("whale" * 3)) < 15


def test_tokens_do_not_cross_pieces():
    assert TOKENIZER.encode("the whale") == TOKENIZER.encode("the") + TOKENIZER.encode(" whale")


@pytest.mark.parametrize("names", [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")])
def test_files_by_either_name(tmp_path, names):
    save(tmp_path, names=names)
    loaded = ByteLevelTokenizer.load(tmp_path)
    text = load_moby()[:2000]
    assert loaded.encode(text) == TOKENIZER.encode(text)
    assert len(loaded) == len(NUMBERS)


def test_special_tokens_can_be_decoded(tmp_path):
    save(tmp_path, numbers=NUMBERS | {"<|endoftext|>": len(NUMBERS)}, version=False)
    assert ByteLevelTokenizer.load(tmp_path).decode([len(NUMBERS)]) == "<|endoftext|>"


def test_missing_files_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has neither vocab\.json nor encoder\.json"):
        ByteLevelTokenizer.load(tmp_path)
    tmp_path.joinpath("vocab.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"has neither merges\.txt nor vocab\.bpe"):
        ByteLevelTokenizer.load(tmp_path)


def test_damaged_files_are_told(tmp_path):
    save(tmp_path)
    cut = tmp_path.joinpath("vocab.json").read_text()[:100]
    tmp_path.joinpath("vocab.json").write_text(cut)
    with pytest.raises(ValueError, match=r"vocab\.json is damaged"):
        ByteLevelTokenizer.load(tmp_path)
    tmp_path.joinpath("vocab.json").write_text("[1]")
    with pytest.raises(ValueError, match="must hold the number of each token"):
        ByteLevelTokenizer.load(tmp_path)
    save(tmp_path, pairs=[*PAIRS, ("lonely",)])
    with pytest.raises(ValueError, match="line 202 must hold two tokens, got 'lonely'"):
        ByteLevelTokenizer.load(tmp_path)


def test_files_that_do_not_belong_together_are_told():
    with pytest.raises(ValueError, match="has 'qz', which is not in the vocabulary"):
        ByteLevelTokenizer(NUMBERS, [("q", "z")])
    with pytest.raises(ValueError, match="no token for the byte 65"):
        ByteLevelTokenizer({k: v for k, v in NUMBERS.items() if k != "A"}, [])
    with pytest.raises(ValueError, match="one number to several tokens"):
        ByteLevelTokenizer(NUMBERS | {"extra": 0}, [])


@pytest.mark.parametrize("number", [-1, 10**6])
def test_unknown_tokens_are_told(number):
    with pytest.raises(ValueError, match=f"numbers must be those of tokens, got {number}"):
        TOKENIZER.decode([0, number])


def test_half_a_surrogate_pair_is_told():
    with pytest.raises(ValueError, match="half a surrogate pair"):
        TOKENIZER.encode("ab\ud800")
