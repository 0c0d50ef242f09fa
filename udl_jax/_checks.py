"""Tell bad input in the caller's words, before anything is compiled; and make of good input what was expected.

All pass over values that are being traced, but never over shapes, which are known then, too. What annotations say
already, :func:`udl_jax._annotations.checked` holds arguments to.
"""

import math
import numbers
import operator
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

#: Half precisions are too narrow for constants such as 1 - 0.999: what is made of such is computed in this at least.
SINGLE = np.dtype(np.single)


def count(name: str, value: Any, least: int = 1) -> int:
    """Return a whole number as a Python integer; refuse what is none, is too small, or is being traced.

    Examples
    --------
    >>> count("steps", np.int64(3))
    3
    >>> count("steps", 0)
    Traceback (most recent call last):
        ...
    ValueError: steps must be at least 1, got 0
    """
    if is_traced(value):
        raise TypeError(
            f"{name} must be known before anything is compiled: make it static under jit, and do not vmap over it"
        )
    try:
        found = operator.index(value)
    except TypeError:
        found = None
    if found is None or isinstance(value, bool | np.bool):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if found < least:
        raise ValueError(f"{name} must {f'be at least {least}' if least else 'not be negative'}, got {found}")
    return found


def counts(name: str, value: Any, least: int = 1, length: int = 0) -> tuple[int, ...]:
    """Return several whole numbers, ``length`` at least, as :func:`count` returns one.

    Examples
    --------
    >>> counts("widths", [3, 0])
    Traceback (most recent call last):
        ...
    ValueError: widths[1] must be at least 1, got 0
    """
    try:
        several = tuple(value)
    except TypeError:
        raise TypeError(f"{name} must be a sequence of integers, got {value!r}") from None
    if len(several) < length:
        raise ValueError(f"{name} must have {length} entry at least, got {value!r}")
    return tuple(count(f"{name}[{k}]", each, least) for k, each in enumerate(several))


def number(
    name: str,
    value: Any,
    *,
    least: float | int | None = None,
    above: float | int | None = None,
    below: float | int | None = None,
    infinite: bool = False,
) -> Any:
    """Return one real number, as a Python number unless it is a JAX array; refuse what is none or out of range.

    Python's numbers, unlike NumPy's, never change the dtype of an array that they are combined with. NaN is out of
    any range, and so is infinity unless ``infinite``. Of traced numbers only kind and shape are looked at.

    Examples
    --------
    >>> number("rate", np.float64(0.5), least=0)
    0.5
    >>> number("beta", 1.0, least=0, below=1)
    Traceback (most recent call last):
        ...
    ValueError: beta must lie in [0, 1), got 1.0
    """
    given, value = value, as_number(name, value)
    if is_traced(value):
        return value
    found = float(value)
    if math.isinf(found) and not infinite:
        raise ValueError(f"{name} must be finite, got {given}")
    holds = not math.isnan(found) and (least is None or found >= least) and (above is None or found > above)
    if not holds or not (below is None or found < below):
        raise ValueError(f"{name} must {_range(least, above, below)}, got {given}")
    return value


def as_number(name: str, value: Any) -> Any:
    """Return one real number of any size, as :func:`number` does."""
    dtype = getattr(value, "dtype", np.dtype(float) if isinstance(value, numbers.Real) else None)
    if dtype is None or not (_is_real(dtype) or jnp.issubdtype(dtype, jnp.bool_)):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    if np.shape(value) != ():
        raise ValueError(f"{name} must be one number, got the shape {np.shape(value)}")
    return value if isinstance(value, jax.Array) else float(value)


def values(name: str, array: Any, holds: Callable[[np.ndarray], Any], expected: str) -> None:
    """Refuse an array of which some value, or row, does not satisfy ``holds``; pass over it while it is traced.

    Examples
    --------
    >>> values("y", jnp.array([3, -1]), lambda y: y >= 0, "counts 0, 1, 2, ...")
    Traceback (most recent call last):
        ...
    ValueError: y must be counts 0, 1, 2, ..., got -1
    """
    if is_traced(array):
        return
    array = np.asarray(array)  # NumPy, since JAX would trace even a constant when this runs inside jit
    held = np.asarray(holds(array))
    if not held.all():
        raise ValueError(f"{name} must be {expected}, got {array[~held].tolist()[0]}")


