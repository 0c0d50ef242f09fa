"""Hold functions to their annotations, where shapes and kinds of arguments are written once for reader and machine."""

import functools
import inspect
import typing
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from udl_jax._checks import as_array, as_number, count

_FLOATS, _INTEGERS, _BOOLEANS, _NUMBERS, _KEYS = "real numbers", "integers", "booleans", "numbers", "keys"
_NO_LEAST = -(2**63)


class _Expected(typing.NamedTuple):
    """What an annotation asks for.

    Attributes
    ----------
    kind
        Of the array's values; or ``"int"``, or ``"callable"``.
    shape
        The words of the annotation, one for each axis; None where they are not looked at.
    is_number
        Whether a Python float will do, so that the argument is one number.
    is_optional
        Whether None will do.
    """

    kind: str
    shape: tuple[str, ...] | None = None
    is_number: bool = False
    is_optional: bool = False


def checked(function: Callable | None = None, *, may_be_empty: Iterable[str] = ()) -> Callable:
    """Hold a function to its annotations: convert arguments, and refuse those of other shapes or kinds by name.

    Of each argument whose annotation is a ``jaxtyping`` array, the number of axes and their sizes are compared
    with those written there; a name must have the same size in all arguments. NumPy arrays, lists and numbers become
    JAX arrays; integers become floating-point numbers where these are expected, and integers of less than 32 bits
    become 32 wide, so that 256 classes can be counted. Where a Python float will do, NumPy's numbers become one,
    since a number does not decide the dtype of a result. Keys may be of either kind. An argument that is
    annotated ``int`` must be an integer and not be traced, a ``Callable`` one must be callable.

    It stands above all other decorators, such as ``jax.jit``, but below ``nn.compact``.

    Parameters
    ----------
    function
        What to hold.
    may_be_empty
        Arguments that may have axes of size zero; no other may.

    Returns
    -------
    Callable
        The same function, which raises ``ValueError`` for shapes and ``TypeError`` for kinds.

    Examples
    --------
    >>> from jaxtyping import Array, Float
    >>> @checked
    ... def distance(x: Float[Array, " size"], y: Float[Array, " size"]) -> Float[Array, ""]:
    ...     return jnp.sum(jnp.abs(x - y))
    >>> distance([1, 2], np.array([1.0, 4.0]))
    Array(2., dtype=float32)
    >>> distance(jnp.ones(2), jnp.ones((2, 1)))
    Traceback (most recent call last):
        ...
    ValueError: y must have the shape (size), where size is 2 as in x, got (2, 1)
    """
    if function is None:
        return functools.partial(checked, may_be_empty=may_be_empty)
    signature = inspect.signature(function)
    read = {name: _read(parameter.annotation) for name, parameter in signature.parameters.items()}
    expected = {name: found for name, found in read.items() if found is not None}
    several = {p.name for p in signature.parameters.values() if p.kind is p.VAR_POSITIONAL}
    allowed = frozenset(may_be_empty)

    @functools.wraps(function)
    def held(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        found, wanted = {}, {}
        for name, what in expected.items():
            if name in several:
                each = {f"{name}[{k}]": value for k, value in enumerate(bound.arguments.get(name, ()))}
                found |= each
                wanted |= dict.fromkeys(each, what)
            elif name in bound.arguments:
                found[name], wanted[name] = bound.arguments[name], what
        settled = _settle(found, wanted)
        _check_shapes(settled, wanted, allowed)
        for name in bound.arguments.keys() & expected.keys():
            if name in several:
                bound.arguments[name] = tuple(v for k, v in settled.items() if k.startswith(f"{name}["))
            else:
                bound.arguments[name] = settled[name]
        return function(*bound.args, **bound.kwargs)

    return held


def as_key(name: str, value: Any) -> jax.Array:
    """Return a typed key, or several, also for the arrays of integers that :func:`jax.random.PRNGKey` makes."""
    dtype = getattr(value, "dtype", None)
    if dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key):
        return value
    if dtype != jnp.uint32 or np.ndim(value) == 0 or value.shape[-1:] != jax.random.PRNGKey(0).shape:
        raise TypeError(f"{name} must come from jax.random.key, got {value!r}")
    return jax.random.wrap_key_data(jnp.asarray(value))


def _read(annotation: Any) -> _Expected | None:
    """Read an annotation; None if it asks for nothing that is known here."""
    is_union = typing.get_origin(annotation) in (typing.Union, type(int | str))
    members = typing.get_args(annotation) if is_union else (annotation,)
    optional = type(None) in members
    members = tuple(member for member in members if member is not type(None))
    arrays = [m for m in members if isinstance(m, type) and hasattr(m, "dim_str") and hasattr(m, "dtypes")]
    if members == (int,):
        return _Expected("int", is_optional=optional)
    if len(members) == 1 and (members[0] is Callable or typing.get_origin(members[0]) is Callable):
        return _Expected("callable", is_optional=optional)
    if not arrays or any(typing.get_origin(member) is Callable for member in members):
        return None
    kinds = {_kind(member) for member in arrays}
    kind = _KEYS if _KEYS in kinds else kinds.pop() if len(kinds) == 1 else _NUMBERS
    shapes = {tuple(m.dim_str.replace("#", "").split()) for m in arrays if kind != _KEYS or _kind(m) == _KEYS}
    shape = shapes.pop() if len(shapes) == 1 else None
    return _Expected(kind, shape, shape == () and len(members) > len(arrays), optional)


