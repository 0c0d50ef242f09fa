"""Adam: how far to step is decided for each parameter by the size of its own gradients."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, ArrayLike, Float, Int, Num, PyTree

from udl_jax._annotations import checked
from udl_jax._checks import number
from udl_jax.ch06_fitting.momentum import check_decay, running_average
from udl_jax.ch06_fitting.stochastic_gradient_descent import Rate, descending


class AdamState(NamedTuple):
    """What Adam remembers: steps done, and averages of past gradients (m) and of their squares (v).

    The averages are in single precision at least, as the square of a gradient does not fit into less.
    """

    count: Int[Array, ""]
    m: PyTree
    v: PyTree


@checked
def valley_loss(phi: Float[Array, "2"]) -> Float[Array, ""]:
    r"""Evaluate the loss of notebook 6.5: a valley with its lowest point at (0.7, 0), much steeper across than along.

    Parameters
    ----------
    phi
        The two parameters; the notebook looks at -1 to 1.

    Returns
    -------
    Float[Array, ""]
        :math:`1 - e^{-2\phi_1^2} e^{-(\phi_0-0.7)^2/8}`, between 0 and 1.

    References
    ----------
    Prince (2023), section 6.4, figure 6.9.

    Examples
    --------
    >>> valley_loss(jnp.array([0.7, 0.0]))
    Array(0., dtype=float32)
    """
    return 1 - _depth(phi)


@checked
def valley_gradient(phi: Float[Array, "2"]) -> Float[Array, "2"]:
    """Differentiate :func:`valley_loss` by hand, which the notebook does by finite differences.

    Parameters
    ----------
    phi
        The two parameters.

    Returns
    -------
    Float[Array, "2"]
        The gradient; ``jax.grad`` gives the same.

    Examples
    --------
    >>> valley_gradient(jnp.array([0.7, 0.5]))
    Array([0.       , 1.213...], dtype=float32)
    """
    phi = _within_reach(phi)
    return _depth(phi) * jnp.stack([(phi[0] - 0.7) / 4, 4 * phi[1]])


def _depth(phi):
    """Tell how far the valley lies below the plain."""
    phi = _within_reach(phi)
    across = jnp.exp(-2 * phi[1] ** 2)
    along = jnp.exp(-((phi[0] - 0.7) ** 2) / 8)
    return across * along


def _within_reach(phi):
    """Leave out what is so far away that the valley is none there, to the last digit: its square may overflow."""
    return jnp.clip(phi, -1e3, 1e3)


def normalised_gradients(rate: Rate, epsilon: Num[ArrayLike, ""] = 1e-20) -> optax.GradientTransformation:
    r"""Step the same distance along every axis, whatever the size of the gradient; an Optax transformation.

    Where the gradient is much larger than ``epsilon`` this is ``optax.sign_sgd``.

    Parameters
    ----------
    rate
        Distance of a step :math:`\alpha`, or a schedule of it.
    epsilon
        Keeps the division defined where the gradient is zero.

    Returns
    -------
    optax.GradientTransformation
        :math:`\phi \leftarrow \phi - \alpha\,m / (\sqrt{v} + \epsilon)` with :math:`m = g` and :math:`v = g^2`.

    Raises
    ------
    ValueError
        If ``rate`` is negative, or ``epsilon`` is not positive.

    References
    ----------
    Prince (2023), section 6.4, equations 6.13 and 6.14, figure 6.9c.
    """
    epsilon = number("epsilon", epsilon, above=0)

    def normalise(gradient, state):
        # The root of the square, which might over- or underflow.
        return jax.tree.map(lambda m: _normalise(m, jnp.abs(m), epsilon), gradient), state

    return descending(rate, lambda params: optax.EmptyState(), normalise)


def adam(
    rate: Rate,
    beta: Num[ArrayLike, ""] = 0.9,
    gamma: Num[ArrayLike, ""] = 0.99,
    epsilon: Num[ArrayLike, ""] = 1e-20,
    *,
    corrected: bool = True,
) -> optax.GradientTransformation:
    r"""Normalise a running average of gradients by one of their squares; an Optax transformation.

    The same as ``optax.adam(rate, b1=beta, b2=gamma, eps=epsilon)``, whose own defaults are 0.999 for gamma and
    1e-8 for epsilon. Optax's ``eps_root``, inside the square root, has no counterpart in the book.

    Parameters
    ----------
    rate
        Learning rate :math:`\alpha`, or a schedule of it.
    beta, gamma
        Shares of the old averages in the new ones, of gradients and of squares, in [0, 1).
    epsilon
        Keeps the division defined where all gradients were zero. In float32 the square of a gradient below
        about 1e-19 is zero already: with the default such a gradient can make a step of many times ``rate``.
    corrected
        Whether the averages are corrected for having started from zero (equation 6.16).

    Returns
    -------
    optax.GradientTransformation
        :math:`\phi \leftarrow \phi - \alpha\,\tilde m / (\sqrt{\tilde v} + \epsilon)`, where :math:`\tilde m` and
        :math:`\tilde v` are the averages, corrected if so asked.

    Raises
    ------
    ValueError
        If ``rate`` is negative, ``beta`` or ``gamma`` outside [0, 1), or ``epsilon`` not positive.

    References
    ----------
    Prince (2023), section 6.4, equations 6.15 to 6.17, figure 6.9d.
    """
    beta, gamma = check_decay("beta", beta), check_decay("gamma", gamma)
    epsilon = number("epsilon", epsilon, above=0)

    def init(params):
        return AdamState(jnp.zeros((), jnp.int32), *2 * [optax.tree.zeros_like(params)])

    def normalise(gradient, state):
        count = optax.safe_increment(state.count)
        m = running_average(state.m, gradient, beta)
        v = running_average(state.v, jax.tree.map(jnp.square, gradient), gamma)
        m_tilde, v_tilde = (_correct(m, beta, count), _correct(v, gamma, count)) if corrected else (m, v)
        direction = jax.tree.map(lambda m, v: _normalise(m, jnp.sqrt(v), epsilon), m_tilde, v_tilde)
        return direction, AdamState(count, m, v)

    return descending(rate, init, normalise)


def _correct(average: PyTree, decay, count: Int[Array, ""]) -> PyTree:
    """Undo that an average which starts from zero is too small at first (equation 6.16)."""
    with np.errstate(divide="ignore"):  # a decay of zero is one, too
        log_decay = np.log(np.float64(decay)) if isinstance(decay, int | float) else jnp.log(decay)
    # One less a power close to one: the logarithm of a Python number is taken in double precision.
    return jax.tree.map(lambda leaf: leaf / -jnp.expm1(count * jnp.asarray(log_decay, leaf.dtype)), average)


def _normalise(m: Array, root: Array, epsilon) -> Array:
    smallest = jnp.finfo(m.dtype).tiny
    return m / (root + jnp.maximum(jnp.asarray(epsilon, m.dtype), smallest))
