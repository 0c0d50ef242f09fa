"""MNIST-1D: equal to the package that makes it, kept safely, and told when something is wrong."""

import hashlib
import os
import pathlib
import random
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mnist1d.data import get_dataset_args, make_dataset

from udl_jax.data import mnist1d
from udl_jax.data.mnist1d import load_mnist1d

SMALL = {"num_samples": 20}
"""Settings that are made in a few milliseconds: two signals for each digit."""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    directory = tmp_path / "cache"
    monkeypatch.setenv("UDL_JAX_CACHE", str(directory))
    return directory


@pytest.fixture
def no_generator(monkeypatch):
    """Return a function after whose call nothing can be generated any more."""

    def generate(_):
        raise AssertionError("the data were generated, not read from the cache")

    return lambda: monkeypatch.setattr("mnist1d.data.make_dataset", generate)


def from_package(**settings):
    """Return what the package itself makes, with the global random states kept."""
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    arguments = get_dataset_args()
    vars(arguments).update(settings)
    made = make_dataset(arguments)
    np.random.set_state(numpy_state)  # noqa: NPY002
    random.setstate(python_state)
    return made["x"], made["y"], made["x_test"], made["y_test"]


def only_file(directory):
    (file,) = directory.iterdir()
    return file


def assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, np.asarray(other, one.dtype))


# The data


def test_default_is_the_book_s_data_set():
    data = load_mnist1d()
    assert [array.shape for array in data] == [(4000, 40), (4000,), (1000, 40), (1000,)]
    assert_same(data, from_package())


@pytest.mark.parametrize(
    "settings",
    [
        {"num_samples": 100, "train_split": 0.5, "corr_noise_scale": 0.25, "iid_noise_scale": 0.02},
        {"template_len": 20, "padding": (5, 9), "max_translation": 3, "final_seq_length": 17},
        {"scale_coeff": 0.9, "shear_scale": 0.0, "seed": 7},
        {"shuffle_seq": True},
    ],
)
def test_every_argument_reaches_the_generator(settings):
    settings = SMALL | settings
    assert_same(load_mnist1d(**settings), from_package(**settings))


def test_signals_are_standardised_over_both_sets_together():
    with jax.enable_x64(True):
        data = load_mnist1d(num_samples=200)
        signals = np.concatenate([data.x_train, data.x_test])
    assert abs(signals.mean()) < 1e-12
    assert abs(signals.std() - 1) < 1e-12


def test_digits_come_equally_often():
    data = load_mnist1d(num_samples=70)
    labels = jnp.concatenate([data.y_train, data.y_test])
    assert jnp.bincount(labels, length=10).tolist() == [7] * 10


def test_what_exceeds_a_multiple_of_ten_is_dropped():
    data = load_mnist1d(num_samples=29, train_split=0.7)
    assert (len(data.y_train), len(data.y_test)) == (14, 6)


def test_dtypes_are_the_default_ones():
    data = load_mnist1d(**SMALL)
    assert all(isinstance(array, jax.Array) for array in data)
    assert data.x_train.dtype == data.x_test.dtype == jnp.zeros(()).dtype
    assert data.y_train.dtype == data.y_test.dtype == jnp.arange(1).dtype


def test_cache_filled_in_single_precision_serves_double(no_generator):
    with jax.enable_x64(False):
        assert load_mnist1d(**SMALL).x_train.dtype == jnp.float32
    no_generator()
    with jax.enable_x64(True):
        data = load_mnist1d(**SMALL)
    assert data.x_train.dtype == jnp.float64
    assert_same(data, from_package(**SMALL))


def test_seeds_differ():
    assert (load_mnist1d(**SMALL).x_train != load_mnist1d(**SMALL, seed=43).x_train).any()


# The global random states


@pytest.mark.parametrize("cached", [False, True])
def test_global_random_states_are_left_as_found(cached):
    if cached:
        load_mnist1d(**SMALL)
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    expected = np.random.rand(), random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    load_mnist1d(**SMALL)
    assert (np.random.rand(), random.random()) == expected  # noqa: NPY002


def test_global_random_states_survive_a_generator_that_fails(monkeypatch):
    def fail(arguments):
        np.random.seed(arguments.seed)  # noqa: NPY002
        random.seed(arguments.seed)
        raise MemoryError

    monkeypatch.setattr("mnist1d.data.make_dataset", fail)
    before = np.random.get_state(legacy=False)["state"]["key"], random.getstate()  # noqa: NPY002
    with pytest.raises(MemoryError):
        load_mnist1d(**SMALL)
    np.testing.assert_array_equal(np.random.get_state(legacy=False)["state"]["key"], before[0])  # noqa: NPY002
    assert random.getstate() == before[1]


# The cache


def test_second_call_reads_the_cache(no_generator, cache):
    first = load_mnist1d(**SMALL)
    file = only_file(cache)
    written = file.stat().st_mtime_ns
    no_generator()
    assert_same(load_mnist1d(**SMALL), first)
    assert file.stat().st_mtime_ns == written


