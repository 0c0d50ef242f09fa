"""Chapter 12."""

from parity.completions import Completion

attention = Completion("12.1")
heads = Completion("12.2")
pairs = Completion("12.3")


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
