from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch03_shallow_networks import shallow_network
from udl_jax.ch04_deep_networks import deep_network
from udl_jax.ch04_deep_networks.deep_network import DeepNetwork, Layer


def draw(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


def draw_network(*widths, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(
        Layer(jnp.asarray(rng.normal(size=after)), jnp.asarray(rng.normal(size=(after, before))))
        for before, after in pairwise(widths)
    )


NETWORK = draw_network(4, 5, 2, 4, 1)


def test_hidden_units_are_activated_preactivations():
    found = deep_network.stages(NETWORK, draw(6, 4), jnp.tanh)
    assert [h.shape for h in found.activations] == [(6, 5), (6, 2), (6, 4)]
    for before, after in zip(found.preactivations, found.activations):
        assert jnp.array_equal(jnp.tanh(before), after)


def test_each_layer_is_fed_the_one_before():
    x = draw(6, 4)
    found = deep_network.stages(NETWORK, x)
    fed = (x, *found.activations)
    for (beta, omega), h, z in zip(NETWORK, fed, (*found.preactivations, found.output)):
        for k in range(len(beta)):
            np.testing.assert_allclose(z[:, k], beta[k] + h @ omega[k], rtol=1e-5, atol=1e-5)


def test_examples_do_not_see_each_other():
    x = draw(3, 2, 4)
    y = deep_network.stages(NETWORK, x).output
    assert y.shape == (3, 2, 1)
    np.testing.assert_allclose(y[1, 1], deep_network.stages(NETWORK, x[1, 1]).output, rtol=1e-5)


def test_without_activation_the_network_is_linear():
    x = draw(2, 4)
    first, second, mean = (
        deep_network.stages(NETWORK, z, lambda h: h).output for z in (x[0], x[1], x.mean(0))
    )
    np.testing.assert_allclose((first + second) / 2, mean, rtol=1e-4, atol=1e-4)


def test_scaling_a_hidden_unit_and_its_weights_back_changes_nothing():
    first, second, *others = NETWORK
    scaled = Layer(3 * first.beta, 3 * first.omega), Layer(second.beta, second.omega / 3), *others
    x = draw(6, 4)
    np.testing.assert_allclose(
        deep_network.stages(scaled, x).output, deep_network.stages(NETWORK, x).output, rtol=1e-4, atol=1e-4
    )


def test_shallow_network_in_matrix_form_is_the_same_function():
    theta, phi, x = draw(3, 3), draw(2, 4, seed=1), draw(10, 2, seed=2)
    found = deep_network.stages(deep_network.to_layers(theta, phi), x)
    expected = shallow_network.stages(theta, phi, x)
    np.testing.assert_allclose(found.activations[0], expected.activations, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.output, expected.output, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("depths", [(1, 1), (1, 2), (2, 1), (2, 3)])
def test_folded_network_is_the_composition(depths):
    first, second = (draw_network(*[2] * (1 + depth), seed=depth) for depth in depths)
    x = draw(10, 2)
    folded = deep_network.fold(first, second)
    assert len(folded) == sum(depths) - 1
    composed = deep_network.stages(second, deep_network.stages(first, x).output).output
    np.testing.assert_allclose(deep_network.stages(folded, x).output, composed, rtol=1e-4, atol=1e-4)


def test_folding_is_associative():
    a, b, c = (draw_network(2, 3, 2, seed=seed) for seed in range(3))
    left = deep_network.fold(deep_network.fold(a, b), c)
    right = deep_network.fold(a, deep_network.fold(b, c))
    jax.tree.map(lambda u, v: np.testing.assert_allclose(u, v, rtol=1e-5), left, right)


@pytest.mark.parametrize("widths", [(1,), (100, 100, 10), (5, 2, 4, 1)])
def test_parameters_are_as_many_as_flax_makes(widths):
    variables = jax.eval_shape(DeepNetwork(widths).init, jax.random.key(0), jnp.zeros((1, 4)))
    counted = sum(leaf.size for leaf in jax.tree.leaves(variables))
    assert deep_network.count_parameters(4, widths) == counted


@pytest.mark.parametrize("activation", [jax.nn.relu, jnp.tanh])
def test_flax_model_is_the_matrix_form(activation):
    x = draw(6, 4)
    y = DeepNetwork((5, 2, 4, 1), activation).apply(deep_network.to_flax(NETWORK), x)
    np.testing.assert_allclose(y, deep_network.stages(NETWORK, x, activation).output, rtol=1e-5, atol=1e-5)


def test_conversion_there_and_back_changes_nothing():
    back = deep_network.from_flax(deep_network.to_flax(NETWORK))
    assert jax.tree.structure(back) == jax.tree.structure(NETWORK)
    assert all(jnp.array_equal(a, b) for a, b in zip(jax.tree.leaves(back), jax.tree.leaves(NETWORK)))


def test_conversion_keeps_more_than_ten_layers_in_order():
    layers = draw_network(*range(1, 14))
    back = deep_network.from_flax(deep_network.to_flax(layers))
    assert [layer.beta.size for layer in back] == list(range(2, 14))


def test_drawn_network_has_the_widths_asked_for_and_standard_normal_parameters():
    layers = deep_network.sample_layers(jax.random.key(0), 30, (40, 50, 2))
    assert [layer.omega.shape for layer in layers] == [(40, 30), (50, 40), (2, 50)]
    drawn = jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(layers)])
    assert drawn.size == deep_network.count_parameters(30, (40, 50, 2))
    assert abs(drawn.mean()) < 0.06
    assert abs(drawn.var() - 1) < 0.08


def test_network_compiles_and_differentiates():
    run = jax.jit(lambda layers, x: deep_network.stages(layers, x).output)
    x = draw(6, 4)
    np.testing.assert_allclose(run(NETWORK, x), deep_network.stages(NETWORK, x).output, rtol=1e-5, atol=1e-5)
    slopes = jax.grad(lambda layers: run(layers, x).sum())(NETWORK)
    np.testing.assert_allclose(slopes[-1].beta, [6.0])


def test_double_precision_stays():
    with jax.enable_x64(True):
        x = jnp.zeros((2, 4), jnp.float64)
        layers = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), NETWORK)
        assert deep_network.stages(layers, x).output.dtype == jnp.float64
        parameters = jax.eval_shape(DeepNetwork((3, 1)).init, jax.random.key(0), x)
        assert {leaf.dtype for leaf in jax.tree.leaves(parameters)} == {x.dtype}


