import dataclasses
import signal
import subprocess
import sys
import textwrap

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training.counting import compilations
from udl_jax import training
from udl_jax.ch08_performance import double_descent as descent
from udl_jax.ch08_performance import mnist1d

KEY = jax.random.key(0)
SHORT = descent.Settings(widths=(5, 3, 8), epochs=4, every=2, batch=50)


@pytest.fixture(scope="module")
def data():
    return descent.load_data(jax.random.key(1), examples=400)


@pytest.fixture(scope="module")
def curves(data):
    return descent.sweep(KEY, data, SHORT, progress=False)


def assert_equal_trees(ours, theirs):
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


def test_the_book_s_settings():
    assert len(descent.WIDTHS) == 28
    assert descent.BOOK.of(100) == mnist1d.Settings(
        hidden=(100, 100), rate=0.01, epochs=1000, decay_every=1000
    )


@pytest.mark.parametrize("width", [1, 7, 60])
def test_parameters_are_counted_as_flax_has_them(width):
    model = mnist1d.make_recipe(descent.BOOK.of(width)).model
    shapes = jax.eval_shape(model.init, KEY, jnp.zeros((1, 40)))
    assert descent.count_parameters(width) == sum(leaf.size for leaf in jax.tree.leaves(shapes))


def test_labels_are_replaced_where_coins_say_so():
    labels = jnp.arange(10)
    coins = jnp.where(labels % 2 == 0, 0.1, 0.9)
    noisy = descent.noisy_labels(labels, coins, jnp.full(10, 0.35), rate=0.5)
    np.testing.assert_array_equal(noisy, jnp.where(labels % 2 == 0, 3, labels))
    np.testing.assert_array_equal(descent.noisy_labels(labels, coins, coins, rate=0.0), labels)


def test_nine_tenths_of_the_replaced_labels_are_wrong():
    noisy, clean = (descent.load_data(KEY, noise).y_train for noise in (0.15, 0.0))
    assert len(clean) == 4000
    assert abs(jnp.mean(noisy != clean) - 0.9 * 0.15) < 0.02
    assert 0 <= noisy.min() < noisy.max() <= 9


def test_labels_keep_their_dtype_and_every_label_can_come():
    digits = jnp.linspace(0, 1, 1000, endpoint=False)
    noisy = descent.noisy_labels(jnp.zeros(1000, jnp.int32), jnp.zeros(1000), digits, rate=1.0, classes=7)
    assert noisy.dtype == jnp.int32
    np.testing.assert_array_equal(jnp.bincount(noisy) > 0, [True] * 7)


def test_curves_stand_in_the_order_of_the_widths(data, curves):
    assert curves.widths.tolist() == [5, 3, 8]
    assert curves.train.error.shape == curves.test.loss.shape == (3, 2)
    for row, width in enumerate(curves.widths):
        alone = descent.train_width(KEY, data, int(width), SHORT).history
        assert_equal_trees(
            (curves.train.loss[row], curves.test.error[row]), (alone.train.loss, alone.test.error)
        )
    assert not curves.diverged.any()


def test_one_training_is_that_of_the_engine_without_a_schedule(data):
    """The rate stays, and evaluation changes nothing."""
    fit = descent.train_width(KEY, data, 5, SHORT)
    key = jax.random.fold_in(KEY, 5)
    recipe = mnist1d.make_recipe(
        mnist1d.Settings(hidden=(5, 5), rate=0.01, decay=1.0, batch=50, epochs=4), examples=200
    )
    state = training.start(recipe, mnist1d.draw_variables(key, data, SHORT.of(5)))
    order = training.draw_order(key, 200, 4, 50)
    state, history = training.train(recipe, state, *mnist1d.split(data), order)
    np.testing.assert_allclose(fit.history.train.loss, history.train.loss[1::2], rtol=1e-5)


def test_number_of_threads_and_other_widths_do_not_matter(data, curves):
    one = descent.sweep(KEY, data, dataclasses.replace(SHORT, widths=(3,)), threads=1, progress=False)
    assert_equal_trees(one.train, jax.tree.map(lambda leaf: leaf[1:2], curves.train))