def _kind(member) -> str:
    dtypes = member.dtypes if isinstance(member.dtypes, tuple) else ("any",)
    starts = {_KEYS: "prng", _FLOATS: ("float", "bfloat"), _INTEGERS: ("int", "uint"), _BOOLEANS: "bool"}
    return next((k for k, start in starts.items() if all(d.startswith(start) for d in dtypes)), _NUMBERS)


def _settle(found: dict[str, Any], wanted: dict[str, _Expected]) -> dict[str, Any]:
    """Convert arguments; what has no floating dtype of its own gets that of the other arguments."""
    floating = [
        jax.dtypes.canonicalize_dtype(value.dtype)
        for name, value in found.items()
        if wanted[name].kind == _FLOATS and not wanted[name].is_number and _is_floating(value)
    ]
    dtype = jnp.result_type(*floating) if floating else jnp.result_type(float)
    return {name: _convert(name, value, wanted[name], dtype) for name, value in found.items()}


def _is_floating(value) -> bool:
    """Tell whether these are real numbers with a dtype of their own, which Python's numbers have not, traced or not."""
    is_strong = isinstance(value, np.ndarray | np.generic) or (
        isinstance(value, jax.Array) and not jax.typeof(value).weak_type
    )
    return is_strong and jnp.issubdtype(value.dtype, jnp.floating)


def _convert(name, value, what, dtype):
    if value is None and what.is_optional:
        return None
    if what.kind == "int":
        return count(name, value, least=_NO_LEAST)
    if what.kind == "callable":
        if not callable(value):
            raise TypeError(f"{name} must be a function, got {value!r}")
        return value
    if what.kind == _KEYS:
        return as_key(name, value)
    if what.is_number:
        number = as_number(name, value)
        is_whole = jnp.issubdtype(jnp.result_type(value), jnp.integer)
        if what.kind == _INTEGERS and not is_whole:
            raise TypeError(f"{name} must be an integer, got {value!r}")
        return (
            int(value) if is_whole and what.kind != _FLOATS and not isinstance(value, jax.Array) else number
        )
    array = as_array(name, value, what.kind)
    return _as_kind(name, array, what.kind, dtype if not _is_floating(value) else array.dtype)


def _as_kind(name, array, kind, dtype):
    """Return an array whose values are of the kind, or refuse them."""
    is_floating, is_boolean = jnp.issubdtype(array.dtype, jnp.floating), array.dtype == bool
    if kind == _FLOATS:
        return array.astype(dtype)
    if (kind == _BOOLEANS and not is_boolean) or (kind == _INTEGERS and is_floating):
        raise TypeError(f"{name} must hold {kind}, got {array.dtype}")
    is_narrow = not is_floating and not (is_boolean and kind == _BOOLEANS) and array.dtype.itemsize < 4
    return array.astype(np.int32) if is_narrow else array


def _check_shapes(found: dict[str, Any], wanted: dict[str, _Expected], may_be_empty: frozenset[str]) -> None:
    """Compare shapes with annotations; the first argument that has a name decides its size."""
    sizes: dict[str, tuple[Any, str]] = {}
    for name, array in found.items():
        words = wanted[name].shape
        if words is None or array is None:
            continue
        shape = np.shape(array)
        if 0 in shape and name.split("[")[0] not in may_be_empty:
            raise ValueError(f"{name} must not be empty, got the shape {shape}")
        if not _fits(words, shape, sizes, name):
            raise ValueError(f"{name} must {_described(words, sizes)}, got {shape or 'a single number'}")


def _fits(words, shape, sizes, name) -> bool:
    """Bind the words of a shape to sizes, and tell whether those bound before agree."""
    starred = [k for k, word in enumerate(words) if word.startswith(("*", "..."))]
    if len(shape) < len(words) - len(starred) or (not starred and len(shape) != len(words)):
        return False
    parts = list(zip(words, shape))
    if starred:
        k = starred[0]
        rest = len(shape) - (len(words) - 1 - k)
        parts = [*zip(words[:k], shape[:k]), (words[k], shape[k:rest]), *zip(words[k + 1 :], shape[rest:])]
    held = [_bind(word, size, sizes, name) for word, size in parts]
    return all(held)


def _bind(word, size, sizes, name) -> bool:
    if word.isdigit():
        return size == int(word)
    if word.startswith(("_", "...")) or not word.lstrip("*").isidentifier():
        return True
    return sizes.setdefault(word, (size, name))[0] == size


def _described(words, sizes) -> str:
    known = [f"{word} is {sizes[word][0]} as in {sizes[word][1]}" for word in words if word in sizes]
    if not words:
        return "be a single number"
    return f"have the shape ({', '.join(words)}){', where ' if known else ''}{' and '.join(known)}"
