"""Chapter 9."""

from parity.completions import Completion, Take

penalised = Completion("9.1")
implicit = Completion("9.2")
ensembling = Completion("9.3")
bayesian = Completion("9.4")


# 9.1 L2 regularization ---------------------------------------------------------------------------


@penalised.record(cell=16)
def path_without_penalty():
    return {"x": data[0], "y": data[1], "plain/path": phi_all.T, "plain/loss": loss}


@penalised.gap(cell=18)
def compute_reg_term(phi0, phi1):
    return phi0**2 + (phi1 - 12.5) ** 2


@penalised.record(cell=20)
def surfaces():
    offsets, frequencies = np.arange(-10, 10.0, 0.1)[::6], np.arange(2.5, 22.5, 0.1)[::6]
    grid = [[(a, b) for a in offsets] for b in frequencies]
    return {
        "offsets": offsets,
        "frequencies": frequencies,
        "penalty": [[compute_reg_term(*phi) for phi in row] for row in grid],
        "surface": [[compute_loss2(data[0], data[1], model, phi, 0.2) for phi in row] for row in grid],
    }


@penalised.gap(cell=23)
def dregdphi0(phi, lambda_):
    return 2 * lambda_ * phi[0]


@penalised.gap(cell=23)
def dregdphi1(phi, lambda_):
    return 2 * lambda_ * (phi[1] - 12.5)


@penalised.record(cell=24)
def penalised_paths():
    generator = np.random.default_rng(0)
    starts, weights = generator.uniform((-8, 4), (8, 20), (12, 2)), 10.0 ** generator.uniform(-3, 0.5, 12)
    gradients, ends = [], []
    for start, lambda_ in zip(starts[..., None], weights):
        phi = start
        gradients.append(compute_gradient2(data[0], data[1], phi, lambda_).ravel())
        for _ in range(20):
            phi = gradient_descent_step2(phi, lambda_, data, model)
        ends.append(phi.ravel())
    return {
        "penalised/path": phi_all.T,
        "penalised/loss": loss,
        "elsewhere/starts": starts,
        "elsewhere/weights": weights,
        "elsewhere/gradients": gradients,
        "elsewhere/ends": ends,
    }


# 9.2 Implicit regularization ---------------------------------------------------------------------


@implicit.record(cell=8)
def descents():
    moved = np.nextafter(start_posn, np.inf)
    grid = grid_values[::5]
    return {
        "grid": grid,
        "surface": [[loss(a, b) for a in grid] for b in grid],
        "tiny": grad_path_tiny_lr.T[::100],
        "typical": grad_path_typical_lr.T,
        "tiny_twin": grad_descent(moved, 10000, 0.001).T[::100],
    }


@implicit.gap(cell=10)
def get_reg_term(phi0, phi1, alpha):
    return alpha / 4 * np.sum(get_loss_gradient(phi0, phi1) ** 2)


@implicit.record(cell=13)
def modified_surfaces():
    grid = grid_values[::5]
    return {
        "penalty": [[get_reg_term(a, b, 0.1) for a in grid] for b in grid],
        "modified": [[loss_reg(a, b, 0.1) for a in grid] for b in grid],
    }


@implicit.gap(cell=16)
def grad_path_tiny_lr():
    return grad_descent_reg(start_posn, 10000, 0.001, 0.05)


@implicit.gap(cell=16)
def grad_path_typical_lr():
    return grad_descent(start_posn, 100, 0.05)


@implicit.record(cell=16)
def modified_descents():
    moved = np.nextafter(start_posn, np.inf)
    taken = {
        "modified/path": grad_path_tiny_lr.T[::100],
        "modified/twin": grad_descent_reg(moved, 10000, 0.001, 0.05).T[::100],
        "last_plot/alpha": alpha,
    }
    starts = np.array([(-0.7, -0.75), (0.45, -0.6), (-0.3, 0.5)])
    settings = [(400, 0.02, 0.05), (200, 0.05, 0.3), (1000, 0.002, 0.1)]
    for i, (start, (steps, rate, step_size)) in enumerate(zip(starts[..., None], settings)):
        path, twin = (
            grad_descent_reg(p, steps, rate, step_size).T for p in (start, np.nextafter(start, np.inf))
        )
        taken |= {f"elsewhere_{i}/start": start[:, 0], f"elsewhere_{i}/settings": [steps, rate, step_size]}
        taken |= {f"elsewhere_{i}/path": path[::20], f"elsewhere_{i}/twin": twin[::20]}
    return taken


