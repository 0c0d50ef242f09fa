"""From what a network puts out, any real numbers, to what a distribution's parameters may be."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Num, Shaped

from udl_jax._annotations import checked
from udl_jax._checks import as_array, as_floats, at_least_single, is_traced


@checked
def positive(outputs: Float[Array, "*any"]) -> Float[Array, "*any"]:
    r"""Map real numbers to positive ones by the softplus function.

    In finite precision the softplus of a very negative number is zero, and a density with a scale of
    zero has neither a logarithm nor a gradient. So the machine epsilon of the dtype is added.

    Parameters
    ----------
    outputs
        Any real numbers.

    Returns
    -------
    Float[Array, "*any"]
        :math:`\log(1 + e^a) + \epsilon`, which is :math:`a` for large :math:`a`.

    References
    ----------
    Prince (2023), section 5.3.4, which squares the output instead. The square has a zero, where the
    loss is infinite, and the same value for two outputs.

    Examples
    --------
    >>> positive(jnp.array([0.0, 100.0]))
    Array([  0.6931473, 100.       ], dtype=float32)
    >>> bool(positive(jnp.array(-1e4)) > 0)
    True
    """
    return jax.nn.softplus(outputs) + jnp.finfo(outputs.dtype).eps


@checked
def columns(
    outputs: Float[Array, "*batch width"], count: int, distribution: str
) -> tuple[Float[Array, "*batch"], ...]:
    """Take the outputs apart, one array for each parameter of a distribution.

    Parameters
    ----------
    outputs
        Network outputs, the parameters along the last axis.
    count
        How many the distribution has.
    distribution
        Its name, for the message.

    Returns
    -------
    tuple of Float[Array, "*batch"]
        The columns.

    Raises
    ------
    ValueError
        If there are more outputs or fewer.

    Examples
    --------
    >>> columns(jnp.array([[1.0, 2.0], [3.0, 4.0]]), 2, "normal")
    (Array([1., 3.], dtype=float32), Array([2., 4.], dtype=float32))
    """
    width = outputs.shape[-1]
    if width != count:
        raise ValueError(
            f"the {distribution} distribution takes {count} output{'s' * (count > 1)} an example, got {width}"
        )
    return tuple(jnp.moveaxis(outputs, -1, 0))


def require(holds: Bool[Array, "..."], y: Shaped[Array, "..."], expected: str) -> None:
    """Raise ``ValueError`` if observations lie where a distribution has none; pass over traced arrays.

    Parameters
    ----------
    holds
        Whether each observation is possible.
    y
        The observations.
    expected
        What they should be, for the message.

    Raises
    ------
    ValueError
        If any does not hold; the message shows the first such observation.

    Examples
    --------
    >>> counts = jnp.array([3, -1])
    >>> require(counts >= 0, counts, "counts 0, 1, 2, ...")
    Traceback (most recent call last):
        ...
    ValueError: y must be counts 0, 1, 2, ..., got -1
    """
    # NumPy, since JAX would trace even a constant when this runs inside jit.
    if is_traced(holds) or np.asarray(holds).all():
        return
    raise ValueError(f"y must be {expected}, got {np.asarray(y)[~np.asarray(holds)][0]}")


def require_positive(name: str, value: Float[Array, "*any"] | float) -> None:
    """Raise ``ValueError`` if a parameter that must be positive is not; pass over traced arrays.

    Parameters
    ----------
    name
        Of the argument, for the message.
    value
        Its value or values.

    Raises
    ------
    ValueError
        If any is zero, negative or NaN.

    Examples
    --------
    >>> require_positive("deviation", -1.0)
    Traceback (most recent call last):
        ...
    ValueError: deviation must be positive, got -1.0
    """
    if is_traced(value):
        return
    values = np.asarray(value)
    if not (values > 0).all():
        raise ValueError(f"{name} must be positive, got {values[~(values > 0)].ravel()[0]}")


@checked
def within_support(
    holds: Bool[Array, "*batch"], y: Num[Array, "*batch"], log_density: Float[Array, "*all"]
) -> Float[Array, "*all"]:
    """Give observations that are impossible the logarithm of no probability, as can be told under ``jit``, too.

    Examples
    --------
    >>> y = jnp.array([1.0, -1.0, jnp.nan])
    >>> within_support(y >= 0, y, jnp.zeros(3))
    Array([  0., -inf,  nan], dtype=float32)
    """
    return jnp.where(holds, log_density, jnp.where(jnp.isnan(y), jnp.nan, -jnp.inf))


class Observed(NamedTuple):
    """Parameters of a distribution and what is observed of it, ready to be computed with.

    Attributes
    ----------
    parameters
        Arrays, in single precision at least.
    y
        Observations; real numbers in the same precision, or integers of 32 bits.
    dtype
        What the density should have: that of the inputs.
    """

    parameters: tuple[Float[Array, "..."], ...]
    y: Num[Array, "..."]
    dtype: np.dtype


def observe(
    distribution: tuple,
    y: Num[Array, "..."],
    *,
    axes: tuple[int, ...] = (),
    event: int = 0,
    integers: bool = False,
) -> Observed:
    """Make parameters and observations fit each other, or refuse what would broadcast by mistake.

    Parameters
    ----------
    distribution
        A NamedTuple of parameters: arrays, or numbers.
    y
        Observations.
    axes
        How many axes of each parameter belong to one distribution; none by default.
    event
        How many axes of ``y`` belong to one observation.
    integers
        Whether ``y`` stay what they are, if they are integers.

    Returns
    -------
    Observed
        Arrays whose other axes, where there are any, are the same.

    Raises
    ------
    ValueError
        If they are not: one parameter for all observations will do, or one observation for all parameters,
        but neither a row for a column nor the other way round. Also if a parameter has too few axes.

    Examples
    --------
    >>> from udl_jax.ch05_loss_functions.unbounded import Normal
    >>> observe(Normal(0.0, 1.0), jnp.zeros(3)).y.shape
    (3,)
    >>> observe(Normal(jnp.zeros(3), 1.0), jnp.zeros((3, 1)))
    Traceback (most recent call last):
        ...
    ValueError: y of shape (3, 1) does not fit Normal with parameters of shape (3,), ()
    """
    name = type(distribution).__name__
    parameters = [
        as_floats(f"{field} of {name}", value) for field, value in zip(distribution._fields, distribution)
    ]
    y = as_array("y", y)
    axes = axes or (0,) * len(parameters)
    batches = [p.shape[: p.ndim - a] for p, a in zip(parameters, axes)] + [y.shape[: y.ndim - event]]
    enough = y.ndim >= event and all(p.ndim >= a for p, a in zip(parameters, axes))
    if not enough or len({batch for batch in batches if batch}) > 1:
        shapes = ", ".join(str(p.shape) for p in parameters)
        raise ValueError(f"y of shape {y.shape} does not fit {name} with parameters of shape {shapes}")
    is_integer = not jnp.issubdtype(y.dtype, jnp.floating)
    dtype = jnp.result_type(*parameters, *(() if is_integer else (y,)))
    precision = at_least_single(dtype)
    y = y.astype((np.int32 if y.dtype.itemsize < 4 else y.dtype) if is_integer and integers else precision)
    return Observed(tuple(p.astype(precision) for p in parameters), y, dtype)


def require_parameters(
    distribution: tuple, *, positive: tuple[str, ...] = (), least_zero: tuple[str, ...] = ()
) -> None:
    """Raise ``ValueError`` if a parameter with a value is negative, or zero where it must not be; let NaN pass.

    Examples
    --------
    >>> from udl_jax.ch05_loss_functions.bounded import Exponential
    >>> require_parameters(Exponential(-1.0), positive=("rate",))
    Traceback (most recent call last):
        ...
    ValueError: rate of Exponential must be positive, got -1.0
    """
    for field in (*positive, *least_zero):
        value = getattr(distribution, field)
        if is_traced(value):
            continue
        value = np.asarray(value)
        wrong = value <= 0 if field in positive else value < 0
        if wrong.any():
            what = "be positive" if field in positive else "not be negative"
            raise ValueError(
                f"{field} of {type(distribution).__name__} must {what}, got {value[wrong].ravel()[0]}"
            )
