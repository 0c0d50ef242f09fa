"""Notebook 15.1: the toy GAN, with the notebook's forward differences and with derivatives."""

import functools

import jax.numpy as jnp
import pytest

from udl_jax.ch07_gradients.finite_differences import finite_differences
from udl_jax.ch15_gans import toy_gan

START = toy_gan.Players(jnp.array(3.0), jnp.array([-2.0, 1.0]))
SETTINGS = {0: (5, (300, 3)), 1: (30, (100, 2)), 2: (12, (50, 2))}


def rows(players, x_real, z):
    """Write down what the notebook's rounds leave: parameters and losses."""
    found = []
    for theta, phi in zip(players.theta, players.phi):
        losses = toy_gan.discriminator_loss(phi, x_real, z + theta), toy_gan.generator_gain(theta, phi, z)
        found.append(jnp.stack([*phi, theta, *losses]))
    return jnp.stack(found)


def test_losses(reference, agrees):
    book = reference("15_1")
    z = book["z"]
    ours = toy_gan.discriminator_loss(START.phi, book["x_real"], z + 3)
    agrees(ours, book["first/discriminator_loss"], kind="value", quantity="the discriminator's loss")
    ours = toy_gan.generator_gain(START.theta, START.phi, z)
    agrees(ours, book["first/generator_loss"], kind="value", quantity="the generator's loss")


def test_turns(reference, agrees):
    book = reference("15_1")
    z = book["z"]
    once = toy_gan.play(START, book["x_real"], z, 1, (100, 0), gradient="finite")
    agrees(once.phi[0], book["first/phi"], kind="trajectory", quantity="100 steps of the discriminator")
    gain = functools.partial(toy_gan.generator_gain, phi=book["first/phi"], z=z)
    theta = START.theta
    for _ in range(10):
        theta = theta + 0.02 * finite_differences(gain, theta, 1e-4)
    agrees(theta, book["first/theta"], kind="trajectory", quantity="then 10 of the generator")


@pytest.mark.parametrize("number", SETTINGS)
@pytest.mark.parametrize("gradient", ["finite", "exact"])
def test_game(reference, agrees, gradient, number):
    book = reference("15_1")
    rounds, steps = SETTINGS[number]
    x_real, z, start = book["x_real"], book["z"], START
    if number == 2:
        x_real, z = book["elsewhere/x_real"], book["elsewhere/z"]
        start = toy_gan.Players(jnp.array(1.0), jnp.array([0.5, -0.5]))
    ours = rows(toy_gan.play(start, x_real, z, rounds, steps, gradient=gradient), x_real, z)
    how = "forward differences" if gradient == "finite" else "derivatives"
    quantity = f"{rounds} rounds of {steps[0]} and {steps[1]} steps, with {how}"
    agrees(ours, book[f"{gradient}_{number}"], kind="trajectory", quantity=quantity)


def test_last_round_is_the_notebooks(reference, agrees):
    book = reference("15_1")
    last = toy_gan.play(START, book["x_real"], book["z"], 5, gradient="finite")
    ours = jnp.append(last.phi[-1], last.theta[-1])
    agrees(ours, book["last"], kind="trajectory", quantity="the parameters in the notebook's last line")
