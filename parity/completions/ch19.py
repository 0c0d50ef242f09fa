"""Chapter 19."""

from parity.completions import Completion

variates = Completion("19.5")


# 19.5 Control variates ---------------------------------------------------------------------------


@variates.gap(cell=7)
def mean_of_estimator_1():
    global plain
    np.random.seed(0)
    plain = get_samples(n_estimate * N)[0].reshape(n_estimate, N).mean(1)
    return plain.mean()


@variates.gap(cell=7)
def std_of_estimator_1():
    return plain.var()


@variates.gap(cell=9)
def mean_of_estimator_2():
    global helped
    np.random.seed(1)
    helped = np.subtract(*get_samples(n_estimate * N)).reshape(n_estimate, N).mean(1)
    return helped.mean()


@variates.gap(cell=9)
def std_of_estimator_2():
    return helped.var()


@variates.record(cell=9)
def estimates():
    taken = {"plain": plain[::1000], "helped": helped[::1000], "N": N}
    taken |= {"plain_moments": [mean_of_estimator_1, std_of_estimator_1]}
    taken |= {"helped_moments": [mean_of_estimator_2, std_of_estimator_2]}
    variances = []
    for seed in range(10):
        np.random.seed(10 + seed)
        both = get_samples(n_estimate * N)
        variances.append([part.reshape(n_estimate, N).mean(1).var() for part in (both[0], both[0] - both[1])])
    taken |= {"variances": variances, "elsewhere/settings": [(-0.4, 3), (0.1, 40), (1.0, 7)]}
    for k, (correlation, count) in enumerate(taken["elsewhere/settings"]):
        np.random.seed(k)
        taken[f"elsewhere/{k}"] = np.stack(get_samples(20 * count, correlation)).reshape(2, 20, count)
    return taken
