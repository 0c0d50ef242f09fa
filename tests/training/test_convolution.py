import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from udl_jax import training
from udl_jax.training import convolution

CASES = {
    "signal": ((3, 11, 2), {"kernel_size": (3,)}),
    "signal, an int": ((3, 11, 2), {"kernel_size": 4, "padding": 1}),
    "signal, stride and dilation": ((2, 12, 3), {"kernel_size": (3,), "strides": 2, "kernel_dilation": 2}),
    "signal, causal": ((2, 9, 2), {"kernel_size": (3,), "kernel_dilation": 2, "padding": "CAUSAL"}),
    "image, valid": ((2, 6, 7, 3), {"kernel_size": (3, 2), "padding": "VALID"}),
    "image, same": ((2, 6, 7, 3), {"kernel_size": (3, 4), "strides": (2, 3)}),
    "image, ring": ((2, 5, 6, 2), {"kernel_size": (3, 3), "padding": "CIRCULAR"}),
    "image, pairs": (
        (2, 6, 7, 1),
        {"kernel_size": (2, 3), "padding": ((0, 2), (1, 0)), "strides": (1, 2), "kernel_dilation": (3, 2)},
    ),
    "image, negative pads": ((2, 8, 7, 2), {"kernel_size": (3, 3), "padding": ((-1, 0), (0, -2))}),
    "image, one place each": ((2, 3, 3, 2), {"kernel_size": (3, 3), "padding": "VALID", "strides": 5}),
    "no bias, a mask": (
        (2, 5, 5, 2),
        {"kernel_size": (2, 2), "use_bias": False, "mask": np.tril(np.ones((2, 2, 2, 4)))},
    ),
    "no example's axis": ((6, 6, 2), {"kernel_size": (3, 3)}),
    "two of them": ((2, 3, 6, 2), {"kernel_size": (3,)}),
}


@pytest.fixture(params=CASES, ids=str)
def layers(request):
    """Give our layer, Flax's, variables and inputs in double precision."""
    shape, options = CASES[request.param]
    with jax.enable_x64(True):
        ours, theirs = (kind(4, param_dtype=float, **options) for kind in (training.Conv, nn.Conv))
        x = jax.random.normal(jax.random.key(1), shape)
        yield ours, theirs, theirs.init(jax.random.key(0), x), x


def assert_close(ours, theirs):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12), ours, theirs)


def test_layer_is_flax_s_in_value_gradient_and_second_derivative(layers):
    ours, theirs, variables, x = layers
    direction = jax.tree.map(lambda leaf: jax.random.normal(jax.random.key(2), leaf.shape), (variables, x))

    @jax.jit
    def derivatives(point):
        found = []
        for layer in (ours, theirs):
            slope = jax.grad(lambda at, layer=layer: jnp.sum(jnp.sin(layer.apply(*at)) ** 3))
            found.append((layer.apply(*point), *jax.jvp(slope, (point,), (direction,))))
        return found

    assert_close(*derivatives((variables, x)))


def test_layer_draws_flax_s_parameters(layers):
    ours, theirs, _, x = layers
    drawn, expected = (layer.init(jax.random.key(3), x) for layer in (ours, theirs))
    assert jax.tree.structure(drawn) == jax.tree.structure(expected)
    assert_close(drawn, expected)


def test_both_ways_to_compute_are_one(layers):
    _, _, _, x = layers
    with jax.enable_x64(True):
        x = jax.random.normal(jax.random.key(0), (2, 9, 8, 3))
        kernel = jax.random.normal(jax.random.key(1), (3, 2, 3, 4))
        settings = {"strides": (2, 1), "pads": ((1, 0), (0, 3)), "dilation": (2, 3)}
        ways = [way(x, kernel, **settings) for way in (convolution.by_patches, convolution.by_lax)]
        assert_close(*ways)


@pytest.mark.parametrize("platform", ["cpu", "cuda", "rocm", "tpu"])
def test_cpu_multiplies_and_others_convolve(platform):
    layer, x = training.Conv(4, (3, 3)), jnp.ones((2, 6, 6, 1))
    variables = layer.init(jax.random.key(0), x)
    exported = jax.export.export(jax.jit(layer.apply), platforms=[platform])(variables, x)
    assert ("stablehlo.convolution" in exported.mlir_module()) == (platform != "cpu")


