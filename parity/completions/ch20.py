"""Chapter 20."""

from parity.completions import Completion, Take
from parity.completions.ch10 import libraries as digits_that_ship
from parity.completions.ch10 import listen_to_the_test

# 20.2 Full batch gradient descent ---------------------------------------------------------------

# The book's 200,000 and 500,000 steps take hours; these are the first 250 of each network.
full_batch = Completion("20.2", takes=(Take("float64", seed=5, dtype="float64"), Take("float32", seed=5)))


@full_batch.gap(cell=6)
def model_2_layer():
    return fully_connected(100, 100)


@full_batch.gap(cell=6)
def model_3_layer():
    return fully_connected(75, 75, 75)


@full_batch.gap(cell=6)
def model_4_layer():
    return fully_connected(63, 63, 63, 63)


@full_batch.record(cell=4)
def builder():
    global fully_connected

    def fully_connected(*hidden):
        layers = [torch.nn.Linear(40, hidden[0])]
        for inputs, outputs in zip(hidden, (*hidden[1:], 10), strict=True):
            layers += [torch.nn.ReLU(), torch.nn.Linear(inputs, outputs)]
        return torch.nn.Sequential(*layers)

    return {"x": data["x"][::100], "y": data["y"].astype(np.uint8)} if take.name == "float64" else {}


@full_batch.record(cell=8)
def short_and_overheard():
    """Take 250 steps, and note what the notebook's training begins with, and the losses that it does not keep."""
    global train_model, heard, losses
    train, loss_class, heard, losses = train_model, torch.nn.CrossEntropyLoss, {}, []

    class Listening(loss_class):
        def forward(self, outputs, labels):
            loss = super().forward(outputs, labels)
            losses.append(loss.item())
            return loss

    def overheard(model, x, y, n_epoch):
        layers = len(model) // 2
        weights = lambda: np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])  # noqa: E731
        initialise = model.apply
        losses.clear()

        def listening_apply(function):
            heard[f"{layers}/draws"] = torch.get_rng_state().numpy()
            initialise(function)
            heard[f"{layers}/initial"] = weights()[::50]

        model.apply = listening_apply
        torch.nn.CrossEntropyLoss = Listening
        errors = train(model, x, y, 250)
        torch.nn.CrossEntropyLoss = loss_class
        heard[f"{layers}/parameters"] = len(weights())
        heard[f"{layers}/steps_of_the_book"] = n_epoch
        heard[f"{layers}/loss"], heard[f"{layers}/error"] = np.array(losses, take.dtype), errors
        heard[f"{layers}/final"] = weights()[::5]
        return errors

    train_model = overheard
    return {}


@full_batch.record(cell=14)
def four_trainings():
    return heard


# 20.1 Random data ---------------------------------------------------------------------------------

# Weights and batch orders are kept as the state of torch's generator and as seeds, see parity/draws.py.
random_data = Completion(
    "20.1",
    takes=(
        Take("float64", seed=1, dtype="float64"),
        Take("float32", seed=2, exact=False),
        Take("twin", seed=2, twin=True, exact=False),
    ),
)


@random_data.record(cell=9)
def before_any_training():
    global seeds, taken, before_training, note
    from parity.draws import note_seeds  # noqa: PLC0415

    seeds, taken = note_seeds(), {}

    def before_training():
        tap.initial.clear()  # each training starts from weights of its own
        seeds.clear()
        return torch.get_rng_state().numpy()

    def note(name, losses, state):
        taken[f"{name}/loss"] = losses.astype(take.dtype)
        if not take.twin:
            weights = {
                f"{name}/final/{i}": p.detach().numpy().ravel()[::97].copy()
                for i, p in enumerate(model.parameters())
            }
            first = {
                f"{name}/first/{i}": weights.ravel()[::997] for i, weights in enumerate(tap.initial[::2])
            }
            taken.update({f"{name}/state": state, f"{name}/seeds": np.array(seeds)} | first | weights)
        return before_training()

    global state
    state = before_training()
    return {}


@random_data.gap(cell=10)
def n_epoch():
    return 25 if take.dtype == "float64" else 60


random_data.gaps[12] = random_data.gaps[14] = {"n_epoch": n_epoch}


@random_data.record(cell=10)
def true_labels():
    global state
    state = note("true", loss_true_labels, state)
    return {}


