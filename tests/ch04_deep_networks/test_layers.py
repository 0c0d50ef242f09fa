import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch04_deep_networks import deep_network, layers
from udl_jax.ch04_deep_networks.layers import Layer

FIRST, SECOND = Layer(np.zeros(2), np.ones((2, 3))), Layer([0], [[1, 1]])


def test_layers_of_numpy_arrays_and_lists_become_arrays_of_real_numbers():
    found = layers.as_layers([FIRST, SECOND], 3)
    assert [(layer.beta.shape, layer.omega.shape) for layer in found] == [((2,), (2, 3)), ((1,), (1, 2))]
    assert all(jnp.issubdtype(array.dtype, jnp.floating) for layer in found for array in layer)


@pytest.mark.parametrize(
    ("bad", "inputs", "told"),
    [
        ([], 3, "needs one layer at least"),
        ([FIRST], 2, "layer 0 takes 3 values, the columns of omega, but 2 come in"),
        ([FIRST, FIRST], 3, "layer 1 takes 3 values, the columns of omega, but 2 come in"),
        (
            [Layer(np.zeros(1), np.ones((2, 3)))],
            3,
            "layer 0 needs a row of omega for each offset, got 2 rows for 1",
        ),
        ([Layer(np.zeros((2, 1)), np.ones((2, 3)))], 3, "layer 0 needs a vector beta and a matrix omega"),
        ([Layer(0.0, 1.0)], 1, "layer 0 needs a vector beta and a matrix omega"),
        ([Layer(np.zeros(0), np.ones((0, 3)))], 3, "layer 0 needs a vector beta and a matrix omega"),
    ],
)
def test_layers_that_do_not_fit_are_told(bad, inputs, told):
    with pytest.raises(ValueError, match=told):
        layers.check_layers(bad, inputs)


@pytest.mark.parametrize("bad", [np.ones(3), [np.ones(3)], [(1.0,)]])
def test_what_is_no_sequence_of_pairs_is_told(bad):
    with pytest.raises(TypeError, match="layers"):
        layers.check_layers(bad, 3)


def test_matrices_are_parted_into_offsets_and_weights():
    (only,) = layers.to_layers([[1, 2, 3]])
    np.testing.assert_array_equal(only.beta, [1])
    np.testing.assert_array_equal(only.omega, [[2, 3]])
    assert layers.to_layers is deep_network.to_layers
    with pytest.raises(ValueError, match=r"matrices\[1\] must have the shape"):
        layers.to_layers(np.ones((2, 2)), np.ones(3))
