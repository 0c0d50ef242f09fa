"""Notebook 17.3: importance sampling."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

from udl_jax.ch17_vaes import importance_sampling as sampling

WAYS = {
    "near": (sampling.near_function, 0.0),
    "far": (sampling.far_function, 0.0),
    "weighted": (sampling.far_function, 3.0),
}


@pytest.mark.parametrize("name", WAYS)
def test_million_draws(reference, agrees, stream, name):
    book = reference("17_3")
    f, mean = WAYS[name]
    ours = sampling.normal_estimate(f, stream(0).standard_normal(10**6), mean)
    agrees(
        ours,
        book[f"piece/{name}"],
        kind="draws",
        quantity=f"the first million of the {name} estimate's draws",
    )


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("size", [1, 10, 100, 500])
def test_scatter(reference, agrees, stream, name, size):
    """Ten thousand estimates, from where the notebook's generator stood after its hundred million draws."""
    book, way = reference("17_3"), list(WAYS).index(name)
    state = book.under(f"state_{way}_{size}")
    f, mean = WAYS[name]
    noise = stream(0, state["keys"], state["place"]).standard_normal((10_000, size))
    estimates = jax.jit(lambda noise: sampling.normal_estimate(f, noise, mean))(noise)
    k = book["sizes"].tolist().index(size)
    told = f"of 10,000 {name} estimates of {size} draws"
    agrees(estimates.mean(), book["means"][way, k], kind="draws", quantity=f"mean {told}")
    agrees(estimates.var(), book["variances"][way, k], kind="draws", quantity=f"variance {told}")


@pytest.mark.parametrize("name", WAYS)
def test_elsewhere(reference, agrees, stream, name):
    book = reference("17_3").under("elsewhere")
    f, mean = WAYS[name]
    noise = np.stack([stream(seed).standard_normal(500) for seed in range(40)])
    ours = sampling.normal_estimate(f, noise, mean)
    agrees(ours, book[name], kind="draws", quantity=f"40 {name} estimates, each with its own seed")


def test_curves(reference, agrees):
    book, y = reference("17_3"), jnp.asarray(np.arange(-10, 10, 0.01)[::10])
    normal = jax.scipy.stats.norm.pdf
    ours = jnp.stack([sampling.near_function(y), sampling.far_function(y), normal(y), normal(y, 3)])
    agrees(ours, book["curves"], kind="value", quantity="both functions, p and q")


def test_headlines(reference):
    """A hundred million draws reproduce what the author prints, and lie by their own error from the exact values."""
    book = reference("17_3")
    printed = {"near": 0.43160702267383166, "far": 0.43160428638892556, "weighted": 0.43163734204459125}
    for name, variance in (("near", 0.1794), ("far", 5.743), ("weighted", 0.3117)):
        f, _ = WAYS[name]
        exact, _ = integrate.quad(lambda y: float(f(jnp.array(y)) * jax.scipy.stats.norm.pdf(y)), -8, 8)  # noqa: B023
        assert abs(float(book[name]) - printed[name]) < 1e-15
        assert abs(float(book[name]) - exact) < 4 * np.sqrt(variance / 1e8)
