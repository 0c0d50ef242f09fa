r"""A pole that stands on a cart: the classic balancing act of Barto, Sutton and Anderson (1983), in two pure functions."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch19_reinforcement.environments import Environment, Step

#: In metres, kilograms, newtons and seconds.
GRAVITY, CART_MASS, POLE_MASS, HALF_LENGTH, FORCE, INTERVAL = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
#: Beyond these an episode has failed: metres from the middle, and radians from upright.
FURTHEST, STEEPEST = 2.4, 12 * np.pi / 180
#: Steps after which an episode is cut off.
LIMIT = 500


class CartPole(NamedTuple):
    """Where cart and pole are.

    Attributes
    ----------
    position, velocity
        Of the cart, in metres and metres a second, to the right.
    angle, spin
        Of the pole, in radians from upright and radians a second, clockwise.
    time
        Steps since the reset.
    """

    position: Float[Array, ""]
    velocity: Float[Array, ""]
    angle: Float[Array, ""]
    spin: Float[Array, ""]
    time: Int[Array, ""]


@checked
def reset(key: Key[Array, ""]) -> CartPole:
    """Begin near the middle and nearly upright: all four numbers are uniform between -0.05 and 0.05.

    Examples
    --------
    >>> bool(jnp.abs(jnp.stack(reset(jax.random.key(0))[:4])).max() <= 0.05)
    True
    """
    return CartPole(*jax.random.uniform(key, (4,), minval=-0.05, maxval=0.05), jnp.zeros((), jnp.int32))


def step(state: CartPole, action: Num[Array, ""] | int) -> Step:
    r"""Push the cart to the left (0) or to the right (1), and let a fiftieth of a second pass.

    Parameters
    ----------
    state
        Where cart and pole are.
    action
        0 or 1.

    Returns
    -------
    Step
        Where they are then, and a reward of 1. The episode is ``terminal`` if the pole has fallen or the cart has
        run away. It is ``truncated`` if it has lasted 500 steps without: nothing has failed then, and what would have
        come counts.

    Raises
    ------
    ValueError
        If there is no such action.

    References
    ----------
    Barto, Sutton and Anderson (1983); constants and Euler's method as in CartPole-v1 of Gymnasium.

    Examples
    --------
    >>> upright = CartPole(*jnp.zeros(4), jnp.array(0))
    >>> print(f"{step(upright, 1).state.velocity:.4f}")
    0.1951
    """
    state = _check_state(state)
    _checks.values("action", action, lambda a: (a == 0) | (a == 1), "0 or 1")
    force = jnp.where(jnp.asarray(action) == 1, FORCE, -FORCE).astype(state.angle.dtype)
    cosine, sine = jnp.cos(state.angle), jnp.sin(state.angle)
    mass = CART_MASS + POLE_MASS
    push = (force + POLE_MASS * HALF_LENGTH * state.spin**2 * sine) / mass
    turning = (GRAVITY * sine - cosine * push) / (HALF_LENGTH * (4 / 3 - POLE_MASS * cosine**2 / mass))
    pulling = push - POLE_MASS * HALF_LENGTH * turning * cosine / mass
    new = CartPole(
        state.position + INTERVAL * state.velocity,
        state.velocity + INTERVAL * pulling,
        state.angle + INTERVAL * state.spin,
        state.spin + INTERVAL * turning,
        state.time + 1,
    )
    failed = (jnp.abs(new.position) > FURTHEST) | (jnp.abs(new.angle) > STEEPEST)
    return Step(new, jnp.ones_like(new.angle), failed, (new.time >= LIMIT) & ~failed)


def observe(state: CartPole) -> Float[Array, "4"]:
    """Return what an agent sees: all but the time, each in units of about its range."""
    return jnp.stack(state[:4]) / jnp.array([FURTHEST, 2.0, STEEPEST, 2.0], state.angle.dtype)


def environment() -> Environment:
    """Wrap it up for an agent; chance plays no part in the steps."""
    partial = jax.tree_util.Partial
    return Environment(partial(reset), partial(_step), partial(observe))


def _step(state, action, key):
    return step(state, action)


def _check_state(state: Any) -> CartPole:
    if not isinstance(state, CartPole):
        raise TypeError(f"state must be a CartPole, got {type(state).__name__}")
    for name, part in state._asdict().items():
        if jnp.shape(part) != ():
            raise ValueError(f"state.{name} must be a single number, got the shape {jnp.shape(part)}")
        _checks.values(f"state.{name}", part, np.isfinite, "finite")
    *places, time = state
    dtype = jnp.result_type(*places)
    return CartPole(*(jnp.asarray(place, dtype) for place in places), jnp.asarray(time))
