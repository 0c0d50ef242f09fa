"""From what a network puts out, any real numbers, to what a distribution's parameters may be."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Shaped


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
    if isinstance(holds, jax.core.Tracer) or np.asarray(holds).all():
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
    if isinstance(value, jax.core.Tracer):
        return
    values = np.asarray(value)
    if not (values > 0).all():
        raise ValueError(f"{name} must be positive, got {values[~(values > 0)].ravel()[0]}")
