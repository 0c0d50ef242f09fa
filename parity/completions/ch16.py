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


# 16.3 Contraction mappings -----------------------------------------------------------------------


@contraction.gap(cell=7)
def fixed_point_iteration(f, z0):
    global orbit
    orbit = [z0]
    for _ in range(20):
        orbit.append(f(orbit[-1]))
    return orbit[-1]


@contraction.record(cell=9)
def first_orbit():
    grid = np.linspace(-0.5, 1.5, 41)
    return {"grid": grid, "f": f(grid), "f/orbit": orbit, "f/z": z}


@contraction.record(cell=11)
def second_orbit():
    return {"f2": f2(np.linspace(-0.5, 1.5, 41)), "f2/orbit": orbit}


@contraction.record(cell=13)
def third_orbit():
    return {"f3": f3(np.linspace(-0.5, 1.5, 41)), "f3/orbit": orbit}


@contraction.gap(cell=16)
def fixed_point_iteration_z_plus_f(f, y, z0):
    return fixed_point_iteration(lambda z: y - f(z), z0)


@contraction.record(cell=18)
def undone():
    taken = {"f4": f4(np.linspace(-0.5, 1.5, 41)), "f4/orbit": orbit, "f4/z": z}
    starts, found = np.random.default_rng(0).uniform(-1, 2, 12), []
    for function in (f, f2, f3):
        for start in starts:
            fixed_point_iteration(function, start)
            found.append(orbit)
    taken |= {"elsewhere/starts": starts, "elsewhere/orbits": np.reshape(found, (3, 12, 21))}
    targets, found = np.random.default_rng(1).uniform(-1, 2, 12), []
    for function in (f, f4):
        for target, start in zip(targets, starts):
            fixed_point_iteration_z_plus_f(function, target, start)
            found.append(orbit)
    return taken | {"elsewhere/targets": targets, "elsewhere/inversions": np.reshape(found, (2, 12, 21))}