@random_data.gap(cell=11)
def train_data_x_randomized():
    normals = np.random.RandomState(11).standard_normal(train_data_x.shape)
    return train_data_x.mean() + train_data_x.std() * normals


@random_data.record(cell=12)
def random_inputs():
    global state
    state = note("inputs", loss_randomized_data, state)
    return {}


@random_data.gap(cell=13)
def train_data_y_permuted():
    return train_data_y[np.random.RandomState(12).permutation(len(train_data_y))]


@random_data.record(cell=14)
def permuted_labels():
    note("labels", loss_permuted_labels, state)
    if take.name == "float64":
        x, y = train_data_x_randomized, train_data_y_permuted
        taken.update({"randomized": x.T[::100], "permuted": y.astype(int)})
        taken.update({"mean": x.mean(), "deviation": x.std()})
    return taken


# 20.3 Lottery tickets -----------------------------------------------------------------------------

# The book's 100 rounds of 1,502 steps take a quarter of an hour. Here are five rounds of 62 steps, of a smaller network.
lottery_tickets = Completion("20.3", takes=(Take("float64", seed=3, dtype="float64"),))


@lottery_tickets.instead(cell=6)
def training_module():
    """In place of the module that the notebook fetches from elsewhere: batches in turn, Adam, a look now and then."""
    global mnist1d, get_dataset, get_dataset_args, get_model_args, train_model, data
    import sys  # noqa: PLC0415
    import types  # noqa: PLC0415

    import mnist1d  # noqa: PLC0415
    from mnist1d.data import get_dataset, get_dataset_args  # noqa: PLC0415

    def get_model_args():
        usual = {"input_size": 40, "output_size": 10, "batch_size": 100, "checkpoint_every": 1000, "seed": 42}
        return types.SimpleNamespace(**usual)

    def train_model(dataset, model, args):
        x, x_test = (torch.tensor(dataset[name], dtype=torch.get_default_dtype()) for name in ("x", "x_test"))
        y, y_test = (torch.tensor(dataset[name]).long() for name in ("y", "y_test"))
        adam, cross_entropy = optim.Adam(model.parameters(), args.learning_rate), nn.CrossEntropyLoss()
        kept = {name: [] for name in ("checkpoints", "train_losses", "test_losses", "train_acc", "test_acc")}

        def percent_right(x, y):
            return 100 * (model(x).argmax(1) == y).double().mean().item()

        for step in range(args.total_steps + 1):
            rows = slice(begin := step * args.batch_size % len(x), begin + args.batch_size)
            loss = cross_entropy(model(x[rows]), y[rows])
            adam.zero_grad()
            loss.backward()
            adam.step()
            kept["train_losses"].append(loss.item())
            if step % args.eval_every == 0:
                kept["test_losses"].append(cross_entropy(model(x_test), y_test).item())
                kept["train_acc"].append(percent_right(x, y))
                kept["test_acc"].append(percent_right(x_test, y_test))
            if step % args.checkpoint_every == 0:
                kept["checkpoints"].append(copy.deepcopy(model))
        return kept

    sys.modules["train"] = types.SimpleNamespace(get_model_args=get_model_args, train_model=train_model)
    data = get_dataset(get_dataset_args(), download=False)


@lottery_tickets.gap(cell=10)
def get_mask(absolute_weights, percent_sparse):
    mask = torch.ones_like(absolute_weights)
    mask[torch.argsort(absolute_weights, stable=True)[: int(percent_sparse * len(mask))]] = 0
    return mask


@lottery_tickets.record(cell=10)
def masks_of_cases():
    generator = np.random.default_rng(0)
    cases = {"example": ([5, 6, 0, 1, 7], 0.4), "ties": ([2, 1, 1, 0, 1, 0, 0, 3], 0.5)}
    for k, (size, fraction) in enumerate(
        [(100, 0.29), (999, 1 / 3), (50, 0.0), (50, 1.0), (1, 0.99), (77, 0.7)]
    ):
        cases[f"drawn_{k}"] = (abs(generator.normal(size=size)), fraction)
    return {
        f"masks/{name}/{part}": value
        for name, (weights, fraction) in cases.items()
        for part, value in {
            "weights": np.array(weights, float),
            "fraction": fraction,
            "mask": get_mask(torch.tensor(weights, dtype=torch.double), fraction).numpy() > 0,
        }.items()
    }


