import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch10_convolution import descent
from udl_jax.ch10_convolution.descent import Descent


def rates(settings, examples, steps):
    """Show the rate of each step by gradients of one and no momentum."""
    optimiser, phi = settings.optimiser(examples), jnp.zeros(1)

    def step(state, _):
        update, state = optimiser.update(jnp.ones(1), state, phi)
        return state, -update[0]

    return jax.lax.scan(step, optimiser.init(phi), length=steps)[1]


def test_rate_falls_at_the_right_steps():
    settings = Descent(rate=0.1, momentum=0.0, decay_every=2, decay=0.3, batch=50, epochs=6)
    expected = 0.1 * 0.3 ** (np.arange(24) // 8)
    np.testing.assert_allclose(rates(settings, 200, 24), expected, rtol=1e-5)


def test_rate_may_stay():
    settings = Descent(rate=0.1, momentum=0.0, decay_every=None)
    np.testing.assert_allclose(rates(settings, 4000, 9), 0.1, rtol=1e-6)


@pytest.mark.parametrize(("remainder", "steps"), [("drop", 3), ("wrap", 4), (None, 4)])
def test_steps_of_an_epoch(remainder, steps):
    assert Descent(batch=30, remainder=remainder).steps(100) == steps


def test_pytorch_s_weights_are_uniform_within_their_bound():
    drawn = descent.pytorch_uniform(25)(jax.random.key(0), (5, 5, 1, 400))
    assert jnp.abs(drawn).max() <= 0.2
    np.testing.assert_allclose(drawn.std(), 0.2 / np.sqrt(3), rtol=0.02)


def test_weights_and_biases_of_a_convolution_start_within_the_same_bound():
    layer = descent.convolution(50, (3, 3), inputs=4)
    params = layer.init(jax.random.key(0), jnp.ones((1, 5, 5, 4)))["params"]
    for leaf in params.values():
        assert 0.8 / 6 < jnp.abs(leaf).max() <= 1 / 6
    assert layer.apply({"params": params}, jnp.ones((1, 5, 5, 4))).shape == (1, 3, 3, 50)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"rate": 0.0}, ValueError, "rate must be positive, got 0.0"),
        ({"rate": float("nan")}, ValueError, "rate must be positive, got nan"),
        ({"momentum": 1.0}, ValueError, r"momentum must lie in \[0, 1\), got 1.0"),
        ({"decay": -1.0}, ValueError, "decay must be positive, got -1.0"),
        ({"decay_every": 0}, ValueError, "decay_every must be at least 1, got 0"),
        ({"batch": 0}, ValueError, "batch must be at least 1, got 0"),
        ({"epochs": 2.5}, TypeError, "epochs"),
    ],
)
def test_impossible_settings_are_told(settings, error, message):
    with pytest.raises(error, match=message):
        Descent(**settings)


def test_batch_larger_than_the_data_is_told():
    with pytest.raises(ValueError, match="a batch of 100 is larger than the data, which have 50 examples"):
        Descent().optimiser(50)


def test_no_inputs_are_told():
    with pytest.raises(ValueError, match="inputs must be at least 1, got 0"):
        descent.pytorch_uniform(0)