def test_double_precision_reaches_the_threads(data):
    with jax.enable_x64(True):
        doubled = jax.tree.map(lambda a: a.astype("float64") if a.dtype == "float32" else a, data)
        found = descent.sweep(KEY, doubled, dataclasses.replace(SHORT, widths=(2, 3)), progress=False)
    assert found.train.loss.dtype == np.float64


def test_second_sweep_compiles_nothing(data, curves):
    other = jax.random.key(7)
    with compilations() as compiled:
        descent.sweep(other, data, SHORT, progress=False)
    assert compiled == []


def test_killed_sweep_goes_on_to_the_identical_curves(tmp_path, data, curves):
    """A process is killed by a signal that it cannot catch, as soon as it has finished a width."""
    program = f"""
        import os, signal
        import jax
        from udl_jax.ch08_performance import double_descent as descent, kept_results
        write = kept_results.KeptResults.write
        def write_and_die(self, *arguments):
            write(self, *arguments)
            os.kill(os.getpid(), signal.SIGKILL)
        kept_results.KeptResults.write = write_and_die
        data = descent.load_data(jax.random.key(1), examples=400)
        settings = descent.Settings(widths=(5, 3, 8), epochs=4, every=2, batch=50)
        descent.sweep(jax.random.key(0), data, settings, directory={str(tmp_path)!r}, progress=False)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False)
    assert ended.returncode == -signal.SIGKILL
    finished = list(tmp_path.glob("width_*.npz"))
    assert 1 <= len(finished) <= 2
    times = {path: path.stat().st_mtime_ns for path in finished}
    resumed = descent.sweep(KEY, data, SHORT, directory=tmp_path, progress=False)
    assert_equal_trees(resumed, curves)
    assert times == {path: path.stat().st_mtime_ns for path in finished}
    assert len(list(tmp_path.glob("width_*.npz"))) == 3


def test_results_of_another_sweep_are_refused_and_other_widths_are_not(tmp_path, data):
    narrow = dataclasses.replace(SHORT, widths=(2,))
    descent.sweep(KEY, data, narrow, directory=tmp_path, progress=False)
    for key, settings in ((jax.random.key(9), narrow), (KEY, dataclasses.replace(narrow, rate=0.02))):
        with pytest.raises(ValueError, match="results of another computation"):
            descent.sweep(key, data, settings, directory=tmp_path, progress=False)
    both = descent.sweep(
        KEY, data, dataclasses.replace(SHORT, widths=(2, 3)), directory=tmp_path, progress=False
    )
    assert both.widths.tolist() == [2, 3]


def test_training_that_diverges_is_marked(data):
    wild = dataclasses.replace(SHORT, widths=(6,), rate=1e30)
    assert descent.sweep(KEY, data, wild, progress=False).diverged.all()


def test_batches_that_do_not_divide(data):
    uneven = dataclasses.replace(SHORT, widths=(2,), batch=70)
    with pytest.raises(ValueError, match="a batch of 70 does not divide 200 examples"):
        descent.sweep(KEY, data, uneven, progress=False)
    found = descent.sweep(KEY, data, dataclasses.replace(uneven, remainder="wrap"), progress=False)
    assert np.isfinite(found.test.loss).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": ()}, "widths must have 1 entry"),
        ({"widths": (3, 0)}, r"widths\[1\] must be at least 1, got 0"),
        ({"widths": (3, 3)}, "widths must all be different"),
        ({"epochs": 10, "every": 3}, "every must divide the 10 epochs, got 3"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"rate": 0.0}, "rate must be positive"),
    ],
)
def test_impossible_settings_are_told(settings, message):
    with pytest.raises(ValueError, match=message):
        descent.Settings(**settings)


def test_bad_arguments_are_told(data):
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        descent.sweep(KEY, data, SHORT, threads=0)
    with pytest.raises(ValueError, match=r"rate must be at most 1, got 1\.5"):
        descent.noisy_labels(np.zeros(2, int), np.zeros(2), np.zeros(2), rate=1.5)
    with pytest.raises(ValueError, match=r"coins must have the shape \(examples\), where examples is 2"):
        descent.noisy_labels(np.zeros(2, int), np.zeros(3), np.zeros(2))
    with pytest.raises(TypeError, match="sweep cannot run under jit"):
        jax.jit(lambda key: descent.sweep(key, data, SHORT).test.error)(KEY)
