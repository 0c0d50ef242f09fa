"""Chapter 21."""

from parity.completions import Completion

loans = Completion("21.1")
why = Completion("21.2")


# 21.1 Bias mitigation ----------------------------------------------------------------------------


@loans.record(cell=5)
def people():
    return {
        "scores": credit_scores,
        "defaulted": [freq_y0_p0, freq_y0_p1],
        "repaid": [freq_y1_p0, freq_y1_p1],
    }


@loans.gap(cell=11)
def compute_probability_get_loan(credit_scores, frequencies, threshold):
    return frequencies @ (credit_scores > threshold) / frequencies.sum()


@loans.record(cell=13)
def blind():
    return {"blind": [pr_get_loan_p0, pr_get_loan_p1]}


@loans.record(cell=16)
def curves():
    groups = (freq_y0_p0, freq_y0_p1, freq_y1_p0, freq_y1_p1)
    every = [
        [compute_probability_get_loan(credit_scores, group, tau) for tau in credit_scores] for group in groups
    ]
    generator = np.random.default_rng(0)
    places = np.sort(generator.normal(size=50))
    crowd, cuts = generator.exponential(size=50), np.concatenate([generator.normal(size=20), places[::7]])
    rates = [compute_probability_get_loan(places, crowd, tau) for tau in cuts]
    elsewhere = {"scores": places, "frequencies": crowd, "thresholds": cuts, "rates": rates}
    taken = {f"elsewhere/{name}": array for name, array in elsewhere.items()}
    return taken | {"false_alarms": every[:2], "true_positives": every[2:]}


@loans.record(cell=20)
def guess_of_parity():
    taken = {"parity_guess": [pr_get_loan_p0, pr_get_loan_p1]}
    everybody = (freq_y0_p0 + freq_y1_p0, freq_y0_p1 + freq_y1_p1)
    for name, groups in (("everybody", everybody), ("repaid", (freq_y1_p0, freq_y1_p1))):
        rates = np.linspace(0.05, 0.95, 19)
        above = [
            [compute_probability_get_loan(credit_scores, group, tau) for tau in credit_scores]
            for group in groups
        ]
        nearest = [[np.argmin(np.abs(np.array(row) - rate)) for rate in rates] for row in above]
        taken |= {f"thresholds/{name}": credit_scores[nearest], "thresholds/rates": rates}
    return taken


@loans.gap(cell=25)
def tau0():
    return min(
        credit_scores, key=lambda t: abs(compute_probability_get_loan(credit_scores, freq_y1_p0, t) - 0.8)
    )


@loans.gap(cell=25)
def tau1():
    return min(
        credit_scores, key=lambda t: abs(compute_probability_get_loan(credit_scores, freq_y1_p1, t) - 0.8)
    )


@loans.record(cell=27)
def opportunity():
    groups = ((freq_y0_p0, freq_y1_p0, tau0), (freq_y0_p1, freq_y1_p1, tau1))
    kept = [[group @ (credit_scores > tau) for group in (bad, good)] for bad, good, tau in groups]
    taken = {"opportunity/thresholds": [tau0, tau1], "opportunity/rates": [pr_get_loan_p0, pr_get_loan_p1]}
    return taken | {"opportunity/default": [bad / (bad + good) for bad, good in kept]}


# 21.2 Explainability -----------------------------------------------------------------------------


@why.gap(cell=7)
def model():
    """Give the notebook's own model, and the solver that its last cell asks for."""
    global fit_line

    def fit_line(x, y):
        return np.linalg.lstsq(np.insert(x, 0, 1, axis=0).T, y[0], rcond=None)[0]

    return BlackBoxModel()


@why.record(cell=7)
def model_and_probes():
    probes = np.random.default_rng(0).uniform(-0.2, 1.2, (4, 300))
    taken = {"means": model.means, "deviations": model.stds, "values": model.values}
    kept = np.random.get_state()
    np.random.seed(11)
    other = BlackBoxModel()
    np.random.set_state(kept)
    another = {"means": other.means, "deviations": other.stds, "values": other.values}
    another["scores"] = other.get_output(probes)[0]
    taken |= {f"other/{name}": array for name, array in another.items()}
    return taken | {"probes": probes, "scores": model.get_output(probes)[0]}


@why.record(cell=11)
def slices():
    taken = {}
    for name, across, up, rest in (("first", 0, 1, {2: 0.2, 3: 0.9}), ("second", 1, 3, {0: 0.3, 2: 0.2})):
        points = np.zeros((4, 50, 50))
        points[across], points[up] = np.meshgrid(np.arange(0, 1, 0.02), np.arange(0, 1, 0.02))
        for place, value in rest.items():
            points[place] = value
        taken[f"slices/{name}"] = model.get_output(points.reshape(4, -1)).reshape(50, 50)
    return taken


@why.record(cell=14)
def refused():
    return {"x": x[:, 0], "score": y.item()}


@why.gap(cell=16)
def ice_plot(model, x, k):
    varied = np.where(np.arange(4)[:, None] == k, np.arange(0, 1, 0.001), x)
    globals().setdefault("ice_curves", {})[k] = model.get_output(varied)[0]


@why.record(cell=17)
def ice():
    return {"grid": np.arange(0, 1, 0.001), "ice": [ice_curves[k] for k in range(4)]}


@why.record(cell=19)
def samples():
    return {"lime/noise": (x_lime_train - x).T, "lime/scores": y_lime_train[0]}


@why.gap(cell=21)
def beta():
    return fit_line(x_lime_train, y_lime_train)[0]


@why.gap(cell=21)
def phi():
    return fit_line(x_lime_train, y_lime_train)[None, 1:]


@why.record(cell=21)
def explanations():
    generator = np.random.default_rng(5)
    at, noise = generator.uniform(size=(3, 4)), generator.uniform(-0.2, 0.2, (3, 60, 4))
    fits = [fit_line((a + n).T, model.get_output((a + n).T)) for a, n in zip(at, noise)]
    return {
        "lime/intercept": beta,
        "lime/slopes": phi[0],
        "other/x": at,
        "other/noise": noise,
        "other/fits": fits,
    }
