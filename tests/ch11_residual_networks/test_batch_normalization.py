import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from udl_jax import training
from udl_jax.ch10_convolution.descent import Descent
from udl_jax.ch11_residual_networks import batch_normalization as batch
from udl_jax.ch11_residual_networks.residual_network import Settings, stream_variances
from udl_jax.data.mnist1d import load_mnist1d

H = 3 * jax.random.normal(jax.random.key(0), (50, 4)) + jnp.arange(4.0)


def test_a_normalized_batch_has_mean_delta_and_deviation_gamma():
    gamma, delta = jnp.array([1.0, 2.0, 0.5, -1.0]), jnp.array([0.0, 1.0, -1.0, 3.0])
    found = batch.normalize(H, *batch.statistics(H), gamma, delta)
    np.testing.assert_allclose(found.mean(axis=0), delta, atol=1e-4)
    np.testing.assert_allclose(found.std(axis=0), jnp.abs(gamma), rtol=1e-3)


def test_normalization_forgets_scale_and_shift():
    one = jnp.ones(4)

    def run(h):
        return batch.normalize(h, *batch.statistics(h), one, 0 * one)

    np.testing.assert_allclose(run(100 * H - 7), run(H), rtol=1e-2, atol=1e-3)


def test_a_unit_that_never_changes_does_no_harm():
    constant = jnp.full((10, 1), 5.0)

    def run(h):
        return batch.normalize(h, *batch.statistics(h), jnp.ones(1), jnp.zeros(1)).sum()

    assert run(constant) == 0
    assert jnp.all(jnp.isfinite(jax.grad(run)(constant)))


def test_running_averages_are_pytorch_s():
    layer = batch.BatchNorm(momentum=0.25)
    variables = layer.init(jax.random.key(0), H, False)
    mean, var = np.zeros(4), np.ones(4)
    for part in jnp.split(H, 5):
        _, updated = layer.apply(variables, part, True, mutable=["batch_stats"])
        variables = {**variables, **updated}
        mean = 0.75 * mean + 0.25 * np.mean(part, axis=0)
        var = 0.75 * var + 0.25 * np.var(part, axis=0, ddof=1)
    np.testing.assert_allclose(variables["batch_stats"]["mean"], mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(variables["batch_stats"]["var"], var, rtol=1e-4)


def test_evaluation_uses_the_averages_and_leaves_them():
    layer = batch.BatchNorm()
    variables = layer.init(jax.random.key(0), H, False)
    np.testing.assert_allclose(layer.apply(variables, H[:1], False), H[:1] / np.sqrt(1 + 1e-5), rtol=1e-5)


@pytest.mark.parametrize("shape", [(20, 3), (4, 5, 3), (2, 5, 4, 3)])
def test_layer_is_flax_s_but_for_the_running_variance(shape):
    h = jax.random.normal(jax.random.key(1), shape)
    ours, theirs = batch.BatchNorm(), nn.BatchNorm(momentum=0.9, use_fast_variance=False)
    variables = ours.init(jax.random.key(0), h, False)
    found, updated = ours.apply(variables, h, True, mutable=["batch_stats"])
    expected, flax = theirs.apply(variables, h, use_running_average=False, mutable=["batch_stats"])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    mean, var = (updated["batch_stats"][name] for name in ("mean", "var"))
    np.testing.assert_allclose(mean, flax["batch_stats"]["mean"], rtol=1e-5, atol=1e-6)
    values = h.size // 3
    biased = 0.9 + (var - 0.9) * (values - 1) / values
    np.testing.assert_allclose(biased, flax["batch_stats"]["var"], rtol=1e-5)


def test_making_the_variables_looks_at_no_batch():
    variables = batch.BatchNorm().init(jax.random.key(0), H, True)
    np.testing.assert_array_equal(variables["batch_stats"]["mean"], np.zeros(4))
    np.testing.assert_array_equal(variables["batch_stats"]["var"], np.ones(4))


def test_batch_of_one_says_nothing_of_a_variance():
    layer = batch.BatchNorm()
    variables = layer.init(jax.random.key(0), H, False)
    found, updated = layer.apply(variables, H[:1], True, mutable=["batch_stats"])
    np.testing.assert_array_equal(found, layer.apply(variables, H[:1], False))
    jax.tree.map(np.testing.assert_array_equal, updated["batch_stats"], variables["batch_stats"])


def test_precision_is_that_of_the_units():
    with jax.enable_x64(True):
        variables = batch.BatchNorm().init(jax.random.key(0), H, False)
        found, updated = batch.BatchNorm().apply(variables, H, True, mutable=["batch_stats"])
        assert {leaf.dtype for leaf in jax.tree.leaves((found, updated))} == {jnp.dtype("float32")}


def test_variance_grows_by_about_one_a_block():
    x = jax.random.normal(jax.random.key(0), (1000, 100))
    network = batch.make_recipe(Settings(blocks=8, width=300)).model
    found = stream_variances(network, network.init(jax.random.key(1), x), x)
    np.testing.assert_allclose(np.diff(found[1:]), 0.68, rtol=0.25)


def test_engine_trains_it_and_carries_the_averages():
    data = load_mnist1d(num_samples=500)
    settings = Settings(blocks=8, width=20, descent=Descent(batch=50, epochs=5, decay_every=None))
    fit = batch.train_network(jax.random.key(0), data, settings)
    assert fit.history.train.error[-1] < 60
    stats = fit.state.variables["batch_stats"]["blocks"]["norm"]
    assert stats["mean"].shape == stats["var"].shape == (8, 20)
    assert not jnp.all(stats["mean"] == 0)
    outputs = training.predict(
        batch.make_recipe(settings, examples=400).model, fit.state.variables, data.x_test
    )
    error = training.percent_wrong(outputs, data.y_test)
    np.testing.assert_allclose(error, fit.history.test.error[-1])
