"""Chapter 7."""

from parity.completions import Completion

toy_backpropagation = Completion("7.1")
toy_backpropagation.gaps[14] = {
    "f0": lambda: beta0 + omega0 * x,
    "h1": lambda: np.sin(f0),
    "f1": lambda: beta1 + omega1 * h1,
    "h2": lambda: np.exp(f1),
    "f2": lambda: beta2 + omega2 * h2,
    "h3": lambda: np.cos(f2),
    "f3": lambda: beta3 + omega3 * h3,
    "l_i": lambda: (f3 - y) ** 2,
}
toy_backpropagation.gaps[17] = {
    "dldf2": lambda: -np.sin(f2) * dldh3,
    "dldh2": lambda: omega2 * dldf2,
    "dldf1": lambda: np.exp(f1) * dldh2,
    "dldh1": lambda: omega1 * dldf1,
    "dldf0": lambda: np.cos(f0) * dldh1,
}
toy_backpropagation.gaps[19] = {
    "dldbeta3": lambda: dldf3,
    "dldomega3": lambda: dldf3 * h3,
    "dldbeta2": lambda: dldf2,
    "dldomega2": lambda: dldf2 * h2,
    "dldbeta1": lambda: dldf1,
    "dldomega1": lambda: dldf1 * h1,
    "dldbeta0": lambda: dldf0,
    "dldomega0": lambda: dldf0 * x,
}


@toy_backpropagation.record(cell=20)
def both_passes():
    return {
        "beta": [beta0, beta1, beta2, beta3],
        "omega": [omega0, omega1, omega2, omega3],
        "x": x,
        "y": y,
        "f": [f0, f1, f2, f3],
        "h": [x, h1, h2, h3],
        "loss": l_i_func,
        "loss_forward": l_i,
        "dl_df": [dldf0, dldf1, dldf2, dldf3],
        "dl_dh": [dldh1, dldh2, dldh3],
        "dl_dbeta": [dldbeta0, dldbeta1, dldbeta2, dldbeta3],
        "dl_domega": [dldomega0, dldomega1, dldomega2, dldomega3],
        "dl_dbeta_3_formula": dldbeta3_func,
        "dl_domega_0_formula": dldomega0_func,
        "dl_domega_0_difference": dldomega0_fd,
    }


@toy_backpropagation.record(cell=5)
def elsewhere():
    points = np.random.default_rng(0).normal(size=(20, 10))
    # A complex step has no cancellation: it gives derivatives of the notebook's loss to the last digit.
    steps = 1e-30j * np.eye(10)
    return {
        "elsewhere/points": points,
        "elsewhere/model": [fn(p[0], *p[2:]) for p in points],
        "elsewhere/loss": [loss(*p) for p in points],
        "elsewhere/derivatives": [[loss(*(p + s)).imag * 1e30 for s in steps] for p in points],
    }


backpropagation = Completion("7.2")


@backpropagation.gap(cell=7)
def compute_network_output(net_input, weights, biases):
    pre, post = [], [net_input]
    for omega, beta in zip(weights, biases):
        pre.append(omega @ post[-1] + beta)
        post.append(ReLU(pre[-1]))
    return pre[-1], pre, post[:-1]


@backpropagation.gap(cell=13)
def backward_pass(weights, biases, pre, post, target):
    global kept
    slopes_f, slopes_h = [d_loss_d_output(pre[-1], target)], []
    for omega, below in zip(weights[::-1], [None, *pre[:-1]][::-1]):
        slopes_h.insert(0, omega.T @ slopes_f[0])
        if below is not None:
            slopes_f.insert(0, indicator_function(below) * slopes_h[0])
    kept = {"dl_df": slopes_f, "dl_dh": slopes_h}
    return [a @ b.T for a, b in zip(slopes_f, post)], [a.copy() for a in slopes_f]


