"""Chapter 12."""

from parity.completions import Completion, Take

attention = Completion("12.1")
heads = Completion("12.2")
pairs = Completion("12.3")
decoding = Completion("12.4", takes=(Take(dtype="float64"),))


# 12.1 Self-attention -----------------------------------------------------------------------------


@attention.gap(cell=8)
def query():
    return beta_q + omega_q @ x


@attention.gap(cell=8)
def key():
    return beta_k + omega_k @ x


@attention.gap(cell=8)
def value():
    return beta_v + omega_v @ x


@attention.record(cell=8)
def projected():
    arrays = {"x": np.hstack(all_x).T, "omega_q": omega_q, "omega_k": omega_k, "omega_v": omega_v}
    arrays |= {"beta_q": beta_q[:, 0], "beta_k": beta_k[:, 0], "beta_v": beta_v[:, 0]}
    every = {"queries": all_queries, "keys": all_keys, "values": all_values}
    return arrays | {name: np.hstack(columns).T for name, columns in every.items()}


@attention.gap(cell=10)
def softmax(items_in):
    powers = np.exp(np.ravel(items_in))
    return powers / powers.sum()


@attention.gap(cell=12)
def dot_product():
    return float(np.sum(key * all_queries[n]))


@attention.gap(cell=12)
def x_prime():
    return np.hstack(all_values) @ attention[:, None]


@attention.record(cell=12)
def one_by_one():
    author = [
        [0.94744244, -0.24348429, -0.91310441, -0.44522983],
        [1.64201168, -0.08470004, 4.02764044, 2.18690791],
        [1.61949281, -0.06641533, 3.96863308, 2.15858316],
    ]
    ours = np.hstack(all_x_prime).T
    assert np.abs(ours - author).max() < 6e-9
    return {"new": ours, "printed": author}


@attention.gap(cell=15)
def self_attention(X, omega_v, omega_q, omega_k, beta_v, beta_q, beta_k):
    global weights
    weights = softmax_cols((beta_k + omega_k @ X).T @ (beta_q + omega_q @ X))
    return (beta_v + omega_v @ X) @ weights


@attention.record(cell=16)
def as_matrices():
    return {"matrix/new": X_prime.T, "matrix/weights": weights.T}


@attention.gap(cell=18)
def scaled_dot_product_self_attention(X, omega_v, omega_q, omega_k, beta_v, beta_q, beta_k):
    global weights
    scores = (beta_k + omega_k @ X).T @ (beta_q + omega_q @ X)
    weights = softmax_cols(scores / np.sqrt(omega_k.shape[0]))
    return (beta_v + omega_v @ X) @ weights


@attention.record(cell=19)
def scaled_and_elsewhere():
    taken = {"scaled/new": X_prime.T, "scaled/weights": weights.T}
    maps = (omega_v, omega_q, omega_k, beta_v, beta_q, beta_k)
    moved = [2, 0, 1]
    both = {"plain": self_attention, "scaled": scaled_dot_product_self_attention}
    taken |= {f"moved/{name}": run(X[:, moved], *maps).T for name, run in both.items()}
    generator = np.random.default_rng(0)
    for tokens, width in ((1, 4), (7, 4), (5, 6), (40, 3)):
        there = [generator.normal(size=(width, n)) for n in (tokens, width, width, width, 1, 1, 1)]
        group = f"elsewhere_{tokens}_{width}"
        taken |= {f"{group}/given_{k}": array for k, array in enumerate(there)}
        for name, run in both.items():
            taken[f"{group}/{name}"] = run(*there).T
            taken[f"{group}/{name}_weights"] = weights.T
    return taken


# 12.2 Multihead self-attention -------------------------------------------------------------------


