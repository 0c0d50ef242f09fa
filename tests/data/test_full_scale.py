import numpy as np
import pytest

from udl_jax.ch08_performance import double_descent
from udl_jax.ch19_reinforcement import cart_pole, deep_q
from udl_jax.data.full_scale import load_full_scale


def test_double_descent_is_there_with_where_it_comes_from():
    found = load_full_scale("double_descent")
    assert found["widths"].tolist() == list(double_descent.WIDTHS)
    assert found["parameters"].tolist() == [double_descent.count_parameters(w) for w in double_descent.WIDTHS]
    assert found["epochs"].tolist() == list(range(100, 1001, 100))
    for part in ("train", "test"):
        error, loss = found[f"{part}_error"], found[f"{part}_loss"]
        assert error.shape == loss.shape == (3, 28, 10)
        assert np.isfinite(loss).all()
        assert 0 <= error.min() < error.max() <= 100
    assert {"jax", "python"} <= set(found["provenance"]["versions"])


def test_cart_pole_is_there_with_where_it_comes_from():
    found = load_full_scale("cart_pole")
    assert found["greedy_lengths"].shape == (10, 100)
    assert found["training_lengths"].shape == (10, len(found["moves"]))
    assert found["moves"][-1] == deep_q.BALANCE.steps * deep_q.BALANCE.environments
    assert 0 < found["greedy_lengths"].min() <= found["greedy_lengths"].max() <= cart_pole.LIMIT
    assert found["greedy_lengths"].mean() >= 400
    assert {"jax", "python"} <= set(found["provenance"]["versions"])


def test_unknown_names_are_told_the_known_ones():
    with pytest.raises(ValueError, match=r"name must be one of .*'double_descent'.*, got 'tripple_descent'"):
        load_full_scale("tripple_descent")
