import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax.ch15_gans import critics, games

SGD, NET = optax.sgd(0.1), critics.Perceptron(1)


def test_draws_have_the_shapes_and_ranges_of_the_game():
    draws = games.draw_game(jax.random.key(0), examples=7, steps=5, batch=3, latent=2, turns=4)
    assert draws.order.shape == draws.mix.shape == (5, 4, 3)
    assert draws.noise.shape == (5, 4, 3, 2)
    assert draws.generator_noise.shape == (5, 3, 2)
    assert set(np.unique(draws.order)) == set(range(7))
    assert ((draws.mix >= 0) & (draws.mix < 1)).all()


def test_game_starts_well_at_step_zero():
    game = games.Game(critics.Perceptron(2), critics.Perceptron(1), SGD, SGD)
    state = games.start_game(game, {"w": jnp.ones(2)}, {"w": jnp.zeros(3)})
    assert (state.step, state.failed_at) == (0, -1)
    assert state.generator.params["w"].shape == (2,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: games.Game(NET, NET, SGD, SGD, "hinge"), "kind must be one of 'minimax'"),
        (lambda: games.Game(NET, NET, SGD, SGD, penalty=-1.0), "penalty must not be negative"),
        (lambda: games.draw_game(jax.random.key(0), 0, 1, 1, 1), "examples must be at least 1, got 0"),
        (lambda: games.draw_game(jax.random.key(0), 5, 1, 1, 1, turns=0), "turns must be at least 1, got 0"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
