"""Momentum: a step follows the average of past gradients; with Nesterov's, measured further ahead."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import ArrayLike, Num, PyTree

from udl_jax._checks import at_least_single, number
from udl_jax.ch06_fitting.stochastic_gradient_descent import Rate, descending, in_single


class MomentumState(NamedTuple):
    """What momentum remembers: the weighted average ``m`` of past gradients, in single precision at least."""

    m: PyTree


class NesterovState(NamedTuple):
    """What Nesterov momentum remembers: ``m``, and ``phi``, the parameters of the book's equation."""

    m: PyTree
    phi: PyTree


def momentum(rate: Rate, beta: Num[ArrayLike, ""] = 0.9) -> optax.GradientTransformation:
    r"""Step against a running average of the gradients; an Optax transformation.

    ``optax.sgd`` and PyTorch leave out the factor :math:`1-\beta`, so their steps are :math:`1/(1-\beta)`
    times as long: ``optax.sgd(rate * (1 - beta), momentum=beta)`` is the same as this. As there, the
    learning rate stands outside the average: when it changes, all of the momentum feels it at once.

    Parameters
    ----------
    rate
        Learning rate :math:`\alpha`, or a schedule of it.
    beta
        Share of the old average in the new one, in [0, 1); 0 is plain descent.

    Returns
    -------
    optax.GradientTransformation
        :math:`m \leftarrow \beta m + (1-\beta)\,g`, then :math:`\phi \leftarrow \phi - \alpha\,m`.

    Raises
    ------
    ValueError
        If ``rate`` is negative, or ``beta`` outside [0, 1).

    References
    ----------
    Prince (2023), section 6.3, equation 6.11, figure 6.7.
    """
    beta = check_decay("beta", beta)

    def average(gradient, state):
        m = running_average(state.m, gradient, beta)
        return m, MomentumState(m)

    return descending(rate, lambda params: MomentumState(optax.tree.zeros_like(params)), average)


def nesterov(
    rate: Rate,
    beta: Num[ArrayLike, ""] = 0.9,
    look_ahead: Num[ArrayLike, ""] | None = None,
) -> optax.GradientTransformation:
    r"""Measure the gradient where momentum is about to lead, then step; an Optax transformation.

    An Optax transformation is given the gradient at the parameters and cannot ask for another. So the
    parameters that it carries are the points ahead, :math:`\psi = \phi - \alpha\beta m`, at which equation 6.12
    wants the gradient; :func:`nesterov_position` has the :math:`\phi` that belong to them. Seen through
    :math:`\psi`, this is ``optax.sgd(rate * (1 - beta), momentum=beta, nesterov=True)``.

    Parameters
    ----------
    rate
        Learning rate :math:`\alpha`, a number and no schedule.
    beta
        Share of the old average in the new one, in [0, 1); 0 is plain descent.
    look_ahead
        How far ahead the gradient is measured, in units of :math:`\alpha m`. By default ``beta``, since so much
        of the old momentum will be in the step. The book's errata correct equation 6.12 in this place; 1 is
        the other form that is met.

    Returns
    -------
    optax.GradientTransformation
        :math:`m \leftarrow \beta m + (1-\beta)\,g[\phi - \alpha\beta m]`, then
        :math:`\phi \leftarrow \phi - \alpha\,m`.

    Raises
    ------
    ValueError
        If ``rate`` is negative, or ``beta`` outside [0, 1).
    TypeError
        If ``rate`` is a schedule.

    References
    ----------
    Prince (2023), section 6.3.1, equation 6.12, figure 6.8.
    """
    if callable(rate):
        raise TypeError(
            "rate of nesterov must be a number: it looks ahead by the rate of a step that is yet to come"
        )
    rate, beta = number("rate", rate, least=0), check_decay("beta", beta)
    ahead = beta if look_ahead is None else number("look_ahead", look_ahead)

    def init(params):
        return NesterovState(optax.tree.zeros_like(in_single(params)), params)

    def update(gradient, state, params=None):
        if params is None:
            raise ValueError("nesterov moves its parameters to a new point ahead: give update its params")
        m = running_average(state.m, in_single(gradient), beta)
        phi = jax.tree.map(lambda p, m: p - jnp.asarray(rate, m.dtype) * m, in_single(state.phi), m)
        updates = jax.tree.map(lambda p, m, old: _to_point_ahead(p, m, old, rate, ahead), phi, m, params)
        return updates, NesterovState(m, jax.tree.map(lambda p, old: p.astype(old.dtype), phi, state.phi))

    return optax.GradientTransformation(init, update)


def nesterov_position(params: PyTree, state: NesterovState) -> PyTree:
    r"""Return the :math:`\phi` of equation 6.12, after a step of :func:`nesterov`.

    Parameters
    ----------
    params
        The point ahead that the step led to.
    state
        The state of :func:`nesterov` after the step.

    Returns
    -------
    PyTree
        The parameters themselves.
    """
    return state.phi


def running_average(old: PyTree, new: PyTree, decay: Num[ArrayLike, ""]) -> PyTree:
    """Mix ``decay`` parts of ``old`` with ``1 - decay`` parts of ``new``, leaf by leaf, in the dtype of ``old``."""

    def mix(a, b):
        a, b = jnp.asarray(a), jnp.asarray(b)
        precision = at_least_single(a.dtype)
        # A Python number is subtracted from one in double precision.
        kept, taken = jnp.asarray(decay, precision), jnp.asarray(1 - decay, precision)
        return (kept * a.astype(precision) + taken * b.astype(precision)).astype(a.dtype)

    decay = number("decay", decay)
    return jax.tree.map(mix, old, new)


def check_decay(name: str, value: Num[ArrayLike, ""]) -> Num[ArrayLike, ""]:
    """Return a number in [0, 1), or one that is traced; else raise ``ValueError``."""
    return number(name, value, least=0, below=1)


def _to_point_ahead(phi, m, old, rate, ahead):
    """Return the update from the old point ahead to the new one, in the dtype of the parameters."""
    distance = jnp.asarray(rate, m.dtype) * jnp.asarray(ahead, m.dtype)
    return (phi - distance * m - jnp.asarray(old).astype(m.dtype)).astype(jnp.asarray(old).dtype)
