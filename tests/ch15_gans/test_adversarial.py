import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from udl_jax import training
from udl_jax.ch15_gans import adversarial, critics, ring

GENERATOR, CRITIC = critics.Perceptron(2, (8,)), critics.Perceptron(1, (8,))
ADAM = optax.adam(1e-3, b1=0.5)
GAME = adversarial.Game(GENERATOR, CRITIC, ADAM, ADAM, penalty=0.1)
X = np.asarray(ring.sample_ring(jax.random.key(0), 50))
DRAWS = adversarial.draw_game(jax.random.key(1), 50, steps=6, batch=5, latent=2, turns=2)


def start(game=GAME):
    players = zip((GENERATOR, CRITIC), jax.random.split(jax.random.key(2)))
    return adversarial.start_game(game, *(training.initialise(m, k, X[:1])["params"] for m, k in players))


def part(first, last):
    return jax.tree.map(lambda leaf: leaf[first:last], DRAWS)


def assert_equal(ours, theirs):
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


def test_a_step_is_turns_of_the_critic_and_one_of_the_generator():
    state, losses = adversarial.play_game(GAME, start(), X, part(0, 1))
    (generator, g_state), (critic, c_state) = start().generator, start().critic
    for k in range(2):
        made = GENERATOR.apply({"params": generator}, DRAWS.noise[0, k])
        real = X[DRAWS.order[0, k]]

        def loss(params, real=real, made=made, k=k):
            judge = lambda x: CRITIC.apply({"params": params}, x)[..., 0]  # noqa: E731
            penalty = critics.gradient_penalty(judge, real, made, DRAWS.mix[0, k])
            return judge(made).mean() - judge(real).mean() + 0.1 * penalty

        updates, c_state = ADAM.update(jax.grad(loss)(critic), c_state)
        critic = optax.apply_updates(critic, updates)

    def gain(params):
        return CRITIC.apply(
            {"params": critic}, GENERATOR.apply({"params": params}, DRAWS.generator_noise[0])
        ).mean()

    updates, _ = ADAM.update(jax.grad(lambda p: -gain(p))(generator), g_state)
    expected = optax.apply_updates(generator, updates), critic
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)  # noqa: E731
    jax.tree.map(close, (state.generator.params, state.critic.params), expected)
    np.testing.assert_allclose(losses.generator[0], -gain(generator), rtol=1e-4, atol=1e-6)


def test_game_goes_on_where_it_stopped():
    whole = adversarial.play_game(GAME, start(), X, DRAWS)[0]
    half = adversarial.play_game(GAME, start(), X, part(0, 3))[0]
    assert_equal(adversarial.play_game(GAME, half, X, part(3, 6))[0], whole)
    assert (whole.step, whole.failed_at) == (6, -1)


def test_killed_game_resumes_to_the_same_weights(tmp_path, monkeypatch):
    whole, losses = adversarial.play_in_chunks(GAME, start(), X, DRAWS, chunk=2)
    played, rounds = adversarial.play_game, []

    def dies(*arguments):
        rounds.append(1)
        if len(rounds) == 3:
            raise KeyboardInterrupt
        return played(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(adversarial, "play_game", dies)
        with pytest.raises(KeyboardInterrupt):
            adversarial.play_in_chunks(GAME, start(), X, DRAWS, chunk=2, directory=tmp_path)
    resumed = adversarial.play_in_chunks(GAME, start(), X, DRAWS, chunk=2, directory=tmp_path)
    assert_equal(resumed, (whole, losses))
    with pytest.raises(ValueError, match="checkpoints of another training"):
        adversarial.play_in_chunks(GAME, start(), X + 1, DRAWS, chunk=2, directory=tmp_path)


def test_failed_step_is_told_and_nothing_is_taken_from_it_on():
    spoilt = DRAWS._replace(generator_noise=DRAWS.generator_noise.at[3].set(jnp.nan))
    state, _ = adversarial.play_game(GAME, start(), X, spoilt)
    before, _ = adversarial.play_game(GAME, start(), X, part(0, 3))
    assert state.failed_at == 3
    assert_equal((state.generator, state.critic), (before.generator, before.critic))


def test_games_side_by_side_are_games_alone():
    states = jax.tree.map(lambda a: jnp.stack([a, a]), start())
    draws = jax.tree.map(lambda a: jnp.stack([a, a[::-1]]), DRAWS)
    many, _ = jax.jit(jax.vmap(lambda s, d: adversarial.play_game(GAME, s, X, d)))(states, draws)
    alone, _ = adversarial.play_game(GAME, start(), X, jax.tree.map(lambda a: a[::-1], DRAWS))
    close = lambda a, b: np.testing.assert_allclose(a[1], b, rtol=1e-4, atol=1e-6)  # noqa: E731
    jax.tree.map(close, many.generator.params, alone.generator.params)


@pytest.mark.parametrize("kind", ["minimax", "non-saturating"])
def test_other_kinds_play_too(kind):
    game = adversarial.Game(GENERATOR, CRITIC, ADAM, ADAM, kind)
    state, losses = adversarial.play_game(game, start(game), X, DRAWS)
    assert state.failed_at == -1
    assert np.isfinite(losses.critic).all()
    made = adversarial.generate(GENERATOR, state.generator.params, np.zeros((4, 2), np.float32))
    assert made.shape == (4, 2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"order": DRAWS.order + 50}, "order must be numbers of examples, from 0 to 49"),
        ({"order": DRAWS.order[:3]}, "order, noise and mix must have shapes"),
        ({"mix": DRAWS.mix[:, :1]}, "order, noise and mix must have shapes"),
        ({"mix": DRAWS.mix + 1}, "mix must be from 0 to 1"),
        (
            {"generator_noise": DRAWS.generator_noise[:2]},
            "generator_noise must be for as many steps as order, 6, got 2",
        ),
    ],
)
def test_bad_draws_are_told(changed, message):
    with pytest.raises(ValueError, match=message):
        adversarial.play_game(GAME, start(), X, DRAWS._replace(**changed))
