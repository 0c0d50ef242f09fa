import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch03_shallow_networks.shallow_network import stages
from udl_jax.ch05_loss_functions import sweeps
from udl_jax.ch05_loss_functions.discrete import Bernoulli

RNG = np.random.default_rng(0)
THETA = jnp.array(RNG.normal(size=(3, 2)), "float32")
PHI = jnp.array(RNG.normal(size=(2, 4)), "float32")
X = jnp.linspace(0, 1, 9)[:, None]
OFFSETS = jnp.array([-1.0, 0.0, 4.0])


@pytest.mark.parametrize("unit", [0, 1])
def test_offset_lifts_one_output_and_no_other(unit):
    outputs = jax.jit(sweeps.outputs_at_offsets, static_argnames="unit")(THETA, PHI, OFFSETS, X, unit=unit)
    assert outputs.shape == (3, 9, 2)
    lifted = outputs - stages(THETA, PHI, X).output
    expected = (OFFSETS - PHI[unit, 0])[:, None]
    np.testing.assert_allclose(lifted[..., unit], jnp.broadcast_to(expected, (3, 9)), atol=1e-5)
    np.testing.assert_allclose(lifted[..., 1 - unit], 0, atol=1e-5)


@pytest.mark.parametrize("unit", [-1, 2])
def test_missing_output_is_told(unit):
    with pytest.raises(ValueError, match=f"unit must be one of the network's 2 outputs, .* got {unit}"):
        sweeps.outputs_at_offsets(THETA, PHI, OFFSETS, X, unit=unit)


def test_sweep_is_one_likelihood_at_a_time():
    logits, y = jnp.array(RNG.normal(size=(4, 9)), "float32"), jnp.arange(9) % 2
    sweep = jax.jit(sweeps.sweep)
    swept = sweep(Bernoulli(logits), y)
    alone = [sweep(Bernoulli(row[None]), y) for row in logits]
    np.testing.assert_allclose(swept.likelihood, [one.likelihood[0] for one in alone], rtol=1e-5)
    np.testing.assert_allclose(swept.negative_log_likelihood, -jnp.log(swept.likelihood), rtol=1e-5)


def test_most_likely_is_least_loss():
    logits, y = jnp.array(RNG.normal(size=(50, 9)), "float32"), jnp.arange(9) % 2
    likelihood, loss = jax.jit(sweeps.sweep)(Bernoulli(logits), y)
    values = jnp.arange(50.0)
    assert sweeps.best(values, -likelihood) == sweeps.best(values, loss)
