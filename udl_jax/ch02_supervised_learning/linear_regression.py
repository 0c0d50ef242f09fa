"""Linear regression in one variable: the model, its loss, and three ways to the best line."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from udl_jax._annotations import checked
from udl_jax._checks import count, like, number


@checked
def predict(phi: Float[Array, "2"], x: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    r"""Evaluate the line with intercept ``phi[0]`` and slope ``phi[1]``.

    Parameters
    ----------
    phi
        Intercept and slope, :math:`\phi_0, \phi_1`.
    x
        Inputs.

    Returns
    -------
    Float[Array, "*batch"]
        :math:`\phi_0 + \phi_1 x`.

    References
    ----------
    Prince (2023), section 2.2, equation 2.4, figure 2.1.

    Examples
    --------
    >>> predict(jnp.array([0.5, 2.0]), jnp.array([0.0, 1.0]))
    Array([0.5, 2.5], dtype=float32)
    """
    intercept, slope = phi
    return intercept + slope * x


@checked
def least_squares_loss(
    phi: Float[Array, "2"], x: Float[Array, " batch"], y: Float[Array, " batch"]
) -> Float[Array, ""]:
    """Sum the squared differences between the line and the data.

    Parameters
    ----------
    phi
        Intercept and slope.
    x, y
        Inputs and outputs of the training pairs.

    Returns
    -------
    Float[Array, ""]
        The loss, in squared units of ``y``; not divided by the number of pairs.

    Raises
    ------
    ValueError
        If there is not one output for each input: a column does not stand for a row.

    References
    ----------
    Prince (2023), section 2.2, equation 2.5, figure 2.2.

    Examples
    --------
    >>> least_squares_loss(jnp.array([0.0, 1.0]), jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0]))
    Array(4., dtype=float32)
    """
    return jnp.sum((predict(phi, x) - y) ** 2)


@checked
def loss_surface(
    phi_0: Float[Array, " intercepts"],
    phi_1: Float[Array, " slopes"],
    x: Float[Array, " batch"],
    y: Float[Array, " batch"],
) -> Float[Array, "slopes intercepts"]:
    """Compute the loss at every pair of an intercept and a slope.

    Parameters
    ----------
    phi_0, phi_1
        The grid's intercepts (its columns) and slopes (its rows).
    x, y
        Inputs and outputs of the training pairs.

    Returns
    -------
    Float[Array, "slopes intercepts"]
        The loss over the grid.

    References
    ----------
    Prince (2023), section 2.2, figure 2.3.

    Examples
    --------
    >>> grid = jnp.array([0.0, 1.0])
    >>> loss_surface(grid, grid, x=jnp.array([1.0]), y=jnp.array([1.0]))
    Array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    return jax.vmap(lambda b: jax.vmap(lambda a: least_squares_loss(jnp.stack([a, b]), x, y))(phi_0))(phi_1)


@checked
def coordinate_descent(
    phi: Float[Array, "2"], x: Float[Array, " batch"], y: Float[Array, " batch"], sweeps: int
) -> Float[Array, "2*{sweeps}+1 2"]:
    """Minimise the loss along one parameter at a time: intercept, slope, intercept, and so on.

    The loss is a parabola along each axis, so each move goes to its lowest point by one Newton step.

    Parameters
    ----------
    phi
        Intercept and slope to start from.
    x, y
        Inputs and outputs of the training pairs.
    sweeps
        Number of pairs of moves; static under ``jit``.

    Returns
    -------
    Float[Array, "2*{sweeps}+1 2"]
        Where the path stands at the start and after each move.

    Raises
    ------
    ValueError
        If ``sweeps`` is negative, or the shapes do not fit.

    References
    ----------
    Prince (2023), section 2.2.2, which leaves the search for the best line to the reader's hand.
    """
    sweeps = count("sweeps", sweeps, least=0)

    def move(phi, axis):
        slope = jax.grad(least_squares_loss)(phi, x, y)[axis]
        curvature = jax.hessian(least_squares_loss)(phi, x, y)[axis, axis]
        # Where the loss is flat along an axis, every place is lowest.
        distance = jnp.where(curvature == 0, 0, slope / jnp.where(curvature == 0, 1, curvature))
        phi = phi.at[axis].add(-distance.astype(phi.dtype))
        return phi, phi

    _, path = jax.lax.scan(move, phi, jnp.tile(jnp.arange(2), sweeps))
    return jnp.concatenate([phi[None], path])


@checked
def gradient_descent(
    phi: Float[Array, "2"],
    x: Float[Array, " batch"],
    y: Float[Array, " batch"],
    rate: float | Float[Array, ""],
    steps: int,
) -> Float[Array, "{steps}+1 2"]:
    """Walk down the loss against its gradient, with steps of fixed rate.

    Parameters
    ----------
    phi
        Intercept and slope to start from.
    x, y
        Inputs and outputs of the training pairs.
    rate
        Factor from gradient to step.
    steps
        Number of steps; static under ``jit``.

    Returns
    -------
    Float[Array, "{steps}+1 2"]
        Where the path stands at the start and after each step.

    Raises
    ------
    ValueError
        If ``steps`` is negative, ``rate`` is not finite, or the shapes do not fit.

    References
    ----------
    Prince (2023), section 2.2.2, figure 2.4.
    """
    rate, steps = number("rate", rate), count("steps", steps, least=0)

    def step(phi, _):
        phi = phi - like(rate, phi) * jax.grad(least_squares_loss)(phi, x, y)
        return phi, phi

    _, path = jax.lax.scan(step, phi, length=steps)
    return jnp.concatenate([phi[None], path])


@checked(may_be_empty=("x", "y"))
def closed_form(x: Float[Array, " batch"], y: Float[Array, " batch"]) -> Float[Array, "2"]:
    """Solve for the line of least squares.

    Parameters
    ----------
    x, y
        Inputs and outputs of the training pairs. If all ``x`` are equal, no line is best: the result is NaN.

    Returns
    -------
    Float[Array, "2"]
        Intercept and slope.

    Raises
    ------
    ValueError
        If there are fewer than two pairs.

    References
    ----------
    Prince (2023), problem 2.2.

    Examples
    --------
    >>> closed_form(jnp.array([0.0, 1.0, 2.0]), jnp.array([1.0, 3.0, 5.0]))
    Array([1., 2.], dtype=float32)
    """
    if x.size < 2:
        raise ValueError(f"a line needs two pairs (x, y) at least, got {x.size}")
    from_mean = x - x.mean()
    slope = from_mean @ (y - y.mean()) / (from_mean @ from_mean)
    return jnp.stack([y.mean() - slope * x.mean(), slope])


class LinearRegression(nn.Module):
    """The line as a Flax model; its one parameter ``phi`` holds intercept and slope, zero at first.

    References
    ----------
    Prince (2023), section 2.2.
    """

    @nn.compact
    @checked
    def __call__(self, x: Float[Array, " batch"]) -> Float[Array, " batch"]:
        """Predict an output for each input."""
        return predict(self.param("phi", nn.initializers.zeros, (2,), x.dtype), x)
