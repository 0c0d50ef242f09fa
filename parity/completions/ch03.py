"""Chapter 3."""

from parity.completions import Completion

shallow_network = Completion("3.1")
two_inputs = Completion("3.2")
regions = Completion("3.3")
activations = Completion("3.4")


@shallow_network.gap(cell=4)
def ReLU(z):
    return z.clip(0.0)


@shallow_network.gap(cell=6)
def shallow_1_1_3(x, a, p0, p1, p2, p3, t10, t11, t20, t21, t30, t31):
    pre = [t10 + t11 * x, t20 + t21 * x, t30 + t31 * x]
    act = [a(h) for h in pre]
    weighted = [p * h for p, h in zip((p1, p2, p3), act)]
    return p0 + weighted[0] + weighted[1] + weighted[2], *pre, *act, *weighted


@shallow_network.gap(cell=13)
def least_squares_loss(truth, prediction):
    return np.sum((truth - prediction) ** 2)


@shallow_network.record(cell=5)
def relu():
    return {"z": z, "relu_z": RelU_z}


@shallow_network.record(cell=8)
def figure_3_3():
    return {
        "x": x,
        "y": y,
        "pre": [pre_1, pre_2, pre_3],
        "act": [act_1, act_2, act_3],
        "weighted": [w_act_1, w_act_2, w_act_3],
    }


@shallow_network.record(cell=11)
def experiments():
    phis = np.tile([-0.3, 2, -1, 7], (10, 1))
    thetas = np.tile([0.3, -1, -1, 2, -0.5, 0.65], (10, 1))
    phis[0, 0] += 0.5
    phis[1, 1:] *= 0.5
    phis[2, 1] *= -1
    thetas[3, 2] = -1.2
    phis[4, 1] = 0
    thetas[5, 1] = 0
    thetas[6, 0] = 0.5
    thetas[7, 0] = 0.6
    thetas[8, 2:4] *= 0.5
    phis[8, 2] *= 2
    thetas[9, 2:4] *= -0.5
    phis[9, 2] *= -2
    outputs = [shallow_1_1_3(x, ReLU, *phi, *theta)[0] for phi, theta in zip(phis, thetas)]
    return {"what_if/phi": phis, "what_if/theta": thetas.reshape(-1, 3, 2), "what_if/y": outputs}


@shallow_network.record(cell=14)
def fit_by_hand():
    draw = np.random.default_rng(0)
    thetas, phis = draw.normal(size=(20, 3, 2)), draw.normal(size=(20, 4))
    outputs = [shallow_1_1_3(x_train, ReLU, *phi, *theta.ravel())[0] for theta, phi in zip(thetas, phis)]
    return {
        "x_train": x_train,
        "y_train": y_train,
        "loss": loss,
        "elsewhere/theta": thetas,
        "elsewhere/phi": phis,
        "elsewhere/y": outputs,
        "elsewhere/loss": [least_squares_loss(y_train, output) for output in outputs],
    }


@two_inputs.gap(cell=5)
def shallow_2_1_3(u, v, a, p0, p1, p2, p3, *theta):
    pre = [c + s * u + t * v for c, s, t in np.reshape(theta, (3, 3))]
    act = [a(h) for h in pre]
    weighted = [p1 * act[0], p2 * act[1], p3 * act[2]]
    return p0 + weighted[0] + weighted[1] + weighted[2], *pre, *act, *weighted


@two_inputs.gap(cell=10)
def shallow_2_2_3(u, v, a, *numbers):
    first, second, theta = numbers[:4], numbers[4:8], numbers[8:]
    left, *hidden = shallow_2_1_3(u, v, a, *first, *theta)
    right, *other = shallow_2_1_3(u, v, a, *second, *theta)
    return left, right, *hidden, *other[-3:]


@two_inputs.record(cell=6)
def one_output():
    return {
        "x": np.stack([x1, x2], -1),
        "y": y,
        "pre": [pre_1, pre_2, pre_3],
        "act": [act_1, act_2, act_3],
        "weighted": [w_act_1, w_act_2, w_act_3],
    }


