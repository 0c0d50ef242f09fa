"""Chapter 11."""

import numpy as np

from parity.completions import Completion, Take

# 11.1 Shattered gradients ------------------------------------------------------------------------

shattered_gradients = Completion("11.1")


@shattered_gradients.gap(cell=15)
def autocorr(slopes):
    return np.correlate(slopes, slopes, mode="same")


@shattered_gradients.record(cell=10)
def check_of_the_gradient():
    return {"check/x": x, "check/y": y, "check/gradient": dydx}


@shattered_gradients.record(cell=18)
def slopes():
    global K

    def measure(layers, width, points):
        # The notebook's routine for gradients reads the number of layers from a global variable.
        global K
        K = layers
        weights, biases = init_params(layers, width)
        slopes, values = calc_input_output_gradient(points[None], weights, biases)
        found = autocorr(np.squeeze(slopes))
        # The weights themselves would fill megabytes; this shows that ours, drawn anew, are the same.
        drawn = [weights[0][:5, 0], weights[-1][0, :5], biases[0][:5, 0], weights[-2][-1, :5]]
        return {
            "x": points,
            "outputs": values[0],
            "gradient": slopes[0],
            "products": found,
            "drawn": np.concatenate(drawn),
        }

    grid = np.arange(-2.0, 2.0, 4.0 / 256)
    settings = {
        "book/1": (1, 200, grid),
        "book/24": (24, 200, grid),
        "book/50": (50, 200, grid),
        "elsewhere/0": (1, 5, np.linspace(-30, 30, 64)),
        "elsewhere/1": (7, 30, np.linspace(0, 5, 100)),
        "elsewhere/2": (12, 64, np.random.default_rng(0).normal(size=50)),
    }
    kept, taken = K, {}
    for name, (layers, width, points) in settings.items():
        taken[f"{name}/settings"] = [layers, width]
        taken |= {f"{name}/{key}": value for key, value in measure(layers, width, points).items()}
    K = kept
    return taken


# 11.2 Residual networks --------------------------------------------------------------------------

residual_network = Completion(
    "11.2",
    takes=(
        Take("float64", seed=1, dtype="float64"),
        Take("float32", seed=1, exact=False),
        Take("twin", seed=1, twin=True, exact=False),
        *(Take(f"seed_{seed}", seed=seed, exact=False) for seed in range(1, 11)),
    ),
)


@residual_network.record(cell=5)
def seeds_of_the_order():
    global seeds
    from parity.draws import note_seeds  # noqa: PLC0415

    seeds = note_seeds()
    return {}


@residual_network.record(cell=7)
def with_residual_connections():
    def forward(self, x):
        stream = self.linear1(x)
        for block in (self.linear2, self.linear3):
            stream = stream + block(torch.relu(stream))
        return self.linear4(stream)

    ResidualNetwork.forward = forward
    return {}


@residual_network.record(cell=9)
def training():
    headline = {"test_error": errors_val[-1], "test_loss": losses_val[-1]}
    if take.name.startswith("seed"):
        return headline
    curves = {
        "train_loss": losses_train.astype(take.dtype),
        "train_error": errors_train.astype(take.dtype),
        "test_loss": losses_val.astype(take.dtype),
        "test_error": errors_val.astype(take.dtype),
    }
    if take.name == "twin":
        return curves
    initial = {f"initial/{i}": weights for i, weights in enumerate(tap.initial)}
    final = {f"final/{i}": weights.ravel()[::5] for i, weights in enumerate(tap.weights())}
    first = {"first_visited": tap.order[0][:20], "last_visited": tap.order[-1][-20:]}
    return {"seeds": np.array(seeds), **first, **curves, **initial, **final}
