"""Chapter 8."""

from parity.completions import Completion, Take

# In single precision most runs leave their own twin, when a pre-activation falls on the other side of a ReLU: those
# of seeds 1 to 12 do, by 4e-4 to 3e-2 of the loss. Seed 27 was chosen by outcome. Of seeds 1 to 117, it is one of four
# (27, 55, 106, 117) whose losses and final weights ours and torch's agree on to 3e-6, with the products of the gradient
# arranged in either way; and of these the one that stays within 1e-3 also where XLA is told to compile for SSE, AVX or
# AVX2 (which its YNN library does not heed), or does without YNN.
TAME = 27
SEEDS = tuple(Take(f"seed_{seed}", seed=seed, exact=False) for seed in range(1, 13))
mnist1d = Completion(
    "8.1",
    takes=(
        Take("float64", seed=TAME, dtype="float64"),
        Take("float32", seed=TAME),
        Take("twin", seed=TAME, twin=True, exact=False),
        *SEEDS,
    ),
)


@mnist1d.record(cell=5)
def data_set():
    if take.name != "float64":
        return {}
    return {
        "x_train": data["x"][::20],
        "y_train": data["y"],
        "x_test": data["x_test"][::20],
        "y_test": data["y_test"],
        "column_means": np.concatenate([data["x"], data["x_test"]]).mean(0),
    }


@mnist1d.gap(cell=6)
def model():
    relu = torch.nn.ReLU
    linear = torch.nn.Linear
    return torch.nn.Sequential(linear(D_i, D_k), relu(), linear(D_k, D_k), relu(), linear(D_k, D_o))


@mnist1d.gap(cell=6)
def weights_init(layer):
    if isinstance(layer, torch.nn.Linear):
        torch.nn.init.kaiming_uniform_(layer.weight)
        torch.nn.init.zeros_(layer.bias)


@mnist1d.record(cell=7)
def trajectory():
    headline = {"test_error": errors_test[-1], "test_loss": losses_test[-1]}
    if take.name.startswith("seed"):
        return headline
    curves = {
        "train_loss": losses_train.astype(take.dtype),
        "train_error": errors_train.astype(take.dtype),
        "test_loss": losses_test.astype(take.dtype),
        "test_error": errors_test.astype(take.dtype),
    }
    if take.name == "twin":
        return curves
    order = np.array(tap.order, dtype=np.uint16).reshape(n_epoch, -1, 100)
    initial = {f"initial/{i}": weights for i, weights in enumerate(tap.initial)}
    final = {f"final/{i}": weights for i, weights in enumerate(tap.weights())}
    return {"order": order, **curves, **initial, **final}
