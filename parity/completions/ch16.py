"""Chapter 16."""

from parity.completions import Completion

flow = Completion("16.1")


# 16.1 1D normalizing flows -----------------------------------------------------------------------


@flow.gap(cell=10)
def x():
    return f(z)


@flow.gap(cell=10)
def pr_x():
    return pr_z / abs(df_dz(z))


@flow.record(cell=11)
def carried():
    def exact(points):
        return np.imag(f(points + 1e-30j)) / 1e-30

    elsewhere = np.random.default_rng(0).uniform(-5, 5, 100)
    settings = np.array([[0.3, 0.5], [-1.0, 2.0], [0.0, 0.1]])
    taken = {"z": z[::6], "pr_z": pr_z[::6], "x": x[::6], "pr_x": pr_x[::6], "df": df_dz(z)[::6]}
    taken |= {"df_exact": exact(z)[::6], "pr_x_exact": (pr_z / exact(z))[::6]}
    taken |= {"elsewhere/z": elsewhere, "elsewhere/x": f(elsewhere), "elsewhere/df": exact(elsewhere)}
    taken |= {"elsewhere/settings": settings}
    return taken | {"elsewhere/pr_z": [gauss_pdf(elsewhere, *setting) for setting in settings]}


@flow.gap(cell=13)
def x_samples():
    global drawn
    drawn = np.random.normal(size=n_sample)
    return f(drawn)


@flow.record(cell=14)
def sampled():
    return {"drawn": drawn, "samples": x_samples}
