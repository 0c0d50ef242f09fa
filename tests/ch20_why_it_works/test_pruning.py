import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch20_why_it_works import pruning


@pytest.mark.parametrize(
    ("size", "fraction", "dropped"),
    [(5, 0.4, 2), (100, 0.29, 28), (7, 0.0, 0), (7, 1.0, 7), (1, 0.99, 0), (3, np.float64(1 / 3), 1)],
)
def test_counts_are_rounded_down_in_double_precision(size, fraction, dropped):
    assert pruning.count_dropped(size, fraction) == dropped == int(float(fraction) * size)


@pytest.mark.parametrize("fraction", [-0.01, 1.01, float("nan"), float("inf")])
def test_fractions_out_of_range_are_told(fraction):
    with pytest.raises(ValueError, match=r"fraction must lie in \[0, 1\]"):
        pruning.count_dropped(5, fraction)
    with pytest.raises(ValueError, match=r"fraction must lie in \[0, 1\]"):
        pruning.magnitude_mask(jnp.ones(5), fraction)


def test_a_traced_fraction_is_refused():
    with pytest.raises(TypeError, match="fraction must be known before anything is compiled"):
        jax.jit(lambda f: pruning.magnitude_mask(jnp.ones(5), f))(0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.5, 0.97, 1.0])
def test_the_smallest_magnitudes_are_dropped(dtype, fraction):
    weights = np.random.default_rng(0).normal(size=101).astype(dtype)
    mask = np.asarray(pruning.magnitude_mask(weights, fraction))
    dropped = int(fraction * 101)
    assert mask.dtype == bool
    assert (~mask).sum() == dropped
    if 0 < dropped < 101:
        assert np.abs(weights[~mask]).max() <= np.abs(weights[mask]).min()


def test_of_equal_weights_the_first_go_first_and_none_too_many():
    np.testing.assert_array_equal(pruning.magnitude_mask(jnp.zeros(4), 0.5), [False, False, True, True])
    np.testing.assert_array_equal(
        pruning.magnitude_mask(jnp.array([2.0, -1.0, 1.0]), 0.34), [True, False, True]
    )


def test_one_program_serves_all_sparsities():
    weights = jnp.array([5.0, 6.0, 0.0, 1.0, 7.0])
    traces = []

    @jax.jit
    def drop(scores, dropped):
        traces.append(1)
        return pruning.drop_smallest(scores, dropped)

    assert [int(drop(weights, n).sum()) for n in range(6)] == [5, 4, 3, 2, 1, 0]
    assert len(traces) == 1
    several = jax.vmap(pruning.drop_smallest, in_axes=(None, 0))(weights, jnp.arange(6))
    np.testing.assert_array_equal(several.sum(axis=1), [5, 4, 3, 2, 1, 0])


@pytest.mark.parametrize("dropped", [-1, 6])
def test_impossible_counts_are_told(dropped):
    with pytest.raises(ValueError, match="dropped must be a count up to 5"):
        pruning.drop_smallest(jnp.ones(5), dropped)


def test_empty_weights_and_matrices_are_told():
    with pytest.raises(ValueError, match="weights must not be empty"):
        pruning.magnitude_mask(jnp.zeros(0), 0.5)
    with pytest.raises(ValueError, match=r"weights must have the shape \(weights\), got \(2, 2\)"):
        pruning.magnitude_mask(jnp.zeros((2, 2)), 0.5)


@pytest.fixture
def layers():
    generator = np.random.default_rng(1)
    shapes = {"linear_0": (4, 3), "linear_1": (3, 2)}
    return {
        name: {"kernel": jnp.array(generator.normal(size=s)), "bias": jnp.array(generator.normal(size=s[1]))}
        for name, s in shapes.items()
    }


def test_weights_and_biases_of_a_layer_compete(layers):
    scores = jax.tree.map(jnp.abs, layers)
    masks = pruning.layer_masks(scores, jnp.array([5, 2]))
    for name, dropped in (("linear_0", 5), ("linear_1", 2)):
        flat = np.concatenate([np.ravel(scores[name][part]) for part in ("kernel", "bias")])
        kept = np.concatenate([np.ravel(masks[name][part]) for part in ("kernel", "bias")])
        assert (~kept).sum() == dropped
        assert flat[~kept].max() < flat[kept].min()


def test_what_is_masked_has_no_effect_and_no_gradient(layers):
    masks = pruning.layer_masks(jax.tree.map(jnp.abs, layers), jnp.array([5, 2]))
    poisoned = jax.tree.map(lambda p, m: jnp.where(m, p, jnp.nan), layers, masks)

    def total(params):
        return sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(pruning.masked(params, masks)))

    assert total(poisoned) == total(layers)
    gradient = jax.grad(total)(layers)
    jax.tree.map(
        lambda g, p, m: np.testing.assert_allclose(g, jnp.where(m, 2 * p, 0)), gradient, layers, masks
    )


def test_what_does_not_fit_is_told(layers):
    with pytest.raises(ValueError, match="dropped must be a count for each of the 2 layers"):
        pruning.layer_masks(layers, jnp.array([1]))
    masks = pruning.layer_masks(layers, jnp.array([1, 1]))
    with pytest.raises(ValueError, match="masks must have the names and shapes of the parameters"):
        pruning.masked(layers, {"linear_0": masks["linear_0"]})
