"""Notebook 18.1: the diffusion encoder."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch18_diffusion import encoder, mixture


def test_paths(reference, agrees, stream):
    book, numbers = reference("18_1"), stream(6)
    x = mixture.sample(mixture.four_bumps(), *numbers.data(10_000))
    agrees(x[::100], book["x"], kind="draws", quantity="every hundredth of 10,000 samples of the data")
    path = encoder.diffuse(x, book["beta"], numbers.normal(100, 10_000))
    agrees(path[:, ::100], book["paths"], kind="draws", quantity="100 of 10,000 paths, z_0 to z_100")
    agrees(path.mean(1), book["means"], kind="draws", quantity="means of all samples after each step")
    agrees(
        path.std(1), book["deviations"], kind="draws", quantity="deviations of all samples after each step"
    )
    counts = [np.histogram(path[t], np.asarray(book["bins"]))[0] for t in (0, 5, 10, 20, 40, 80, 100)]
    agrees(np.array(counts), book["counts"], kind="draws", quantity="histograms at seven times")


def test_paths_elsewhere(reference, agrees):
    book = reference("18_1").under("elsewhere")
    ends = jax.vmap(encoder.diffuse)(book["starts"], book["betas"], book["noises"])[:, -1]
    agrees(ends, book["ends"], kind="draws", quantity="12 steps at three other betas")


@pytest.mark.parametrize("where", ["kernel", "kernel_elsewhere", "kernel_slow"])
def test_kernel(reference, agrees, where):
    book = reference("18_1").under(where)
    times = jnp.arange(1, 101)
    x = book["x"].astype(float)
    mean, deviation = jax.vmap(lambda t: encoder.diffusion_kernel(x, t, book["beta"]))(times)
    told = f"x = {float(x):g}, beta {float(book['beta']):g}"
    agrees(mean, book["means"], kind="value", quantity=f"means of q(z_t | x), {told}")
    agrees(deviation, book["deviations"], kind="value", quantity=f"deviations of q(z_t | x), {told}")


def test_kernel_slices(reference, agrees):
    book = reference("18_1")
    slices = [
        jax.scipy.stats.norm.pdf(book["places"], *encoder.diffusion_kernel(-2.0, t, book["beta"]))
        for t in (20, 40, 80)
    ]
    agrees(jnp.stack(slices), book["slices"], kind="value", quantity="q(z_t | x = -2) at times 20, 40 and 80")


def test_marginals(reference, agrees):
    book = reference("18_1")
    density = jnp.exp(mixture.four_bumps().log_density(book["grid"]))
    agrees(density, book["density"], kind="value", quantity="density of the data")
    times = jnp.arange(0, 101, 4)
    ours = jax.lax.map(lambda t: encoder.marginal(book["grid"], density, t, book["beta"]), times)
    agrees(ours[:, ::6], book["marginals"], kind="value", quantity="q(z_t), every fourth time")
    times = jnp.array([0, 1, 3, 50])
    ours = jax.lax.map(lambda t: encoder.marginal(book["grid"], book["elsewhere/density"], t, 0.05), times)
    quantity = "q(z_t) of another density at another beta"
    agrees(ours[:, ::6], book["elsewhere/marginals"], kind="value", quantity=quantity)
