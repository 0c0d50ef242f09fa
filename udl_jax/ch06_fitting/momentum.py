"""Momentum: a step follows the average of past gradients; with Nesterov's, measured further ahead."""

from typing import NamedTuple

import jax
import optax
from jaxtyping import ArrayLike, Num, PyTree

from udl_jax.ch06_fitting.stochastic_gradient_descent import Rate, check_rate


class MomentumState(NamedTuple):
    """What momentum remembers: the weighted average ``m`` of past gradients."""

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
    check_rate(rate)
    check_decay("beta", beta)

    def update(gradient, state, params=None):
        m = running_average(state.m, gradient, beta)
        return m, MomentumState(m)

    average = optax.GradientTransformation(
        lambda params: MomentumState(optax.tree.zeros_like(params)), update
    )
    return optax.chain(average, optax.scale_by_learning_rate(rate))


def nesterov(
    rate: Num[ArrayLike, ""],
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
        Learning rate :math:`\alpha`.
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

    References
    ----------
    Prince (2023), section 6.3.1, equation 6.12, figure 6.8.
    """
    check_rate(rate)
    check_decay("beta", beta)
    ahead = beta if look_ahead is None else look_ahead

    def init(params):
        return NesterovState(optax.tree.zeros_like(params), params)

    def update(gradient, state, params=None):
        if params is None:
            raise ValueError("nesterov moves its parameters to a new point ahead: give update its params")
        m = running_average(state.m, gradient, beta)
        phi = jax.tree.map(lambda p, m: p - rate * m, state.phi, m)
        updates = jax.tree.map(lambda p, m, old: p - rate * ahead * m - old, phi, m, params)
        return updates, NesterovState(m, phi)

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
    """Mix ``decay`` parts of ``old`` with ``1 - decay`` parts of ``new``, leaf by leaf."""
    return jax.tree.map(lambda a, b: decay * a + (1 - decay) * b, old, new)


def check_decay(name: str, value: Num[ArrayLike, ""]) -> None:
    """Raise ``ValueError`` if ``value`` is not traced and lies outside [0, 1)."""
    if not isinstance(value, jax.core.Tracer) and not 0 <= value < 1:
        raise ValueError(f"{name} must lie in [0, 1), got {value}")
