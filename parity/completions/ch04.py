"""Chapter 4."""

from parity.completions import Completion

composing = Completion("4.1")
clipping = Completion("4.2")
deep_network = Completion("4.3")


@composing.gap(cell=9)
def net12_out():
    phi = n2_phi_0, n2_phi_1, n2_phi_2, n2_phi_3
    theta = n2_theta_10, n2_theta_11, n2_theta_20, n2_theta_21, n2_theta_30, n2_theta_31
    return shallow_1_1_3(net1_out, ReLU, *phi, *theta)


@composing.record(cell=9)
def original():
    return {"x": x, "net1": net1_out, "net2": net2_out, "original": net12_out}


@composing.record(cell=12)
def second_changed():
    return {"net2_changed": net2_out, "second_changed": net12_out}


@composing.record(cell=15)
def first_changed():
    return {"net1_changed": net1_out, "first_changed": net12_out}


@composing.record(cell=18)
def twice():
    return {"twice": net12_out}


@composing.record(cell=19)
def three():
    def bends(y):
        slopes = np.diff(y) / np.diff(fine)
        return np.sum(np.abs(np.diff(slopes)) > 1e-6)

    first = n1_phi_0, n1_phi_1, n1_phi_2, n1_phi_3
    first += n1_theta_10, n1_theta_11, n1_theta_20, n1_theta_21, n1_theta_30, n1_theta_31
    second = n2_phi_0, n2_phi_1, n2_phi_2, n2_phi_3
    second += n2_theta_10, n2_theta_11, n2_theta_20, n2_theta_21, n2_theta_30, n2_theta_31
    # A joint shows in one second difference where the grid meets it and in two where it falls between, so
    # it is shifted by an irrational step: then there are two for each joint.
    fine = np.linspace(-1, 1, 400_001) + 1e-6 / np.sqrt(2)
    regions, y = [], fine
    for _ in range(4):
        regions.append(1 + bends(shallow_1_1_3(y, ReLU, *second)) // 2)
        y = shallow_1_1_3(y, ReLU, *first)
    random = np.random.default_rng(0).normal(size=(2, 5, 10))
    chains = []
    for one, two in zip(*random):
        chains.append(shallow_1_1_3(shallow_1_1_3(x, ReLU, *one), ReLU, *two))
    return {"three": net123_out, "regions": regions, "random": random, "random_out": chains}


@clipping.gap(cell=4)
def shallow_1_1_3_3(x, activation_fn, phi, psi, theta):
    def layer(rows, h):
        return [row[0] + sum(w * unit for w, unit in zip(row[1:], h)) for row in rows[1:]]

    before = layer(psi, [activation_fn(z) for z in layer(theta, [x])])
    after = [activation_fn(z) for z in before]
    weighted = [w * h for w, h in zip(phi[1:], after)]
    return phi[0] + sum(weighted), *before, *after, *weighted


@clipping.record(cell=7)
def figure_4_5():
    def run(psi, phi):
        return np.array(shallow_1_1_3_3(x, ReLU, phi, psi, theta))

    raised, flipped, swapped = psi.copy(), psi.copy(), phi.copy()
    raised[1, 0] += 0.5
    flipped[2] *= -1
    swapped[3] = -1
    rng = np.random.default_rng(0)
    drawn = [rng.normal(size=shape) for shape in ((5, 4, 2), (5, 4, 4), (5, 4, 1))]
    return {
        "x": x,
        "theta": theta,
        "psi": psi,
        "phi": phi,
        "panels": run(psi, phi),
        "raised": run(raised, phi),
        "flipped": run(flipped, phi),
        "swapped": run(psi, swapped),
        "random/theta": drawn[0],
        "random/psi": drawn[1],
        "random/phi": drawn[2],
        "random/panels": [shallow_1_1_3_3(x, ReLU, p, s, t) for t, s, p in zip(*drawn)],
    }


def fill(cell, name, value):
    """Fill a gap of 4.3; three of its cells have gaps of the same names."""
    value.__name__ = name
    deep_network.gap(cell)(value)


for cell in (9, 12):
    fill(cell, "beta_0", lambda: np.array([[n1_theta_10], [n1_theta_20], [n1_theta_30]]))
    fill(cell, "Omega_0", lambda: np.array([[n1_theta_11], [n1_theta_21], [n1_theta_31]]))
fill(9, "beta_1", lambda: np.array([[n1_phi_0]]))
fill(9, "Omega_1", lambda: np.array([[n1_phi_1, n1_phi_2, n1_phi_3]]))
fill(12, "beta_2", lambda: np.array([[n2_phi_0]]))
fill(12, "Omega_2", lambda: np.array([[n2_phi_1, n2_phi_2, n2_phi_3]]))
fill(14, "beta_0", lambda: np.random.normal(size=(D_1, 1)))
fill(14, "Omega_0", lambda: np.random.normal(size=(D_1, D_i)))
fill(14, "beta_1", lambda: np.random.normal(size=(D_2, 1)))
fill(14, "Omega_1", lambda: np.random.normal(size=(D_2, D_1)))
fill(14, "beta_2", lambda: np.random.normal(size=(D_3, 1)))
fill(14, "Omega_2", lambda: np.random.normal(size=(D_3, D_2)))
fill(14, "beta_3", lambda: np.random.normal(size=(D_o, 1)))
fill(14, "Omega_3", lambda: np.random.normal(size=(D_o, D_3)))


@deep_network.gap(cell=12)
def beta_1():
    entering = np.array([n2_theta_11, n2_theta_21, n2_theta_31])
    return (np.array([n2_theta_10, n2_theta_20, n2_theta_30]) + entering * n1_phi_0)[:, None]


@deep_network.gap(cell=12)
def Omega_1():
    return np.outer([n2_theta_11, n2_theta_21, n2_theta_31], [n1_phi_1, n1_phi_2, n1_phi_3])


@deep_network.record(cell=7)
def shallow():
    random = np.random.default_rng(0).normal(size=(2, 5, 10))
    chains = []
    for one, two in zip(*random):
        middle, *_ = shallow_1_1_3(n1_in, ReLU, *one)
        chains.append(shallow_1_1_3(middle, ReLU, *two)[0])
    return {"x": n1_in, "n1": n1_out, "random": random, "random_out": chains}


@deep_network.record(cell=9)
def in_matrices():
    return {
        "shallow/beta_0": beta_0,
        "shallow/omega_0": Omega_0,
        "shallow/beta_1": beta_1,
        "shallow/omega_1": Omega_1,
        "shallow/out": n1_out,
    }


@deep_network.record(cell=11)
def one_after_the_other():
    return {"n2": n2_out}


@deep_network.record(cell=12)
def folded():
    return {
        "folded/beta_0": beta_0,
        "folded/omega_0": Omega_0,
        "folded/beta_1": beta_1,
        "folded/omega_1": Omega_1,
        "folded/beta_2": beta_2,
        "folded/omega_2": Omega_2,
        "folded/out": n1_out,
    }


@deep_network.record(cell=14)
def deep():
    offsets = {"beta_0": beta_0, "beta_1": beta_1, "beta_2": beta_2, "beta_3": beta_3}
    weights = {"omega_0": Omega_0, "omega_1": Omega_1, "omega_2": Omega_2, "omega_3": Omega_3}
    values = {"x": x, "h1": h1, "h2": h2, "h3": h3, "y": y, **offsets, **weights}
    return {f"deep/{name}": array for name, array in values.items()}
