"""Chapter 6."""

from parity.completions import Completion

search = Completion("6.1")
descent = Completion("6.2")
stochastic = Completion("6.3")
momenta = Completion("6.4")
adaptive = Completion("6.5")


# 6.1 Line search ---------------------------------------------------------------------------------


@search.gap(cell=6)
def line_search(loss_function, thresh=0.0001, max_iter=10, draw_flag=False):
    global brackets
    p, brackets = np.array([0, 0.33, 0.66, 1.0]), []
    while abs(p[1] - p[2]) > thresh and len(brackets) < max_iter:
        brackets.append(p)
        if draw_flag:
            draw_function(loss_function, *p)
        heights = [loss_function(q) for q in p]
        if heights[0] < min(heights[1:]):
            p = p[0] + np.append(0, (p[1:] - p[0]) / 2)
        elif heights[1] < heights[2]:
            p = np.array([p[0], p[0] + (p[2] - p[0]) / 3, p[0] + 2 * (p[2] - p[0]) / 3, p[2]])
        elif heights[2] < heights[1]:
            p = np.array([p[1], p[1] + (p[3] - p[1]) / 3, p[1] + 2 * (p[3] - p[1]) / 3, p[3]])
    brackets.append(p)
    return (p[1] + p[2]) / 2


@search.record(cell=7)
def searched():
    taken = {"minimum": soln, "loss": loss_function(soln), "brackets": brackets}
    grid = np.linspace(0, 1, 101)
    return taken | {"curve": loss_function(grid), "grid": grid}


@search.record(cell=8)
def searched_elsewhere():
    generator = np.random.default_rng(0)
    centres, threshs = generator.uniform(-0.3, 1.3, 20), 10.0 ** generator.uniform(-6, -1, 20)
    taken = {"elsewhere/centres": centres, "elsewhere/thresholds": threshs}
    for most in (0, 6, 24):
        found, counts, ends = [], [], []
        for centre, thresh in zip(centres, threshs):
            dented = lambda q: (q - centre) ** 2 + 0.1 * np.sin(9 * q)  # noqa: B023, E731
            found.append(line_search(dented, thresh, most))
            counts.append(len(brackets) - 1)
            ends.append(brackets[-1])
        taken |= {f"elsewhere_{most}/minima": found, f"elsewhere_{most}/ends": ends}
        taken |= {f"elsewhere_{most}/counts": counts}
    return taken | {"flat": line_search(lambda q: 0 * q)}


# 6.2 Gradient descent ----------------------------------------------------------------------------


@descent.gap(cell=8)
@stochastic.gap(cell=8)
def compute_loss(data_x, data_y, model, phi):
    return ((model(phi, data_x) - data_y) ** 2).sum()


@descent.record(cell=10)
@stochastic.record(cell=10)
def loss_at_start():
    return {"x": data[0], "y": data[1], "loss_at_start": loss}


@descent.gap(cell=15)
def compute_gradient(data_x, data_y, phi):
    rest = phi[0] + phi[1] * data_x - data_y
    return np.array([[2 * rest.sum()], [2 * (data_x * rest).sum()]])


@descent.record(cell=17)
@stochastic.record(cell=17)
def checked_gradient():
    elsewhere = np.random.default_rng(0).normal(scale=(2, 8), size=(20, 2))
    return {
        "phi": phi[:, 0],
        "gradient": gradient.ravel(),
        "finite_differences": np.ravel([dl_dphi0_est, dl_dphi1_est]),
        "elsewhere": elsewhere,
        "losses_elsewhere": [compute_loss(*data, model, p) for p in elsewhere],
        "gradients_elsewhere": [compute_gradient(*data, p).ravel() for p in elsewhere],
    }


@descent.gap(cell=20)
def gradient_descent_step(phi, data, model):
    slope = compute_gradient(data[0], data[1], phi)
    return phi - line_search(data, model, phi, slope) * slope


@descent.record(cell=21)
def descent_path():
    phi_0, phi_1 = np.arange(0.0, 2.0, 0.02)[::4], np.arange(-1.0, 1.0, 0.002)[::40]
    generator = np.random.default_rng(1)
    starts = generator.normal(scale=2, size=(10, 2))
    reaches, threshs = generator.uniform(0.01, 0.3, 10), 10.0 ** generator.uniform(-7, -2, 10)
    moved = []
    for p, reach, thresh in zip(starts[..., None], reaches, threshs):
        slope = compute_gradient(*data, p)
        moved.append([line_search(data, model, p, slope, thresh, reach, most) for most in (5, 20)])
    return {
        "path": phi_all.T,
        "losses": [compute_loss(*data, model, p) for p in phi_all.T],
        "phi_0": phi_0,
        "phi_1": phi_1,
        "surface": [[compute_loss(*data, model, (a, b)) for a in phi_0] for b in phi_1],
        "search/starts": starts,
        "search/reaches": reaches,
        "search/thresholds": threshs,
        "search/distances": moved,
    }


