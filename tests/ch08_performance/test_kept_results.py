import numpy as np
import pytest

from udl_jax.ch08_performance.kept_results import KeptResults


def test_results_come_back_as_they_were(tmp_path):
    given = {"curve": np.linspace(0, 1, 7), "count": np.array(3), "flag": np.array(True)}
    KeptResults(tmp_path / "new" / "folder", "sweep", np.arange(3)).write("first", given)
    found = KeptResults(tmp_path / "new" / "folder", "sweep", np.arange(3)).read("first")
    assert set(found) == set(given)
    for name, array in given.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_what_is_not_there_is_none(tmp_path):
    assert KeptResults(tmp_path, "sweep").read("second") is None


@pytest.mark.parametrize(
    "decides",
    [
        ("other", np.arange(3)),
        ("sweep", np.arange(4)),
        ("sweep", np.arange(3.0)),
        ("sweep", np.arange(3)[None]),
    ],
)
def test_results_of_another_computation_are_refused(tmp_path, decides):
    KeptResults(tmp_path, "sweep", np.arange(3)).write("first", {"a": 1})
    with pytest.raises(ValueError, match="holds results of another computation"):
        KeptResults(tmp_path, *decides).read("first")


def test_a_process_killed_while_writing_leaves_nothing_that_is_read(tmp_path, monkeypatch):
    kept = KeptResults(tmp_path, "sweep")

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        kept.write("first", {"a": 1})
    assert kept.read("first") is None


def test_writing_again_replaces(tmp_path):
    kept = KeptResults(tmp_path, "sweep")
    kept.write("first", {"a": 1})
    kept.write("first", {"a": 2})
    assert kept.read("first")["a"] == 2