def shape_of(name: str, array: Any, shape: tuple[int, ...], of: str) -> None:
    """Refuse an array of another shape than the one that it must have, which is ``of`` something.

    Examples
    --------
    >>> shape_of("y", jnp.zeros((4, 1)), (4,), "the outputs")
    Traceback (most recent call last):
        ...
    ValueError: y must have the shape of the outputs, (4,), got (4, 1)
    """
    if jnp.shape(array) != tuple(shape):
        raise ValueError(f"{name} must have the shape of {of}, {tuple(shape)}, got {jnp.shape(array)}")


def scalar(name: str, value: Any) -> jax.Array:
    """Return what a function has returned, if that is one number.

    Examples
    --------
    >>> scalar("loss", jnp.zeros((1, 1)))
    Traceback (most recent call last):
        ...
    ValueError: loss must return one number, got the shape (1, 1)
    """
    if jnp.shape(value) != ():
        raise ValueError(f"{name} must return one number, got the shape {jnp.shape(value)}")
    return jnp.asarray(value)


def one_of(name: str, value: Any, options: Iterable[str]) -> str:
    """Return ``value`` if it is one of the options.

    Examples
    --------
    >>> one_of("keep", "sideways", ("forward", "backward"))
    Traceback (most recent call last):
        ...
    ValueError: keep must be one of 'forward', 'backward', got 'sideways'
    """
    options = tuple(options)
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
    return value


def as_array(name: str, value: Any, expected: str = "numbers") -> jax.Array:
    """Return an array of numbers from whatever can become one; refuse complex numbers and what is no number.

    Examples
    --------
    >>> as_array("x", "seven")
    Traceback (most recent call last):
        ...
    TypeError: x must be an array of numbers, got 'seven'
    """
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError, OverflowError):
        array = None
    if array is None or not (_is_real(array.dtype) or array.dtype == bool):
        raise TypeError(f"{name} must be an array of {expected}, got {_shown(value)}")
    return array


def as_floats(name: str, value: Any, axes: int | None = None) -> jax.Array:
    """Return an array of real numbers, also from integers; of so many axes, if told.

    Examples
    --------
    >>> as_floats("omega", np.eye(2, dtype=int), axes=2).dtype
    dtype('float32')
    """
    array = as_array(name, value, "real numbers")
    if axes is not None and array.ndim != axes:
        raise ValueError(
            f"{name} must have {axes} {'axis' if axes == 1 else 'axes'}, got the shape {array.shape}"
        )
    return array if jnp.issubdtype(array.dtype, jnp.floating) else array.astype(jnp.result_type(float))


def like(value: Any, *arrays: Any) -> Any:
    """Return a number in the dtype of arrays that it is to be combined with, and which it must not change.

    Python's numbers follow the arrays by themselves.

    Examples
    --------
    >>> like(jnp.array(2.0), jnp.zeros(3, jnp.bfloat16)).dtype
    dtype(bfloat16)
    """
    if isinstance(value, bool | int | float) and not isinstance(value, np.generic):
        return value
    return jnp.asarray(value).astype(jnp.result_type(*arrays))


def at_least_single(dtype: Any) -> np.dtype:
    """Return the precision to compute in for arrays of this dtype: their own, or single where theirs is half.

    Examples
    --------
    >>> at_least_single(jnp.bfloat16), at_least_single(np.double)
    (dtype('float32'), dtype('float64'))
    """
    return jnp.promote_types(dtype, SINGLE)


def is_traced(tree: Any) -> bool:
    """Tell whether a JAX transformation is looking at the tree, so that it has no values yet."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree))


def refuse_traced(function: str, tree: Any, why: str) -> None:
    """Raise ``TypeError`` if a function that needs values is being traced.

    The message names the function and says why it needs values.
    """
    if is_traced(tree):
        raise TypeError(f"{function} cannot run under jit, vmap or grad: {why}")


def _range(least, above, below):
    if least is not None and below is not None:
        return f"lie in [{least}, {below})"
    if above is not None and below is not None:
        return f"lie strictly between {above} and {below}"
    if above is not None:
        return "be positive" if above == 0 else f"be more than {above}"
    if least is not None:
        return "not be negative" if least == 0 else f"be at least {least}"
    return "be a number"


def _is_real(dtype):
    return jnp.issubdtype(dtype, jnp.floating) or jnp.issubdtype(dtype, jnp.integer)


def _shown(value):
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