def test_cache_holds_plain_arrays_in_double_precision(cache):
    load_mnist1d(**SMALL)
    with np.load(only_file(cache), allow_pickle=False) as archive:
        assert archive["x_train"].dtype == np.float64
        assert_same([archive[name] for name in mnist1d.Mnist1d._fields], from_package(**SMALL))


def test_each_setting_has_a_file_of_its_own(cache):
    changes = {
        "train_split": 0.5,
        "template_len": 13,
        "padding": (36, 61),
        "scale_coeff": 0.5,
        "max_translation": 47,
        "corr_noise_scale": 0.3,
        "iid_noise_scale": 0.03,
        "shear_scale": 0.7,
        "shuffle_seq": True,
        "final_seq_length": 41,
        "seed": 43,
        "num_samples": 30,
    }
    load_mnist1d(**SMALL)
    for name, value in changes.items():
        load_mnist1d(**SMALL | {name: value})
    assert len(list(cache.iterdir())) == 1 + len(changes)


def test_the_package_s_version_has_a_part_in_the_file_s_name(cache, monkeypatch):
    load_mnist1d(**SMALL)
    monkeypatch.setattr("importlib.metadata.version", lambda _: "99")
    load_mnist1d(**SMALL)
    assert len(list(cache.iterdir())) == 2


def test_equal_settings_share_a_file(cache):
    load_mnist1d(**SMALL, padding=(36, 60), seed=42)
    load_mnist1d(**SMALL, padding=[36, 60])
    assert only_file(cache)


def heals(file, no_generator):
    """Assert that the damaged ``file`` is told by name, and that the one put in its place is sound."""
    with pytest.warns(RuntimeWarning, match="cannot be used and is made anew") as told:
        data = load_mnist1d(**SMALL)
    assert str(file) in str(told[0].message)
    assert_same(data, from_package(**SMALL))
    no_generator()
    assert_same(load_mnist1d(**SMALL), data)
    assert only_file(file.parent) == file


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, -1])
def test_truncated_file_is_told_and_healed(kept, cache, no_generator):
    load_mnist1d(**SMALL)
    file = only_file(cache)
    content = file.read_bytes()
    file.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    heals(file, no_generator)


@pytest.mark.parametrize(
    "content", [b"not an archive", b"\x80\x04N.", b"\x93NUMPY", b"PK\x03\x04" + bytes(200)]
)
def test_foreign_content_is_told_and_healed(content, cache, no_generator):
    load_mnist1d(**SMALL)
    file = only_file(cache)
    file.write_bytes(content)
    heals(file, no_generator)


def without(arrays, name):
    return {key: array for key, array in arrays.items() if key != name}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda arrays: without(arrays, "y_test"),
        lambda arrays: without(arrays, "description"),
        lambda arrays: arrays | {"x_train": arrays["x_train"][:-1]},
        lambda arrays: arrays | {"x_train": arrays["x_train"].astype(np.float32)},
        lambda arrays: arrays | {"description": np.array("something else")},
        lambda arrays: arrays | {"y_train": arrays["y_train"].astype(object)},
    ],
    ids=["array missing", "description missing", "shape", "dtype", "description", "pickle"],
)
def test_sound_archive_of_something_else_is_told_and_healed(spoil, cache, no_generator):
    load_mnist1d(**SMALL)
    file = only_file(cache)
    with np.load(file) as archive:
        arrays = dict(archive)
    np.savez(file, **spoil(arrays))
    heals(file, no_generator)


def test_file_of_other_settings_is_told_and_healed(cache, no_generator):
    load_mnist1d(**SMALL, seed=1)
    other = only_file(cache)
    load_mnist1d(**SMALL)
    (file,) = set(cache.iterdir()) - {other}
    other.replace(file)
    heals(file, no_generator)


@pytest.mark.filterwarnings("ignore:the cached data set:RuntimeWarning")
def test_no_flipped_byte_reaches_the_data(cache):
    expected = load_mnist1d(**SMALL)
    file = only_file(cache)
    content = file.read_bytes()
    for position in range(0, len(content), len(content) // 60):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        file.write_bytes(damaged)
        assert_same(load_mnist1d(**SMALL), expected)


def test_flipped_byte_within_the_signals_is_told_and_healed(cache, no_generator):
    load_mnist1d(**SMALL)
    file = only_file(cache)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    heals(file, no_generator)


def test_directory_that_cannot_be_made_is_told_and_does_not_prevent_use(tmp_path, monkeypatch):
    obstacle = tmp_path / "file"
    obstacle.touch()
    monkeypatch.setenv("UDL_JAX_CACHE", str(obstacle / "cache"))
    with pytest.warns(RuntimeWarning, match="cannot be kept") as told:
        data = load_mnist1d(**SMALL)
    assert str(obstacle) in str(told[0].message)
    assert len(told) == 1
    assert_same(data, from_package(**SMALL))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser writes everywhere")
def test_read_only_directory_is_told_and_does_not_prevent_use(cache):
    cache.mkdir()
    cache.chmod(0o500)
    with pytest.warns(RuntimeWarning, match="cannot be kept"):
        data = load_mnist1d(**SMALL)
    assert_same(data, from_package(**SMALL))


def test_disk_that_fills_up_leaves_nothing_behind(cache, monkeypatch):
    def fill_up(stream, **_):
        stream.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fill_up)
    with pytest.warns(RuntimeWarning, match="No space left on device"):
        data = load_mnist1d(**SMALL)
    assert_same(data, from_package(**SMALL))
    assert list(cache.iterdir()) == []


