"""Stochastic gradient descent: each step looks at a few of the examples only."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, ArrayLike, Float, Int, Key, Num, PyTree

from udl_jax._annotations import checked
from udl_jax._checks import at_least_single, count, number, values
from udl_jax.ch06_fitting.gradient_descent import follow

#: A learning rate, or a schedule: a function from the number of steps done to the rate.
Rate = Num[ArrayLike, ""] | Callable


def sgd(rate: Rate) -> optax.GradientTransformation:
    r"""Step against the gradient; an Optax transformation.

    Parameters
    ----------
    rate
        Learning rate :math:`\alpha`, or a schedule of it.

    Returns
    -------
    optax.GradientTransformation
        :math:`\phi \leftarrow \phi - \alpha\,g`, the same as ``optax.sgd``, in any precision.

    Raises
    ------
    ValueError
        If ``rate`` is a number, and negative.

    References
    ----------
    Prince (2023), section 6.2, equations 6.3 and 6.10.

    Examples
    --------
    >>> sgd(0.5).update(jnp.array([2.0]), sgd(0.5).init(jnp.zeros(1)))[0]
    Array([-1.], dtype=float32)
    """
    return descending(rate, lambda params: optax.EmptyState(), lambda gradient, state: (gradient, state))


def descending(
    rate: Rate,
    init: Callable[[PyTree], PyTree],
    direction: Callable[[PyTree, PyTree], tuple[PyTree, PyTree]],
) -> optax.GradientTransformation:
    """Make an Optax transformation that steps against a direction, which it computes from the gradient.

    Direction and step are computed in single precision at least, and the step is cast to the gradient's dtype at
    the end: constants such as 1 - 0.999 do not exist in half precision, and no constant changes a dtype.

    Parameters
    ----------
    rate
        Learning rate, or a schedule of it.
    init
        From the parameters, in single precision at least, to what the direction remembers at first.
    direction
        From the gradient, in the same precision, and what is remembered, to the direction and what is remembered
        next.

    Returns
    -------
    optax.GradientTransformation
        Its state is a pair: what the direction remembers, and how many steps a schedule has seen.

    Raises
    ------
    ValueError
        If ``rate`` is a number, and negative.
    """
    rate = check_rate(rate)

    def init_both(params):
        counted = (
            optax.ScaleByScheduleState(jnp.zeros((), jnp.int32)) if callable(rate) else optax.EmptyState()
        )
        return init(in_single(params)), counted

    def update(gradient, state, params=None):
        remembered, counted = state
        along, remembered = direction(in_single(gradient), remembered)
        factor = rate
        if callable(rate):
            factor, counted = (
                rate(counted.count),
                optax.ScaleByScheduleState(optax.safe_increment(counted.count)),
            )
        steps = jax.tree.map(lambda d, g: _step(d, factor, jnp.asarray(g).dtype), along, gradient)
        return steps, (remembered, counted)

    return optax.GradientTransformation(init_both, update)


def in_single(tree: PyTree) -> PyTree:
    """Return arrays in single precision, or in double if they are; ``TypeError`` if one is not of real numbers."""

    def convert(leaf):
        array = jnp.asarray(leaf)
        if not jnp.issubdtype(array.dtype, jnp.floating):
            raise TypeError(f"parameters and their gradients must be real numbers, got {array.dtype}")
        return array.astype(at_least_single(array.dtype))

    return jax.tree.map(convert, tree)


def _step(direction, rate, dtype):
    return (-jnp.asarray(rate, direction.dtype) * direction).astype(dtype)


@checked
def decay_in_steps(
    rate: Num[ArrayLike, ""], factor: Num[ArrayLike, ""], every: int
) -> Callable[[Int[Array, "*steps"]], Float[Array, "*steps"]]:
    """Make a schedule that multiplies the learning rate by ``factor`` every so many steps.

    Parameters
    ----------
    rate
        Learning rate of the first steps.
    factor
        What it is multiplied by; the notebook's beta.
    every
        Number of steps between two changes; the notebook's M.

    Returns
    -------
    Callable
        From the number of steps done to the learning rate.

    Raises
    ------
    ValueError
        If ``rate`` is negative, ``factor`` is not positive, or ``every`` is not.

    References
    ----------
    Prince (2023), section 6.2.2; notebook 6.3.

    Examples
    --------
    >>> decay_in_steps(0.8, 0.5, every=2)(jnp.arange(5))
    Array([0.8, 0.8, 0.4, 0.4, 0.2], dtype=float32)
    """
    rate, factor = number("rate", rate, least=0), number("factor", factor, above=0)
    every = count("every", every)
    # optax.exponential_decay(staircase=True) computes in single precision even where JAX is set to double.
    return lambda step: rate * factor ** (step // every)


@checked(may_be_empty=("batches",))
def descend_in_batches(
    optimiser: optax.GradientTransformation,
    gradient: Callable[[Float[Array, "*shape"], Array, Array], Float[Array, "*shape"]],
    phi: Float[Array, "*shape"],
    x: Float[Array, "examples *features"],
    y: Num[Array, "outputs *targets"],
    batches: Int[Array, "steps batch"],
    position: Callable[[Float[Array, "*shape"], PyTree], Float[Array, "*shape"]] | None = None,
) -> Float[Array, "steps+1 *shape"]:
    """Take one step of an optimiser for each batch, down the loss of that batch.

    Parameters
    ----------
    optimiser
        Any Optax transformation; static under ``jit``, as the two functions are.
    gradient
        Gradient of a batch's loss, a function of parameters, inputs and outputs.
    phi
        Parameters to start from.
    x, y
        Inputs and outputs of the training pairs.
    batches
        Which pairs each step looks at, from :func:`draw_batches` or from elsewhere.
    position
        What to keep of a step, as in :func:`udl_jax.ch06_fitting.gradient_descent.follow`.

    Returns
    -------
    Float[Array, "steps+1 *shape"]
        Where the path stands at the start and after each step.

    Raises
    ------
    ValueError
        If ``x`` and ``y`` have different lengths, or ``batches`` has indices out of their range.

    References
    ----------
    Prince (2023), section 6.2, equation 6.10, figures 6.5 and 6.6.
    """
    _check_batches(x, y, batches)
    return follow(optimiser, lambda phi, batch: gradient(phi, x[batch], y[batch]), phi, batches, position)


@checked
def draw_batches(key: Key[Array, ""], examples: int, batch: int, steps: int) -> Int[Array, "{steps} {batch}"]:
    """Draw a batch for each step, without a look at the batches before it.

    This is how the notebook draws: no example twice in a batch, but nothing sees to it that all examples
    are visited equally often. :func:`udl_jax.training.draw_order` goes through the data in epochs, as the
    book recommends.

    Parameters
    ----------
    key
        Decides the draws.
    examples
        How many there are to draw from.
    batch
        Examples in a batch.
    steps
        Number of batches.

    Returns
    -------
    Int[Array, "{steps} {batch}"]
        Indices of examples.

    Raises
    ------
    ValueError
        If ``batch`` does not lie in 1 to ``examples``, or ``steps`` is negative.

    References
    ----------
    Prince (2023), section 6.2.1.

    Examples
    --------
    >>> draw_batches(jax.random.key(0), examples=30, batch=5, steps=41).shape
    (41, 5)
    """
    count("examples", examples)
    count("steps", steps, least=0)
    if not 1 <= batch <= examples:
        raise ValueError(f"batch must lie in 1..{examples}, the number of examples, got {batch}")
    # Sorting random numbers shuffles as well as jax.random.permutation, and takes a fraction of its time to compile.
    return jnp.argsort(jax.random.uniform(key, (steps, examples)), axis=1)[:, :batch]


def check_rate(rate: Rate) -> Rate:
    """Return a rate that is a function, or a finite number and not negative; else raise ``ValueError``."""
    return rate if callable(rate) else number("rate", rate, least=0)


def _check_batches(x, y, batches):
    if len(x) != len(y):
        raise ValueError(f"there are {len(x)} inputs but {len(y)} outputs")
    wanted = f"indices in 0..{len(x) - 1}"
    values("batches", batches, lambda batches: (batches >= 0) & (batches < len(x)), wanted)
