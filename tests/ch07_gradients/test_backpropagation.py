import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch04_deep_networks.deep_network import DeepNetwork, Layer, to_flax
from udl_jax.ch07_gradients import backpropagation as bp
from udl_jax.ch07_gradients.finite_differences import finite_differences

BOOK = (1, 6, 6, 6, 6, 6, 1)


def problem(widths=(2, 5, 3), batch=4):
    """Draw layers, inputs and targets (with NumPy, which need not compile first)."""
    normal = np.random.default_rng(0).normal
    pairs = itertools.pairwise(widths)
    layers = tuple(Layer(jnp.array(normal(size=b)), jnp.array(normal(size=(b, a)))) for a, b in pairs)
    return layers, jnp.array(normal(size=(batch, widths[0]))), jnp.array(normal(size=(batch, widths[-1])))


forward_pass = jax.jit(bp.forward_pass)
derive = jax.jit(bp.derivatives_by_hand)


def assert_trees_agree(ours, theirs, **tolerances):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerances), ours, theirs)


@pytest.mark.parametrize(("widths", "batch"), [(BOOK, 1), ((3, 2), 4), ((2, 5, 3, 4), 3)])
def test_by_hand_is_by_grad(widths, batch):
    with jax.enable_x64(True):
        layers, x, y = problem(widths, batch)
        ours, theirs = derive(layers, x, y), jax.jit(bp.automatic_derivatives)(layers, x, y)
        assert_trees_agree(ours, theirs, rtol=1e-12, atol=1e-12)


def test_by_hand_is_near_finite_differences():
    with jax.enable_x64(True):
        layers, x, y = problem(BOOK, 3)
        loss = functools.partial(bp.least_squares_loss, x=x, y=y)
        estimate = jax.jit(lambda layers: finite_differences(loss, layers, 1e-6, central=True))(layers)
        assert_trees_agree(derive(layers, x, y).dl_dlayers, estimate, rtol=1e-5, atol=1e-4)


def test_flax_model_has_the_same_gradient():
    layers, x, y = problem()
    network = DeepNetwork((5, 3))
    loss = lambda variables: jnp.sum((network.apply(variables, x) - y) ** 2)  # noqa: E731
    theirs = jax.jit(jax.grad(loss))(to_flax(layers))
    assert_trees_agree(to_flax(derive(layers, x, y).dl_dlayers), theirs, rtol=1e-4, atol=1e-4)


def test_parameters_gather_the_derivatives_of_all_examples():
    layers, x, y = problem()
    one_by_one = jax.jit(jax.vmap(lambda a, b: derive(layers, a[None], b[None]).dl_dlayers))(x, y)
    summed = jax.tree.map(lambda a: a.sum(0), one_by_one)
    assert_trees_agree(derive(layers, x, y).dl_dlayers, summed, rtol=1e-4, atol=1e-4)


def test_a_layer_that_is_off_stops_the_derivatives():
    layers, x, y = problem(BOOK, 3)
    off = layers[2]._replace(beta=jnp.full(6, -1e4))
    ours = derive((*layers[:2], off, *layers[3:]), x, y)
    assert all(jnp.all(d == 0) for d in jax.tree.leaves(ours.dl_dlayers[:3]))
    assert jnp.any(ours.dl_dlayers[3].beta != 0)


def test_each_example_has_its_own_row():
    layers, x, y = problem(BOOK, 3)
    ours, alone = derive(layers, x, y), derive(layers, x[1:2], y[1:2])
    for values, row in zip((*ours.dl_df, *ours.dl_dh), (*alone.dl_df, *alone.dl_dh)):
        np.testing.assert_allclose(values[1:2], row, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("relu", "at_zero"), [(jax.nn.relu, 0.0), (lambda f: jnp.maximum(f, 0), 0.5)])
def test_indicator_at_the_kink(relu, at_zero):
    assert bp.indicator(jnp.zeros(()), at_zero) == at_zero
    np.testing.assert_allclose(jax.grad(relu)(0.0), at_zero)


def test_value_at_zero_counts_only_at_zero():
    layers, x, y = problem(BOOK, 3)
    assert_trees_agree(derive(layers, x, y, 0.0), derive(layers, x, y, 1.0), rtol=0)
    still = tuple(layer._replace(beta=jnp.zeros_like(layer.beta)) for layer in layers)
    closed, open_ = (derive(still, jnp.zeros_like(x), y, at_zero) for at_zero in (0.0, 1.0))
    assert jnp.all(closed.dl_df[0] == 0)
    assert jnp.all(open_.dl_df[0] != 0)


def test_weight_derivatives_are_as_small_as_what_the_layer_is_given():
    layers, x, y = problem()
    assert jnp.all(derive(layers, jnp.zeros_like(x), y).dl_dlayers[0].omega == 0)


def test_dtype_is_that_of_the_layers():
    with jax.enable_x64(True):
        double = problem()
        single = jax.tree.map(lambda a: a.astype(jnp.float32), double)
        for dtype, arguments in ((jnp.float32, single), (jnp.float64, double)):
            assert {leaf.dtype for leaf in jax.tree.leaves(derive(*arguments))} == {jnp.dtype(dtype)}


def test_no_layers_are_told():
    with pytest.raises(ValueError, match="a network needs one layer at least, got none"):
        bp.forward_pass([], jnp.ones((1, 1)))


def test_layers_that_do_not_fit_are_told():
    layers, *_ = problem()
    with pytest.raises(ValueError, match="layer 0"):
        bp.forward_pass(layers, jnp.ones((4, 3)))


@pytest.mark.parametrize("function", [derive, bp.least_squares_loss, bp.automatic_derivatives])
def test_targets_that_do_not_fit_are_told(function):
    layers, x, _ = problem()
    with pytest.raises(ValueError, match=r"y must have the shape of the outputs, \(4, 3\), got \(4, 1\)"):
        function(layers, x, jnp.ones((4, 1)))
