"""Chapter 2."""

from parity.completions import Completion

linear_regression = Completion("2.1")


@linear_regression.gap(cell=4)
def f(x, phi0, phi1):
    return phi0 + phi1 * x


@linear_regression.gap(cell=7)
def compute_loss(x, y, phi0, phi1):
    return np.sum((f(x, phi0, phi1) - y) ** 2)


@linear_regression.record(cell=6)
def figure_2_2b():
    return {"x": x, "y": y, "line_b": f(x, phi0, phi1)}


@linear_regression.record(cell=8)
def loss_2_2b():
    return {"loss_b": loss}


@linear_regression.record(cell=9)
def figure_2_2c():
    return {"loss_c": loss, "line_c": f(x, phi0, phi1)}


@linear_regression.record(cell=12)
def surface():
    elsewhere = np.random.default_rng(0).normal(scale=3, size=(20, 2))
    return {
        "phi_0": phi0_mesh[0],
        "phi_1": phi1_mesh[:, 0],
        "surface": all_losses,
        "elsewhere": elsewhere,
        "losses_elsewhere": [compute_loss(x, y, *phi) for phi in elsewhere],
    }
