"""Chapter 16."""

from parity.completions import Completion

flow = Completion("16.1")
autoregressive = Completion("16.2")
contraction = Completion("16.3")


# 16.1 1D normalizing flows -----------------------------------------------------------------------


@flow.gap(cell=10)
def x():
    return f(z)


@flow.gap(cell=10)
def pr_x():
    return pr_z / abs(df_dz(z))


@flow.record(cell=11)
def carried():
    def exact(points):
        return np.imag(f(points + 1e-30j)) / 1e-30

    elsewhere = np.random.default_rng(0).uniform(-5, 5, 100)
    settings = np.array([[0.3, 0.5], [-1.0, 2.0], [0.0, 0.1]])
    taken = {"z": z[::6], "pr_z": pr_z[::6], "x": x[::6], "pr_x": pr_x[::6], "df": df_dz(z)[::6]}
    taken |= {"df_exact": exact(z)[::6], "pr_x_exact": (pr_z / exact(z))[::6]}
    taken |= {"elsewhere/z": elsewhere, "elsewhere/x": f(elsewhere), "elsewhere/df": exact(elsewhere)}
    taken |= {"elsewhere/settings": settings}
    return taken | {"elsewhere/pr_z": [gauss_pdf(elsewhere, *setting) for setting in settings]}


@flow.gap(cell=13)
def x_samples():
    global drawn
    drawn = np.random.normal(size=n_sample)
    return f(drawn)


@flow.record(cell=14)
def sampled():
    return {"drawn": drawn, "samples": x_samples}


# 16.2 Autoregressive flows -----------------------------------------------------------------------


@autoregressive.gap(cell=4)
def g(h, phi):
    pieces = np.ravel(phi)
    b = min(int(h * pieces.size), pieces.size - 1)
    return pieces[:b].sum() + (h * pieces.size - b) * pieces[b]


@autoregressive.record(cell=5)
def mapped():
    taken, generator = {"phi": phi, "h": h, "h_prime": h_prime}, np.random.default_rng(0)
    for pieces in (1, 3, 17):
        shares, points = generator.dirichlet(np.full(pieces, 0.5)), generator.uniform(size=40)
        points[:2] = 0, 1
        taken |= {f"pieces_{pieces}/phi": shares, f"pieces_{pieces}/h": points}
        taken |= {f"pieces_{pieces}/h_prime": [g(point, shares) for point in points]}
    return taken


@autoregressive.record(cell=7)
def inverted():
    points, shares = np.random.default_rng(1).uniform(0, 0.998, 40), np.array([0.5, 0.02, 0.18, 0.3])
    both = [[g_inverse(point, each) for point in points] for each in (phi, shares)]
    return {"inverse/h_prime": points, "inverse/phi": shares, "inverse/h": both}


@autoregressive.gap(cell=11)
def forward_mapping(h1, h2, h3, h4):
    shares = [
        get_phi(),
        shallow_network_phi_h1(h1),
        shallow_network_phi_h1h2(h1, h2),
        shallow_network_phi_h1h2h3(h1, h2, h3),
    ]
    return tuple(g(*pair) for pair in zip((h1, h2, h3, h4), shares))


@autoregressive.gap(cell=13)
def backward_mapping(h1_prime, h2_prime, h3_prime, h4_prime):
    found = [g_inverse(h1_prime, get_phi())]
    networks = (shallow_network_phi_h1, shallow_network_phi_h1h2, shallow_network_phi_h1h2h3)
    for mapped, network in zip((h2_prime, h3_prime, h4_prime), networks):
        found.append(g_inverse(mapped, network(*found)))
    return tuple(found)


@autoregressive.record(cell=15)
def flowed():
    taken, generator = (
        {"there": [h1_prime, h2_prime, h3_prime, h4_prime], "back": [h1, h2, h3, h4]},
        np.random,
    )
    for d in (1, 2, 3):
        generator.seed(d)
        shapes = {"beta_0": (10, 1), "omega_0": (10, d), "beta_1": (5, 1), "omega_1": (5, 10)}
        taken |= {f"network_{d}/{name}": generator.normal(size=shape) for name, shape in shapes.items()}
    points = np.random.default_rng(2).uniform(0, 0.99, (20, 4))
    there = [forward_mapping(*point) for point in points]
    return taken | {
        "shares": [np.ravel(shallow_network_phi_h1h2h3(*point[:3])) for point in points],
        "elsewhere/h": points,
        "elsewhere/there": there,
        "elsewhere/back": [backward_mapping(*point) for point in there],
    }