@heads.gap(cell=9)
def multihead_scaled_self_attention(
    X, omega_v1, omega_q1, omega_k1, beta_v1, beta_q1, beta_k1,
    omega_v2, omega_q2, omega_k2, beta_v2, beta_q2, beta_k2, omega_c,
):  # fmt: skip
    global parts, weights
    weights, parts = [], []
    for v, q, k, b_v, b_q, b_k in (
        (omega_v1, omega_q1, omega_k1, beta_v1, beta_q1, beta_k1),
        (omega_v2, omega_q2, omega_k2, beta_v2, beta_q2, beta_k2),
    ):
        scores = (k @ X + b_k).T @ (q @ X + b_q) / len(k) ** 0.5
        weights.append(softmax_cols(scores))
        parts.append((v @ X + b_v) @ weights[-1])
    return omega_c @ np.vstack(parts)


@heads.record(cell=10)
def both_heads():
    author = """
        -21.207 -5.373 -20.933 -9.179 -11.319 -17.812  -1.995 7.906 -10.516 3.452 9.863 -7.24
        5.479 1.115 9.244 0.453 5.656 7.089  -7.413 -7.416 0.363 -5.573 -6.736 -0.848
        -11.261 -9.937 -4.848 -8.915 -13.378 -5.761  3.548 10.036 -2.244 1.604 12.113 -2.557
        4.888 -5.814 2.407 3.228 -4.232 3.71  1.248 18.894 -6.409 3.224 19.717 -5.629"""
    author = np.array(author.split(), float).reshape(8, 6)
    assert np.abs(X_prime - author).max() < 5.1e-4
    every = {
        "omega_q": (omega_q1, omega_q2),
        "omega_k": (omega_k1, omega_k2),
        "omega_v": (omega_v1, omega_v2),
    }
    biases = {"beta_q": (beta_q1, beta_q2), "beta_k": (beta_k1, beta_k2), "beta_v": (beta_v1, beta_v2)}
    taken = {name: np.stack(pair) for name, pair in every.items()}
    taken |= {name: np.stack(pair)[..., 0] for name, pair in biases.items()}
    taken |= {"x": X.T, "omega_c": omega_c, "new": X_prime.T, "printed": author.T}
    taken |= {"heads": np.swapaxes(parts, 1, 2), "weights": np.swapaxes(weights, 1, 2)}
    generator = np.random.default_rng(0)
    for tokens, width in ((1, 2), (9, 4), (30, 12)):
        half = width // 2
        sizes = [(width, tokens)] + 2 * (3 * [(half, width)] + 3 * [(half, 1)]) + [(width, width)]
        there = [generator.normal(size=size) for size in sizes]
        group = f"elsewhere_{tokens}"
        taken |= {f"{group}/given_{k:02}": array for k, array in enumerate(there)}
        taken[f"{group}/new"] = multihead_scaled_self_attention(*there).T
        taken[f"{group}/weights"] = np.swapaxes(weights, 1, 2)
    return taken


# 12.3 Tokenization -------------------------------------------------------------------------------


@pairs.record(cell=6)
def words_at_first():
    return {"first/words": list(vocab), "first/times": list(vocab.values()), "text": text}


@pairs.record(cell=9)
def tokens_at_first():
    return {"first/tokens": list(tokens), "first/token_counts": list(tokens.values())}


@pairs.record(cell=12)
def pairs_at_first():
    taken = {"first/pairs": list(pairs), "first/pair_counts": list(pairs.values())}
    return taken | {"first/most_frequent": most_frequent_pair}


@pairs.record(cell=17)
def after_one_merge():
    taken = {"second/words": list(vocab), "second/times": list(vocab.values())}
    return taken | {"second/tokens": list(tokens), "second/token_counts": list(tokens.values())}


@pairs.gap(cell=19)
def tokenize(text, num_merges):
    global merged
    merged, sizes, vocab = [], [], initialize_vocabulary(text)
    for _ in range(num_merges):
        counts = get_pairs_and_counts(vocab)
        sizes.append(len(get_tokens_and_frequencies(vocab)))
        if not counts:
            break
        best = max(counts, key=counts.get)
        merged.append((*best, counts[best]))
        vocab = merge_pair_in_vocabulary(best, vocab)
    return get_tokens_and_frequencies(vocab), vocab


