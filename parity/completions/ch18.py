"""Chapter 18."""

from parity.completions import Completion

forgetting = Completion("18.1")
stepwise = Completion("18.2")
noise_guessing = Completion("18.3")
families = Completion("18.4")


# 18.1 Diffusion encoder --------------------------------------------------------------------------


@forgetting.gap(cell=8)
def diffuse_one_step(z_t_minus_1, beta_t):
    return np.sqrt([1 - beta_t, beta_t]) @ [z_t_minus_1, np.random.normal(size=len(z_t_minus_1))]


@forgetting.record(cell=10)
def diffused():
    paths = {"paths": samples[:, ::100], "means": samples.mean(1), "deviations": samples.std(1)}
    bins = np.arange(-3, 3, 0.1)
    counts = [np.histogram(samples[step], bins)[0] for step in (0, 5, 10, 20, 40, 80, 100)]
    generator = np.random.default_rng(0)
    starts, noises = generator.normal(size=(3, 7)), generator.normal(size=(3, 12, 7))
    betas, ends, normal = (0.001, 0.3, 0.97), [], np.random.normal
    for start, noise, beta_t in zip(starts, noises, betas):
        z = start
        for row in noise:
            np.random.normal = lambda size=None, row=row: row
            z = diffuse_one_step(z, beta_t)
        ends.append(z)
    np.random.normal = normal
    taken = paths | {"x": x[::100], "counts": counts, "bins": bins, "beta": beta}
    elsewhere = {"starts": starts, "noises": noises, "betas": betas, "ends": ends}
    return taken | {f"elsewhere/{name}": array for name, array in elsewhere.items()}


@forgetting.gap(cell=18)
def diffusion_kernel(x, t, beta):
    left = (1 - beta) ** t
    return left**0.5 * x, (1 - left) ** 0.5


@forgetting.record(cell=20)
def kernels():
    taken = {}
    for name, place, share in (
        ("kernel", -2, beta),
        ("kernel_elsewhere", 1.7, 0.2),
        ("kernel_slow", 0.3, 1e-4),
    ):
        each = [diffusion_kernel(place, step, share) for step in range(1, T + 1)]
        taken |= {f"{name}/x": place, f"{name}/beta": share}
        taken |= {f"{name}/means": [m for m, _ in each], f"{name}/deviations": [d for _, d in each]}
    slices = [norm_pdf(x_vals, *diffusion_kernel(-2, step, beta))[::6] for step in (20, 40, 80)]
    return taken | {"slices": slices, "places": x_vals[::6]}


@forgetting.gap(cell=23)
def diffusion_marginal(x_plot_vals, pr_x_true, t, beta):
    if t == 0:
        return pr_x_true
    left = (1 - beta) ** t
    apart = np.subtract.outer(x_plot_vals, left**0.5 * x_plot_vals)
    return norm_pdf(apart, 0, (1 - left) ** 0.5) @ (0.01 * pr_x_true)


@forgetting.record(cell=24)
def marginals():
    lopsided = np.exp(-np.abs(x_vals - 1))
    taken = {"grid": x_vals, "density": pr_x_true, "marginals": marginal_distributions[::4, ::6]}
    other = [diffusion_marginal(x_vals, lopsided, step, 0.05)[::6] for step in (0, 1, 3, 50)]
    return taken | {"elsewhere/density": lopsided, "elsewhere/marginals": other}


# 18.2 1D diffusion model -------------------------------------------------------------------------


@stepwise.instead(cell=2)
@noise_guessing.instead(cell=2)
@families.instead(cell=2)
def tools():
    """Import what the notebook needs; IPython, which would only show how far it has got, is left out."""
    import importlib  # noqa: PLC0415

    global np, plt, ListedColormap, itemgetter, stats, display, clear_output
    names = ("numpy", "matplotlib.pyplot", "matplotlib.colors", "operator", "scipy.stats")
    np, plt, colours, operator, stats = (importlib.import_module(name) for name in names)
    ListedColormap, itemgetter = colours.ListedColormap, operator.itemgetter
    display = clear_output = lambda *ignored, **wait: None


@stepwise.gap(cell=8)
def conditional_diffusion_distribution(x, z_t, t, beta):
    kept = (1 - beta) ** np.array([t - 1, t])
    of_x, of_z = beta * kept[0] ** 0.5, (1 - kept[0]) * (1 - beta) ** 0.5
    return (of_x * x + of_z * z_t) / (1 - kept[1]), (beta * (1 - kept[0]) / (1 - kept[1])) ** 0.5


@stepwise.record(cell=8)
def conditionals():
    generator = np.random.default_rng(0)
    taken = {"x": generator.normal(size=50), "z": generator.normal(size=50)}
    taken |= {"t": generator.integers(1, 100, 50), "beta": generator.uniform(0.001, 0.9, 50)}
    both = [conditional_diffusion_distribution(*each) for each in zip(*taken.values())]
    taken |= {"means": [m for m, _ in both], "deviations": [d for _, d in both]}
    return {f"conditional/{name}": array for name, array in taken.items()}


