import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch11_residual_networks import shattered_gradients as shattered

GRID = jnp.linspace(-2, 2, 32, endpoint=False)
DRAWS = shattered.draw_network(jax.random.key(0), layers=6, width=40)
NETWORK = shattered.scale(DRAWS, 2.0)


def test_scaling_gives_the_variances():
    weights, biases = shattered.scale(shattered.draw_network(jax.random.key(0), 4, 100), 2.0, 0.5)
    np.testing.assert_allclose(weights.hidden.var() * 100, 2, rtol=0.05)
    np.testing.assert_allclose(biases.hidden.var() * 100, 0.5, rtol=0.25)


def test_one_layer_is_a_shallow_network():
    weights, biases = network = shattered.draw_network(jax.random.key(1), 1, 7)
    hidden = jax.nn.relu(GRID[:, None] * weights.first + biases.first)
    np.testing.assert_allclose(
        shattered.outputs(network, GRID), (hidden @ weights.last)[:, 0] + biases.last, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("branch", [None, 0.3])
def test_gradients_are_those_of_each_input_alone(branch):
    alone = jax.vmap(jax.grad(lambda x: shattered.outputs(NETWORK, x[None], branch=branch)[0]))(GRID)
    ours = shattered.input_gradient(NETWORK, GRID, branch=branch)
    np.testing.assert_allclose(ours, alone, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("normalize", ["mean", "batch"])
def test_statistics_count_as_constants(normalize):
    """With many inputs, the statistics hardly move with one of them; the derivative leaves that out."""
    many = jnp.linspace(-2, 2, 2000)
    ours = shattered.input_gradient(NETWORK, many, normalize=normalize)
    jacobian_sum = jax.vjp(lambda x: shattered.outputs(NETWORK, x, normalize=normalize), many)[1](
        jnp.ones(2000)
    )
    np.testing.assert_allclose(ours, jacobian_sum[0], rtol=1e-3, atol=1e-5)


def test_without_biases_a_network_of_one_input_has_two_slopes():
    network = shattered.scale(DRAWS, 2.0, 0.0)
    slopes = np.asarray(shattered.input_gradient(network, GRID + 0.01))
    np.testing.assert_allclose(slopes[:16], slopes[0], rtol=1e-4)
    np.testing.assert_allclose(slopes[16:], slopes[16], rtol=1e-4)


def test_branch_of_zero_leaves_one_hidden_layer():
    one = NETWORK._replace(
        weights=NETWORK.weights._replace(hidden=NETWORK.weights.hidden[:0]),
        biases=NETWORK.biases._replace(hidden=NETWORK.biases.hidden[:0]),
    )
    np.testing.assert_allclose(
        shattered.outputs(NETWORK, GRID, branch=0.0), shattered.outputs(one, GRID), rtol=1e-5
    )


def test_centring_makes_half_of_each_unit_s_inputs_pass():
    """A scale of the weights does not matter then, nor do the biases of a centred layer."""
    ours = shattered.outputs(NETWORK, GRID, normalize="mean")
    moved = NETWORK._replace(biases=NETWORK.biases._replace(hidden=NETWORK.biases.hidden + 1))
    np.testing.assert_allclose(shattered.outputs(moved, GRID, normalize="mean"), ours, rtol=1e-3, atol=1e-4)


def test_batch_normalization_forgets_the_scale_of_the_weights():
    ours = shattered.outputs(shattered.scale(DRAWS, 1e6), GRID, normalize="batch")
    larger = shattered.outputs(shattered.scale(DRAWS, 4e6), GRID, normalize="batch")
    ours, larger = ours - ours.mean(), larger - larger.mean()
    np.testing.assert_allclose(2 * ours, larger, rtol=1e-2, atol=1e-2 * np.abs(larger).max())


@pytest.mark.parametrize("points", [1, 2, 5, 8, 256])
def test_autocorrelation_is_numpy_s(points):
    gradient = np.random.default_rng(points).normal(size=points).astype("float32")
    theirs = np.correlate(gradient, gradient, mode="same")[points // 2 :]
    ours = shattered.autocorrelation(gradient)
    np.testing.assert_allclose(ours, theirs / theirs[0], rtol=1e-4, atol=1e-5)


def test_autocorrelation_of_noise_and_of_nothing():
    noise = jax.random.normal(jax.random.key(0), (50, 256))
    found = shattered.autocorrelation(noise).mean(axis=0)
    assert found[0] == 1
    assert jnp.abs(found[1:]).max() < 0.05
    np.testing.assert_array_equal(shattered.autocorrelation(jnp.zeros(8)), np.zeros(4))


def test_functions_work_under_jit_vmap_and_with_numpy():
    networks = jax.vmap(lambda key: shattered.draw_network(key, 3, 8))(jax.random.split(jax.random.key(0), 4))
    found = jax.jit(jax.vmap(lambda n: shattered.input_gradient(n, np.asarray(GRID), normalize="mean")))(
        networks
    )
    assert found.shape == (4, 32)
    assert shattered.autocorrelation(found).shape == (4, 16)


def test_precision_is_that_of_the_network():
    with jax.enable_x64(True):
        network = jax.tree.map(lambda a: a.astype("float32"), NETWORK)
        assert shattered.input_gradient(network, GRID.astype("float32"), normalize="batch").dtype == "float32"


def test_bad_input_is_told():
    with pytest.raises(ValueError, match="layers must be at least 1, got 0"):
        shattered.draw_network(jax.random.key(0), 0, 3)
    with pytest.raises(ValueError, match="weights must be a variance, at least 0, got -1"):
        shattered.scale(DRAWS, -1.0)
    with pytest.raises(ValueError, match="biases must be a variance, at least 0, got -2"):
        shattered.scale(DRAWS, 1.0, -2.0)
    with pytest.raises(ValueError, match="normalize must be one of None, 'mean', 'batch', got 'layer'"):
        shattered.outputs(NETWORK, GRID, normalize="layer")
    with pytest.raises(ValueError, match=r"gradient must not be empty, got the shape \(0,\)"):
        shattered.autocorrelation(np.zeros(0))


def test_units_of_a_centred_layer_are_on_for_some_inputs_and_off_for_others():
    f = shattered.preactivations(NETWORK, GRID, normalize="mean")
    assert f.shape == (6, 32, 40)
    on = f > f.mean(axis=1, keepdims=True)
    assert jnp.all(on.any(axis=1) & ~on.all(axis=1))