@pairs.record(cell=21)
def all_merges():
    import numpy as np  # noqa: PLC0415  (the notebook has no arrays)

    def state(prefix, tokens, vocab):
        taken = {"tokens": list(tokens), "token_counts": list(tokens.values())}
        taken |= {"words": list(vocab), "times": list(vocab.values()), "merged": [m[:2] for m in merged]}
        taken |= {"counts": [m[2] for m in merged]}
        return {f"{prefix}/{name}": value for name, value in taken.items()}

    taken = state("merged_22", tokens, vocab)
    rhyme = "How much wood could a woodchuck chuck if a woodchuck could chuck wood"
    generator = np.random.default_rng(0)
    babble = " ".join("".join(generator.choice(list("abc"), n)) for n in generator.integers(1, 9, 120))
    doubled = "aaaa aaa aa a aaaaa abab ababa bbbb ((a)) a.b a.b .* .*"
    for name, other in {"sailor": text, "rhyme": rhyme, "babble": babble, "doubled": doubled}.items():
        taken[f"{name}/text"] = other
        taken |= state(name, *tokenize(other, 200))
        sizes = [len(tokenize(other, most)[0]) for most in range(len(merged) + 1)]
        taken[f"{name}/sizes"] = sizes
    return taken


# 12.4 Decoding strategies ------------------------------------------------------------------------
# The weights of GPT-2 are out of reach where this is recorded. A small network with the same architecture, and with
# weights drawn at random, stands in for it, and a tokeniser of invented tokens for GPT-2's.


@decoding.instead(cell=4)
def stand_in():
    global model, tokenizer, log, steps, look, write
    from transformers import GPT2Config  # noqa: PLC0415

    class Tokens:
        vocab_size = 2100

        def __call__(self, text, return_tensors):
            ids = torch.tensor([[464, 1266, 1517, 546, 2067, 318]])
            return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

        def decode(self, tokens, skip_special_tokens):
            log.append(np.array(tokens).ravel())
            return " ".join(map(str, log[-1]))

    def look(state):
        logits = model(input_ids=state["input_ids"], attention_mask=state["attention_mask"]).logits
        return F.softmax(logits, dim=-1).detach().numpy()[0, -1]

    def write(state, p, chosen):
        steps.append((int(chosen[0]), p[chosen[0]], np.count_nonzero(p)))
        ids = torch.cat((state["input_ids"], torch.tensor([[int(chosen[0])]])), dim=1)
        state.update(input_ids=ids, attention_mask=torch.ones_like(ids), last_token_prob=p[chosen])
        return state

    torch.manual_seed(0)
    size = {"vocab_size": 2100, "n_embd": 8, "n_layer": 2, "n_head": 2, "n_positions": 64}
    model = GPT2LMHeadModel(GPT2Config(**size, bos_token_id=0, eos_token_id=0))
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape)
    model.transformer.wte.weight.data[:] = torch.randn((2100, 8)).float().double()  # packs better
    model.eval()
    tokenizer, log, steps = Tokens(), [], []


@decoding.record(cell=7)
def architecture():
    kept = {name: array for name, array in model.state_dict().items() if not name.startswith("lm_head")}
    taken = {f"weights/{name}": array.numpy() for name, array in kept.items()}
    prompt = tokenizer("", "pt")["input_ids"]
    batch = torch.tensor(np.random.default_rng(0).integers(0, 2100, (3, 20)))
    taken |= {"prompt": prompt.numpy()[0], "logits": model(prompt).logits.detach().numpy()[0, -1]}
    taken |= {"batch": batch.numpy(), "batch_logits": model(batch).logits.detach().numpy()[..., ::70]}
    return taken | {"random_tokens": np.ravel(log[:20])}


@decoding.gap(cell=9)
def sample_next_token(state, model, tokenizer):
    p = look(state)
    return write(state, p, np.random.choice(len(p), 1, p=p))


@decoding.gap(cell=13)
def get_best_next_token(state, model, tokenizer):
    p = look(state)
    return write(state, p, [int(p.argmax())])


