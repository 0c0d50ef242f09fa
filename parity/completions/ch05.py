"""Chapter 5."""

from parity.completions import Completion

least_squares = Completion("5.1")
binary_cross_entropy = Completion("5.2")
multiclass_cross_entropy = Completion("5.3")


@least_squares.gap(cell=9)
def normal_distribution(y, mu, sigma):
    return np.exp(-0.5 * ((y - mu) / sigma) ** 2) / (sigma * np.sqrt(2 * math.pi))


@least_squares.gap(cell=13)
def compute_likelihood(y, mu, sigma):
    return np.prod(normal_distribution(y, mu, sigma))


@least_squares.gap(cell=16)
def compute_negative_log_likelihood(y, mu, sigma):
    return -np.sum(np.log(normal_distribution(y, mu, sigma)))


@least_squares.gap(cell=19)
def compute_sum_of_squares(y, prediction):
    return np.sum((y - prediction) ** 2)


@least_squares.record(cell=7)
def figure_5_5():
    return {
        "x": x_train,
        "y": y_train,
        "network": np.concatenate([beta_0, omega_0], axis=1),
        "read_out": np.concatenate([beta_1, omega_1], axis=1),
        "x_model": x_model,
        "y_model": y_model,
    }


@least_squares.record(cell=11)
def densities():
    rng = np.random.default_rng(0)
    at, means, deviations = rng.normal(size=50), rng.normal(size=50), rng.uniform(0.2, 3, size=50)
    return {
        "density": normal_distribution(1, -1, 2.3),
        "y_gauss": y_gauss,
        "gauss": gauss_prob,
        "gauss_moved": normal_distribution(y_gauss, 1, 1.0),
        "gauss_wide": normal_distribution(y_gauss, 0, 2.0),
        "gauss_narrow": normal_distribution(y_gauss, 0, 0.5),
        "elsewhere/at": at,
        "elsewhere/means": means,
        "elsewhere/deviations": deviations,
        "elsewhere/densities": normal_distribution(at, means, deviations),
    }


@least_squares.record(cell=20)
def losses():
    rng = np.random.default_rng(1)
    hidden, out = rng.normal(size=(10, 5, 2)), rng.normal(scale=0.3, size=(10, 1, 6))
    deviations, offsets = rng.uniform(0.5, 1.5, size=10), np.linspace(-1, 1, 7)
    means = [shallow_nn(x_train, h[:, :1], h[:, 1:], o[:, :1], o[:, 1:]) for h, o in zip(hidden, out)]
    swept = [
        shallow_nn(x_train, hidden[0][:, :1], hidden[0][:, 1:], b, out[0][:, 1:])
        for b in offsets[:, None, None]
    ]
    return {
        "likelihood": likelihood,
        "nll": nll,
        "sum_of_squares": sum_of_squares,
        "elsewhere/hidden": hidden,
        "elsewhere/out": out,
        "elsewhere/sigmas": deviations,
        "elsewhere/likelihoods": [compute_likelihood(y_train, m, s) for m, s in zip(means, deviations)],
        "elsewhere/nlls": [compute_negative_log_likelihood(y_train, m, s) for m, s in zip(means, deviations)],
        "elsewhere/sums": [compute_sum_of_squares(y_train, m) for m in means],
        "elsewhere/offsets": offsets,
        "elsewhere/swept_nlls": [compute_negative_log_likelihood(y_train, m, 0.7) for m in swept],
        "elsewhere/swept_likelihoods": [compute_likelihood(y_train, m, 0.7) for m in swept],
    }


@least_squares.record(cell=24)
def offset_sweep():
    drawn = [np.array([[offset]]) for offset in beta_1_vals[::20]]
    return {
        "offsets": beta_1_vals,
        "offset/likelihood": likelihoods,
        "offset/negative_log_likelihood": nlls,
        "offset/sum_of_squares": sum_squares,
        "offset/best": beta_1_vals[np.argmax(likelihoods)],
        "offset/models": [shallow_nn(x_model, beta_0, omega_0, b, omega_1)[0] for b in drawn],
        "offset/best_model": y_model,
    }


@least_squares.record(cell=28)
def deviation_sweep():
    return {
        "deviations": sigma_vals,
        "deviation/likelihood": likelihoods,
        "deviation/negative_log_likelihood": nlls,
        "deviation/sum_of_squares": sum_squares,
        "deviation/best": sigma,
    }


@binary_cross_entropy.gap(cell=7)
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@binary_cross_entropy.gap(cell=10)
def bernoulli_distribution(y, lam):
    return np.power(1 - lam, 1 - y) * np.power(lam, y)


@binary_cross_entropy.gap(cell=13)
def compute_likelihood(y, lam):  # noqa: F811
    return np.prod(bernoulli_distribution(y, lam))


@binary_cross_entropy.gap(cell=16)
def compute_negative_log_likelihood(y, lam):  # noqa: F811
    return -np.sum(np.log(bernoulli_distribution(y, lam)))


@binary_cross_entropy.record(cell=8)
@multiclass_cross_entropy.record(cell=8)
def figures_5_8_and_5_10():
    return {
        "x": x_train,
        "y": y_train,
        "network": np.concatenate([beta_0, omega_0], axis=1),
        "read_out": np.concatenate([beta_1, omega_1], axis=1),
        "x_model": x_model,
        "outputs": model_out,
        "lambdas": lambda_model,
    }