@lottery_tickets.record(cell=14)
def smaller_settings():
    book = (
        model_args.total_steps,
        model_args.hidden_size,
        model_args.eval_every,
        model_args.checkpoint_every,
    )
    small = {"total_steps": 61, "hidden_size": 40, "eval_every": 20, "checkpoint_every": 40}
    vars(model_args).update(small)
    return {"book": book, "rate": model_args.learning_rate, "state": torch.get_rng_state().numpy()}


@lottery_tickets.gap(cell=16)
def num_retrains():
    return 5


@lottery_tickets.record(cell=16)
def rounds():
    found = {"sparsities": sparsity_schedule} | lott_stats
    for k, model in enumerate(lott_models):
        for i, (weights, mask) in enumerate(zip(model.get_layer_vecs(), model.get_layer_masks())):
            found[f"{k}/weights/{i}"] = weights.detach().numpy()[::5]
            found[f"{k}/mask/{i}"] = mask.numpy() > 0
    return found


# 20.4 Adversarial attacks -------------------------------------------------------------------------

adversarial = Completion("20.4", takes=(Take("float64", seed=4, dtype="float64"),))
adversarial.instead(cell=2)(digits_that_ship)


@adversarial.record(cell=4)
def first_digits():
    global np, masks, curves, attacked
    import numpy as np  # noqa: PLC0415

    masks, curves, attacked = [], [], []
    return {"shown": tap.order[0][:8], "state": torch.get_rng_state().numpy()}


@adversarial.record(cell=8)
def listen_to_dropout():
    def drop(layer, images, result):
        if layer.training:
            masks.append((result.abs().amax((2, 3)) > 0).numpy())

    model.drop.register_forward_hook(drop)
    return {}


adversarial.record(cell=10)(listen_to_the_test)


@adversarial.record(cell=11)
def trained():
    measured = np.array(curves).T
    order = slice(2, None, 2)  # the look at the data, the test before training, and the tests come between
    taken = {f"final/{i}": weights for i, weights in enumerate(tap.weights())}
    taken |= {f"first/{i}": weights.ravel()[::50] for i, weights in enumerate(tap.initial)}
    return taken | {
        "seeds": np.array(seeds[order]),
        "first_visited": tap.order[2][:20],
        "masks": np.packbits(np.array(masks)),
        "train_loss": measured[0],
        "train_wrong": measured[1].astype(int),
        "test_loss": measured[2],
        "test_wrong": measured[3].astype(int),
    }


@adversarial.gap(cell=14)
def fgsm_attack(x, epsilon, dLdx):
    attacked.append((dLdx.numpy().copy(), (x + epsilon * torch.sign(dLdx)).detach().numpy()))
    return torch.tensor(attacked[-1][1])


@adversarial.record(cell=15)
def attacks():
    """Note the notebook's three attacks, and do what its last exercise asks for on eight digits at once."""
    gradients, perturbed = (np.concatenate(parts)[:, 0] for parts in zip(*attacked))
    taken = {"gradients": gradients, "perturbed": perturbed, "epsilon": epsilon}
    # In a flat background, rounding decides which of equal places a maximum is; a little noise leaves nothing to rounding.
    noise = np.random.RandomState(13).uniform(-0.01, 0.01, (8, 1, 28, 28))
    start, labels = example_data[:8] + torch.tensor(noise), example_targets[:8]

    def gradient_at(x):
        x = x.detach().requires_grad_()
        F.nll_loss(model(x), labels, reduction="sum").backward()
        return x.grad

    def classes(x):
        return model(x).argmax(1).numpy()

    taken |= {
        "labels": labels.numpy(),
        "classes": classes(start),
        "noisy_gradients": gradient_at(start)[:, 0, 8:20, 8:20].numpy(),
        "classes/fgsm": classes(start + epsilon * gradient_at(start).sign()),
    }
    for name, step, steps, radius, bounds in (
        ("small_steps", 0.1, 5, None, None),
        ("ball", 0.2, 6, 0.5, None),
        ("bounds", 0.2, 6, 0.5, (-1.0, 3.0)),
    ):
        x = start
        for _ in range(steps):
            x = x + step * gradient_at(x).sign()
            x = x if radius is None else torch.clamp(x, start - radius, start + radius)
            x = x if bounds is None else torch.clamp(x, *bounds)
        taken |= {f"{name}/images": x[:, 0, 8:20, 8:20].detach().numpy(), f"{name}/classes": classes(x)}
        taken[f"{name}/moved"] = (x - start).abs().sum((1, 2, 3)).detach().numpy()
    return taken
