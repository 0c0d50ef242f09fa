"""Notebook 12.4: decoding strategies, and GPT-2.

GPT-2's weights come from a hub. What is recorded used a small network of random weights in its place, which is
read here by the loader of the real files. Where somebody has the weights, the author's sentences are checked, too.
"""

import hashlib
import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from udl_jax.ch12_transformers import beam_search as bs
from udl_jax.ch12_transformers import decoding, gpt2_files
from udl_jax.ch12_transformers.byte_level import ByteLevelTokenizer
from udl_jax.ch12_transformers.generation import generate
from udl_jax.ch12_transformers.strategies import Greedy, KthMostLikely, Nucleus, Sampling, TopK

#: Which folder, if any, holds GPT-2's config.json, model.safetensors, vocab.json and merges.txt.
REAL = os.environ.get("UDL_JAX_GPT2")


@pytest.fixture(scope="module")
def gpt2(reference, tmp_path_factory):
    """Read the stand-in from files, as GPT-2 would be."""
    folder = tmp_path_factory.mktemp("gpt2")
    tensors = {name: np.asarray(array) for name, array in reference("12_4").under("weights").items()}
    safetensors.numpy.save_file(tensors, folder / "model.safetensors")
    config = {"vocab_size": 2100, "n_embd": 8, "n_layer": 2, "n_head": 2, "n_positions": 64}
    folder.joinpath("config.json").write_text(json.dumps(config))
    return gpt2_files.load_gpt2(folder)


def test_logits(reference, agrees, gpt2):
    book = reference("12_4")
    logits = jax.jit(gpt2.model.apply)
    ours = logits(gpt2.variables, book["prompt"])
    agrees(ours[-1], book["logits"], kind="value", quantity="logits after the prompt")
    ours = logits(gpt2.variables, book["batch"])[..., ::70]
    agrees(ours, book["batch_logits"], kind="value", quantity="logits of a 3 x 20 batch")


def follow(agrees, found, gpt2, strategy, there, name):
    """Compare tokens, and their probabilities in the distribution that was cut."""
    new = found.ids[-10:]
    agrees(new, there["ids"], kind="draws", quantity=f"{name}: ten tokens")
    logits = gpt2.model.apply(gpt2.variables, found.ids[:-1])[-10:]
    cut = strategy.cut(jax.nn.softmax(logits))
    agrees(jnp.sum(cut > 0, axis=-1), there["kept"], kind="draws", quantity=f"{name}: how many are kept")
    ours = jnp.take_along_axis(cut, new[:, None], axis=1)[:, 0]
    agrees(ours, there["p"], kind="draws", quantity=f"{name}: their probabilities")


@pytest.mark.parametrize(
    ("strategy", "name"),
    [(Sampling(), "sampling"), (TopK(10), "top_10"), (Nucleus(0.2), "nucleus_0.2")],
    ids=str,
)
def test_draws(reference, agrees, gpt2, strategy, name):
    book = reference("12_4")
    found = generate(*gpt2, book["prompt"], 10, strategy, book["uniforms"])
    follow(agrees, found, gpt2, strategy, book.under(name), name)


ELSEWHERE = {"sampling": Sampling()} | {f"top_{k}": TopK(k) for k in (1, 3, 50, 2100)}
ELSEWHERE |= {f"nucleus_{t}": Nucleus(t) for t in (0.0, 0.5, 0.9)}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_elsewhere(reference, agrees, gpt2, name):
    there = reference("12_4").under(f"elsewhere_{name}")
    found = generate(*gpt2, there["prompt"], 10, ELSEWHERE[name], there["uniforms"])
    follow(agrees, found, gpt2, ELSEWHERE[name], there, f"elsewhere, {name}")


def test_threshold_that_no_sum_exceeds_is_greedy(reference, agrees, gpt2):
    there = reference("12_4").under("elsewhere_nucleus_2.0")
    found = generate(*gpt2, there["prompt"], 10, Greedy(), there["uniforms"])
    agrees(found.ids[5:], there["ids"], kind="draws", quantity="threshold 2: ten tokens")
    p = jax.nn.softmax(gpt2.model.apply(gpt2.variables, there["prompt"])[-1])
    kept = jnp.sum(decoding.book_keep_nucleus(p, 2.0) > 0)
    agrees(kept, there["kept"][0], kind="draws", quantity="threshold 2: one token is kept")


def test_greedy_and_kth(reference, agrees, gpt2):
    book = reference("12_4")
    for strategy, name in (
        (Greedy(), "greedy"),
        (KthMostLikely(1), "kth_1"),
        (KthMostLikely(2000), "kth_2000"),
    ):
        found = generate(*gpt2, book["prompt"], 10, strategy, jnp.zeros(10))
        agrees(found.ids[6:], book[f"{name}/ids"], kind="value", quantity=f"{name}: ten tokens")
        if name != "kth_1":
            p = jnp.exp(found.log_probabilities)
            agrees(p, book[f"{name}/p"], kind="value", quantity=f"{name}: their probabilities")
    total = found.log_probabilities.sum()
    agrees(total[None], book["kth_2000/log_prob"], kind="value", quantity="kth_2000: log-probability")


