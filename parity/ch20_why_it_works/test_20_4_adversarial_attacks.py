"""Notebook 20.4: adversarial attacks; on the ten thousand digits that come with the package."""

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from parity import draws, layout
from udl_jax import training
from udl_jax.ch10_convolution import convolution_mnist as digits
from udl_jax.ch20_why_it_works import perturbations
from udl_jax.data.mnist import load_mnist

EXAMPLES, BATCH, EPSILON = 8000, 64, 0.5
MODEL = digits.DigitNetwork()
#: Where a gradient is as small as this part of its largest entry, rounding may decide its sign.
SURE = 1e-6
WAYS = {
    "small_steps": {"step": 0.1, "steps": 5},
    "ball": {"step": 0.2, "steps": 6, "radius": 0.5},
    "bounds": {"step": 0.2, "steps": 6, "radius": 0.5, "bounds": (-1.0, 3.0)},
}


def in_flax(weights):
    """Turn torch's weights into those of the network; 4 by 4 places with 20 channels are flattened."""
    return {
        "conv_0": layout.conv(*weights[0:2]),
        "conv_1": layout.conv(*weights[2:4]),
        "linear_0": layout.dense_after_flatten(*weights[4:6], (20, 4, 4)),
        "linear_1": layout.dense(*weights[6:8]),
    }


def draw_weights(state):
    """Let torch draw the notebook's initial weights again: its own for the convolutions, He's for what is linear."""
    now = torch.get_rng_state()
    torch.set_rng_state(torch.tensor(np.asarray(state), dtype=torch.uint8))
    double = {"dtype": torch.double}
    layers = [torch.nn.Conv2d(1, 10, 5, **double), torch.nn.Conv2d(10, 20, 5, **double)]
    linear = [torch.nn.Linear(320, 50, **double), torch.nn.Linear(50, 10, **double)]
    for layer in linear:
        torch.nn.init.kaiming_uniform_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    torch.set_rng_state(now)
    return [p.detach().numpy() for layer in layers + linear for p in layer.parameters()]


@pytest.fixture(scope="module")
def book(reference):
    return reference("20_4").under("float64")


@pytest.fixture(scope="module")
def trained(book):
    """Train from the book's initial weights, in its batch order, with its masks of dropout."""
    order = draws.batches(np.asarray(book["seeds"]), EXAMPLES, BATCH)
    keep = np.unpackbits(np.asarray(book["masks"])).reshape(*order.shape, 20).astype(bool)
    recipe = digits.make_recipe(masks=True)
    variables = {"params": in_flax(draw_weights(book["state"]))}
    examples = digits.split(load_mnist())
    state, history = training.train(recipe, training.start(recipe, variables), *examples, order, keep)
    at_first = [digits._measure(recipe.model, variables, e) for e in examples]
    return state, history, at_first


@pytest.fixture(scope="module")
def attacked(book):
    """Attack the first eight digits that the notebook shows, with the weights that it ends at."""
    variables = {"params": in_flax([book[f"final/{i}"] for i in range(8)])}
    test = digits.split(load_mnist())[1]
    return variables, test.x[book["shown"]], test.y[book["shown"]]


def noisy(x):
    """Add the noise that the recording adds, so that no two places of a flat background are equally large."""
    return x + np.random.RandomState(13).uniform(-0.01, 0.01, (8, 1, 28, 28)).transpose(0, 2, 3, 1)


def is_sure(gradient):
    return jnp.abs(gradient) > SURE * jnp.abs(gradient).max(axis=(1, 2, 3), keepdims=True)


def is_decided(variables, x, y):
    """Tell whether a pixel's gradient stays when rounding errors are added to the image.

    In the flat background, places of a pooling window are equally large but for rounding, which then decides where the
    gradient goes: with us to the first, in torch to any, since its convolution rounds equal windows differently.
    """
    gradient = perturbations.input_gradient(MODEL, variables, x, y)
    generator = np.random.default_rng(0)
    moved = [
        perturbations.input_gradient(MODEL, variables, x + 1e-12 * generator.normal(size=x.shape), y)
        for _ in range(40)
    ]
    apart = jnp.abs(jnp.stack(moved) - gradient).max(axis=0)
    return apart < SURE * jnp.abs(gradient).max(axis=(1, 2, 3), keepdims=True)


