"""Chapter 1."""

from parity.completions import Completion

mathematics = Completion("1.1")


@mathematics.gap(cell=4)
def linear_function_1D(x, beta, omega):
    return beta + omega * x


@mathematics.gap(cell=8)
def linear_function_2D(x1, x2, beta, omega1, omega2):
    return beta + omega1 * x1 + omega2 * x2


@mathematics.gap(cell=11)
def linear_function_3D(x1, x2, x3, beta, omega1, omega2, omega3):
    return beta + x1 * omega1 + x2 * omega2 + x3 * omega3


@mathematics.record(cell=5)
def lines():
    elsewhere = np.random.default_rng(0).normal(size=(5, 2))
    return {
        "x": x,
        "line": y,
        "line_10_5": linear_function_1D(x, 10.0, -2.0),
        "lines": elsewhere,
        "lines_y": [linear_function_1D(x, *row) for row in elsewhere],
    }


@mathematics.record(cell=9)
def planes():
    settings = [
        (0.0, 0.0, -0.5),
        (0.0, 1.0, 0.0),
        (-5.0, 1.0, -0.5),
        *np.random.default_rng(1).normal(size=(3, 3)),
    ]
    return {
        "x1": x1[0],
        "x2": x2[:, 0],
        "plane": y,
        "planes": np.array(settings),
        "planes_y": [linear_function_2D(x1, x2, *row)[::5, ::5] for row in settings],
    }


@mathematics.record(cell=13)
def equations():
    rng = np.random.default_rng(2)
    beta, omega, inputs = rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=(3, 10))
    return {
        "y1": y1,
        "y2": y2,
        "beta_vec": beta_vec,
        "omega_mat": omega_mat,
        "x_vec": x_vec.astype(float),
        "y_vec": y_vec,
        "random/beta": beta,
        "random/omega": omega,
        "random/x": inputs,
        "random/y": [linear_function_3D(*inputs, b, *row) for b, row in zip(beta, omega)],
    }


@mathematics.record(cell=16)
def exponential():
    return {"exp_x": x, "exp_y": y}


@mathematics.record(cell=19)
def logarithm():
    return {"log_x": x, "log_y": y}
