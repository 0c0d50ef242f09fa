"""Chapter 15."""

from parity.completions import Completion

game = Completion("15.1")
transport = Completion("15.2")


# 15.1 GAN toy example ----------------------------------------------------------------------------


@game.gap(cell=11)
def compute_discriminator_loss(x_real, x_syn, phi0, phi1):
    real, made = discriminator(x_real, phi0, phi1), discriminator(x_syn, phi0, phi1)
    return -np.log(np.concatenate([1 - made, real], axis=1)).sum()


@game.gap(cell=16)
def compute_generator_loss(z, theta, phi0, phi1):
    made = discriminator(generator(z, theta), phi0, phi1)
    return -np.log(1 - made).sum()


@game.record(cell=12)
def first_loss():
    return {"x_real": x_real[0], "z": z[0], "first/discriminator_loss": loss}


@game.record(cell=14)
def discriminator_trained():
    return {"first/phi": [phi0, phi1]}


@game.record(cell=17)
def first_generator_loss():
    return {"first/generator_loss": loss}


@game.record(cell=19)
def generator_trained():
    return {"first/theta": theta}


@game.record(cell=20)
def played():
    global compute_discriminator_gradient, compute_generator_gradient
    import contextlib  # noqa: PLC0415  (the notebook's names are all that it sees)

    def play(x_real, z, rounds, steps_d, steps_g, theta=3.0, phi=(-2.0, 1.0)):
        rows = []
        for _ in range(rounds):
            with contextlib.redirect_stdout(None):
                phi = update_discriminator(x_real, generator(z, theta), steps_d, *phi)
                theta = update_generator(z, theta, steps_g, *phi)
            made = generator(z, theta)
            losses = compute_discriminator_loss(x_real, made, *phi), compute_generator_loss(z, theta, *phi)
            rows.append([*phi, theta, *losses])
        return rows

    draws = np.random.default_rng(0)
    others = draws.normal(7.5, 1, (1, 15)), draws.normal(size=(1, 8))
    settings = ((x_real, z, 5, 300, 3), (x_real, z, 30, 100, 2), (*others, 12, 50, 2, 1.0, (0.5, -0.5)))
    taken = {"last": [phi0, phi1, theta], "elsewhere/x_real": others[0][0], "elsewhere/z": others[1][0]}
    taken |= {f"finite_{k}": play(*setting) for k, setting in enumerate(settings)}
    finite = compute_discriminator_gradient, compute_generator_gradient

    def compute_discriminator_gradient(x_real, x_syn, phi0, phi1):
        wrong = discriminator(x_real, phi0, phi1) - 1, discriminator(x_syn, phi0, phi1)
        return sum(w.sum() for w in wrong), sum((w * x).sum() for w, x in zip(wrong, (x_real, x_syn)))

    def compute_generator_gradient(z, theta, phi0, phi1):
        return phi1 * discriminator(generator(z, theta), phi0, phi1).sum()

    taken |= {f"exact_{k}": play(*setting) for k, setting in enumerate(settings)}
    compute_discriminator_gradient, compute_generator_gradient = finite
    return taken


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
