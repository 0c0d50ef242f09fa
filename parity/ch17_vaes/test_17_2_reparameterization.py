"""Notebook 17.2: the reparameterization trick, against the numbers that its author prints."""

import jax
import jax.numpy as jnp
import numpy as np

from udl_jax.ch17_vaes import reparameterization as trick

MILLION = 10**6


def averaged(estimator, phi, generator, millions):
    """Average an estimator over so many millions of draws, one million at a time."""
    compiled = jax.jit(estimator)
    return jnp.stack([compiled(phi, generator.standard_normal(MILLION)) for _ in range(millions)]).mean()


def test_printed_values_of_ten_million_draws(reference, agrees, stream):
    book, numbers = reference("17_2"), stream(0)
    for k, truth in enumerate((2.7650801613563116, 0.8176793102849222)):
        ours = averaged(trick.expectation, book["phi"][k], numbers, 10)
        agrees(
            ours, book["expectations"][k], kind="draws", quantity=f"expectation at phi {book['phi'][k]:.1f}"
        )
        agrees(ours, jnp.array(truth), kind="draws", quantity="the value that the author prints")
    ours = averaged(trick.reparameterized_gradient, book["phi"][0], stream(0), 10)
    agrees(ours, book["slope"], kind="draws", quantity="derivative along the path at phi 0.5")
    agrees(ours, jnp.array(5.726338035051403), kind="draws", quantity="the value that the author prints")


def test_printed_value_of_a_hundred_million_draws(reference, agrees, stream):
    """The recording has all hundred pieces; three of them are drawn again from the generator's states."""
    book = reference("17_2")
    values = book["score/values"]
    agrees(
        values.mean(), jnp.array(5.724609927313369), kind="draws", quantity="the value that the author prints"
    )
    for piece, keys, place in zip((0, 50, 99), book["score/keys"], book["score/places"]):
        ours = averaged(trick.score_function_gradient, book["phi"][0], stream(0, keys, place), 1)
        quantity = f"derivative by the score, million {piece + 1} of 100"
        agrees(ours, values[piece], kind="draws", quantity=quantity)


def test_elsewhere(reference, agrees, stream):
    book = reference("17_2").under("elsewhere")
    noise = jnp.stack([stream(100 + seed).standard_normal(2000) for seed in range(3)])
    ways = {
        "expectations": trick.expectation,
        "by_path": trick.reparameterized_gradient,
        "by_score": trick.score_function_gradient,
    }
    for name, way in ways.items():
        ours = jax.vmap(way)(book["phi"], noise)
        agrees(ours, book[name], kind="draws", quantity=f"{name}, 2,000 draws at three other phi")
    by_jax = jax.vmap(jax.grad(trick.expectation))(book["phi"], noise)
    agrees(by_jax, book["by_path"], kind="draws", quantity="jax.grad of the expectation at three other phi")
    scores = jax.vmap(lambda phi: trick.d_log_density(book["x"], phi))(book["phi"])
    agrees(scores, book["scores"], kind="value", quantity="the score at 40 places")


def test_spread(reference):
    """The notebook's hundred estimates of a million draws each scatter as quadrature says."""
    spread = np.asarray(reference("17_2")["spread"])
    exact = np.array([25.8, 247.4]) / MILLION
    assert np.all(np.abs(spread / exact - 1) < 0.45)