def test_flax_activation_stands_between_layers_only():
    variables = deep_network.to_flax(draw_network(2, 3))
    x = draw(5, 2)
    linear = deep_network.stages(deep_network.from_flax(variables), x).output
    np.testing.assert_allclose(DeepNetwork((3,)).apply(variables, x), linear, rtol=1e-5, atol=1e-6)
    assert jnp.any(linear < 0)


def test_layers_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match=r"layer 0 takes 4 values, .* but 3 come in"):
        deep_network.stages(NETWORK, draw(6, 3))
    with pytest.raises(ValueError, match=r"layer 1 takes 2 values, .* but 5 come in"):
        deep_network.stages([NETWORK[0], NETWORK[2]], draw(6, 4))
    with pytest.raises(ValueError, match=r"layer 0 takes 4 values, .* but 1 come in"):
        deep_network.fold(NETWORK, NETWORK)


def test_offsets_and_rows_that_differ_in_number_are_told():
    with pytest.raises(ValueError, match="layer 1 needs a row of omega for each offset, got 2 rows for 3"):
        deep_network.stages([NETWORK[0], NETWORK[1]._replace(beta=draw(3))], draw(6, 4))


def test_network_without_layers_is_told():
    with pytest.raises(ValueError, match="one layer at least, got none"):
        deep_network.stages([], draw(6, 4))