@binary_cross_entropy.record(cell=17)
def losses():  # noqa: F811
    rng = np.random.default_rng(0)
    labels, chances = rng.integers(2, size=30), rng.uniform(0.01, 0.99, size=30)
    hidden, out = rng.normal(size=(10, 5, 2)), rng.normal(size=(10, 1, 6))
    lambdas = [
        sigmoid(shallow_nn(x_train, h[:, :1], h[:, 1:], o[:, :1], o[:, 1:])) for h, o in zip(hidden, out)
    ]
    offsets = np.linspace(-3, 3, 7)
    swept = [
        sigmoid(shallow_nn(x_train, hidden[0][:, :1], hidden[0][:, 1:], b, out[0][:, 1:]))
        for b in offsets[:, None, None]
    ]
    return {
        "probabilities": [bernoulli_distribution(label, 0.2) for label in (0, 1)],
        "likelihood": likelihood,
        "nll": nll,
        "elsewhere/labels": labels,
        "elsewhere/chances": chances,
        "elsewhere/probabilities": bernoulli_distribution(labels, chances),
        "elsewhere/z": np.linspace(-30, 30, 61),
        "elsewhere/sigmoid": sigmoid(np.linspace(-30, 30, 61)),
        "elsewhere/hidden": hidden,
        "elsewhere/out": out,
        "elsewhere/likelihoods": [compute_likelihood(y_train, lam) for lam in lambdas],
        "elsewhere/nlls": [compute_negative_log_likelihood(y_train, lam) for lam in lambdas],
        "elsewhere/offsets": offsets,
        "elsewhere/swept_nlls": [compute_negative_log_likelihood(y_train, lam) for lam in swept],
        "elsewhere/swept_likelihoods": [compute_likelihood(y_train, lam) for lam in swept],
    }


@binary_cross_entropy.record(cell=21)
def offset_sweep():  # noqa: F811
    drawn = [np.array([[offset]]) for offset in beta_1_vals[::20]]
    return {
        "offsets": beta_1_vals,
        "offset/likelihood": likelihoods,
        "offset/negative_log_likelihood": nlls,
        "offset/best": beta_1_vals[np.argmax(likelihoods)],
        "offset/models": [sigmoid(shallow_nn(x_model, beta_0, omega_0, b, omega_1))[0] for b in drawn],
        "offset/best_model": lambda_model[0],
    }


@multiclass_cross_entropy.gap(cell=7)
def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=0, keepdims=True)


@multiclass_cross_entropy.gap(cell=13)
def compute_likelihood(y, lam):  # noqa: F811
    return np.prod(categorical_distribution(y, lam))


@multiclass_cross_entropy.gap(cell=16)
def compute_negative_log_likelihood(y, lam):  # noqa: F811
    return -np.sum(np.log(categorical_distribution(y, lam)))


@multiclass_cross_entropy.record(cell=17)
def losses():  # noqa: F811
    rng = np.random.default_rng(0)
    z, picked = rng.normal(scale=5, size=(6, 30)), rng.integers(6, size=30)
    hidden, out = rng.normal(size=(10, 5, 2)), rng.normal(size=(10, 4, 6))
    labels = rng.integers(4, size=20)
    lambdas = [
        softmax(shallow_nn(x_train, h[:, :1], h[:, 1:], o[:, :1], o[:, 1:])) for h, o in zip(hidden, out)
    ]
    offsets, swept = np.linspace(-3, 3, 7), []
    for offset in offsets:
        moved = out[0][:, :1].copy()
        moved[2] = offset
        swept += [softmax(shallow_nn(x_train, hidden[0][:, :1], hidden[0][:, 1:], moved, out[0][:, 1:]))]
    example = np.array([[0.2], [0.5], [0.3]])
    return {
        "probabilities": [categorical_distribution(np.array([k]), example)[0] for k in range(3)],
        "likelihood": likelihood,
        "nll": nll,
        "elsewhere/z": z,
        "elsewhere/softmax": softmax(z),
        "elsewhere/picked": picked,
        "elsewhere/probabilities": categorical_distribution(picked, softmax(z)),
        "elsewhere/hidden": hidden,
        "elsewhere/out": out,
        "elsewhere/labels": labels,
        "elsewhere/likelihoods": [compute_likelihood(labels, lam) for lam in lambdas],
        "elsewhere/nlls": [compute_negative_log_likelihood(labels, lam) for lam in lambdas],
        "elsewhere/offsets": offsets,
        "elsewhere/swept_nlls": [compute_negative_log_likelihood(labels, lam) for lam in swept],
        "elsewhere/swept_likelihoods": [compute_likelihood(labels, lam) for lam in swept],
    }


@multiclass_cross_entropy.record(cell=21)
def offset_sweep():  # noqa: F811
    drawn = []
    for offset in beta_1_vals[::20]:
        moved = beta_1.copy()
        moved[0] = offset
        drawn += [softmax(shallow_nn(x_model, beta_0, omega_0, moved, omega_1))]
    return {
        "offsets": beta_1_vals,
        "offset/likelihood": likelihoods,
        "offset/negative_log_likelihood": nlls,
        "offset/best": beta_1_vals[np.argmax(likelihoods)],
        "offset/models": drawn,
        "offset/best_model": lambda_model,
    }
