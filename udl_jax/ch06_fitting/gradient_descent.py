"""Gradient descent: which way is down, how far to go, and the path that comes of it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, ArrayLike, Float, Num, PyTree

from udl_jax._annotations import checked
from udl_jax._checks import at_least_single, count, like, number, scalar, shape_of
from udl_jax.ch02_supervised_learning.linear_regression import predict
from udl_jax.ch06_fitting import line_search


@checked
def least_squares_gradient(
    phi: Float[Array, "2"], x: Float[Array, " batch"], y: Float[Array, " batch"]
) -> Float[Array, "2"]:
    r"""Differentiate the loss of linear regression with respect to intercept and slope, by hand.

    Parameters
    ----------
    phi
        Intercept and slope.
    x, y
        Inputs and outputs of the training pairs.

    Returns
    -------
    Float[Array, "2"]
        :math:`\sum_i 2(\phi_0 + \phi_1 x_i - y_i)` and :math:`\sum_i 2 x_i (\phi_0 + \phi_1 x_i - y_i)`;
        ``jax.grad`` gives the same.

    References
    ----------
    Prince (2023), section 6.1.1, equations 6.6 and 6.7.

    Examples
    --------
    >>> least_squares_gradient(jnp.array([0.0, 1.0]), jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0]))
    Array([-4., -8.], dtype=float32)
    """
    rest = predict(phi, x) - y
    return jnp.stack([jnp.sum(2 * rest), jnp.sum(2 * x * rest)])


@checked
def finite_differences(
    loss: Callable[[Float[Array, " parameters"]], Float[Array, ""]],
    phi: Float[Array, " parameters"],
    delta: Num[ArrayLike, ""] = 1e-4,
    *,
    central: bool = False,
) -> Float[Array, " parameters"]:
    """Approximate a gradient by moving one parameter at a time.

    Parameters
    ----------
    loss
        Function of the parameters; static under ``jit``.
    phi
        Where to measure.
    delta
        Distance of the two points whose losses are compared. The error has two parts: one grows with
        ``delta`` (with its square, if central), the other is rounding and grows with its inverse.
    central
        Place the points at ``delta / 2`` on both sides of ``phi``, instead of at ``phi`` and ``delta`` beyond;
        static under ``jit``.

    Returns
    -------
    Float[Array, " parameters"]
        An estimate of the gradient.

    Raises
    ------
    ValueError
        If ``delta`` is not positive.

    References
    ----------
    Notebooks 6.2 and 6.3 check their gradients so; notebook 6.5 descends by central differences.

    Examples
    --------
    >>> finite_differences(lambda phi: jnp.sum(phi**2), jnp.array([1.0, -3.0]), 0.5)
    Array([ 2.5, -5.5], dtype=float32)
    >>> finite_differences(lambda phi: jnp.sum(phi**2), jnp.array([1.0, -3.0]), 0.5, central=True)
    Array([ 2., -6.], dtype=float32)
    """
    delta = like(number("delta", delta, above=0), phi)
    forward, backward = (delta / 2, delta / 2) if central else (delta, 0.0)

    def along(axis):
        return (
            scalar("loss", loss(phi + forward * axis)) - scalar("loss", loss(phi - backward * axis))
        ) / delta

    return jax.vmap(along)(jnp.eye(phi.size, dtype=phi.dtype))


@checked
def loss_surface(
    loss: Callable[[Float[Array, "2"]], Float[Array, ""]],
    phi_0: Float[Array, " columns"],
    phi_1: Float[Array, " rows"],
) -> Float[Array, "rows columns"]:
    """Compute a loss of two parameters at every point of a grid.

    Parameters
    ----------
    loss
        Function of the two parameters as one array; static under ``jit``.
    phi_0, phi_1
        The grid's values of the first parameter (its columns) and of the second (its rows).

    Returns
    -------
    Float[Array, "rows columns"]
        The loss over the grid.

    Examples
    --------
    >>> loss_surface(lambda phi: phi[0] - phi[1], jnp.array([1.0, 2.0, 3.0]), jnp.array([0.0, 1.0]))
    Array([[1., 2., 3.],
           [0., 1., 2.]], dtype=float32)
    """

    def at(a, b):
        return scalar("loss", loss(jnp.stack([a, b])))

    return jax.vmap(lambda b: jax.vmap(lambda a: at(a, b))(phi_0))(phi_1)


@checked
def follow(
    optimiser: optax.GradientTransformation,
    gradient: Callable[[Float[Array, "*shape"], PyTree], Float[Array, "*shape"]],
    phi: Float[Array, "*shape"],
    batches: PyTree,
    position: Callable[[Float[Array, "*shape"], PyTree], Float[Array, "*shape"]] | None = None,
) -> Float[Array, "path *shape"]:
    """Take one step of an optimiser for each of ``batches`` and keep the whole path.

    Parameters
    ----------
    optimiser
        Any Optax transformation; static under ``jit``, as the two functions are.
    gradient
        Function of the parameters and of one of ``batches``.
    phi
        Parameters to start from.
    batches
        What distinguishes one step from another, along the leading axis of an array or of a tree of arrays.
    position
        What to keep of a step, from the parameters and the optimiser's state; by default the parameters.

    Returns
    -------
    Float[Array, "path *shape"]
        Where the path stands at the start and after each step.

    Examples
    --------
    >>> follow(optax.sgd(0.5), lambda phi, target: phi - target, jnp.zeros(1), jnp.array([[1.0], [2.0]]))
    Array([[0.  ],
           [0.5 ],
           [1.25]], dtype=float32)
    """

    def step(carry, batch):
        phi, old = carry
        slope = gradient(phi, batch)
        shape_of("what gradient returns", slope, phi.shape, "phi")
        updates, state = optimiser.update(jnp.asarray(slope).astype(phi.dtype), old, phi)
        phi = optax.apply_updates(phi, updates)
        # An optimiser's constants do not decide in which precision it remembers.
        state = jax.tree.map(lambda new, old: jnp.asarray(new).astype(jnp.asarray(old).dtype), state, old)
        return (phi, state), phi if position is None else position(phi, state)

    _, path = jax.lax.scan(step, (phi, optimiser.init(phi)), batches)
    return jnp.concatenate([phi[None], path])


@checked
def descend(
    optimiser: optax.GradientTransformation,
    gradient: Callable[[Float[Array, "*shape"]], Float[Array, "*shape"]],
    phi: Float[Array, "*shape"],
    steps: int,
) -> Float[Array, "{steps}+1 *shape"]:
    """Take ``steps`` steps of an optimiser down a loss that is the same in every step.

    Parameters
    ----------
    optimiser
        Any Optax transformation; static under ``jit``, as ``gradient`` is.
    gradient
        The loss's gradient, by hand or from ``jax.grad``.
    phi
        Parameters to start from.
    steps
        Number of steps; static under ``jit``.

    Returns
    -------
    Float[Array, "{steps}+1 *shape"]
        Where the path stands at the start and after each step.

    Raises
    ------
    ValueError
        If ``steps`` is negative.

    References
    ----------
    Prince (2023), section 6.1, equation 6.3.

    Examples
    --------
    >>> descend(optax.sgd(0.25), lambda phi: 2 * phi, jnp.array([4.0]), steps=2)
    Array([[4.],
           [2.],
           [1.]], dtype=float32)
    """
    steps = count("steps", steps, least=0)
    return follow(optimiser, lambda phi, _: gradient(phi), phi, jnp.arange(steps))


def steepest_descent(
    loss: Callable[[PyTree], Float[Array, ""]],
    max_distance: Num[ArrayLike, ""] = 0.1,
    threshold: Num[ArrayLike, ""] = 1e-5,
    max_iterations: int = 15,
) -> optax.GradientTransformation:
    r"""Move against the gradient, as far as a line search says; an Optax transformation.

    Its ``update`` needs the parameters. Optax's own line searches also choose the step's length anew each
    time, but accept the first that lowers the loss enough; this one looks for the minimum.

    Parameters
    ----------
    loss
        Function of the parameters, the one whose gradients ``update`` will be given.
    max_distance
        Where the search begins to look: at steps of up to ``max_distance`` times the gradient. It can
        come nearer, but never goes further.
    threshold, max_iterations
        When the search ends, as in :func:`udl_jax.ch06_fitting.line_search.search`.

    Returns
    -------
    optax.GradientTransformation
        :math:`\phi \leftarrow \phi - \alpha\,\partial L/\partial\phi`, with :math:`\alpha` from the search.

    Raises
    ------
    ValueError
        If ``max_distance`` is not positive; from ``update``, if it is not given the parameters, or if
        ``threshold`` or ``max_iterations`` is negative.

    References
    ----------
    Prince (2023), sections 6.1 and 6.1.1, equation 6.3, figure 6.1.
    """
    max_distance = number("max_distance", max_distance, above=0)
    threshold, max_iterations = (
        number("threshold", threshold, least=0),
        count("max_iterations", max_iterations, least=0),
    )

    def update(gradient, state, params=None):
        if params is None:
            raise ValueError(
                "steepest_descent searches from where the parameters are: give update its params"
            )

        def loss_after(distance):
            return loss(jax.tree.map(lambda p, g: (p - distance * g).astype(p.dtype), params, gradient))

        params = jax.tree.map(jnp.asarray, params)
        end = jnp.asarray(max_distance, at_least_single(jnp.result_type(*jax.tree.leaves(params))))
        found = line_search.search(
            loss_after, end.dtype.type(0), end, threshold, max_iterations, strict=False
        )
        return jax.tree.map(lambda g: (-found.minimum * g).astype(jnp.asarray(g).dtype), gradient), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)