@backpropagation.record(cell=15)
def networks():
    def take(name, weights, biases, x, target):
        output, pre, post = compute_network_output(x, weights, biases)
        by_weight, by_bias = backward_pass(weights, biases, pre, post, target)
        groups = {"weights": weights, "biases": biases, "f": pre, "h": post, **kept}
        groups |= {"dl_dweights": by_weight, "dl_dbiases": by_bias}
        taken = {f"{name}/{group}/{k}": a for group, parts in groups.items() for k, a in enumerate(parts)}
        scalars = {"loss": least_squares_loss(output, target), "x": x, "y": target}
        return taken | {f"{name}/{key}": value for key, value in scalars.items()}

    def moved(parameters, delta):
        """Give the loss after one entry of the list's arrays has been moved, for each entry."""
        found = [np.zeros_like(a) for a in parameters]
        for a, losses in zip(parameters, found):
            for place in np.ndindex(a.shape):
                before = a[place]
                a[place] += delta
                result, *_ = compute_network_output(net_input, all_weights, all_biases)
                losses[place] = least_squares_loss(result, y)
                a[place] = before
        return found

    draw = np.random.default_rng(0)
    arrays = take("book", all_weights, all_biases, net_input, y)
    for name, widths in {"a": (2, 3, 5, 3), "b": (1, 4, 1), "c": (3, 7, 7, 2, 7, 2), "d": (4, 2)}.items():
        omegas = [draw.normal(size=shape) for shape in zip(widths[1:], widths)]
        betas = [draw.normal(size=(b, 1)) for b in widths[1:]]
        ends = [draw.normal(size=(width, 1)) for width in (widths[0], widths[-1])]
        arrays |= take(f"elsewhere/{name}", omegas, betas, *ends)
    for k in range(K + 1):
        arrays[f"fd/weights/{k}"] = all_dl_dweights_fd[k]
        arrays[f"fd/biases/{k}"] = all_dl_dbiases_fd[k]
    arrays |= {f"moved/weights/{k}": a for k, a in enumerate(moved(all_weights, 1e-2))}
    arrays |= {f"moved/biases/{k}": a for k, a in enumerate(moved(all_biases, 1e-2))}
    pairs = [*zip(all_dl_dweights_fd, all_dl_dweights), *zip(all_dl_dbiases_fd, all_dl_dbiases)]
    matches = [np.allclose(*pair) for pair in pairs]
    return arrays | {"matches": matches, "delta": delta_fd, "net_output": net_output}


initialization = Completion("7.3")


@initialization.record(cell=8)
def forward():
    return {
        "book/sigma_sq": sigma_sq_omega,
        "book/x": data_in,
        "book/first": all_weights[0],
        "book/hidden": all_weights[1:-1],
        "book/last": all_weights[-1],
        "book/std_h": [np.std(h) for h in all_h[1:]],
    }


@initialization.record(cell=15)
def backward():
    book = {"book/std_dl_df": [np.std(a) for a in aggregate_dl_df[1:-1]]}

    def measure(layers, width, sigma_sq, examples, target):
        """Run the notebook's functions at other settings, gradients example by example as it does."""
        omegas, betas = init_params(layers, width, sigma_sq)
        inputs = np.random.normal(size=(1, examples))
        _, _, post = compute_network_output(inputs, omegas, betas)
        slopes = {"std_dl_df": [], "std_dl_dh": []}
        for column in inputs.T:
            _, pre, acts = compute_network_output(column[:, None], omegas, betas)
            *_, by_h, by_f = backward_pass(omegas, betas, pre, acts, np.full((1, 1), target))
            slopes["std_dl_df"].append(by_f[:-1])
            slopes["std_dl_dh"].append(by_h[1:])
        spread = {name: np.std(np.array(a), axis=(0, 2, 3)) for name, a in slopes.items()}
        return {"x": inputs, "std_h": [np.std(a) for a in post[1:]], **spread}

    def fingerprint(layers, width):
        """Record what shows that draws made elsewhere are the notebook's."""
        omegas, _ = init_params(layers, width, 1.0)
        return {"first": omegas[0], "sums": np.sum(omegas[1:-1], axis=(1, 2)), "corner": omegas[-2][:5, :5]}

    settings = {
        # layers, width, variance of the weights, examples, target
        **{f"deep/{v:g}": (50, 80, v, 100, 0.0) for v in (0.001, 0.01, 0.025, 0.1, 1.0)},
        "elsewhere/a": (3, 5, 0.3, 30, 0.0),
        "elsewhere/b": (7, 20, 0.1, 50, 1.5),
        # All units of a layer are off: what the indicator says at zero counts, since the target is not zero.
        "elsewhere/off": (12, 2, 1.0, 20, -1.0),
    }
    taken = {f"{name}/{k}": a for name, s in settings.items() for k, a in measure(*s).items()}
    listed = {f"{name}/settings": s for name, s in settings.items()}
    return book | taken | listed | {f"deep/draws/{k}": a for k, a in fingerprint(50, 80).items()}
