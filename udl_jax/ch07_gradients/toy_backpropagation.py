"""Backpropagation by hand through a chain of seven simple functions of one number."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from udl_jax._annotations import checked
from udl_jax._checks import as_floats


class Parameters(NamedTuple):
    r"""Parameters of the toy model.

    Attributes
    ----------
    beta
        Offsets :math:`\beta_0, \dots, \beta_3`.
    omega
        Slopes :math:`\omega_0, \dots, \omega_3`.
    """

    beta: Float[Array, "4"]
    omega: Float[Array, "4"]


class Perturbation(NamedTuple):
    """Something added to each intermediate value the moment it has been computed.

    Attributes
    ----------
    f, h
        Added to :math:`f_0` to :math:`f_3` and to :math:`h_0` to :math:`h_3`.
    """

    f: Float[Array, "4"]
    h: Float[Array, "4"]


class Forward(NamedTuple):
    r"""All values of the forward pass.

    Attributes
    ----------
    f
        :math:`f_k = \beta_k + \omega_k h_k` for k from 0 to 3; the last is the model's output.
    h
        The input as :math:`h_0`, then :math:`h_1 = \sin f_0`, :math:`h_2 = \exp f_1`, :math:`h_3 = \cos f_2`.
    loss
        :math:`\ell = (f_3 - y)^2`.
    """

    f: Float[Array, "4"]
    h: Float[Array, "4"]
    loss: Float[Array, ""]


class Backward(NamedTuple):
    """All derivatives of the loss.

    Attributes
    ----------
    dl_df, dl_dh
        With respect to the values of :class:`Forward`; ``dl_dh[0]`` is that with respect to the input.
    dl_dbeta, dl_domega
        With respect to the :class:`Parameters`.
    """

    dl_df: Float[Array, "4"]
    dl_dh: Float[Array, "4"]
    dl_dbeta: Float[Array, "4"]
    dl_domega: Float[Array, "4"]


@checked
def model(phi: Parameters, x: Float[ArrayLike, ""]) -> Float[Array, ""]:
    r"""Evaluate the toy model in one expression.

    Parameters
    ----------
    phi, x
        Offsets and slopes, and the input.

    Returns
    -------
    Float[Array, ""]
        :math:`\beta_3 + \omega_3\cos(\beta_2 + \omega_2\exp(\beta_1 + \omega_1\sin(\beta_0 + \omega_0 x)))`.

    References
    ----------
    Prince (2023), section 7.3, equation 7.5.

    Examples
    --------
    >>> phi = Parameters(beta=jnp.zeros(4), omega=jnp.array([1.0, 1.0, 0.0, 5.0]))
    >>> model(phi, 0.3)
    Array(5., dtype=float32)
    """
    beta, omega = _four("phi", phi)
    inner = jnp.exp(beta[1] + omega[1] * jnp.sin(beta[0] + omega[0] * x))
    return beta[3] + omega[3] * jnp.cos(beta[2] + omega[2] * inner)


@checked
def least_squares_loss(phi: Parameters, x: Float[ArrayLike, ""], y: Float[ArrayLike, ""]) -> Float[Array, ""]:
    """Square the difference between the model's output and ``y``.

    Parameters
    ----------
    phi, x, y
        Offsets and slopes; input and target.

    Returns
    -------
    Float[Array, ""]
        The loss, in squared units of ``y``.

    References
    ----------
    Prince (2023), section 7.3, equation 7.6.
    """
    return (model(phi, x) - y) ** 2


@checked
def forward_pass(
    phi: Parameters,
    x: Float[ArrayLike, ""],
    y: Float[ArrayLike, ""],
    perturbation: Perturbation | None = None,
) -> Forward:
    """Compute the loss step by step and keep every value on the way.

    Parameters
    ----------
    phi, x, y
        Offsets and slopes; input and target.
    perturbation
        Added to the values on the way; nothing by default. The derivative of the loss with respect to it
        is the derivative with respect to the values.

    Returns
    -------
    Forward
        The values ``f``, ``h`` and the loss.

    Raises
    ------
    ValueError
        If ``phi`` does not hold four offsets and four slopes.

    References
    ----------
    Prince (2023), section 7.3, equation 7.8, figure 7.3.

    Examples
    --------
    >>> phi = Parameters(beta=jnp.zeros(4), omega=jnp.array([1.0, 1.0, 0.0, 5.0]))
    >>> forward_pass(phi, 0.0, 3.0).h
    Array([0., 0., 1., 1.], dtype=float32)
    """
    beta, omega = _four("phi", phi)
    nothing = Perturbation(jnp.zeros_like(beta), jnp.zeros_like(beta))
    df, dh = nothing if perturbation is None else _four("perturbation", perturbation)
    h_0 = x + dh[0]
    f_0 = beta[0] + omega[0] * h_0 + df[0]
    h_1 = jnp.sin(f_0) + dh[1]
    f_1 = beta[1] + omega[1] * h_1 + df[1]
    h_2 = jnp.exp(f_1) + dh[2]
    f_2 = beta[2] + omega[2] * h_2 + df[2]
    h_3 = jnp.cos(f_2) + dh[3]
    f_3 = beta[3] + omega[3] * h_3 + df[3]
    return Forward(jnp.stack([f_0, f_1, f_2, f_3]), jnp.stack([h_0, h_1, h_2, h_3]), (f_3 - y) ** 2)


@checked
def backward_pass(phi: Parameters, forward: Forward, y: Float[ArrayLike, ""]) -> Backward:
    """Compute all derivatives by hand, from the last value back to the first.

    Every line multiplies a derivative that is known already by that of a single step.

    Parameters
    ----------
    phi
        Offsets and slopes.
    forward
        From :func:`forward_pass`.
    y
        Target.

    Returns
    -------
    Backward
        Derivatives of the loss with respect to all values and all parameters.

    Raises
    ------
    ValueError
        If ``phi`` does not hold four offsets and four slopes.

    References
    ----------
    Prince (2023), section 7.3, equations 7.9 to 7.14, figures 7.4 and 7.5.

    Examples
    --------
    >>> phi = Parameters(beta=jnp.zeros(4), omega=jnp.array([1.0, 1.0, 0.0, 5.0]))
    >>> backward_pass(phi, forward_pass(phi, 0.0, 3.0), 3.0).dl_dbeta[3]
    Array(4., dtype=float32)
    """
    phi = _four("phi", phi)
    f, h, _ = forward
    dl_df_3 = 2 * (f[3] - y)
    dl_dh_3 = phi.omega[3] * dl_df_3
    dl_df_2 = -jnp.sin(f[2]) * dl_dh_3
    dl_dh_2 = phi.omega[2] * dl_df_2
    dl_df_1 = h[2] * dl_dh_2  # exp is its own derivative, and the forward pass has kept it
    dl_dh_1 = phi.omega[1] * dl_df_1
    dl_df_0 = jnp.cos(f[0]) * dl_dh_1
    dl_dh_0 = phi.omega[0] * dl_df_0
    dl_df = jnp.stack([dl_df_0, dl_df_1, dl_df_2, dl_df_3])
    dl_dh = jnp.stack([dl_dh_0, dl_dh_1, dl_dh_2, dl_dh_3])
    return Backward(dl_df, dl_dh, dl_dbeta=dl_df, dl_domega=h * dl_df)


@checked
def derivatives_by_hand(phi: Parameters, x: Float[ArrayLike, ""], y: Float[ArrayLike, ""]) -> Backward:
    """Go forward with :func:`forward_pass`, then back with :func:`backward_pass`."""
    return backward_pass(phi, forward_pass(phi, x, y), y)


@checked
def automatic_derivatives(phi: Parameters, x: Float[ArrayLike, ""], y: Float[ArrayLike, ""]) -> Backward:
    """Leave all derivatives to ``jax.grad``.

    It differentiates with respect to arguments only. The values on the way become arguments as a
    perturbation that happens to be zero.

    Parameters
    ----------
    phi, x, y
        Offsets and slopes; input and target.

    Returns
    -------
    Backward
        As from :func:`backward_pass`.

    Raises
    ------
    ValueError
        If ``phi`` does not hold four offsets and four slopes.
    """
    phi = _four("phi", phi)

    def loss(phi, perturbation):
        return forward_pass(phi, x, y, perturbation).loss

    nothing = Perturbation(jnp.zeros_like(phi.beta), jnp.zeros_like(phi.beta))
    dl_dphi, dl_dvalues = jax.grad(loss, argnums=(0, 1))(phi, nothing)
    return Backward(*dl_dvalues, *dl_dphi)


@checked
def dl_domega_0_in_full(
    phi: Parameters, x: Float[ArrayLike, ""], y: Float[ArrayLike, ""]
) -> Float[Array, ""]:
    """Compute the derivative with respect to the first slope from its formula, written out in one piece.

    Parameters
    ----------
    phi, x, y
        Offsets and slopes; input and target.

    Returns
    -------
    Float[Array, ""]
        The same as ``dl_domega[0]`` of :func:`backward_pass`, in more work.

    References
    ----------
    Prince (2023), section 7.3; notebook 7.1.
    """
    beta, omega = _four("phi", phi)
    outer = -2 * (model(phi, x) - y) * omega[1] * omega[2] * omega[3] * x
    innermost = jnp.cos(beta[0] + omega[0] * x)
    exponential = jnp.exp(beta[1] + omega[1] * jnp.sin(beta[0] + omega[0] * x))
    sine = jnp.sin(beta[2] + omega[2] * jnp.exp(beta[1] + omega[1] * jnp.sin(beta[0] + omega[0] * x)))
    return outer * innermost * exponential * sine


def _four(name, numbers):
    """Return a tuple of arrays as it is, if each holds four real numbers."""
    arrays = [as_floats(f"{name}.{field}", values) for field, values in zip(numbers._fields, numbers)]
    for field, array in zip(numbers._fields, arrays):
        if array.shape != (4,):
            raise ValueError(f"{name}.{field} must have shape (4,), got {array.shape}")
    return type(numbers)(*arrays)
