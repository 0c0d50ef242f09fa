"""Notebook 9.5: augmentation."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from parity import draws, layout
from udl_jax import training
from udl_jax.ch08_performance import mnist1d
from udl_jax.ch09_regularization import augmentation
from udl_jax.data.mnist1d import load_mnist1d

RUNS = ("plain", "augmented")
SHAPES = ((200, 40), (200, 200), (10, 200))
GROUP = {"plain": "float64", "augmented": "float64/augmented"}


def initial(book, run):
    """Draw the initial weights again, as torch lays them out."""
    weights = draws.he_uniform(book[f"{GROUP[run]}/state"], SHAPES, "float64")
    return [array for weight in weights for array in (weight, np.zeros(len(weight)))]


def of_book(book):
    taken = book.under("float64")
    return augmentation.Draws(*(taken[name] for name in augmentation.Draws._fields))


@pytest.fixture(scope="module")
def trained(reference):
    """Train from the book's initial weights, in its batch order, with its augmented data."""

    @functools.cache
    def train(run, every):
        book, data = reference("9_5"), load_mnist1d()
        if run == "augmented":
            data = augmentation.augment_data(data, of_book(book))
        seeds, settings = book[f"{GROUP[run]}/seeds"].tolist(), augmentation.BOOK
        recipe = mnist1d.make_recipe(settings, examples=len(data.x_train))
        recipe = training.Recipe(recipe.model, recipe.optimiser, evaluation=training.Evaluation(every=every))
        state = training.start(recipe, {"params": layout.deep_network(initial(book, run))})
        order = draws.batches(seeds, len(data.x_train), settings.batch)
        examples, test = mnist1d.split(data)
        return training.train(recipe, state, examples, test if every else None, order)

    return train


def test_copies(reference, agrees):
    book, data = reference("9_5"), load_mnist1d()
    more = augmentation.augment_data(data, of_book(book))
    assert more.x_train.shape == (8000, 40)
    agrees(more.x_train[-40::4], book["float64/copies"], kind="draws", quantity="changed copies")


def test_initial_weights(reference, agrees):
    """Drawn again from the state of torch's generator, they are those that the notebook started from."""
    book = reference("9_5")
    for ours, i in zip(initial(book, "plain"), range(6)):
        theirs = book[f"float64/first/{i}"]
        agrees(jnp.asarray(ours.ravel()[::97]), theirs, kind="draws", quantity=f"initial weights, array {i}")


@pytest.mark.parametrize("run", RUNS)
def test_losses(reference, agrees, trained, run):
    """The notebook measures no loss but those of its steps: their mean in each epoch."""
    _, history = trained(run, 0)
    theirs = reference("9_5")[f"{GROUP[run]}/mean_loss"]
    agrees(history.train.loss, theirs, kind="trajectory", quantity=f"mean loss of each of 50 epochs, {run}")


@pytest.mark.parametrize("run", RUNS)
def test_errors(reference, agrees, trained, run):
    book, (_, history) = reference("9_5").under(GROUP[run]), trained(run, 1)
    counts = {"train": 4000 if run == "plain" else 8000, "test": 1000}
    for part, count in counts.items():
        errors = getattr(history, part).error, book[f"{part}_error"]
        ours, theirs = (jnp.rint(error * count / 100).astype(int) for error in errors)
        agrees(ours, theirs, kind="trajectory", quantity=f"number of {part} errors, 50 epochs, {run}")


@pytest.mark.parametrize("run", RUNS)
def test_final_weights(reference, agrees, trained, run):
    book, (state, _) = reference("9_5").under(GROUP[run]), trained(run, 0)
    for layer, ((name, ours), _) in enumerate(zip(sorted(state.variables["params"].items()), SHAPES)):
        found = ours["kernel"].T.ravel()[::25], ours["bias"][::25]
        theirs = book[f"final/{2 * layer}"], book[f"final/{2 * layer + 1}"]
        agrees(found, theirs, kind="trajectory", quantity=f"final weights of {name}, {run}")


def test_learning_rate(reference):
    """The notebook's scheduler is never stepped, so the rate at the end is that of the beginning."""
    assert reference("9_5")["float64/rates"].tolist() == [augmentation.BOOK.rate]


@pytest.mark.parametrize("run", RUNS)
def test_distribution(reference, agrees, run):
    book = reference("9_5")
    group = "augmented/test_error" if run == "augmented" else "test_error"
    theirs = np.array(
        [book[name] for name in book if name.startswith("seed") and name.split("/", 1)[1] == group]
    )
    data = jax.tree.map(lambda a: a.astype("float32") if a.dtype == "float64" else a, load_mnist1d())
    if run == "augmented":
        data = augmentation.augment_data(data, augmentation.draw(jax.random.key(1), data))
    fits = mnist1d.train_seeds(jax.random.split(jax.random.key(0), len(theirs)), data, augmentation.BOOK)
    ours = fits.history.test.error[:, -1].astype(theirs.dtype)
    agrees(ours, theirs, kind="distribution", quantity=f"test error in percent, {len(theirs)} seeds, {run}")
