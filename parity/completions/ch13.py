"""Chapter 13."""

from parity.completions import Completion

representation = Completion("13.1")
classification = Completion("13.2")
sampling = Completion("13.3")
attention = Completion("13.4")


# 13.1 Graph representation -----------------------------------------------------------------------


@representation.record(cell=4)
def graph():
    return {"adjacency": A}


@representation.record(cell=5)
def walks():
    powers = [np.linalg.matrix_power(A, length) for length in range(9)]
    return {"walks": powers, "walks_3_7": powers[3][3, 7]}


@representation.record(cell=6)
def shortest():
    first = next(length for length in range(1, 8) if np.linalg.matrix_power(A, length)[0, 6])
    return {"distance_0_6": first}


@representation.record(cell=7)
def spread():
    path = [x]
    for _ in range(6):
        path.append(A.T @ path[-1])
    return {"start": x, "spread": np.squeeze(path), "spread_3": (np.linalg.matrix_power(A, 3) @ x)[:, 0]}


@representation.record(cell=8)
def elsewhere():
    generator = np.random.default_rng(0)
    graphs = np.triu(generator.random((30, 10, 10)) < np.linspace(0.05, 0.4, 30)[:, None, None], 1).astype(
        int
    )
    graphs = graphs + graphs.transpose(0, 2, 1)
    counts = np.array([[np.linalg.matrix_power(g, length) for length in range(10)] for g in graphs])
    far = np.where((counts > 0).any(axis=1), (counts > 0).argmax(axis=1), -1)
    order = generator.permutation(10)
    P = np.eye(10, dtype=int)[:, order]
    return {
        "elsewhere/adjacency": graphs,
        "elsewhere/walks": counts[:, [1, 4, 7]],
        "elsewhere/distances": far,
        "elsewhere/order": order,
        "elsewhere/renamed": np.array([P.T @ g @ P for g in graphs]),
    }


# 13.2 Graph classification -----------------------------------------------------------------------


@classification.gap(cell=5)
def A():
    links = np.zeros((9, 9))
    for pair in G.edges:
        m, n = (int(name.split(":")[0]) for name in pair)
        links[m, n] = links[n, m] = 1
    return links


@classification.gap(cell=5)
def X():
    numbers = {"H": 0, "C": 5, "O": 7}
    element = dict(name.split(":") for name in G.nodes)
    return np.eye(118)[:, [numbers[element[str(node)]] for node in range(9)]]


@classification.record(cell=5)
def ethanol():
    return {"adjacency": A, "nodes": X.T}


@classification.record(cell=8)
def weights():
    drawn = (Omega0, beta0, Omega1, beta1, Omega2, beta2, omega3, beta3)
    return {
        "weights/sums": [w.sum() for w in drawn],
        "weights/corner": Omega2[-4:, -4:],
        "weights/out": omega3[0],
    }


@classification.gap(cell=9)
def graph_neural_network(A, X, Omega0, beta0, Omega1, beta1, Omega2, beta2, omega3, beta3):
    global hidden, logit
    H, hidden = X, []
    for Omega, beta in ((Omega0, beta0), (Omega1, beta1), (Omega2, beta2)):
        H = ReLU(beta + Omega @ H @ (A + np.eye(len(A))))
        hidden.append(H.T)
    logit = beta3 + omega3 @ H.mean(axis=1, keepdims=True)
    return sigmoid(logit)


@classification.record(cell=10)
def passed():
    everything = np.array(hidden)
    taken = {"f": f[0, 0], "logit": logit[0, 0]}
    return taken | {"node_sums": everything.sum(axis=2), "unit_sums": everything.sum(axis=1)}


@classification.gap(cell=11)
def A_permuted():
    return P.T @ A @ P


@classification.gap(cell=11)
def X_permuted():
    return X @ P


@classification.record(cell=11)
def permuted():
    generator = np.random.default_rng(0)
    taken = {
        "permuted/order": P.argmax(axis=0),
        "permuted/adjacency": A_permuted,
        "permuted/nodes": X_permuted.T,
    }
    taken |= {"permuted/f": f[0, 0], "permuted/node_sums": np.array(hidden).sum(axis=2)}
    drawn = (Omega0, beta0, Omega1, beta1, Omega2, beta2)
    book, he = (*drawn, omega3, beta3), (*(10 * w for w in drawn), omega3, beta3)

    def run(links, nodes, weights):
        graph_neural_network(links, nodes, *weights)
        return np.append(logit[0, 0], np.array(hidden).sum(axis=(1, 2)))

    bonds = ["0-1", "1-2", "2-3", "0-4", "0-5", "0-6", "1-7", "1-8", "2-9", "2-10", "3-11"]
    propanol = np.zeros((12, 12))
    for m, n in (map(int, bond.split("-")) for bond in bonds):
        propanol[m, n] = propanol[n, m] = 1
    atoms = np.eye(118)[:, [5, 5, 5, 7, *8 * [0]]]
    links = np.triu(generator.random((10, 14, 14)) < 0.25, 1) * 1.0
    links += links.transpose(0, 2, 1)
    nodes = generator.normal(size=(10, 118, 14))
    return taken | {
        "propanol/adjacency": propanol,
        "propanol/nodes": atoms.T,
        "propanol/book": run(propanol, atoms, book),
        "propanol/he": run(propanol, atoms, he),
        "ethanol/he": run(A, X, he),
        "ethanol/no_edges": run(0 * A, X, book),
        "elsewhere/adjacency": links,
        "elsewhere/nodes": nodes[:, :4].transpose(0, 2, 1),
        "elsewhere/he": [run(a, np.pad(x[:4], ((0, 114), (0, 0))), he) for a, x in zip(links, nodes)],
    }


