import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch19_reinforcement import cart_pole, environments
from udl_jax.ch19_reinforcement.cart_pole import CartPole


def at(*places, time=0):
    return CartPole(*(jnp.array(place, float) for place in places), jnp.array(time))


def test_first_steps_are_those_of_gymnasium():
    """By hand, from the equations in double precision: pushed to the right from rest, the pole falls to the left."""
    found = cart_pole.step(at(0.0, 0.0, 0.0, 0.0), 1)
    push = 10 / 1.1
    turning = -push / (0.5 * (4 / 3 - 0.1 / 1.1))
    expected = [0, 0.02 * (push - 0.05 * turning / 1.1), 0, 0.02 * turning]
    np.testing.assert_allclose(jnp.stack(found.state[:4]), expected, rtol=1e-6)
    assert (found.reward, bool(found.terminal), bool(found.truncated), int(found.state.time)) == (
        1,
        False,
        False,
        1,
    )
    again = cart_pole.step(found.state, 1).state
    np.testing.assert_allclose(again.position, 0.02 * expected[1], rtol=1e-6)
    np.testing.assert_allclose(again.angle, 0.02 * expected[3], rtol=1e-6)


def test_left_is_the_mirror_image_of_right():
    state = at(0.3, -0.5, 0.1, 0.4)
    mirrored = CartPole(*(-part for part in state[:4]), state.time)
    for action in (0, 1):
        ours = jnp.stack(cart_pole.step(state, action).state[:4])
        theirs = jnp.stack(cart_pole.step(mirrored, 1 - action).state[:4])
        np.testing.assert_allclose(ours, -theirs, rtol=1e-6)


def test_small_swings_obey_the_linear_equation():
    """Near upright and without the push, which is the same left and right on average, the angle grows as theory says."""
    with jax.enable_x64(True):
        both = [cart_pole.step(at(0.0, 0.0, 1e-4, 0.0), action).state.spin for action in (0, 1)]
        growth = (both[0] + both[1]) / 2 / (0.02 * 1e-4)
        assert growth == pytest.approx(9.8 / (0.5 * (4 / 3 - 0.1 / 1.1)), rel=1e-6)


def test_failing_is_terminal_and_the_limit_of_time_is_not():
    fallen = cart_pole.step(at(0.0, 0.0, 0.209, 1.0), 1)
    assert (bool(fallen.terminal), bool(fallen.truncated)) == (True, False)
    gone = cart_pole.step(at(2.39, 2.0, 0.0, 0.0), 1)
    assert (bool(gone.terminal), bool(gone.truncated)) == (True, False)
    over = cart_pole.step(at(0.0, 0.0, 0.0, 0.0, time=499), 1)
    assert (bool(over.terminal), bool(over.truncated)) == (False, True)
    both = cart_pole.step(at(2.39, 2.0, 0.0, 0.0, time=499), 1)
    assert (bool(both.terminal), bool(both.truncated)) == (True, False)


def test_resets_are_small_and_differ():
    many = jax.vmap(cart_pole.reset)(jax.random.split(jax.random.key(0), 500))
    places = np.stack(many[:4])
    assert np.abs(places).max() <= 0.05
    assert np.abs(places).min(axis=1).max() < 0.005
    assert (np.abs(places.mean(axis=1)) < 0.01).all()
    assert (many.time == 0).all()


def test_a_clever_policy_lasts_and_a_stubborn_one_does_not():
    world = cart_pole.environment()
    play = jax.jit(environments.play, static_argnums=(2, 3))
    lean = lambda seen: (seen @ jnp.array([0.1, 0.2, 1, 1]) > 0).astype(int)  # noqa: E731
    _, rewards, alive = play(jax.random.key(1), world, lean, 600)
    assert alive.sum() == rewards.sum() == 500
    _, rewards, _ = play(jax.random.key(1), world, lambda seen: 1, 600)
    assert 5 < rewards.sum() < 15


def test_dtype_jit_vmap_and_grad():
    states = jax.vmap(cart_pole.reset)(jax.random.split(jax.random.key(2), 3))
    several = jax.jit(jax.vmap(cart_pole.step))(states, jnp.array([0, 1, 0]))
    alone = cart_pole.step(jax.tree.map(lambda leaf: leaf[1], states), 1)
    np.testing.assert_allclose(several.state.spin[1], alone.state.spin, rtol=1e-6)
    assert cart_pole.observe(alone.state).dtype == np.float32
    with jax.enable_x64(True):
        assert cart_pole.step(at(0.0, 0.1, 0.0, 0.0), 0).state.angle.dtype == np.float64
    slope = jax.grad(lambda angle: cart_pole.step(at(0.0, 0.0, 0.0, 0.0)._replace(angle=angle), 1).state.spin)
    assert slope(0.0) > 0


def test_bad_input_is_told():
    with pytest.raises(ValueError, match="action must be 0 or 1, got 2"):
        cart_pole.step(at(0.0, 0.0, 0.0, 0.0), 2)
    with pytest.raises(ValueError, match=r"state\.angle must be a single number, got the shape \(2,\)"):
        cart_pole.step(at(0.0, 0.0, [0.0, 1.0], 0.0), 1)
    with pytest.raises(ValueError, match=r"state\.spin must be finite, got nan"):
        cart_pole.step(at(0.0, 0.0, 0.0, np.nan), 1)
    with pytest.raises(TypeError, match="key must come from"):
        cart_pole.reset(3)
