"""Notebook 8.2: the trade-off between bias and variance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch08_performance import bias_variance as trade_off
from udl_jax.ch08_performance import simplified_network as network


def draw_like_the_book(random, sets, examples):
    """Draw as the notebook does: for each data set, first where the inputs lie, then the noise of all outputs."""
    draws = [(random.random_sample(examples), random.standard_normal(examples)) for _ in range(sets)]
    return tuple(np.array(draws).transpose(1, 0, 2))


@pytest.fixture
def x_model(reference):
    return reference("8_2")["x_model"]


def test_one_fit(reference, agrees, x_model):
    book = reference("8_2")
    draws = draw_like_the_book(np.random.RandomState(1), 1, 15)
    data = jax.tree.map(lambda part: part[0], network.make_data(*draws, 0.3))
    agrees(data, network.Data(book["x_data"], book["y_data"]), kind="draws", quantity="15 training pairs")
    phi = network.fit(*data, hidden=3)
    agrees(phi, book["phi"], kind="draws", quantity="parameters of three units")
    agrees(network.predict(phi, x_model), book["y_model"], kind="draws", quantity="fitted function")
    agrees(network.true_function(x_model), book["y_func"], kind="value", quantity="true function")


def test_fewer_examples_than_parameters(reference, agrees):
    book = reference("8_2")
    phi = network.fit(book["x_data"][::3], book["y_data"][::3], hidden=9)
    agrees(phi, book["phi_of_few"], kind="draws", quantity="parameters, 9 units and 5 examples")


@pytest.mark.parametrize("name", ["five", "elsewhere_a", "elsewhere_b", "elsewhere_c"])
def test_mean_and_deviation(reference, agrees, x_model, name):
    book = reference("8_2").under(name)
    seed, *counts, noise = book["settings"].tolist() if "settings" in book else (1, 15, 100, 5, 0.3)
    examples, sets, hidden = map(int, counts)
    draws = draw_like_the_book(np.random.RandomState(int(seed)), sets, examples)
    data = network.make_data(*draws, noise)
    agrees(jnp.stack(data)[:, -1], book["last"], kind="draws", quantity=f"last data set, {name}")
    fits = trade_off.refit(data, x_model, hidden)
    agrees(fits.mean(0), book["mean"], kind="draws", quantity=f"mean model, {name}")
    agrees(fits.std(0), book["deviation"], kind="draws", quantity=f"deviation, {name}")


def test_capacities(reference, agrees, x_model):
    book = reference("8_2")
    random = np.random.RandomState(1)
    draws = zip(*(draw_like_the_book(random, 100, 15) for _ in range(12)))
    data = network.make_data(*map(np.array, draws), 0.3)
    lasts = jnp.stack([data.x[:, -1], data.y[:, -1]], axis=1)
    agrees(lasts, book["sweep/lasts"], kind="draws", quantity="last data set of each capacity")
    fits = jax.jit(trade_off.sweep, static_argnums=2)(data, x_model, tuple(range(1, 13)))
    parts = trade_off.decompose(fits, book["y_func"])
    agrees(parts.variance, book["sweep/variance"], kind="draws", quantity="variance, 1 to 12 units")
    agrees(parts.bias, book["sweep/bias"], kind="draws", quantity="bias, 1 to 12 units")


def test_notebook_s_axis_stops_at_five(reference):
    """A slip of the notebook, which the page shows: n_hidden is set to 5 between the sweep's length and its plot."""
    assert reference("8_2")["sweep/axis"].tolist() == [0, 5]
