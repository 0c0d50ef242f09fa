"""Implicit regularization: what a finite step adds to the loss that gradient descent seems to go down."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Num, PyTree

from udl_jax import _checks
from udl_jax._annotations import checked

Loss = Callable[[PyTree], Float[Array, ""]]


@checked
def valley_loss(phi: Float[Array, "2"]) -> Float[Array, ""]:
    r"""Evaluate a valley along the first axis, whose walls grow steeper to both sides of the origin.

    Parameters
    ----------
    phi
        Two parameters.

    Returns
    -------
    Float[Array, ""]
        :math:`1 - \exp\bigl[-\tfrac12 \phi_1^2 \exp(4\phi_0^2)\bigr]`, in [0, 1]; 0 on the whole line
        :math:`\phi_1 = 0`.

    References
    ----------
    Prince (2023), section 9.2.1, figure 9.3; notebook 9.2.

    Examples
    --------
    >>> valley_loss(jnp.array([0.0, 1.0]))
    Array(0.39346..., dtype=float32)
    """
    # Where the wall is this high, the loss is 1 in any precision; clipped, products with infinity cannot be NaN.
    largest = jnp.log(jnp.finfo(phi.dtype).max) / 2
    height = jnp.clip(phi[1] * jnp.exp(jnp.minimum(2 * phi[0] ** 2, largest)), -40, 40)
    return -jnp.expm1(-(height**2) / 2)


def penalty(loss: Loss, phi: PyTree, step_size: Num[ArrayLike, ""]) -> Float[Array, ""]:
    r"""Compute what gradient descent with a finite step adds to a loss.

    Parameters
    ----------
    loss
        Function of the parameters; static under ``jit``.
    phi
        Parameters: an array, or a tree of arrays such as a network has.
    step_size
        Step size :math:`\alpha` of the descent, not negative.

    Returns
    -------
    Float[Array, ""]
        :math:`\tfrac{\alpha}{4} \|\partial L/\partial\boldsymbol\phi\|^2`.

    Raises
    ------
    ValueError
        If ``step_size`` is negative.

    References
    ----------
    Prince (2023), section 9.2.1, equation 9.8.

    Examples
    --------
    >>> penalty(lambda phi: jnp.sum(phi**2), jnp.array([1.0, 2.0]), step_size=0.4)
    Array(2., dtype=float32)
    """
    step_size = _checks.number("step_size", step_size, least=0.0)
    gradient = jax.tree.leaves(jax.grad(loss)(phi))
    return _checks.like(step_size, *gradient) / 4 * sum(jnp.sum(leaf**2) for leaf in gradient)


def modified_loss(loss: Loss, step_size: Num[ArrayLike, ""]) -> Loss:
    r"""Make the loss whose continuous flow goes where gradient descent on the original one goes.

    Its gradient is a gradient of a gradient, which ``jax.grad`` finds like any other.

    Parameters
    ----------
    loss
        Function of the parameters.
    step_size
        Step size :math:`\alpha` of the descent that is to be explained, not negative. The flow stays within
        a distance of order :math:`\alpha^2` of that descent, where that of ``loss`` is within order :math:`\alpha`.

    Returns
    -------
    Callable
        :math:`L + \tfrac{\alpha}{4} \|\partial L/\partial\boldsymbol\phi\|^2`.

    Raises
    ------
    ValueError
        If ``step_size`` is negative.

    References
    ----------
    Prince (2023), section 9.2.1, equation 9.8, figure 9.3c.

    Examples
    --------
    >>> loss = modified_loss(lambda phi: jnp.sum(phi**2), step_size=0.4)
    >>> loss(jnp.array([1.0, 2.0])), jax.grad(loss)(jnp.array([1.0, 2.0]))
    (Array(7., dtype=float32), Array([2.8, 5.6], dtype=float32))
    """
    step_size = _checks.number("step_size", step_size, least=0.0)
    return lambda phi: loss(phi) + penalty(loss, phi, step_size)


def stochastic_penalty(
    batch_loss: Callable[[PyTree, PyTree], Float[Array, ""]],
    phi: PyTree,
    batches: PyTree,
    step_size: Num[ArrayLike, ""],
) -> Float[Array, ""]:
    r"""Compute what stochastic gradient descent adds on top of :func:`penalty`.

    Parameters
    ----------
    batch_loss
        Function of the parameters and of one batch; static under ``jit``.
    phi
        Parameters.
    batches
        All batches of an epoch, along the leading axis of an array or of a tree of arrays.
    step_size
        Step size :math:`\alpha`, not negative.

    Returns
    -------
    Float[Array, ""]
        :math:`\tfrac{\alpha}{4B} \sum_b \|\partial L_b/\partial\boldsymbol\phi
        - \partial L/\partial\boldsymbol\phi\|^2`, where :math:`L` is the mean of the batches' losses: 0 if all batches
        agree on the way down.

    Raises
    ------
    ValueError
        If ``step_size`` is negative, or ``batches`` are none.

    References
    ----------
    Prince (2023), section 9.2.2, equation 9.9.

    Examples
    --------
    >>> squared = lambda phi, target: (phi - target) ** 2
    >>> stochastic_penalty(squared, jnp.array(0.0), jnp.array([1.0, -1.0]), step_size=0.1)
    Array(0.1, dtype=float32)
    """
    step_size = _checks.number("step_size", step_size, least=0.0)
    if not all(len(leaf) for leaf in jax.tree.leaves(batches)) or not jax.tree.leaves(batches):
        raise ValueError("batches must hold at least one batch, got none")
    gradients = jax.tree.leaves(jax.vmap(jax.grad(batch_loss), (None, 0))(phi, batches))
    spread = sum(jnp.sum(jnp.var(leaf, axis=0)) for leaf in gradients)
    return _checks.like(step_size, *gradients) / 4 * spread
