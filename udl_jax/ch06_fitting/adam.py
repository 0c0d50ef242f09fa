"""Adam: how far to step is decided for each parameter by the size of its own gradients."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, ArrayLike, Float, Int, Num, PyTree

from udl_jax.ch06_fitting.momentum import check_decay, running_average
from udl_jax.ch06_fitting.stochastic_gradient_descent import Rate, check_rate


class AdamState(NamedTuple):
    """What Adam remembers: steps done, and averages of past gradients (m) and of their squares (v)."""

    count: Int[Array, ""]
    m: PyTree
    v: PyTree


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
    across = jnp.exp(-2 * phi[1] ** 2)
    along = jnp.exp(-((phi[0] - 0.7) ** 2) / 8)
    return 1 - across * along


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
    return (1 - valley_loss(phi)) * jnp.stack([(phi[0] - 0.7) / 4, 4 * phi[1]])


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
    check_rate(rate)
    _check_epsilon(epsilon)

    def update(gradient, state, params=None):
        return jax.tree.map(lambda m: _normalise(m, m**2, epsilon), gradient), state

    normalise = optax.GradientTransformation(lambda params: optax.EmptyState(), update)
    return optax.chain(normalise, optax.scale_by_learning_rate(rate))


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
    check_rate(rate)
    check_decay("beta", beta)
    check_decay("gamma", gamma)
    _check_epsilon(epsilon)

    def init(params):
        return AdamState(jnp.zeros((), jnp.int32), *2 * [optax.tree.zeros_like(params)])

    def update(gradient, state, params=None):
        count = state.count + 1
        m = running_average(state.m, gradient, beta)
        v = running_average(state.v, jax.tree.map(jnp.square, gradient), gamma)
        m_tilde, v_tilde = (_correct(m, beta, count), _correct(v, gamma, count)) if corrected else (m, v)
        updates = jax.tree.map(lambda m, v: _normalise(m, v, epsilon), m_tilde, v_tilde)
        return updates, AdamState(count, m, v)

    return optax.chain(optax.GradientTransformation(init, update), optax.scale_by_learning_rate(rate))


def _correct(average: PyTree, decay, count: Int[Array, ""]) -> PyTree:
    """Undo that an average which starts from zero is too small at first (equation 6.16)."""
    return jax.tree.map(lambda leaf: leaf / (1 - jnp.asarray(decay, leaf.dtype) ** count), average)


def _normalise(m: Array, v: Array, epsilon) -> Array:
    return m / (jnp.sqrt(v) + jnp.asarray(epsilon, m.dtype))


def _check_epsilon(epsilon: Num[ArrayLike, ""]) -> None:
    if not isinstance(epsilon, jax.core.Tracer) and not epsilon > 0:
        raise ValueError(f"epsilon must be positive, got {epsilon}")