# 6.3 Stochastic gradient descent -----------------------------------------------------------------


@stochastic.record(cell=6)
def first_curve():
    grid = np.linspace(-15, 15, 301)
    return {"curve/x": grid, "curve/phi": phi[:, 0], "curve/y": model(phi, grid)}


@stochastic.record(cell=13)
def gabor_surface():
    offsets, frequencies = np.arange(-10, 10.0, 0.1)[::5], np.arange(2.5, 22.5, 0.1)[::5]
    surface = [[compute_loss(*data, model, (a, b)) for a in offsets] for b in frequencies]
    return {"offsets": offsets, "frequencies": frequencies, "surface": surface}


@stochastic.record(cell=21)
def line_search_path():
    starts = np.random.default_rng(2).uniform((-8, 5), (8, 20), size=(8, 2))
    ends = []
    for start in starts[..., None]:
        p = start
        for _ in range(5):
            p = gradient_descent_step(p, data, model)
        ends.append(p[:, 0])
    return {"line_search/path": phi_all.T, "line_search/starts": starts, "line_search/ends": ends}


@stochastic.gap(cell=23)
def gradient_descent_step_fixed_learning_rate(phi, data, alpha):
    return phi - alpha * compute_gradient(*data, phi)


@stochastic.record(cell=24)
def fixed_path():
    rates, starts = (
        np.array([0.01, 0.05, 0.1, 0.4]),
        np.array([[-1.5, 8.5], [3.5, 6.5], [0.5, 12.0], [-3, 17.0]]),
    )
    ends = []
    for start, alpha in zip(starts[..., None], rates):
        p = start
        for _ in range(10):
            p = gradient_descent_step_fixed_learning_rate(p, data, alpha)
        ends.append(p[:, 0])
    return {"fixed/path": phi_all.T, "fixed/rates": rates, "fixed/starts": starts, "fixed/ends": ends}


@stochastic.gap(cell=26)
def stochastic_gradient_descent_step(phi, data, alpha, batch_size):
    chosen = np.random.permutation(data.shape[1])[:batch_size]
    globals().setdefault("drawn", []).append(chosen)
    return phi - alpha * compute_gradient(*data[:, chosen], phi)


@stochastic.record(cell=27)
def stochastic_path():
    global drawn
    taken = {"stochastic/path": phi_all.T, "stochastic/batches": drawn}
    for name, seed, alpha, size in (("a", 2, 0.2, 1), ("b", 3, 0.1, 12), ("c", 4, 0.05, 30)):
        drawn, p = [], np.array([[-1.5], [8.5]])
        np.random.seed(seed)
        path = [p] + [p := stochastic_gradient_descent_step(p, data, alpha, size) for _ in range(30)]
        taken |= {f"stochastic_{name}/path": np.squeeze(path), f"stochastic_{name}/batches": drawn}
        taken |= {f"stochastic_{name}/rate": alpha}
    return taken


@stochastic.record(cell=29)
def scheduled_path():
    global drawn
    np.random.seed(1)
    drawn, p, alpha, beta, M = [], np.array([[3.5], [6.5]]), 0.8, 0.5, 8
    path = [p]
    for t in range(41):
        if t and t % M == 0:
            alpha = alpha * beta
        path.append(p := stochastic_gradient_descent_step(p, data, alpha, 5))
    return {"scheduled/path": np.squeeze(path), "scheduled/batches": drawn}


# 6.4 Momentum ------------------------------------------------------------------------------------


@momenta.record(cell=12)
def plain_path():
    np.random.seed(1)
    draws = [np.random.permutation(data.shape[1])[:batch_size] for _ in range(n_steps)]
    return {"batches": draws, "plain/path": phi_all.T, "x": data[0], "y": data[1]}


@momenta.gap(cell=14)
@momenta.gap(cell=16)
def momentum():
    if phi_all[:, -1].any():  # the path of the cell before: this is the assignment ahead of the loop
        return np.zeros((2, 1))
    return beta * momentum + (1 - beta) * gradient