# 9.3 Ensembling ----------------------------------------------------------------------------------


@ensembling.record(cell=9)
def one_fit():
    taken = {"x_data": x_data, "y_data": y_data, "x_model": x_model, "y_func": y_func}
    return taken | {"phi": [beta, *omega], "y_model": y_model, "error": mean_sq_error}


@ensembling.gap(cell=10)
def resampled_indices():
    globals().setdefault("drawn", []).append(np.random.choice(n_data, n_data))
    return drawn[-1]


@ensembling.gap(cell=11)
def y_model_median():
    return np.median(all_y_model, axis=0)


@ensembling.record(cell=11)
def medians():
    apart = ((all_y_model - y_func) ** 2).mean(axis=1)
    return {
        "indices": drawn,
        "models": all_y_model,
        "errors": apart,
        "median": y_model_median,
        "median_error": mean_sq_error,
    }


@ensembling.gap(cell=12)
def y_model_mean():
    return np.mean(all_y_model, axis=0)


@ensembling.record(cell=12)
def means():
    generator = np.random.default_rng(0)
    taken = {"mean": y_model_mean, "mean_error": mean_sq_error}
    for name, examples, units, models in (("a", 15, 6, 12), ("b", 40, 14, 8), ("c", 9, 3, 5)):
        np.random.seed(models)
        x, y = generate_data(examples, 0.2)
        indices = generator.integers(0, examples, (models, examples))
        fits = [network(x_model, *fit_model_closed_form(x[i], y[i], units)) for i in indices]
        taken |= {f"elsewhere_{name}/{k}": v for k, v in (("x", x), ("y", y), ("indices", indices))}
        taken |= {f"elsewhere_{name}/units": units, f"elsewhere_{name}/fits": np.array(fits)[:, ::5]}
    return taken


# 9.4 Bayesian approach ---------------------------------------------------------------------------


@bayesian.gap(cell=11)
def compute_param_mean_covar(x_data, y_data, n_hidden, sigma_sq, sigma_p_sq):
    H = compute_H(x_data, n_hidden)
    covar = np.linalg.inv(H @ H.T / sigma_sq + np.identity(len(H)) / sigma_p_sq)
    return covar @ (H @ y_data) / sigma_sq, covar


@bayesian.record(cell=13)
def posterior():
    taken = {"x_data": x_data, "y_data": y_data, "x_model": x_model}
    return taken | {"mean": phi_mean, "covariance": phi_covar, "mean_model": y_model_mean}


def sample():
    globals().setdefault("normals", []).append(np.random.standard_normal(len(phi_mean)))
    bias_first = np.roll(phi_covar, 1, axis=(0, 1))
    factor = np.linalg.cholesky(np.linalg.inv(bias_first))
    return phi_mean + np.roll(np.linalg.solve(factor.T, normals[-1]), -1)


bayesian.gaps[14] = {"phi_sample1": sample, "phi_sample2": sample}


@bayesian.record(cell=14)
def samples():
    return {
        "normals": normals,
        "samples": [phi_sample1, phi_sample2],
        "sampled_models": [y_model_sample1, y_model_sample2],
    }


@bayesian.gap(cell=16)
def inference(x_star, x_data, y_data, sigma_sq, sigma_p_sq, n_hidden):
    h_star = compute_H(x_star, n_hidden)[:, 0]
    mean, covar = compute_param_mean_covar(x_data, y_data, n_hidden, sigma_sq, sigma_p_sq)
    return h_star @ mean, h_star @ covar @ h_star