def test_cache_directory_is_the_user_s_unless_the_environment_names_one(tmp_path, monkeypatch):
    assert mnist1d.cache_directory() == tmp_path / "cache"
    monkeypatch.setenv("UDL_JAX_CACHE", "~/somewhere")
    assert mnist1d.cache_directory() == pathlib.Path.home() / "somewhere"
    monkeypatch.setenv("UDL_JAX_CACHE", "")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / name))
    assert mnist1d.cache_directory() == tmp_path / "udl_jax"


# Other processes


def python(program):
    """Start ``program`` in a process of its own, with a pipe to its input and one from its output."""
    return subprocess.Popen(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", program],
        cwd=pathlib.Path(mnist1d.__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_fill_the_cache_at_once(cache):
    program = """
import hashlib, sys
import mnist1d
from udl_jax.data.mnist1d import load_mnist1d

print("ready", flush=True)
sys.stdin.readline()
digest = hashlib.sha256()
for seed in range(20):
    for array in load_mnist1d(num_samples=20, seed=seed):
        digest.update(array.tobytes())
print(digest.hexdigest())
"""
    processes = [python(program) for _ in range(2)]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs

    digest = hashlib.sha256()
    for seed in range(20):
        for array in load_mnist1d(**SMALL, seed=seed):
            digest.update(array.tobytes())
    assert [output for output, _ in outputs] == [f"{digest.hexdigest()}\n"] * 2
    assert sorted(file.suffix for file in cache.iterdir()) == [".npz"] * 20


def test_reading_the_cache_imports_no_generator_and_prints_nothing(capfd):
    load_mnist1d(**SMALL)
    assert capfd.readouterr() == ("", "")
    program = """
import sys
from udl_jax.data.mnist1d import load_mnist1d

load_mnist1d(num_samples=20)
sys.exit("mnist1d" in sys.modules)
"""
    process = python(program)
    assert process.communicate() == ("", "")
    assert process.returncode == 0


# Bad arguments


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_samples": 9}, "num_samples must be an integer not below 10, got 9"),
        ({"num_samples": -20}, "num_samples must be an integer not below 10, got -20"),
        ({"template_len": 1}, "template_len must be an integer not below 2, got 1"),
        ({"max_translation": 0}, "max_translation must be an integer not below 1, got 0"),
        ({"final_seq_length": 0}, "final_seq_length must be an integer not below 1, got 0"),
        ({"seed": -1}, "seed must be an integer in .*, got -1"),
        ({"seed": 2**32}, "seed must be an integer in .*, got 4294967296"),
        ({"scale_coeff": -0.1}, "scale_coeff must be a finite number not below 0, got -0.1"),
        ({"corr_noise_scale": -0.1}, "corr_noise_scale must be a finite number not below 0, got -0.1"),
        ({"iid_noise_scale": float("nan")}, "iid_noise_scale must be a finite number not below 0, got nan"),
        ({"shear_scale": float("inf")}, "shear_scale must be a finite number not below 0, got inf"),
        ({"train_split": 0.0}, "train_split must lie strictly between 0 and 1, got 0.0"),
        ({"train_split": 1.0}, "train_split must lie strictly between 0 and 1, got 1.0"),
        ({"train_split": float("nan")}, "train_split must lie strictly between 0 and 1, got nan"),
        ({"train_split": 0.01}, r"train_split=0.01 parts num_samples=20 into \(0, 20\)"),
        ({"padding": (60, 36)}, r"padding must be two integers .*, got \(60, 36\)"),
        ({"padding": (-1, 36)}, r"padding must be two integers .*, got \(-1, 36\)"),
        ({"padding": [36]}, r"padding must be two integers .*, got \[36\]"),
    ],
)
def test_bad_values_are_told_before_anything_is_made(settings, message, cache, no_generator):
    no_generator()
    with pytest.raises(ValueError, match=message):
        load_mnist1d(**SMALL | settings)
    assert not cache.exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"num_samples": 20.0},
        {"seed": "42"},
        {"train_split": "half"},
        {"shuffle_seq": "no"},
        {"padding": (36.0, 60)},
    ],
)
def test_bad_types_are_told(settings, no_generator):
    no_generator()
    (name,) = settings
    with pytest.raises((TypeError, ValueError), match=name):
        load_mnist1d(**SMALL | settings)


def test_unknown_arguments_are_told():
    with pytest.raises(TypeError, match="samples"):
        load_mnist1d(samples=20)


@pytest.mark.parametrize(
    "name", ["num_samples", "template_len", "max_translation", "final_seq_length", "seed"]
)
def test_true_is_no_integer(name):
    with pytest.raises(ValueError, match=f"{name} must be an integer"):
        load_mnist1d(**{name: True})
