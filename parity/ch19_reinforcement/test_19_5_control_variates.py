"""Notebook 19.5: control variates."""

import jax
import jax.numpy as jnp
import numpy as np

from udl_jax.ch19_reinforcement import control_variates


def draws(seed, *shape):
    """Draw again what the notebook drew: all of the first variable, then as much noise."""
    generator = np.random.RandomState(seed)
    return generator.standard_normal(shape), generator.standard_normal(shape)


def test_estimates(reference, agrees):
    book = reference("19_5")
    shape = (1_000_000, int(book["N"]))
    for seed, (name, coefficient) in enumerate({"plain": 0.0, "helped": 1.0}.items()):
        both = control_variates.correlated(*draws(seed, *shape), 0.8)
        found = control_variates.control_variate(*both, coefficient)
        agrees(
            found[::1000], book[name], kind="draws", quantity=f"estimates with coefficient {coefficient:g}"
        )
        mean, variance = book[f"{name}_moments"]
        agrees(found.var(), variance, kind="draws", quantity=f"variance with coefficient {coefficient:g}")
        agrees(found.mean(), mean, kind="draws", quantity=f"mean with coefficient {coefficient:g}")


def test_other_correlations(reference, agrees):
    book = reference("19_5")
    for k, (correlation, count) in enumerate(np.asarray(book["elsewhere/settings"])):
        both = control_variates.correlated(*draws(k, 20, int(count)), float(correlation))
        quantity = f"two variables with correlation {correlation:g}"
        agrees(jnp.stack(both), book[f"elsewhere/{k}"], kind="draws", quantity=quantity)


def test_variances_of_our_own_draws(reference, agrees):
    book = reference("19_5")
    simulate = jax.jit(control_variates.simulate, static_argnames=("samples", "estimates"))
    ours = np.array(
        [simulate(key, 0.8, jnp.array([0.0, 1.0]))[1] for key in jax.random.split(jax.random.key(0), 10)]
    )
    for k, told in enumerate(("of the plain mean", "with the control variate")):
        agrees(ours[:, k], book["variances"][:, k], kind="distribution", quantity=f"variance {told}")
