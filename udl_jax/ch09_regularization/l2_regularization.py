"""L2 regularization: the loss gains a term that pulls parameters towards where they are expected."""

from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Num

from udl_jax import _checks
from udl_jax._annotations import checked
from udl_jax.ch06_fitting import gabor

#: Where notebook 9.1 expects offset and frequency of the Gabor model.
CENTRE = (0.0, 12.5)
#: One number for all parameters, or one for each.
Centre = Num[ArrayLike, "*centre"] | Sequence[float]


@checked
def penalty(phi: Float[Array, " parameters"], centre: Centre = 0.0) -> Float[Array, ""]:
    r"""Sum the squared distances of the parameters from a centre.

    Parameters
    ----------
    phi
        Parameters.
    centre
        What they are pulled towards: one number for each of them, or one for all.

    Returns
    -------
    Float[Array, ""]
        :math:`\sum_j (\phi_j - c_j)^2`.

    Raises
    ------
    ValueError
        If ``centre`` is neither a number nor as long as ``phi``.

    References
    ----------
    Prince (2023), section 9.1.2, equation 9.5, with a centre of zero; figure 9.1b with that of notebook 9.1.

    Examples
    --------
    >>> penalty(jnp.array([3.0, 4.0]))
    Array(25., dtype=float32)
    """
    return jnp.sum((phi - _place(centre, phi)) ** 2)


@checked
def penalty_gradient(phi: Float[Array, " parameters"], centre: Centre = 0.0) -> Float[Array, " parameters"]:
    r"""Differentiate :func:`penalty` with respect to ``phi`` by hand: :math:`2(\phi_j - c_j)`."""
    return 2 * (phi - _place(centre, phi))


@checked
def regularised(
    loss: Callable[[Float[Array, " parameters"]], Float[Array, ""]],
    weight: Num[ArrayLike, ""],
    centre: Centre = 0.0,
) -> Callable[[Float[Array, " parameters"]], Float[Array, ""]]:
    r"""Add the penalty to a loss.

    There are two conventions for the weight. This is the book's; others, weight decay among them, mean
    :math:`\tfrac{\lambda}{2}\|\boldsymbol\phi\|^2`, and their :math:`\lambda` is twice as large for the same effect.

    Parameters
    ----------
    loss
        Any function of the parameters.
    weight
        :math:`\lambda`, not negative.
    centre
        As in :func:`penalty`.

    Returns
    -------
    Callable
        :math:`\boldsymbol\phi \mapsto L[\boldsymbol\phi] + \lambda \sum_j (\phi_j - c_j)^2`.

    Raises
    ------
    ValueError
        If ``weight`` is negative; when the result is called, as :func:`penalty`.

    References
    ----------
    Prince (2023), section 9.1, equations 9.2 and 9.5, figure 9.1.

    Examples
    --------
    >>> regularised(lambda phi: jnp.sum(phi), weight=0.1)(jnp.array([3.0, 4.0]))
    Array(9.5, dtype=float32)
    """
    weight = _checks.number("weight", weight, least=0.0)

    def sum_of_both(phi):
        return loss(phi) + _checks.like(weight, jnp.asarray(phi)) * penalty(phi, centre)

    return sum_of_both


@checked
def loss(
    phi: Float[Array, "2"],
    x: Float[Array, " batch"],
    y: Float[Array, " batch"],
    weight: Num[ArrayLike, ""] = 0.2,
    centre: Centre = CENTRE,
) -> Float[Array, ""]:
    """Compute the loss of the Gabor model with the penalty.

    Parameters
    ----------
    phi
        Offset and frequency.
    x, y
        Training pairs.
    weight, centre
        As in :func:`regularised`; by default the notebook's.

    Returns
    -------
    Float[Array, ""]
        Sum of squared differences, plus the weighted penalty.

    Raises
    ------
    ValueError
        If ``x`` and ``y`` differ in length, ``weight`` is negative, or ``centre`` does not fit.

    References
    ----------
    Prince (2023), section 9.1, figure 9.1c; notebook 9.1.

    Examples
    --------
    >>> x = jnp.array([-2.0, 0.0, 2.0])
    >>> bool(loss(jnp.array([0.0, 12.5]), x, x) == loss(jnp.array([0.0, 12.5]), x, x, weight=5.0))
    True
    """
    return regularised(lambda phi: gabor.least_squares_loss(phi, x, y), weight, centre)(phi)


@checked
def gradient(
    phi: Float[Array, "2"],
    x: Float[Array, " batch"],
    y: Float[Array, " batch"],
    weight: Num[ArrayLike, ""] = 0.2,
    centre: Centre = CENTRE,
) -> Float[Array, "2"]:
    """Differentiate :func:`loss` with respect to ``phi`` by hand, as the notebook does; ``jax.grad`` gives the same."""
    weight = _checks.like(_checks.number("weight", weight, least=0.0), phi)
    return gabor.gradient(phi, x, y) + weight * penalty_gradient(phi, centre)


def _place(centre, phi):
    centre = jnp.asarray(centre, phi.dtype)
    if centre.shape not in ((), phi.shape):
        raise ValueError(f"centre must be a number or have the shape {phi.shape} of phi, got {centre.shape}")
    return centre
