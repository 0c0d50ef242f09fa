"""Chapter 8."""

from parity.completions import Completion, Take

SEEDS = tuple(Take(f"seed_{seed}", seed=seed) for seed in range(1, 13))
mnist1d = Completion(
    "8.1",
    takes=(Take("float64", dtype="float64"), Take("float32"), Take("twin", twin=True), *SEEDS),
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
        "train_loss": losses_train,
        "train_error": errors_train,
        "test_loss": losses_test,
        "test_error": errors_test,
    }
    if take.name == "twin":
        return curves
    order = np.array(tap.order, dtype=np.uint16).reshape(n_epoch, -1, 100)
    initial = {f"initial/{i}": weights for i, weights in enumerate(tap.initial)}
    final = {f"final/{i}": weights for i, weights in enumerate(tap.weights())}
    return {"order": order, **curves, **initial, **final}