# 13.3 Neighborhood sampling ----------------------------------------------------------------------


@sampling.gap(cell=8)
def hidden_layer2_nodes():
    return (A @ output_layer_nodes > 0).astype(float)


@sampling.gap(cell=9)
def hidden_layer1_nodes():
    return (A @ hidden_layer2_nodes > 0).astype(float)


@sampling.gap(cell=10)
def input_layer_nodes():
    return (A @ hidden_layer1_nodes > 0).astype(float)


@sampling.record(cell=10)
def fields():
    found = [output_layer_nodes, hidden_layer2_nodes, hidden_layer1_nodes, input_layer_nodes]
    taken = {"adjacency": A, "plain": np.squeeze(found) > 0}
    for name, links in (("plain", A), ("self", A + np.eye(len(A)))):
        layers = [np.eye(len(A))]
        for _ in range(4):
            layers.append(links @ layers[-1])
        taken |= {f"every/{name}": np.array(layers).transpose(2, 0, 1) > 0}
    return taken


@sampling.gap(cell=14)
def hidden_layer2_nodes():  # noqa: F811
    global tree, choose
    np.random.seed(0)

    def choose(candidates, number):
        listed = np.flatnonzero(candidates)
        kept = np.random.choice(listed, min(number, len(listed)), replace=False)
        return np.isin(np.arange(len(candidates)), kept)

    tree = [choose(A[:, 16], n_sample)]
    return tree[0][:, None] * 1.0


@sampling.gap(cell=15)
def hidden_layer1_nodes():  # noqa: F811
    here = hidden_layer2_nodes[:, 0] > 0
    tree.append(choose((A @ here > 0) & ~here & (output_layer_nodes[:, 0] == 0), n_sample))
    return (here | tree[-1])[:, None] * 1.0


@sampling.gap(cell=16)
def input_layer_nodes():  # noqa: F811
    here = hidden_layer1_nodes[:, 0] > 0
    tree.append(choose((A @ here > 0) & ~here & (output_layer_nodes[:, 0] == 0), n_sample))
    return (here | tree[-1])[:, None] * 1.0


@sampling.record(cell=16)
def sampled():
    layers = [output_layer_nodes, hidden_layer2_nodes, hidden_layer1_nodes, input_layer_nodes]
    taken = {"sampled/chosen": tree, "sampled/layers": np.squeeze(layers) > 0}
    for number in (1, 2, 5):
        runs = []
        for start in range(23):
            first = np.arange(23) == start
            steps, here = [], first
            for _ in range(4):
                steps.append(choose((A @ here > 0) & ~here, number))
                here = here | steps[-1]
            runs.append([steps, np.cumsum(steps, axis=0) > 0])
        taken |= {f"elsewhere_{number}/{name}": a for name, a in zip(("chosen", "layers"), zip(*runs))}
    return taken


# 13.4 Graph attention networks -------------------------------------------------------------------


@attention.gap(cell=9)
def graph_attention(X, omega, beta, phi, A):
    global mapped, scores, weights
    mapped = beta + omega @ X
    sent, received = (part.T @ mapped for part in np.split(phi, 2))
    scores = ReLU(sent.T + received)
    weights = softmax_cols(np.where(A + np.eye(len(A)) > 0, scores, -1e20))
    return ReLU(mapped @ weights)


@attention.record(cell=10)
def attended():
    inputs = {"adjacency": A, "x": X.T, "omega": omega.T, "beta": beta[:, 0], "phi": phi[:, 0]}
    outputs = {"mapped": mapped.T, "scores": scores.T, "weights": weights.T, "output": output.T}

    def dot_product(X, drawn, A, scale):
        q, k, v = (b[:, None] + o @ X for o, b in drawn)
        scores = k.T @ q / (np.sqrt(len(q)) if scale else 1)
        weights = softmax_cols(np.where(A + np.eye(len(A)) > 0, scores, -1e20))
        return v @ weights, weights

    generator = np.random.default_rng(0)
    drawn = [(generator.normal(size=(4, 4)), generator.normal(size=4)) for _ in range(3)]
    dots = {"dot/omegas": [o.T for o, _ in drawn], "dot/betas": [b for _, b in drawn]}
    for name, scale in (("scaled", True), ("unscaled", False)):
        found = dot_product(X, drawn, A, scale)
        dots |= {f"dot/{name}_output": found[0].T, f"dot/{name}_weights": found[1].T}

    links = np.triu(generator.random((8, 13, 13)) < np.linspace(0.03, 0.5, 8)[:, None, None], 1).astype(int)
    links += links.transpose(0, 2, 1)
    drawn = [(8, 5, 13), (8, 6, 5), (8, 6), (8, 12)]
    drawn = {name: generator.normal(size=size) for name, size in zip(("x", "omega", "beta", "phi"), drawn)}
    runs = []
    for k, a in enumerate(links):
        x, o, b, p = (array[k] for array in drawn.values())
        found = graph_attention(x, o, b[:, None], p[:, None], a)
        runs.append([found.T, mapped.T, weights.T])
    taken = dict(zip(("output", "mapped", "weights"), map(np.array, zip(*runs))))
    taken |= {
        "adjacency": links,
        "x": drawn["x"].transpose(0, 2, 1),
        "omega": drawn["omega"].transpose(0, 2, 1),
    }
    taken |= {"beta": drawn["beta"], "phi": drawn["phi"]}
    return inputs | outputs | dots | {f"elsewhere/{name}": array for name, array in taken.items()}
