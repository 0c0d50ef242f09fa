"""Chapter 15."""

from parity.completions import Completion

transport = Completion("15.2")


# 15.2 Wasserstein distance -----------------------------------------------------------------------


@transport.gap(cell=4)
def dist_mat():
    places = np.linspace(0, 1, p.size)
    return abs(np.subtract.outer(places, places))


@transport.gap(cell=8)
def A():
    n = p.size
    ones = np.ones((1, n))
    return np.vstack([np.kron(np.eye(n), ones), np.kron(ones, np.eye(n))])


@transport.record(cell=14)
def transported():
    def kl(a, b):
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.sum(np.where(a > 0, a * np.log(a / b), 0))

    def describe(a, b):
        return [kl(a, b), kl(b, a), (kl(a, (a + b) / 2) + kl(b, (a + b) / 2)) / 2]

    taken = {"p": p, "q": q, "cost": dist_mat, "constraints": A, "plan": TP, "distance": was}
    taken |= {"divergences": describe(p, q)}
    generator = np.random.default_rng(0)
    for n, m in ((3, 3), (7, 7), (20, 20), (6, 13)):
        distances, measured, pairs = [], [], []
        for _ in range(10):
            a, b = generator.dirichlet(np.full(n, 0.4)), generator.dirichlet(np.full(m, 0.4))
            a[generator.integers(n)], b[generator.integers(m)] = 0, 0
            a, b = a / a.sum(), b / b.sum()
            cost = abs(np.subtract.outer(np.linspace(0, 1, n), np.linspace(0, 1, m)))
            sums = np.vstack([np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))])
            least = linprog(cost.ravel(), A_eq=sums, b_eq=np.append(a, b))
            distances.append(least.fun)
            pairs.append(np.append(a, b))
            measured.append(describe(a, b) if n == m else [0])
        taken |= {f"elsewhere_{n}_{m}/pairs": pairs, f"elsewhere_{n}_{m}/distances": distances}
        taken |= {f"elsewhere_{n}_{m}/divergences": measured}
    return taken
