"""Notebook 20.3: lottery tickets; a short job, five rounds of 62 steps with 40 hidden units.

The notebook fetches its training loop from another repository. What is recorded used one of our own with the same steps.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from parity import layout
from udl_jax.ch20_why_it_works import lottery_tickets, pruning, sparse_network
from udl_jax.data.mnist1d import load_mnist1d

SHAPES = [(40, 40), (40, 40), (10, 40)]


def in_flax(vectors):
    """Turn the notebook's vectors, a layer's weights and then its biases, into parameters."""
    layers = {}
    for k, (vector, (outputs, inputs)) in enumerate(zip(vectors, SHAPES)):
        cut = outputs * inputs
        layers[f"linear_{k}"] = layout.dense(vector[:cut].reshape(outputs, inputs), vector[cut:])
    return layers


def in_vectors(params):
    """Undo :func:`in_flax`."""
    layers = (jax.tree.map(jnp.asarray, params[f"linear_{k}"]) for k in range(3))
    return [jnp.concatenate([layer["kernel"].T.ravel(), layer["bias"]]) for layer in layers]


@pytest.fixture(scope="module")
def book(reference):
    return reference("20_3").under("float64")


@pytest.fixture(scope="module")
def rounds(book):
    """Draw the notebook's initial weights again, and run all rounds; keep what each gave."""
    now = torch.get_rng_state()
    torch.set_rng_state(torch.tensor(np.asarray(book["state"]), dtype=torch.uint8))
    linear = [torch.nn.Linear(inputs, outputs, dtype=torch.double) for outputs, inputs in SHAPES]
    torch.set_rng_state(now)
    weights = [np.concatenate([p.detach().numpy().ravel() for p in layer.parameters()]) for layer in linear]
    settings = sparse_network.Settings(
        hidden=40, sparsities=np.asarray(book["sparsities"]), updates=62, every=20, prune_at=40
    )
    tickets = lottery_tickets.prune_and_retrain(in_flax(weights), load_mnist1d(), settings)
    return settings, tickets


def test_settings(agrees, book):
    ours = sparse_network.BOOK
    found = [ours.updates - 1, ours.hidden, ours.every, ours.prune_at]
    agrees(jnp.array(found), book["book"], kind="value", quantity="the book's steps and sizes")
    assert ours.rate == float(book["rate"])


def test_sparsities(agrees, book):
    np.testing.assert_array_equal(sparse_network.BOOK.sparsities, np.linspace(0, 1, 100))
    agrees(jnp.linspace(0, 1, 5), book["sparsities"], kind="value", quantity="sparsities of the short job")


def test_mask_cases(agrees, book):
    names = sorted({name.split("/")[1] for name in book if name.startswith("masks/")})
    assert len(names) == 8
    for name in names:
        case = {part: book[f"masks/{name}/{part}"] for part in ("weights", "fraction", "mask")}
        mask = pruning.magnitude_mask(case["weights"], float(case["fraction"]))
        agrees(mask, case["mask"], kind="value", quantity=f"mask, case {name}")


@pytest.mark.parametrize("number", range(5))
def test_masks(agrees, book, rounds, number):
    ours = in_vectors(lottery_tickets.masks_of(rounds[1], number))
    for k, mask in enumerate(ours):
        theirs = book[f"{number}/mask/{k}"]
        agrees(mask, theirs, kind="trajectory", quantity=f"round {number}: mask of layer {k}")


@pytest.mark.parametrize("number", range(5))
def test_losses(agrees, book, rounds, number):
    _, tickets = rounds
    name = f"round {number}"
    loss, theirs = tickets.batch_loss[number], book["train_losses"][number]
    agrees(loss, theirs, kind="trajectory", quantity=f"{name}: loss of each of 62 batches")
    loss, theirs = tickets.history.test.loss[number], book["test_losses"][number]
    agrees(loss, theirs, kind="trajectory", quantity=f"{name}: test loss, four times")
    for part, word in (("train", "train_accs"), ("test", "test_accs")):
        right = 100 - getattr(tickets.history, part).error[number]
        agrees(right, book[word][number], kind="trajectory", quantity=f"{name}: {part} accuracy")


def test_weights(agrees, book, rounds):
    settings, tickets = rounds
    data = lottery_tickets.split(load_mnist1d())
    for number in range(5):
        masks = lottery_tickets.masks_of(tickets, number)
        kept = sparse_network.retrain(tickets.initial, masks, *data, settings).kept
        ours = [vector[::5] for vector in in_vectors(kept)]
        theirs = [book[f"{number}/weights/{k}"] for k in range(3)]
        agrees(
            ours, theirs, kind="trajectory", quantity=f"round {number}: weights after 41 steps, every fifth"
        )