@pytest.mark.parametrize(("beams", "length"), [(5, 10), (1, 6), (2, 7), (3, 4), (7, 1)])
def test_beams_as_in_the_notebook(reference, agrees, gpt2, beams, length):
    book = reference("12_4")
    first = (beams, length) == (5, 10)
    there = book.under("beams" if first else f"beams_{beams}_{length}")
    prompt = book["prompt"] if first else there["prompt"]
    found = bs.book_beam_search(*gpt2, prompt, beams, length)
    longest = there["ids"].shape[1]
    name = f"{beams} beams, {length} long"
    agrees(found.ids[:, :longest], there["ids"], kind="value", quantity=f"{name}: tokens")
    agrees(found.lengths, there["lengths"], kind="value", quantity=f"{name}: lengths")
    agrees(found.log_probability, there["log_prob"], kind="value", quantity=f"{name}: log-probabilities")


def test_first_beams(reference, agrees, gpt2):
    book = reference("12_4")
    found = bs.beam_search(*gpt2, book["prompt"], 5, 1)
    agrees(found.ids[:, -1], book["beams/first"], kind="value", quantity="the five likeliest tokens")


SIZES = {
    "GPT-2's": {},
    "untied, wide, exact": {"tie_word_embeddings": False, "n_inner": 10, "activation_function": "gelu"},
    "odd scales": {"scale_attn_by_inverse_layer_idx": True, "layer_norm_epsilon": 0.01},
    "ReLU, no scale": {"scale_attn_weights": False, "activation_function": "relu", "n_layer": 1},
}


@pytest.mark.parametrize("name", SIZES)
def test_transformers(agrees, tmp_path, name):
    """Random weights that transformers saved: the same logits, and the same texts."""
    torch.manual_seed(1)
    size = {"vocab_size": 50, "n_embd": 12, "n_layer": 3, "n_head": 3, "n_positions": 30}
    theirs = (
        GPT2LMHeadModel(GPT2Config(**(size | SIZES[name]), bos_token_id=0, eos_token_id=0)).double().eval()
    )
    for parameter in theirs.parameters():
        parameter.data += 0.5 * torch.randn_like(parameter)
    theirs.save_pretrained(tmp_path)
    model, variables = gpt2_files.load_gpt2(tmp_path)
    tokens = np.random.default_rng(0).integers(0, 50, (3, 20))
    logits = theirs(torch.tensor(tokens)).logits.detach().numpy()
    ours = jax.jit(model.apply)(variables, tokens)
    agrees(ours, logits, kind="witness", quantity=f"{name} configuration: transformers' logits")

    prompt = tokens[:1, :6]
    settings = {"max_new_tokens": 12, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
    text = theirs.generate(torch.tensor(prompt), **settings)[0].numpy()
    found = generate(model, variables, prompt[0], 12, Greedy(), np.zeros(12)).ids
    agrees(found, text, kind="witness", quantity=f"{name} configuration: transformers' greedy text")
    settings |= {"num_beams": 5, "length_penalty": 0.0, "num_return_sequences": 5}
    texts = theirs.generate(torch.tensor(prompt), **settings).numpy()
    beams = bs.beam_search(model, variables, prompt[0], 5, 12).ids
    agrees(beams, texts, kind="witness", quantity=f"{name} configuration: transformers' five beams")


def test_files_go_back(agrees, tmp_path):
    """What we save, transformers reads."""
    config = gpt2_files.Config(vocabulary=20, context=16, width=8, layers=2, heads=2)
    model = gpt2_files.LanguageModel(config)
    tokens = np.arange(12).reshape(2, 6)
    variables = model.init(jax.random.key(0), tokens)
    gpt2_files.save_gpt2(tmp_path, model, variables)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path, dtype=torch.float64).eval()
    logits = theirs(torch.tensor(tokens)).logits.detach().numpy()
    ours = model.apply(variables, tokens)
    agrees(ours, logits, kind="witness", quantity="a model of ours in transformers")


#: The first digits of the SHA-256 of each text that the author expects, prompt included.
EXPECTED = {
    Sampling(): "853d8569216002ba",
    Greedy(): "b62154e4203c62be",
    TopK(10): "8f9c11da7b5095bf",
    Nucleus(0.2): "a6ea4ab1873d6ced",
    KthMostLikely(1): "e6ff5ec871d5a854",
}
EXPECTED_BEAM = "dcf4d85b26081608"


@pytest.mark.skipif(not REAL, reason="needs GPT-2's files: set UDL_JAX_GPT2 to their folder")
def test_the_authors_sentences():
    gpt2 = gpt2_files.load_gpt2(REAL)
    tokenizer = ByteLevelTokenizer.load(REAL)
    prompt = np.array([464, 1266, 1517, 546, 24967, 318])
    uniforms = np.random.RandomState(0).random_sample(10)

    def digest(ids):
        return hashlib.sha256(tokenizer.decode(np.asarray(ids)).encode()).hexdigest()[:16]

    found = {s: digest(generate(*gpt2, prompt, 10, s, uniforms).ids) for s in EXPECTED}
    assert found == EXPECTED
    beams = bs.book_beam_search(*gpt2, prompt, 5, 10)
    assert digest(beams.ids[0, : beams.lengths[0]]) == EXPECTED_BEAM
