"""Chapter 11."""

import numpy as np

from parity.completions import Completion

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