@stepwise.record(cell=11)
@noise_guessing.record(cell=11)
@families.record(cell=11)
def trained():
    return {"tables": [model.model for model in all_models[::9]], "x_train": x_train[::5000]}


@stepwise.gap(cell=13)
def sample(model, T, sigma_t, n_samples):
    paths = [np.random.standard_normal(n_samples)]
    for step in range(T, 0, -1):
        now = model[step - 1].predict(paths[0])
        paths.insert(0, now + sigma_t * np.random.standard_normal(n_samples))
    return np.array(paths)


@stepwise.record(cell=15)
def drawn():
    taken = {"paths": samples[::10, :200], "counts": np.histogram(sampled_data, bins)[0]}
    np.random.seed(1)
    few, models = true_dist.sample(400), []
    for step in range(1, 21):
        models.append(NonParametricModel())
        models[-1].train(*get_data_pairs(few, step, 0.08))
    taken |= {"elsewhere/tables": [m.model for m in models], "elsewhere/x": few}
    return taken | {"elsewhere/samples": sample(models, 20, 0.2, 300)[::2]}


# 18.3 Reparameterized model ----------------------------------------------------------------------


@noise_guessing.gap(cell=8)
def get_data_pairs(x_train, t, beta):
    noise, left = np.random.standard_normal(len(x_train)), (1 - beta) ** t
    return noise * (1 - left) ** 0.5 + x_train * left**0.5, noise


@noise_guessing.gap(cell=13)
def sample(model, T, sigma_t, n_samples, shift=0):  # noqa: F811
    paths = [np.random.standard_normal(n_samples)]
    for step in range(T, 0, -1):
        noise = 1 - (1 - beta) ** (step + shift)
        guess = model[step - 1].predict(paths[0])
        now = (paths[0] - beta / noise**0.5 * guess) / (1 - beta) ** 0.5
        paths.insert(0, now + sigma_t * np.random.standard_normal(n_samples))
    return np.array(paths)


@noise_guessing.record(cell=15)
def drawn_by_noise():
    global beta
    taken = {"paths": samples[::10, :200], "counts": np.histogram(sampled_data, bins)[0]}
    kept, beta = beta, 0.08
    for name, trained_at, sampled_at in (("quirk", 0, 0), ("shift", 0, 1), ("consistent", 1, 0)):
        np.random.seed(2)
        few, models = true_dist.sample(400), []
        for step in range(20):
            models.append(NonParametricModel())
            models[-1].train(*get_data_pairs(few, step + trained_at, beta))
        taken |= {f"{name}/tables": [m.model for m in models[::2]], f"{name}/x": few}
        taken |= {f"{name}/samples": sample(models, 20, 0.2, 300, sampled_at)[::4]}
    beta = kept
    return taken


# 18.4 Families of diffusion models ---------------------------------------------------------------


@families.gap(cell=13)
def sample_ddim(model, T, sigma_t, n_samples):
    paths = [np.random.standard_normal(n_samples)]
    for step in range(T, 0, -1):
        left, left_next = (1 - beta) ** (step + 1), (1 - beta) ** step
        guess = model[step - 1].predict(paths[0])
        data = (paths[0] - guess * (1 - left) ** 0.5) / left**0.5
        now = data * left_next**0.5 + guess * (1 - left_next - sigma_t**2) ** 0.5
        paths.insert(0, now + sigma_t * np.random.standard_normal(n_samples))
    return np.array(paths)


@families.record(cell=15)
def drawn_quietly():
    return {"quiet/paths": samples_low_noise[::10, :200], "quiet/counts": np.histogram(sampled_data, bins)[0]}


@families.record(cell=22)
def drawn_quickly():
    global beta, all_models
    taken = {"quick/paths": samples_accelerated[:, :200], "quick/counts": np.histogram(sampled_data, bins)[0]}
    kept, beta, all_models = (beta, all_models), 0.08, []
    np.random.seed(3)
    few = true_dist.sample(400)
    for step in range(30):
        table = NonParametricModel()
        table.train(*get_data_pairs(few, step, beta))
        all_models = [*all_models, table]
    taken |= {"elsewhere/x": few, "elsewhere/tables": [m.model for m in all_models[::3]]}
    for sigma in (0.0, 0.25):
        taken |= {f"elsewhere/every_{sigma}": sample_ddim(all_models, 30, sigma, 200)[::5]}
        taken |= {f"elsewhere/few_{sigma}": sample_accelerated(all_models, 30, sigma, 6, 200)}
    beta, all_models = kept
    return taken