@bayesian.record(cell=17)
def predictions():
    taken = {"predicted/mean": y_model, "predicted/deviation": y_model_std}
    cases = [("a", 3, 0.09, 1.0), ("b", 12, 0.01, 30.0), ("c", 5, 1.0, 0.02), ("d", 20, 0.25, 100.0)]
    for name, units, noise, prior in cases:
        mean, covar = compute_param_mean_covar(x_data, y_data, units, noise, prior)
        found = [inference(x * np.ones((1, 1)), x_data, y_data, noise, prior, units) for x in x_model[::9]]
        taken |= {f"elsewhere_{name}/settings": [units, noise, prior], f"elsewhere_{name}/mean": mean}
        taken |= {f"elsewhere_{name}/covariance": covar, f"elsewhere_{name}/predicted": np.transpose(found)}
    return taken


# 9.5 Augmentation --------------------------------------------------------------------------------

# Weights and batch orders are kept as the state of torch's generator and as seeds, see parity/draws.py.
augmentation = Completion(
    "9.5",
    takes=(
        Take("float64", seed=5, dtype="float64"),
        *(Take(f"seed_{seed}", seed=seed, exact=False) for seed in range(1, 11)),
    ),
)


@augmentation.record(cell=5)
def before_the_first_training():
    from parity.draws import note_seeds  # noqa: PLC0415  (a completion has the notebook's variables only)

    global seeds, heard
    seeds, heard = note_seeds(), []
    loss_class = torch.nn.CrossEntropyLoss

    class Listening(loss_class):
        def forward(self, outputs, labels):
            loss = super().forward(outputs, labels)
            heard.append(loss.item())
            return loss

    globals().setdefault("loss_class", loss_class)
    torch.nn.CrossEntropyLoss = Listening
    return {"state": torch.get_rng_state().numpy()} if take.name == "float64" else {}


@augmentation.record(cell=6)
def plainly_trained():
    if take.name != "float64":
        return {"test_error": errors_test[-1]}
    taken = {"train_error": errors_train, "test_error": errors_test, "seeds": np.array(seeds)}
    taken |= {f"first/{i}": weights.ravel()[::97] for i, weights in enumerate(tap.initial)}
    final = {f"final/{i}": p.detach().numpy().ravel()[::25] for i, p in enumerate(model.parameters())}
    return taken | final


@augmentation.gap(cell=9)
def augment(input_vector):
    shift, factor = np.random.randint(0, len(input_vector)), np.random.uniform(0.8, 1.2)
    globals().setdefault("drawn", []).append((shift, factor))
    return np.roll(input_vector, shift) * factor


@augmentation.record(cell=9)
def generator_before():
    global before
    before = random.getstate()
    return {}


@augmentation.record(cell=10)
def augmented():
    replay = random.Random()
    replay.setstate(before)
    indices = [replay.randint(0, n_data_orig - 1) for _ in drawn]
    tap.initial.clear()  # the second training starts from weights of its own
    seeds.clear()
    shifts, factors = np.transpose(drawn)
    draws = {"indices": indices, "shifts": shifts.astype(int), "factors": factors}
    state = {"augmented/state": torch.get_rng_state().numpy()}
    return draws | state | {"copies": augmented_x[-40::4]} if take.name == "float64" else {}


@augmentation.record(cell=11)
def trained_on_more():
    torch.nn.CrossEntropyLoss = loss_class
    if take.name != "float64":
        return {"augmented/test_error": errors_test_aug[-1]}
    steps = n_epoch * n_data_orig // 100
    plain, more = (
        np.reshape(losses, (n_epoch, -1)).mean(axis=1) for losses in (heard[:steps], heard[steps:])
    )
    final = {
        f"augmented/final/{i}": p.detach().numpy().ravel()[::25] for i, p in enumerate(model.parameters())
    }
    return final | {
        "mean_loss": plain,
        "augmented/mean_loss": more,
        "augmented/train_error": errors_train_aug,
        "augmented/test_error": errors_test_aug,
        "augmented/seeds": np.array(seeds),
        "rates": [optimizer.param_groups[0]["lr"]],
    }