@two_inputs.record(cell=11)
def two_outputs():
    draw = np.random.default_rng(0)
    somewhere = draw.uniform(0, 10, (500, 2))
    thetas, phis = draw.normal(size=(10, 3, 3)), draw.normal(size=(10, 2, 4))
    outputs = [
        shallow_2_2_3(*somewhere.T, ReLU, *phi.ravel(), *theta.ravel())[:2]
        for theta, phi in zip(thetas, phis)
    ]
    return {
        "y1": y1,
        "y2": y2,
        "weighted_1": [w_act_11, w_act_12, w_act_13],
        "weighted_2": [w_act_21, w_act_22, w_act_23],
        "elsewhere/x": somewhere,
        "elsewhere/theta": thetas,
        "elsewhere/phi": phis,
        "elsewhere/y": outputs,
    }


@regions.gap(cell=4)
def number_regions(inputs, hidden):
    return sum(math.comb(hidden, j) for j in range(inputs + 1))


@regions.gap(cell=11)
def number_parameters(inputs, hidden):
    return (inputs + 1) * hidden + hidden + 1


@regions.record(cell=9)
def printed():
    # As text: the digits of a large integer do not fit an array of integers.
    sizes = [(2, 3), (10, 50), (10, 8), (8, 8), (0, 5), (5, 0), (1, 999), (100, 300), (37, 64)]
    return {"sizes": sizes, "counts": [str(number_regions(*size)) for size in sizes]}


@regions.record(cell=10)
def figure_3_9a():
    return {"dims": dims, "regions_a": regions}


@regions.record(cell=12)
def parameters():
    sizes = [(10, 8), (1, 1), (7, 100), (784, 500)]
    return {"parameter_sizes": sizes, "parameters": [number_parameters(*size) for size in sizes]}


@regions.record(cell=13)
def figure_3_9b():
    return {"params": params, "regions_b": regions}


@activations.gap(cell=9)
def sigmoid(z):
    return 1 / (1 + np.exp(-10 * z))


@activations.gap(cell=15)
def heaviside(z):
    return (z >= 0).astype(float)


@activations.record(cell=7)
def with_relu():
    return {"x": x, "relu/y": y, "pre": [pre_1, pre_2, pre_3]}


@activations.record(cell=10)
def sigmoid_alone():
    return {"z": z, "sigmoid_z": sig_z}


@activations.record(cell=12)
def with_sigmoid():
    return {
        "sigmoid/y": y,
        "sigmoid/act": [act_1, act_2, act_3],
        "sigmoid/weighted": [w_act_1, w_act_2, w_act_3],
    }


@activations.record(cell=16)
def heaviside_alone():
    special = np.array([-1e-300, -0.0, 0.0, 1e-300, np.inf, -np.inf])
    return {"heaviside_z": heav_z, "special": special, "heaviside_special": heaviside(special)}


@activations.record(cell=17)
def with_heaviside():
    return {
        "heaviside/y": y,
        "heaviside/act": [act_1, act_2, act_3],
        "heaviside/weighted": [w_act_1, w_act_2, w_act_3],
    }


@activations.record(cell=21)
def with_linear():
    draw = np.random.default_rng(0)
    phis, thetas = draw.normal(size=(10, 4)), draw.normal(size=(10, 3, 2))

    def run(activation):
        return [shallow_1_1_3(x, activation, *p, *t.ravel())[0] for p, t in zip(phis, thetas)]

    original = phi_0, phi_1, phi_2, phi_3, theta_10, theta_11, theta_20, theta_21, theta_30, theta_31
    what_if = shallow_1_1_3(x, lambda h: 0.5 - 0.4 * h, *original)
    return {
        "linear/y": y,
        "linear/act": [act_1, act_2, act_3],
        "linear/weighted": [w_act_1, w_act_2, w_act_3],
        "what_if/y": what_if[0],
        "what_if/act": what_if[4:7],
        "what_if/weighted": what_if[7:],
        "elsewhere/phi": phis,
        "elsewhere/theta": thetas,
        "elsewhere/relu": run(ReLU),
        "elsewhere/sigmoid": run(sigmoid),
        "elsewhere/heaviside": run(heaviside),
        "elsewhere/linear": run(lin),
    }