def classes(variables, x):
    return training.predict(MODEL, variables, x).argmax(axis=1)


def test_order_and_start(agrees, book):
    order = draws.visited(np.asarray(book["seeds"]), EXAMPLES)
    agrees(order[0, :20], book["first_visited"], kind="draws", quantity="the first batch, drawn again")
    ours = [weights.ravel()[::50] for weights in draw_weights(book["state"])]
    theirs = [book[f"first/{i}"] for i in range(8)]
    agrees(ours, theirs, kind="draws", quantity="initial weights, drawn again, every fiftieth")


@pytest.mark.parametrize("part", ["train", "test"])
def test_losses(agrees, book, trained, part):
    _, history, at_first = trained
    first, measures = at_first[part == "test"], getattr(history, part)
    loss = jnp.concatenate([first.loss[None], measures.loss])
    agrees(loss, book[f"{part}_loss"], kind="trajectory", quantity=f"{part} loss, at first and 3 epochs")
    count = EXAMPLES if part == "train" else 2000
    wrong = jnp.concatenate([first.error[None], measures.error]) * count / 100
    theirs = book[f"{part}_wrong"]
    agrees(jnp.rint(wrong).astype(theirs.dtype), theirs, kind="trajectory", quantity=f"{part} errors")


def test_final_weights(agrees, book, trained):
    theirs = in_flax([book[f"final/{i}"] for i in range(8)])
    agrees(trained[0].variables["params"], theirs, kind="trajectory", quantity="final weights")


def test_gradient_and_attack(agrees, book, attacked):
    variables, x, y = attacked
    agrees(y, book["labels"], kind="value", quantity="labels of the digits shown")
    gradient = perturbations.input_gradient(MODEL, variables, x[:3], y[:3])
    decided = is_decided(variables, x[:3], y[:3])
    assert decided.mean() > 0.2
    theirs = jnp.where(decided, book["gradients"][..., None], gradient)
    agrees(
        gradient,
        theirs,
        kind="value",
        quantity="gradient by the pixels of three digits, where ties do not decide",
    )
    assert float(book["epsilon"]) == EPSILON
    found = perturbations.fgsm(x[:3], gradient, EPSILON)
    theirs = jnp.where(decided & is_sure(gradient), book["perturbed"][..., None], found)
    agrees(found, theirs, kind="value", quantity="three digits after the attack, where ties do not decide")


def test_gradients_and_classes(agrees, book, attacked):
    variables, x, y = attacked
    x = noisy(x)
    gradient = perturbations.input_gradient(MODEL, variables, x, y)
    ours, theirs = gradient[:, 8:20, 8:20, 0], book["noisy_gradients"]
    agrees(ours, theirs, kind="value", quantity="gradient by the pixels in the middle of eight noisy digits")
    agrees(classes(variables, x), book["classes"], kind="value", quantity="classes of eight noisy digits")
    found = classes(variables, perturbations.fgsm(x, gradient, EPSILON))
    agrees(found, book["classes/fgsm"], kind="value", quantity="their classes after the attack")


@pytest.mark.parametrize("name", WAYS)
def test_iterated(agrees, book, attacked, name):
    variables, x, y = attacked
    x = noisy(x)
    found = perturbations.iterate(MODEL, variables, x, y, **WAYS[name])
    middle = found[:, 8:20, 8:20, 0]
    agrees(middle, book[f"{name}/images"], kind="value", quantity=f"{name}: the middle of eight noisy digits")
    moved = jnp.abs(found - x).sum(axis=(1, 2, 3))
    agrees(moved, book[f"{name}/moved"], kind="value", quantity=f"{name}: how far all pixels moved")
    agrees(classes(variables, found), book[f"{name}/classes"], kind="value", quantity=f"{name}: classes")
