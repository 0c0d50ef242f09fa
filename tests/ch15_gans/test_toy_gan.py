import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch15_gans import toy_gan

GENERATOR = np.random.default_rng(0)
REAL, Z = GENERATOR.normal(7.5, 1, 10), GENERATOR.normal(size=10)
START = toy_gan.Players(np.array(3.0), np.array([-2.0, 1.0]))
play = jax.jit(toy_gan.play, static_argnames=("rounds", "gradient", "kind"))


def test_losses_are_cross_entropies_of_the_probabilities():
    with jax.enable_x64(True):
        real, made = (toy_gan.discriminate(x, START.phi) for x in (REAL, Z + 3))
        expected = -np.log(real).sum() - np.log(1 - made).sum()
        np.testing.assert_allclose(toy_gan.discriminator_loss(START.phi, REAL, Z + 3), expected, rtol=1e-12)
        gains = [toy_gan.generator_gain(START.theta, START.phi, Z, k) for k in ("minimax", "non-saturating")]
        np.testing.assert_allclose(gains, [-np.log(1 - made).sum(), np.log(made).sum()], rtol=1e-12)


def test_the_discriminators_loss_is_the_generators_gain_and_what_the_data_add():
    with jax.enable_x64(True):
        whole = toy_gan.discriminator_loss(START.phi, REAL, Z + 3)
        gain = toy_gan.generator_gain(START.theta, START.phi, Z)
        np.testing.assert_allclose(whole - gain, np.log1p(np.exp(2 - REAL)).sum(), rtol=1e-12)


def test_a_blind_discriminator_loses_log_2_an_example():
    ours = toy_gan.discriminator_loss(np.zeros(2), REAL, Z)
    np.testing.assert_allclose(ours, 20 * np.log(2), rtol=1e-6)


def test_losses_stay_finite_where_probabilities_are_zero():
    sure = np.array([0.0, -1e4], np.float32)
    loss, slope = jax.value_and_grad(toy_gan.discriminator_loss)(sure, REAL, Z)
    assert np.isfinite(loss)
    assert np.isfinite(slope).all()


def test_saturated_gain_has_no_slope_where_the_other_has():
    sure = np.array([-50.0, 1.0], np.float32)
    slopes = [
        abs(jax.grad(toy_gan.generator_gain)(np.float32(3), sure, np.float32(Z), k))
        for k in ("minimax", "non-saturating")
    ]
    assert slopes[0] < 1e-12
    np.testing.assert_allclose(slopes[1], 10, rtol=1e-5)


def test_turns_go_downhill_and_uphill():
    with jax.enable_x64(True):
        phi = play(START, REAL, Z, rounds=1, steps=(50, 0)).phi[0]
        assert toy_gan.discriminator_loss(phi, REAL, Z + 3) < toy_gan.discriminator_loss(
            START.phi, REAL, Z + 3
        )
        theta = play(START, REAL, Z, rounds=1, steps=(0, 5)).theta[0]
        assert toy_gan.generator_gain(theta, START.phi, Z) > toy_gan.generator_gain(START.theta, START.phi, Z)
        nothing = play(START, REAL, Z, rounds=2, steps=(0, 0))
        np.testing.assert_allclose(nothing.theta, [3, 3])
        np.testing.assert_allclose(nothing.phi, [START.phi, START.phi])


def test_rounds_go_on_where_the_last_stopped():
    with jax.enable_x64(True):
        whole = play(START, REAL, Z, rounds=6, steps=(20, 3))
        half = play(START, REAL, Z, rounds=3, steps=(20, 3))
        rest = play(toy_gan.Players(half.theta[-1], half.phi[-1]), REAL, Z, rounds=3, steps=(20, 3))
        np.testing.assert_allclose(rest.theta, whole.theta[3:], rtol=1e-13)


def test_differences_come_near_the_derivatives():
    with jax.enable_x64(True):
        exact, finite = (play(START, REAL, Z, rounds=5, gradient=g).theta for g in ("exact", "finite"))
        apart = np.abs(exact - finite).max()
        assert 0 < apart < 1e-2


def test_many_numbers_of_steps_in_one_program():
    with jax.enable_x64(True):
        numbers = np.array([[30, 3], [100, 1], [5, 0]])
        games = jax.jit(jax.vmap(lambda s: toy_gan.play(START, REAL, Z, 4, (s[0], s[1]))))(numbers)
        for game, steps in zip(games.theta, numbers):
            alone = play(START, REAL, Z, rounds=4, steps=tuple(steps.tolist()))
            np.testing.assert_allclose(game, alone.theta, rtol=1e-12)


def test_patient_game_settles_where_the_means_meet():
    with jax.enable_x64(True):
        end = play(START, REAL, Z, rounds=400, steps=(300, 3))
        np.testing.assert_allclose(end.theta[-1], end.theta[-100], atol=1e-3)


def test_dtype_is_that_of_the_start():
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            start = toy_gan.Players(*(part.astype(dtype) for part in START))
            players = play(start, REAL.astype(dtype), Z.astype(dtype), rounds=2, steps=(3, 3))
            assert {part.dtype for part in players} == {jnp.dtype(dtype)}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rounds": 0}, "rounds must be at least 1, got 0"),
        (
            {"rounds": 2, "steps": (np.array(-1), 3)},
            r"steps\[0\] must be a number of steps, not negative, got -1",
        ),
        (
            {"rounds": 2, "steps": (3, np.array(0.5))},
            r"steps\[1\] must be a number of steps, not negative, got 0\.5",
        ),
        ({"rounds": 2, "rates": (0.1, -1.0)}, r"rates\[1\] must not be negative.* got -1\.0"),
        (
            {"rounds": 2, "rates": (float("nan"), 1.0)},
            r"rates\[0\] must not be negative.* got nan",
        ),
        ({"rounds": 2, "gradient": "hand"}, "gradient must be one of 'exact', 'finite', got 'hand'"),
        (
            {"rounds": 2, "kind": "zero-sum"},
            "kind must be one of 'minimax', 'non-saturating', got 'zero-sum'",
        ),
    ],
)
def test_bad_input_is_told(settings, message):
    with pytest.raises(ValueError, match=message):
        toy_gan.play(START, REAL, Z, **settings)