def test_layers_with_equal_settings_are_equal():
    assert training.Conv(4, (3, 3)) == training.Conv(4, (3, 3))
    assert hash(training.Conv(4, (3, 3))) == hash(training.Conv(4, (3, 3)))


def test_layers_name_themselves_as_flax_s_do():
    network = nn.Sequential([training.Conv(2, (3,)), training.Conv(2, (3,))])
    assert set(network.init(jax.random.key(0), jnp.ones((1, 5, 1)))["params"]) == {"layers_0", "layers_1"}

    class Network(nn.Module):
        @nn.compact
        def __call__(self, x):
            return training.Conv(2, (3,))(training.Conv(2, (3,))(x))

    assert set(Network().init(jax.random.key(0), jnp.ones((1, 5, 1)))["params"]) == {"Conv_0", "Conv_1"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_precision_is_that_of_the_data(dtype):
    with jax.enable_x64(True):
        x, kernel = jnp.ones((2, 6, 1), dtype), jnp.ones((3, 1, 2), dtype)
        assert convolution.conv_general_dilated(x, kernel, (1,), "SAME").dtype == dtype
        assert training.max_pool(x, (2,)).dtype == training.mean_pool(x, (2,)).dtype == dtype


def lengths(x, kernel, strides, padding, dilation=(1,)):
    return convolution.conv_general_dilated(x, kernel, strides, padding, rhs_dilation=dilation)


def test_size_heeds_dilation():
    assert lengths(np.ones((1, 6, 1)), np.ones((3, 1, 1)), (1,), "VALID", (2,)).shape == (1, 2, 1)


def test_sizes_of_three_layers_with_stride_pads_and_dilation():
    x, found = np.ones((1, 64, 1)), []
    for _ in range(3):
        x = lengths(x, np.ones((3, 1, 1)), (2,), [(1, 1)], (2,))
        found.append(x.shape[1])
    assert found == [31, 15, 7]


@pytest.mark.parametrize(
    ("padding", "expected"), [("SAME", [6, 12, 11]), ([(1, 1)], [3, 9, 15]), ("SAME_LOWER", [3, 9, 15])]
)
def test_same_with_stride_2_pads_at_the_end(padding, expected):
    found = lengths(np.arange(1.0, 7).reshape(1, 6, 1), np.ones((3, 1, 1)), (2,), padding)
    np.testing.assert_array_equal(found.ravel(), expected)


def test_same_with_an_even_kernel_pads_at_the_end():
    found = lengths(np.arange(1.0, 4).reshape(1, 3, 1), np.ones((2, 1, 1)), (1,), "SAME")
    np.testing.assert_array_equal(found.ravel(), [3, 5, 3])


def test_layer_works_under_vmap_over_its_weights():
    layer, x = training.Conv(2, (3, 3), padding="VALID"), jnp.ones((2, 5, 5, 1))
    many = jax.vmap(lambda key: layer.init(key, x))(jax.random.split(jax.random.key(0), 3))
    found = jax.vmap(lambda variables: layer.apply(variables, x))(many)
    one = layer.apply(jax.tree.map(lambda leaf: leaf[1], many), x)
    np.testing.assert_allclose(found[1], one, rtol=1e-6)


def test_no_examples_are_no_outputs():
    layer = training.Conv(2, (3, 3))
    variables = layer.init(jax.random.key(0), jnp.ones((1, 5, 5, 1)))
    assert layer.apply(variables, jnp.ones((0, 5, 5, 1))).shape == (0, 5, 5, 2)
    assert training.max_pool(jnp.ones((0, 4, 4, 1)), (2, 2)).shape == (0, 2, 2, 1)


@pytest.mark.parametrize(
    ("shape", "kernel", "options", "message"),
    [
        ((1, 6, 2), (3, 1, 4), {}, "kernels look at 1 channels, but the input has 2"),
        ((1, 6, 2), (3, 3, 2, 4), {}, r"kernels with as many axes, got \(1, 6, 2\) and \(3, 3, 2, 4\)"),
        ((1, 2, 6, 6, 1), (1, 3, 3, 1, 1), {}, "convolution is of signals or images"),
        ((1, 6, 1), (3, 1, 1), {"window_strides": (0,)}, r"strides must be 1 numbers from 1 up, got \(0,\)"),
        ((1, 6, 1), (3, 1, 1), {"rhs_dilation": (0,)}, r"dilation must be 1 numbers from 1 up, got \(0,\)"),
        (
            (1, 6, 1),
            (3, 1, 1),
            {"padding": [(0, 0), (0, 0)]},
            r"padding must be a pair for each of 1 axes .*, got \(\(0, 0\), \(0, 0\)\)",
        ),
        ((1, 6, 1), (7, 1, 1), {}, r"windows are 7 wide along axis 1, which has 6 places and pads \(0, 0\)"),
        ((1, 6, 1), (3, 1, 1), {"rhs_dilation": (3,)}, "windows are 7 wide along axis 1"),
        ((1, 6, 1), (3, 1, 1), {"padding": "FULL"}, "padding must be one of"),
    ],
)
def test_what_does_not_fit_is_told(shape, kernel, options, message):
    options = {"window_strides": (1,) * (len(shape) - 2), "padding": "VALID"} | options
    with pytest.raises(ValueError, match=message):
        convolution.conv_general_dilated(np.ones(shape), np.ones(kernel), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"feature_group_count": 2}, "groups is not available here, got 2: use flax.linen.Conv"),
        ({"input_dilation": 2}, "dilation of the input is not available here: use flax.linen.Conv"),
    ],
)
def test_what_a_product_cannot_do_is_refused(options, message):
    with pytest.raises(NotImplementedError, match=message):
        training.Conv(4, (3,), **options).init(jax.random.key(0), jnp.ones((1, 6, 2)))


