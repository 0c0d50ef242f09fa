import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch12_transformers.self_attention import causal_mask
from udl_jax.ch12_transformers.transformer import (
    ACTIVATIONS,
    SelfAttention,
    Stack,
    TransformerLayer,
    allowed,
    sinusoidal_positions,
)

X = jax.random.normal(jax.random.key(0), (2, 6, 8))
LAYER = TransformerLayer(heads=2)


def test_stack_is_layers_one_after_another():
    stack = Stack(3, LAYER)
    variables = stack.init(jax.random.key(1), X)
    expected = X
    for number in range(3):
        params = jax.tree.map(lambda leaf: leaf[number], variables["params"]["layers"])  # noqa: B023
        expected = LAYER.apply({"params": params}, expected)[0]
    np.testing.assert_allclose(stack.apply(variables, X)[0], expected, rtol=1e-4, atol=1e-5)


def test_layers_begin_with_different_weights():
    kernel = Stack(2, LAYER).init(jax.random.key(1), X)["params"]["layers"]["widen"]["kernel"]
    assert jnp.abs(kernel[0] - kernel[1]).max() > 0.01


@pytest.mark.parametrize("norm_first", [False, True])
def test_tokens_are_processed_alike(norm_first):
    layer = TransformerLayer(heads=2, norm_first=norm_first)
    variables = layer.init(jax.random.key(1), X)
    order = jnp.array([3, 1, 5, 0, 2, 4])
    new, moved = layer.apply(variables, X)[0], layer.apply(variables, X[:, order])[0]
    np.testing.assert_allclose(moved, new[:, order], rtol=1e-4, atol=1e-5)


def test_norm_last_leaves_normalised_tokens():
    layer = TransformerLayer(heads=2, norm_first=False)
    new = layer.apply(layer.init(jax.random.key(1), X), X)[0]
    np.testing.assert_allclose(new.mean(axis=-1), 0, atol=1e-6)
    np.testing.assert_allclose(new.var(axis=-1), 1, rtol=1e-3)


def test_causal_mask_hides_what_comes_later():
    stack = Stack(2, LAYER)
    variables = stack.init(jax.random.key(1), X)
    mask = causal_mask(6)
    changed = X.at[:, 4].add(1.0)
    before, after = (stack.apply(variables, x, mask)[0] for x in (X, changed))
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert jnp.abs(before[:, 4:] - after[:, 4:]).max() > 0.01


def test_weights_are_kept_on_request():
    stack = Stack(3, TransformerLayer(heads=2, keep_weights=True))
    _, _, weights = stack.apply(stack.init(jax.random.key(1), X), X)
    assert weights.shape == (3, 2, 2, 6, 6)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    assert Stack(3, LAYER).init_with_output(jax.random.key(1), X)[0][2] is None


def test_damping_makes_a_layer_begin_as_nothing():
    layer = TransformerLayer(heads=2, damping=1e-6)
    np.testing.assert_allclose(layer.init_with_output(jax.random.key(1), X)[0][0], X, atol=1e-4)


def test_scores_by_layer_number():
    plain, by_layer = Stack(2, LAYER), Stack(2, LAYER, by_layer=True)
    variables = plain.init(jax.random.key(1), X)
    kernel = variables["params"]["layers"]["attention"]["project"]
    width = X.shape[-1]
    halved = {name: leaf.at[1, ..., :width].multiply(0.5) for name, leaf in kernel.items()}
    layers = variables["params"]["layers"]
    layers = {**layers, "attention": {**layers["attention"], "project": halved}}
    np.testing.assert_allclose(
        by_layer.apply(variables, X)[0],
        plain.apply({"params": {"layers": layers}}, X)[0],
        rtol=1e-4,
        atol=1e-5,
    )


def test_precision_follows_the_parameters():
    with jax.enable_x64(True):
        for dtype in (jnp.float32, jnp.float64):
            layer = TransformerLayer(heads=2, param_dtype=dtype)
            x = X.astype(dtype)
            assert layer.init_with_output(jax.random.key(1), x)[0][0].dtype == dtype


def test_positions_differ_and_are_rotated_alike():
    table = sinusoidal_positions(50, 16)
    assert table.shape == (50, 16)
    apart = jnp.linalg.norm(table[:, None] - table, axis=-1) + 10 * jnp.eye(50)
    assert apart.min() > 0.1
    products = table @ table.T
    np.testing.assert_allclose(products[:-1, :-1], products[1:, 1:], atol=1e-4)  # depend on distances alone


def test_allowed_places():
    assert allowed(2, 2, 5).tolist() == [[True] * 3 + [False] * 2, [True] * 4 + [False]]
    np.testing.assert_array_equal(allowed(0, 4, 4), causal_mask(4))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_pass_large_inputs(name):
    assert abs(float(ACTIVATIONS[name](jnp.array(50.0))) - (1 if name == "tanh" else 50)) < 1e-3


def test_bad_sizes_are_told():
    with pytest.raises(ValueError, match="heads must divide the width, 8, got 3"):
        SelfAttention(heads=3).init(jax.random.key(0), X)
    with pytest.raises(ValueError, match="width must be even, got 3"):
        sinusoidal_positions(4, 3)
    with pytest.raises(ValueError, match="tokens must be at least 1"):
        sinusoidal_positions(0, 4)
