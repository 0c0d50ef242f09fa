"""Chapter 13."""

from parity.completions import Completion

representation = Completion("13.1")


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