def test_another_order_of_axes_is_refused():
    numbers = jax.lax.conv_dimension_numbers((1, 1, 6), (1, 1, 3), ("NCH", "OIH", "NCH"))
    with pytest.raises(NotImplementedError, match="axes must be"):
        convolution.conv_general_dilated(
            np.ones((1, 1, 6)), np.ones((1, 6, 3)), (1,), "VALID", dimension_numbers=numbers
        )


POOLED = {
    "signal": ((3, 12, 2), (3,)),
    "image": ((2, 6, 8, 3), (2, 4)),
    "with a rest": ((2, 7, 5, 1), (2, 3)),
}
POOLS = {"max": (training.max_pool, nn.max_pool), "mean": (training.mean_pool, nn.avg_pool)}


@pytest.mark.parametrize("ours, theirs", POOLS.values(), ids=POOLS)
@pytest.mark.parametrize("shape, window", POOLED.values(), ids=POOLED)
@pytest.mark.parametrize("ties", [False, True], ids=["", "ties"])
def test_pooling_is_flax_s_in_value_and_gradient(ours, theirs, shape, window, ties):
    x = jax.random.normal(jax.random.key(0), shape)
    x = jnp.round(x) if ties else x
    weights = jax.random.normal(jax.random.key(1), ours(x, window).shape)

    def look(pool):
        return jax.value_and_grad(lambda x: jnp.sum(weights * pool(x)))(x)

    assert_near(look(lambda x: ours(x, window)), look(lambda x: theirs(x, window, strides=window)))


def assert_near(ours, theirs):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), ours, theirs)


def test_among_equals_the_first_takes_the_gradient():
    gradient = jax.grad(lambda x: training.max_pool(x, (2, 2)).sum())(jnp.ones((1, 4, 4, 1)))
    np.testing.assert_array_equal(gradient[0, :2, :2, 0], [[1, 0], [0, 0]])


def test_second_derivative_through_a_maximum_is_that_of_the_largest():
    hessian = jax.hessian(lambda x: jnp.sum(training.max_pool(x.reshape(1, 4, 1), (2,)) ** 2))
    np.testing.assert_array_equal(hessian(jnp.array([1.0, 3.0, 5.0, 2.0])), np.diag([0, 2.0, 2, 0]))


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_a_nan_is_no_less_than_a_number(place):
    x = np.ones((1, 2, 2, 1))
    x.flat[place] = np.nan
    assert np.isnan(training.max_pool(x, (2, 2))).all()
    assert np.isnan(training.mean_pool(x, (2, 2))).all()


@pytest.mark.parametrize("pool", [training.max_pool, training.mean_pool])
@pytest.mark.parametrize(
    ("window", "message"),
    [
        ((2,), r"a size for each of 2 axes of space, got \(2,\)"),
        ((0, 2), r"sizes from 1 up to \(4, 4\), got \(0, 2\)"),
        ((2, 5), r"sizes from 1 up to \(4, 4\), got \(2, 5\)"),
    ],
)
def test_windows_that_do_not_fit_are_told(pool, window, message):
    with pytest.raises(ValueError, match=message):
        pool(np.ones((1, 4, 4, 1)), window)
