import dataclasses
import os
import subprocess
import sys

import jax
import numpy as np
import optax
import pytest

from tests.training.counting import compilations
from udl_jax import training
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork
from udl_jax.training import chunks

RECIPE = training.Recipe(DeepNetwork((8, 2)), optax.adam(0.01))
ORDER = training.draw_order(jax.random.key(1), examples=30, epochs=6, batch=10)


@pytest.fixture
def arguments():
    x = jax.random.normal(jax.random.key(0), (30, 3))
    data = training.Examples(x, (x[:, 0] > 0).astype(int))
    state = training.start(RECIPE, RECIPE.model.init(jax.random.key(2), x))
    return RECIPE, state, data, data, ORDER


def assert_same(ours, theirs):
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


@pytest.mark.parametrize("chunk", [1, 4, 6, 100])
def test_chunks_give_the_identical_result(arguments, chunk):
    assert_same(training.train_in_chunks(*arguments, chunk=chunk, progress=False), training.train(*arguments))


def test_killed_training_resumes_to_the_identical_result(arguments, tmp_path, monkeypatch):
    work, calls = chunks.train_epochs, []

    def die_at_the_third(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return work(*args)

    monkeypatch.setattr(chunks, "train_epochs", die_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        training.train_in_chunks(*arguments, chunk=2, directory=tmp_path, progress=False)

    resumed = []
    monkeypatch.setattr(chunks, "train_epochs", lambda *args: resumed.append(len(args[5])) or work(*args))
    result = training.train_in_chunks(*arguments, chunk=2, directory=tmp_path, progress=False)
    assert len(resumed) == 2  # one to tell the shapes of what was saved, one for the missing two epochs
    assert_same(result, training.train(*arguments))


def test_finished_training_is_read_back(arguments, tmp_path):
    first = training.train_in_chunks(*arguments, chunk=3, directory=tmp_path, progress=False)
    again = training.train_in_chunks(*arguments, chunk=3, directory=tmp_path, progress=False)
    assert_same(first, again)


def test_directory_of_another_training_is_told(arguments, tmp_path):
    training.train_in_chunks(*arguments, chunk=3, directory=tmp_path, progress=False)
    *others, order = arguments
    with pytest.raises(ValueError, match="holds the checkpoints of another training"):
        training.train_in_chunks(*others, order[:, ::-1], chunk=3, directory=tmp_path, progress=False)


def test_bar_shows_epochs_and_loss(arguments, capsys):
    _, history = training.train_in_chunks(*arguments, chunk=3)
    shown = capsys.readouterr().err
    assert "6/6" in shown
    assert f"loss={float(history.train.loss[-1]):.4g}" in shown


def test_chunk_must_be_positive(arguments):
    with pytest.raises(ValueError, match="chunk must be at least 1, got 0"):
        training.train_in_chunks(*arguments, chunk=0)


def test_home_folder_is_expanded(arguments, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    training.train_in_chunks(*arguments, chunk=3, directory="~/run", progress=False)
    assert (tmp_path / "run" / "checkpoints").is_dir()


@pytest.mark.parametrize(
    "change",
    [
        {"optimiser": optax.adam(0.02)},
        {"optimiser": optax.adam(optax.piecewise_constant_schedule(0.01, {3: 0.5}))},
        {"loss": lambda outputs, labels: 2 * training.cross_entropy(outputs, labels)},
        {"error": None},
        {"error": lambda outputs, labels: training.percent_wrong(outputs, labels) / 100},
        {"evaluation": training.Evaluation(every=3)},
        {"objective": training.supervised(lambda o, y: training.cross_entropy(3 * o, y))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_recipe_does_not_resume(arguments, tmp_path, change):
    recipe, state, *others = arguments
    training.train_in_chunks(recipe, state, *others, chunk=3, directory=tmp_path, progress=False)
    other = dataclasses.replace(recipe, **change)
    test = None if "objective" in change else others[1]
    start = training.start(other, state.variables)
    with pytest.raises(ValueError, match="holds the checkpoints of another training"):
        training.train_in_chunks(
            other, start, others[0], test, ORDER, chunk=3, directory=tmp_path, progress=False
        )


def test_order_of_another_shape_does_not_resume(arguments, tmp_path):
    *others, order = arguments
    training.train_in_chunks(*others, order, chunk=3, directory=tmp_path, progress=False)
    with pytest.raises(ValueError, match="holds the checkpoints of another training"):
        training.train_in_chunks(
            *others, order.reshape(6, 1, 30), chunk=3, directory=tmp_path, progress=False
        )


def test_fingerprint_is_the_same_in_another_process(arguments, tmp_path):
    """Resuming happens in a new process, where Python's own hashes and addresses differ."""
    script = (
        "import jax, optax; from udl_jax import training\n"
        "from udl_jax.ch04_deep_networks.deep_network import DeepNetwork\n"
        "from udl_jax.training.programs import scan_epochs\n"
        "from udl_jax.training.checkpoints import fingerprint_of\n"
        "recipe = training.Recipe(DeepNetwork((8, 2)), optax.adam(0.01))\n"
        "x = jax.random.normal(jax.random.key(0), (30, 3))\n"
        "data = training.Examples(x, (x[:, 0] > 0).astype(int))\n"
        "state = training.start(recipe, recipe.model.init(jax.random.key(2), x))\n"
        "order = training.draw_order(jax.random.key(1), examples=30, epochs=6, batch=10)\n"
        "arrays = state, data, data, order, None\n"
        "print(fingerprint_of(scan_epochs.lower(recipe, False, *arrays).as_text(), *arrays))"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", script],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in "12"
    }
    assert len(prints) == 1


def test_chunk_must_suit_the_evaluation(arguments):
    recipe, *others = arguments
    recipe = dataclasses.replace(recipe, evaluation=training.Evaluation(every=2))
    with pytest.raises(
        ValueError, match="chunk must be a multiple of the 2 epochs between evaluations, got 3"
    ):
        training.train_in_chunks(recipe, *others, chunk=3, progress=False)
    training.train_in_chunks(recipe, *others, chunk=4, progress=False)


def test_directory_under_jit_is_told(arguments, tmp_path):
    recipe, state, *others = arguments
    with pytest.raises(TypeError, match="must have values: call this outside jit and vmap"):
        jax.jit(lambda state: training.train_in_chunks(recipe, state, *others, directory=tmp_path))(state)


def test_second_training_compiles_nothing(arguments):
    *others, order = arguments
    turned = order[:, ::-1]
    training.train_in_chunks(*others, order, chunk=2, progress=False)
    with compilations() as compiled:
        training.train_in_chunks(*others, turned, chunk=2, progress=False)
    assert compiled == []
