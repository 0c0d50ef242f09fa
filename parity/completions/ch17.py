"""Chapter 17."""

from parity.completions import Completion

latent = Completion("17.1")
trick = Completion("17.2")
importance = Completion("17.3")


# 17.1 Latent variable models ---------------------------------------------------------------------


@latent.record(cell=8)
def curve():
    return {"z": z, "prior": pr_z, "means": np.stack([x1, x2], 1)}


@latent.record(cell=14)
def likelihood():
    taken = {"likelihood": pr_x1_x2_given_z_val[::5, ::5]}
    others = np.linspace(-2.9, 2.7, 7)
    images = [get_likelihood(x1_mesh[::10, ::10], x2_mesh[::10, ::10], other) for other in others]
    return taken | {"elsewhere/z": others, "elsewhere/likelihoods": images}


@latent.gap(cell=16)
def pr_x1_x2():
    weights = 0.01 * get_prior(z)
    return sum(weight * get_likelihood(x1_mesh, x2_mesh, place) for weight, place in zip(weights, z))


@latent.record(cell=16)
def density():
    return {
        "x1": x1_mesh[0],
        "x2": x2_mesh[:, 0],
        "density": pr_x1_x2[::4, ::4],
        "mass": pr_x1_x2.sum() * 1e-4,
    }


@latent.gap(cell=18)
def draw_samples(n_sample):
    global draws
    draws = np.random.standard_normal((n_sample, 3))
    places = np.stack(f(draws[:, 0]), 1) + sigma_sq**0.5 * draws[:, 1:]
    return places.T


@latent.record(cell=20)
def samples():
    return {"draws": draws, "samples": np.stack([x1_samples, x2_samples], 1)}


@latent.gap(cell=21)
def get_posterior(x1, x2):
    grid = np.arange(-3, 3, 0.01)
    joint = [get_likelihood(x1, x2, place).item() * get_prior(place) for place in grid]
    return grid, np.array(joint) / np.sum(joint)


@latent.record(cell=22)
def posteriors():
    points = np.array([[0.9, -0.9], [0.2, 0.8], [1.3, 0.1], [0.6, 1.2], [2.0, -1.4]])
    others = [get_posterior(*point)[1][::2] for point in points]
    return {"grid": z, "posterior": pr_z_given_x1_x2, "points": points, "posteriors": others}


# 17.2 Reparameterization trick -------------------------------------------------------------------


@trick.gap(cell=4)
def compute_expectation(phi, n_samples):
    values = np.random.normal(phi**3, np.exp(phi), (n_samples, 1))
    return np.mean(values**2 + np.sin(values))


@trick.record(cell=5)
def headlines():
    return {"phi": [phi1, phi2], "expectations": [expected_f_given_phi1, expected_f_given_phi2]}


@trick.gap(cell=9)
def compute_df_dx_star(x_star):
    return np.cos(x_star) + 2 * x_star


@trick.gap(cell=9)
def compute_dx_star_dphi(epsilon_star, phi):
    return np.exp(phi) * epsilon_star + 3 * phi**2


@trick.gap(cell=9)
def compute_derivative_of_expectation(phi, n_samples):
    noise = np.random.normal(size=(n_samples, 1))
    slopes = compute_df_dx_star(phi**3 + noise * np.exp(phi))
    return np.mean(slopes * compute_dx_star_dphi(noise, phi))


@trick.record(cell=10)
def slope():
    return {"slope": deriv}


@trick.gap(cell=14)
def d_log_pr_x_given_phi(x, phi):
    scaled = (x - phi**3) / np.exp(phi)
    return scaled * (scaled + 3 * phi**2 / np.exp(phi)) - 1


@trick.gap(cell=14)
def compute_derivative_of_expectation_score_function(phi, n_samples):
    values = np.random.normal(phi**3, np.exp(phi), (n_samples, 1))
    score = d_log_pr_x_given_phi(values, phi)
    values = values**2 + np.sin(values)
    return np.mean(values * score)


@trick.record(cell=15)
def slope_by_score():
    np.random.seed(0)
    keys, places, values = [], [], []
    for piece in range(100):
        if piece in {0, 50, 99}:
            _, key, *place = np.random.get_state()
            keys.append(key), places.append(place)
        values.append(compute_derivative_of_expectation_score_function(phi1, 10**6))
    assert abs(np.mean(values) - deriv) < 1e-12
    return {"by_score": deriv, "score/keys": keys, "score/places": places, "score/values": values}


@trick.record(cell=16)
def small_runs():
    phis = np.array([-1.2, 0.3, 0.9])
    taken = {"elsewhere/phi": phis, "grid": phi_vals}
    for name, way in (
        ("expectations", compute_expectation),
        ("by_path", compute_derivative_of_expectation),
        ("by_score", compute_derivative_of_expectation_score_function),
    ):
        found = []
        for seed, phi in enumerate(phis):
            np.random.seed(100 + seed)
            found.append(way(phi, 2000))
        taken[f"elsewhere/{name}"] = found
    x = np.linspace(-3, 3, 40)
    scores = [d_log_pr_x_given_phi(x, phi) for phi in phis]
    return taken | {"elsewhere/x": x, "elsewhere/scores": scores}


@trick.record(cell=18)
def spread():
    return {"spread": [np.var(reparam_estimates), np.var(score_function_estimates)]}


# 17.3 Importance sampling ------------------------------------------------------------------------


@importance.gap(cell=5)
def compute_expectation(n_samples):  # noqa: F811
    return np.mean(f(np.random.normal(size=(n_samples, 1))))


@importance.record(cell=6)
def headline():
    global after
    after = [np.random.get_state()]
    return {"near": expected_f}


@importance.record(cell=16)
def headline_far():
    after.append(np.random.get_state())
    return {"far": expected_f2}


@importance.gap(cell=22)
def compute_expectation2b(n_samples):
    places = np.random.normal(3, 1, (n_samples, 1))
    return np.mean(pr_y(places) / q_y(places) * f2(places))


@importance.record(cell=23)
def headline_weighted():
    after.append(np.random.get_state())
    return {"weighted": expected_f2}


@importance.record(cell=24)
def scattered():
    sizes = n_sample_all.astype(int)
    taken = {"sizes": sizes, "means": [mean_all, mean_all2, mean_all2b]}
    taken |= {"variances": [variance_all, variance_all2, variance_all2b]}
    for way, state in enumerate(after):
        np.random.set_state(state)
        for size in sizes:
            if size in {1, 10, 100, 500}:
                _, keys, *place = np.random.get_state()
                taken |= {f"state_{way}_{size}/keys": keys, f"state_{way}_{size}/place": place}
            np.random.standard_normal(10_000 * size)
    for name, way in (
        ("near", compute_expectation),
        ("far", compute_expectation2),
        ("weighted", compute_expectation2b),
    ):
        pieces = []
        for seed in range(40):
            np.random.seed(seed)
            pieces.append(way(500))
        taken[f"elsewhere/{name}"] = pieces
        np.random.seed(0)
        taken[f"piece/{name}"] = way(10**6)
    grid = np.arange(-10, 10, 0.01)
    return taken | {"curves": [f(grid)[::10], f2(grid)[::10], pr_y(grid)[::10], q_y(grid)[::10]]}