@momenta.gap(cell=16)
def gradient():
    ahead = phi_all[:, [c_step]] - alpha * beta * momentum
    return compute_gradient(*data[:, batch_index], ahead)


@momenta.record(cell=14)
def momentum_path():
    return {"momentum/path": phi_all.T}


@momenta.record(cell=16)
def nesterov_path():
    def run(draws, alpha, beta, ahead):
        p, m = np.array([[-1.5], [6.5]]), np.zeros((2, 1))
        path = [p]
        for chosen in draws:
            m = beta * m + (1 - beta) * compute_gradient(*data[:, chosen], p - ahead * alpha * m)
            path.append(p := p - alpha * m)
        return np.squeeze(path)

    generator = np.random.default_rng(0)
    draws = [generator.permutation(30)[:8] for _ in range(40)]
    taken = {"nesterov/path": phi_all.T, "elsewhere/batches": draws}
    settings = np.array([[0.2, 0.9], [0.1, 0.0], [0.05, 0.5]])
    return taken | {
        "elsewhere/settings": settings,
        "elsewhere/momentum": [run(draws, a, b, 0) for a, b in settings],
        "elsewhere/nesterov": [run(draws, a, b, b) for a, b in settings],
        "elsewhere/nesterov_whole_step": [run(draws, a, b, 1) for a, b in settings],
    }


# 6.5 Adam ----------------------------------------------------------------------------------------


@adaptive.record(cell=3)
def valley():
    elsewhere = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    heights, first, _ = get_loss_function_for_plot()
    return {
        "grid": first[0, ::5],
        "surface": heights[::5, ::5],
        "elsewhere": elsewhere,
        "losses_elsewhere": [loss(*p) for p in elsewhere],
        "gradients_elsewhere": [get_loss_gradient(*p) for p in elsewhere],
    }


@adaptive.record(cell=7)
def descents():
    moved = np.nextafter(start_posn, np.inf)
    return {
        "small_steps": grad_path1.T,
        "large_steps": grad_path2.T,
        "large_steps_twin": grad_descent(moved, 40, 1.0).T,
    }


@adaptive.gap(cell=9)
def normalized_gradients(start_posn, n_steps, alpha, epsilon=1e-20):
    path = [start_posn[:, 0]]
    for _ in range(n_steps):
        m = get_loss_gradient(*path[-1])
        v = m**2
        path.append(path[-1] - alpha * m / (np.sqrt(v) + epsilon))
    return np.transpose(path)


@adaptive.record(cell=10)
def normalised_path():
    return {"normalised": grad_path1.T}


@adaptive.gap(cell=12)
def adam(start_posn, n_steps, alpha, beta=0.9, gamma=0.99, epsilon=1e-20):
    path, m, v = [start_posn[:, 0]], np.zeros(2), np.zeros(2)
    for t in range(1, n_steps + 1):
        slope = get_loss_gradient(*path[-1])
        m, v = beta * m + (1 - beta) * slope, gamma * v + (1 - gamma) * slope**2
        m_fair, v_fair = m / (1 - np.power(beta, t)), v / (1 - np.power(gamma, t))
        path.append(path[-1] - alpha * m_fair / (np.sqrt(v_fair) + epsilon))
    return np.transpose(path)


@adaptive.record(cell=13)
def adam_path():
    global get_loss_gradient
    starts = np.random.default_rng(1).uniform(-1, 1, (6, 2))
    settings = np.array(
        [
            [0.05, 0.9, 0.99, 1e-20],
            [0.05, 0.9, 0.999, 1e-8],
            [0.01, 0.5, 0.9, 1e-3],
            [0.1, 0.95, 0.99, 1e-20],
            [0.02, 0.0, 0.5, 0.1],
            [0.03, 0.8, 0.8, 1e-20],
        ]
    )
    measured = get_loss_gradient
    get_loss_gradient = lambda a, b: (1 - loss(a, b)) * np.array([(a - 0.7) / 4, 4 * b])  # noqa: E731
    runs = [adam(p[:, None], 40, *s).T for p, s in zip(starts, settings)]
    get_loss_gradient = measured
    descended = [grad_descent(p[:, None], 40, alpha).T for p, alpha in zip(starts, settings[:, 0])]
    return {
        "adam": grad_path1.T,
        "elsewhere/starts": starts,
        "elsewhere/settings": settings,
        "elsewhere/adam": runs,
        "elsewhere/descent": descended,
        "elsewhere/normalised": [normalized_gradients(p[:, None], 15, 0.03, 0.01).T for p in starts],
    }