@decoding.gap(cell=17)
def get_top_k_token(state, model, tokenizer, k=20):
    p = look(state)
    p = np.where(p < np.sort(p)[-k], 0, p)
    p /= p.sum()
    return write(state, p, np.random.choice(len(p), 1, p=p))


@decoding.gap(cell=21)
def get_nucleus_sampling_token(state, model, tokenizer, thresh=0.25):
    p = look(state)
    falling = np.flip(np.sort(p))
    p = np.where(p < falling[np.argmax(falling.cumsum() > thresh)], 0, p)
    p /= p.sum()
    return write(state, p, np.random.choice(len(p), 1, p=p))


@decoding.gap(cell=25)
def get_kth_most_likely_token(state, model, tokenizer, k):
    p = look(state)
    (chosen,) = np.nonzero(p == np.flip(np.sort(p))[k])
    state["log_prob"] = state["log_prob"] + np.log(p[chosen])
    return write(state, p, chosen)


@decoding.record(cell=10)
def sampled():
    global taken

    def taken(name):
        ids, p, kept = zip(*steps[-10:])
        return {f"{name}/ids": ids, f"{name}/p": p, f"{name}/kept": kept}

    return taken("sampling") | {"uniforms": np.random.RandomState(0).random_sample(10)}


@decoding.record(cell=14)
def greedy():
    return taken("greedy")


@decoding.record(cell=18)
def top_k():
    return taken("top_10")


@decoding.record(cell=22)
def nucleus():
    return taken("nucleus_0.2")


@decoding.record(cell=26)
def kth_and_elsewhere():
    found = taken("kth_2000") | {"kth_1/ids": [step[0] for step in steps[-20:-10]]}
    found["kth_2000/log_prob"] = input_tokens["log_prob"]
    generator = np.random.default_rng(3)
    ways = {"sampling": (sample_next_token, {})}
    ways |= {f"top_{k}": (get_top_k_token, {"k": k}) for k in (1, 3, 50, 2100)}
    ways |= {f"nucleus_{t}": (get_nucleus_sampling_token, {"thresh": t}) for t in (0.0, 0.5, 0.9, 2.0)}
    for name, (way, settings) in ways.items():
        prompt, seed = generator.integers(0, 2100, (1, 5)), int(generator.integers(1000))
        state = {"input_ids": torch.tensor(prompt), "attention_mask": torch.ones((1, 5), dtype=torch.int64)}
        set_seed(seed)
        for _ in range(10):
            state = way(state, model, tokenizer, **settings)
        group = f"elsewhere_{name}"
        found |= taken(group) | {f"{group}/prompt": prompt[0]}
        found[f"{group}/uniforms"] = np.random.RandomState(seed).random_sample(10)
    return found


@decoding.record(cell=27)
def listen_to_beams():
    global print_beams, trail
    trail = []

    def print_beams(beams):
        trail.append([(beam["input_ids"].numpy()[0], float(np.ravel(beam["log_prob"])[0])) for beam in beams])

    return {}


@decoding.record(cell=28)
def beams():
    global input_tokens

    def last(name):
        found = trail[-1]
        lengths = [len(ids) for ids, _ in found]
        padded = [[*ids, *[-1] * (max(lengths) - len(ids))] for ids, _ in found]
        return {f"{name}/ids": padded, f"{name}/lengths": lengths, f"{name}/log_prob": [p for _, p in found]}

    found = last("beams") | {"beams/first": [ids[-1] for ids, _ in trail[0]]}
    generator = np.random.default_rng(4)
    for width, length in ((1, 6), (2, 7), (3, 4), (7, 1)):
        prompt = generator.integers(0, 2100, (1, 4))
        input_tokens = {
            "input_ids": torch.tensor(prompt),
            "attention_mask": torch.ones((1, 4), dtype=torch.int64),
        }
        do_beam_search(input_tokens, model, tokenizer, width, length)
        found |= last(f"beams_{width}_{length}") | {f"beams_{width}_{length}/prompt": prompt[0]}
    return found
