"""The harness that runs the notebooks, tried on small notebooks of our own."""

import json

import numpy as np
import pytest

from parity import notebooks
from parity.completions import Completion, Take

NUMPY, TORCH = "2.1", "8.1"


def notebook(*cells):
    return json.dumps({"cells": [{"cell_type": "code", "source": [cell]} for cell in cells]}).encode()


def run(completion, *cells, take=None):
    return notebooks.run(notebook(*cells), completion, take or Take())


def test_function_gap_is_filled_before_its_next_use():
    completion = Completion(NUMPY)

    @completion.gap(cell=0)
    def double(x):
        return factor * x

    @completion.record(cell=0)
    def result():
        return {"y": y}

    arrays, _ = run(completion, "factor = 2\ndef double(x):\n  return 0\ny = double(21)")
    assert arrays["y"] == 42


def test_assigned_gap_takes_our_value_also_in_a_loop():
    completion = Completion(NUMPY)

    @completion.gap(cell=0)
    def square():
        return i**2

    @completion.record(cell=0)
    def result():
        return {"total": total}

    arrays, _ = run(completion, "total = 0\nfor i in range(4):\n  square = 0\n  total += square")
    assert arrays["total"] == 0 + 1 + 4 + 9


def test_cell_can_be_replaced_and_shell_lines_are_dropped():
    completion = Completion(NUMPY)

    @completion.instead(cell=1)
    def load():
        global data
        data = [1, 2]

    @completion.record(cell=2)
    def result():
        return {"data": data}

    arrays, _ = run(completion, "%pip install nothing\n!ls", "import far_away", "data = data + [3]")
    assert arrays["data"].tolist() == [1, 2, 3]


def test_gap_that_the_cell_does_not_have_is_told():
    completion = Completion(NUMPY)

    @completion.gap(cell=0)
    def elsewhere():
        return 0

    with pytest.raises(notebooks.NotebookError, match="no gap named elsewhere"):
        run(completion, "x = 1")


def test_double_precision_reaches_torch_and_type_names():
    completion = Completion(TORCH)

    @completion.record(cell=0)
    def result():
        return {"x": x.numpy(), "y": y.numpy(), "z": z}

    cell = (
        "import torch, numpy as np\nx = torch.ones(2)\n"
        "def make():\n  return torch.ones(2, dtype=torch.float32)\n"
        "y = make()\nz = np.ones(2).astype('float32')"
    )
    double, _ = run(completion, cell, take=Take(dtype="float64"))
    single, _ = run(completion, cell)
    assert {a.dtype.name for a in double.values()} == {"float64"}
    assert {a.dtype.name for a in single.values()} == {"float32"}


def test_tap_hears_order_and_first_weights_and_makes_twins():
    completion = Completion(TORCH)

    @completion.record(cell=0)
    def result():
        return {"order": tap.order, "initial": tap.initial[0], "final": tap.weights()[0], "seen": seen}

    cell = (
        "import torch\nseen = []\nmodel = torch.nn.Linear(1, 1)\n"
        "data = torch.utils.data.TensorDataset(torch.arange(6.0)[:, None])\n"
        "loader = torch.utils.data.DataLoader(data, batch_size=2, shuffle=True)\n"
        "optimiser = torch.optim.SGD(model.parameters(), lr=0.0)\n"
        "for epoch in range(2):\n  for (x,) in loader:\n    seen.append(x[:, 0].tolist())"
    )
    arrays, _ = run(completion, cell)
    twin, _ = run(completion, cell, take=Take(twin=True))
    assert arrays["order"].shape == (2, 6)
    assert arrays["order"].ravel().tolist() == np.ravel(arrays["seen"]).tolist()
    assert arrays["initial"] == arrays["final"]
    assert twin["final"] == np.nextafter(arrays["initial"], np.float32(np.inf))


@pytest.mark.parametrize(
    ("line", "printed", "expected"),
    [
        ("Your Loss = 7.07, Ground truth =7.07", "7.07", "7.07"),
        ("Di=2, D=3, Number of regions = 7, True value = 7", "7", "7"),
        ("Correct answer = 0.119, Your answer = 0.119", "0.119", "0.119"),
    ],
)
def test_answers_are_found(line, printed, expected):
    (answer,) = notebooks.find_answers(3, line)
    assert answer == (3, printed, expected)
    assert notebooks.is_reproduced(answer)


def test_lines_without_an_expected_answer_have_none():
    assert notebooks.find_answers(0, "Epoch 3, train loss 0.5\nYour Loss = 7.07") == []


@pytest.mark.parametrize(
    ("printed", "expected", "same"),
    [("7.08", "7.07", False), ("7.1", "7.07", True), ("3.000e-05", "3.1e-05", False), ("8", "7", False)],
)
def test_answers_are_compared_to_the_coarser_decimals(printed, expected, same):
    assert notebooks.is_reproduced(notebooks.Answer(0, printed, expected)) is same


def test_checkout_without_the_commit_is_told(tmp_path):
    with pytest.raises(notebooks.NotebookError, match="must be a git clone of udlbook/udlbook"):
        notebooks.read_source(tmp_path, "Chap02/2_1_Supervised_Learning.ipynb")


def test_every_completed_notebook_is_recorded_from_the_pinned_commit():
    manifest = json.loads((notebooks.RECORDED / "manifest.json").read_text())
    assert manifest["book_commit"] == notebooks.BOOK_COMMIT
    assert list(manifest["notebooks"]) == notebooks.completed()
    assert {path.stem for path in notebooks.RECORDED.glob("*.npz")} == set(manifest["notebooks"])
